#pragma once
// The law of a ramp: parameters between two sets. Cells' values are interpolated in float32, one fused multiply-add
// each, as the kernels do; what is one number of an array, and temperatures, in double.

#include <cmath>

namespace heatbath::physics::ramp {

inline float between(float from, float to, float position) { return std::fma(position, to - from, from); }
inline double scalar_between(double from, double to, double position) { return from + position * (to - from); }

}  // namespace heatbath::physics::ramp
