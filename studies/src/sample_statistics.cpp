#include "sample_statistics.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include <Eigen/Dense>

namespace heatbath::trainers {
namespace {

constexpr int kNeighbour = 4;
constexpr std::size_t kBlocks = 8;

double mean_of(std::span<const double> y) {
  double sum = 0;
  for (const double value : y) sum += value;
  return sum / static_cast<double>(y.size());
}

/// psi(n) for a whole number.
double digamma(std::size_t n) {
  if (n > 40) {
    const double x = static_cast<double>(n);
    return std::log(x) - 0.5 / x - 1 / (12 * x * x);
  }
  double sum = -std::numbers::egamma;
  for (std::size_t i = 1; i < n; ++i) sum += 1.0 / static_cast<double>(i);
  return sum;
}

/// Smallest difference of sorted values that are not equal: what they are known to.
double smallest_spacing(std::span<const double> sorted) {
  double finest = HUGE_VAL;
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    if (sorted[i] > sorted[i - 1]) finest = std::min(finest, sorted[i] - sorted[i - 1]);
  }
  return finest < HUGE_VAL ? finest : 1;
}

/// Distance from x to the k-th nearest of the sorted values in which `at` is the place of x (or where it would be);
/// `own`: the value at that place is x itself and does not count.
double distance_to_neighbour(std::span<const double> sorted, double x, std::size_t at, bool own, int k) {
  auto below = static_cast<std::ptrdiff_t>(at) - 1;
  auto above = static_cast<std::ptrdiff_t>(at) + (own ? 1 : 0);
  double distance = 0;
  for (int found = 0; found < k; ++found) {
    const double down = below >= 0 ? x - sorted[static_cast<std::size_t>(below)] : HUGE_VAL;
    const double up =
        above < static_cast<std::ptrdiff_t>(sorted.size()) ? sorted[static_cast<std::size_t>(above)] - x : HUGE_VAL;
    if (down < up) {
      distance = down;
      --below;
    } else {
      distance = up;
      ++above;
    }
  }
  return std::max(distance, 1e-300);
}

}  // namespace

measure::Estimate controlled_mean(std::span<const double> y, std::span<const Column* const> controls) {
  const std::size_t n = y.size(), k = controls.size();
  Eigen::VectorXd mean(static_cast<Eigen::Index>(k + 1));
  mean[0] = mean_of(y);
  for (std::size_t c = 0; c < k; ++c) mean[static_cast<Eigen::Index>(c + 1)] = mean_of(*controls[c]);
  Eigen::VectorXd beta = Eigen::VectorXd::Zero(static_cast<Eigen::Index>(k));
  if (k > 0) {
    Eigen::MatrixXd gram = Eigen::MatrixXd::Zero(static_cast<Eigen::Index>(k), static_cast<Eigen::Index>(k));
    Eigen::VectorXd right = Eigen::VectorXd::Zero(static_cast<Eigen::Index>(k)), z(static_cast<Eigen::Index>(k));
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t c = 0; c < k; ++c) {
        z[static_cast<Eigen::Index>(c)] = (*controls[c])[i] - mean[static_cast<Eigen::Index>(c + 1)];
      }
      gram.selfadjointView<Eigen::Lower>().rankUpdate(z);
      right += (y[i] - mean[0]) * z;
    }
    gram.triangularView<Eigen::StrictlyUpper>() = gram.transpose();
    // Columns of one size, so that the rank is seen.
    Eigen::VectorXd scale = gram.diagonal().cwiseSqrt();
    for (double& value : scale) value = value > 0 ? 1 / value : 0;
    Eigen::CompleteOrthogonalDecomposition<Eigen::MatrixXd> solver;
    solver.setThreshold(1e-10);
    solver.compute(scale.asDiagonal() * gram * scale.asDiagonal());
    beta = scale.asDiagonal() * solver.solve(scale.asDiagonal() * right);
  }
  measure::Estimate result{mean[0] - beta.dot(mean.tail(static_cast<Eigen::Index>(k))), 0};
  double squares = 0;
  for (std::size_t i = 0; i < n; ++i) {
    double residual = y[i] - mean[0];
    for (std::size_t c = 0; c < k; ++c) {
      residual -= beta[static_cast<Eigen::Index>(c)] * ((*controls[c])[i] - mean[static_cast<Eigen::Index>(c + 1)]);
    }
    squares += residual * residual;
  }
  result.standard_error = std::sqrt(squares / static_cast<double>(n > k + 1 ? n - k - 1 : 1) / static_cast<double>(n));
  return result;
}

