#pragma once
// What the steps of the general array read: parameters at one instant, turned into coefficients.

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "hw_model/physics/array.hpp"
#include "hw_model/physics/exact_heat.hpp"
#include "hw_model/physics/integer_spins.hpp"
#include "hw_model/physics/ramped_couplings.hpp"

namespace heatbath::physics {

struct LinearStep;

/// Coefficients of one make of array for one set of parameters, or a point between two, and one dt.
///
/// Matrices are those of the cells that move. Held cells are constants of their equations: they drive the others as
/// biases do, take no noise, and have neither a row nor a column in the inverse of the capacitances.
struct StepTable : RampedCouplings {
  /// `free`: per cell ~0 where it moves, 0 where it is held. `advance`: how far a step goes on between the two; only
  /// exact-ou looks at it. `heat`: whether the heat of exact parts of a step is wanted.
  StepTable(const ArraySpec& spec, const Parameters& from, const Parameters& to, double position, double dt,
            std::span<const std::uint32_t> free, double advance = 0, bool heat = false);

  double dt;
  float position;
  bool lane_bias;  ///< biases differ between lanes: see bias_of
  std::vector<float> two_j2, four_j4, bias;
  // Of cells that move; p-bits have none of these:
  std::vector<float> mass, damping;
  std::vector<double> kT;
  std::vector<float> four_j2, minus_pull;  ///< phases: 4 J2 and -omega / mu
  // Where float32 would be too coarse (small_increments.hpp):
  bool by_change = false;  ///< exact steps add what changes; else they multiply
  bool split = false;      ///< states are sums of two floats
  /// Phases that turn fast: omega dt as whole turns and a rest in two floats, which a step adds by itself; no_pull
  /// stands for minus_pull then. Else empty.
  std::vector<std::int64_t> drift_turns;
  std::vector<float> drift_high, drift_low, no_pull;
  bool drifts() const { return !drift_turns.empty(); }

  std::vector<float> step, sigma;        ///< of the driven component: state += step slope + sigma noise
  std::vector<float> whole_dt, half_dt;  ///< dt and dt/2 in every entry
  std::vector<float> half_kick;          ///< BAOAB: -dt / 2m
  /// BAOAB: exact damping of a velocity; by_change: minus what it loses in `keep`
  std::vector<float> keep, kick;
  std::vector<float> two_over_kT;        ///< p-bits
  std::optional<IntegerSpins> integers;  ///< of p-bits in integers

  // Matrices, over the variables in the order of the state.
  std::shared_ptr<const Couplings> inverse_capacitance;  ///< rlc: 0 beside held nodes
  std::shared_ptr<const Couplings> propagate, spread;    ///< exact-ou, all variables; rlc under BAOAB, voltages;
                                                         ///< by_change: less the unit matrix
  std::shared_ptr<const Couplings> respond;              ///< exact-ou: shift of the state per bias
  /// exact-ou in a ramp: shift per change of a bias over the step
  std::shared_ptr<const Couplings> lean;
  std::vector<float> shift;                              ///< exact-ou: of the biases, when lanes share them
  std::shared_ptr<const ExactHeat> heat;                 ///< exact-ou, and of voltages rlc under BAOAB; if asked for
  std::shared_ptr<const Couplings> noise_mix;            ///< rlc under Euler–Maruyama and Heun

  /// 2 / kT as p-bits take it: infinite at kT = 0.
  static float two_over(double kT);
  /// Bias of a cell in a lane between two sets of parameters at this table's position.
  static float bias_of(const Parameters& from, const Parameters& to, float position, std::uint32_t cells,
                       std::uint32_t lane, std::uint32_t cell);

 private:
  // `exchange`: of a rank's part of an array, else null.
  void set_drift(Exchange* exchange, const Parameters& from, const Parameters& to, double position,
                 std::span<const std::uint32_t> free);
  // BAOAB: what velocities lose in a step, where what they keep is too coarse.
  void keep_small_losses(Exchange* exchange, std::span<const std::uint32_t> free);
  // Matrices of an exact step; `decay`: of the slowest damping in a step, below 0 where none is to be kept.
  void set_transition(const LinearStep& exact, const std::vector<std::ptrdiff_t>& moving, double decay);
  void make_matrices(const ArraySpec& spec, const std::vector<double>& rate, std::span<const std::uint32_t> free,
                     bool ramped, bool wants_heat);
};

/// C_ik of an rlc array in double, n x n: mass on the diagonal, gain times couplings beside it.
std::vector<double> capacitances(const Parameters& p);

}  // namespace heatbath::physics
