#include "heatbath/trainers/natural_gradient.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "heatbath/error.hpp"
#include "heatbath/network/network.hpp"
#include "heatbath/network/scaling.hpp"
#include "heatbath/network/shots.hpp"
#include "heatbath/numerics/text.hpp"

namespace heatbath::trainers {
namespace {

[[noreturn]] void refuse_step(const std::string& what) { throw Error(HB_BAD_ARG, "natural gradient: " + what); }

}  // namespace

NaturalStep natural_step(Device& device, std::span<const double> A, std::span<const double> b, const NaturalGradientOptions& options,
                         std::span<const double> start, std::uint32_t first_shot) {
  const std::size_t n = b.size();
  if (n == 0 || A.size() != n * n) refuse_step(std::to_string(A.size()) + " entries of A for " + std::to_string(n) + " of b");
  if (!start.empty() && start.size() != n) refuse_step("start has " + std::to_string(start.size()) + " values for " + std::to_string(n) + " cells");
  if (!(options.time > 0) || !std::isfinite(options.time)) refuse_step("time is " + numerics::general(options.time) + "; above 0");
  if (options.shots < 2) refuse_step(std::to_string(options.shots) + " shots; 2 or more");
  const network::Network network = network::Network::quadratic_form(A, b);
  // Room for the start, for the whole solution, and for the thermal width about either.
  const network::Network::Curvature curvature = network.curvature(0);
  if (!(curvature.lowest > 1e-12 * curvature.highest)) refuse_step("the lowest eigenvalue of A is " + numerics::general(curvature.lowest) + "; above 0: raise the damping");
  double length = 0, at_start = 0;
  for (const double value : b) length += value * value;
  for (const double value : start) at_start = std::max(at_start, std::abs(value));
  const double reach = 1.05 * (std::max(std::sqrt(length) / curvature.lowest, at_start * std::sqrt(static_cast<double>(n))) +
                               6 * std::sqrt(options.kT / curvature.lowest));
  const network::Scaling scaling(network, device.capabilities(), {.kT = options.kT, .reach = reach, .stiffness = options.stiffness});
  // Where any step is exact, the whole time may be one: the time decides then, not the relaxation.
  if (scaling.step() > 0) scaling.set_step(device);
  else if (device.capabilities().dt_programmable) device.set_step_time_units(options.time / scaling.factors().time / 16);
  const Ticks duration = scaling.ticks(device, options.time);
  if (duration.count == 0) refuse_step("time " + numerics::general(options.time) + " is less than the device's step");

  const auto cells = static_cast<std::uint32_t>(n);
  const std::vector<double> zeros(n, 0.0);
  Program program = scaling.program();
  program.clamp(0, scaling.to_device(start.empty() ? std::span<const double>(zeros) : start)).release(0, cells).evolve(duration).sample();
  network::Shots shots(device, {.seed_where_taken = options.seed, .first_shot = first_shot, .progress = options.progress});
  const Result result = shots.run(program, options.shots);

  NaturalStep step;
  step.shots = options.shots;
  step.time = scaling.time(device, duration);
  std::vector<std::vector<double>> readings(n, std::vector<double>(options.shots));
  for (std::uint32_t shot = 0; shot < options.shots; ++shot)
    for (std::size_t i = 0; i < n; ++i) readings[i][shot] = scaling.state(static_cast<double>(result.capture.state(shot, 0)[i]));
  for (const auto& of_cell : readings) step.x.push_back(measure::mean_of_independent(of_cell));
  step.covariance.assign(n * n, 0.0);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      for (std::uint32_t shot = 0; shot < options.shots; ++shot)
        step.covariance[i * n + j] += (readings[i][shot] - step.x[i].value) * (readings[j][shot] - step.x[j].value);
      step.covariance[i * n + j] /= options.shots - 1.0;
    }
  return step;
}

NaturalDescent::NaturalDescent(Device& device, std::vector<double> theta, const NaturalDescentOptions& options)
    : device_(&device), theta_(std::move(theta)), x_(theta_.size(), 0.0), options_(options) {
  if (theta_.empty()) refuse_step("no parameters");
  if (!(options.rate > 0) || !(options.damping >= 0)) refuse_step("the rate must be above 0, the damping 0 or more");
}

void NaturalDescent::step(std::span<const double> gradient, std::span<const double> curvature) {
  const std::size_t n = theta_.size();
  if (gradient.size() != n || curvature.size() != n * n)
    refuse_step(std::to_string(gradient.size()) + " derivatives and " + std::to_string(curvature.size()) + " curvatures for " + std::to_string(n) + " parameters");
  std::vector<double> A(curvature.begin(), curvature.end());
  for (std::size_t i = 0; i < n; ++i) A[i * n + i] += options_.damping;
  const NaturalStep made = natural_step(*device_, A, gradient, options_.step, options_.carry ? std::span<const double>(x_) : std::span<const double>(),
                                        steps_ * options_.step.shots);
  for (std::size_t i = 0; i < n; ++i) {
    x_[i] = made.x[i].value;
    theta_[i] -= options_.rate * x_[i];
  }
  ++steps_;
}

void NaturalDescent::resume(std::vector<double> theta, std::vector<double> x, std::uint32_t steps) {
  if (theta.size() != theta_.size() || x.size() != theta_.size())
    refuse_step("resumed with " + std::to_string(theta.size()) + " parameters for " + std::to_string(theta_.size()));
  theta_ = std::move(theta);
  x_ = std::move(x);
  steps_ = steps;
}

}  // namespace heatbath::trainers
