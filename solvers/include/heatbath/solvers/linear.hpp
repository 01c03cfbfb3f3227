#pragma once
// Linear algebra by thermal averages: V = x'Ax/2 - b'x has the mean A^-1 b and the covariance kT A^-1.
//
// Error laws (Aifer et al., arXiv:2308.05660): a time average over tau of overdamped cells at mobility 1 has
//   E|x - A^-1 b|^2 = (2 kT/tau) Tr A^-2,
//   E|C - A^-1|_F^2 = (2/tau) sum_ij (1 + d_ij)/(a_i a_j (a_i + a_j)),   a_i the eigenvalues of A,
// and shots divide both by their number. Roots and factors of matrices are the host's work.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "heatbath/device.hpp"
#include "heatbath/measure/estimate.hpp"

namespace heatbath::solvers {

/// How exact an answer is wanted, and what it may cost.
struct LinearOptions {
  /// Ends when sqrt(sum of squared standard errors) is at most this part of the norm of what was found.
  double tolerance = 0.01;
  /// Temperature in the units of V; 0: 0.01 |b|^2/Tr A, where fluctuations are a tenth of a typical solution, and
  /// twice that as often as the device's ranges need; 1 where b is 0 or there is none.
  double kT = 0;
  std::uint32_t shots = 64;       ///< independent runs, from whose scatter errors come; at least 16
  double most_time = 1e5;         ///< limit on the averaged time of a shot, in relaxation times of the slowest mode
  std::uint64_t seed = 1;
  Progress progress = nullptr;    ///< false: Error(ABORTED)
};

/// Numbers with their errors, and what they took.
struct LinearResult {
  std::vector<double> values;           ///< x; or a matrix, n x n row-major; or one logarithm
  std::vector<double> standard_errors;  ///< one for each value
  /// Root of the sum of squared errors over the norm; of a log-determinant the error itself.
  double relative_error = 0;
  bool reached = false;                 ///< the tolerance
  double kT = 0;
  double relaxation_time = 0;           ///< bound on the slowest mode's, 1/(lowest eigenvalue), time units of A
  double averaged_time = 0;             ///< of each shot, time units of A
  double burn_in_time = 0;
  Ticks device_ticks;
  double device_seconds = 0;
  std::vector<std::string> notes;       ///< what the device's ranges, codes and step do to the result
};

/// Solves A x = b, A symmetric and positive definite, n x n row-major. Burn-in is as long as the start is forgotten to a
/// tenth of the tolerance, 8 relaxation times or more. Error(BAD_ARG) that names the entries of a matrix that is not
/// symmetric, or its lowest eigenvalue where that is not above 0; Error(UNSUPPORTED) for cells that are not overdamped
/// and ranges that are too small. Blocks until done: device time passes.
LinearResult solve(Device& device, std::span<const double> A, std::span<const double> b, const LinearOptions& options = {});

/// A^-1 from the covariance at b = 0; the tolerance is that of the Frobenius norm. At most 512 rows. The step of the
/// device changes variances; how much is in the notes where it is more than a tenth of the tolerance.
LinearResult inverse(Device& device, std::span<const double> A, const LinearOptions& options = {});

/// S of A S + S A' = R, the covariance of dx = -A x dt + noise of strength R. R symmetric and positive definite; A as such
/// that, where the noise is white, its symmetric part is positive definite. Where that A is not symmetric the device needs
/// couplings that differ in their two directions. At most 512 rows; the tolerance is that of the Frobenius norm.
LinearResult lyapunov(Device& device, std::span<const double> A, std::span<const double> R, const LinearOptions& options = {});

/// exp(-A time), from <x(t + time) x(t)'> of dx = -A x dt + noise of strength A + A' (Duffield et al.,
/// arXiv:2311.12759). Where A + A' is not positive enough A + shift is taken, which costs accuracy, and a note says so. Symmetric A, or devices
/// with couplings that differ in their two directions. At most 512 rows.
LinearResult exponential(Device& device, std::span<const double> A, double time, const LinearOptions& options = {});

/// ln det A of a symmetric positive definite matrix: ln det D of its diagonal plus the integral over s = 0..1 of <x'(A -
/// D)x>/kT where the couplings are s (A - D) (thermodynamic integration by Gauss's rule). The tolerance is that of the
/// logarithm itself: 0.01 is 1 % of the determinant. Averaged times are summed over the nodes. At most 512 rows.
LinearResult log_determinant(Device& device, std::span<const double> A, const LinearOptions& options = {});

/// y = H theta + noise, theta from a Gaussian prior.
struct GaussianModel {
  std::vector<double> prior_precision;  ///< n x n, symmetric
  std::vector<double> prior_mean;       ///< n
  std::vector<double> design;           ///< H: data x n
  std::vector<double> noise_variance;   ///< of all data, or one for each
};
/// Mean and covariance of the unknowns after the data.
struct PosteriorResult {
  LinearResult mean, covariance;        ///< n; n x n
};
/// The posterior law of theta: its precision is that of the prior plus H' H/variance, which the cells hold; the mean is
/// solve(), the covariance inverse(), with the tolerance each.
PosteriorResult posterior(Device& device, const GaussianModel& model, std::span<const double> data, const LinearOptions& options = {});

}  // namespace heatbath::solvers
