#include "solvers/src/averages.hpp"

#include <algorithm>
#include <cmath>

#include "heatbath/numerics/text.hpp"

namespace heatbath::solvers {

namespace {

constexpr double spacing = 0.25;  // of records, in relaxation times: of the slowest mode nothing is lost

}  // namespace

Averages::Averages(Device& device, const network::Network& network, const LinearOptions& options, const Asked& asked, std::uint64_t seed)
    : device_(&device),
      options_(options),
      asked_(asked),
      scaling_(network, device.capabilities(), {.kT = asked.kT, .stiffness = asked.stiffness}),
      shots_(device, {.seed_where_taken = seed}),
      cells_(network.cells()) {
  if (asked.moment == Moment::form) edges_.assign(network.couplings().begin(), network.couplings().end());
  sums_.assign(options.shots * columns(), 0.0);
  relaxation_ = scaling_.need_relaxation_time();
  lag_ = asked.lag;
}

std::size_t Averages::columns() const {
  const std::size_t n = cells_;
  switch (asked_.moment) {
    case Moment::mean:
      return n;
    case Moment::products:
      return n * (n + 1) / 2;
    case Moment::lagged:
      return n * n;
    case Moment::form:
      break;
  }
  return 1;
}

void Averages::add(double* sum, const float* x, const float* before) const {
  switch (asked_.moment) {
    case Moment::mean:
      for (std::uint32_t i = 0; i < cells_; ++i) sum[i] += static_cast<double>(x[i]);
      return;
    case Moment::products:
      for (std::uint32_t i = 0; i < cells_; ++i)
        for (std::uint32_t j = 0; j <= i; ++j) *sum++ += static_cast<double>(x[i]) * static_cast<double>(x[j]);
      return;
    case Moment::lagged:
      for (std::uint32_t i = 0; i < cells_; ++i)
        for (std::uint32_t j = 0; j < cells_; ++j) *sum++ += static_cast<double>(x[i]) * static_cast<double>(before[j]);
      return;
    case Moment::form:
      for (const network::Edge& edge : edges_) *sum += 2 * edge.value * static_cast<double>(x[edge.i]) * static_cast<double>(x[edge.j]);
      return;
  }
}

void Averages::run(double times, LinearResult& result) {
  scaling_.set_step(*device_);
  const bool lagged = asked_.moment == Moment::lagged;
  const auto apart = lagged ? static_cast<std::uint32_t>(std::clamp(std::ceil(asked_.lag / (spacing * relaxation_)), 1.0, 256.0)) : 0u;
  Ticks period{};
  if (lagged) {
    // A step of which the lag is a whole number, where the device takes any.
    const Ticks wanted = scaling_.ticks(*device_, asked_.lag), step = device_->step();
    if (device_->capabilities().dt_programmable && step.count > 0) {
      const double lag_ticks = asked_.lag / scaling_.time(*device_, step) * static_cast<double>(step.count);
      const std::uint64_t steps = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(lag_ticks / (apart * static_cast<double>(step.count)))));
      const auto dt = static_cast<std::uint64_t>(std::llround(lag_ticks / (static_cast<double>(apart) * static_cast<double>(steps))));
      device_->set_step(Ticks{std::max<std::uint64_t>(1, dt)});
      period = device_->capture_period(device_->step() * steps);
    } else {
      period = device_->capture_period(Ticks{wanted.count / apart});
    }
    lag_ = scaling_.time(*device_, period * apart);
  } else {
    period = device_->capture_period(scaling_.ticks(*device_, spacing * relaxation_));
  }
  const double records_wanted = times * relaxation_ / std::max(scaling_.time(*device_, period), 1e-300);
  const auto records = apart + static_cast<std::uint32_t>(std::clamp(std::ceil(std::min(times / spacing, records_wanted)), 4.0, 1e6));
  // From a start that is off by the whole solution.
  const Ticks burn_in = scaling_.burn_in(*device_, std::max(8.0, std::log(10 / options_.tolerance)));
  Program program = scaling_.program();
  program.evolve(burn_in).loop_begin(records).evolve(period).sample().loop_end();
  const std::size_t width = columns();
  std::vector<float> past(lagged ? std::size_t{apart} * options_.shots * cells_ : 0);
  JobOptions job;
  job.records = [&](const RecordOfPass& record) {
    const std::size_t count = record.states.size() / cells_;
    for (std::size_t k = 0; k < count; ++k) {
      const std::size_t shot = record.first_shot + k;
      const float* const x = record.states.data() + k * cells_;
      float* const old = lagged ? past.data() + (shot * apart + record.record % apart) * cells_ : nullptr;
      if (!lagged || record.record >= apart) add(sums_.data() + shot * width, x, old);
      if (lagged) std::copy(x, x + cells_, old);
    }
  };
  const Result ran = shots_.run(program, options_.shots, job);
  counted_ += records - apart;
  const std::uint32_t lanes = std::max(1u, device_->capabilities().lanes);
  result.device_ticks = result.device_ticks + ran.array_ticks * ((options_.shots + lanes - 1) / lanes);
  result.averaged_time += scaling_.time(*device_, period) * (records - apart);
  result.burn_in_time += scaling_.time(*device_, burn_in);
  rails_ += ran.rails;
}

