#include "apps/files/program_builder.hpp"

#include <fmt/format.h>

#include "apps/files/toml_schedule.hpp"
#include "heatbath/cells.h"
#include "heatbath/error.hpp"
#include "heatbath/regs.h"

namespace heatbath::apps {

namespace {

using Op = ScheduleStep::Op;

void load(Program& program, const ParameterSet& set) {
  const auto section = [&](CellSection name, const std::optional<std::vector<float>>& values) {
    if (!values) return;
    if (values->size() == 1) program.load(name, values->front());
    else program.load(name, *values);
  };
  section(CellSection::j2, set.j2);
  section(CellSection::j4, set.j4);
  section(CellSection::bias, set.bias);
  section(CellSection::kT, set.kT);
  section(CellSection::mass, set.mass);
  section(CellSection::damping, set.damping);
  section(CellSection::frequency, set.frequency);
  if (set.couplings) program.load_couplings(*set.couplings);
  if (set.gain) program.load_gain(*set.gain);
}

void append(Program& program, const ScheduleStep& step, const Device& device, PerCell per_cell);

void append_all(Program& program, const std::vector<ScheduleStep>& steps, const Device& device,
                PerCell per_cell) {
  for (const ScheduleStep& step : steps) {
    try {
      append(program, step, device, per_cell);
    } catch (const Error& error) {
      if (step.op == Op::repeat) throw;
      throw Error(error.code(), fmt::format("{}: {}", step.where, error.what()));
    }
  }
}

void append(Program& program, const ScheduleStep& step, const Device& device, PerCell per_cell) {
  switch (step.op) {
    case Op::evolve: program.evolve(device.ticks(step.duration)); break;
    case Op::load: load(program, step.parameters); break;
    case Op::commit: program.commit(); break;
    case Op::ramp:
      load(program, step.parameters);
      program.ramp(device.ticks(step.duration));
      break;
    case Op::set:
      if (step.values.size() == 1) program.set(step.first, step.count, step.values.front());
      else program.set(step.first, step.values);
      break;
    case Op::clamp:
      if (step.values.size() == 1) program.clamp(step.first, step.count, step.values.front());
      else program.clamp(step.first, step.values);
      break;
    case Op::release: program.release(step.first, step.count); break;
    case Op::sample: program.sample(); break;
    case Op::capture: program.capture_start(device.ticks(step.duration), step.now); break;
    case Op::capture_stop: program.capture_stop(); break;
    case Op::meters: program.meter_snapshot(per_cell); break;
    case Op::meters_clear: program.meter_clear(); break;
    case Op::readback:
      if (step.name == "couplings") program.readback_couplings();
      else program.readback(*cell_section(step.name));
      break;
    case Op::repeat:
      program.loop_begin(step.times);
      append_all(program, step.steps, device, per_cell);
      program.loop_end();
      break;
  }
}

}  // namespace

float default_j4(const Capabilities& capabilities) {
  return capabilities.cell_kind == HB_CAPS_CELL_KIND_OVERDAMPED && capabilities.stepper != HB_CAPS_CELL_STEPPER_EXACT_OU
             ? 1.0f
             : 0.0f;
}

Program build_program(const TomlProgram& description, const Device& device) {
  const Capabilities& caps = device.capabilities();
  if (description.cells > caps.cells) {
    throw Error(HB_BAD_ARG, fmt::format("{}: network.cells = {}: the device has {}", description.path,
                                        description.cells, caps.cells));
  }
  Program program(caps, description.cells);
  try {
    // Everything is loaded: what the device held before is not part of the description.
    ParameterSet all = description.network;
    const auto fill = [&](std::optional<std::vector<float>>& values, hb_section_t section, float value) {
      if (!values && hb_cell_has_section(caps.cell_kind, section)) values = std::vector<float>{value};
    };
    fill(all.j2, HB_SECTION_J2, caps.cell_kind == HB_CAPS_CELL_KIND_PHASE ? 0.0f : 1.0f);
    fill(all.j4, HB_SECTION_J4, default_j4(caps));
    fill(all.bias, HB_SECTION_BIAS, 0.0f);
    fill(all.mass, HB_SECTION_MASS, 1.0f);
    fill(all.damping, HB_SECTION_DAMPING, 1.0f);
    fill(all.frequency, HB_SECTION_FREQUENCY, 0.0f);
    if (!all.couplings) all.couplings.emplace(std::size_t{description.cells} * description.cells, 0.0f);
    if (!all.gain) all.gain = 1.0f;
    if (!all.kT && caps.kT_programmable) all.kT = std::vector<float>{caps.kT_reset};
    load(program, all);
    program.commit();
    if (description.initial || caps.state_write) {
      const std::vector<float> initial = description.initial.value_or(std::vector<float>{0.0f});
      if (initial.size() == 1) program.set(0, description.cells, initial.front());
      else program.set(0, initial);
    }
    if (description.initial_second || (caps.state_write && caps.components > 1)) {
      const std::vector<float> second = description.initial_second.value_or(std::vector<float>{0.0f});
      if (second.size() == 1) program.set(description.cells, description.cells, second.front());
      else program.set(description.cells, second);
    }
    if (caps.meters) program.meter_clear();
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("{}: network: {}", description.path, error.what()));
  }
  append_all(program, description.schedule, device, description.heat_per_cell ? PerCell::heat : PerCell::nothing);
  program.sample();
  return program;
}

}  // namespace heatbath::apps
