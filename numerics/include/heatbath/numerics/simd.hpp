// Vectors of float32 and uint32 as wide as the instruction set this translation unit is compiled for.
//
// For kernel sources only: a source is compiled once per instruction set, and this header puts everything into a
// namespace named after it (HEATBATH_SIMD), so that no two differently compiled functions share a name. Kernel sources
// use no inline functions of the standard library, whose merged copies would break the one-definition rule.
//
// Every operation is exact or correctly rounded, so all widths give the same bits. Arithmetic, comparison and bit
// operators are those of GCC's vector types.
#pragma once

#include <stdint.h>

#if defined(__AVX512F__) && defined(__AVX512DQ__)
#include <immintrin.h>
#define HEATBATH_SIMD avx512
#define HEATBATH_SIMD_WIDTH 16
#elif defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
#define HEATBATH_SIMD avx2
#define HEATBATH_SIMD_WIDTH 8
#else
#define HEATBATH_SIMD portable
#define HEATBATH_SIMD_WIDTH 4
#endif

namespace heatbath::numerics::simd::HEATBATH_SIMD {

constexpr int width = HEATBATH_SIMD_WIDTH;

typedef float F32 __attribute__((vector_size(width * 4), may_alias));
typedef uint32_t U32 __attribute__((vector_size(width * 4), may_alias));
typedef int32_t I32 __attribute__((vector_size(width * 4), may_alias));
typedef float F32Unaligned __attribute__((vector_size(width * 4), aligned(4), may_alias));
typedef uint32_t U32Unaligned __attribute__((vector_size(width * 4), aligned(4), may_alias));

#define HEATBATH_INLINE static inline __attribute__((always_inline))

HEATBATH_INLINE F32 load(const float* p) { return *reinterpret_cast<const F32Unaligned*>(p); }
HEATBATH_INLINE U32 load(const uint32_t* p) { return *reinterpret_cast<const U32Unaligned*>(p); }
HEATBATH_INLINE void store(float* p, F32 v) { *reinterpret_cast<F32Unaligned*>(p) = v; }

HEATBATH_INLINE F32 splat(float v) { return v - F32{}; }
HEATBATH_INLINE U32 splat(uint32_t v) { return v - U32{}; }

/// 0, 1, 2, …
HEATBATH_INLINE U32 iota() {
#if HEATBATH_SIMD_WIDTH == 16
  return U32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
#elif HEATBATH_SIMD_WIDTH == 8
  return U32{0, 1, 2, 3, 4, 5, 6, 7};
#else
  return U32{0, 1, 2, 3};
#endif
}

/// Elements 0, 2, 4, … of a, then of b; and 1, 3, 5, ….
#if HEATBATH_SIMD_WIDTH == 16
HEATBATH_INLINE U32 even_elements(U32 a, U32 b) {
  return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
}
HEATBATH_INLINE U32 odd_elements(U32 a, U32 b) {
  return __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
}
#elif HEATBATH_SIMD_WIDTH == 8
HEATBATH_INLINE U32 even_elements(U32 a, U32 b) { return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14); }
HEATBATH_INLINE U32 odd_elements(U32 a, U32 b) { return __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15); }
#else
HEATBATH_INLINE U32 even_elements(U32 a, U32 b) { return __builtin_shufflevector(a, b, 0, 2, 4, 6); }
HEATBATH_INLINE U32 odd_elements(U32 a, U32 b) { return __builtin_shufflevector(a, b, 1, 3, 5, 7); }
#endif

/// a * b + c, rounded once.
HEATBATH_INLINE F32 fma(F32 a, F32 b, F32 c) {
#if HEATBATH_SIMD_WIDTH == 16
  return (F32)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif HEATBATH_SIMD_WIDTH == 8
  return (F32)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
  F32 r;
  for (int i = 0; i < width; ++i) r[i] = __builtin_fmaf(a[i], b[i], c[i]);
  return r;
#endif
}

HEATBATH_INLINE F32 square_root(F32 a) {
#if HEATBATH_SIMD_WIDTH == 16
  return (F32)_mm512_sqrt_ps((__m512)a);
#elif HEATBATH_SIMD_WIDTH == 8
  return (F32)_mm256_sqrt_ps((__m256)a);
#else
  F32 r;
  for (int i = 0; i < width; ++i) r[i] = __builtin_sqrtf(a[i]);
  return r;
#endif
}

