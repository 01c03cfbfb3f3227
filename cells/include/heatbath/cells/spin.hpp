#pragma once
// The spin of a clocked p-bit: V = b s with s = +1 or -1. Couplings: V += g sum_{i<j} J_ij s_i s_j.

#include "heatbath/cells/formula.hpp"

namespace heatbath::cells {

/// What a spin releases that goes from `before` to `after` in the field h = dV/ds: minus the change of V.
template <class T>
HEATBATH_FORMULA constexpr T spin_release(T before, T after, T field) {
  return (before - after) * field;
}

/// Probability of the value that the field does not favour, from exponential(2 |h| / kT) (Glauber 1963; Camsari et al.,
/// Phys. Rev. X 7, 031014 (2017)): 1 / (1 + e).
template <class T>
HEATBATH_FORMULA constexpr T unlikely_spin(T one, T exponential) {
  return one / (one + exponential);
}

}  // namespace heatbath::cells
