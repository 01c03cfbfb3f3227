#include "generative_programs.hpp"

#include <cmath>
#include <cstdio>

#include "heatbath/error.hpp"
#include "heatbath/numerics/rounding.hpp"
#include "heatbath/numerics/text.hpp"

namespace heatbath::trainers {
namespace {

constexpr std::uint64_t kStepsToForget = 10;

/// Uncoupled cells at x = 0, free to move. Clamping works on every device; writing states does not.
Program prepared(const Capabilities& capabilities, const GenerativeModel& model, std::uint32_t cells) {
  Program program(capabilities, cells);
  program.load(CellSection::j2, model.j2).load(CellSection::j4, model.j4).load_gain(0.0f);
  program.at_temperature(model.kT);
  return program;
}

void start_from_zero(Program& program) {
  program.commit().clamp(0, program.cells(), 0.0f).release(0, program.cells());
}

}  // namespace

void check_machine(const Capabilities& capabilities, const std::string& who, std::uint32_t cells, float j2, float j4,
                   float kT, double tf) {
  const auto refuse = [&who](const std::string& what) { throw Error(HB_BAD_ARG, who + ": " + what); };
  require_cell_kind(capabilities, who, CellKind::overdamped);
  if (cells > capabilities.cells) {
    refuse(std::to_string(cells) + " cells are needed, the device has " + std::to_string(capabilities.cells));
  }
  if (!std::isfinite(j2)) refuse("j2 is " + numerics::general(j2) + ", it must be finite");
  if (!(j4 > 0) || !std::isfinite(j4)) refuse("j4 is " + numerics::general(j4) + ", it must be positive, or states are not bounded");
  if (!(tf > 0) || !(tf <= 1e6)) refuse("tf is " + numerics::general(tf) + " time units, it must be above 0 and at most 1e6");
  if (!(kT > 0) || !std::isfinite(kT)) refuse("kT is " + numerics::general(kT) + ", it must be positive");
  if (capabilities.kT_programmable) {
    if (kT < capabilities.kT_min || kT > capabilities.kT_max) {
      refuse("kT is " + numerics::general(kT) + ", the device can be at " + numerics::general(capabilities.kT_min) + " to " +
             numerics::general(capabilities.kT_max));
    }
  } else if (std::abs(kT - capabilities.kT_reset) > 1e-5f * capabilities.kT_reset) {
    throw Error(HB_UNSUPPORTED, who + ": kT " + numerics::general(kT) + " needs CAPS.KT_PROGRAMMABLE, the device is always at kT " +
                                    numerics::general(capabilities.kT_reset));
  }
}

NoisingSchedule noising_schedule(const Device& device, double tf, Ticks wanted_period, double ramp_end) {
  const Capabilities& capabilities = device.capabilities();
  NoisingSchedule schedule;
  schedule.equilibrate = device.ticks(tf);
  schedule.fade = device.ticks(ramp_end * tf);
  if (schedule.fade >= schedule.equilibrate) {
    throw Error(HB_BAD_ARG, "GenerativeTrainer: tf of " + numerics::general(tf) + " time units is too short for this device's step");
  }
  schedule.free = schedule.equilibrate - schedule.fade;
  schedule.period = device.capture_period(wanted_period);
  const auto ticks = [](Ticks period) { return static_cast<double>(period.count); };
  if (wanted_period.count > 0 && !numerics::is_near(ticks(wanted_period), ticks(schedule.period))) {
    throw Error(HB_BAD_ARG, "GenerativeTrainer: a capture period of " + std::to_string(wanted_period.count) +
                                " ticks; the next that this device has is " + std::to_string(schedule.period.count));
  }
  if (schedule.period > schedule.equilibrate) {
    throw Error(HB_BAD_ARG, "GenerativeTrainer: capture period of " + std::to_string(schedule.period.count) +
                                " ticks, tf has only " + std::to_string(schedule.equilibrate.count));
  }
  if (device.step().count > 0 && schedule.period < device.step() * kStepsToForget) {
    require(capabilities.increments_markov,
            "GenerativeTrainer with a capture period below " + std::to_string(kStepsToForget) + " steps",
            "INCREMENTS_MARKOV");
  }
  return schedule;
}

Program noising_program(const Capabilities& capabilities, const GenerativeModel& model, const NoisingSchedule& schedule,
                        std::span<const float> fields, std::uint32_t shots) {
  Program program = prepared(capabilities, model, model.moving());
  std::vector<float> bias(fields.size());
  for (std::size_t i = 0; i < fields.size(); ++i) bias[i] = -fields[i];
  program.load_bias_per_shot(bias, shots);
  start_from_zero(program);
  program.evolve(schedule.equilibrate)
      .load(CellSection::bias, 0.0f)
      .capture_start(schedule.period, true)
      .ramp(schedule.fade)
      .evolve(schedule.free)
      .capture_stop();
  return program;
}

Program generation_program(const Capabilities& capabilities, const GenerativeModel& model, Ticks noise,
                           const GenerationPlan& plan) {
  Program program = prepared(capabilities, model, model.cells());
  program.load(CellSection::bias, 0.0f).commit().clamp(0, model.moving(), 0.0f);
  if (model.labels > 0) {
    const auto shots = static_cast<std::uint32_t>(plan.labels.size() / model.labels);
    program.clamp_per_shot(model.moving(), model.labels, plan.labels, shots);
  }
  program.release(0, model.moving()).evolve(noise);
  const auto switch_to = [&](std::uint32_t segment) {
    program.load(CellSection::bias, model.bias_of(segment)).load_couplings(model.couplings_of(segment));
    if (segment == 0) program.load_gain(1.0f);
    program.commit();
  };
  switch_to(0);
  if (plan.readback) program.readback(CellSection::bias).readback_couplings();
  if (plan.meters) program.meter_clear().meter_snapshot();
  Ticks now{0};
  std::uint32_t segment = 0;
  for (const Ticks time : plan.sample_times) {
    while (segment < plan.switch_times.size() && plan.switch_times[segment] < time) {
      if (plan.switch_times[segment] > now) program.evolve(plan.switch_times[segment] - now);
      now = plan.switch_times[segment];
      switch_to(++segment);
    }
    if (time > now) program.evolve(time - now);
    program.sample();
    now = time;
  }
  if (plan.meters) program.meter_snapshot();
  return program;
}

}  // namespace heatbath::trainers
