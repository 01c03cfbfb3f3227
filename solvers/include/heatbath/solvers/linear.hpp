#pragma once
// Linear algebra by thermal averages: V = x'Ax/2 - b'x has the mean A^-1 b and the covariance kT A^-1.
//
// Error laws (Aifer et al., arXiv:2308.05660): a time average over tau of overdamped cells at mobility 1 has
//   E|x - A^-1 b|^2 = (2 kT/tau) Tr A^-2,
//   E|C - A^-1|_F^2 = (2/tau) sum_ij (1 + d_ij)/(a_i a_j (a_i + a_j)),   a_i the eigenvalues of A,
// and shots divide both by their number.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "heatbath/device.hpp"
#include "heatbath/measure/estimate.hpp"

namespace heatbath::solvers {

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

struct LinearResult {
  std::vector<double> values;           ///< x; or the inverse, n x n row-major, symmetric
  std::vector<double> standard_errors;  ///< one for each value
  double relative_error = 0;            ///< root of the sum of squared errors over the norm
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

}  // namespace heatbath::solvers
