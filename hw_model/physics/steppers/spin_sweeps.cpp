// Updates of spins: one after another, drawn at random, or one colour of a bipartite graph at once (spin_steps.cpp).
#include "hw_model/physics/steppers/stepper_rule.hpp"

namespace heatbath::physics {

extern const StepperRule sequential_rule{.stepper = Stepper::sequential, .in_sweeps = true};
extern const StepperRule random_sequential_rule{.stepper = Stepper::random_sequential, .at_random = true};
extern const StepperRule two_colour_rule{.stepper = Stepper::two_colour, .in_sweeps = true, .by_colour = true};

}  // namespace heatbath::physics
