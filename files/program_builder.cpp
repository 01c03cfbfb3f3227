#include "files/program_builder.hpp"

#include <cmath>

#include <fmt/format.h>

#include "files/schedule_builder.hpp"
#include "heatbath/cells.h"
#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/regs.h"

namespace heatbath::apps {

void load(Program& program, const ParameterSet& set) {
  const auto section = [&](CellSection name, const std::optional<std::vector<float>>& values) {
    if (!values) return;
    const std::size_t cells = program.values_of(static_cast<hb_section_t>(name));
    if (values->size() == 1) program.load(name, values->front());
    else if (values->size() == cells) program.load(name, *values);
    else program.load_bias_per_shot(*values, static_cast<std::uint32_t>(values->size() / cells));  // none but biases
  };
  const std::uint32_t states = program.capabilities().states;
  if (set.bias && set.bias->size() > 1 && set.bias_states != states)
    throw Error(HB_BAD_ARG, states > 1 ? fmt::format("{} for each cell; cells of this device have {} states: a list of so "
                                                     "many biases for each cell",
                                                     set.bias_states == 1 ? "one bias" : fmt::format("{} biases", set.bias_states),
                                                     states)
                                       : fmt::format("a list of {} biases for each cell; {} cells have one bias", set.bias_states,
                                                     name(program.capabilities().cell_kind)));
  section(CellSection::j2, set.j2);
  section(CellSection::j4, set.j4);
  section(CellSection::bias, set.bias);
  section(CellSection::kT, set.kT);
  section(CellSection::mass, set.mass);
  section(CellSection::damping, set.damping);
  section(CellSection::frequency, set.frequency);
  if (set.couplings) load(program, *set.couplings);
  if (set.gain) program.load_gain(*set.gain);
}

namespace {

/// Loads parameter by parameter, so that what is refused has the place of its key.
void load_network(Program& program, ParameterSet all, const TomlProgram& description) {
  const auto one = [&](const char* key, auto member) {
    ParameterSet alone;
    alone.*member = std::move(all.*member);
    alone.bias_states = all.bias_states;
    try {
      load(program, alone);
    } catch (const Error& error) {
      throw Error(error.code(), fmt::format("{}: {}", description.place(std::string("network.") + key), error.what()));
    }
  };
  one("j2", &ParameterSet::j2);
  one("j4", &ParameterSet::j4);
  one("bias", &ParameterSet::bias);
  one("kT", &ParameterSet::kT);
  one("mass", &ParameterSet::mass);
  one("damping", &ParameterSet::damping);
  one("frequency", &ParameterSet::frequency);
  one("couplings", &ParameterSet::couplings);
  one("gain", &ParameterSet::gain);
}

}  // namespace

void check_states(const Capabilities& capabilities, std::uint32_t cells, std::uint32_t first,
                  std::span<const float> values) {
  const CellKind kind = capabilities.cell_kind;
  const bool second = first >= cells;
  if (kind == CellKind::phase) return;  // taken to a turn
  const float most = second ? capabilities.range_second : capabilities.range_state;
  for (std::size_t k = 0; k < values.size(); ++k) {
    const bool label = capabilities.states > 1;
    const bool one_of_them = label                     ? values[k] >= 0 && values[k] == std::floor(values[k])
                             : kind == CellKind::pbit ? std::fabs(values[k]) == 1
                                                      : true;
    if (one_of_them && std::fabs(values[k]) <= (label ? static_cast<float>(capabilities.states - 1) : most)) continue;
    const std::string what = fmt::format("state variable {} is to be {}", first + k % cells, numerics::text_of(values[k]));
    if (label)
      throw Error(HB_BAD_ARG, fmt::format("{}; a state of these cells is one of 0 to {}", what, capabilities.states - 1));
    if (!one_of_them)
      throw Error(HB_BAD_ARG, what + "; a p-bit is 1 or -1");
    throw Error(HB_BAD_ARG, fmt::format("{}; this device holds -{} to {}", what, numerics::text_of(most),
                                          numerics::text_of(most)));
  }
}

void set_step(Device& device, const TomlProgram& description) {
  if (!description.dt) return;
  const std::string place = description.place("network.dt");
  if (!device.capabilities().dt_programmable)
    throw Error(HB_UNSUPPORTED, fmt::format("{}: the step of this device is its own (it lacks CAPS.DT_PROGRAMMABLE)", place));
  const Capabilities& caps = device.capabilities();
  if (makes_sweeps(caps) && *description.dt != 1)
    throw Error(HB_BAD_ARG, fmt::format("{}: {}; a step of this device is a whole sweep, one time unit", place,
                                        numerics::text_of(*description.dt)));
  try {
    device.set_step_time_units(*description.dt);
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("{}: {}", place, error.what()));
  }
}

