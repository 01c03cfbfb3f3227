#include "heatbath/measure/estimate.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace heatbath::measure {
namespace {

constexpr std::size_t kManyChains = 64;

double mean_of(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double variance_of(std::span<const double> values, double mean) {
  double sum = 0;
  for (const double value : values) sum += (value - mean) * (value - mean);
  return sum / static_cast<double>(values.size() - 1);
}

void want(bool have, const char* what) {
  if (!have) throw std::invalid_argument(what);
}

}  // namespace

Estimate mean_of_independent(std::span<const double> values) {
  want(values.size() >= 2, "mean_of_independent: wants at least 2 values");
  const double mean = mean_of(values), n = static_cast<double>(values.size());
  return {mean, std::sqrt(variance_of(values, mean) / n), n};
}

double autocorrelation_time(std::span<const double> values, std::size_t chains) {
  want(chains >= 1 && values.size() % chains == 0 && values.size() / chains >= 4,
       "autocorrelation_time: wants equally long chains of at least 4 values");
  const std::size_t length = values.size() / chains;
  const double mean = mean_of(values);
  const auto covariance = [&](std::size_t lag) {
    double sum = 0;
    for (std::size_t chain = 0; chain < chains; ++chain) {
      const double* x = values.data() + chain * length;
      for (std::size_t i = 0; i + lag < length; ++i) sum += (x[i] - mean) * (x[i + lag] - mean);
    }
    return sum / static_cast<double>(chains * length);
  };
  const double at_zero = covariance(0);
  if (at_zero == 0) return 1;
  double tau = 1;
  for (std::size_t lag = 1; lag < length; ++lag) {
    tau += 2 * covariance(lag) / at_zero;
    if (static_cast<double>(lag) >= 6 * std::max(tau, 1.0)) break;
  }
  return std::max(tau, 1 / static_cast<double>(values.size()));
}

Estimate mean_of_chains(std::span<const double> values, std::size_t chains) {
  want(chains >= 1 && values.size() % chains == 0 && values.size() > chains,
       "mean_of_chains: wants equally long chains of at least 2 values");
  const double mean = mean_of(values), variance = variance_of(values, mean);
  if (chains < kManyChains) {
    const double samples = static_cast<double>(values.size()) / autocorrelation_time(values, chains);
    return {mean, std::sqrt(variance / samples), samples};
  }
  const std::size_t length = values.size() / chains;
  std::vector<double> means;
  for (std::size_t chain = 0; chain < chains; ++chain) means.push_back(mean_of(values.subspan(chain * length, length)));
  const Estimate between = mean_of_independent(means);
  const double squared = between.standard_error * between.standard_error;
  return {mean, between.standard_error, squared > 0 ? variance / squared : static_cast<double>(values.size())};
}

BlockedMeans::BlockedMeans(std::size_t columns, std::size_t blocks)
    : columns_(columns), blocks_(blocks), sums_(blocks * columns), count_(blocks), products_(columns * columns) {
  want(columns >= 1 && blocks >= 2, "BlockedMeans: wants a column and 2 blocks");
}

void BlockedMeans::add(std::size_t owner, std::span<const double> row) {
  want(row.size() == columns_, "BlockedMeans: the row has another number of columns");
  if (rows_ == 0) origin_.assign(row.begin(), row.end());
  const std::size_t block = owner % blocks_;
  ++rows_;
  ++count_[block];
  for (std::size_t i = 0; i < columns_; ++i) {
    sums_[block * columns_ + i] += row[i];
    for (std::size_t j = 0; j <= i; ++j) products_[i * columns_ + j] += (row[i] - origin_[i]) * (row[j] - origin_[j]);
  }
}

double BlockedMeans::mean(std::size_t column) const {
  double sum = 0;
  for (std::size_t block = 0; block < blocks_; ++block) sum += sums_[block * columns_ + column];
  return sum / static_cast<double>(rows_);
}

Estimate BlockedMeans::estimate(const Statistic& statistic) const {
  std::vector<double> means(columns_), without(columns_);
  for (std::size_t i = 0; i < columns_; ++i) means[i] = mean(i);
  const double all = statistic(means);
  const auto n = static_cast<double>(rows_);

  // Blocks may differ in length: the weighted delete-one jackknife of Busing, Meijer & van der Leeden (1999).
  double corrected = 0;
  std::vector<double> pseudo, weight;
  for (std::size_t block = 0; block < blocks_; ++block) {
    if (count_[block] == 0) continue;
    const auto m = static_cast<double>(count_[block]);
    if (m == n) continue;
    for (std::size_t i = 0; i < columns_; ++i) without[i] = (means[i] * n - sums_[block * columns_ + i]) / (n - m);
    const double h = n / m, left_out = statistic(without);
    pseudo.push_back(h * all - (h - 1) * left_out);
    weight.push_back(h);
    corrected += all - (1 - m / n) * left_out;
  }
  want(pseudo.size() >= 2, "BlockedMeans: wants rows in at least 2 blocks");
  const auto blocks = static_cast<double>(pseudo.size());
  double squared = 0;
  for (std::size_t k = 0; k < pseudo.size(); ++k) {
    squared += (pseudo[k] - corrected) * (pseudo[k] - corrected) / (weight[k] - 1) / blocks;
  }

  // Variance of one row along the gradient of the statistic.
  double row_variance = 0;
  std::vector<double> gradient(columns_), covariance(columns_ * columns_);
  for (std::size_t i = 0; i < columns_; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      covariance[i * columns_ + j] = covariance[j * columns_ + i] =
          products_[i * columns_ + j] / n - (means[i] - origin_[i]) * (means[j] - origin_[j]);
    }
  }
  for (std::size_t i = 0; i < columns_; ++i) {
    const double spread = std::sqrt(std::max(covariance[i * columns_ + i], 0.0) / n);
    if (spread == 0) continue;
    std::vector<double> moved = means;
    moved[i] += spread;
    gradient[i] = (statistic(moved) - all) / spread;
  }
  for (std::size_t i = 0; i < columns_; ++i) {
    for (std::size_t j = 0; j < columns_; ++j) row_variance += gradient[i] * covariance[i * columns_ + j] * gradient[j];
  }
  return {corrected, std::sqrt(squared), squared > 0 ? std::max(row_variance, 0.0) / squared : n};
}

Estimate BlockedMeans::mean_estimate(std::size_t column) const {
  return estimate([column](std::span<const double> means) { return means[column]; });
}

}  // namespace heatbath::measure
