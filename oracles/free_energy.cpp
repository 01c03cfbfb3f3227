#include "oracles/free_energy.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>
#include <vector>

namespace heatbath::reference {
namespace {

double fermi(double x) { return x > 0 ? std::exp(-x) / (1 + std::exp(-x)) : 1 / (1 + std::exp(x)); }

}  // namespace

double free_energy_difference(const BoltzmannLaw& from, const BoltzmannLaw& to) {
  return to.free_energy() - from.free_energy();
}

FreeEnergyEstimate jarzynski(std::span<const double> works, double temperature) {
  if (works.size() < 2) {
    throw std::invalid_argument("jarzynski: wants at least two work values");
  }
  const auto n = static_cast<double>(works.size());
  const double lowest = *std::min_element(works.begin(), works.end());
  std::vector<double> weights;
  double sum = 0;
  double squares = 0;
  for (const double work : works) {
    weights.push_back(std::exp((lowest - work) / temperature));
    sum += weights.back();
    squares += weights.back() * weights.back();
  }
  const double value = lowest - temperature * std::log(sum / n);
  double mean = 0;
  std::vector<double> left_out;
  for (const double weight : weights) {
    // The rest keeps at least a rounding's worth, when one value carries all the weight.
    left_out.push_back(-temperature * std::log(std::fmax(sum - weight, 1e-300) / (n - 1)));
    mean += left_out.back() / n;
  }
  double variance = 0;
  for (const double estimate : left_out) {
    variance += (estimate - mean) * (estimate - mean) * (n - 1) / n;
  }
  return {value, std::sqrt(variance), sum * sum / squares};
}

FreeEnergyEstimate bennett(std::span<const double> forward, std::span<const double> reverse, double temperature) {
  if (forward.empty() || reverse.empty()) {
    throw std::invalid_argument("bennett: wants work values of both directions");
  }
  const auto n_forward = static_cast<double>(forward.size());
  const auto n_reverse = static_cast<double>(reverse.size());
  const double offset = std::log(n_forward / n_reverse);
  struct Sums {
    double forward = 0;
    double forward_squares = 0;
    double reverse = 0;
    double reverse_squares = 0;
  };
  const auto sums = [&](double difference) {
    Sums s;
    for (const double work : forward) {
      const double f = fermi(offset + (work - difference) / temperature);
      s.forward += f;
      s.forward_squares += f * f;
    }
    for (const double work : reverse) {
      const double f = fermi(-offset + (work + difference) / temperature);
      s.reverse += f;
      s.reverse_squares += f * f;
    }
    return s;
  };
  // The difference of the sums rises with C: bracket, then halve.
  const auto [forward_low, forward_high] = std::minmax_element(forward.begin(), forward.end());
  const auto [reverse_low, reverse_high] = std::minmax_element(reverse.begin(), reverse.end());
  const double margin = temperature * (std::abs(offset) + std::log(n_forward) + std::log(n_reverse) + 2);
  double low = std::min(*forward_low, -*reverse_high) - margin;
  double high = std::max(*forward_high, -*reverse_low) + margin;
  for (int i = 0; i < 200 && high - low > 1e-14 * (1 + std::abs(low) + std::abs(high)); ++i) {
    const double middle = 0.5 * (low + high);
    const Sums s = sums(middle);
    (s.forward > s.reverse ? high : low) = middle;
  }
  const double value = 0.5 * (low + high);
  const Sums s = sums(value);
  const double variance = s.forward_squares / (s.forward * s.forward) - 1 / n_forward +
                          s.reverse_squares / (s.reverse * s.reverse) - 1 / n_reverse;
  return {value, temperature * std::sqrt(std::fmax(variance, 0)), s.forward + s.reverse};
}

double wasserstein2_squared(const BoltzmannLaw& a, const BoltzmannLaw& b) {
  // int (x - Q_b(F_a(x)))^2 p_a(x) dx, the monotone map being the optimal one.
  return a.average([&](double x) {
    const double distance = x - b.quantile(a.cumulative(x));
    return distance * distance;
  });
}

double erasure_distance_squared(double height, double temperature) {
  const QuarticCell cell = double_well(height);
  const BoltzmannLaw both = cell.law(temperature);
  const BoltzmannLaw right([cell](double x) { return cell.energy(x); }, temperature, 0, both.upper());
  return wasserstein2_squared(both, right);
}

double erasure_work_bound(double height, double temperature, double duration) {
  return temperature * std::numbers::ln2 + erasure_distance_squared(height, temperature) / duration;
}

}  // namespace heatbath::reference
