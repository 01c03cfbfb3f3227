#pragma once
// An oscillator Ising machine: phases that the couplings turn and a growing injection at twice the frequency makes binary.

#include <cstdint>

#include "heatbath/device.hpp"
#include "heatbath/network/network.hpp"
#include "heatbath/solvers/sample_set.hpp"

namespace heatbath::solvers {

/// How phases are made binary.
struct OscillatorOptions {
  std::uint32_t reads = 32;   ///< independent starts, on the device's lanes
  /// In units of the median over cells of sqrt(b^2 + sum J^2), for the injection at the end and the temperatures at both ends.
  double injection = 1, warmest = 0.3, coldest = 0.01;
  double time = 300;          ///< of a run, in units of 1 over the same median; above 0
  bool polish = false;        ///< flip single spins on the host as long as that lowers an energy; named in the result
  std::uint64_t seed = 1;
  Progress progress = nullptr;
};

/// For a network of spins, on a device of phases: V = sum J cos(th_i - th_j) + sum b cos th - K sum cos 2 th from random
/// phases, while the injection K grows from 0 and the temperature falls, both in one ramp; th = 0 and pi are the two
/// values of a spin. A state is stable once 4 K exceeds the largest eigenvalue of J_ij s_i s_j, so a strong injection
/// freezes whatever is there, and a slow ramp is what searches (Wang & Roychowdhury, OIM, UCNC 2019). All of it is the device's.
/// One row per read. Error(UNSUPPORTED) for other cells and ranges that do not hold it, Error(BAD_ARG) for options out of
/// range.
SampleSet oscillate(Device& device, const network::Network& network, const OscillatorOptions& options = {});

/// The network of phases at its end: to choose or open a device for.
network::Network oscillator_cells(const network::Network& network, const OscillatorOptions& options = {});

}  // namespace heatbath::solvers
