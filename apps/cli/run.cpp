// heatbath run: a program described in TOML.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/bridges/waveform.hpp"
#include "apps/cli/commands.hpp"
#include "apps/cli/interrupt.hpp"
#include "apps/cli/progress_bar.hpp"
#include "apps/files/atomic_file.hpp"
#include "apps/files/program_builder.hpp"
#include "apps/files/provenance.hpp"
#include "apps/files/run_result.hpp"
#include "apps/files/toml_program.hpp"

namespace heatbath::apps {

namespace {

struct Spread {
  double mean = 0, sd = 0;
};

/// Of value(0) … value(count - 1); sd with n - 1, 0 for a single value.
template <typename Value>
Spread spread(std::size_t count, const Value& value) {
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < count; ++i) sum += value(i);
  const double mean = sum / static_cast<double>(count);
  for (std::size_t i = 0; i < count; ++i) squares += (value(i) - mean) * (value(i) - mean);
  return {mean, count > 1 ? std::sqrt(squares / static_cast<double>(count - 1)) : 0.0};
}

nlohmann::json summarise(const RunResult& run, const TomlProgram& description) {
  nlohmann::json final_states = {
      {"cell", nlohmann::json::array()}, {"mean", nlohmann::json::array()}, {"sd", nlohmann::json::array()}};
  for (std::uint32_t cell = 0; cell < run.cells; ++cell) {
    const Spread s = spread(run.shots, [&](std::size_t shot) {
      return static_cast<double>(run.final_state(static_cast<std::uint32_t>(shot))[cell]);
    });
    final_states["cell"].push_back(description.first_cell + cell);
    final_states["mean"].push_back(s.mean);
    final_states["sd"].push_back(s.sd);
  }

  nlohmann::json meters = nlohmann::json::array();
  const std::vector<std::string> names = description.meter_names();
  for (std::size_t i = 0; i < run.meters.size(); ++i) {
    const auto& rows = run.meters[i];
    nlohmann::json snapshot = {{"name", names[i]}, {"ticks", rows.front().ticks}};
    const auto add = [&](const char* key, double hb_meters_t::*field) {
      const Spread s = spread(rows.size(), [&](std::size_t shot) { return rows[shot].*field; });
      snapshot[key] = {{"mean", s.mean}, {"sd", s.sd}};
    };
    add("energy", &hb_meters_t::energy);
    add("work", &hb_meters_t::work);
    add("heat", &hb_meters_t::heat);
    add("heat_path", &hb_meters_t::heat_path);
    add("work_shadow", &hb_meters_t::work_shadow);
    if (const std::vector<double>& heat = run.heat_per_cell[i]; !heat.empty()) {
      const std::size_t cells = heat.size() / rows.size();
      nlohmann::json mean = nlohmann::json::array(), sd = nlohmann::json::array();
      for (std::size_t cell = 0; cell < cells; ++cell) {
        const Spread s = spread(rows.size(), [&](std::size_t shot) { return heat[shot * cells + cell]; });
        mean.push_back(s.mean);
        sd.push_back(s.sd);
      }
      snapshot["heat_per_cell"] = {{"mean", mean}, {"sd", sd}};
    }
    meters.push_back(std::move(snapshot));
  }
  return {{"final_states", final_states}, {"meters", meters}};
}

void print_summary(const nlohmann::json& summary) {
  fmt::print("{} on {}\n", summary["program"].get<std::string>(), summary["device"]["link"]["uri"].get<std::string>());
  fmt::print("{} cells, {} shots, {:.6g} time units, {} records\n\n", summary["cells"].get<std::uint64_t>(),
             summary["shots"].get<std::uint64_t>(), summary["array_time_units"].get<double>(),
             summary["records"].get<std::uint64_t>());

  constexpr std::size_t kShown = 16;
  const nlohmann::json& states = summary["final_states"];
  fmt::print("final states (over shots)\n  {:>6} {:>12} {:>12}\n", "cell", "mean", "s.d.");
  for (std::size_t i = 0; i < std::min(kShown, states["cell"].size()); ++i) {
    fmt::print("  {:>6} {:>12.5g} {:>12.5g}\n", states["cell"][i].get<std::uint32_t>(), states["mean"][i].get<double>(),
               states["sd"][i].get<double>());
  }
  if (states["cell"].size() > kShown)
    fmt::print("  … and {} more; all of them with --json\n", states["cell"].size() - kShown);

  for (const nlohmann::json& snapshot : summary["meters"]) {
    fmt::print("\nmeters \"{}\" (energy units, over shots)\n", snapshot["name"].get<std::string>());
    for (const char* key : {"energy", "work", "heat", "heat_path", "work_shadow"}) {
      fmt::print("  {:<12} mean {:>12.5g}  s.d. {:>12.5g}\n", key, snapshot[key]["mean"].get<double>(),
                 snapshot[key]["sd"].get<double>());
    }
    if (!snapshot.contains("heat_per_cell")) continue;
    const nlohmann::json& heat = snapshot["heat_per_cell"];
    fmt::print("  heat of cells\n");
    for (std::size_t i = 0; i < std::min(kShown, heat["mean"].size()); ++i)
      fmt::print("  {:>6}       mean {:>12.5g}  s.d. {:>12.5g}\n", i, heat["mean"][i].get<double>(),
                 heat["sd"][i].get<double>());
    if (heat["mean"].size() > kShown)
      fmt::print("  … and {} more; all of them with --json\n", heat["mean"].size() - kShown);
  }
  if (const auto clips = summary["clips"].get<std::uint64_t>()) {
    fmt::print("\n{} parameter values were clipped to the device's ranges\n", clips);
  }
  if (const auto clips = summary["capture_clips"].get<std::uint64_t>())
    fmt::print("\n{} captured values lay beyond their converter and stand at its end\n", clips);
  if (const auto rails = summary["rails"].get<std::uint64_t>())
    fmt::print("\n{} cell-steps were held at a rail, the lowest cell among them {}\n", rails,
               summary["rail_cell"].get<std::uint32_t>());
}

}  // namespace

