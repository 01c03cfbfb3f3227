#pragma once
// The formulas of steps, each once: for one value in double or float, and for a vector of cells or lanes. Those of
// cells and couplings are in heatbath/cells/, where formula.hpp says what `fma` is.

#include "heatbath/cells/formula.hpp"

namespace heatbath::physics::formulas {

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
