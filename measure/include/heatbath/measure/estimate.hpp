#pragma once
// Averages with honest standard errors: of independent samples, of correlated series, and functions of averages.
//
// What all of them answer at the edge:
// - A series that does not move says as much as one value: standard error 0, 1 effective sample, whatever the value.
// - Effective samples are never more than samples.
// - Origin and scale do not matter: 1e15 + x, 1e200 x and 1e-300 x have the relative errors of x.
// - Infinities and NaN are refused: std::invalid_argument.

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <limits>
#include <span>
#include <vector>

namespace heatbath::measure {

/// A measured number; NaN where something was not measured. `effective_samples` is the number of independent samples
/// that would give this standard error, at most the number of samples there are; 0 where they were not counted.
struct Estimate {
  double value = std::numeric_limits<double>::quiet_NaN();  ///< best value
  double standard_error = std::numeric_limits<double>::quiet_NaN();  ///< of the value
  double effective_samples = 0;  ///< independent ones that would do as well
};

/// Mean of at least 2 independent values.
Estimate mean_of_independent(std::span<const double> values);

/// Integrated autocorrelation time tau = 1 + 2 sum rho_k in samples of `chains` equally long series (rows) that share
/// one mean, summed to the first window >= 6 max(tau, 1) (Madras & Sokal 1988). A window stops at once where a weak
/// slow part hides below fast noise, so block means are held against it (Flyvbjerg & Petersen 1989): where blocks
/// longer than the window scatter more than tau allows, by 4 standard errors of that scatter, tau is that of the
/// blocks. What is slower than an eighth of the series stays unseen. At least 4 values per chain; the number of values
/// where none moves.
double autocorrelation_time(std::span<const double> values, std::size_t chains = 1);

/// Mean of `chains` series (rows of one table) of at least 2 values, at least 4 of fewer than 64 chains: effective
/// samples n/tau. From 64 chains on the scatter of their means gives the error: independent chains need no window.
Estimate mean_of_chains(std::span<const double> values, std::size_t chains);

/// Potential scale reduction of `chains` equally long series (rows), each split in two halves (Gelman & Rubin 1992;
/// split form of Gelman et al. 2013): 1 when all sample one law, far above when they stay where they began. The middle
/// value of an odd number is in neither half. At least 2 chains of 4 values; 1 where nothing moves and all agree,
/// infinity where nothing moves and they do not.
double split_r_hat(std::span<const double> values, std::size_t chains);

/// Any smooth function of the means of several columns, with the error of the delete-one-block jackknife. Rows go to
/// `blocks` blocks; rows of one block may depend on each other, blocks must not. Memory does not grow with the rows.
class BlockedMeans {
 public:
  using Statistic = std::function<double(std::span<const double> means)>;  ///< a function of the means of all columns

  /// `blocks` >= 2; the relative error of a standard error is about 1/sqrt(2 blocks).
  explicit BlockedMeans(std::size_t columns, std::size_t blocks = 256);

  /// Adds a row to block `owner` % blocks: give rows of one shot or one cell one owner.
  void add(std::size_t owner, std::span<const double> row);
  void add(std::size_t owner, std::initializer_list<double> row) { add(owner, std::span(row.begin(), row.size())); }

  std::size_t rows() const { return rows_; }  ///< added so far
  /// Mean of one column.
  double mean(std::size_t column) const;
  /// Statistic of all rows, less the bias of order 1/rows that the jackknife finds, with its error. Effective samples:
  /// the variance of the linearised statistic of one row over the squared error. Value and error are NaN and the
  /// effective samples 0 where the statistic of all rows, or of all but a block, is no finite number. Throws
  /// std::invalid_argument when fewer than 2 blocks hold rows.
  Estimate estimate(const Statistic& statistic) const;
  /// Mean of one column, as an estimate.
  Estimate mean_estimate(std::size_t column) const;

 private:
  std::size_t columns_, blocks_, rows_ = 0;
  std::vector<double> origin_;      // the first row
  std::vector<double> unit_;        // of deviations from it, by column: a power of two above the largest
  std::vector<double> sums_;        // blocks x columns: of deviations
  std::vector<std::size_t> count_;  // rows of each block
  std::vector<double> products_;    // columns x columns: sum of deviation_i deviation_j

  double sum(std::size_t column) const;  // of deviations
  Estimate jackknife(const Statistic& statistic, std::span<const double> origin) const;
};

}  // namespace heatbath::measure
