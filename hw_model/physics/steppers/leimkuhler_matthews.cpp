// Leimkuhler and Matthews, Appl. Math. Res. Express 2013, 34.
#include "heatbath/physics/schemes.hpp"
#include "hw_model/physics/general_space.hpp"
#include "hw_model/physics/steppers/stepper_rule.hpp"

namespace heatbath::physics {

extern const StepperRule leimkuhler_matthews_rule{
    .stepper = Stepper::leimkuhler_matthews,
    .step = [](StepSpace& space) { schemes::leimkuhler_matthews(space); },
    .heat = [](const ArraySpec&, bool) { return HeatFrom::ends; },
    .longest = longest_euler,
    .refines = true,
};

}  // namespace heatbath::physics
