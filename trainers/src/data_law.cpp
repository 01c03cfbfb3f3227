#include "heatbath/trainers/data_law.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numbers>

#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/numerics/random.hpp"

namespace heatbath::trainers {
namespace {

constexpr double kPi = std::numbers::pi;
constexpr std::size_t kCountedNeighbours = 4;  // by estimates of entropies from lists
constexpr double kTails = 12;  // standard deviations that an integral over a Gaussian covers

void check(bool good, const std::string& what) {
  if (!good) throw Error(HB_BAD_ARG, "DataLaw: " + what);
}

double normal_density(double x, double variance) {
  return std::exp(-0.5 * x * x / variance) / std::sqrt(2 * kPi * variance);
}

/// Undoes rounding: values on a grid of which some come more often than neighbours are counted are spread evenly over
/// their step of the grid, the same way each time. Returns what was done, for a name; nothing where nothing was.
std::string spread_over_grid(std::vector<double>& values, const std::string& source) {
  constexpr double kSame = 1e-10;  // of the range
  std::vector<double> sorted = values;
  std::ranges::sort(sorted);
  const double least = sorted.front(), range = sorted.back() - least;
  std::size_t different = 1, most = 1, run = 1;
  double step = range;
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    const double apart = sorted[i] - sorted[i - 1];
    if (apart > kSame * range) {
      ++different;
      step = std::min(step, apart);
      run = 1;
    } else {
      most = std::max(most, ++run);
    }
  }
  if (most <= kCountedNeighbours) return "";
  check(different > kCountedNeighbours,
        source + " holds " + std::to_string(different) +
            " values only that differ by more than 1e-10 of their range; a law with a density has more");
  const bool grid = std::ranges::all_of(sorted, [&](double value) {
    const double steps = (value - least) / step;
    return std::abs(steps - std::round(steps)) < 1e-3;
  });
  check(grid, source + " holds one value " + std::to_string(most) +
                  " times, and the others lie on no grid with it: such a law has no density; leave it out, or "
                  "spread it");
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto word = numerics::random_words(0, numerics::HostPurpose::rounding, static_cast<std::uint32_t>(i),
                                   static_cast<std::uint32_t>(std::uint64_t{i} >> 32))[0];
    values[i] += step * (numerics::unit_interval(word) - 0.5);
  }
  return ", " + std::to_string(different) + " different, each spread evenly over its step of the grid";
}

/// Probability that a standard normal lies in [low, high], without cancellation in the upper tail.
double normal_mass(double low, double high) {
  if (high < 0) return normal_mass(-high, -low);
  return 0.5 * (std::erfc(low / std::numbers::sqrt2) - std::erfc(high / std::numbers::sqrt2));
}

}  // namespace

DataLaw DataLaw::gaussian(double deviation) {
  check(deviation > 0 && std::isfinite(deviation), "the standard deviation is " + numerics::general(deviation) +
                                                       ", it must be positive and finite");
  DataLaw law = mixture({1}, {0}, {deviation * deviation});
  law.name_ = "Gaussian of standard deviation " + numerics::general(deviation);
  return law;
}

DataLaw DataLaw::uniform(double half_width) {
  check(half_width > 0 && std::isfinite(half_width), "the half width is " + numerics::general(half_width) +
                                                         ", it must be positive and finite");
  DataLaw law;
  law.kind_ = Kind::uniform;
  law.name_ = "uniform on [-" + numerics::general(half_width) + ", " + numerics::general(half_width) + "]";
  law.half_width_ = half_width;
  law.variance_ = half_width * half_width / 3;
  return law;
}

