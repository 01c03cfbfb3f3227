#pragma once
// Bayesian logistic regression: the device draws parameters, the host draws the variables that make their law Gaussian.

#include <cstdint>
#include <span>
#include <vector>

#include "heatbath/device.hpp"
#include "heatbath/measure/estimate.hpp"
#include "heatbath/numerics/random.hpp"

namespace heatbath::solvers {

/// P(y_i = 1) = 1/(1 + exp(-x_i . theta)) under a Gaussian prior of n parameters.
struct LogisticModel {
  std::vector<double> prior_precision;  ///< n x n, symmetric and positive definite
  std::vector<double> prior_mean;       ///< n; empty: 0
  std::vector<double> design;           ///< rows x n: x_i
};

/// How many draws of the posterior, and how far apart.
struct LogisticOptions {
  std::uint32_t chains = 8;      ///< one after the other, at least 4
  std::uint32_t draws = 250;     ///< of each, at least 4
  std::uint32_t burn_in = 50;    ///< draws before the first
  double relaxations = 3;        ///< of the device between two, bounds on the slowest mode's
  std::uint64_t seed = 1;
  Progress progress = nullptr;   ///< false: Error(ABORTED)
};

/// The posterior by its draws.
struct LogisticResult {
  std::vector<measure::Estimate> mean;        ///< n
  std::vector<measure::Estimate> covariance;  ///< n x n
  std::vector<double> draws;                  ///< chains x draws x n
  std::vector<std::string> notes;
  Ticks device_ticks;
};

/// Gibbs draws of the posterior by Polya-Gamma augmentation (Polson, Scott & Windle, J. Am. Stat. Assoc. 108, 1339 (2013)).
/// Given w_i the law of theta is Gaussian with precision P + X' diag(w) X, which overdamped linear cells hold: they start at the last
/// theta and draw the next. Given theta the host draws w_i ~ PG(1, x_i . theta), exactly, and multiplies X' diag(w) X: that part is
/// the host's, each draw, and grows as rows n^2. `labels`: 0 or 1 per row. Error(BAD_ARG) for sizes that do not fit, other labels and
/// options out of range; Error(UNSUPPORTED) for what the device lacks.
LogisticResult logistic(Device& device, const LogisticModel& model, std::span<const double> labels, const LogisticOptions& options = {});

/// A draw of PG(1, z), mean tanh(z/2)/(2 z), by Devroye's method.
double polya_gamma(double z, numerics::RandomStream& random);

}  // namespace heatbath::solvers
