#pragma once
// Mean first-passage times: in a potential by quadrature, in chains of births and deaths by their recursion.

#include <span>

#include "oracles/quadrature.hpp"

namespace heatbath::reference {

/// Mean time of dx = -V'(x) dt + sqrt(2T) dW from `from` to first reach `to` > from:
/// (1/T) int_from^to dy e^{V(y)/T} int_lower^y dz e^{-V(z)/T} (Gardiner, Stochastic Methods, 5.5). `lower` is a
/// reflecting end, or a point beyond which exp(-V/T) is negligible. Each of [lower, from] and [from, to] is cut into
/// 400 parts of 15 points, within which V must vary by no more than a few T.
double mean_passage_time(const Function& energy, double temperature, double lower, double from, double to);

/// Kramers' mean time over a barrier (1940; Hänggi, Talkner & Borkovec 1990), 2 pi e^{dV/T}/sqrt(V''_well |V''_top|) at
/// mobility 1; for a symmetric double well it is the time to the other well. Curvatures as V'' at both places.
double kramers_time(double barrier, double curvature_well, double curvature_top, double temperature);

/// V = h (x^2 - 1)^2 at temperature T: exact mean times from -1 to 0 and from -1 to +1, and Kramers' 2 pi
/// e^{h/T}/sqrt(32 h^2).
struct DoubleWellTimes {
  double to_top;
  double to_other_well;
  double kramers;
};
DoubleWellTimes double_well_times(double height, double temperature);

/// Mean time of a birth–death chain on 0 … n from state `from` down to state `to` < from: rates up[i] of i -> i+1 and
/// down[i] of i -> i-1, both of n+1 entries, up[n] and down[0] unused.
double birth_death_time_down(std::span<const double> up, std::span<const double> down, std::size_t from,
                             std::size_t to);

/// Curie–Weiss spins, H = -M^2/(2N), heat-bath flips at rate (1 + s' tanh(beta h_i))/2 per spin and unit of time
/// towards s', h_i = (M - s_i)/N. <m^2> is exact; `escape_time` is the mean time from all up to M = 0 (N even).
struct CurieWeiss {
  double mean_square_magnetisation;
  double escape_time;
};
CurieWeiss curie_weiss(int spins, double beta);

/// How far a boundary seems to move outwards when crossings are looked for on a grid of step dt only:
/// -zeta(1/2)/sqrt(2 pi) sqrt(2 D dt) = 0.5826 sqrt(2 D dt) (Broadie, Glasserman & Kou 1997). Simulated passage times
/// to a boundary moved inwards by it lose their bias of order sqrt(dt).
double discrete_boundary_shift(double diffusion, double dt);

/// Probability that a Brownian bridge between x and y, a step dt apart and both below `boundary`, crossed it:
/// exp(-(boundary - x)(boundary - y)/(D dt)).
double bridge_crossing_probability(double x, double y, double boundary, double diffusion, double dt);

}  // namespace heatbath::reference
