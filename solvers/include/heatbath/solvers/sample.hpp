#pragma once
// Samples of the law of a network at a temperature, with what they say of the sampler.

#include <cstdint>
#include <optional>

#include "heatbath/device.hpp"
#include "heatbath/measure/certificate.hpp"
#include "heatbath/network/network.hpp"
#include "heatbath/solvers/sample_set.hpp"

namespace heatbath::solvers {

struct SampleOptions {
  double kT = 1;                  ///< in the network's energy units
  std::uint32_t chains = 64;      ///< independent, on the device's lanes
  std::uint32_t records = 100;    ///< of each chain
  /// Time before the first record and between records, in the network's time units (sweeps of p-bits). 0: 8 times and
  /// once the bound on the relaxation time, where there is one (Scaling::relaxation_time).
  double burn_in = 0, spacing = 0;
  bool meters = false;            ///< SampleSet::heat_joules, where the device has meters; spins then run slower
  std::uint64_t seed = 1;
  Progress progress = nullptr;    ///< false: Error(ABORTED)
};

struct Sampling {
  SampleSet samples{1, Origin::law};  ///< a row for each record of each chain; energies of the network as given
  std::optional<measure::Certificate> certificate;  ///< of p-bits and overdamped cells
};

/// Error(UNSUPPORTED) where no bound on the relaxation time is known and no time is given, and for what the device lacks;
/// Error(BAD_ARG) for options out of range. Spins start at random, other cells where the device has them.
Sampling sample(Device& device, const network::Network& network, const SampleOptions& options = {});

}  // namespace heatbath::solvers
