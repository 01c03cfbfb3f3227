#pragma once
// The longest stable step: beyond it, modes that decay in continuous time grow in the discrete steps.

#include <cstdint>
#include <span>

#include "hw_model/physics/array.hpp"

namespace heatbath::physics {

/// Where the curvature of quartic cells is taken.
enum class CurvatureAt : std::uint8_t {
  rest,  ///< a minimum of V, found from the wells of single cells
  rail   ///< every cell at the rail
};

/// Longest step in time units that is stable for the free cells; infinite where nothing bounds it. A step is stable
/// when it makes no mode of the linearised motion grow by more than 1e-10 that does not grow by itself; then every
/// variance of linear cells is finite. H is the matrix of second derivatives of V where the array rests, mu the
/// mobility; with inertia kappa are the eigenvalues of M^-1 H (C^-1 H) and g those of the damping over the mass.
/// - Euler–Maruyama, Leimkuhler–Matthews: |1 - dt lambda| <= 1 for all eigenvalues lambda of the flow, so
///   dt <= 2 Re lambda / |lambda|^2; without inertia and with symmetric couplings 2 / (mu max H); with inertia g/kappa
///   for an oscillating mode and 2/lambda for an overdamped one.
/// - Heun: |1 - z + z^2/2| <= 1 with z = dt lambda; the same where all lambda are real.
/// - BAOAB: dt <= 2 / sqrt(max kappa), whatever the damping: for u of an eigenvector of the step, d = u (1 + O)^-1 u
/// and e = u O (1 + O)^-1 u of the damping O = exp(-g dt), an eigenvalue solves d z^2 - (1 - dt^2 kappa/2) z + e = 0
/// with
///   d + e = 1, e <= d, so that |z| <= 1 as long as dt^2 kappa <= 4; and beyond that a real z below -1 exists, as the
///   least eigenvalue of the symmetric pencil changes sign. With one-way couplings kappa is complex, and the bound is
///   found from the roots.
/// - lattice walk: half of Euler–Maruyama's, so that second moments decay: <x'^2> = (1 - 2 dt lambda) <x^2> + h^2.
/// - exact-ou and p-bits: any step.
/// At rest every phase is aligned with the field of the others; natural frequencies are ignored, and held cells are
/// taken to be at 0. Bounds by row sums (Gershgorin) come first; only when `dt` is not below them spectra are computed:
/// symmetric ones by Lanczos, others, and dampings that differ under Euler–Maruyama and Heun, by Arnoldi, of which only
/// converged eigenvalues count. Both are exact to rounding for small arrays (96 cells; 512 variables by Arnoldi). For
/// large ones they underestimate the extreme eigenvalues, so that a stable step is never refused. `clamped`: per cell,
/// not 0 where held; empty: none.
double longest_stable_step(const ArraySpec& spec, const Parameters& parameters, std::span<const std::uint8_t> clamped,
                           CurvatureAt curvature, double dt);

/// Whether holding cells never shortens the longest stable step, so that a step that is stable with all cells free is
/// stable with any cells held.
bool holding_stabilises(const ArraySpec& spec);

}  // namespace heatbath::physics
