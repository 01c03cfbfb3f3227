#include "heatbath/measure/estimate.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "series.hpp"

namespace heatbath::measure {
namespace {

constexpr std::size_t many_chains = 64;
constexpr std::size_t least_blocks = 8;      // whose scatter says anything
constexpr std::size_t settled_blocks = 16;   // from which on the largest scatter is taken as it is
constexpr double smallest_unit = 0x1p-1000;  // its inverse is a double

/// autocorrelation_time of deviations that move.
double time_of(std::span<const double> x, std::size_t chains) {
  const std::size_t length = x.size() / chains;
  const double mean = mean_of(x);
  const auto covariance = [&](std::size_t lag) {
    double sum = 0;
    for (std::size_t chain = 0; chain < chains; ++chain) {
      const double* row = x.data() + chain * length;
      for (std::size_t i = 0; i + lag < length; ++i) sum += (row[i] - mean) * (row[i + lag] - mean);
    }
    return sum / static_cast<double>(x.size());
  };
  const double at_zero = covariance(0);
  double tau = 1;
  std::size_t window = 1;
  for (std::size_t lag = 1; lag < length; ++lag) {
    tau += 2 * covariance(lag) / at_zero;
    window = lag;
    if (static_cast<double>(lag) >= 6 * std::max(tau, 1.0)) break;
  }
  tau = std::clamp(tau, 1 / static_cast<double>(x.size()), static_cast<double>(x.size()));

  std::vector<double> blocks(x.begin(), x.end());
  bool contradicted = false;
  double found = tau;
  for (std::size_t per_chain = length, size = 1; per_chain >= 2 && chains * (per_chain / 2) >= least_blocks;) {
    const std::size_t before = per_chain;
    per_chain /= 2;
    size *= 2;
    for (std::size_t chain = 0; chain < chains; ++chain) {
      for (std::size_t k = 0; k < per_chain; ++k) {
        const double* pair = blocks.data() + chain * before + 2 * k;
        blocks[chain * per_chain + k] = (pair[0] + pair[1]) / 2;
      }
    }
    blocks.resize(chains * per_chain);
    if (size < window) continue;
    const double by_blocks = static_cast<double>(size) * variance_of(blocks, mean_of(blocks)) / at_zero;
    const double allowed = 1 + 4 * std::sqrt(2 / static_cast<double>(blocks.size() - 1));
    const bool settled = contradicted && blocks.size() >= settled_blocks;
    if (by_blocks > (settled ? found : found * allowed)) {
      found = by_blocks;
      contradicted = true;
    }
  }
  return std::min(found, static_cast<double>(x.size()));
}

}  // namespace

Estimate mean_of_independent(std::span<const double> values) {
  want(values.size() >= 2, "mean_of_independent: wants at least 2 values");
  const Deviations x(values, "mean_of_independent");
  if (x.still()) return {x.origin, 0, 1};
  const double mean = mean_of(x.values), n = static_cast<double>(values.size());
  return {x.origin + x.unit * mean, x.unit * std::sqrt(variance_of(x.values, mean) / n), n};
}

double autocorrelation_time(std::span<const double> values, std::size_t chains) {
  want(chains >= 1 && values.size() % chains == 0 && values.size() / chains >= 4,
       "autocorrelation_time: wants equally long chains of at least 4 values");
  const Deviations x(values, "autocorrelation_time");
  return x.still() ? static_cast<double>(values.size()) : time_of(x.values, chains);
}

Estimate mean_of_chains(std::span<const double> values, std::size_t chains) {
  want(chains >= 1 && values.size() % chains == 0 && values.size() >= (chains < many_chains ? 4 : 2) * chains,
       "mean_of_chains: wants equally long chains of at least 2 values, or 4 of fewer than 64 chains");
  const Deviations x(values, "mean_of_chains");
  if (x.still()) return {x.origin, 0, 1};
  const auto n = static_cast<double>(values.size());
  const double mean = mean_of(x.values), variance = variance_of(x.values, mean);
  double squared;
  if (chains < many_chains) {
    squared = variance * time_of(x.values, chains) / n;
  } else {
    const std::size_t length = values.size() / chains;
    std::vector<double> means;
    for (std::size_t chain = 0; chain < chains; ++chain)
      means.push_back(mean_of(std::span(x.values).subspan(chain * length, length)));
    squared = variance_of(means, mean_of(means)) / static_cast<double>(chains);
  }
  return {x.origin + x.unit * mean, x.unit * std::sqrt(squared), squared > 0 ? std::min(variance / squared, n) : n};
}

double split_r_hat(std::span<const double> values, std::size_t chains) {
  want(chains >= 2 && values.size() % chains == 0 && values.size() / chains >= 4,
       "split_r_hat: wants at least 2 equally long chains of at least 4 values");
  const Deviations x(values, "split_r_hat");
  if (x.still()) return 1;
  const std::size_t length = values.size() / chains, half = length / 2;
  std::vector<double> means, variances;
  for (std::size_t chain = 0; chain < chains; ++chain) {
    for (const std::size_t begin : {std::size_t{0}, length - half}) {
      const auto part = std::span(x.values).subspan(chain * length + begin, half);
      const Deviations own(part, "split_r_hat");
      means.push_back(own.origin + own.unit * mean_of(own.values));
      variances.push_back(own.still() ? 0 : own.unit * own.unit * variance_of(own.values, mean_of(own.values)));
    }
  }
  const double within = mean_of(variances), between = variance_of(means, mean_of(means));
  if (within == 0) return between > 0 ? std::numeric_limits<double>::infinity() : 1;
  const auto size = static_cast<double>(half);
  return std::sqrt((size - 1) / size + between / within);
}

BlockedMeans::BlockedMeans(std::size_t columns, std::size_t blocks)
    : columns_(columns), blocks_(blocks), unit_(columns, smallest_unit), sums_(blocks * columns), count_(blocks),
      products_(columns * columns) {
  want(columns >= 1 && blocks >= 2, "BlockedMeans: wants a column and 2 blocks");
}

void BlockedMeans::add(std::size_t owner, std::span<const double> row) {
  want(row.size() == columns_, "BlockedMeans: the row has another number of columns");
  want_finite(row, "BlockedMeans");
  if (rows_ == 0) origin_.assign(row.begin(), row.end());
  const std::size_t block = owner % blocks_;
  for (std::size_t i = 0; i < columns_; ++i) {
    const double deviation = std::fabs(row[i] - origin_[i]);
    if (deviation <= unit_[i]) continue;
    want(std::isfinite(deviation), "BlockedMeans: the values lie further apart than a double reaches");
    const double unit = std::ldexp(1.0, std::min(std::ilogb(deviation) + 1, 1023)), smaller = unit_[i] / unit;
    for (std::size_t j = 0; j <= i; ++j) products_[i * columns_ + j] *= smaller;
    for (std::size_t k = i; k < columns_; ++k) products_[k * columns_ + i] *= smaller;
    for (std::size_t b = 0; b < blocks_; ++b) sums_[b * columns_ + i] *= smaller;
    unit_[i] = unit;
  }
  ++rows_;
  ++count_[block];
  for (std::size_t i = 0; i < columns_; ++i) {
    const double deviation = (row[i] - origin_[i]) / unit_[i];
    sums_[block * columns_ + i] += deviation;
    for (std::size_t j = 0; j <= i; ++j)
      products_[i * columns_ + j] += deviation * ((row[j] - origin_[j]) / unit_[j]);
  }
}

double BlockedMeans::sum(std::size_t column) const {
  double sum = 0;
  for (std::size_t block = 0; block < blocks_; ++block) sum += sums_[block * columns_ + column];
  return sum;
}

double BlockedMeans::mean(std::size_t column) const {
  want(rows_ > 0, "BlockedMeans: there are no rows");
  return origin_[column] + unit_[column] * (sum(column) / static_cast<double>(rows_));
}

Estimate BlockedMeans::estimate(const Statistic& statistic) const { return jackknife(statistic, origin_); }

Estimate BlockedMeans::mean_estimate(std::size_t column) const {
  const std::vector<double> from_origin(columns_);
  Estimate result = jackknife([column](std::span<const double> means) { return means[column]; }, from_origin);
  result.value += origin_[column];
  return result;
}

Estimate BlockedMeans::jackknife(const Statistic& statistic, std::span<const double> origin) const {
  want(std::ranges::count_if(count_, [](std::size_t rows) { return rows > 0; }) >= 2,
       "BlockedMeans: wants rows in at least 2 blocks");
  std::vector<double> sums(columns_), means(columns_), without(columns_);
  const auto n = static_cast<double>(rows_);
  for (std::size_t i = 0; i < columns_; ++i) {
    sums[i] = sum(i);
    means[i] = origin[i] + unit_[i] * (sums[i] / n);
  }
  const double all = statistic(means);

  // Blocks may differ in length: the weighted delete-one jackknife of Busing, Meijer & van der Leeden (1999).
  double corrected = 0;
  std::vector<double> pseudo, weight;  // pseudo-values less `all`
  for (std::size_t block = 0; block < blocks_; ++block) {
    if (count_[block] == 0) continue;
    const auto m = static_cast<double>(count_[block]);
    for (std::size_t i = 0; i < columns_; ++i)
      without[i] = origin[i] + unit_[i] * ((sums[i] - sums_[block * columns_ + i]) / (n - m));
    const double h = n / m, left_out = statistic(without);
    pseudo.push_back((h - 1) * (all - left_out));
    weight.push_back(h);
    corrected += (1 - m / n) * (all - left_out);
  }
  // In units of the largest deviation: squares of what a double holds stay within it.
  double largest = 0;
  for (double& value : pseudo) {
    value -= corrected;
    largest = std::isfinite(value) ? std::max(largest, std::fabs(value)) : HUGE_VAL;
    if (!std::isfinite(largest)) break;
  }
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  if (!std::isfinite(all + corrected) || !std::isfinite(largest)) return {nan, nan, 0};
  double squared = 0;
  for (std::size_t k = 0; k < pseudo.size() && largest > 0; ++k) {
    const double z = pseudo[k] / largest;
    squared += z * z / (weight[k] - 1) / static_cast<double>(pseudo.size());
  }

  // Variance of one row along the gradient of the statistic, both in the units of the columns.
  std::vector<double> gradient(columns_);
  const auto covariance = [&](std::size_t i, std::size_t j) {
    return products_[std::max(i, j) * columns_ + std::min(i, j)] / n - sums[i] / n * (sums[j] / n);
  };
  double steepest = 0;
  for (std::size_t i = 0; i < columns_; ++i) {
    const double spread = unit_[i] * std::sqrt(std::max(covariance(i, i), 0.0) / n);
    if (spread == 0) continue;
    std::vector<double> moved = means;
    moved[i] += std::max(spread, 0x1p-40 * std::fabs(means[i]));
    gradient[i] = (statistic(moved) - all) / ((moved[i] - means[i]) / unit_[i]);
    if (!std::isfinite(gradient[i])) gradient[i] = 0;
    steepest = std::max(steepest, std::fabs(gradient[i]));
  }
  double row_variance = 0;
  for (std::size_t i = 0; i < columns_ && steepest > 0; ++i) {
    for (std::size_t j = 0; j < columns_; ++j)
      row_variance += gradient[i] / steepest * covariance(i, j) * (gradient[j] / steepest);
  }
  const double error = largest * std::sqrt(squared), row = steepest * std::sqrt(std::max(row_variance, 0.0));
  if (row == 0 && error == 0) return {all + corrected, 0, 1};
  return {all + corrected, error, error > 0 ? std::min(row / error * (row / error), n) : n};
}

}  // namespace heatbath::measure
