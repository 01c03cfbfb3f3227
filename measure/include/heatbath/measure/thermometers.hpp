#pragma once
// Temperature and mutual information from samples.

#include <cstddef>
#include <span>

#include "heatbath/measure/estimate.hpp"

namespace heatbath::measure {

/// Effective temperature of samples of a known energy, kT = <|grad V|^2>/<laplacian V> (Rugh 1997): equal to the bath's
/// exactly when the samples are Boltzmann's. One squared gradient and one Laplacian per sample, rows of `chains`
/// independent chains. NaN where the mean Laplacian is 0.
Estimate effective_temperature(std::span<const double> squared_gradients, std::span<const double> laplacians,
                               std::size_t chains);

/// Mutual information in nats of two jointly Gaussian signals, -ln(1 - rho^2)/2, jackknifed over `chains` independent
/// chains (rows). It measures cross-talk between two cells. Never below 0 in law, but the corrected estimate may be. 0
/// where a signal does not move; NaN (infinite) where the two are equal but for origin and scale.
Estimate gaussian_mutual_information(std::span<const double> x, std::span<const double> y, std::size_t chains);

/// Mutual information in nats of the signs of two signals, from the counts of the four pairs of signs; 0 counts as
/// negative. 0 where a sign never changes.
Estimate sign_mutual_information(std::span<const double> x, std::span<const double> y, std::size_t chains);

}  // namespace heatbath::measure
