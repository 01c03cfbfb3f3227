// Stochastic Heun (Kloeden and Platen 1992, 15.1).
#include "heatbath/physics/schemes.hpp"
#include "hw_model/physics/cell_law.hpp"
#include "hw_model/physics/general_space.hpp"
#include "hw_model/physics/steppers/stepper_rule.hpp"

namespace heatbath::physics {

extern const StepperRule heun_rule{
    .stepper = Stepper::heun,
    .step = [](StepSpace& space) { schemes::heun(space); },
    .heat = [](const ArraySpec& spec, bool) {
      const CellLaw& cell = law(spec.kind);
      if (!spec.colour.white()) return HeatFrom::ends;
      return cell.capacitive ? HeatFrom::nodes : cell.inertia ? HeatFrom::ends : HeatFrom::guess;
    },
    // |1 - z + z^2/2| > 1 for |z| > 1 + sqrt 5, and a ray from 0 leaves the region of stability once.
    .longest = [](std::complex<double> rate, double decay, double growth) {
      const std::complex<double> held{decay, rate.imag()};
      return crossing((1 + std::sqrt(5.0)) / std::abs(rate), growth, [&](double h) {
        const std::complex<double> z = h * held;
        return std::abs(1.0 - z + 0.5 * z * z);
      });
    },
    // The region reaches to |z| = 2 at least where Re z >= |z|/2, and less far the steeper z is beyond that.
    .longest_swing = 2,
    .refines = true,
};

}  // namespace heatbath::physics