void check_samples(const TomlProgram& description, const Capabilities& capabilities) {
  const std::uint32_t variables = description.cells * capabilities.components;
  const char* name = capabilities.components > 1 ? "state variables" : "cells";
  if (description.first_cell >= variables)
    throw Error(HB_BAD_ARG, fmt::format("{}: {}; on this device the program has {} 0 to {}",
                                        description.place("samples.first_cell"), description.first_cell, name, variables - 1));
  if (description.capture_cells > variables - description.first_cell)
    throw Error(HB_BAD_ARG,
                fmt::format("{}: {} from {} on; on this device the program has {} 0 to {}", description.place("samples.cells"),
                            description.capture_cells, description.first_cell, name, variables - 1));
  if (description.seed && !capabilities.seeded)
    throw Error(HB_UNSUPPORTED, fmt::format("{}: this device makes its own noise and takes no seed (it lacks CAPS.SEEDED)",
                                            description.place("samples.seed")));
}

float default_j2(const Capabilities& capabilities) { return capabilities.cell_kind == CellKind::phase ? 0.0f : 1.0f; }

float default_state(const Capabilities& capabilities) { return capabilities.cell_kind == CellKind::pbit ? 1.0f : 0.0f; }

float default_j4(const Capabilities& capabilities) {
  return capabilities.cell_kind == CellKind::overdamped && capabilities.stepper != Stepper::exact_ou
             ? 1.0f
             : 0.0f;
}

namespace {

/// States of one component of all cells: one value, one for each, or shots x cells.
void set_states(Program& program, std::uint32_t first, const std::vector<float>& values) {
  const std::uint32_t cells = program.cells();
  if (values.size() == 1) program.set(first, cells, values.front());
  else if (values.size() == cells) program.set(first, values);
  else program.set_per_shot(first, cells, values, static_cast<std::uint32_t>(values.size() / cells));
}

}  // namespace

Program build_program(const TomlProgram& description, const Device& device) {
  const Capabilities& caps = device.capabilities();
  if (description.cells > caps.cells) {
    throw Error(HB_BAD_ARG, fmt::format("{}: network.cells = {}: the device has {}", description.path,
                                        description.cells, caps.cells));
  }
  check_samples(description, caps);
  const auto check = [&](const char* key, std::uint32_t first, const std::vector<float>& values) {
    try {
      check_states(caps, description.cells, first, values);
    } catch (const Error& error) {
      throw Error(error.code(), fmt::format("{}: {}", description.place(key), error.what()));
    }
  };
  Program program(caps, description.cells);
  try {
    // Everything is loaded: what the device held before is not part of the description.
    ParameterSet all = description.network;
    const auto fill = [&](std::optional<std::vector<float>>& values, hb_section_t section, float value) {
      if (!values && has_section(caps.cell_kind, section)) values = std::vector<float>{value};
    };
    fill(all.j2, HB_SECTION_J2, default_j2(caps));
    fill(all.j4, HB_SECTION_J4, default_j4(caps));
    fill(all.bias, HB_SECTION_BIAS, 0.0f);
    fill(all.mass, HB_SECTION_MASS, 1.0f);
    fill(all.damping, HB_SECTION_DAMPING, 1.0f);
    fill(all.frequency, HB_SECTION_FREQUENCY, 0.0f);
    if (!all.couplings) all.couplings = std::make_shared<const CouplingSource>(usual_couplings(caps));
    if (!all.gain) all.gain = 1.0f;
    if (!all.kT && caps.kT_programmable) all.kT = std::vector<float>{caps.kT_reset};
    load_network(program, std::move(all), description);
    program.commit();
    if (description.initial || caps.state_write) {
      const std::vector<float> initial = description.initial.value_or(std::vector<float>{default_state(caps)});
      check("network.initial", 0, initial);
      set_states(program, 0, initial);
    }
    if (description.initial_second || (caps.state_write && caps.components > 1)) {
      const std::vector<float> second = description.initial_second.value_or(std::vector<float>{0.0f});
      check("network.initial_second", description.cells, second);
      set_states(program, description.cells, second);
    }
    if (caps.meters) program.meter_clear();
  } catch (const Error& error) {
    const std::string what = error.what();
    throw what.starts_with(description.path) || what.starts_with("--") ? error
                                             : Error(error.code(), fmt::format("{}: network: {}", description.path, what));
  }
  append_schedule(program, description.schedule, device, description.on_request);
  program.sample();
  return program;
}

}  // namespace heatbath::apps
