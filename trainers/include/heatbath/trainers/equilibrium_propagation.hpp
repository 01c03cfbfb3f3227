#pragma once
// Equilibrium propagation: a network of quartic cells learns a map by the difference of two equilibria, nudged towards
// the target and away from it (Scellier & Bengio, Frontiers in Computational Neuroscience 11, 24, 2017; two signs: Laborieux
// et al., Frontiers in Neuroscience 15, 633674, 2021).

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "heatbath/device.hpp"
#include "heatbath/measure/estimate.hpp"

namespace heatbath::trainers {

/// What is to be learned: rows of inputs, and of the outputs wanted.
struct MapExamples {
  std::uint32_t inputs = 0, outputs = 0;  ///< values of an example
  std::vector<double> input, target;  ///< examples x inputs, examples x outputs, row-major

  std::size_t size() const { return inputs == 0 ? 0 : input.size() / inputs; }  ///< examples
};

/// Cells in the order inputs, hidden, outputs; inputs are clamped. V = sum over the others (J2 x^2 + J4 x^4 + b x) + sum J x x
/// over all pairs but input-input and output-output.
struct QuarticNet {
  std::uint32_t inputs = 0, hidden = 0, outputs = 0;  ///< cells of each sort
  double j2 = 0.5, j4 = 0.25;  ///< of hidden and output cells
  std::vector<double> bias;       ///< hidden, outputs
  std::vector<double> couplings;  ///< J of pairs(), in that order

  /// Couplings normal with the deviation `width`/sqrt(cells), biases 0: a pure function of the seed.
  static QuarticNet random(std::uint32_t inputs, std::uint32_t hidden, std::uint32_t outputs, double width, std::uint64_t seed);
  std::uint32_t cells() const { return inputs + hidden + outputs; }
  /// Two cells that are coupled.
  struct Pair {
    std::uint32_t i, j;  ///< i < j
  };
  std::vector<Pair> pairs() const;  ///< i < j
};

/// How a net relaxes, is nudged and follows its gradient.
struct EquilibriumOptions {
  double kT = 0.1;  ///< energy units
  double nudge = 0.3;           ///< beta: V gets +-beta C, C = sum (output - target)^2/2
  std::uint32_t repeats = 16;   ///< shots of each example, per sign
  double relax = 8;             ///< before the first record, time units
  std::uint32_t records = 8;
  double interval = 0.5;        ///< between records
  double rate = 0.1;
  double stiffness = 0.05;      ///< ScalingOptions::stiffness
  std::uint64_t seed = 1;       ///< where the device takes one
  Progress progress = nullptr;  ///< of each job; false ends the call with Error(ABORTED)
};

/// d<C>/d(biases, then couplings), mean over the examples: (<dV/dp>_+beta - <dV/dp>_-beta)/(2 beta), because the derivative of
/// <dV/dp> by beta is that of <C> by p (both are second derivatives of one free energy); what beta leaves is of its second
/// order. Both signs take the same noise where the device is seeded. Errors from the repeats, which are independent (2 or more).
struct EquilibriumGradient {
  std::vector<measure::Estimate> derivatives;  ///< of biases, then couplings
  double cost = 0;  ///< mean C of both signs
};
/// Shots are numbered from `first_shot`: examples x repeats of them. Error(UNSUPPORTED) for other than overdamped cells and
/// what their ranges do not hold, Error(BAD_ARG) for sizes and options out of range.
EquilibriumGradient equilibrium_gradient(Device& device, const QuarticNet& net, const MapExamples& examples,
                                         const EquilibriumOptions& options, std::uint32_t first_shot = 0);

/// Width of the couplings of a new net, times the root of its cells.
inline constexpr double first_width = 1.5;
/// The first of the shots that a training does not number: for readings of what it has made.
inline constexpr std::uint32_t first_reading = 0xC0000000u;

/// Mean outputs of the cells left alone, examples x outputs.
std::vector<double> equilibrium_outputs(Device& device, const QuarticNet& net, const MapExamples& examples,
                                        const EquilibriumOptions& options, std::uint32_t first_shot = 0);

/// A net in training; complete after every update.
struct EquilibriumTraining {
  QuarticNet net;  ///< as it is now
  std::uint32_t updates = 0;  ///< made so far
  std::vector<double> costs;  ///< of every update, before it
};

/// Descends until `until` updates are made; update u has shots of its own, so that a training that is taken up comes to the
/// bits of one that was never stopped, for any lanes. `after` is called after every update; false stops.
void train_equilibrium(Device& device, const MapExamples& examples, const EquilibriumOptions& options, std::uint32_t until,
                       EquilibriumTraining& training, const std::function<bool()>& after = {});

}  // namespace heatbath::trainers
