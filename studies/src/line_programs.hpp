#pragma once
// Noising and its reversal for values on the line, as device programs: one uncoupled cell of one shot per value.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "heatbath/device.hpp"
#include "heatbath/studies/score_bound.hpp"

namespace heatbath::trainers {

/// How a noising process lies on a device: levels of noise and the segments between them.
struct LinePlan {
  Process process = Process::vp;
  double unit = 1;               ///< value of state 1: x = unit * state
  std::uint32_t cells = 0, shots = 0;
  float j2 = 0;                  ///< stiffness/2 of the noising cells
  std::vector<double> clock;     ///< per level, first 0: VP time, VE added variance
  std::vector<LinearNoise> noise;///< per level
  std::vector<Ticks> durations;  ///< per segment
  std::vector<double> kT;        ///< per segment, while noising
  std::vector<double> kT_reverse;///< per segment, while generating: kT of the process, without the correction of a step

  std::size_t levels() const { return clock.size(); }
  std::size_t values() const { return std::size_t{cells} * shots; }
};

/// Process time of a clock: VE the t of g(t) = sigma^t, VP the clock.
double process_time(Process process, double clock, double sigma);

/// Throws Error(BAD_ARG or UNSUPPORTED) that names the option or capability.
LinePlan line_plan(const Device& device, const DataLaw& law, const BoundOptions& options);

/// What a run leaves.
struct LineRun {
  std::vector<std::vector<double>> states;  ///< [level][value], in data units
  std::vector<std::vector<double>> heat;    ///< [segment][shot]: Q/kT summed over the cells of the shot
  std::uint64_t clips = 0, rails = 0;
};

/// Noises x0 (plan.values() of them).
LineRun noise_values(Device& device, const LinePlan& plan, std::span<const double> x0, const BoundOptions& options);

/// Force F0 + F1 x + F3 x^3 per unit of clock in data units.
struct CellForce {
  double constant = 0, linear = 0, cubic = 0;
};

/// Runs from Gaussian noise of this mean and variance at level forces.size() down to level 0; forces[j] acts between
/// levels j + 1 and j. states[k] are those at level forces.size() - k; heat likewise. `run` numbers the
/// generations of one seed: they share no noise.
LineRun generate_values(Device& device, const LinePlan& plan, std::span<const CellForce> forces, double variance,
                        std::uint32_t run, const BoundOptions& options);

}  // namespace heatbath::trainers
