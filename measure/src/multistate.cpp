#include "heatbath/measure/multistate.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "numerics/dense_algebra.hpp"

namespace heatbath::measure {

namespace {

/// ln of a sum of exponentials that are added one by one.
class LogSum {
 public:
  void add(double exponent, double weight = 1) {
    if (exponent > largest_) sum_ *= std::exp(largest_ - exponent), largest_ = exponent;
    sum_ += weight * std::exp(exponent - largest_);
  }
  double value() const { return largest_ + std::log(sum_); }

 private:
  double largest_ = -std::numeric_limits<double>::infinity(), sum_ = 0;
};

}  // namespace

Multistate::Multistate(std::span<const double> kT, std::span<const std::vector<double>> energies)
    : energies_(energies.begin(), energies.end()) {
  if (kT.size() < 2 || kT.size() != energies.size()) throw std::invalid_argument("multistate: as many sets of energies as temperatures, at least 2");
  for (std::size_t t = 0; t < kT.size(); ++t) {
    if (!(kT[t] > 0) || energies[t].empty()) throw std::invalid_argument("multistate: temperatures are above 0, with a sample of each");
    inverse_.push_back(1 / kT[t]);
    counts_.push_back(static_cast<double>(energies[t].size()));
    for (const double e : energies[t]) {
      if (!std::isfinite(e)) throw std::invalid_argument("multistate: an energy is not finite");
      levels_.push_back({e, 1});
    }
  }
  std::ranges::sort(levels_, {}, &Level::energy);
  std::size_t last = 0;
  for (std::size_t n = 1; n < levels_.size(); ++n) {
    if (levels_[n].energy == levels_[last].energy) levels_[last].count += levels_[n].count;
    else levels_[++last] = levels_[n];
  }
  levels_.resize(last + 1);
  start();
  solve();
}

double Multistate::log_mixture(double energy) const {
  LogSum sum;
  for (std::size_t k = 0; k < free_.size(); ++k) sum.add(free_[k] - inverse_[k] * energy, counts_[k]);
  return sum.value();
}

// From each temperature to the next by the samples of one.
void Multistate::start() {
  free_.assign(inverse_.size(), 0.0);
  for (std::size_t t = 1; t < free_.size(); ++t) {
    LogSum sum;
    for (const double e : energies_[t - 1]) sum.add((inverse_[t - 1] - inverse_[t]) * e);
    free_[t] = free_[t - 1] - (sum.value() - std::log(counts_[t - 1]));
  }
}

// Least of sum_n ln sum_k N_k exp(f_k - u_kn) - sum_k N_k f_k, which is convex; f_0 = 0.
void Multistate::solve() {
  const auto states = static_cast<Eigen::Index>(free_.size());
  const auto objective = [&] {
    double sum = 0;
    for (const Level& level : levels_) sum += level.count * log_mixture(level.energy);
    for (std::size_t k = 0; k < free_.size(); ++k) sum -= counts_[k] * free_[k];
    return sum;
  };
  double height = objective();
  for (int iteration = 0; iteration < 200; ++iteration) {
    Eigen::VectorXd slope = Eigen::VectorXd::Zero(states), part(states);
    Eigen::MatrixXd curvature = Eigen::MatrixXd::Zero(states, states);
    for (const Level& level : levels_) {
      const double mixture = log_mixture(level.energy);
      for (Eigen::Index k = 0; k < states; ++k) {
        const auto at = static_cast<std::size_t>(k);
        part(k) = counts_[at] * std::exp(free_[at] - inverse_[at] * level.energy - mixture);
      }
      slope += level.count * part;
      curvature.diagonal() += level.count * part;
      curvature -= level.count * part * part.transpose();
    }
    for (Eigen::Index k = 0; k < states; ++k) slope(k) -= counts_[static_cast<std::size_t>(k)];
    const Eigen::VectorXd step =
        numerics::symmetric_solution(curvature.bottomRightCorner(states - 1, states - 1), slope.tail(states - 1)).x;
    const std::vector<double> before = free_;
    double part_of_step = 1;
    for (;; part_of_step /= 2) {
      for (Eigen::Index k = 1; k < states; ++k) free_[static_cast<std::size_t>(k)] = before[static_cast<std::size_t>(k)] - part_of_step * step(k - 1);
      const double found = objective();
      if (found <= height + 1e-12 * std::abs(height) || part_of_step < 1e-6) {
        height = found;
        break;
      }
    }
    if (part_of_step == 1 && step.cwiseAbs().maxCoeff() < 1e-10) return;
  }
}

double Multistate::log_partition(double kT) const {
  const auto ln_z = [&](double inverse) {
    LogSum sum;
    for (const Level& level : levels_) sum.add(-inverse * level.energy - log_mixture(level.energy), level.count);
    return sum.value();
  };
  return ln_z(1 / kT) - ln_z(inverse_.front());
}

double Multistate::mean(double kT, std::span<const std::vector<double>> values) const {
  if (values.size() != energies_.size() || !std::ranges::equal(values, energies_, {}, &std::vector<double>::size, &std::vector<double>::size))
    throw std::invalid_argument("multistate: as many values as samples, at each temperature");
  double largest = -std::numeric_limits<double>::infinity(), sum = 0, weights = 0;
  for (const Level& level : levels_) largest = std::max(largest, -level.energy / kT - log_mixture(level.energy));
  for (std::size_t t = 0; t < energies_.size(); ++t)
    for (std::size_t n = 0; n < energies_[t].size(); ++n) {
      const double weight = std::exp(-energies_[t][n] / kT - log_mixture(energies_[t][n]) - largest);
      sum += weight * values[t][n], weights += weight;
    }
  return sum / weights;
}

double Multistate::effective_samples(double kT) const {
  LogSum sum, squares;
  for (const Level& level : levels_) {
    const double weight = -level.energy / kT - log_mixture(level.energy);
    sum.add(weight, level.count), squares.add(2 * weight, level.count);
  }
  return std::exp(2 * sum.value() - squares.value());
}

std::vector<Estimate> log_partitions(std::span<const double> kT, std::span<const std::vector<double>> energies, std::size_t blocks) {
  if (blocks < 2) throw std::invalid_argument("multistate: at least 2 blocks");
  for (const auto& series : energies)
    if (series.size() < blocks) throw std::invalid_argument("multistate: fewer samples than blocks");
  const auto found = [&](const Multistate& of) {
    std::vector<double> values;
    for (const double t : kT) values.push_back(of.log_partition(t));
    return values;
  };
  const std::vector<double> whole = found(Multistate(kT, energies));
  std::vector<std::vector<double>> without;
  for (std::size_t b = 0; b < blocks; ++b) {
    std::vector<std::vector<double>> rest(energies.begin(), energies.end());
    for (auto& series : rest) {
      const auto first = static_cast<std::ptrdiff_t>(series.size() * b / blocks), last = static_cast<std::ptrdiff_t>(series.size() * (b + 1) / blocks);
      series.erase(series.begin() + first, series.begin() + last);
    }
    without.push_back(found(Multistate(kT, rest)));
  }
  std::vector<Estimate> estimates;
  const auto n = static_cast<double>(blocks);
  for (std::size_t t = 0; t < kT.size(); ++t) {
    double mean = 0, square = 0;
    for (const auto& values : without) mean += values[t] / n;
    for (const auto& values : without) square += (values[t] - mean) * (values[t] - mean);
    estimates.push_back({whole[t], std::sqrt((n - 1) / n * square), n});
  }
  return estimates;
}

}  // namespace heatbath::measure
