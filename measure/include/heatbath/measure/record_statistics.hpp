#pragma once
// Statistics of the records of many shots, in memory that grows with neither.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "heatbath/measure/estimate.hpp"

namespace heatbath::numerics {
class Archive;
}

namespace heatbath::measure {

/// Means, covariances, lagged covariances, correlation times and histograms of a few numbers ("columns") that every
/// record of every shot has. One pass, no record is kept but those that the longest lag spans.
///
/// Shots are independent of each other, records of a shot are not. Standard errors are those of the delete-one-block
/// jackknife: a block is a group of whole shots from 64 shots on (at most 256 blocks), else one of the 64/shots parts
/// that each shot is cut into. Parts are independent when they are long beside the correlation time: parts_per_shot and
/// correlation_time tell. Where a run has one block only, standard errors and effective samples are NaN.
class RecordStatistics {
 public:
  /// What comes, and what is wanted of it.
  struct Shape {
    std::size_t columns = 1;  ///< values of a record
    std::uint64_t shots = 1, records = 1;     ///< in all; records of each shot
    std::vector<std::uint64_t> lags;          ///< in records, each below `records`
    bool covariances = true;                  ///< else means, variances and correlation times only
    double low = 0, high = 0;                 ///< of the histograms
    std::size_t bins = 0;                     ///< between low and high; 0: no histograms
  };

  /// Throws std::invalid_argument for a shape that cannot be.
  explicit RecordStatistics(Shape shape);

  /// Bytes that statistics of this shape take, for `together` shots whose records come by turns.
  static double bytes(const Shape& shape, std::uint64_t together);

  /// Record `record` of shots first_shot.. in order: their rows of columns one behind the other. Records of a shot come
  /// in order; shots come in groups, one after the other, each group whole. Infinities and NaN are refused
  /// (std::invalid_argument).
  void add(std::uint64_t first_shot, std::uint64_t record, std::span<const double> rows);

  /// As given; blocks that errors come from; parts into which each shot is cut for them.
  const Shape& shape() const { return shape_; }
  std::size_t blocks() const { return blocks_; }
  std::uint64_t parts_per_shot() const { return parts_; }
  /// Records of all shots so far.
  std::uint64_t samples() const { return samples_; }

  /// Of column i over all records.
  Estimate mean(std::size_t i) const;
  /// <(x_i - <x_i>)(x_j - <x_j>)>, less the bias of order 1/n that the jackknife finds; i == j without
  /// Shape::covariances.
  Estimate covariance(std::size_t i, std::size_t j) const;
  /// <(x_i(t) - <x_i>)(x_j(t + lag) - <x_j>)> at lags[k]; i == j without Shape::covariances. Effective samples are NaN.
  Estimate lagged_covariance(std::size_t k, std::size_t i, std::size_t j) const;
  /// <x_i(t) x_j(t + lag) - x_j(t) x_i(t + lag)> about the means at lags[k]: the signed current between two columns, 0 where
  /// detailed balance holds. With Shape::covariances. Effective samples are NaN.
  Estimate current(std::size_t k, std::size_t i, std::size_t j) const;
  /// Mutual information of two columns at one time, nats, with Shape::covariances: -ln(1 - rho^2)/2, that of jointly Gaussian
  /// values; of columns of +1 and -1 alone (`signs`) that of their four pairs of values. Never below 0 in law, but the
  /// corrected estimate may be. 0 where a column does not move; NaN where one tells the other exactly, of Gaussian ones.
  Estimate information(std::size_t i, std::size_t j, bool signs) const;
  /// Integral over positive lags of the autocorrelation of column i by the trapezoidal rule, in records: half of how
  /// many records one independent one is worth, from the scatter of the blocks. 1/2 for independent records. NaN for a
  /// constant column.
  Estimate correlation_time(std::size_t i) const;
  /// This mean, or covariance, less that of `other`, which has the same shape and whose shots follow the same noise:
  /// the error is that of the difference. No effective samples (NaN).
  Estimate mean_less(const RecordStatistics& other, std::size_t i) const;
  Estimate covariance_less(const RecordStatistics& other, std::size_t i, std::size_t j) const;
  /// Fraction of the samples of column i that fall below `low` (bin 0), into bin b = 1.. of equal widths, or at or
  /// above `high` (bin bins + 1).
  Estimate fraction(std::size_t i, std::size_t bin) const;

  /// Writes or reads what was gathered so far, for statistics of the same shape. Throws Archive::Refused for another.
  void exchange(numerics::Archive& archive);

 private:
  Shape shape_;
  std::uint64_t parts_ = 1;
  std::size_t blocks_ = 1, pairs_ = 0;
  std::uint64_t samples_ = 0;
  std::vector<double> origin_;              // the first row: keeps products small
  std::vector<std::uint64_t> count_;        // of each block
  std::vector<double> sums_;                // blocks x columns, about the origin
  std::vector<double> products_;            // blocks x pairs
  std::vector<double> third_, fourth_;      // x_i^2 x_j by (i, j); x_i^2 x_j^2 by pair: of all blocks
  std::vector<std::uint64_t> lag_count_;    // blocks x lags
  std::vector<double> heads_, tails_;       // blocks x lags x columns
  std::vector<double> lagged_;              // blocks x lags x (columns^2, or columns)
  std::vector<std::uint64_t> histogram_;    // blocks x columns x (bins + 2)
  std::vector<double> history_;             // shots of a group x longest lag x columns
  std::uint64_t longest_ = 0, group_ = 0;
  std::uint64_t next_record_ = 0;

  /// Of all blocks but one; of all where `block` is blocks().
  double mean_without(std::size_t block, std::size_t i) const;
  double covariance_without(std::size_t block, std::size_t i, std::size_t j) const;
  struct LaggedSums;
  LaggedSums lagged_sums(std::size_t block, std::size_t k, std::size_t i, std::size_t j) const;
  /// Of the two orders of the columns: statistic(i with j, j with i).
  template <class Statistic>
  Estimate of_lag(std::size_t k, std::size_t i, std::size_t j, const Statistic& statistic) const;
  std::size_t block_of(std::uint64_t shot, std::uint64_t record) const;
  std::size_t pair(std::size_t i, std::size_t j) const;
  std::size_t lagged_width() const { return shape_.covariances ? shape_.columns * shape_.columns : shape_.columns; }
  void add_row(std::size_t block, const double* row);
  void add_lags(std::size_t block, std::uint64_t record, const double* row, double* history);
};

}  // namespace heatbath::measure
