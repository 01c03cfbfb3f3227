#include "heatbath/measure/record_statistics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "heatbath/numerics/archive.hpp"
#include "series.hpp"

namespace heatbath::measure {
namespace {

constexpr std::uint64_t few_blocks = 64, most_blocks = 256;
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

std::uint64_t parts_of(const RecordStatistics::Shape& shape) {
  if (shape.shots >= few_blocks) return 1;
  return std::min(shape.records, (few_blocks + shape.shots - 1) / shape.shots);
}

std::uint64_t blocks_of(const RecordStatistics::Shape& shape) {
  return shape.shots >= few_blocks ? std::min(shape.shots, most_blocks) : shape.shots * parts_of(shape);
}

std::uint64_t longest_of(const std::vector<std::uint64_t>& lags) {
  return lags.empty() ? 0 : *std::max_element(lags.begin(), lags.end());
}

/// The delete-one-block jackknife of statistic(weights, sums) for blocks of `count` rows, which may differ: Busing,
/// Meijer & van der Leeden (1999). `without(b)` is the statistic of all blocks but b.
template <typename Without>
Estimate jackknife(double all, std::span<const std::uint64_t> count, const Without& without) {
  double n = 0;
  std::size_t filled = 0;
  for (const std::uint64_t rows : count) n += static_cast<double>(rows), filled += rows != 0;
  if (filled < 2) return {all, nan, nan};
  double corrected = 0;
  std::vector<double> left_out(count.size());
  for (std::size_t b = 0; b < count.size(); ++b) {
    if (count[b] == 0) continue;
    left_out[b] = without(b);
    corrected += all - (1 - static_cast<double>(count[b]) / n) * left_out[b];
  }
  double squared = 0;
  for (std::size_t b = 0; b < count.size(); ++b) {
    if (count[b] == 0) continue;
    const double h = n / static_cast<double>(count[b]), pseudo = h * all - (h - 1) * left_out[b];
    squared += (pseudo - corrected) * (pseudo - corrected) / (h - 1) / static_cast<double>(filled);
  }
  return {corrected, std::sqrt(squared), nan};
}

/// Independent samples that would give the error of `estimate`, of `n` rows of this variance: 1..n, and 1 where no row
/// differs from another.
double effective_samples(const Estimate& estimate, double row_variance, double n) {
  const double squared = estimate.standard_error * estimate.standard_error;
  if (std::isnan(squared)) return nan;
  if (!(row_variance > 0)) return 1;
  return squared > 0 ? std::clamp(row_variance / squared, 1.0, n) : n;
}

}  // namespace

RecordStatistics::RecordStatistics(Shape shape) : shape_(std::move(shape)) {
  const auto wants = [](bool good, const std::string& what) { want(good, "RecordStatistics: " + what); };
  wants(shape_.columns >= 1 && shape_.shots >= 1 && shape_.records >= 1, "wants a column, a shot and a record");
  longest_ = longest_of(shape_.lags);
  wants(longest_ < shape_.records, "a lag of " + std::to_string(longest_) + " of " + std::to_string(shape_.records) + " records");
  wants(shape_.bins == 0 || shape_.low < shape_.high, "a histogram from low to high, low below high");
  parts_ = parts_of(shape_);
  blocks_ = static_cast<std::size_t>(blocks_of(shape_));
  const std::size_t n = shape_.columns;
  pairs_ = shape_.covariances ? n * (n + 1) / 2 : n;
  count_.resize(blocks_);
  sums_.resize(blocks_ * n);
  products_.resize(blocks_ * pairs_);
  third_.resize(shape_.covariances ? n * n : n);
  fourth_.resize(pairs_);
  lag_count_.resize(blocks_ * shape_.lags.size());
  heads_.resize(blocks_ * shape_.lags.size() * n);
  tails_.resize(heads_.size());
  lagged_.resize(blocks_ * shape_.lags.size() * lagged_width());
  if (shape_.bins > 0) histogram_.resize(blocks_ * n * (shape_.bins + 2));
}

double RecordStatistics::bytes(const Shape& shape, std::uint64_t together) {
  const auto n = static_cast<double>(shape.columns), lags = static_cast<double>(shape.lags.size());
  const double pairs = shape.covariances ? n * (n + 1) / 2 : n, crossed = shape.covariances ? n * n : n;
  const double bins = shape.bins > 0 ? n * static_cast<double>(shape.bins + 2) : 0;
  const double of_block = 1 + n + pairs + lags * (1 + 2 * n + crossed) + bins;
  const double history = static_cast<double>(together) * static_cast<double>(longest_of(shape.lags)) * n;
  return 8 * (of_block * static_cast<double>(blocks_of(shape)) + crossed + pairs + history);
}

std::size_t RecordStatistics::block_of(std::uint64_t shot, std::uint64_t record) const {
  if (shape_.shots >= few_blocks) return static_cast<std::size_t>(shot * blocks_ / shape_.shots);
  return static_cast<std::size_t>(shot * parts_ + record * parts_ / shape_.records);
}

std::size_t RecordStatistics::pair(std::size_t i, std::size_t j) const {
  if (i >= shape_.columns || j >= shape_.columns || (i != j && !shape_.covariances))
    throw std::invalid_argument("RecordStatistics: no such pair of columns");
  if (!shape_.covariances) return i;
  return i >= j ? i * (i + 1) / 2 + j : j * (j + 1) / 2 + i;
}

void RecordStatistics::add(std::uint64_t first_shot, std::uint64_t record, std::span<const double> rows) {
  const std::size_t n = shape_.columns, shots = rows.size() / n;
  if (record == 0) {
    group_ = shots;
    next_record_ = 0;
    history_.assign(shots * longest_ * n, 0.0);
  }
  if (rows.size() % n != 0 || shots == 0 || shots != group_ || record != next_record_ || record >= shape_.records ||
      first_shot + shots > shape_.shots)
    throw std::invalid_argument("RecordStatistics: wants the records of whole groups of shots in order");
  want_finite(rows, "RecordStatistics");
  if (origin_.empty()) origin_.assign(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(n));
  ++next_record_;
  std::vector<double> row(n);
  for (std::size_t shot = 0; shot < shots; ++shot) {
    const double* values = rows.data() + shot * n;
    const std::size_t block = block_of(first_shot + shot, record);
    if (shape_.bins > 0) {
      const double scale = static_cast<double>(shape_.bins) / (shape_.high - shape_.low);
      for (std::size_t i = 0; i < n; ++i) {
        std::size_t bin = shape_.bins + 1;
        if (values[i] < shape_.low) bin = 0;
        else if (values[i] < shape_.high)
          bin = 1 + std::min(shape_.bins - 1, static_cast<std::size_t>((values[i] - shape_.low) * scale));
        ++histogram_[(block * n + i) * (shape_.bins + 2) + bin];
      }
    }
    for (std::size_t i = 0; i < n; ++i) row[i] = values[i] - origin_[i];
    add_row(block, row.data());
    if (longest_ > 0 || !shape_.lags.empty())
      add_lags(block, record, row.data(), history_.data() + shot * longest_ * n);
  }
  samples_ += shots;
}

void RecordStatistics::add_row(std::size_t block, const double* row) {
  const std::size_t n = shape_.columns;
  ++count_[block];
  double* sums = sums_.data() + block * n;
  double* products = products_.data() + block * pairs_;
  double* fourth = fourth_.data();
  for (std::size_t i = 0; i < n; ++i) sums[i] += row[i];
  if (!shape_.covariances) {
    for (std::size_t i = 0; i < n; ++i) {
      const double square = row[i] * row[i];
      products[i] += square;
      third_[i] += square * row[i];
      fourth[i] += square * square;
    }
    return;
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      const double product = row[i] * row[j];
      *products++ += product;
      *fourth++ += product * product;
      third_[i * n + j] += product * row[i];
      if (i != j) third_[j * n + i] += product * row[j];
    }
  }
}

