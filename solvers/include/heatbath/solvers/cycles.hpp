#pragma once
// Thermal cycles: many reads of a network of spins are warmed a little and cooled again, and the best of all is kept.

#include <cstdint>
#include <optional>
#include <vector>

#include "heatbath/device.hpp"
#include "heatbath/network/network.hpp"
#include "heatbath/solvers/sample_set.hpp"

namespace heatbath::solvers {

/// How reads are annealed, warmed and merged.
struct CyclesOptions {
  std::uint32_t reads = 64;         ///< on the device's lanes, shared among the families
  std::uint32_t families = 1;       ///< searches side by side, at most `reads`
  std::uint32_t sweeps = 300;       ///< of the first annealing, at least 1
  std::uint32_t cycles = 20;        ///< after it
  std::uint32_t cycle_sweeps = 100; ///< of each, at least 1
  double coldest = 0, hottest = 0;  ///< of the first annealing; 0: temperature_range()
  /// Cycles begin at four temperatures by turns, in equal ratios from `warmest` to `mildest`. 0: the median over
  /// cells of sqrt(b^2 + sum J^2), and half of `warmest`, neither below coldest.
  double warmest = 0, mildest = 0;
  /// After each cycle the host goes through the reads of a family: each connected group of cells in which one differs
  /// from the family's state is taken over where that lowers the energy, or with probability 1/2 where it leaves it as it
  /// is; then, from the states of the other families, groups of at most half of the cells that differ, so that families
  /// learn from each other and stay different. false: the family's state is the lowest read. Named in the result.
  bool merge = true;
  std::optional<double> target;     ///< ends when an energy at or below it is found
  bool polish = false;              ///< flip single spins of the last states as long as that lowers an energy
  std::uint64_t seed = 1;
  Progress progress = nullptr;      ///< false ends the run with what it has, after the first annealing
};

/// What the cycles found.
struct CyclesResult {
  SampleSet best{1, Origin::search};  ///< the state of each family: a search
  std::vector<double> lowest;         ///< energy of all families after the first annealing and each cycle
  std::uint64_t best_updates = 0;     ///< updates of cells until the lowest energy came first
  double mean_group = 0;              ///< cells of a group that was looked at
  bool interrupted = false;
};

/// Anneals all reads in equal ratios of kT from random states; then every read of a family starts at the family's state, warm,
/// and is cooled to coldest (thermal cycling: Moebius et al., Phys. Rev. Lett. 79, 4297 (1997)). Groups of two states
/// are independent of each other, so taking the better side of each gives the best of all their combinations (partition
/// crossover: Whitley, Hains & Howe, GECCO 2009); on sparse graphs there are many of them. Error(BAD_ARG) for options out of range,
/// Error(UNSUPPORTED) for what the device lacks.
CyclesResult cycle(Device& device, const network::Network& network, const CyclesOptions& options = {});

}  // namespace heatbath::solvers
