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
#include "apps/cli/run_job.hpp"
#include "apps/files/atomic_file.hpp"
#include "apps/files/program_builder.hpp"
#include "apps/files/provenance.hpp"
#include "apps/files/run_result.hpp"
#include "apps/files/toml_program.hpp"

namespace heatbath::apps {

namespace {

nlohmann::json of_moments(const Moments& is) { return {{"mean", is.mean}, {"sd", is.sd()}}; }

nlohmann::json of_all(const std::vector<Moments>& all) {
  nlohmann::json mean = nlohmann::json::array(), sd = nlohmann::json::array();
  for (const Moments& is : all) mean.push_back(is.mean), sd.push_back(is.sd());
  return {{"mean", mean}, {"sd", sd}};
}

nlohmann::json summarise(const RunOutcome& run, const TomlProgram& description) {
  nlohmann::json final_states = of_all(run.final_states);
  final_states["cell"] = nlohmann::json::array();
  for (std::uint32_t cell = 0; cell < run.final_states.size(); ++cell)
    final_states["cell"].push_back(description.first_cell + cell);

  nlohmann::json meters = nlohmann::json::array();
  const std::vector<std::string> names = description.meter_names();
  for (std::size_t i = 0; i < run.snapshots.size(); ++i) {
    const SnapshotMoments& is = run.snapshots[i];
    nlohmann::json snapshot = {{"name", names[i]},
                               {"ticks", is.ticks},
                               {"energy", of_moments(is.energy)},
                               {"work", of_moments(is.work)},
                               {"heat", of_moments(is.heat)},
                               {"heat_path", of_moments(is.heat_path)},
                               {"work_shadow", of_moments(is.work_shadow)}};
    if (!is.heat_per_cell.empty()) snapshot["heat_per_cell"] = of_all(is.heat_per_cell);
    meters.push_back(std::move(snapshot));
  }
  return {{"final_states", final_states}, {"meters", meters}};
}

void print_step(const nlohmann::json& step) {
  if (step["time_units"].is_null()) {
    fmt::print("the step is the device's own\n\n");
    return;
  }
  fmt::print("step {:.6g} time units ({})", step["time_units"].get<double>(), step["from"].get<std::string>());
  if (step.contains("bias")) fmt::print(": {}", step["bias"]["text"].get<std::string>());
  fmt::print("\n\n");
}

/// Value and standard error of one entry, and "-" for what is not known.
std::string with_error(const nlohmann::json& of, std::size_t k) {
  const nlohmann::json &value = of["value"][k], &error = of["standard_error"][k];
  return fmt::format("{:>12} {:>10}", value.is_null() ? "-" : fmt::format("{:.5g}", value.get<double>()),
                     error.is_null() ? "-" : fmt::format("{:.2g}", error.get<double>()));
}

void print_statistics(const nlohmann::json& is) {
  constexpr std::size_t kShown = 16;
  if (is.contains("columns")) {
    fmt::print("\nstatistics of {} samples from time {:.6g} to {:.6g}\n", is["samples"].get<std::uint64_t>(),
               is["from"].get<double>(), is["to"].get<double>());
    const bool times = is.contains("correlation_time");
    fmt::print("  {:>12} {:>12} {:>10} {:>12} {:>10} {:>10}{}\n", "", "mean", "s.e.", "variance", "s.e.", "effective",
               times ? "     correlation time, s.e." : "");
    const std::size_t columns = is["columns"].size();
    for (std::size_t k = 0; k < std::min(kShown, columns); ++k) {
      const nlohmann::json& effective = is["mean"]["effective_samples"][k];
      fmt::print("  {:>12} {} {} {:>10}{}\n", is["columns"][k].get<std::string>(), with_error(is["mean"], k),
                 with_error(is["variance"], k), effective.is_null() ? "-" : fmt::format("{:.4g}", effective.get<double>()),
                 times ? "  " + with_error(is["correlation_time"], k) : "");
    }
    if (columns > kShown) fmt::print("  … and {} more; all of them with --json\n", columns - kShown);
  }
  if (is.contains("entropy_production")) {
    for (const nlohmann::json& of : is["entropy_production"]) {
      const nlohmann::json& error = of["standard_error"];
      fmt::print("entropy production by \"{}\": {:.5g} +- {} nats per time unit\n", of["meters"].get<std::string>(),
                 of["value"].get<double>(), error.is_null() ? "?" : fmt::format("{:.2g}", error.get<double>()));
    }
  }
  for (const nlohmann::json& note : is["notes"]) fmt::print("note: {}\n", note.get<std::string>());
}

void print_summary(const nlohmann::json& summary) {
  fmt::print("{} on {}\n", summary["program"].get<std::string>(), summary["device"]["link"]["uri"].get<std::string>());
  fmt::print("{} cells, {} shots, {:.6g} time units, {} records\n\n", summary["cells"].get<std::uint64_t>(),
             summary["shots"].get<std::uint64_t>(), summary["array_time_units"].get<double>(),
             summary["records"].get<std::uint64_t>());
  print_step(summary["step"]);
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
  if (summary.contains("statistics")) print_statistics(summary["statistics"]);
  if (const auto& rounding = summary["rounding"]; rounding["values"] != 0)
    fmt::print("\n{} parameter values are off by more than 1 % as the device's codes, the worst by {:.2g} %; readback shows "
               "what it holds\n",
               rounding["values"].get<std::uint64_t>(), 100 * rounding["worst"].get<double>());
  if (const auto clips = summary["clips"].get<std::uint64_t>()) {
    fmt::print("\n{} parameter values were clipped to the device's ranges\n", clips);
  }
  if (const auto clips = summary["capture_clips"].get<std::uint64_t>())
    fmt::print("\n{} captured values lay beyond their converter and stand at its end\n", clips);
  if (const auto rails = summary["rails"].get<std::uint64_t>())
    fmt::print("\n{} cell-steps were held at a rail, the lowest cell among them {}\n", rails,
               summary["rail_cell"].get<std::uint32_t>());
}

/// What is known of the step and of what it does to the results.
nlohmann::json describe_step(const Device& device, const TomlProgram& description) {
  const bool known = device.step().count > 0;
  nlohmann::json step{{"time_units", known ? nlohmann::json(device.time_units(device.step())) : nlohmann::json(nullptr)},
                      {"from", "the device's"}};
  if (description.dt) step["from"] = description.places.at("network.dt") == "--step" ? "--step" : "network.dt";
  return step;
}

}  // namespace

int run_program(const RunOptions& options) {
  TomlProgram description = read_toml_program(options.program);
  if (options.shots) description.shots = *options.shots;
  if (options.seed) {
    description.seed = *options.seed;
    description.places["samples.seed"] = "--seed";
  }
  if (options.step) {
    description.dt = *options.step;
    description.places["network.dt"] = "--step";
  }
  if (!options.out.empty()) check_result_name(options.out);
  if (!options.vcd.empty() && options.vcd.extension() != ".vcd")
    throw Error(HB_BAD_ARG, fmt::format("--vcd {}: the name must end in .vcd", options.vcd.string()));
  if (!options.signals.empty() && options.vcd.empty())
    throw Error(HB_BAD_ARG, "--signals chooses what --vcd FILE.vcd holds; give that, too");
  if (!options.vcd.empty()) {  // a wrong list is refused before the run
    RunResult shape;
    shape.shots = description.shots;
    shape.cells = description.capture_cells != 0 ? description.capture_cells
                                                  : description.cells - description.first_cell % description.cells;
    waveform_selection(options.signals, shape, description.first_cell);
  }

  Device device = open(options.device);
  set_step(device, description);
  const Program program = build_program(description, device);
  std::optional<RunStatistics> statistics;
  if (description.statistics) statistics.emplace(description, program);
  if (!description.seed && device.capabilities().seeded) description.seed = 1;
  if (!options.out.empty()) {
    const auto folder = options.out.parent_path();
    prepare_folder(folder.empty() ? "." : folder);
  }

  watch_interrupts();
  ProgressBar bar(ProgressBar::style_for(options.json), "run", 1.0, "");
  RunPlan plan;
  const bool asked_for = !options.vcd.empty() || (!options.out.empty() && !(statistics && description.statistics->only));
  plan.keep = !statistics || asked_for;
  plan.progress = [&](double fraction) {
    bar.update(fraction);
    return !interrupted();
  };
  RunOutcome outcome = run_shots(device, program, description, plan, statistics ? &*statistics : nullptr);
  bar.finish();
  RunResult& run = outcome.result;
  run.readback_names = description.readback_names();
  if (statistics) run.statistics = statistics->arrays();

  nlohmann::json summary = summarise(outcome, description);
  summary["program"] = description.path;
  summary["cells"] = description.cells;
  summary["shots"] = run.shots;
  summary["records"] = outcome.records;
  summary["seed"] = description.seed ? nlohmann::json(*description.seed) : nlohmann::json(nullptr);
  summary["array_ticks"] = outcome.array_ticks.count;
  summary["array_time_units"] = device.time_units(outcome.array_ticks);
  summary["stall_ticks"] = outcome.stall_ticks.count;
  summary["clips"] = outcome.clips;
  summary["capture_clips"] = outcome.capture_clips;
  summary["rails"] = outcome.rails;
  summary["rail_cell"] = outcome.rails > 0 ? nlohmann::json(outcome.rail_cell) : nlohmann::json(nullptr);
  summary["rounding"] = {{"values", program.rounding().values}, {"worst", program.rounding().worst}};
  summary["step"] = describe_step(device, description);
  if (statistics) summary["statistics"] = statistics->json();
  summary["device"] = describe_device(device);
  summary["provenance"] = provenance();

  if (!options.out.empty()) {
    nlohmann::json origin = summary["provenance"];
    for (const char* key : {"program", "seed", "device", "clips", "capture_clips", "rails"}) origin[key] = summary[key];
    origin["meter_names"] = description.meter_names();
    origin["step"] = summary["step"];
    if (statistics) origin["statistics_columns"] = statistics->names();
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
