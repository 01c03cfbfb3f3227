#pragma once
// How far from equilibrium a running machine is: entropy production and signed currents between cells.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "heatbath/measure/estimate.hpp"
#include "heatbath/program.h"

namespace heatbath::measure {

/// Entropy production rate of a linear network dx = -A x dt + sqrt(2 D) dW, D = diag(diffusion), from stationary
/// samples, nats per time unit. Both use the network's exact score -S^-1 x with the measured covariance S.
struct LinearEntropyProduction {
  /// <nu . D^-1 nu>, nu = (D S^-1 - A) x: never negative, so biased upwards by the noise of S before correction.
  Estimate positive;
  /// <b . D^-1 nu> = tr(D^-1 A S A^T) - tr A: linear in S, unbiased, of either sign: the one to test for 0 with.
  Estimate signed_rate;
};
/// `samples`: rows of n cells, `chains` equal contiguous runs of rows that are independent of each other; `stiffness`
/// A is n x n row-major; mean 0 is assumed. `positive` is NaN where the states span fewer than n dimensions.
LinearEntropyProduction linear_entropy_production(std::span<const double> samples, std::span<const double> stiffness,
                                                  std::span<const double> diffusion, std::size_t chains);

/// Mean heat given to the bath per time unit over kT, from the path heat of each shot's meters: the entropy production
/// rate of a stationary run at one temperature.
Estimate heat_entropy_production(std::span<const hb_meters_t> meters, double kT, double duration);

/// Lower bound 2 <j>^2/(Var(j) t) on the entropy production rate from any current integrated over `duration` (Barato &
/// Seifert 2015), from at least 2 independent values of it. NaN where the current does not fluctuate.
Estimate uncertainty_bound(std::span<const double> currents, double duration);

/// Signed currents <x_i o dx_j - x_j o dx_i> of all pairs of cells, which detailed balance makes zero. With states x,
/// x' of two records they are x_i x'_j - x_j x'_i exactly. Signs can cancel, squares cannot: unlike a plug-in entropy
/// production the test has no bias, at any distance between records.
class PairCurrents {
 public:
  /// `cells` >= 2.
  explicit PairCurrents(std::uint32_t cells);

  /// One independent shot: records x cells, row-major, at least 2 records, all finite.
  void add(std::span<const float> trajectory);

  std::uint32_t cells() const { return cells_; }  ///< of a state
  std::size_t pairs() const { return means_.size(); }  ///< i < j
  /// Current per record of the pair i < j.
  Estimate current(std::uint32_t i, std::uint32_t j) const;

  /// The pair with the largest |z|, and the probability that as large a one comes up among all pairs of a machine
  /// that is in equilibrium (Šidák). Needs at least 30 shots for z to be normal: else std::invalid_argument. A current
  /// that is the same in every shot, and not 0, has an infinite z.
  struct Largest {
    std::uint32_t i = 0, j = 0;  ///< the pair
    double z = 0;  ///< its current over its standard error
    double probability = 1;  ///< that an equilibrium has one as large
  };
  /// The current that stands out most.
  Largest largest() const;

 private:
  std::uint32_t cells_;
  std::size_t shots_ = 0;
  std::vector<double> means_, squares_;  // of the mean current of a shot, by pair; squares of deviations (Welford 1962)
  std::size_t index(std::uint32_t i, std::uint32_t j) const;
};

/// Probability that a standard normal number lies further out than |z|.
double two_sided_probability(double z);

}  // namespace heatbath::measure
