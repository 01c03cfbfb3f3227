#pragma once
// Noisy phase oscillators: globally coupled, driven over a washboard, locked to a second harmonic.

#include "oracles/quadrature.hpp"

namespace heatbath::reference {

/// Order parameter r of infinitely many identical oscillators dth = K r sin(psi - th) dt + sqrt(2D) dW:
/// the root of r = I1(k r)/I0(k r), k = K/D; 0 for k <= 2 (Sasa, arXiv:1501.00055).
double kuramoto_order(double coupling_over_diffusion);

/// <r^2> of N identical oscillators in equilibrium, exact for any N >= 1: with
/// Z(k) = (N/k) int_0^inf y exp(-N y^2/2k) I0(y)^N dy, <r^2> = <y^2>/k^2 - 2/(N k) (Hubbard–Stratonovich).
double kuramoto_mean_square_order(int oscillators, double coupling_over_diffusion);

/// Critical coupling of oscillators with Lorentzian frequencies of half width G: 2 (D + G).
double critical_coupling_lorentzian(double diffusion, double half_width);

/// Mean frequency of dth = (w - K sin th) dt + sqrt(2D) dW (noisy Adler equation), D sinh(pi w/D)/(pi |I_{i
/// w/D}(K/D)|^2), written as w/|0F1(; 1 + i w/D; (K/2D)^2)|^2. Two oscillators of detuning w: the same with 2D for D.
double adler_velocity(double detuning, double coupling, double diffusion);

/// Long-time motion in a tilted periodic potential of mobility 1, dx = (force - V'(x)) dt + sqrt(2D) dW.
struct WashboardMotion {
  double velocity;
  double diffusion;            ///< lim Var(x)/(2t)
  double uncertainty_product;  ///< 2 D_eff sigma/v^2 >= 2 with the entropy production sigma = force v/D (TUR)
};

/// By the integrals of Reimann et al. (PRL 87, 010602, 2001; velocity: Stratonovich 1958) for a smooth V of this
/// period.
WashboardMotion washboard_motion(const Function& potential, double period, double force, double diffusion);

/// V = -amplitude cos x.
WashboardMotion cosine_washboard(double force, double amplitude, double diffusion);

/// Two phase cells with E = -J cos(th_1 - th_2) - Ks (cos 2 th_1 + cos 2 th_2) at temperature T: second-harmonic
/// injection makes them binary; <sgn sgn> tends to tanh(J/T) as Ks grows.
struct InjectedPair {
  double cosine;  ///< <cos(th_1 - th_2)>
  double sign;    ///< <sgn cos th_1 sgn cos th_2>
};
InjectedPair injected_pair(double coupling, double injection, double temperature);

}  // namespace heatbath::reference
