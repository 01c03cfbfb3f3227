#pragma once
// What may become of a wanted value on a grid: the one limit that every door keeps to.

#include <cmath>

namespace heatbath::numerics {

/// The part of a wanted value by which what is done may differ from it. Beyond, a request is refused, or said to be
/// another.
constexpr double rounding_limit = 0.01;

/// Whether `got` may stand for `wanted`.
inline bool is_near(double wanted, double got) { return std::fabs(got - wanted) <= rounding_limit * std::fabs(wanted); }

}  // namespace heatbath::numerics
