#pragma once
// What tells the steppers apart in the physics: a file and a row of rules.cpp per stepper, and nothing else asks for
// the stepper. Order, kinds of cells, and what the register map says of it stand in heatbath.toml (cell_kinds.hpp).

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>

#include "hw_model/physics/array.hpp"

namespace heatbath::physics {

struct StepSpace;  // general_space.hpp

/// Where the path heat of a step comes from; array.hpp (LaneMeters) has the formulas.
enum class HeatFrom : std::uint8_t {
  ends,    ///< F o dx with the mean of the forces at both ends, with inertia less the change of the kinetic energy
  noises,  ///< the noises of the step and of its reverse
  guess,   ///< mu F^2 dt + F o noise, the noise with the force at the predicted state
  nodes,   ///< the same of rlc nodes, by voltages
  bath,    ///< minus the change of the kinetic energy in the exact part of the step
  energy,  ///< minus the change of V
  odds     ///< StepperRule::released
};

/// How the matrices of an exact step are used.
enum class Exact : std::uint8_t { nothing, velocities, whole };

struct StepperRule {
  Stepper stepper;

  /// One step of a tile without meters; null: updates of spins (spin_steps.cpp), which keep their own.
  void (*step)(StepSpace& space) = nullptr;

  /// `potential`: whether the forces of the step are a gradient.
  HeatFrom (*heat)(const ArraySpec& spec, bool potential) = nullptr;
  /// HeatFrom::odds: what variable `at` of cell i has released in the step, from dV/dx at both ends.
  double (*released)(const StepSpace& space, std::uint32_t i, std::size_t at, double before,
                     double after) = nullptr;

  /// Longest step for a mode z' = -rate z of the linearised motion, |rate| > 0, with the growth that still counts as
  /// stable; `decay`: the real part of the rate, not below 0.
  double (*longest)(std::complex<double> rate, double decay, double growth) = nullptr;
  double longest_real = 2;  ///< the same for a decaying mode: dt times its rate
  /// With inertia, where the step is not explicit in the velocity: the longest step for damping g and stiffness kappa
  /// over the mass. Null: from `longest` of both rates.
  double (*longest_inertial)(double g, std::complex<double> kappa, double growth) = nullptr;
  /// With inertia: no longer than this over sqrt(kappa) for any damping between two that are stable.
  double longest_swing = std::numeric_limits<double>::infinity();

  Exact exact = Exact::nothing;
  bool refines = false;     ///< takes noise of a refined path (noise.hpp)
  bool by_force = true;     ///< increments shrink with the forces: float32 may lose them (small_increments.hpp)
  bool needs_noise = false; ///< temperatures must be above 0
  bool in_sweeps = false;   ///< a step is one whole sweep of updates
  bool at_random = false;   ///< updates cells that are drawn
  bool by_colour = false;   ///< updates one colour of a bipartite graph at once
};

/// Of the stepper of an array; `none` stands for the default of its kind.
const StepperRule& rule(const ArraySpec& spec);

/// First h below `most` at which `size`(h) exceeds 1 + growth, where it does.
inline double crossing(double most, double growth, const std::function<double(double)>& size) {
  double low = 0, high = most;
  for (int halvings = 0; halvings < 100; ++halvings) {
    const double middle = 0.5 * (low + high);
    (size(middle) > 1 + growth ? high : low) = middle;
  }
  return low;
}

/// |1 - h rate| <= 1 + growth.
inline double longest_euler(std::complex<double> rate, double decay, double growth) {
  const double size = std::abs(rate);
  return (decay + std::sqrt(decay * decay + 2 * growth * size * size)) / (size * size);
}

/// What Euler–Maruyama's step releases in one cell: (mu dt / 4) (g'^2 - g^2) - (g + g') dx / 2 with g = dV/dx at its
/// ends, which is kT (|w~|^2 - |w|^2) / 2 (exact-problems.md 5). quarter_mu_dt 0: F o dx alone.
inline double released_between(double quarter_mu_dt, double before, double after, double moved) {
  return quarter_mu_dt * (after * after - before * before) - 0.5 * moved * (before + after);
}

}  // namespace heatbath::physics