/// Where the mask (all ones or all zeros per element) is set, a, else b.
HEATBATH_INLINE F32 select(U32 mask, F32 a, F32 b) {
#if HEATBATH_SIMD_WIDTH == 8
  return (F32)_mm256_blendv_ps((__m256)b, (__m256)a, (__m256)mask);
#else
  return (F32)(((U32)a & mask) | ((U32)b & ~mask));
#endif
}

/// v where it is above 0, else 0.
HEATBATH_INLINE F32 positive_part(F32 v) {
#if HEATBATH_SIMD_WIDTH == 16
  return (F32)_mm512_max_ps((__m512)v, _mm512_setzero_ps());
#elif HEATBATH_SIMD_WIDTH == 8
  return (F32)_mm256_max_ps((__m256)v, _mm256_setzero_ps());
#else
  return select((U32)(v > splat(0.0f)), v, splat(0.0f));
#endif
}

/// Fixes the order of instructions: what makes v comes before what follows the call, for chains interleaved by hand.
/// Does nothing with shorter vectors, where the compiler must choose what to keep in registers.
template <class Vector>
HEATBATH_INLINE void keep_order([[maybe_unused]] Vector& v) {
#if HEATBATH_SIMD_WIDTH == 16
  __asm__ volatile("" : "+v"(v));
#endif
}
template <class Vector>
HEATBATH_INLINE void keep_order(Vector& first, Vector& second) {
  keep_order(first);
  keep_order(second);
}

/// True when the magnitude of any element of N vectors is above the limit.
template <int N>
HEATBATH_INLINE bool any_beyond(const F32 (&v)[N], float limit) {
#if HEATBATH_SIMD_WIDTH == 16
  __m512 largest = _mm512_abs_ps((__m512)v[0]);
  for (int i = 1; i < N; ++i) largest = _mm512_range_ps(largest, (__m512)v[i], 0b1011);  // the larger magnitude
  return _mm512_cmp_ps_mask(largest, _mm512_set1_ps(limit), _CMP_GT_OQ) != 0;
#else
  U32 beyond = splat(0u);
  for (int i = 0; i < N; ++i) beyond |= (U32)((F32)((U32)v[i] & splat(0x7fffffffu)) > splat(limit));
#if HEATBATH_SIMD_WIDTH == 8
  return _mm256_movemask_ps((__m256)beyond) != 0;
#else
  return (beyond[0] | beyond[1] | beyond[2] | beyond[3]) != 0;
#endif
#endif
}

/// Nearest float of a signed integer.
HEATBATH_INLINE F32 to_float(I32 v) { return __builtin_convertvector(v, F32); }

/// Integer part of a float within the range of int32.
HEATBATH_INLINE I32 to_int(F32 v) { return __builtin_convertvector(v, I32); }

/// Unsigned words in the form in which they are multiplied. With vectors of 16, which have registers enough: elements
/// 2i in the low halves of 64-bit lanes of `even` and elements 2i + 1 in those of `odd`, the high halves arbitrary, so
/// that a product needs no shuffles. Else `even` is the vector and `odd` is not used.
struct Apart {
  U32 even, odd;
};

HEATBATH_INLINE Apart apart(U32 v) {
#if HEATBATH_SIMD_WIDTH == 16
  return {v, (U32)_mm512_movehdup_ps((__m512)v)};
#else
  return {v, v};
#endif
}

/// The same word in all elements.
HEATBATH_INLINE Apart apart(uint32_t v) { return {splat(v), splat(v)}; }

HEATBATH_INLINE U32 joined(Apart a) {
#if HEATBATH_SIMD_WIDTH == 16
  return (U32)_mm512_mask_moveldup_ps((__m512)a.even, 0xAAAA, (__m512)a.odd);
#else
  return a.even;
#endif
}

