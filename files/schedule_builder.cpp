#include "files/schedule_builder.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "files/program_builder.hpp"
#include "files/toml_schedule.hpp"
#include "heatbath/error.hpp"
#include "heatbath/numerics/rounding.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/regs.h"

namespace heatbath::apps {

namespace {

using Op = ScheduleStep::Op;
using numerics::text_of;

constexpr std::size_t most_written_out = 4096;  // instructions of a repeat

bool is_whole(double steps) { return std::fabs(steps - std::round(steps)) <= 1e-6 + 1e-12 * steps; }

class ScheduleBuilder {
 public:
  ScheduleBuilder(Program& program, const Device& device, MeterSet meters)
      : program_(program), device_(device), meters_(meters),
        grid_{std::max<std::uint64_t>(1, device.step().count)} {}

  void append_all(const std::vector<ScheduleStep>& steps) {
    for (const ScheduleStep& step : steps) {
      if (step.op == Op::repeat) {
        repeat(step);
        continue;
      }
      try {
        append(step);
      } catch (const Error& error) {
        const std::string what = error.what();
        const bool placed = !step.duration_where.empty() && what.starts_with(step.duration_where);
        throw placed ? error : Error(error.code(), fmt::format("{}: {}", step.where, what));
      }
    }
  }

 private:
  double steps_of(double time_units) const {
    return time_units * static_cast<double>(program_.capabilities().time_unit.count) / static_cast<double>(grid_.count);
  }

  /// In steps.
  double duration_of(const std::vector<ScheduleStep>& steps) const {
    double sum = 0;
    for (const ScheduleStep& step : steps) {
      if (step.op == Op::evolve || step.op == Op::ramp) sum += steps_of(step.duration);
      if (step.op == Op::repeat) sum += step.times * duration_of(step.steps);
    }
    return sum;
  }

  /// Throws unless the step's time is within the limit of a whole number of steps of the array.
  void check_grid(const ScheduleStep& step) const {
    const double wanted = steps_of(step.duration), nearest = std::max(1.0, std::round(wanted));
    if (numerics::is_near(wanted, nearest)) return;
    const Capabilities& caps = program_.capabilities();
    std::string remedy;
    if (makes_sweeps(caps)) remedy = "; a step of this device is a whole sweep";
    else if (caps.dt_programmable)
      remedy = fmt::format("; a step of {} would fit (--step, or dt under [network])",
                           text_of(step.duration / std::ceil(wanted)));
    const double unit = device_.time_units(grid_);
    throw Error(HB_BAD_ARG, fmt::format("{}: {} time units are no whole steps of {} to within 1 %: the nearest is {}{}",
                                        step.duration_where, text_of(step.duration), text_of(unit),
                                        text_of(nearest * unit), remedy));
  }

  /// Whole steps for the next part of the time.
  Ticks take(const ScheduleStep& step) {
    check_grid(step);
    const double wanted = steps_of(step.duration), steps = std::max(1.0, std::round(wanted + owed_));
    if (!(steps < 0x1p63 / static_cast<double>(grid_.count)))
      throw Error(HB_BAD_ARG, fmt::format("{}: {} time units do not fit 63 bits of ticks", step.duration_where,
                                          text_of(step.duration)));
    owed_ += wanted - steps;
    return grid_ * static_cast<std::uint64_t>(steps);
  }

  void append(const ScheduleStep& step) {
    switch (step.op) {
      case Op::evolve: program_.evolve(take(step)); break;
      case Op::load: load(program_, step.parameters); break;
      case Op::commit: program_.commit(); break;
      case Op::ramp: {
        const Ticks duration = take(step);
        load(program_, step.parameters);
        program_.ramp(duration);
        break;
      }
      case Op::set:
        check_states(program_.capabilities(), program_.cells(), step.first, step.values);
        if (step.values.size() == 1) program_.set(step.first, step.count, step.values.front());
        else program_.set(step.first, step.values);
        break;
      case Op::clamp:
        check_states(program_.capabilities(), program_.cells(), step.first, step.values);
        if (step.values.size() == 1) program_.clamp(step.first, step.count, step.values.front());
        else program_.clamp(step.first, step.values);
        break;
      case Op::release: program_.release(step.first, step.count); break;
      case Op::sample: program_.sample(); break;
      case Op::capture:
        check_grid(step);
        program_.capture_start(grid_ * static_cast<std::uint64_t>(std::max(1.0, std::round(steps_of(step.duration)))),
                               step.now);
        break;
      case Op::capture_stop: program_.capture_stop(); break;
      case Op::meters: program_.meter_snapshot(meters_); break;
      case Op::meters_clear: program_.meter_clear(); break;
      case Op::readback:
        if (step.name == "couplings") program_.readback_couplings();
        else if (step.name == "coupler_values") program_.readback_coupler_values();
        else program_.readback(*cell_section(step.name));
        break;
      case Op::repeat: break;
    }
  }

  /// How many iterations make whole steps, or all of them; 0 where there is no room to write them out.
  std::uint32_t iterations_of_whole_steps(const ScheduleStep& loop) const {
    const double steps = duration_of(loop.steps);
    const std::size_t room = std::min<std::size_t>(
        most_written_out, program_.capabilities().program_max - std::min<std::size_t>(program_.capabilities().program_max,
                                                                                       program_.steps().size() + 64));
    for (std::uint32_t copies = 1; copies <= loop.times && (copies == 1 || 2 * copies * weight_of(loop.steps) <= room); ++copies)
      if (is_whole(copies * steps) || (copies > 1 && copies == loop.times)) return copies;
    return 0;
  }

  /// Instructions, and a thousand values of operands as one.
  static std::size_t weight_of(const std::vector<ScheduleStep>& steps) {
    std::size_t sum = 0;
    for (const ScheduleStep& step : steps) {
      sum += 1 + step.values.size() / 1000 + (step.op == Op::repeat ? 1 + weight_of(step.steps) : 0);
      const ParameterSet& set = step.parameters;
      for (const auto& values : {&set.j2, &set.j4, &set.bias, &set.kT, &set.mass, &set.damping, &set.frequency})
        if (*values) sum += 1 + (*values)->size() / 1000;
      if (set.couplings) sum += most_written_out;
    }
    return sum;
  }

  void repeat(const ScheduleStep& loop) {
    const std::uint32_t together = iterations_of_whole_steps(loop);
    const std::uint32_t copies = std::max(1u, together), loops = loop.times / copies;
    if (together == 0) owed_ = 0;
    const auto write_out = [&](std::uint32_t times) {
      for (std::uint32_t k = 0; k < times; ++k) append_all(loop.steps);
    };
    const bool looping = copies == 1 || loops > 1;
    const auto in_loop = [&](const auto& what) {
      try {
        what();
      } catch (const Error& error) {
        throw Error(error.code(), fmt::format("{}: {}", loop.where, error.what()));
      }
    };
    if (looping) in_loop([&] { program_.loop_begin(loops); });
    write_out(copies);
    if (looping) in_loop([&] { program_.loop_end(); });
    write_out(loop.times % copies);
    if (together == 0) owed_ = 0;
  }

  Program& program_;
  const Device& device_;
  MeterSet meters_;
  Ticks grid_;
  double owed_ = 0;  // steps that were asked for and have not been taken
};

}  // namespace

void append_schedule(Program& program, const std::vector<ScheduleStep>& steps, const Device& device, MeterSet meters) {
  ScheduleBuilder(program, device, meters).append_all(steps);
}

}  // namespace heatbath::apps