void RecordStatistics::add_lags(std::size_t block, std::uint64_t record, const double* row, double* history) {
  const std::size_t n = shape_.columns, lags = shape_.lags.size(), width = lagged_width();
  for (std::size_t k = 0; k < lags; ++k) {
    const std::uint64_t lag = shape_.lags[k];
    if (lag > record) continue;
    const double* head = lag == 0 ? row : history + (record - lag) % longest_ * n;
    const std::size_t at = block * lags + k;
    ++lag_count_[at];
    double* products = lagged_.data() + at * width;
    for (std::size_t i = 0; i < n; ++i) {
      heads_[at * n + i] += head[i];
      tails_[at * n + i] += row[i];
      if (!shape_.covariances) {
        products[i] += head[i] * row[i];
        continue;
      }
      for (std::size_t j = 0; j < n; ++j) products[i * n + j] += head[i] * row[j];
    }
  }
  if (longest_ > 0) std::copy_n(row, n, history + record % longest_ * n);
}

Estimate RecordStatistics::mean(std::size_t i) const {
  const std::size_t n = shape_.columns;
  double sum = 0, squares = 0;
  const std::size_t at = pair(i, i);
  for (std::size_t b = 0; b < blocks_; ++b) sum += sums_[b * n + i], squares += products_[b * pairs_ + at];
  const auto rows = static_cast<double>(samples_);
  Estimate estimate = jackknife(sum / rows, count_, [&](std::size_t b) {
    return (sum - sums_[b * n + i]) / (rows - static_cast<double>(count_[b]));
  });
  estimate.effective_samples = effective_samples(estimate, squares / rows - sum / rows * (sum / rows), rows);
  estimate.value = origin_.at(i) + sum / rows;
  return estimate;
}

