#include "hw_model/device/stability.hpp"

#include <limits>

#include "hw_model/physics/stable_step.hpp"

namespace heatbath::model {

double longest_stable_step(const Profile& profile, const physics::ArraySpec& spec, const physics::Parameters& p,
                           std::span<const std::uint8_t> clamped, double dt) {
  if (profile.refuse_unstable == Stability::never) return std::numeric_limits<double>::infinity();
  const bool rail = profile.refuse_unstable == Stability::rail;
  return physics::longest_stable_step(spec, p, clamped, rail ? physics::CurvatureAt::rail : physics::CurvatureAt::rest, dt);
}

}  // namespace heatbath::model
