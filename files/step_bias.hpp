#pragma once
// What a device's step does to the results of a program, before it runs.

#include <optional>
#include <string>

#include "heatbath/measure/step_bias.hpp"
#include "heatbath/program.hpp"

namespace heatbath::apps {

/// The bias of variances under a step of `dt` time units, of the linear part of what the program loads before its first
/// commit. Nothing where none is known: other cells, parameters in codes, more than a million cells or couplings.
std::optional<measure::VarianceBias> step_bias(const Program& program, double dt);

/// In words: "variances up to 0.05 % too large (linear part)"; empty for a bias below 1e-6.
std::string in_words(const measure::VarianceBias& bias);

}  // namespace heatbath::apps
