#include "heatbath/solvers/linear.hpp"

#include <algorithm>
#include <cmath>

#include "heatbath/error.hpp"
#include "heatbath/measure/step_bias.hpp"
#include "heatbath/network/scaling.hpp"
#include "heatbath/network/shots.hpp"
#include "heatbath/numerics/text.hpp"

namespace heatbath::solvers {

namespace {

using network::Network;
using network::Scaling;

constexpr double spacing = 0.25;  // of records, in relaxation times: of the slowest mode nothing is lost
constexpr std::uint32_t most_inverse = 512;

std::string text(double value) { return numerics::general(value, 3); }

/// Sums of columns for each shot: x itself, or its products.
struct Sums {
  std::uint32_t cells = 0, shots = 0;
  bool products = false;
  std::vector<double> of;  // shots x columns
  double records = 0;      // of each shot

  std::size_t columns() const { return products ? std::size_t{cells} * (cells + 1) / 2 : cells; }
  void add(std::uint32_t shot, const float* x) {
    double* sum = of.data() + shot * columns();
    if (!products) {
      for (std::uint32_t i = 0; i < cells; ++i) sum[i] += static_cast<double>(x[i]);
      return;
    }
    for (std::uint32_t i = 0; i < cells; ++i)
      for (std::uint32_t j = 0; j <= i; ++j) *sum++ += static_cast<double>(x[i]) * static_cast<double>(x[j]);
  }
};

class Averages {
 public:
  Averages(Device& device, const Network& network, const LinearOptions& options, double kT, bool products)
      : device_(&device),
        options_(options),
        scaling_(network, device.capabilities(), {.kT = kT}),
        shots_(device, {.seed_where_taken = options.seed}) {
    sums_ = {network.cells(), options.shots, products, {}, 0};
    sums_.of.assign(options.shots * sums_.columns(), 0.0);
    scaling_.set_step(device);
    relaxation_ = scaling_.need_relaxation_time();
    // From a start that is off by the whole solution.
    burn_in_ = scaling_.burn_in(device, std::max(8.0, std::log(10 / options.tolerance)));
  }

  const Scaling& scaling() const { return scaling_; }
  double relaxation() const { return relaxation_; }

  /// Averages over `times` relaxation times more; fills values and errors of `result`.
  void run(double times, LinearResult& result, double unit) {
    const auto records = static_cast<std::uint32_t>(std::clamp(std::ceil(times / spacing), 4.0, 1e6));
    const Ticks period = std::max(device_->capture_period(scaling_.ticks(*device_, spacing * relaxation_)), device_->capabilities().capture_min);
    Program program = scaling_.program();
    program.evolve(burn_in_).loop_begin(records).evolve(period).sample().loop_end();
    JobOptions job;
    job.records = [&](const RecordOfPass& record) {
      if (record.record >= records) return;  // the final state, once more
      const std::size_t count = record.states.size() / sums_.cells;
      for (std::size_t k = 0; k < count; ++k) sums_.add(record.first_shot + static_cast<std::uint32_t>(k), record.states.data() + k * sums_.cells);
    };
    const Result ran = shots_.run(program, options_.shots, job);
    sums_.records += records;
    const std::uint32_t lanes = std::max(1u, device_->capabilities().lanes);
    result.device_ticks = result.device_ticks + ran.array_ticks * ((options_.shots + lanes - 1) / lanes);
    result.averaged_time += scaling_.time(*device_, period) * records;
    result.burn_in_time += scaling_.time(*device_, burn_in_);
    rails_ += ran.rails;
    fill(result, unit);
  }
  std::uint64_t rails() const { return rails_; }
  void set_progress(Progress progress) { shots_.set_progress(std::move(progress)); }

 private:
  Device* device_;
  const LinearOptions& options_;
  Scaling scaling_;
  network::Shots shots_;
  Sums sums_;
  double relaxation_ = 0;
  Ticks burn_in_;
  std::uint64_t rails_ = 0;

