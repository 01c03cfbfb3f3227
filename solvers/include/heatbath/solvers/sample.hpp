#pragma once
// Samples of the law of a network at a temperature, with what they say of the sampler.

#include <cstdint>
#include <optional>

#include "heatbath/device.hpp"
#include "heatbath/measure/certificate.hpp"
#include "heatbath/network/network.hpp"
#include "heatbath/solvers/sample_set.hpp"
#include "heatbath/solvers/sample_statistics.hpp"

namespace heatbath::solvers {

/// How many samples are wanted, and of what.
struct SampleOptions {
  double kT = 1;                  ///< in the network's energy units
  std::uint32_t chains = 64;      ///< independent, on the device's lanes
  std::uint32_t records = 100;    ///< of each chain
  /// Time before the first record and between records, in the network's time units (sweeps of p-bits). 0: 8 times and
  /// once the bound on the relaxation time, where there is one (Scaling::relaxation_time), else 20 times and once the longest
  /// autocorrelation time of the energy and of 16 cells in pilot runs.
  double burn_in = 0, spacing = 0;
  bool meters = false;            ///< SampleSet::heat_joules, where the device has meters; spins then run slower
  /// false: no state is kept, for runs larger than memory. The certificate is then of the first records of each chain
  /// that fit in 64 MiB.
  bool keep_states = true;
  StatisticsChoice statistics = {};  ///< kept while the run goes
  std::uint64_t seed = 1;
  Progress progress = nullptr;    ///< false: Error(ABORTED)
};

/// Samples and what they say of themselves.
struct Sampling {
  /// A row for each record of each chain, chain by chain; energies of the network as given. No rows without keep_states.
  SampleSet samples{1, Origin::law};
  double burn_in = 0, spacing = 0;    ///< as they were, network time units
  /// Of cells with an energy but categorical ones, where there are 2 samples or more.
  std::optional<measure::Certificate> certificate;
  std::uint32_t certified_records = 0;  ///< of each chain
  std::optional<SampleStatistics> statistics;  ///< where any were asked for
  double device_heat = 0;             ///< given to the bath, the device's energy units; NaN: not metered
};

/// Error(UNSUPPORTED) where no time is given and pilot runs do not resolve one, and for what the device lacks;
/// Error(BAD_ARG) for options out of range, for states that take more than 4 GiB and for directed couplings, whose states
/// follow no energy. Spins start at random, other cells where the device has them.
Sampling sample(Device& device, const network::Network& network, const SampleOptions& options = {});

}  // namespace heatbath::solvers
