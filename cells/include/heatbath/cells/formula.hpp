#pragma once
// How formulas are written: templates on the number, which is float, double, or a vector of cells or lanes.
//
// A formula that takes `fma`, the fused multiply-add of its number, fixes the order of operations by it: every user
// gets the same bits in the same precision. One without is plain arithmetic, left to right as written; no contraction.
// Nothing is included in these headers: sources compiled for one instruction set may not (heatbath/numerics/simd.hpp).

#define HEATBATH_FORMULA inline __attribute__((always_inline))
