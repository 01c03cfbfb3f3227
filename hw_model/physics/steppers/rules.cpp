#include "hw_model/physics/steppers/stepper_rule.hpp"

namespace heatbath::physics {

extern const StepperRule euler_maruyama_rule, heun_rule, leimkuhler_matthews_rule, baoab_rule, exact_ou_rule,
    sequential_rule, random_sequential_rule, two_colour_rule, lattice_walk_rule;

const StepperRule& rule(const ArraySpec& spec) {
  static const StepperRule* const rules[] = {
      nullptr,  // none
      &euler_maruyama_rule,
      &heun_rule,
      &leimkuhler_matthews_rule,
      &baoab_rule,
      &exact_ou_rule,
      &sequential_rule,
      &random_sequential_rule,
      &two_colour_rule,
      &lattice_walk_rule,
  };
  const Stepper stepper = spec.stepper == Stepper::none ? default_stepper(spec.kind, spec.graph.get()) : spec.stepper;
  return *rules[static_cast<std::size_t>(stepper)];
}

}  // namespace heatbath::physics
