#include "oracles/score_diffusion.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "oracles/quadrature.hpp"

namespace heatbath::reference {
namespace {

using std::numbers::pi;

double gaussian(double x, double variance) { return std::exp(-x * x / (2 * variance)) / std::sqrt(2 * pi * variance); }

double normal_cumulative(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }

}  // namespace

double GaussianMixture::density(double x) const {
  double sum = 0;
  for (std::size_t k = 0; k < weights.size(); ++k) {
    sum += weights[k] * gaussian(x - means[k], variances[k]);
  }
  return sum;
}

double GaussianMixture::score(double x) const {
  double sum = 0;
  double slope = 0;
  for (std::size_t k = 0; k < weights.size(); ++k) {
    const double part = weights[k] * gaussian(x - means[k], variances[k]);
    sum += part;
    slope -= part * (x - means[k]) / variances[k];
  }
  return slope / sum;
}

double GaussianMixture::mean_square() const {
  double sum = 0;
  for (std::size_t k = 0; k < weights.size(); ++k) {
    sum += weights[k] * (means[k] * means[k] + variances[k]);
  }
  return sum;
}

GaussianMixture GaussianMixture::noised(double time, double rate, double diffusion) const {
  GaussianMixture result = *this;
  const double decay = std::exp(-rate * time);
  const double added = rate == 0 ? 2 * diffusion * time : -diffusion / rate * std::expm1(-2 * rate * time);
  for (std::size_t k = 0; k < weights.size(); ++k) {
    result.means[k] *= decay;
    result.variances[k] = variances[k] * decay * decay + added;
  }
  return result;
}

EntropyRates entropy_rates(const GaussianMixture& law) {
  double lower = 0;
  double upper = 0;
  for (std::size_t k = 0; k < law.weights.size(); ++k) {
    const double reach = 12 * std::sqrt(law.variances[k]);  // beyond it a part weighs less than 1e-32
    lower = std::min(lower, law.means[k] - reach);
    upper = std::max(upper, law.means[k] + reach);
  }
  const QuadratureRule rule = gauss_rule(lower, upper, 400);
  EntropyRates rates{};
  for (std::size_t i = 0; i < rule.nodes.size(); ++i) {
    const double x = rule.nodes[i];
    const double p = law.density(x);
    if (p < 1e-250) {
      continue;
    }
    const double weight = rule.weights[i] * p;
    const double s = law.score(x);
    rates.entropy -= weight * std::log(p);
    rates.fisher += weight * s * s;
    rates.divergence += weight * (std::log(p) + 0.5 * x * x + 0.5 * std::log(2 * pi));
    rates.intrinsic += weight * (x + s) * (x + s);
    rates.mean_square += weight * x * x;
  }
  rates.change = rates.fisher - 1;
  rates.exchange = rates.change - rates.intrinsic;
  return rates;
}

ScoreBoundGaps score_bound_gaps(double ratio) {
  const double log = std::log(ratio);
  const double excess = ratio * ratio - 1;
  return {-log + excess / 2, -log / 2 + 0.75 * excess, -log / 2 + excess / 2, -log / 2 + excess / 4};
}

double exploding_variance(double sigma) { return (sigma * sigma - 1) / (2 * std::log(sigma)); }

double gaussian_entropy(double variance) { return 0.5 * std::log(2 * pi * std::numbers::e * variance); }

double noised_uniform_density(double x, double half_width, double variance) {
  const double width = std::sqrt(variance);
  // On the far side the difference of two small tails keeps its digits.
  const double far = std::abs(x);
  return (normal_cumulative((half_width - far) / width) - normal_cumulative((-half_width - far) / width)) /
         (2 * half_width);
}

double noised_uniform_score(double x, double half_width, double variance) {
  return (gaussian(x + half_width, variance) - gaussian(x - half_width, variance)) /
         (2 * half_width * noised_uniform_density(x, half_width, variance));
}

StaticReverseCell static_reverse_cell(double data_variance, double duration) {
  const double decay = std::exp(-2 * duration);
  const double integral = duration + (data_variance - 1) * (1 - decay) / 2;
  const double stiffness = 2 * duration / integral - 1;
  const double noised = data_variance * decay + 1 - decay;
  const double added = stiffness == 0 ? 2 * duration : -std::expm1(-2 * stiffness * duration) / stiffness;
  return {stiffness, noised * std::exp(-2 * stiffness * duration) + added};
}

}  // namespace heatbath::reference