measure::Estimate ratio_of_means(std::span<const double> y, std::span<const double> x) {
  const double over = mean_of(y), under = mean_of(x), ratio = over / under;
  double squares = 0;
  for (std::size_t i = 0; i < y.size(); ++i) squares += (y[i] - ratio * x[i]) * (y[i] - ratio * x[i]);
  const double n = static_cast<double>(y.size());
  return {ratio, std::sqrt(squares / n / (n - 1)) / std::abs(under)};
}

measure::Estimate neighbour_entropy(std::vector<double> samples) {
  std::ranges::sort(samples);
  const double finest = smallest_spacing(samples);
  std::vector<double> terms(samples.size());
  const double constant = digamma(samples.size()) - digamma(kNeighbour) + std::numbers::ln2;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    terms[i] = constant + std::log(std::max(finest, distance_to_neighbour(samples, samples[i], i, true, kNeighbour)));
  }
  return controlled_mean(terms);
}

measure::Estimate neighbour_divergence(std::vector<double> p, std::vector<double> q) {
  std::ranges::sort(p);
  std::ranges::sort(q);
  const double constant = std::log(static_cast<double>(q.size()) / static_cast<double>(p.size() - 1));
  std::vector<double> terms(p.size());
  for (std::size_t i = 0; i < p.size(); ++i) {
    const auto at = static_cast<std::size_t>(std::ranges::lower_bound(q, p[i]) - q.begin());
    terms[i] = constant + std::log(distance_to_neighbour(q, p[i], at, false, kNeighbour)) -
               std::log(distance_to_neighbour(p, p[i], i, true, kNeighbour));
  }
  return controlled_mean(terms);
}

measure::Estimate wasserstein(std::span<const double> a, std::span<const double> b) {
  const auto distance = [](std::span<const double> x, std::span<const double> y) {
    std::vector<double> left(x.begin(), x.end()), right(y.begin(), y.end());
    std::ranges::sort(left);
    std::ranges::sort(right);
    double sum = 0;
    for (std::size_t i = 0; i < left.size(); ++i) sum += (left[i] - right[i]) * (left[i] - right[i]);
    return std::sqrt(sum / static_cast<double>(left.size()));
  };
  std::array<double, kBlocks> parts{};
  const std::size_t size = a.size() / kBlocks;
  for (std::size_t block = 0; block < kBlocks; ++block) {
    parts[block] = distance(a.subspan(block * size, size), b.subspan(block * size, size));
  }
  return {distance(a, b), controlled_mean(parts).standard_error};
}

std::vector<double> clock_weights(std::span<const double> clock, double knee) {
  const std::size_t n = clock.size();
  std::vector<double> u(n), weights(n, 0.0);
  for (std::size_t j = 0; j < n; ++j) u[j] = std::log(std::sqrt(clock[j]) + knee);
  const double gauss = 0.5 / std::sqrt(3.0);
  for (std::size_t j = 0; j + 1 < n; ++j) {
    const std::size_t first = j == 0 ? 0 : std::min(j - 1, n - 4);
    const double middle = 0.5 * (u[j] + u[j + 1]), width = u[j + 1] - u[j];
    for (const double side : {-gauss, gauss}) {
      const double at = middle + side * width;
      for (std::size_t a = first; a < first + 4; ++a) {
        double basis = 1;
        for (std::size_t b = first; b < first + 4; ++b) {
          if (b != a) basis *= (at - u[b]) / (u[a] - u[b]);
        }
        weights[a] += 0.5 * width * basis;
      }
    }
  }
  for (std::size_t j = 0; j < n; ++j) {
    const double root = std::sqrt(clock[j]);
    weights[j] *= 2 * root * (root + knee);  // d clock / du
  }
  return weights;
}

}  // namespace heatbath::trainers
