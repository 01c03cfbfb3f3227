#pragma once
// The square-lattice Ising model: infinite, finite torus, glass; exchange between temperatures.

#include <span>
#include <vector>

#include "oracles/enumeration.hpp"

namespace heatbath::reference {

/// Per spin, coupling 1 (aligning), no field.
struct OnsagerPoint {
  double free_energy;    ///< -T lnZ/N
  double energy;         ///< mean energy
  double magnetisation;  ///< spontaneous; 0 above the critical temperature
};

/// 2/ln(1 + sqrt 2).
double onsager_critical_temperature();

/// Infinite square lattice (Onsager 1944; magnetisation: Yang 1952). With b = 1/T and k = 2 sinh 2b/cosh^2 2b,
/// lnZ/N = ln 2cosh 2b + (1/2pi) int_0^pi ln[(1 + sqrt(1 - k^2 sin^2 x))/2] dx and
/// E/N = -coth 2b (1 + (2/pi)(2 tanh^2 2b - 1) K(k)); m = (1 - sinh^-4 2b)^{1/8}.
OnsagerPoint onsager(double temperature);

/// lnZ of the rows x columns torus with coupling 1 (Kaufman 1949), any size of at least 1 x 1; side 2 counts its two
/// bonds between the same spins, as square_torus does.
double torus_log_partition(int rows, int columns, double temperature);

/// Mean energy per spin of that torus, by numerical differentiation of lnZ (relative error about 1e-9).
double torus_energy_per_spin(int rows, int columns, double temperature);

/// Bonds of the side x side torus. Bond 2 (side y + x) + d joins spin i = side y + x to its right (d = 0) or lower (d =
/// 1) neighbour. `strength` J of each bond is in the sign of the papers (E = -J s s); one value serves all bonds.
std::vector<Bond> square_torus(int side, std::span<const double> strength);

/// Strengths +-1 of the reference glass: bond b has -1 if popcount((2654435761 b) mod 2^32) is odd.
std::vector<double> glass_strengths(int side);

/// Mean acceptance of replica exchange between two temperatures in equilibrium: sum over both energies of
/// p1(E1) p2(E2) min(1, exp((1/T1 - 1/T2)(E1 - E2))).
double swap_acceptance(const Enumeration& system, double temperature_a, double temperature_b);

/// Fraction <w>^2/<w^2> of effective samples when samples at `from` are reweighted to `to` by w = exp(-(1/to - 1/from)
/// E).
double reweighting_efficiency(const Enumeration& system, double from, double to);

}  // namespace heatbath::reference
