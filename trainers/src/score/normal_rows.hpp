#pragma once
// Many normal numbers at once, for the noise that a score network learns from.

#include <cstdint>
#include <span>

namespace heatbath::trainers {

/// Fills `out` with independent standard normals, a pure function of the key and the place: Box & Muller on 32-bit words
/// of a counter mixed by two rounds of multiplications, in float32 arithmetic without library calls, so that the bits do
/// not depend on the machine and the loop runs in vectors. Magnitudes reach 5.8.
void normal_row(std::uint64_t key, std::span<float> out);

}  // namespace heatbath::trainers
