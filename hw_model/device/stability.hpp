#pragma once
// Which steps a profile refuses.

#include <cstdint>
#include <span>

#include "hw_model/device/profile.hpp"
#include "hw_model/physics/array.hpp"

namespace heatbath::model {

/// Longest step in time units that the profile lets an array make (physics/stable_step.hpp): judged where the cells
/// rest (Stability::linear) or at the rail (Stability::rail); infinite for Stability::never. `clamped`: per cell, not 0
/// where held.
double longest_stable_step(const Profile& profile, const physics::ArraySpec& spec, const physics::Parameters& parameters,
                           std::span<const std::uint8_t> clamped, double dt);

}  // namespace heatbath::model
