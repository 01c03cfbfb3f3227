#pragma once
// The law of a ramp: parameters between two sets. Cells' values are interpolated in float32, one fused multiply-add
// each, as the kernels do; what is one number of an array, and temperatures, in double.

#include <cmath>
#include <cstdint>

namespace heatbath::physics {
struct Parameters;
}

namespace heatbath::physics::ramp {

inline float between(float from, float to, float position) { return std::fma(position, to - from, from); }
inline double scalar_between(double from, double to, double position) { return from + position * (to - from); }

/// All parameters at a position in 0..1 of the way, of so many lanes: for energies; a fused kernel makes them itself.
/// Couplings that differ are interpolated, O(cells²) where they are dense.
Parameters between(const Parameters& from, const Parameters& to, double position, std::uint32_t lanes);

}  // namespace heatbath::physics::ramp