int run_program(const RunOptions& options) {
  TomlProgram description = read_toml_program(options.program);
  if (options.shots) description.shots = *options.shots;
  if (options.seed) description.seed = *options.seed;
  if (!options.out.empty()) check_result_name(options.out);
  if (!options.vcd.empty() && options.vcd.extension() != ".vcd")
    throw Error(HB_BAD_ARG, fmt::format("--vcd {}: the name must end in .vcd", options.vcd.string()));
  if (!options.signals.empty() && options.vcd.empty())
    throw Error(HB_BAD_ARG, "--signals chooses what --vcd FILE.vcd holds; give that, too");
  if (!options.vcd.empty()) {  // a wrong list is refused before the run
    RunResult shape;
    shape.shots = description.shots;
    shape.cells = description.capture_cells != 0 ? description.capture_cells : description.cells - description.first_cell;
    waveform_selection(options.signals, shape, description.first_cell);
  }

  Device device = open(options.device);
  const Program program = build_program(description, device);
  if (!description.seed && device.capabilities().seeded) description.seed = 1;
  if (!options.out.empty()) {
    const auto folder = options.out.parent_path();
    prepare_folder(folder.empty() ? "." : folder);
  }

  watch_interrupts();
  ProgressBar bar(ProgressBar::style_for(options.json), "run", 1.0, "");
  JobOptions job;
  job.shots = description.shots;
  job.seed = description.seed;
  job.capture_first = description.first_cell;
  job.capture_cells = description.capture_cells;
  job.progress = [&](double fraction) {
    bar.update(fraction);
    return !interrupted();
  };
  const Result result = device.run(program, job);
  bar.finish();

  const Ticks time_unit = device.capabilities().time_unit;
  RunResult run = arrange(result, time_unit);
  run.readback_names = description.readback_names();

  nlohmann::json summary = summarise(run, description);
  summary["program"] = description.path;
  summary["cells"] = description.cells;
  summary["shots"] = run.shots;
  summary["records"] = run.records;
  summary["seed"] = description.seed ? nlohmann::json(*description.seed) : nlohmann::json(nullptr);
  summary["array_ticks"] = result.array_ticks.count;
  summary["array_time_units"] = device.time_units(result.array_ticks);
  summary["stall_ticks"] = result.stall_ticks.count;
  summary["clips"] = result.clips;
  summary["capture_clips"] = result.capture_clips;
  summary["rails"] = result.rails;
  summary["rail_cell"] = result.rails > 0 ? nlohmann::json(result.rail_cell) : nlohmann::json(nullptr);
  summary["device"] = describe_device(device);
  summary["provenance"] = provenance();

  if (!options.out.empty()) {
    nlohmann::json origin = summary["provenance"];
    for (const char* key : {"program", "seed", "device", "clips", "capture_clips", "rails"}) origin[key] = summary[key];
    origin["meter_names"] = description.meter_names();
    run.provenance = origin.dump();
    write_run_result(options.out, run);
    summary["out"] = options.out.string();
  }
  if (!options.vcd.empty()) {
    const WaveformSelection selection = waveform_selection(options.signals, run, description.first_cell);
    write_file(options.vcd, waveform(run, selection, description.first_cell, device.capabilities().tick_ps));
    summary["vcd"] = options.vcd.string();
  }
  if (options.json) {
    fmt::print("{}\n", summary.dump(2));
  } else {
    print_summary(summary);
    if (!options.vcd.empty()) fmt::print("\nwrote {}\n", options.vcd.string());
    if (!options.out.empty()) fmt::print("\nwrote {}\n", options.out.string());
  }
  return 0;
}

}  // namespace heatbath::apps
