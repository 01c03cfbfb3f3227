#pragma once
// Addressed noise: a pure function of (seed; cell, step, shot, purpose).

#include <cstdint>

namespace heatbath::physics {

/// What a random number is for; part of its address.
enum class Purpose : std::uint8_t { thermal = 0, converter = 1 };

/// Philox4x32-10 counter of the block that holds the noise of `cell`: one block = 4 normals = 4 cells of one step.
/// Cell 64 g + 16 w + l is word w of block 16 g + l.
///   word 0: bits 27:0 block; bits 31:28 reserved (NOISE_ALIAS)
///   word 1: step, low 32 bits
///   word 2: shot
///   word 3: bits 15:0 step, high bits; bits 23:16 reserved (dyadic refinement); bits 31:24 purpose
/// Key: the 64-bit seed, low word first. No lane.
struct NoiseCounter {
  std::uint32_t word[4];
};
NoiseCounter noise_counter(std::uint32_t cell, std::uint64_t step, std::uint32_t shot, Purpose purpose);

/// Word of its block that a cell uses: 0..3.
constexpr std::uint32_t noise_word(std::uint32_t cell) { return (cell >> 4) & 3u; }

/// One standard normal. The clear form of what the step kernels fuse; same bits.
float normal(std::uint64_t seed, std::uint32_t cell, std::uint64_t step, std::uint32_t shot,
             Purpose purpose = Purpose::thermal);

/// Fills out[0..cells) with the normals of cells 0.. of one step and shot, on the active instruction set.
void normals(std::uint64_t seed, std::uint64_t step, std::uint32_t shot, std::uint32_t cells, float* out,
             Purpose purpose = Purpose::thermal);

}  // namespace heatbath::physics