void Averages::fill(std::size_t size, const Map& map, std::vector<double>& values, std::vector<double>& standard_errors) const {
  const std::size_t width = columns();
  const double factor = (asked_.moment == Moment::mean ? 1.0 : scaling_.factors().state) * scaling_.factors().state / counted_;
  std::vector<double> of_shot(width), mapped(size);
  values.assign(size, 0.0);
  standard_errors.assign(size, 0.0);
  for (std::uint32_t shot = 0; shot < options_.shots; ++shot) {
    for (std::size_t k = 0; k < width; ++k) of_shot[k] = factor * sums_[shot * width + k];
    map(of_shot, mapped);
    for (std::size_t k = 0; k < size; ++k) {  // Welford's means and sums of squares
      const double off = mapped[k] - values[k];
      values[k] += off / (shot + 1.0);
      standard_errors[k] += off * (mapped[k] - values[k]);
    }
  }
  for (double& error : standard_errors) error = std::sqrt(error / (options_.shots - 1.0) / options_.shots);
}

double relative_error(std::span<const double> values, std::span<const double> standard_errors) {
  double squares = 0, errors = 0;
  for (const double value : values) squares += value * value;
  for (const double error : standard_errors) errors += error * error;
  return squares > 0 ? std::sqrt(errors / squares) : errors > 0 ? INFINITY : 0;
}

void average_until(Averages& averages, const LinearOptions& options, double first, LinearResult& result,
                   const std::function<double()>& error_of) {
  result.relaxation_time = averages.relaxation();
  const double most = options.most_time * result.relaxation_time;
  double next = first;  // relaxation times: a first look, which says how long it takes
  for (;;) {
    const double before = result.averaged_time;
    if (options.progress)
      averages.set_progress([&, before, next](double part) {
        return options.progress(std::min(1.0, (before + part * next * result.relaxation_time) / std::max(most, 1e-300)));
      });
    averages.run(next, result);
    result.relative_error = error_of();
    result.reached = result.relative_error <= options.tolerance;
    if (result.reached) return;
    // Errors fall with the root of the time; the first look is right to a fifth or so.
    const double ratio = result.relative_error / options.tolerance;
    const double needed = 1.1 * result.averaged_time * ratio * ratio, left = most - result.averaged_time;
    if (left < 4 * result.relaxation_time || needed > 3 * most) {
      result.notes.push_back("the tolerance of " + numerics::general(options.tolerance, 3) + " was not reached: it needs about " +
                             numerics::general(needed / result.relaxation_time, 3) + " relaxation times of averaging; the limit is " + numerics::general(options.most_time, 3));
      return;
    }
    next = std::clamp((needed - result.averaged_time) / result.relaxation_time, 4.0, left / result.relaxation_time);
  }
}

void describe(const Averages& averages, Device& device, LinearResult& result) {
  result.device_seconds = static_cast<double>(result.device_ticks.count) * device.capabilities().tick_seconds();
  if (const network::Rounding rounding = averages.scaling().rounding(); rounding.worst > 1e-6)
    result.notes.push_back("the device's converters hold the system with errors of up to " + numerics::general(100 * rounding.worst, 3) +
                           " % of its largest values: values are those of the system as held");
  if (averages.rails() > 0) result.notes.push_back("states were held at a rail " + std::to_string(averages.rails()) + " times: the room for them is too small");
}

}  // namespace heatbath::solvers
