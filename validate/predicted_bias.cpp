#include "validate/predicted_bias.hpp"

#include <utility>

#include "heatbath/regs.h"

namespace heatbath::validation {

double linear_variance_bias(Stepper stepper, double stiffness, double dt) {
  return dt > 0 ? linear_step(stepper, stiffness, dt).stationary_variance() - 1 / stiffness : 0;
}

std::optional<reference::OneStepChain> one_step_chain(Stepper stepper, reference::Function force, double dt,
                                                      reference::OneStepChain::Domain domain, double lower,
                                                      double upper, int points) {
  if (!(dt > 0)) return std::nullopt;
  reference::StepRule rule;
  switch (stepper) {
    case Stepper::euler_maruyama: rule = reference::StepRule::euler_maruyama; break;
    case Stepper::heun: rule = reference::StepRule::heun; break;
    case Stepper::leimkuhler_matthews: rule = reference::StepRule::leimkuhler_matthews; break;
    default: return std::nullopt;
  }
  return reference::OneStepChain(std::move(force), 1, dt, rule, domain, lower, upper, points);
}

}  // namespace heatbath::validation
