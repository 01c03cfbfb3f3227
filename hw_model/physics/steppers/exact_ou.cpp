// The transition law of linear cells (linear_step.hpp).
#include <algorithm>

#include "hw_model/physics/general_space.hpp"
#include "hw_model/physics/steppers/stepper_rule.hpp"

namespace heatbath::physics {

// z = propagate z + spread n + respond b, or that much more.
void StepSpace::exact() const {
  const auto& kernels = general_kernels();
  a.product(t, *p.propagate, state, guess);
  const auto normals_of = [&](Purpose purpose, float* n) {
    kernels.normals(a.address(t, origin, number, purpose), shape(), n);
  };
  if (a.inertia) normals_of(Purpose::thermal_second, n1);
  normals_of(Purpose::thermal, n1 + (a.inertia ? second() : 0));
  a.product(t, *p.spread, n1, k1);
  if (p.lane_bias) {
    std::copy_n(t.bias.data(), second(), n2);
    if (a.inertia) std::fill_n(n2 + second(), second(), 0.0f);
    a.product(t, *p.respond, n2, k2);
    if (p.lean) {
      std::copy_n(t.bias_change.data(), second(), n2);
      a.product(t, *p.lean, n2, n1);
      const std::size_t size = std::size_t{a.variables} * t.lanes;
      for (std::size_t at = 0; at < size; ++at) k2[at] += n1[at];
    }
  }
  const float* lane_shift = p.lane_bias ? k2 : nullptr;
  settle(position_limits(state), state, guess, k1, p.shift.data(), lane_shift);
  if (a.inertia)
    settle(velocity_limits(state + second()), state + second(), guess + second(), k1 + second(),
           p.lane_bias ? nullptr : p.shift.data() + a.cells, p.lane_bias ? lane_shift + second() : nullptr);
}

extern const StepperRule exact_ou_rule{
    .stepper = Stepper::exact_ou,
    .step = [](StepSpace& space) { space.exact(); },
    .heat = [](const ArraySpec&, bool potential) { return potential ? HeatFrom::energy : HeatFrom::ends; },
    .exact = Exact::whole,
};

}  // namespace heatbath::physics
