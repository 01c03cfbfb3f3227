#pragma once
// The stiffest direction of coupled cells.

#include "hw_model/physics/parameters.hpp"

namespace heatbath::physics {

/// Largest eigenvalue of gain times the symmetric part of J, by Lanczos: never above it, and below by about 1e-3 of the
/// width of the spectrum at most; exact to rounding for up to 96 cells.
double largest_eigenvalue(const Couplings& couplings, double gain);

}  // namespace heatbath::physics
