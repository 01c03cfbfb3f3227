#pragma once
// Thermodynamic natural gradient: cells solve (F + lambda) x = gradient by relaxing (arXiv:2405.13817, npj Unconv. Comput.
// 2026, s44335-025-00049-x).

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "heatbath/device.hpp"
#include "heatbath/measure/estimate.hpp"

namespace heatbath::trainers {

/// How cells solve for a step.
struct NaturalGradientOptions {
  /// Analog time of a step, in time units of A (mobility 1): x starts where it is and goes to A^-1 b as exp(-A t). Long:
  /// the natural gradient; short, from 0: x = t b, plain descent.
  double time = 5;
  double kT = 1e-4;            ///< of the cells, in units of x'Ax/2: the variance of one reading is kT A^-1 (1 - exp(-2At))
  std::uint32_t shots = 64;    ///< independent readings, averaged
  double stiffness = 0.02;     ///< ScalingOptions::stiffness: sets the step where it can be set
  std::uint64_t seed = 1;      ///< where the device takes one
  Progress progress = nullptr; ///< of the job; false ends the call with Error(ABORTED)
};

/// Where the cells are after a step: means of the readings with their errors, and the covariance of one reading
/// (row-major).
struct NaturalStep {
  std::vector<measure::Estimate> x;  ///< the step, with errors
  std::vector<double> covariance;  ///< of x, row-major
  std::uint32_t shots = 0;  ///< runs that it took
  double time = 0;  ///< that the cells ran, time units of A: the nearest that the device's step allows
};

/// Takes V = x'Ax/2 - b'x to the device, starts every shot at `start` (empty: 0), lets it run for options.time and reads
/// it. A: cells x cells, row-major, symmetric. `first_shot`: readings of one training have numbers of their own.
/// Error(UNSUPPORTED) for what the device lacks (overdamped cells, ranges), Error(BAD_ARG) for sizes, an A that is not
/// positive, and options out of range.
NaturalStep natural_step(Device& device, std::span<const double> A, std::span<const double> b, const NaturalGradientOptions& options,
                         std::span<const double> start = {}, std::uint32_t first_shot = 0);

/// Descent theta <- theta - rate x of a loss whose gradient and curvature F are given at each theta (row-major).
struct NaturalDescentOptions {
  NaturalGradientOptions step;  ///< how each step is solved for
  double rate = 0.5;  ///< of the descent
  double damping = 0.01;       ///< lambda: A = F + lambda
  /// Cells go on where the last step left them (the mean of its readings), which acts as momentum, mode by mode; otherwise
  /// they start at 0 each time.
  bool carry = false;
};
/// A descent by natural gradients whose linear equations a device solves.
class NaturalDescent {
 public:
  /// The device must outlive it. `theta` is where it begins.
  NaturalDescent(Device& device, std::vector<double> theta, const NaturalDescentOptions& options);

  /// One step with the gradient and the curvature at theta().
  void step(std::span<const double> gradient, std::span<const double> curvature);

  /// Where it is; the last step's x; steps made.
  const std::vector<double>& theta() const { return theta_; }
  const std::vector<double>& x() const { return x_; }
  std::uint32_t steps() const { return steps_; }
  /// Goes on from a saved state, to the same bits.
  void resume(std::vector<double> theta, std::vector<double> x, std::uint32_t steps);

 private:
  Device* device_;
  std::vector<double> theta_, x_;
  NaturalDescentOptions options_;
  std::uint32_t steps_ = 0;
};

}  // namespace heatbath::trainers
