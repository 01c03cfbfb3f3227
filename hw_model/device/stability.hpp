#pragma once
// How long a step of overdamped cells may be.

#include <cstdint>

#include "hw_model/device/profile.hpp"
#include "hw_model/physics/array.hpp"

namespace heatbath::model {

/// Longest step in time units that is stable for explicit steps of overdamped cells (Euler-Maruyama, Heun,
/// Leimkuhler-Matthews): 2/(mu (lambda_max(gain J) + 2 max J2 + 12 max J4 x^2)), with x the rail where the profile
/// refuses by it and 0 where it refuses by the linear part. Infinite where nothing bounds it: other cells and steppers,
/// Stability::never, or no positive curvature.
/// lambda_max is that of the symmetric part of J (couplings that are not reciprocal turn the flow besides; that is not
/// looked at). First its bound by row sums (Gershgorin) is taken; only when `dt` is
/// not below the step that this allows is it computed (physics/coupling_spectrum.hpp, from below): a stable step is
/// never refused, and parameters far from the limit cost O(cells).
double longest_stable_step(const Profile& profile, const physics::ArraySpec& spec, const physics::Parameters& parameters,
                           double dt);

}  // namespace heatbath::model
