#pragma once
// Ballistic simulated bifurcation on cells with inertia: a search without noise, by classical mechanics.

#include <cstdint>

#include "heatbath/device.hpp"
#include "heatbath/network/network.hpp"
#include "heatbath/solvers/sample_set.hpp"

namespace heatbath::solvers {

/// How oscillators are driven through their threshold.
struct BifurcationOptions {
  std::uint32_t reads = 32;   ///< independent starts, on the device's lanes
  double time = 500;          ///< of a run, in units of a free cell's 1/frequency at the start; above 0
  double step = 0.5;          ///< of the integrator, where it can be chosen; above 0
  double friction = 0.1;      ///< of a cell, per unit of time; at least 0
  double strength = 0;        ///< factor on couplings and fields; 0: 0.5 sqrt(cells - 1)/sqrt(sum of J_ij^2 over ordered pairs)
  bool polish = false;        ///< flip single spins on the host as long as that lowers an energy; named in the result
  std::uint64_t seed = 1;
  Progress progress = nullptr;
};

/// For a network of spins, on a device of underdamped cells: x'' = -2 J2(t) x - friction x' - strength (b + sum J x), from
/// small random positions at rest, with 2 J2 falling from 1 to 0 and walls at the rails of the device, which stand for +-1.
/// The signs at the end are the state (Goto et al., Sci. Adv. 7, eabe7953 (2021), there with walls that stop a cell,
/// which here friction does). All of it is the device's. One row per read. Error(UNSUPPORTED) for other cells and ranges
/// that do not hold it, Error(BAD_ARG) for options out of range.
SampleSet bifurcate(Device& device, const network::Network& network, const BifurcationOptions& options = {});

/// The network of underdamped cells whose mechanics bifurcate() runs, at its start: to choose or open a device for.
network::Network bifurcation_cells(const network::Network& network, const BifurcationOptions& options = {});

}  // namespace heatbath::solvers