DataLaw DataLaw::mixture(std::vector<double> weights, std::vector<double> means, std::vector<double> variances) {
  check(!weights.empty() && means.size() == weights.size() && variances.size() == weights.size(),
        "a mixture of " + std::to_string(weights.size()) + " weights, " + std::to_string(means.size()) + " means and " +
            std::to_string(variances.size()) + " variances, all three must be as many");
  double sum = 0;
  for (std::size_t k = 0; k < weights.size(); ++k) {
    check(weights[k] > 0 && std::isfinite(weights[k]) && variances[k] > 0 && std::isfinite(variances[k]) &&
              std::isfinite(means[k]),
          "part " + std::to_string(k) + " of the mixture needs a positive weight, a finite mean, a positive variance");
    sum += weights[k];
  }
  DataLaw law;
  law.name_ = "mixture of " + std::to_string(weights.size()) + " Gaussians";
  for (double& weight : weights) weight /= sum;
  for (std::size_t k = 0; k < weights.size(); ++k) law.mean_ += weights[k] * means[k];
  for (std::size_t k = 0; k < weights.size(); ++k) {
    law.variance_ += weights[k] * (variances[k] + (means[k] - law.mean_) * (means[k] - law.mean_));
  }
  law.weights_ = std::move(weights);
  law.means_ = std::move(means);
  law.variances_ = std::move(variances);
  return law;
}

DataLaw DataLaw::values(std::vector<double> values, std::string source) {
  check(values.size() >= 16, source + " holds " + std::to_string(values.size()) + " values, at least 16 are needed");
  for (const double value : values) check(std::isfinite(value), source + " holds a value that is not finite");
  const auto [low, high] = std::ranges::minmax(values);
  check(high > low, source + " holds one value only, " + std::to_string(values.size()) + " times");
  check(high - low > 1e-140 && high - low < 1e140 && high - low > 1e-9 * std::max(std::abs(low), std::abs(high)),
        source + " holds values between " + numerics::general(low) + " and " + numerics::general(high) +
            ": bring them to mean 0 and standard deviation 1 first");
  DataLaw law;
  law.kind_ = Kind::values;
  law.name_ = std::to_string(values.size()) + " values of " + source + spread_over_grid(values, source);
  const double count = static_cast<double>(values.size());
  for (const double value : values) law.mean_ += value / count;
  for (const double value : values) law.variance_ += (value - law.mean_) * (value - law.mean_) / count;
  law.values_ = std::move(values);
  return law;
}

double DataLaw::reach() const {
  double reach = 0;
  switch (kind_) {
    case Kind::uniform: return half_width_;
    case Kind::values:
      for (const double value : values_) reach = std::max(reach, std::abs(value));
      return reach;
    case Kind::mixture:
      for (std::size_t k = 0; k < means_.size(); ++k) {
        reach = std::max(reach, std::abs(means_[k]) + 5.5 * std::sqrt(variances_[k]));
      }
      return reach;
  }
  return reach;
}

std::vector<double> DataLaw::draw(std::uint64_t seed, std::size_t count) const {
  std::vector<double> drawn(count);
  draw(seed, 0, drawn);
  return drawn;
}

void DataLaw::draw(std::uint64_t seed, std::size_t first, std::span<double> drawn) const {
  for (std::size_t k = 0; k < drawn.size(); ++k) {
    const std::size_t i = first + k;
    double& value = drawn[k];
    const auto words = numerics::random_words(seed, numerics::HostPurpose::data_law, static_cast<std::uint32_t>(i),
                                    static_cast<std::uint32_t>(std::uint64_t{i} >> 32));
    const double choice = numerics::unit_interval(words[0]);
    if (kind_ == Kind::uniform) {
      value = half_width_ * (2 * choice - 1);
    } else if (kind_ == Kind::values) {
      value = values_[std::min(values_.size() - 1,
                                  static_cast<std::size_t>(choice * static_cast<double>(values_.size())))];
    } else {
      std::size_t part = 0;
      for (double left = choice; part + 1 < weights_.size() && left > weights_[part]; ++part) left -= weights_[part];
      value = means_[part] + std::sqrt(variances_[part]) * numerics::standard_normal(words[1], words[2]);
    }
  }
}

