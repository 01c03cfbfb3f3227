#include "heatbath/solvers/logistic.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "heatbath/error.hpp"
#include "heatbath/network/network.hpp"
#include "heatbath/network/scaling.hpp"
#include "heatbath/network/shots.hpp"
#include "solvers/src/linear_checks.hpp"
#include "solvers/src/scaling_notes.hpp"

namespace heatbath::solvers {

namespace {

constexpr double pi = std::numbers::pi;
constexpr double border = 0.64;  // between the two bounds of the density (Devroye 2009)

double standard_exponential(numerics::RandomStream& random) { return -std::log(random.uniform()); }

/// Of an inverse Gaussian of mean 1/z and shape 1 below the border.
double short_inverse_gaussian(double z, numerics::RandomStream& random) {
  if (z * border < 1) {
    for (;;) {
      double e = standard_exponential(random), other = standard_exponential(random);
      while (e * e > 2 * other / border) e = standard_exponential(random), other = standard_exponential(random);
      const double x = border / ((1 + border * e) * (1 + border * e));
      if (random.uniform() <= std::exp(-0.5 * z * z * x)) return x;
    }
  }
  const double mean = 1 / z;
  for (;;) {
    const double n = random.normal(), y = n * n;
    double x = mean + 0.5 * mean * mean * y - 0.5 * mean * std::sqrt(4 * mean * y + mean * mean * y * y);
    if (random.uniform() > mean / (mean + x)) x = mean * mean / x;
    if (x <= border) return x;
  }
}

/// Term n of the alternating series of the density.
double term(int n, double x) {
  const double k = n + 0.5;
  if (x > border) return pi * k * std::exp(-0.5 * k * k * pi * pi * x);
  return std::pow(2 / (pi * x), 1.5) * pi * k * std::exp(-2 * k * k / x);
}

double log_normal_below(double x) { return std::log(0.5 * std::erfc(-x / std::numbers::sqrt2)); }

}  // namespace

double polya_gamma(double argument, numerics::RandomStream& random) {
  const double z = std::abs(argument) / 2, rate = pi * pi / 8 + z * z / 2;
  // The part of the envelope above the border.
  const double root = std::sqrt(1 / border), shared = std::log(rate) + rate * border;
  const double below = std::exp(shared - z + log_normal_below(root * (border * z - 1))) +
                       std::exp(shared + z + log_normal_below(-root * (border * z + 1)));
  const double above = 1 / (1 + 4 / pi * below);
  for (;;) {
    const double x = random.uniform() < above ? border + standard_exponential(random) / rate : short_inverse_gaussian(z, random);
    double sum = term(0, x);
    const double level = random.uniform() * sum;
    for (int n = 1;; ++n) {
      if (n % 2 == 1) {
        sum -= term(n, x);
        if (level <= sum) return x / 4;
      } else {
        sum += term(n, x);
        if (level > sum) break;
      }
    }
  }
}

LogisticResult logistic(Device& device, const LogisticModel& model, std::span<const double> labels, const LogisticOptions& options) {
  const auto refuse = [](const std::string& what) { throw Error(HB_BAD_ARG, "logistic: " + what); };
  const std::size_t rows = labels.size();
  if (rows == 0 || model.design.size() % rows != 0 || model.design.empty()) refuse("a design of " + std::to_string(model.design.size()) + " values for " + std::to_string(rows) + " labels");
  const std::size_t n = model.design.size() / rows;
  if (model.prior_precision.size() != n * n || (!model.prior_mean.empty() && model.prior_mean.size() != n))
    refuse("the prior is not of " + std::to_string(n) + " parameters, as the design is");
  for (std::size_t i = 0; i < rows; ++i)
    if (labels[i] != 0 && labels[i] != 1) refuse("label " + std::to_string(i) + " is " + std::to_string(labels[i]) + "; 0 or 1");
  if (std::ranges::any_of(model.design, [](double x) { return !std::isfinite(x); })) refuse("a value of the design is not finite");
  if (options.chains < 4 || options.draws < 4) refuse("fewer than 4 chains or draws, from whose scatter errors come");
  if (!(options.relaxations > 0) || !std::isfinite(options.relaxations)) refuse("relaxations is above 0");

  // b = X'(y - 1/2) + P mean, whatever the w_i.
  std::vector<double> right(n, 0.0);
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < n; ++j) right[j] += (labels[i] - 0.5) * model.design[i * n + j];
  for (std::size_t j = 0; j < n && !model.prior_mean.empty(); ++j)
    for (std::size_t k = 0; k < n; ++k) right[j] += model.prior_precision[j * n + k] * model.prior_mean[k];

  LogisticResult result;
  numerics::RandomStream random(numerics::split_mix(options.seed ^ 0x1061571CULL));
  network::Shots shots(device, {.seed_where_taken = options.seed});
  result.draws.reserve(std::size_t{options.chains} * options.draws * n);
  const double all = static_cast<double>(options.chains) * (options.burn_in + options.draws);
  std::vector<double> precision(n * n), theta(n);
  for (std::uint32_t chain = 0; chain < options.chains; ++chain) {
    std::ranges::fill(theta, 0.0);
    for (std::uint32_t draw = 0; draw < options.burn_in + options.draws; ++draw) {
      if (options.progress && !options.progress((static_cast<double>(chain) * (options.burn_in + options.draws) + draw) / all))
        throw Error(HB_ABORTED, "logistic: interrupted");
      precision = model.prior_precision;
      for (std::size_t i = 0; i < rows; ++i) {
        const double* const x = model.design.data() + i * n;
        double product = 0;
        for (std::size_t j = 0; j < n; ++j) product += x[j] * theta[j];
        const double w = polya_gamma(product, random);
        for (std::size_t j = 0; j < n; ++j)
          for (std::size_t k = 0; k < n; ++k) precision[j * n + k] += w * x[j] * x[k];
      }
      const network::Network network = network::Network::quadratic_form(precision, right);
      constexpr double stiffness = 0.01;  // of steps: half a percent of a variance at most
      const network::Scaling scaling(network, device.capabilities(), {.kT = 1, .stiffness = stiffness});
      scaling.set_step(device);
      Program program = scaling.program();
      const std::vector<float> start = scaling.to_device(theta);
      program.clamp(0, start).release(0, static_cast<std::uint32_t>(n)).evolve(scaling.burn_in(device, options.relaxations)).sample();
      const Result ran = shots.run(program, 1);
      const auto state = ran.capture.state(0, 0);
      for (std::size_t j = 0; j < n; ++j) theta[j] = scaling.state(static_cast<double>(state[j]));
      result.device_ticks = result.device_ticks + ran.array_ticks;
      if (draw >= options.burn_in) result.draws.insert(result.draws.end(), theta.begin(), theta.end());
      if (chain == 0 && draw == 0) result.notes = scaling_notes(scaling, "the law is that of what is held");
    }
  }

  const std::size_t count = result.draws.size() / n;
  std::vector<double> column(count);
  const auto averaged = [&](const auto& value) {
    for (std::size_t k = 0; k < count; ++k) column[k] = value(result.draws.data() + k * n);
    return measure::mean_of_chains(column, options.chains);
  };
  for (std::size_t j = 0; j < n; ++j) result.mean.push_back(averaged([&](const double* x) { return x[j]; }));
  for (std::size_t j = 0; j < n; ++j)
    for (std::size_t k = 0; k < n; ++k)
      result.covariance.push_back(averaged([&](const double* x) { return (x[j] - result.mean[j].value) * (x[k] - result.mean[k].value); }));
  return result;
}

}  // namespace heatbath::solvers
