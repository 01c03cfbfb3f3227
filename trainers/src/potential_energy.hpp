#pragma once
// V_theta of a captured state, on the host.

#include <cstdint>
#include <span>

#include "heatbath/trainers/generative.hpp"

namespace heatbath::trainers {

/// V(x) = sum_i (J2 x_i^2 + J4 x_i^4 + b_i x_i) + sum_{i<j} J_ij x_i x_j of one state (cells() values), in double
/// precision, with the model's own parameters of a segment. Energy units.
double potential_energy(const GenerativeModel& model, std::span<const float> state,
                        std::uint32_t segment = 0);

}  // namespace heatbath::trainers