/// High and low halves of the 64-bit products of a with one constant.
HEATBATH_INLINE void multiply(Apart a, uint32_t constant, Apart& high, Apart& low) {
#if HEATBATH_SIMD_WIDTH == 16
  const __m512i c = _mm512_set1_epi32((int)constant);
  const __m512i even = _mm512_mul_epu32((__m512i)a.even, c), odd = _mm512_mul_epu32((__m512i)a.odd, c);
  low = {(U32)even, (U32)odd};
  high = {(U32)_mm512_movehdup_ps((__m512)even), (U32)_mm512_movehdup_ps((__m512)odd)};  // a shift has half as many units
#else
  U32 upper{}, lower{};
#if HEATBATH_SIMD_WIDTH == 8
  const __m256i c = _mm256_set1_epi32((int)constant);
  const __m256i even = _mm256_mul_epu32((__m256i)a.even, c);
  const __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64((__m256i)a.even, 32), c);
  upper = (U32)_mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xAA);
  lower = (U32)_mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xAA);
#else
  for (int i = 0; i < width; ++i) {
    const uint64_t product = static_cast<uint64_t>(a.even[i]) * constant;
    upper[i] = static_cast<uint32_t>(product >> 32);
    lower[i] = static_cast<uint32_t>(product);
  }
#endif
  high = {upper, upper};
  low = {lower, lower};
#endif
}

/// a ^ b ^ c.
HEATBATH_INLINE U32 exclusive_or(U32 a, U32 b, U32 c) {
#if HEATBATH_SIMD_WIDTH == 16
  return (U32)_mm512_ternarylogic_epi32((__m512i)a, (__m512i)b, (__m512i)c, 0x96);
#else
  return a ^ (b ^ c);
#endif
}

/// sums[0..width) += v, in double precision.
HEATBATH_INLINE void accumulate(double* sums, F32 v) {
#if HEATBATH_SIMD_WIDTH == 16
  _mm512_storeu_pd(sums, _mm512_add_pd(_mm512_loadu_pd(sums), _mm512_cvtps_pd(_mm512_castps512_ps256((__m512)v))));
  _mm512_storeu_pd(sums + 8, _mm512_add_pd(_mm512_loadu_pd(sums + 8), _mm512_cvtps_pd(_mm512_extractf32x8_ps((__m512)v, 1))));
#elif HEATBATH_SIMD_WIDTH == 8
  _mm256_storeu_pd(sums, _mm256_add_pd(_mm256_loadu_pd(sums), _mm256_cvtps_pd(_mm256_castps256_ps128((__m256)v))));
  _mm256_storeu_pd(sums + 4, _mm256_add_pd(_mm256_loadu_pd(sums + 4), _mm256_cvtps_pd(_mm256_extractf128_ps((__m256)v, 1))));
#else
  for (int i = 0; i < width; ++i) sums[i] += static_cast<double>(v[i]);
#endif
}

/// C (rows x columns*width, leading dimension ldc) += sum over k ascending of a[k][row] b[k][column], one fused chain
/// per element that starts from C, or from 0 (Fresh). a is packed [k][rows]; rows of b are ldb apart. Rows and Columns
/// fill the registers.
template <int Rows, int Columns, bool Fresh = false>
HEATBATH_INLINE void multiply_panel(long k, const float* a, const float* b, long ldb, float* c, long ldc) {
  F32 sum[Rows][Columns];
  for (int r = 0; r < Rows; ++r)
    for (int j = 0; j < Columns; ++j) sum[r][j] = Fresh ? splat(0.0f) : load(c + r * ldc + j * width);
  for (long i = 0; i < k; ++i) {
    F32 right[Columns];
    for (int j = 0; j < Columns; ++j) right[j] = load(b + j * width);
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
      const F32 left = splat(a[r]);
#pragma GCC unroll 4
      for (int j = 0; j < Columns; ++j) sum[r][j] = fma(left, right[j], sum[r][j]);
    }
    a += Rows;
    b += ldb;
  }
  for (int r = 0; r < Rows; ++r)
    for (int j = 0; j < Columns; ++j) store(c + r * ldc + j * width, sum[r][j]);
}

/// Rows and columns of the panel that keeps the most sums in registers.
#if HEATBATH_SIMD_WIDTH == 16
constexpr int panel_rows = 12, panel_columns = 32;
#elif HEATBATH_SIMD_WIDTH == 8
constexpr int panel_rows = 6, panel_columns = 16;
#else
constexpr int panel_rows = 4, panel_columns = 16;
#endif

}  // namespace heatbath::numerics::simd::HEATBATH_SIMD
