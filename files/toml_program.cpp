#include "files/toml_program.hpp"

#include <limits>
#include <optional>

#include <fmt/format.h>

#include "files/toml_item.hpp"
#include "files/toml_network.hpp"
#include "files/toml_schedule.hpp"
#include "heatbath/error.hpp"
#include "heatbath/numerics/pair_file.hpp"
#include "heatbath/numerics/text_file.hpp"
#include "heatbath/numerics/toml_text.hpp"

namespace heatbath::apps {

namespace {

constexpr std::size_t kLongestProgram = std::size_t{64} << 20;

}  // namespace

std::string TomlProgram::place(const std::string& key) const {
  const auto found = places.find(key);
  return found != places.end() ? found->second : fmt::format("{}: {}", path, key);
}

std::vector<std::string> TomlProgram::meter_names() const {
  std::vector<std::string> names;
  for (const ScheduleStep& step : schedule) {
    if (step.op != ScheduleStep::Op::meters) continue;
    names.push_back(step.name.empty() ? fmt::format("snapshot {}", names.size()) : step.name);
  }
  return names;
}

std::vector<std::string> TomlProgram::readback_names() const {
  std::vector<std::string> names;
  for (const ScheduleStep& step : schedule) {
    if (step.op == ScheduleStep::Op::readback) names.push_back(step.name);
  }
  return names;
}

namespace {

struct Rows {
  const TomlProgram& program;
  std::uint64_t count = 0;

  void look_at(const ParameterSet& set) {
    if (set.bias_states == 1) look_at(set.bias);
  }
  void look_at(const std::optional<std::vector<float>>& values) {
    if (!values || values->size() == 1 || values->size() == program.cells) return;
    const std::uint64_t here = values->size() / program.cells;
    if (count != 0 && here != count)
      throw Error(HB_BAD_ARG, fmt::format("{}: arrays that differ from shot to shot have {} rows and {}; they need one for "
                                          "each shot",
                                          program.path, count, here));
    count = here;
  }
  void look_at(const std::vector<ScheduleStep>& steps) {
    for (const ScheduleStep& step : steps) {
      look_at(step.parameters);
      look_at(step.steps);
    }
  }
};

}  // namespace

std::uint32_t TomlProgram::rows() const {
  Rows rows{*this};
  rows.look_at(network);
  for (const auto& values : {initial, initial_second}) rows.look_at(values);
  rows.look_at(schedule);
  return static_cast<std::uint32_t>(rows.count);
}

TomlProgram read_toml_program(const std::filesystem::path& path) {
  TomlProgram program;
  program.path = path.string();
  std::optional<numerics::TomlText> document;
  try {
    document.emplace(numerics::read_text_file(path == "-" ? "/dev/stdin" : path, kLongestProgram));
  } catch (const numerics::UnreadableFile& unreadable) {
    throw Error(HB_IO, fmt::format("{}: {}", program.path, unreadable.what()));
  } catch (const numerics::TomlError& error) {
    throw Error(HB_BAD_ARG, fmt::format("{}:{}: not TOML: {}", program.path, error.line(), error.what()));
  }

  const Item file(program.path, "", document->root());
  const Table top(file, {"network", "schedule", "samples", "statistics"});
  for (const char* key : {"network", "schedule"}) {
    if (!top.find(key)) {
      throw Error(HB_BAD_ARG, fmt::format("{}: the table {} is missing; a program has [network], [[schedule]] and "
                                          "optionally [samples] and [statistics]",
                                          program.path, key));
    }
  }

  const auto note = [&](const Item& item) { program.places[item.name()] = fmt::format("{}: {}", item.where(), item.name()); };
  const Table network(top.at("network"), {"cells", "dt", "j2", "j4", "bias", "kT", "gain", "mass", "damping", "frequency",
                                            "initial", "initial_second", "couplings"});
  program.cells = network.at("cells").count(1, numerics::most_cells);
  for (const auto& [key, value] : top.at("network").value().entries())
    note(Item(program.path, fmt::format("network.{}", key), value));
  if (const auto dt = network.find("dt")) program.dt = dt->positive("time units");
  program.network = read_parameters(network, program.cells);
  if (const auto initial = network.find("initial")) program.initial = cell_values(*initial, program.cells, true);
  if (const auto second = network.find("initial_second"))
    program.initial_second = cell_values(*second, program.cells, true);

  program.schedule = read_schedule(top.at("schedule"), program.cells);

  const std::uint32_t rows = program.rows();
  if (rows != 0) program.shots = rows;
  if (const auto item = top.find("samples")) {
    std::vector<const char*> keys{"shots", "seed", "first_cell", "cells"};
    for (const MeterFacts& meter : meter_list)
      if (meter.flag != 0) keys.push_back(meter.name);
    const Table samples(*item, keys);
    if (const auto shots = samples.find("shots")) {
      program.shots = shots->count(1, std::numeric_limits<std::uint32_t>::max());
      if (rows != 0 && program.shots != rows)
        shots->fail(fmt::format("is {}; the arrays that differ from shot to shot have {} rows", program.shots, rows));
    }
    if (const auto seed = samples.find("seed")) {
      program.seed = seed->whole(0, static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
      note(*seed);
    }
    if (const auto first = samples.find("first_cell"))
      program.first_cell = first->count(0, 2 * program.cells - 1), note(*first);
    if (const auto count = samples.find("cells")) {
      program.capture_cells = count->count(1, 2 * program.cells - program.first_cell);
      note(*count);
    }
    for (const MeterFacts& meter : meter_list) {
      const auto asked = meter.flag != 0 ? samples.find(meter.name) : std::nullopt;
      if (!asked || !asked->boolean()) continue;
      if (program.meter_names().empty())
        asked->fail("is true, but the schedule has no step with op = \"meters\" that would take it");
      program.on_request.add(meter.meter);
    }
  }
  if (const auto item = top.find("statistics")) {
    program.statistics = read_statistics(*item, program.cells);
    for (const char* key : {"from", "cells", "observables", "lags", "entropy_production"})
      program.places[fmt::format("statistics.{}", key)] = fmt::format("{}: statistics.{}", item->where(), key);
    for (const auto& [key, value] : item->value().entries())
      note(Item(program.path, fmt::format("statistics.{}", key), value));
    // Heat over temperatures that differ is that of single cells.
    if (program.statistics->entropy_production && program.network.kT && program.network.kT->size() > 1)
      program.on_request.add(Meter::heat_per_cell);
  }
  return program;
}

}  // namespace heatbath::apps
