#pragma once
// How far a value may be rounded to a grid: one limit for URIs, files, options and the driver.

#include <cmath>

namespace heatbath::numerics {

/// Largest relative difference between the value that was asked for and the value that is used. Beyond it a request is
/// refused, or the value that is used is reported.
constexpr double rounding_limit = 0.01;

/// Whether `got` may be used in place of `wanted`.
inline bool is_near(double wanted, double got) { return std::fabs(got - wanted) <= rounding_limit * std::fabs(wanted); }

}  // namespace heatbath::numerics
