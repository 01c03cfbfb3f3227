#pragma once
// Sums over couplings in integers: codes times a 16-bit state. Plain data only: compiled once per instruction set.

#include <stdint.h>

namespace heatbath::physics {

struct PackedCodes;

/// The state is rounded to steps of rail / 16383 (nearest, halves to even), 15 bits with sign. The sum of J_ik x_k over
/// a stretch of k (2^(18 - bits) of them, counted from 0: 1024 for 8 bits) is made in int32 and cannot overflow, so its
/// order does not matter; y is one chain of fused multiply-adds over the stretches ascending, from 0, of the sum as
/// float32 times code step and quantum. The same bits on every instruction set.
constexpr uint32_t state_code_max = 16383;

/// int16 per cell in `x` of one lane: the state, its two bytes in one, and 16 for sums of a triangle.
constexpr uint32_t code_room = 18;

struct CodeProducts {
  uint32_t panel_rows;    ///< of PackedCodes::panels
  uint32_t row_together;  ///< columns of a row that lie together in PackedCodes::rows8: 2 or 4
  bool triangles;         ///< whether symmetric matrices may be packed as triangles
  /// Integers of x, groups * 64 cells: [lane / 16][cell / 2][lane % 16][cell % 2] for many lanes, so that a panel reads
  /// one stream. For one lane [cell], and behind them, where row_together is 4, the low bytes of x + 16384 of all cells
  /// and then the high ones; the rest of code_room is left to cells_field.
  void (*quantise)(const float* x, uint32_t groups, uint32_t lanes, float per_step, int16_t* out);
  /// y[64][lanes] = J x for the rows of one group; `quantum`: one step of the state.
  void (*lanes_field)(const PackedCodes& codes, uint32_t group, const int16_t* x, uint32_t groups, uint32_t lanes,
                      float quantum, float* y);
  /// y[groups * 64] = J x for one lane. x: code_room * groups * 64 integers on a cache line, filled by quantise; what
  /// is behind the bytes is overwritten.
  void (*cells_field)(const PackedCodes& codes, int16_t* x, uint32_t groups, float quantum, float* y);
};

/// Products of the active instruction set (heatbath/numerics/isa.hpp); with the dot products of AVX-512 VNNI where the
/// processor has them.
const CodeProducts& code_products();

namespace portable {
extern const CodeProducts code_products;
}
namespace avx2 {
extern const CodeProducts code_products;
}
namespace avx512 {
extern const CodeProducts code_products;
}
namespace avx512vnni {
extern const CodeProducts code_products;
}

}  // namespace heatbath::physics
