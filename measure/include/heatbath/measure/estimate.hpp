#pragma once
// Averages with honest standard errors: of independent samples, of correlated series, and functions of averages.

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

namespace heatbath::measure {

/// A measured number. `effective_samples` is the number of independent samples that would give this standard error.
struct Estimate {
  double value = 0;
  double standard_error = 0;
  double effective_samples = 0;
};

/// Mean of at least 2 independent values.
Estimate mean_of_independent(std::span<const double> values);

/// Integrated autocorrelation time tau = 1 + 2 sum rho_k in samples of `chains` equally long series (rows) that share
/// one mean, summed to the first window >= 6 max(tau, 1) (Madras & Sokal 1988). At least 4 values per chain.
double autocorrelation_time(std::span<const double> values, std::size_t chains = 1);

/// Mean of `chains` series (rows of one table): effective samples n/tau. From 64 chains on the scatter of their means
/// gives the error: independent chains need no window.
Estimate mean_of_chains(std::span<const double> values, std::size_t chains);

/// Any smooth function of the means of several columns, with the error of the delete-one-block jackknife. Rows go to
/// `blocks` blocks; rows of one block may depend on each other, blocks must not. Memory does not grow with the rows.
class BlockedMeans {
 public:
  using Statistic = std::function<double(std::span<const double> means)>;

  /// `blocks` >= 2; the relative error of a standard error is about 1/sqrt(2 blocks).
  explicit BlockedMeans(std::size_t columns, std::size_t blocks = 256);

  /// Adds a row to block `owner` % blocks: give rows of one shot or one cell one owner.
  void add(std::size_t owner, std::span<const double> row);
  void add(std::size_t owner, std::initializer_list<double> row) { add(owner, std::span(row.begin(), row.size())); }

  std::size_t rows() const { return rows_; }
  /// Mean of one column.
  double mean(std::size_t column) const;
  /// Statistic of all rows, less the bias of order 1/rows that the jackknife finds, with its error. Effective samples:
  /// the variance of the linearised statistic of one row over the squared error. Throws std::invalid_argument when
  /// fewer than 2 blocks hold rows.
  Estimate estimate(const Statistic& statistic) const;
  /// Mean of one column, as an estimate.
  Estimate mean_estimate(std::size_t column) const;

 private:
  std::size_t columns_, blocks_, rows_ = 0;
  std::vector<double> sums_;       // blocks x columns
  std::vector<std::size_t> count_;  // rows of each block
  std::vector<double> products_;   // columns x columns: sum of row_i row_j about `origin_`
  std::vector<double> origin_;     // the first row: keeps the products small
};

}  // namespace heatbath::measure
