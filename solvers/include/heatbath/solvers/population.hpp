#pragma once
// Population annealing: many copies of a network of spins are cooled together, and weighted by being copied or dropped.

#include <cstdint>
#include <vector>

#include "heatbath/device.hpp"
#include "heatbath/measure/estimate.hpp"
#include "heatbath/network/network.hpp"
#include "heatbath/solvers/sample_set.hpp"

namespace heatbath::solvers {

/// How populations are cooled.
struct PopulationOptions {
  std::uint32_t populations = 16;     ///< independent ones, at least 4: from their scatter come all errors
  std::uint32_t replicas = 64;        ///< of each, at least 2
  std::uint32_t temperatures = 64;    ///< at least 2
  double coldest = 0, hottest = 0;    ///< 0: temperature_range()
  std::uint32_t sweeps = 10;          ///< at each temperature, at least 1
  bool polish = false;                ///< flip single spins of the last states as long as that lowers an energy
  std::uint64_t seed = 1;
  Progress progress = nullptr;        ///< false ends the run: Error(ABORTED)
};

/// What came out at one temperature. Populations count by their estimates of Z (Machta 2010), which takes most of the
/// bias of small ones; errors by the jackknife over them.
struct PopulationStep {
  double kT = 0;  ///< of the step, the network's energy units
  measure::Estimate energy;         ///< mean over the law
  measure::Estimate log_partition;  ///< ln of the sum of exp(-V/kT) over all states
  double families = 0;              ///< mean over populations of 1/sum of squared shares of the first states' copies
};

/// What populations left.
struct PopulationResult {
  SampleSet states{1, Origin::search};  ///< the last states
  std::vector<PopulationStep> steps;    ///< hottest first
};

/// From random states, the law of 1/kT = 0, in equal steps of 1/kT down to coldest: each state is copied in proportion to
/// exp(-(1/kT' - 1/kT) V), as often as one random number for its population says (systematic resampling, sizes stay), and
/// then swept at kT' (Hukushima & Iba 2003; Machta, Phys. Rev. E 82, 026704 (2010)). The first temperature is hottest.
/// Error(BAD_ARG) for options out of range, Error(UNSUPPORTED) for what the device lacks.
PopulationResult anneal_population(Device& device, const network::Network& network, const PopulationOptions& options = {});

}  // namespace heatbath::solvers
