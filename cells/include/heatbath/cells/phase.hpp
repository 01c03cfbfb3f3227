#pragma once
// The phase oscillator: V = b cos th + J2 cos 2 th - omega th / mu (Kuramoto 1984; the second harmonic is what
// injection at twice the frequency adds, Wang and Roychowdhury 2019). Couplings: V += g sum_{i<j} J_ij cos(th_i -
// th_j).

#include "heatbath/cells/formula.hpp"

namespace heatbath::cells {

/// dV/dth of the own terms from the cosine and sine of th: -sin th (b + 4 J2 cos th) - omega / mu.
template <class T, class Fma>
HEATBATH_FORMULA constexpr T phase_gradient(Fma fma, T four_j2, T bias, T minus_pull, T cosine, T sine) {
  return fma(-sine, fma(four_j2, cosine, bias), minus_pull);
}

/// The couplings' part of dV/dth, added to `gradient`: with C = J cos th, S = J sin th, -g (sin th_i C_i - cos th_i
/// S_i).
template <class T, class Fma>
HEATBATH_FORMULA constexpr T phase_coupling(Fma fma, T gain, T cosine, T sine, T field_cosine, T field_sine,
                                            T gradient) {
  return fma(gain, fma(cosine, field_sine, -(sine * field_cosine)), gradient);
}

/// V of the own terms without the frequency's: b cos th + J2 cos 2 th.
template <class T>
HEATBATH_FORMULA constexpr T phase_energy(T j2, T bias, T cosine) {
  return bias * cosine + j2 * (2 * cosine * cosine - 1);
}

/// d2V/dth^2 in the field of the others: along = b + g C_i, across = g S_i.
template <class T>
HEATBATH_FORMULA constexpr T phase_curvature(T four_j2, T along, T across, T cosine, T sine) {
  return -cosine * along - sine * across - four_j2 * (cosine * cosine - sine * sine);
}

}  // namespace heatbath::cells