double DataLaw::log_density(const LinearNoise& noise, double x) const {
  if (kind_ == Kind::uniform) {
    const double a = noise.decay * half_width_;
    if (noise.variance == 0) return std::abs(x) <= a ? -std::log(2 * a) : -HUGE_VAL;
    const double width = std::sqrt(noise.variance);
    return std::log(normal_mass((-a - x) / width, (a - x) / width) / (2 * a));
  }
  double largest = -HUGE_VAL, sum = 0;
  for (int pass = 0; pass < 2; ++pass) {  // the largest exponent first, so that no density underflows
    for (std::size_t k = 0; k < weights_.size(); ++k) {
      const double variance = noise.decay * noise.decay * variances_[k] + noise.variance;
      const double distance = x - noise.decay * means_[k];
      const double exponent = std::log(weights_[k]) - 0.5 * std::log(2 * kPi * variance) -
                              0.5 * distance * distance / variance;
      if (pass == 0) largest = std::max(largest, exponent);
      else sum += std::exp(exponent - largest);
    }
  }
  return largest + std::log(sum);
}

double DataLaw::score(const LinearNoise& noise, double x) const {
  if (kind_ == Kind::uniform) {
    if (noise.variance == 0) return 0;
    const double a = noise.decay * half_width_, width = std::sqrt(noise.variance);
    const double mass = normal_mass((-a - x) / width, (a - x) / width);
    return (normal_density(x + a, noise.variance) - normal_density(x - a, noise.variance)) / mass;
  }
  const double log_p = log_density(noise, x);
  double score = 0;
  for (std::size_t k = 0; k < weights_.size(); ++k) {
    const double variance = noise.decay * noise.decay * variances_[k] + noise.variance;
    const double distance = x - noise.decay * means_[k];
    const double share = std::exp(std::log(weights_[k]) - 0.5 * std::log(2 * kPi * variance) -
                                  0.5 * distance * distance / variance - log_p);
    score -= share * distance / variance;
  }
  return score;
}

double DataLaw::divergence(const LinearNoise& noise, double x) const {
  const double s = score(noise, x);
  if (kind_ == Kind::uniform) {
    if (noise.variance == 0) return 0;
    const double a = noise.decay * half_width_, v = noise.variance, width = std::sqrt(v);
    const double mass = normal_mass((-a - x) / width, (a - x) / width);
    return ((x - a) * normal_density(x - a, v) - (x + a) * normal_density(x + a, v)) / (v * mass) - s * s;
  }
  const double log_p = log_density(noise, x);
  double curvature = 0;
  for (std::size_t k = 0; k < weights_.size(); ++k) {
    const double variance = noise.decay * noise.decay * variances_[k] + noise.variance;
    const double distance = x - noise.decay * means_[k];
    const double share = std::exp(std::log(weights_[k]) - 0.5 * std::log(2 * kPi * variance) -
                                  0.5 * distance * distance / variance - log_p);
    curvature += share * (distance * distance / variance - 1) / variance;
  }
  return curvature - s * s;
}

double DataLaw::entropy(const LinearNoise& noise) const {
  if (kind_ == Kind::uniform && noise.variance == 0) return std::log(2 * noise.decay * half_width_);
  double low, high;
  if (kind_ == Kind::uniform) {
    high = noise.decay * half_width_ + kTails * std::sqrt(noise.variance);
    low = -high;
  } else {
    low = HUGE_VAL;
    high = -HUGE_VAL;
    for (std::size_t k = 0; k < means_.size(); ++k) {
      const double width = kTails * std::sqrt(noise.decay * noise.decay * variances_[k] + noise.variance);
      low = std::min(low, noise.decay * means_[k] - width);
      high = std::max(high, noise.decay * means_[k] + width);
    }
  }
  constexpr int kIntervals = 1 << 14;
  const double h = (high - low) / kIntervals;
  double sum = 0;
  for (int i = 0; i <= kIntervals; ++i) {
    const double log_p = log_density(noise, low + i * h);
    if (log_p < -600) continue;
    const double weight = i == 0 || i == kIntervals ? 1 : i % 2 ? 4 : 2;
    sum -= weight * std::exp(log_p) * log_p;
  }
  return sum * h / 3;
}

}  // namespace heatbath::trainers
