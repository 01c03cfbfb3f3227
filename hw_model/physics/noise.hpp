#pragma once
// Addressed noise: a pure function of (seed; cell, step, shot, purpose).

#include <cstdint>

namespace heatbath::physics {

/// What a random number is for; part of its address.
enum class Purpose : std::uint8_t {
  thermal = 0,
  converter = 1,
  thermal_second = 2,  ///< the second normal of a cell in a step
  flip = 3,            ///< whether a p-bit turns
  site = 4,            ///< which p-bit is updated; `cell` is the ordinal of the update in its step
  colour = 5,          ///< start of a coloured noise's filter
  common = 6,          ///< what all cells of a lane share
  read_out = 7,        ///< noise of the converters that read states
  slow = 8,            ///< what moves parameters: flicker, telegraph steps, drift
  flip_planes = 9      ///< whether a p-bit turns, as planes (below)
};

/// Philox4x32-10 counter of the block that holds the noise of `cell`: one block = 4 normals = 4 cells of one step.
/// Cell 64 g + 16 w + l is word w of block 16 g + l.
///   word 0: bits 27:0 block; bits 31:28 reserved (NOISE_ALIAS)
///   word 1: step, low 32 bits
///   word 2: shot
///   word 3: bits 15:0 step, high bits; bits 23:16 level of refinement; bits 31:24 purpose
/// Key: the 64-bit seed, low word first. No lane.
struct NoiseCounter {
  std::uint32_t word[4];
};
NoiseCounter noise_counter(std::uint32_t cell, std::uint64_t step, std::uint32_t shot, Purpose purpose,
                           std::uint32_t level = 0);

/// Planes: the random word of a p-bit where ArraySpec::spin_noise asks for them. Bit 31 - p of the word is plane p, and
/// the block at
///   word 0: bits 27:0 cell       word 1: step, low 32 bits      word 2: bits 26:0 shot / 32
///   word 3: bits 15:0 step, high bits; bits 23:16 group; bits 31:24 Purpose::flip_planes
/// holds planes 4 group .. 4 group + 3 of 32 shots, a word each, bit shot % 32. So 32 shots are decided together, by as
/// many planes as it takes until each differs from its threshold.

/// Word of its block that a cell uses: 0..3.
constexpr std::uint32_t noise_word(std::uint32_t cell) { return (cell >> 4) & 3u; }

/// Refinement: steps 2s and 2s + 1 of level r halve step s of level r - 1 (level 0: the steps of a plain run). Their
/// normals are (n + z) / sqrt 2 and (n - z) / sqrt 2 with n the normal of the step they halve and z the one at the
/// address (step s, level r): a Brownian bridge, so runs at dt, dt/2, dt/4 … with levels 0, 1, 2 … follow one path.
constexpr std::uint32_t refinement_max = 8;

/// One standard normal. The clear form of what the step kernels fuse; same bits.
float normal(std::uint64_t seed, std::uint32_t cell, std::uint64_t step, std::uint32_t shot,
             Purpose purpose = Purpose::thermal, std::uint32_t refinement = 0);

/// Fills out[0..cells) with the normals of cells 0.. of one step and shot, on the active instruction set.
void normals(std::uint64_t seed, std::uint64_t step, std::uint32_t shot, std::uint32_t cells, float* out,
             Purpose purpose = Purpose::thermal, std::uint32_t refinement = 0);

}  // namespace heatbath::physics
