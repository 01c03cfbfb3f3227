#include "apps/validate/predicted_bias.hpp"

#include <cmath>
#include <utility>

#include "heatbath/regs.h"

namespace heatbath::validation {

LinearStep linear_step(std::uint32_t stepper, double stiffness, double dt) {
  const double a = stiffness * dt, half = (1 - a / 2) * (1 - a / 2);
  switch (stepper) {
    case HB_CAPS_CELL_STEPPER_EULER_MARUYAMA: return {1 - a, 2 * dt, 0};
    case HB_CAPS_CELL_STEPPER_HEUN: return {1 - a + a * a / 2, 2 * dt * half, 0};
    case HB_CAPS_CELL_STEPPER_LEIMKUHLER_MATTHEWS: return {1 - a, 2 * dt * half, dt / 2};
    default: break;
  }
  const double gain = std::exp(-a);
  return {gain, stiffness != 0 ? (1 - gain * gain) / stiffness : 2 * dt, 0};
}

double linear_variance_bias(std::uint32_t stepper, double stiffness, double dt) {
  return dt > 0 ? linear_step(stepper, stiffness, dt).stationary_variance() - 1 / stiffness : 0;
}

std::optional<reference::OneStepChain> one_step_chain(std::uint32_t stepper, reference::Function force, double dt,
                                                      reference::OneStepChain::Domain domain, double lower,
                                                      double upper, int points) {
  if (!(dt > 0)) return std::nullopt;
  reference::StepRule rule;
  switch (stepper) {
    case HB_CAPS_CELL_STEPPER_EULER_MARUYAMA: rule = reference::StepRule::euler_maruyama; break;
    case HB_CAPS_CELL_STEPPER_HEUN: rule = reference::StepRule::heun; break;
    case HB_CAPS_CELL_STEPPER_LEIMKUHLER_MATTHEWS: rule = reference::StepRule::leimkuhler_matthews; break;
    default: return std::nullopt;
  }
  return reference::OneStepChain(std::move(force), 1, dt, rule, domain, lower, upper, points);
}

}  // namespace heatbath::validation