Estimate RecordStatistics::covariance(std::size_t i, std::size_t j) const {
  const std::size_t n = shape_.columns, at = pair(i, j);
  double a = 0, b = 0, ab = 0, aa = 0, bb = 0;
  for (std::size_t k = 0; k < blocks_; ++k) {
    a += sums_[k * n + i], b += sums_[k * n + j], ab += products_[k * pairs_ + at];
    aa += products_[k * pairs_ + pair(i, i)], bb += products_[k * pairs_ + pair(j, j)];
  }
  const auto rows = static_cast<double>(samples_);
  Estimate estimate = jackknife(ab / rows - a / rows * (b / rows), count_, [&](std::size_t k) {
    const double left = rows - static_cast<double>(count_[k]);
    return (ab - products_[k * pairs_ + at]) / left - (a - sums_[k * n + i]) / left * ((b - sums_[k * n + j]) / left);
  });
  // Variance of (x_i - m_i)(x_j - m_j) over the rows, from moments about the origin.
  const double p = a / rows, q = b / rows;
  const double aab = third_[shape_.covariances ? i * n + j : i] / rows, abb = third_[shape_.covariances ? j * n + i : i] / rows;
  const double square = fourth_[at] / rows - 2 * q * aab - 2 * p * abb + q * q * aa / rows + p * p * bb / rows +
                        4 * p * q * ab / rows - 3 * p * p * q * q;
  const double product = ab / rows - p * q;
  estimate.effective_samples = effective_samples(estimate, square - product * product, rows);
  return estimate;
}

double RecordStatistics::mean_without(std::size_t block, std::size_t i) const {
  double sum = 0, rows = 0;
  for (std::size_t k = 0; k < blocks_; ++k) {
    if (k == block) continue;
    sum += sums_[k * shape_.columns + i], rows += static_cast<double>(count_[k]);
  }
  return origin_.at(i) + sum / rows;
}

double RecordStatistics::covariance_without(std::size_t block, std::size_t i, std::size_t j) const {
  const std::size_t n = shape_.columns, at = pair(i, j);
  double a = 0, b = 0, ab = 0, rows = 0;
  for (std::size_t k = 0; k < blocks_; ++k) {
    if (k == block) continue;
    a += sums_[k * n + i], b += sums_[k * n + j], ab += products_[k * pairs_ + at], rows += static_cast<double>(count_[k]);
  }
  return ab / rows - a / rows * (b / rows);
}

Estimate RecordStatistics::mean_less(const RecordStatistics& other, std::size_t i) const {
  if (other.count_ != count_ || other.shape_.columns != shape_.columns)
    throw std::invalid_argument("RecordStatistics: the other one is of another shape");
  const auto apart = [&](std::size_t b) { return mean_without(b, i) - other.mean_without(b, i); };
  return jackknife(apart(blocks_), count_, apart);
}

Estimate RecordStatistics::covariance_less(const RecordStatistics& other, std::size_t i, std::size_t j) const {
  if (other.count_ != count_ || other.pairs_ != pairs_)
    throw std::invalid_argument("RecordStatistics: the other one is of another shape");
  const auto apart = [&](std::size_t b) { return covariance_without(b, i, j) - other.covariance_without(b, i, j); };
  return jackknife(apart(blocks_), count_, apart);
}

struct RecordStatistics::LaggedSums {
  double rows = 0, a = 0, b = 0, pairs = 0, head = 0, tail = 0, product = 0;

  void add(const LaggedSums& more, double sign) {
    rows += sign * more.rows, a += sign * more.a, b += sign * more.b, pairs += sign * more.pairs;
    head += sign * more.head, tail += sign * more.tail, product += sign * more.product;
  }
  double covariance() const { return product / pairs - head / pairs * (b / rows) - a / rows * (tail / pairs) + a / rows * (b / rows); }
};

RecordStatistics::LaggedSums RecordStatistics::lagged_sums(std::size_t block, std::size_t k, std::size_t i, std::size_t j) const {
  const std::size_t n = shape_.columns, at = block * shape_.lags.size() + k;
  return {static_cast<double>(count_[block]), sums_[block * n + i], sums_[block * n + j], static_cast<double>(lag_count_[at]),
          heads_[at * n + i], tails_[at * n + j], lagged_[at * lagged_width() + (shape_.covariances ? i * n + j : i)]};
}

