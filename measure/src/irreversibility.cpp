#include "heatbath/measure/irreversibility.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <numbers>

#include "numerics/dense_algebra.hpp"
#include "series.hpp"

namespace heatbath::measure {

LinearEntropyProduction linear_entropy_production(std::span<const double> samples, std::span<const double> stiffness,
                                                  std::span<const double> diffusion, std::size_t chains) {
  const std::size_t n = diffusion.size();
  const char* const who = "linear_entropy_production";
  want(n > 0 && stiffness.size() == n * n && samples.size() % n == 0 && chains >= 2 && samples.size() / n >= chains &&
           (samples.size() / n) % chains == 0 && std::ranges::all_of(diffusion, [](double d) { return d > 0; }),
       std::string(who) + ": wants n diffusions above 0, n x n stiffnesses and equal chains of rows of n states");
  want_finite(samples, who);
  want_finite(stiffness, who);
  want_finite(diffusion, who);
  const auto size = static_cast<Eigen::Index>(n);
  using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Eigen::MatrixXd a = Eigen::Map<const Matrix>(stiffness.data(), size, size);
  const Eigen::VectorXd d = Eigen::Map<const Eigen::VectorXd>(diffusion.data(), size);
  const Eigen::MatrixXd inverse_d = d.cwiseInverse().asDiagonal();

  const std::size_t rows = samples.size() / n, length = rows / chains;
  BlockedMeans means(n * n, std::min<std::size_t>(chains, 256));
  std::vector<double> products(n * n);
  for (std::size_t row = 0; row < rows; ++row) {
    const double* x = samples.data() + row * n;
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) products[i * n + j] = x[i] * x[j];
    }
    means.add(row / length, products);
  }
  const auto covariance = [&](std::span<const double> m) -> Eigen::MatrixXd {
    return Eigen::Map<const Matrix>(m.data(), size, size);
  };
  LinearEntropyProduction result;
  result.positive = means.estimate([&](std::span<const double> m) {
    const Eigen::MatrixXd s = covariance(m);
    const Eigen::MatrixXd drift = a - d.asDiagonal() * numerics::inverse(s);
    return (inverse_d * drift * s * drift.transpose()).trace();
  });
  result.signed_rate = means.estimate([&](std::span<const double> m) {
    return (inverse_d * a * covariance(m) * a.transpose()).trace() - a.trace();
  });
  return result;
}

Estimate heat_entropy_production(std::span<const hb_meters_t> meters, double kT, double duration) {
  want(kT > 0 && duration > 0, "heat_entropy_production: wants kT and a duration above 0");
  std::vector<double> rates;
  for (const hb_meters_t& m : meters) rates.push_back(m.heat_path / (kT * duration));
  return mean_of_independent(rates);
}

Estimate uncertainty_bound(std::span<const double> currents, double duration) {
  want(currents.size() >= 2 && duration > 0, "uncertainty_bound: wants at least 2 currents and a duration above 0");
  const Deviations x(currents, "uncertainty_bound");
  const double origin = x.still() ? 0 : x.origin / x.unit;
  BlockedMeans means(2, std::min<std::size_t>(currents.size(), 256));
  for (std::size_t i = 0; i < currents.size(); ++i) means.add(i, {x.values[i], x.values[i] * x.values[i]});
  return means.estimate([&](std::span<const double> m) {
    const double mean = origin + m[0];
    return 2 * mean * mean / ((m[1] - m[0] * m[0]) * duration);
  });
}

PairCurrents::PairCurrents(std::uint32_t cells) : cells_(cells) {
  want(cells >= 2, "PairCurrents: wants at least 2 cells");
  means_.resize(std::size_t{cells} * (cells - 1) / 2);
  squares_.resize(means_.size());
}

std::size_t PairCurrents::index(std::uint32_t i, std::uint32_t j) const {
  want(i < j && j < cells_, "PairCurrents: wants i < j < " + std::to_string(cells_));
  return std::size_t{i} * (2 * std::size_t{cells_} - i - 1) / 2 + (j - i - 1);
}

void PairCurrents::add(std::span<const float> trajectory) {
  const std::size_t records = trajectory.size() / cells_;
  want(records >= 2 && trajectory.size() % cells_ == 0, "PairCurrents: wants at least 2 whole records");
  for (const float x : trajectory) want(std::isfinite(x), "PairCurrents: a state is not a finite number");
  std::vector<double> sums(means_.size());
  for (std::size_t record = 0; record + 1 < records; ++record) {
    const float* x = trajectory.data() + record * cells_;
    const float* y = x + cells_;
    std::size_t pair = 0;
    for (std::uint32_t i = 0; i < cells_; ++i) {
      for (std::uint32_t j = i + 1; j < cells_; ++j, ++pair) sums[pair] += double{x[i]} * y[j] - double{x[j]} * y[i];
    }
  }
  ++shots_;
  for (std::size_t pair = 0; pair < sums.size(); ++pair) {
    const double current = sums[pair] / static_cast<double>(records - 1), before = current - means_[pair];
    means_[pair] += before / static_cast<double>(shots_);
    squares_[pair] += before * (current - means_[pair]);
  }
}

Estimate PairCurrents::current(std::uint32_t i, std::uint32_t j) const {
  const std::size_t pair = index(i, j);
  want(shots_ >= 2, "PairCurrents: wants at least 2 shots");
  const auto n = static_cast<double>(shots_);
  return {means_[pair], std::sqrt(squares_[pair] / (n - 1) / n), squares_[pair] > 0 ? n : 1};
}

PairCurrents::Largest PairCurrents::largest() const {
  want(shots_ >= 30, "PairCurrents: wants at least 30 shots");
  Largest found;
  for (std::uint32_t i = 0; i < cells_; ++i) {
    for (std::uint32_t j = i + 1; j < cells_; ++j) {
      const Estimate pair = current(i, j);
      const double z = pair.value == 0 ? 0 : pair.value / pair.standard_error;
      if (std::fabs(z) >= std::fabs(found.z)) found = {i, j, z, 1};
    }
  }
  found.probability = -std::expm1(static_cast<double>(pairs()) * std::log1p(-two_sided_probability(found.z)));
  return found;
}

double two_sided_probability(double z) { return std::erfc(std::fabs(z) / std::numbers::sqrt2); }

}  // namespace heatbath::measure
