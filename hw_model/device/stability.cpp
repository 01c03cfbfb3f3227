#include "hw_model/device/stability.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "hw_model/physics/coupling_spectrum.hpp"

namespace heatbath::model {
namespace {

constexpr double unbounded = std::numeric_limits<double>::infinity();

bool is_explicit(physics::Stepper stepper) {
  return stepper == physics::Stepper::euler_maruyama || stepper == physics::Stepper::heun ||
         stepper == physics::Stepper::leimkuhler_matthews;
}

double largest(const std::vector<float>& values) {
  return values.empty() ? 0.0 : static_cast<double>(*std::max_element(values.begin(), values.end()));
}

}  // namespace

double longest_stable_step(const Profile& profile, const physics::ArraySpec& spec, const physics::Parameters& p,
                           double dt) {
  if (profile.refuse_unstable == Stability::never || spec.kind != physics::CellKind::overdamped ||
      !is_explicit(spec.stepper))
    return unbounded;
  const double x = profile.refuse_unstable == Stability::rail ? static_cast<double>(spec.rail) : 0.0;
  const double own = 2 * largest(p.j2) + 12 * largest(p.j4) * x * x;
  const double mobility = static_cast<double>(spec.mobility), gain = static_cast<double>(p.gain);
  const auto longest = [&](double coupled) {
    const double curvature = mobility * (coupled + own);
    return curvature > 0 ? 2 / curvature : unbounded;
  };
  const double safe = longest(std::abs(gain) * static_cast<double>(p.couplings->largest_row_sum()));
  return dt < safe ? safe : longest(physics::largest_eigenvalue(*p.couplings, gain));
}

}  // namespace heatbath::model
