#pragma once
// Derivatives of averages with respect to parameters of a network, taken through the noise of the device.

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "heatbath/device.hpp"
#include "heatbath/measure/estimate.hpp"
#include "heatbath/network/network.hpp"

namespace heatbath::solvers {

/// A parameter of a network, in the sign and the units of its V.
struct Parameter {
  std::optional<CellSection> section = std::nullopt;  ///< none: a coupling
  std::uint32_t i = 0;                                ///< cell (of biases of categorical cells: value), or end of a coupling
  std::uint32_t j = 0;                                ///< other end of a coupling

  /// The value of cell `at` in a section; the coupling of i and j.
  static Parameter of(CellSection section, std::uint32_t at) { return {section, at, 0}; }
  static Parameter coupling(std::uint32_t i, std::uint32_t j) { return {std::nullopt, i, j}; }
};

/// How a derivative of <O> is measured.
enum class GradientMethod {
  /// d<O>/dp = -(<O dV/dp> - <O> <dV/dp>)/kT at equilibrium, for an O that does not depend on p: the covariance
  /// formula of a Boltzmann law. Any kind of cells that has an energy.
  equilibrium,
  /// Differences of runs with p a little higher and lower that share every random number. Any kind of cells and any time; the
  /// error of the difference itself is of second order in `difference`. Needs CAPS.SEEDED.
  common_noise,
  /// d<O>/dp = <O d ln P/dp> with P the probability of the whole path, from its captured steps
  /// (d ln P/dp = -sum_k (dx + V' dt) . dV'/dp / 2 kT over Euler-Maruyama steps): one run gives the derivative by every
  /// parameter, with an error that grows with the root of the time. Overdamped cells; needs CAPS.INCREMENTS_MARKOV,
  /// the stepper euler-maruyama and captures in float32.
  path_weights,
};

/// A function of a state, one value per cell in the network's units.
using Observable = std::function<double(std::span<const double> state)>;

/// How a derivative is measured.
struct GradientOptions {
  GradientMethod method = GradientMethod::equilibrium;  ///< by which identity
  double kT = 1;               ///< in the network's energy units
  /// From the start to the reading of O, network time units; of equilibrium the time before the first record, 0: as long as
  /// sample() takes.
  double time = 0;
  /// State at the start; empty: all 0 (spins at random). Not for `equilibrium`, which forgets it.
  std::vector<double> start = {};
  std::uint32_t shots = 4096;  ///< independent runs (pairs of runs with common noise; chains at equilibrium)
  std::uint32_t records = 16;  ///< of each chain at equilibrium
  double difference = 0.02;    ///< of common noise: how far each parameter is moved up and down
  double stiffness = 0.05;     ///< ScalingOptions::stiffness, which sets the step; at equilibrium that of sample()
  std::uint64_t seed = 1;
  Progress progress = nullptr;  ///< false: Error(ABORTED)
};

/// <O> and its derivatives, in the order of the parameters, in the network's units. Errors come from independent shots
/// (jackknife over blocks of them where a product of averages is involved).
struct Gradient {
  measure::Estimate mean;  ///< of O
  std::vector<measure::Estimate> derivatives;  ///< one for each parameter
};

/// Measures them by jobs on the device, whose step it sets where that can be set. Error(UNSUPPORTED) for what the method
/// needs and device or network lack, Error(BAD_ARG) for options out of range, parameters that the network does not
/// have, an observable that is not finite.
Gradient gradient(Device& device, const network::Network& network, std::span<const Parameter> parameters,
                  const Observable& observable, const GradientOptions& options);

}  // namespace heatbath::solvers
