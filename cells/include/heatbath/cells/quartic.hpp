#pragma once
// The quartic cell: V = J2 x^2 + J4 x^4 + b x, linear where J4 = 0 (generative.md 1). The own terms of overdamped and
// underdamped cells, and of the fluxes of rlc nodes. Linear couplings: V += g sum_{i<j} J_ij x_i x_j.

#include "heatbath/cells/formula.hpp"

namespace heatbath::cells {

/// dV/dx of the own terms: 2 J2 x + 4 J4 x^3 + b.
template <class T, class Fma>
HEATBATH_FORMULA constexpr T quartic_gradient(Fma fma, T two_j2, T four_j4, T bias, T x) {
  return fma(fma(four_j4, x * x, two_j2), x, bias);
}

/// The same without the bias, in plain arithmetic: what loops over cells of a host vectorise.
template <class T>
HEATBATH_FORMULA constexpr T quartic_gradient(T two_j2, T four_j4, T x) {
  return x * (two_j2 + four_j4 * x * x);
}

/// V of the own terms. With the mean field of its couplings, b + g (J x)_i / 2, in place of b: the cell's share of V.
template <class T>
HEATBATH_FORMULA constexpr T quartic_energy(T j2, T j4, T bias, T x) {
  return x * (bias + x * (j2 + j4 * (x * x)));
}

/// d2V/dx^2: 2 J2 + 12 J4 x^2.
template <class T>
HEATBATH_FORMULA constexpr T quartic_curvature(T two_j2, T four_j4, T x) {
  return two_j2 + 3 * four_j4 * x * x;
}

/// A linear coupling's part of dV/dx_i, added to `gradient`: g y with y = (J x)_i.
template <class T, class Fma>
HEATBATH_FORMULA constexpr T linear_coupling(Fma fma, T gain, T field, T gradient) {
  return fma(gain, field, gradient);
}

/// Kinetic energy of a mass m at velocity v, of a capacitance at a voltage: m v^2 / 2.
template <class T>
HEATBATH_FORMULA constexpr T kinetic_energy(T mass, T velocity) {
  return T(0.5) * mass * velocity * velocity;
}

}  // namespace heatbath::cells
