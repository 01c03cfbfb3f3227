#pragma once
// The formulas of cells and steps, each once: for one value in double or float, and for a vector of cells or lanes.
//
// `fma` is the fused multiply-add of the value type T; it fixes the order of operations, so that every user of a
// formula gets the same bits in the same precision. Nothing is included: kernel sources may not (numerics/simd.hpp).

namespace heatbath::physics::formulas {

#define HEATBATH_FORMULA inline __attribute__((always_inline))

/// dV/dx of one cell's own terms: 2 J2 x + 4 J4 x^3 + b.
template <class T, class Fma>
HEATBATH_FORMULA T quartic_gradient(Fma fma, T two_j2, T four_j4, T bias, T x) {
  return fma(fma(four_j4, x * x, two_j2), x, bias);
}

/// dV/dth of one phase's own terms, less its frequency over its mobility, from V = b cos th + J2 cos 2 th:
/// -sin th (b + 4 J2 cos th) - omega/mu.
template <class T, class Fma>
HEATBATH_FORMULA T phase_gradient(Fma fma, T four_j2, T bias, T minus_pull, T cosine, T sine) {
  return fma(-sine, fma(four_j2, cosine, bias), minus_pull);
}

/// The coupling's part of dV/dth from V = g sum J cos(th_i - th_j), added to `gradient`: with C = J cos th, S = J sin
/// th, -g (sin th_i C_i - cos th_i S_i).
template <class T, class Fma>
HEATBATH_FORMULA T phase_coupling(Fma fma, T gain, T cosine, T sine, T field_cosine, T field_sine, T gradient) {
  return fma(gain, fma(cosine, field_sine, -(sine * field_cosine)), gradient);
}

/// One step of a variable: x + a slope + b noise.
template <class T, class Fma>
HEATBATH_FORMULA T moved(Fma fma, T x, T a, T slope, T b, T noise) {
  return fma(b, noise, fma(a, slope, x));
}

/// The same without noise.
template <class T, class Fma>
HEATBATH_FORMULA T moved(Fma fma, T x, T a, T slope) {
  return fma(a, slope, x);
}

/// Exact step of a linear damping with its noise (the O of BAOAB): keep v + kick noise.
template <class T, class Fma>
HEATBATH_FORMULA T damped(Fma fma, T keep, T v, T kick, T noise) {
  return fma(kick, noise, keep * v);
}

/// Mean of two slopes or of two noises of unit variance before the scale of `moved`.
template <class T>
HEATBATH_FORMULA T mean(T p, T q, T half) {
  return half * (p + q);
}

}  // namespace heatbath::physics::formulas