template <class Statistic>
Estimate RecordStatistics::of_lag(std::size_t k, std::size_t i, std::size_t j, const Statistic& statistic) const {
  pair(i, j);
  LaggedSums one, other;
  std::vector<std::uint64_t> count(blocks_);
  for (std::size_t b = 0; b < blocks_; ++b) {
    count[b] = lag_count_[b * shape_.lags.size() + k];
    one.add(lagged_sums(b, k, i, j), 1), other.add(lagged_sums(b, k, j, i), 1);
  }
  return jackknife(statistic(one, other), count, [&](std::size_t b) {
    LaggedSums rest = one, rest_of_other = other;
    rest.add(lagged_sums(b, k, i, j), -1), rest_of_other.add(lagged_sums(b, k, j, i), -1);
    return statistic(rest, rest_of_other);
  });
}

Estimate RecordStatistics::lagged_covariance(std::size_t k, std::size_t i, std::size_t j) const {
  return of_lag(k, i, j, [](const LaggedSums& one, const LaggedSums&) { return one.covariance(); });
}

Estimate RecordStatistics::current(std::size_t k, std::size_t i, std::size_t j) const {
  return of_lag(k, i, j, [](const LaggedSums& one, const LaggedSums& other) { return one.covariance() - other.covariance(); });
}

Estimate RecordStatistics::information(std::size_t i, std::size_t j, bool signs) const {
  const auto of_signs = [&](std::size_t left_out) {
    const double a = mean_without(left_out, i), b = mean_without(left_out, j), product = covariance_without(left_out, i, j) + a * b;
    double sum = 0;
    for (const double x : {-1.0, 1.0})
      for (const double y : {-1.0, 1.0}) {
        const double both = (1 + x * a + y * b + x * y * product) / 4, apart = (1 + x * a) * (1 + y * b) / 4;
        if (both > 1e-15 && apart > 1e-15) sum += both * std::log(both / apart);  // less is rounding of 0
      }
    return sum;
  };
  const auto of_gaussian = [&](std::size_t left_out) {
    const double a = covariance_without(left_out, i, i), b = covariance_without(left_out, j, j), ab = covariance_without(left_out, i, j);
    return a > 0 && b > 0 ? -0.5 * std::log(1 - ab * ab / (a * b)) : 0.0;
  };
  Estimate estimate = signs ? jackknife(of_signs(blocks_), count_, of_signs) : jackknife(of_gaussian(blocks_), count_, of_gaussian);
  if (!std::isfinite(estimate.value)) estimate = {nan, nan, nan};
  return estimate;
}

Estimate RecordStatistics::correlation_time(std::size_t i) const {
  const Estimate value = mean(i);
  const auto rows = static_cast<double>(samples_);
  if (!(covariance(i, i).value > 0)) return {nan, nan, nan};
  const double time = rows / value.effective_samples / 2;
  const auto filled = static_cast<std::size_t>(std::ranges::count_if(count_, [](std::uint64_t n) { return n != 0; }));
  return {time, time * std::sqrt(2.0 / static_cast<double>(std::max<std::size_t>(filled, 2) - 1)), value.effective_samples};
}

Estimate RecordStatistics::fraction(std::size_t i, std::size_t bin) const {
  const std::size_t wide = shape_.bins + 2;
  if (i >= shape_.columns || bin >= wide || shape_.bins == 0) throw std::invalid_argument("RecordStatistics: no such bin");
  const auto at = [&](std::size_t b) { return static_cast<double>(histogram_[(b * shape_.columns + i) * wide + bin]); };
  double hits = 0;
  for (std::size_t b = 0; b < blocks_; ++b) hits += at(b);
  const auto rows = static_cast<double>(samples_);
  Estimate estimate = jackknife(hits / rows, count_,
                                [&](std::size_t b) { return (hits - at(b)) / (rows - static_cast<double>(count_[b])); });
  estimate.value = hits / rows;
  estimate.effective_samples = effective_samples(estimate, estimate.value * (1 - estimate.value), rows);
  return estimate;
}

void RecordStatistics::exchange(numerics::Archive& archive) {
  archive.section("records");
  const auto list = [&](auto& values) {
    const std::size_t size = values.size();
    archive(values);
    archive.check(values.size() == size, "shape of the statistics");
  };
  archive(samples_, origin_);
  archive.check(origin_.empty() || origin_.size() == shape_.columns, "shape of the statistics");
  list(count_), list(lag_count_), list(histogram_);
  for (auto* values : {&sums_, &products_, &third_, &fourth_, &heads_, &tails_, &lagged_}) list(*values);
  archive(history_, group_, next_record_);
  archive.check(longest_ == 0 || shape_.columns == 0 || group_ == history_.size() / longest_ / shape_.columns,
                "group of shots");
}

}  // namespace heatbath::measure
