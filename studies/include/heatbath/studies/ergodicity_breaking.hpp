#pragma once
// Whether a machine visits all of its states: overlaps, running means, chains that disagree, times of escape.

#include <cstdint>
#include <span>
#include <vector>

#include "heatbath/trainers/ergodicity/spin_device.hpp"

namespace heatbath::trainers {

/// Chains of one observable, equally long: chains x records, row-major.
struct Chains {
  std::uint32_t chains = 0, records = 0;  ///< sizes
  std::vector<double> values;  ///< chains x records

  /// One chain.
  std::span<const double> chain(std::uint32_t index) const {
    return {values.data() + std::size_t{index} * records, records};
  }
};

/// Magnetisation per cell m = sum s/N of every record.
Chains magnetisation(const SpinRecords& records);

/// Potential scale reduction of chains (Gelman & Rubin 1992) split in halves (Gelman et al. 2013): 1 when all sample
/// one law, far above it when they stay where they began. At least 2 chains of 4 records.
double r_hat(const Chains& chains);

/// Variance over chains of their running means after each record: falls as 1/t when the machine is ergodic, and stays
/// where it is not (Thirumalai, Mountain & Kirkpatrick, Phys. Rev. A 39, 3563, 1989).
std::vector<double> fluctuation_metric(const Chains& chains);

/// Mean over all chains and records from `first_record` on, with the error from chain to chain.
measure::Estimate chain_mean(const Chains& chains, std::uint32_t first_record = 0);

/// Overlaps q = sum_i s_i s'_i/N of chain 2k with chain 2k+1, at each record from `first_record` on: pairs x records.
Chains overlaps(const SpinRecords& records, std::uint32_t first_record = 0);

/// Histogram of values in -1..1, `bins` equal bins, sum 1.
std::vector<double> histogram(const Chains& chains, std::uint32_t bins);

/// A measured mean time of first passage and its exact value.
struct EscapeTime {
  double parameter = 0;  ///< height h of a double well, or inverse temperature of spins
  std::uint32_t cells = 0;
  measure::Estimate measured;  ///< time units of the machine
  double exact = 0;
  std::uint32_t escapes = 0, runs = 0;
  std::vector<double> times;  ///< of the runs that escaped, ascending
  double watched = 0;         ///< how long each run was watched
};

/// Curie–Weiss spins, H = -M^2/(2N), at inverse temperature `beta`: mean time from all up until M = 0, cells even, on
/// p-bits updated one at a time at random (stepper random-sequential; Error(UNSUPPORTED) otherwise). The step of the
/// device becomes one update. Runs that have not escaped within 8 exact times are counted by the time they were
/// watched.
EscapeTime curie_weiss_escape(Device& device, std::uint64_t seed, std::uint32_t cells, double beta, std::uint32_t runs,
                              const Progress& progress = {});

/// The exact mean time: heat-bath flips at rate (1 + s' tanh(beta (M - s)/N))/2 per spin towards s', a chain of births
/// and deaths in the number of spins up.
double curie_weiss_time(std::uint32_t cells, double beta);

/// The machine itself, J_ij = 1/N.
SpinMachine curie_weiss_machine(std::uint32_t cells);
/// <m^2> of it by the sum over M.
double curie_weiss_square(std::uint32_t cells, double beta);

/// Overdamped cells in V = height (x^2 - 1)^2 at T = 1: mean time from -1 to 0, of `cells` cells per shot that do not
/// couple, recorded at the shortest capture period D. A crossing between two records is not seen; the boundary is moved
/// towards the well by 0.5826 sqrt(2 mu kT D) for it (Broadie, Glasserman & Kou 1997).
EscapeTime double_well_escape(Device& device, std::uint64_t seed, double height, std::uint32_t cells,
                              std::uint32_t shots, const Progress& progress = {});

/// The exact mean time by quadrature of int_{-1}^0 dy e^{V(y)} int_{-inf}^y dz e^{-V(z)} (Gardiner, Stochastic
/// Methods).
double double_well_time(double height);

/// The control: R-hat of linear cells, V = x^2/2 at T = 1, of which half begin at +3 and half at -3, after they were
/// let go for 8 relaxation times. 1 but for chance: linear cells have one minimum.
double linear_cells_r_hat(Device& device, std::uint64_t seed, std::uint32_t shots);

}  // namespace heatbath::trainers
