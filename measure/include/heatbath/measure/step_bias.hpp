#pragma once
// What the finite step of a device's stepper does to the variances of linear cells, from the stepper's rule.

#include <cstdint>
#include <optional>
#include <span>

#include "heatbath/cell_enums.hpp"

namespace heatbath::measure {

/// One step of an overdamped linear cell of stiffness k at kT = 1 and mobility 1: x' - c = gain (x - c) + noise of
/// this variance, c the rest position. `extra` adds to variances seen at one instant (Leimkuhler–Matthews, a chain in
/// another variable). Other steppers than the explicit ones are taken as exact.
struct LinearStep {
  double gain = 1, noise = 0, extra = 0;  ///< factor of a step; variance of its noise; see above

  double stationary_variance() const { return noise / (1 - gain * gain) + extra; }  ///< at the fixed point of the step
};
/// `stepper`: enumerator of CAPS_CELL.STEPPER; dt > 0 in time units.
LinearStep linear_step(Stepper stepper, double stiffness, double dt);

/// A mode of linear cells. With inertia mass x'' + damping x' + stiffness x = noise; else x' = -stiffness x + noise,
/// the mobility included in the stiffness.
struct LinearMode {
  double stiffness = 0, mass = 1, damping = 1;  ///< of the equation above
};

/// Stationary variance under the step over the exact one, less 1: of positions (fluxes, phases) and, with inertia, of
/// velocities (voltages). Infinite where the step is not stable; 0 for modes without a stationary law.
struct VarianceBias {
  double position = 0, velocity = 0;  ///< relative

  /// The larger of the two by size, with its sign.
  double worst() const;
};
/// `kind` and `stepper`: enumerators of CAPS_CELL; dt > 0 in time units. p-bits have no step: 0.
VarianceBias variance_bias(CellKind kind, Stepper stepper, const LinearMode& mode, double dt);

/// J_ij = J_ji of cells i != j; each pair once. Of one-way couplings give both with half the value each: their
/// symmetric part counts.
struct PairCoupling {
  std::uint32_t i = 0, j = 0;  ///< cells
  double value = 0;  ///< J, energy units
};

/// The linear part of a program's parameters. Spans have one value per cell, or one for all, or none (the reset value:
/// 0 for j2 and bias, 1 for mass and damping).
struct LinearNetwork {
  std::uint32_t cells = 0;  ///< how many
  std::span<const double> j2, bias, mass, damping;  ///< of cells
  std::span<const PairCoupling> couplings;  ///< each pair once
  double gain = 1, mobility = 1;  ///< of all couplings; of all cells
};

/// The worst bias that the step makes in the variance of a mode of the network: that of the stiffest one, with inertia
/// also of the softest, each at the smallest and largest damping. Phases: as if all were locked, at most |bias| + 4
/// |J2| + 2 sum |J| stiff. J4 and frequencies are ignored. Nothing for rlc arrays of more than 1024 nodes with
/// couplings. Cost: at most 96 products with the couplings; O(cells^3) for rlc.
std::optional<VarianceBias> predicted_bias(CellKind kind, Stepper stepper, const LinearNetwork& network,
                                           double dt);

}  // namespace heatbath::measure
