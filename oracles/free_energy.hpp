#pragma once
// Free energy differences: exact, and from work values; the least work of erasing a bit.

#include <span>

#include "oracles/boltzmann_cell.hpp"

namespace heatbath::reference {

/// F_to - F_from of two laws, each at its own temperature.
double free_energy_difference(const BoltzmannLaw& from, const BoltzmannLaw& to);

/// A free energy difference estimated from independent work values.
struct FreeEnergyEstimate {
  double value;
  double standard_error;
  double effective_samples;  ///< (sum w)^2/sum w^2 of the weights exp(-W/T); for two-sided estimates the overlap sum
};

/// -T ln <exp(-W/T)> (Jarzynski 1997) with the error of the delete-one jackknife. At least two finite values; the value
/// is biased high by about standard_error^2/(2T). Works that hold the integrator's shadow work are unbiased at any
/// step.
FreeEnergyEstimate jarzynski(std::span<const double> works, double temperature);

/// Bennett's acceptance ratio (1976), the least-variance estimate from forward works of the process 0 -> 1 and reverse
/// works of 1 -> 0, any counts: sum_F 1/(1 + e^{M + (W - C)/T}) = sum_R 1/(1 + e^{-M + (W + C)/T}), M = ln(n_F/n_R), C
/// the difference F_1 - F_0. The error is Bennett's asymptotic one. Throws std::invalid_argument for an empty side.
FreeEnergyEstimate bennett(std::span<const double> forward, std::span<const double> reverse, double temperature);

/// Squared Wasserstein-2 distance of two laws on the line: int_0^1 (Q_a(u) - Q_b(u))^2 du with their quantiles Q.
double wasserstein2_squared(const BoltzmannLaw& a, const BoltzmannLaw& b);

/// W2^2 between the law of V = h (x^2 - 1)^2 at T and the same law in its right half: the cost of erasing one bit.
double erasure_distance_squared(double height, double temperature);

/// Least mean work of that erasure by full control within `duration`, end state in local equilibrium:
/// T ln 2 + W2^2/duration at mobility 1 (Aurell et al. 2012; with D = T this is W/T = ln 2 + W2^2/(D tau)).
double erasure_work_bound(double height, double temperature, double duration);

}  // namespace heatbath::reference
