#pragma once
// The categorical cell: V = b[s] with s one of q states. Couplings: V += g sum_{i<j} J_ij [s_i = s_j] (Potts, Proc. Camb.
// Phil. Soc. 48 (1952) 106), so that positive couplings keep states apart.

#include "heatbath/cells/formula.hpp"

namespace heatbath::cells {

/// V of a cell in one state, less what does not depend on it: its bias and g times the sum of J_ik over the cells k that
/// are in that state.
template <class T, class Fma>
HEATBATH_FORMULA constexpr T categorical_energy(Fma fma, T gain, T sum, T bias) {
  return fma(gain, sum, bias);
}

/// What a cell releases that goes between states of these energies: minus the change of V. An update draws the state
/// from exp(-V/kT), whatever it was before, so this is kT ln of the probability of the step over that of its reverse.
template <class T>
HEATBATH_FORMULA constexpr T categorical_release(T before, T after) {
  return before - after;
}

/// How much less likely a state is than the likeliest one: exp minus this.
template <class T>
HEATBATH_FORMULA constexpr T categorical_exponent(T one_over_kT, T energy, T lowest) {
  return (energy - lowest) * one_over_kT;
}

}  // namespace heatbath::cells