  void fill(LinearResult& result, double unit) const {
    const std::size_t columns = sums_.columns(), n = sums_.cells;
    const double factor = unit * (sums_.products ? scaling_.factors().state * scaling_.factors().state : scaling_.factors().state);
    result.values.assign(sums_.products ? n * n : n, 0.0);
    result.standard_errors.assign(result.values.size(), 0.0);
    std::vector<double> of_shots(sums_.shots);
    double errors = 0, squares = 0;
    for (std::size_t column = 0, i = 0, j = 0; column < columns; ++column) {
      for (std::uint32_t shot = 0; shot < sums_.shots; ++shot) of_shots[shot] = factor * sums_.of[shot * columns + column] / sums_.records;
      const measure::Estimate mean = measure::mean_of_independent(of_shots);
      const double times = sums_.products && i != j ? 2 : 1;
      errors += times * mean.standard_error * mean.standard_error;
      squares += times * mean.value * mean.value;
      if (!sums_.products) {
        result.values[column] = mean.value, result.standard_errors[column] = mean.standard_error;
        continue;
      }
      result.values[i * n + j] = result.values[j * n + i] = mean.value;
      result.standard_errors[i * n + j] = result.standard_errors[j * n + i] = mean.standard_error;
      if (j++ == i) ++i, j = 0;
    }
    result.relative_error = squares > 0 ? std::sqrt(errors / squares) : errors > 0 ? INFINITY : 0;
  }
};

void check(const LinearOptions& options, std::size_t entries, std::size_t n) {
  const auto refuse = [](const std::string& what) { throw Error(HB_BAD_ARG, "solve: " + what); };
  if (n == 0 || entries != n * n) refuse("a matrix of " + std::to_string(entries) + " entries; n x n are needed for " + std::to_string(n) + " unknowns");
  if (!(options.tolerance > 0) || !std::isfinite(options.tolerance)) refuse("a tolerance of " + text(options.tolerance) + "; above 0");
  if (options.shots < 16) refuse(std::to_string(options.shots) + " shots; errors from their scatter need 16 or more");
  if (!(options.kT >= 0) || !std::isfinite(options.kT)) refuse("kT is " + text(options.kT) + "; above 0, or 0 for a choice that suits");
  if (!(options.most_time >= 4)) refuse("a limit of " + text(options.most_time) + " relaxation times; 4 or more");
}

LinearResult average(Device& device, const Network& network, const LinearOptions& options, double kT, bool products) {
  // At b = 0 the covariance has the scale of kT alone: what is averaged is over kT.
  const double unit = products ? 1 / kT : 1;
  LinearResult result;
  result.kT = kT;
  Averages averages(device, network, options, kT, products);
  result.relaxation_time = averages.relaxation();
  const double most = options.most_time * result.relaxation_time;
  double next = products ? 64 : 8;  // relaxation times: a first look, which says how long it takes
  for (;;) {
    const double before = result.averaged_time;
    if (options.progress)
      averages.set_progress([&, before, next](double part) { return options.progress(std::min(1.0, (before + part * next * result.relaxation_time) / std::max(most, 1e-300))); });
    averages.run(next, result, unit);
    result.reached = result.relative_error <= options.tolerance;
    if (result.reached) break;
    // Errors fall with the root of the time; the first look is right to a fifth or so.
    const double ratio = result.relative_error / options.tolerance;
    const double needed = 1.1 * result.averaged_time * ratio * ratio, left = most - result.averaged_time;
    if (left < 4 * result.relaxation_time || needed > 3 * most) {
      result.notes.push_back("the tolerance of " + text(options.tolerance) + " was not reached: it needs about " +
                             text(needed / result.relaxation_time) + " relaxation times of averaging; the limit is " + text(options.most_time));
      break;
    }
    next = std::clamp((needed - result.averaged_time) / result.relaxation_time, 4.0, left / result.relaxation_time);
  }
  result.device_seconds = static_cast<double>(result.device_ticks.count) * device.capabilities().tick_seconds();
  if (const network::Rounding rounding = averages.scaling().rounding(); rounding.worst > 1e-6)
    result.notes.push_back("the device's converters hold A and b with errors of up to " + text(100 * rounding.worst) +
                           " % of their largest values: values are those of the system as held");
  if (averages.rails() > 0) result.notes.push_back("states were held at a rail " + std::to_string(averages.rails()) + " times: the room for them is too small");
  const double dt = device.step().count > 0 ? averages.scaling().time(device, device.step()) : 0;
  if (products && dt > 0) {
    const Network::Curvature bend = network.curvature(0);
    const double bias = std::abs(measure::variance_bias(CellKind::overdamped, device.capabilities().stepper, {bend.highest, 1, 1}, dt).position);
    if (bias > 0.1 * options.tolerance)
      result.notes.push_back("the device's step makes the variance of the stiffest mode wrong by " + text(100 * bias) + " %; a shorter step, or a stepper of second order, makes that less");
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
        const Scaling fits(network, device.capabilities(), {.kT = kT});
        break;
      } catch (const Error& error) {
        if (error.code() != HB_UNSUPPORTED || doubling == 29) throw;
      }
    }
  }
  return average(device, network, options, kT, false);
}

LinearResult inverse(Device& device, std::span<const double> A, const LinearOptions& options) {
  const auto n = static_cast<std::size_t>(std::llround(std::sqrt(static_cast<double>(A.size()))));
  check(options, A.size(), n);
  if (n > most_inverse) throw Error(HB_BAD_ARG, "inverse: " + std::to_string(n) + " rows; at most " + std::to_string(most_inverse) + " (solve takes more)");
  const Network network = Network::quadratic_form(A, std::vector<double>(n));
  return average(device, network, options, options.kT == 0 ? 1 : options.kT, true);
}

}  // namespace heatbath::solvers
