#include "heatbath/solvers/linear.hpp"

#include <algorithm>
#include <cmath>

#include "heatbath/error.hpp"
#include "heatbath/measure/step_bias.hpp"
#include "heatbath/numerics/random.hpp"
#include "heatbath/numerics/text.hpp"
#include "solvers/src/averages.hpp"
#include "solvers/src/linear_checks.hpp"

namespace heatbath::solvers {

namespace {

using network::Network;

constexpr std::uint32_t most_inverse = 512;


LinearResult inverse_of(Device& device, const Network& network, const LinearOptions& options, double kT) {
  const std::size_t n = network.cells();
  // A step of first order adds dt/2 to every entry of the diagonal: kept below half of the tolerance of the norm, which
  // is at least that of the slowest mode.
  const Network::Curvature bend = network.curvature(0);
  Asked asked{Moment::products, kT};
  if (bend.lowest > 0) asked.stiffness = std::min(0.05, options.tolerance * bend.highest / bend.lowest / std::sqrt(static_cast<double>(n)));
  LinearResult result;
  result.kT = kT;
  Averages averages(device, network, options, asked, options.seed);
  average_until(averages, options, 64, result, [&] {
    averages.fill(n * n, [&](std::span<const double> columns, std::span<double> values) {
      for (std::size_t i = 0, at = 0; i < n; ++i)
        for (std::size_t j = 0; j <= i; ++j) values[i * n + j] = values[j * n + i] = columns[at++] / kT;
    }, result.values, result.standard_errors);
    return relative_error(result.values, result.standard_errors);
  });
  describe(averages, device, result);
  const double dt = device.step().count > 0 ? averages.scaling().time(device, device.step()) : 0;
  if (dt > 0) {
    const double bias = std::abs(measure::variance_bias(CellKind::overdamped, device.capabilities().stepper, {bend.highest, 1, 1}, dt).position);
    if (bias > 0.1 * options.tolerance)
      result.notes.push_back("the device's step makes the variance of the stiffest mode wrong by " + numerics::general(100 * bias, 3) + " %; a shorter step, or a stepper of second order, makes that less");
  }
  return result;
}

}  // namespace

LinearResult solve(Device& device, std::span<const double> A, std::span<const double> b, const LinearOptions& options) {
  check(options, A.size(), b.size());
  const Network network = Network::quadratic_form(A, b);
  double kT = options.kT;
  if (kT == 0) {
    double squares = 0, trace = 0;
    for (const double value : b) squares += value * value;
    for (std::size_t i = 0; i < b.size(); ++i) trace += A[i * b.size() + i];
    kT = squares > 0 && trace > 0 ? 0.01 * squares / trace : 1;
    // Warmer where the device's ranges and its lowest temperature ask for it; the last try says what stands in the way.
    for (int doubling = 0; doubling < 30; ++doubling, kT *= 2) {
      try {
        const network::Scaling fits(network, device.capabilities(), {.kT = kT});
        break;
      } catch (const Error& error) {
        if (error.code() != HB_UNSUPPORTED || doubling == 29) throw;
      }
    }
  }
  LinearResult result;
  result.kT = kT;
  Averages averages(device, network, options, {Moment::mean, kT}, options.seed);
  average_until(averages, options, 8, result, [&] {
    averages.fill(b.size(), [](std::span<const double> columns, std::span<double> values) { std::ranges::copy(columns, values.begin()); },
                  result.values, result.standard_errors);
    return relative_error(result.values, result.standard_errors);
  });
  describe(averages, device, result);
  return result;
}

LinearResult inverse(Device& device, std::span<const double> A, const LinearOptions& options) {
  const auto n = static_cast<std::size_t>(std::llround(std::sqrt(static_cast<double>(A.size()))));
  check(options, A.size(), n);
  if (n > most_inverse) throw Error(HB_BAD_ARG, "inverse: " + std::to_string(n) + " rows; at most " + std::to_string(most_inverse) + " (solve takes more)");
  // At b = 0 the covariance has the scale of kT alone: what is averaged is over kT.
  return inverse_of(device, Network::quadratic_form(A, std::vector<double>(n)), options, options.kT == 0 ? 1 : options.kT);
}

PosteriorResult posterior(Device& device, const GaussianModel& model, std::span<const double> data, const LinearOptions& options) {
  const auto refuse = [](const std::string& what) { throw Error(HB_BAD_ARG, "posterior: " + what); };
  const std::size_t n = model.prior_mean.size(), m = data.size();
  check(options, model.prior_precision.size(), n);
  if (m == 0 || model.design.size() != m * n) refuse("a design of " + std::to_string(model.design.size()) + " entries; " + std::to_string(m) +
                                                     " data of " + std::to_string(n) + " unknowns need " + std::to_string(m * n));
  if (model.noise_variance.size() != 1 && model.noise_variance.size() != m) refuse(std::to_string(model.noise_variance.size()) + " noise variances for " + std::to_string(m) + " data; 1, or one for each");
  std::vector<double> A(model.prior_precision.begin(), model.prior_precision.end()), b(n, 0.0);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) b[i] += A[i * n + j] * model.prior_mean[j];
  for (std::size_t k = 0; k < m; ++k) {
    const double variance = model.noise_variance[model.noise_variance.size() == 1 ? 0 : k];
    if (!(variance > 0) || !std::isfinite(variance)) refuse("a noise variance of " + numerics::general(variance, 3) + "; above 0");
    for (std::size_t i = 0; i < n; ++i) {
      b[i] += model.design[k * n + i] * data[k] / variance;
      for (std::size_t j = 0; j < n; ++j) A[i * n + j] += model.design[k * n + i] * model.design[k * n + j] / variance;
    }
  }
  PosteriorResult result;
  result.mean = solve(device, A, b, options);
  LinearOptions spread = options;
  spread.seed = numerics::split_mix(options.seed);
  spread.kT = 0;
  result.covariance = inverse(device, A, spread);
  return result;
}

}  // namespace heatbath::solvers
