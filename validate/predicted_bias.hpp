#pragma once
// What the finite step of a device's stepper adds to an exact value, computed from the stepper's rule.

#include <cstdint>
#include <optional>

#include "heatbath/measure/step_bias.hpp"
#include "oracles/one_step_chain.hpp"

namespace heatbath::validation {

using measure::linear_step;
using measure::LinearStep;

/// Stationary variance of a linear cell under a stepper, less 1/stiffness; 0 for dt = 0.
double linear_variance_bias(Stepper stepper, double stiffness, double dt);

/// The chain of one overdamped or phase cell under a stepper; none for steppers that are exact or unknown, or dt = 0.
std::optional<reference::OneStepChain> one_step_chain(Stepper stepper, reference::Function force, double dt,
                                                      reference::OneStepChain::Domain domain, double lower,
                                                      double upper, int points = 128);

}  // namespace heatbath::validation
