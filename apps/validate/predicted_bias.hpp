#pragma once
// What the finite step of a device's stepper adds to an exact value, computed from the stepper's rule.

#include <cstdint>
#include <optional>

#include "sim/reference/one_step_chain.hpp"

namespace heatbath::validation {

/// One step of a linear cell of stiffness k at kT = 1 and mobility 1: x' - c = gain (x - c) + noise of this variance,
/// c the rest position. `extra` adds to variances seen at one instant (Leimkuhler–Matthews, a chain in another
/// variable). Other steppers than the explicit ones are taken as exact.
struct LinearStep {
  double gain = 1, noise = 0, extra = 0;

  double stationary_variance() const { return noise / (1 - gain * gain) + extra; }
};
/// `stepper`: enumerator of CAPS_CELL.STEPPER; dt > 0.
LinearStep linear_step(std::uint32_t stepper, double stiffness, double dt);

/// Stationary variance of a linear cell under a stepper, less 1/stiffness; 0 for dt = 0.
double linear_variance_bias(std::uint32_t stepper, double stiffness, double dt);

/// The chain of one overdamped or phase cell under a stepper; none for steppers that are exact or unknown, or dt = 0.
std::optional<reference::OneStepChain> one_step_chain(std::uint32_t stepper, reference::Function force, double dt,
                                                      reference::OneStepChain::Domain domain, double lower,
                                                      double upper, int points = 128);

}  // namespace heatbath::validation
