// Euler–Maruyama (Maruyama 1955).
#include "heatbath/physics/schemes.hpp"
#include "hw_model/physics/cell_law.hpp"
#include "hw_model/physics/general_space.hpp"
#include "hw_model/physics/steppers/stepper_rule.hpp"

namespace heatbath::physics {

extern const StepperRule euler_maruyama_rule{
    .stepper = Stepper::euler_maruyama,
    .step = [](StepSpace& space) { schemes::euler_maruyama(space); },
    .heat = [](const ArraySpec& spec, bool) {
      return !law(spec.kind).inertia && spec.colour.white() ? HeatFrom::noises : HeatFrom::ends;
    },
    .longest = longest_euler,
    .refines = true,
};

}  // namespace heatbath::physics
