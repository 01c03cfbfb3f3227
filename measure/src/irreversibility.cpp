#include "heatbath/measure/irreversibility.hpp"

#include <Eigen/Core>
#include <Eigen/LU>
#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>
#include <string>

namespace heatbath::measure {

LinearEntropyProduction linear_entropy_production(std::span<const double> samples, std::span<const double> stiffness,
                                                  std::span<const double> diffusion, std::size_t chains) {
  const std::size_t n = diffusion.size();
  if (n == 0 || stiffness.size() != n * n || samples.size() % n != 0 || chains < 2 ||
      (samples.size() / n) % chains != 0) {
    throw std::invalid_argument("linear_entropy_production: wants n diffusions, n x n stiffnesses and equal chains of "
                                "rows of n states");
  }
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
    const Eigen::MatrixXd drift = a - d.asDiagonal() * s.inverse();
    return (inverse_d * drift * s * drift.transpose()).trace();
  });
  result.signed_rate = means.estimate([&](std::span<const double> m) {
    return (inverse_d * a * covariance(m) * a.transpose()).trace() - a.trace();
  });
  return result;
}

Estimate heat_entropy_production(std::span<const hb_meters_t> meters, double kT, double duration) {
  std::vector<double> rates;
  for (const hb_meters_t& m : meters) rates.push_back(m.heat_path / (kT * duration));
  return mean_of_independent(rates);
}

Estimate uncertainty_bound(std::span<const double> currents, double duration) {
  BlockedMeans means(2, std::min<std::size_t>(std::max<std::size_t>(currents.size(), 2), 256));
  for (std::size_t i = 0; i < currents.size(); ++i) means.add(i, {currents[i], currents[i] * currents[i]});
  return means.estimate(
      [&](std::span<const double> m) { return 2 * m[0] * m[0] / ((m[1] - m[0] * m[0]) * duration); });
}

PairCurrents::PairCurrents(std::uint32_t cells) : cells_(cells) {
  if (cells < 2) throw std::invalid_argument("PairCurrents: wants at least 2 cells");
  sums_.resize(std::size_t{cells} * (cells - 1) / 2);
  squares_.resize(sums_.size());
}

std::size_t PairCurrents::index(std::uint32_t i, std::uint32_t j) const {
  if (!(i < j && j < cells_)) throw std::invalid_argument("PairCurrents: wants i < j < " + std::to_string(cells_));
  return std::size_t{i} * (2 * std::size_t{cells_} - i - 1) / 2 + (j - i - 1);
}

void PairCurrents::add(std::span<const float> trajectory) {
  const std::size_t records = trajectory.size() / cells_;
  if (records < 2 || trajectory.size() % cells_ != 0)
    throw std::invalid_argument("PairCurrents: wants at least 2 whole records");
  std::vector<double> sums(sums_.size());
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
    const double mean = sums[pair] / static_cast<double>(records - 1);
    sums_[pair] += mean;
    squares_[pair] += mean * mean;
  }
}

Estimate PairCurrents::current(std::uint32_t i, std::uint32_t j) const {
  const std::size_t pair = index(i, j);
  if (shots_ < 2) throw std::invalid_argument("PairCurrents: wants at least 2 shots");
  const auto n = static_cast<double>(shots_);
  const double mean = sums_[pair] / n, variance = (squares_[pair] / n - mean * mean) * n / (n - 1);
  return {mean, std::sqrt(std::max(variance, 0.0) / n), n};
}

PairCurrents::Largest PairCurrents::largest() const {
  if (shots_ < 30) throw std::invalid_argument("PairCurrents: wants at least 30 shots");
  Largest found;
  for (std::uint32_t i = 0; i < cells_; ++i) {
    for (std::uint32_t j = i + 1; j < cells_; ++j) {
      const Estimate pair = current(i, j);
      const double z = pair.standard_error > 0 ? pair.value / pair.standard_error : 0;
      if (std::fabs(z) >= std::fabs(found.z)) found = {i, j, z, 1};
    }
  }
  found.probability = -std::expm1(static_cast<double>(pairs()) * std::log1p(-two_sided_probability(found.z)));
  return found;
}

double two_sided_probability(double z) { return std::erfc(std::fabs(z) / std::numbers::sqrt2); }

}  // namespace heatbath::measure
