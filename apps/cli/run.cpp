// heatbath run: a program described in TOML.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/commands.hpp"
#include "apps/cli/console.hpp"
#include "apps/cli/halve.hpp"
#include "apps/cli/interrupt.hpp"
#include "apps/cli/progress_bar.hpp"
#include "apps/cli/run_certificate.hpp"
#include "apps/cli/run_job.hpp"
#include "apps/cli/sweep.hpp"
#include "bridges/waveform.hpp"
#include "files/atomic_file.hpp"
#include "files/electricity.hpp"
#include "files/json_numbers.hpp"
#include "files/program_builder.hpp"
#include "files/provenance.hpp"
#include "files/run_result.hpp"
#include "files/sample_set_file.hpp"
#include "files/step_bias.hpp"
#include "files/toml_program.hpp"
#include "files/utf8.hpp"
#include "heatbath/numerics/archive.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/open.hpp"

namespace heatbath::apps {

namespace {

/// The seed of a run that names none: 1, where the device takes one.
void take_seed(TomlProgram& description, const Device& device) {
  if (!description.seed && device.capabilities().seeded) description.seed = 1;
}

/// Some of the shots of a program, by their numbers.
struct ShotRange {
  std::uint32_t first = 0;
  std::optional<std::uint32_t> count;  ///< absent: the file's
  bool part = false;                   ///< given as A:B
};

/// Of --shots: N, or A:B.
ShotRange shots_of(const std::string& text) {
  if (text.empty()) return {};
  const auto refuse = [&] {
    throw Error(HB_BAD_ARG, fmt::format("--shots {}: a number of 1 to 4294967295, or A:B with A below B for shots A to B - 1", numerics::escaped(text)));
  };
  const std::size_t colon = text.find(':');
  const std::string_view all(text);
  const auto first = colon == std::string::npos ? std::uint64_t{0} : numerics::parse_number<std::uint64_t>(all.substr(0, colon));
  const auto end = numerics::parse_number<std::uint64_t>(colon == std::string::npos ? all : all.substr(colon + 1));
  constexpr std::uint64_t most = std::uint64_t{1} << 32;
  if (!first || !end || *first >= *end || *end > (colon == std::string::npos ? most - 1 : most) || *end - *first >= most) refuse();
  return {static_cast<std::uint32_t>(*first), static_cast<std::uint32_t>(*end - *first), colon != std::string::npos};
}

/// Of the samples, or why there is none.
nlohmann::json describe_certificate(const std::optional<RunCertificate>& is, const std::string& why) {
  if (!is) return {{"none", why}};
  nlohmann::json json = certificate_json(is->certificate);
  json["from"] = is->from, json["to"] = is->to, json["records"] = is->records, json["shots"] = is->shots;
  return json;
}

/// What the devices of a rack have done; null where the device is one.
nlohmann::json describe_rack(const Device& device, const std::vector<Share>& shares) {
  const std::vector<RackMember> members = device.members();
  if (members.empty()) return nullptr;
  nlohmann::json rack{{"devices", nlohmann::json::array()}, {"shares", nlohmann::json::array()}};
  for (const RackMember& is : members) {
    rack["devices"].push_back({{"uri", is.uri},       {"weight", is.weight},         {"shots", is.shots}, {"ranges", is.ranges},
                               {"given_back", is.given_back}, {"seconds", is.seconds}, {"lost", is.lost}});
    if (is.lost) rack["devices"].back()["why"] = is.why;
  }
  for (const Share& is : shares)
    rack["shares"].push_back({{"device", is.device}, {"first_shot", is.first_shot}, {"shots", is.shots}, {"seconds", is.seconds}, {"redone", is.redone}});
  return rack;
}

void print_rack(const nlohmann::json& rack) {
  if (rack.is_null()) return;
  put("\nwho did what\n");
  for (const nlohmann::json& is : rack["devices"]) {
    put("  {:>10} shots in {:>4} ranges, {} given back, {:.3g} s  {}", is["shots"].get<std::uint64_t>(), is["ranges"].get<std::uint64_t>(),
        is["given_back"].get<std::uint64_t>(), is["seconds"].get<double>(), is["uri"].get<std::string>());
    put("{}\n", is["lost"].get<bool>() ? "  lost: " + is["why"].get<std::string>() : "");
  }
}

nlohmann::json of_moments(const Moments& is) { return {{"mean", is.mean}, {"sd", is.sd()}}; }

constexpr std::size_t kShown = 16;  // of cells, in print

/// The first `most`; `count` is that of all.
nlohmann::json of_all(const std::vector<Moments>& all, std::size_t most) {
  nlohmann::json is{{"mean", nlohmann::json::array()}, {"sd", nlohmann::json::array()}, {"count", all.size()}};
  for (std::size_t k = 0; k < std::min(most, all.size()); ++k) {
    is["mean"].push_back(all[k].mean);
    is["sd"].push_back(all[k].sd());
  }
  return is;
}

/// With the values of the first `most` cells.
nlohmann::json summarise(const RunOutcome& run, const TomlProgram& description, std::size_t most) {
  nlohmann::json final_states = of_all(run.final_states, most);
  final_states["cell"] = nlohmann::json::array();
  for (std::uint32_t cell = 0; cell < final_states["mean"].size(); ++cell)
    final_states["cell"].push_back(description.first_cell + cell);

  nlohmann::json meters = nlohmann::json::array();
  const std::vector<std::string> names = description.meter_names();
  for (std::size_t i = 0; i < run.snapshots.size(); ++i) {
    const SnapshotMoments& is = run.snapshots[i];
    nlohmann::json snapshot = {{"name", names[i]}, {"ticks", is.ticks}};
    for (const auto& [meter, moments] : is.of)
      snapshot[name(meter)] = facts(meter).per_cell ? of_all(moments, most) : of_moments(moments.front());
    meters.push_back(std::move(snapshot));
  }
  nlohmann::json summary;
  summary["final_states"] = std::move(final_states);
  summary["meters"] = std::move(meters);
  return summary;
}

void print_step(const nlohmann::json& step) {
  if (step["time_units"].is_null()) {
    put("the step is the device's own\n\n");
    return;
  }
  put("step {:.6g} time units ({})", step["time_units"].get<double>(), step["from"].get<std::string>());
  if (step.contains("bias")) put(": {}", step["bias"]["text"].get<std::string>());
  put("\n\n");
}

/// Value and standard error of one entry, and "-" for what is not known.
std::string with_error(const nlohmann::json& of, std::size_t k) {
  const nlohmann::json &value = of["value"][k], &error = of["standard_error"][k];
  return fmt::format("{:>12} {:>10}", value.is_null() ? "-" : fmt::format("{:.5g}", value.get<double>()),
                     error.is_null() ? "-" : fmt::format("{:.2g}", error.get<double>()));
}

void print_statistics(const nlohmann::json& is) {
  if (is.contains("columns")) {
    put("\nstatistics of {} samples from time {:.6g} to {:.6g}\n", is["samples"].get<std::uint64_t>(),
               is["from"].get<double>(), is["to"].get<double>());
    const bool times = is.contains("correlation_time");
    put("  {:>12} {:>12} {:>10} {:>12} {:>10} {:>10}{}\n", "", "mean", "s.e.", "variance", "s.e.", "effective",
               times ? "     correlation time, s.e." : "");
    const std::size_t columns = is["columns"].size();
    for (std::size_t k = 0; k < std::min(kShown, columns); ++k) {
      const nlohmann::json& effective = is["mean"]["effective_samples"][k];
      put("  {:>12} {} {} {:>10}{}\n", is["columns"][k].get<std::string>(), with_error(is["mean"], k),
                 with_error(is["variance"], k), effective.is_null() ? "-" : fmt::format("{:.4g}", effective.get<double>()),
                 times ? "  " + with_error(is["correlation_time"], k) : "");
    }
    if (columns > kShown) put("  … and {} more; all of them with --json\n", columns - kShown);
  }
  if (is.contains("strongest")) {
    const nlohmann::json& strongest = is["strongest"];
    const auto pair = [](const nlohmann::json& of) { return fmt::format("{} and {}", of["columns"][0].get<std::string>(), of["columns"][1].get<std::string>()); };
    const auto number = [](const nlohmann::json& of) {
      return fmt::format("{:.5g} +- {}", of["value"].get<double>(), of["standard_error"].is_null() ? "?" : fmt::format("{:.2g}", of["standard_error"].get<double>()));
    };
    if (strongest.contains("information"))
      put("most information of one column on another: {}, {} nats\n", pair(strongest["information"]), number(strongest["information"]));
    if (strongest.contains("current")) {
      const nlohmann::json& current = strongest["current"];
      put("current furthest from 0: {} over {:g}: {}, z = {:.1f}, by chance in {:.2g} of machines in equilibrium\n", pair(current), current["lag"].get<double>(), number(current),
          current["z"].get<double>(), current["probability"].get<double>());
      if (const nlohmann::json& least = current["entropy_production_at_least"]; !least.is_null())
        put("which proves an entropy production of {:.3g} nats per time unit or more\n", least.get<double>());
    }
  }
  if (is.contains("entropy_production")) {
    for (const nlohmann::json& of : is["entropy_production"]) {
      const nlohmann::json& error = of["standard_error"];
      put("entropy production by \"{}\": {:.5g} +- {} nats per time unit\n", of["meters"].get<std::string>(),
                 of["value"].get<double>(), error.is_null() ? "?" : fmt::format("{:.2g}", error.get<double>()));
    }
  }
  for (const nlohmann::json& note : is["notes"]) put("note: {}\n", note.get<std::string>());
}

void print_meter(const MeterFacts& meter, const nlohmann::json& is) {
  const auto row = [](const auto& name, const nlohmann::json& mean, const nlohmann::json& sd) {
    put("  {:<12} mean {:>12.5g}  s.d. {:>12.5g}\n", name, mean.get<double>(), sd.get<double>());
  };
  if (!meter.per_cell) return row(meter.name, is["mean"], is["sd"]);
  put("  {}\n", meter.name);
  for (std::size_t i = 0; i < std::min(kShown, is["mean"].size()); ++i)
    row(fmt::format("{:>6}", i), is["mean"][i], is["sd"][i]);
  if (const auto all = is["count"].get<std::size_t>(); all > kShown)
    put("  … and {} more; all of them with --json\n", all - kShown);
}

void print_summary(const nlohmann::json& summary) {
  put("{} on {}\n", summary["program"].get<std::string>(), summary["device"]["link"]["uri"].get<std::string>());
  put("{} cells, {} shots, {:.6g} time units, {} records\n\n", summary["cells"].get<std::uint64_t>(),
             summary["shots"].get<std::uint64_t>(), summary["array_time_units"].get<double>(),
             summary["records"].get<std::uint64_t>());
  print_step(summary["step"]);
  const nlohmann::json& states = summary["final_states"];
  put("final states (over shots)\n  {:>6} {:>12} {:>12}\n", "cell", "mean", "s.d.");
  for (std::size_t i = 0; i < std::min(kShown, states["cell"].size()); ++i) {
    put("  {:>6} {:>12.5g} {:>12.5g}\n", states["cell"][i].get<std::uint32_t>(), states["mean"][i].get<double>(),
               states["sd"][i].get<double>());
  }
  if (const auto all = states["count"].get<std::size_t>(); all > kShown)
    put("  … and {} more; all of them with --json\n", all - kShown);

  for (const nlohmann::json& snapshot : summary["meters"]) {
    put("\nmeters \"{}\" (energy units and counts, over shots)\n", snapshot["name"].get<std::string>());
    for (const MeterFacts& meter : meter_list)
      if (snapshot.contains(meter.name) && meter.unit != MeterUnit::ticks) print_meter(meter, snapshot[meter.name]);
  }
  if (summary.contains("statistics")) print_statistics(summary["statistics"]);
  if (summary.contains("halve") && !summary["halve"].is_null()) print_halved(summary["halve"]);
  if (const auto& rounding = summary["rounding"]; rounding["values"] != 0)
    put("\n{} parameter values are off by more than 1 % as the device's codes, the worst by {:.2g} %; readback shows "
               "what it holds\n",
               rounding["values"].get<std::uint64_t>(), 100 * rounding["worst"].get<double>());
  if (const auto clips = summary["clips"].get<std::uint64_t>()) {
    put("\n{} parameter values were clipped to the device's ranges\n", clips);
  }
  if (const auto clips = summary["capture_clips"].get<std::uint64_t>())
    put("\n{} captured values lay beyond their converter and stand at its end\n", clips);
  if (const auto rails = summary["rails"].get<std::uint64_t>())
    put("\n{} cell-steps were held at a rail, the lowest cell among them {}\n", rails,
               summary["rail_cell"].get<std::uint32_t>());
}

/// Heat of all shots up to the last snapshot, energy units; NaN where there is none.
double heat_of(const nlohmann::json& meters, std::uint64_t shots) {
  if (meters.empty()) return std::nan("");
  return meters.back()["heat"]["mean"].get<double>() * static_cast<double>(shots);
}

/// What is known of the step and of what it does to the results.
nlohmann::json describe_step(const Device& device, const TomlProgram& description, const Program& program) {
  const bool known = device.step().count > 0;
  nlohmann::json step{{"time_units", known ? nlohmann::json(device.time_units(device.step())) : nlohmann::json(nullptr)},
                      {"from", "the device's"}};
  if (description.dt) step["from"] = description.places.at("network.dt") == "--step" ? "--step" : "network.dt";
  if (!known) return step;
  if (const auto bias = step_bias(program, device.time_units(device.step()))) {
    if (const std::string text = in_words(*bias); !text.empty())
      step["bias"] = {{"position", or_null(bias->position)}, {"velocity", or_null(bias->velocity)}, {"text", text}};
  }
  return step;
}

/// What an interrupted run has of its [statistics]: printed, and written in place of the result. Returns the exit
/// status.
int leave_statistics(const RunOptions& options, const TomlProgram& description, const Device& device,
                     const Program& program, const RunStatistics& statistics) {
  nlohmann::json summary{{"program", description.path}, {"cells", description.cells},     {"shots", description.shots},
                         {"interrupted", true},         {"statistics", statistics.json()}, {"provenance", provenance()}};
  summary["seed"] = description.seed ? nlohmann::json(*description.seed) : nlohmann::json(nullptr);
  summary["step"] = describe_step(device, description, program);
  summary["device"] = describe_device(device);
  if (!options.out.empty()) {
    RunResult file;
    file.statistics = statistics.arrays();
    nlohmann::json origin = summary["provenance"];
    for (const char* key : {"program", "seed", "device", "step", "interrupted"}) origin[key] = summary[key];
    origin["statistics_columns"] = statistics.names();
    file.provenance = json_text(origin);
    write_run_result(options.out, file);
    summary["out"] = options.out.string();
  }
  if (options.json) {
    put("{}\n", json_text(summary, 2));
  } else {
    put("interrupted; of the records until then:\n");
    print_statistics(summary["statistics"]);
    if (summary.contains("out")) put("\nwrote {}\n", options.out.string());
  }
  return interrupted_status();
}

/// The arrays of all points of a sweep: each with the sides of the grid in front; nan where no point has run yet.
class GridArrays {
 public:
  explicit GridArrays(std::vector<std::size_t> grid) : grid_(std::move(grid)) {
    for (const std::size_t side : grid_) points_ *= side;
  }

  void take(std::size_t point, const StatisticsArray& of_point) {
    const auto same = [&](const StatisticsArray& array) { return array.name == of_point.name; };
    auto at = std::ranges::find_if(arrays_, same);
    if (at == arrays_.end()) {
      StatisticsArray array{of_point.name, grid_, {}, of_point.units};
      array.shape.insert(array.shape.end(), of_point.shape.begin(), of_point.shape.end());
      array.values.assign(points_ * of_point.values.size(), std::nan(""));
      arrays_.push_back(std::move(array));
      at = std::prev(arrays_.end());
    }
    if (at->values.size() != points_ * of_point.values.size()) return;  // not as many values as at the first point
    std::ranges::copy(of_point.values, at->values.begin() + static_cast<std::ptrdiff_t>(point * of_point.values.size()));
  }
  void add(StatisticsArray array) { arrays_.push_back(std::move(array)); }
  std::vector<StatisticsArray> release() { return std::move(arrays_); }

 private:
  std::vector<std::size_t> grid_;
  std::size_t points_ = 1;
  std::vector<StatisticsArray> arrays_;
};

/// Means over shots as arrays.
std::vector<StatisticsArray> arrays_of(const RunOutcome& outcome) {
  const std::size_t cells = outcome.final_states.size(), snapshots = outcome.snapshots.size();
  StatisticsArray mean{"final_mean", {cells}, {}, "dimensionless"}, sd{"final_sd", {cells}, {}, "dimensionless"};
  for (const Moments& is : outcome.final_states) mean.values.push_back(is.mean), sd.values.push_back(is.sd());
  std::vector<StatisticsArray> all{mean, sd};
  if (snapshots == 0) return all;
  for (const auto& [meter, first] : outcome.snapshots.front().of) {
    if (facts(meter).per_cell) continue;
    const char* const units = facts(meter).unit == MeterUnit::energy ? "energy units" : "counts";
    StatisticsArray of_mean{fmt::format("meters_{}_mean", name(meter)), {snapshots}, {}, units};
    StatisticsArray of_sd{fmt::format("meters_{}_sd", name(meter)), {snapshots}, {}, units};
    for (const SnapshotMoments& is : outcome.snapshots) {
      const Moments& moments = is.of.at(meter).front();
      of_mean.values.push_back(moments.mean), of_sd.values.push_back(moments.sd());
    }
    all.push_back(std::move(of_mean)), all.push_back(std::move(of_sd));
  }
  return all;
}

void print_point(const nlohmann::json& point) {
  constexpr std::size_t kFew = 3;
  for (const auto& [key, value] : point["at"].items()) put("{} = {:<10.6g} ", key, value.get<double>());
  if (point.contains("statistics") && point["statistics"].contains("columns")) {
    const nlohmann::json& is = point["statistics"];
    for (std::size_t k = 0; k < std::min(kFew, is["columns"].size()); ++k)
      put(" {}: mean{}, variance{}", is["columns"][k].get<std::string>(), with_error(is["mean"], k),
                 with_error(is["variance"], k));
  } else {
    const nlohmann::json& is = point["final_states"];
    for (std::size_t k = 0; k < std::min(kFew, is["cell"].size()); ++k)
      put(" cell {}: mean {:.5g}, s.d. {:.5g}", is["cell"][k].get<std::uint32_t>(), is["mean"][k].get<double>(),
                 is["sd"][k].get<double>());
  }
  for (const nlohmann::json& snapshot : point["meters"])
    put("  {}: energy {:.5g}, heat {:.5g}", snapshot["name"].get<std::string>(),
               snapshot["energy"]["mean"].get<double>(), snapshot["heat_path"]["mean"].get<double>());
  put("\n");
}

int run_sweep(const RunOptions& options, const TomlProgram& base) {
  std::vector<Sweep> sweeps;
  std::vector<std::size_t> grid;
  std::size_t points = 1;
  for (const std::string& text : options.sweep) {
    sweeps.push_back(parse_sweep(text));
    for (std::size_t k = 0; k + 1 < sweeps.size(); ++k)
      if (sweeps[k].key == sweeps.back().key)
        throw Error(HB_BAD_ARG, fmt::format("--sweep {}: is given twice", sweeps.back().key));
    grid.push_back(sweeps.back().values.size());
    points *= grid.back();
    if (points > 1000000) throw Error(HB_BAD_ARG, "--sweep: more than a million points");
  }
  if (!options.vcd.empty() || options.halve) throw Error(HB_BAD_ARG, "--sweep goes with neither --vcd nor --halve");
  const auto values_at = [&](std::size_t point) {
    std::vector<double> at(sweeps.size());
    for (std::size_t k = sweeps.size(); k-- > 0; point /= grid[k]) at[k] = sweeps[k].values[point % grid[k]];
    return at;
  };
  Device device = open_chosen(options.device);
  const Ticks own_step = device.step();
  const auto description_at = [&](std::size_t point) {
    TomlProgram description = base;
    const std::vector<double> at = values_at(point);
    for (std::size_t k = 0; k < sweeps.size(); ++k) put(description, sweeps[k].key, at[k]);
    take_seed(description, device);
    if (description.dt) set_step(device, description);
    else if (device.step() != own_step) device.set_step(own_step);
    return description;
  };
  if (device.capabilities().seeded && !options.common_noise && std::uint64_t{base.shots} * points > std::uint64_t{1} << 32)
    throw Error(HB_BAD_ARG, fmt::format("--sweep: {} points of {} shots pass the last shot number, 4294967295; take fewer, or "
                                        "--common-noise",
                                        points, base.shots));
  for (std::size_t point = 0; point < points; ++point) {  // what is wrong is refused before the first runs
    try {
      const TomlProgram description = description_at(point);
      const Program program = build_program(description, device);
      if (description.statistics) RunStatistics(description, program);
    } catch (const Error& error) {
      std::string what = error.what();
      for (std::size_t k = sweeps.size(); k-- > 0 && !what.starts_with("--sweep");)
        what = fmt::format("at {} = {}: {}", sweeps[k].key, numerics::text_of(values_at(point)[k]), what);
      throw Error(error.code(), what.starts_with("--sweep") ? what : "--sweep: " + what);
    }
  }
  if (!options.out.empty()) {
    prepare_file(options.out);
  }

  watch_interrupts();
  ProgressBar bar(ProgressBar::style_for(options.json), "run", 1.0, "");
  GridArrays arrays(grid);
  nlohmann::json rows = nlohmann::json::array();
  for (std::size_t point = 0; point < points && !interrupted(); ++point) {
    const TomlProgram description = description_at(point);
    const Program program = build_program(description, device);
    std::optional<RunStatistics> statistics;
    if (description.statistics) statistics.emplace(description, program);
    RunPlan plan;
    plan.keep = false;
    plan.first_shot = options.common_noise ? 0 : static_cast<std::uint32_t>(point * base.shots);
    plan.progress = [&](double fraction) {
      bar.update((static_cast<double>(point) + fraction) / static_cast<double>(points));
      return !interrupted();
    };
    RunOutcome outcome;
    try {
      outcome = run_shots(device, program, description, plan, statistics ? &*statistics : nullptr);
    } catch (const Error& error) {
      if (error.code() == HB_ABORTED && interrupted()) break;
      throw;
    }
    nlohmann::json row = summarise(outcome, description, outcome.final_states.size());
    const std::vector<double> at = values_at(point);
    for (std::size_t k = 0; k < sweeps.size(); ++k) row["at"][sweeps[k].key] = at[k];
    row["first_shot"] = plan.first_shot;
    row["step"] = describe_step(device, description, program);
    for (const char* key : {"clips", "rails"}) row[key] = key[0] == 'c' ? outcome.clips : outcome.rails;
    if (statistics) row["statistics"] = statistics->json();
    rows.push_back(std::move(row));
    for (const StatisticsArray& array : arrays_of(outcome)) arrays.take(point, array);
    if (statistics)
      for (const StatisticsArray& array : statistics->arrays()) arrays.take(point, array);
  }
  bar.finish();

  nlohmann::json summary{{"program", base.path}, {"cells", base.cells}, {"shots", base.shots}, {"points", rows}};
  const std::size_t done = rows.size();
  for (const Sweep& sweep : sweeps) {
    summary["sweep"].push_back({{"key", sweep.key}, {"values", sweep.values}});
    arrays.add({"sweep_" + sweep.key, {sweep.values.size()}, sweep.values, "as the key's"});
  }
  summary["common_noise"] = options.common_noise;
  summary["seed"] = base.seed ? nlohmann::json(*base.seed)
                              : device.capabilities().seeded ? nlohmann::json(1) : nlohmann::json(nullptr);
  summary["device"] = describe_device(device);
  summary["provenance"] = provenance();
  if (!options.out.empty() && done > 0) {
    RunResult file;
    file.statistics = arrays.release();
    nlohmann::json origin = summary["provenance"];
    for (const char* key : {"program", "seed", "device", "sweep", "shots", "common_noise"}) origin[key] = summary[key];
    origin["meter_names"] = base.meter_names();
    file.provenance = json_text(origin);
    write_run_result(options.out, file);
    summary["out"] = options.out.string();
  }
  if (options.json) {
    put("{}\n", json_text(summary, 2));
  } else {
    put("{} on {}: {} of {} points, {} shots each\n\n", base.path,
               summary["device"]["link"]["uri"].get<std::string>(), done, points, base.shots);
    for (const nlohmann::json& point : summary["points"]) print_point(point);
    if (summary.contains("out")) put("\nwrote {}\n", options.out.string());
  }
  return done == points ? 0 : interrupted_status();
}

/// The file of --checkpoint: what it holds, and when it is written.
class KeptRun {
 public:
  /// Refuses what does not go together, and a file that is there without --resume.
  KeptRun(const RunOptions& options, const TomlProgram& description) : path_(options.checkpoint), every_(options.checkpoint_every) {
    if (path_.empty()) {
      if (options.resume) throw Error(HB_BAD_ARG, "--resume goes on from the file of --checkpoint; give that, too");
      return;
    }
    if (!options.sweep.empty() || options.halve)
      throw Error(HB_BAD_ARG, fmt::format("--checkpoint goes not with {}", options.halve ? "--halve" : "--sweep"));
    const std::string program = text_of_file(description.path);
    program_ = numerics::crc32(std::as_bytes(std::span(program)));
    const bool there = std::filesystem::exists(path_);
    if (there && !options.resume)
      throw Error(HB_BAD_ARG, fmt::format("--checkpoint {}: the file is there; --resume goes on from it, or remove it", path_.string()));
    prepare_file(path_);
    if (there) read();
    if (!there && options.resume) note("heatbath: {}: no such file, the run begins\n", path_.string());
    next_ = Clock::now() + every_;
  }

  Checkpoints checkpoints() {
    if (path_.empty()) return {};
    return {.due = [this] { return Clock::now() >= next_; },
            .take = [this](std::vector<std::byte>&& saved) { write(std::move(saved)); },
            .from = std::move(from_)};
  }
  const std::filesystem::path& path() const { return path_; }
  /// The run has ended, and its result is written.
  void remove() {
    std::error_code none;
    if (!path_.empty()) std::filesystem::remove(path_, none);
  }
  /// An error about the file names it.
  [[noreturn]] void rethrow(const Error& error) const {
    const std::string_view what = error.what();
    if (resumed_ && error.code() == HB_BAD_ARG && what.starts_with("the saved "))
      throw Error(error.code(), fmt::format("--resume: {}: {}", path_.string(), what));
    throw error;
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::uint32_t format = 1;

  static std::string text_of_file(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void read() {
    const std::string text = text_of_file(path_);
    try {
      const numerics::Sealed sealed = numerics::unseal(std::as_bytes(std::span(text)), "runfile", format);
      numerics::Archive archive(sealed.contents, sealed.version);
      std::uint32_t program = 0;
      archive(program, from_);
      archive.end();
      if (program != program_) archive.refuse("it is of another program file, or that has changed");
    } catch (const numerics::Archive::Refused& refused) {
      throw Error(HB_BAD_ARG, fmt::format("--resume: {}: {}", path_.string(), refused.what()));
    }
    resumed_ = true;
  }
  /// Takes no more than a twentieth of the time.
  void write(std::vector<std::byte>&& saved) {
    const auto began = Clock::now();
    numerics::Archive archive(format);
    archive(program_, saved);
    write_file(path_, numerics::seal("runfile", format, archive.take()));
    next_ = Clock::now() + std::max<Clock::duration>(every_, 20 * (Clock::now() - began));
  }

  std::filesystem::path path_;
  std::chrono::seconds every_;
  std::uint32_t program_ = 0;
  std::vector<std::byte> from_;
  bool resumed_ = false;
  Clock::time_point next_;
};

}  // namespace

int run_program(const RunOptions& options) {
  TomlProgram description = read_toml_program(options.program);
  const ShotRange range = shots_of(options.shots);
  const std::uint32_t rows = description.rows();
  if (range.part && rows != 0 && std::uint64_t{range.first} + *range.count > rows)
    throw Error(HB_BAD_ARG, fmt::format("--shots {}: the arrays of {} that differ from shot to shot have {} rows", options.shots, description.path, rows));
  if (range.count) description.shots = *range.count;
  if (options.seed) {
    description.seed = *options.seed;
    description.places["samples.seed"] = "--seed";
  }
  if (options.step) {
    description.dt = *options.step;
    description.places["network.dt"] = "--step";
  }
  if (!options.out.empty()) check_result_name(options.out);
  if (range.part && !options.sweep.empty()) throw Error(HB_BAD_ARG, "--sweep numbers the shots of its points itself; give --shots N");
  KeptRun kept(options, description);
  if (!options.sweep.empty()) return run_sweep(options, description);
  if (options.common_noise) throw Error(HB_BAD_ARG, "--common-noise says how the points of --sweep are made; give that, too");
  if (!options.vcd.empty() && options.vcd.extension() != ".vcd")
    throw Error(HB_BAD_ARG, fmt::format("--vcd {}: the name must end in .vcd", options.vcd.string()));
  if (!options.signals.empty() && options.vcd.empty())
    throw Error(HB_BAD_ARG, "--signals chooses what --vcd FILE.vcd holds; give that, too");
  const std::uint32_t captured = description.capture_cells != 0
                                     ? description.capture_cells
                                     : description.cells - description.first_cell % description.cells;
  if (!options.vcd.empty()) {  // a wrong list is refused before the run
    RunResult shape;
    shape.shots = description.shots;
    shape.cells = captured;
    waveform_selection(options.signals, shape, description.first_cell);
  }

  const HostEnergy host;
  Device device = open_chosen(options.device);
  set_step(device, description);
  const auto built = [&] {
    if (!range.part || rows == 0) return build_program(description, device);
    TomlProgram of_all = description;
    of_all.shots = rows;
    return build_program(of_all, device).rows(range.first, description.shots);
  };
  const Program program = built();
  std::optional<RunStatistics> statistics;
  if (description.statistics) statistics.emplace(description, program);
  take_seed(description, device);
  if (options.halve) check_halving(device, description, program);

  watch_interrupts();
  ProgressBar bar(ProgressBar::style_for(options.json), "run", 1.0, "");
  RunPlan plan;
  const bool asked_for = !options.vcd.empty() || (!options.out.empty() && !(statistics && description.statistics->only));
  plan.keep = !statistics || asked_for;
  plan.first_shot = range.first;
  if (!options.out.empty()) {
    const double states = plan.keep ? 4.0 * description.shots * static_cast<double>(program.records()) * captured : 0.0;
    // Of .h5, which is compressed, the size is not known.
    prepare_file(options.out, options.out.extension() == ".npz" ? static_cast<std::uint64_t>(std::min(states, 1e19)) : 0);
  }
  if (!options.vcd.empty()) prepare_file(options.vcd);
  plan.progress = [&](double fraction) {
    bar.update(fraction);
    return !interrupted();
  };
  std::optional<ShotValues> values;
  if (options.halve) {
    values.emplace(description.shots, shot_columns(description, program));
    plan.shots = [&](std::uint64_t first, const RunResult& shots) { values->take(first, shots); };
  }
  plan.checkpoints = kept.checkpoints();
  RunOutcome outcome;
  try {
    outcome = run_shots(device, program, description, plan, statistics ? &*statistics : nullptr);
  } catch (const Error& error) {
    if (error.code() == HB_BAD_ARG) kept.rethrow(error);
    if (error.code() == HB_ABORTED && interrupted() && std::filesystem::exists(kept.path()))
      note("heatbath: {} holds the run as it was, --resume goes on\n", kept.path().string());
    if (error.code() != HB_ABORTED || !interrupted() || !statistics || statistics->empty()) throw;
    bar.finish();
    return leave_statistics(options, description, device, program, *statistics);
  }
  const RunStatistics* estimates = statistics ? &*statistics : nullptr;
  nlohmann::json halved;
  bool halving_stopped = false;  // the run itself is whole
  try {
    if (options.halve) halved = halve(device, program, description, outcome, *values, estimates, plan);
  } catch (const Error& error) {
    if (error.code() != HB_ABORTED || !interrupted()) throw;
    halving_stopped = true;
  }
  bar.finish();
  RunResult& run = outcome.result;
  run.readback_names = description.readback_names();
  if (std::ranges::find(run.readback_names, "coupler_values") != run.readback_names.end())
    for (const Coupler& at : program.couplers()) run.couplers.insert(run.couplers.end(), {at.i, at.j});
  if (statistics) run.statistics = statistics->arrays();

  nlohmann::json summary = summarise(outcome, description, options.json ? outcome.final_states.size() : kShown);
  summary["program"] = description.path;
  summary["cells"] = description.cells;
  summary["shots"] = run.shots;
  summary["first_shot"] = range.first;
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
  summary["step"] = describe_step(device, description, program);
  if (statistics) summary["statistics"] = statistics->json();
  if (options.halve) summary["halve"] = halved;
  std::string no_certificate;
  std::optional<RunCertificate> certificate;
  if (const std::optional<RunLaw> law = law_of(description, device.capabilities(), no_certificate))
    certificate = certificate_of(*law, run, statistics ? std::optional(description.statistics->from) : std::nullopt, no_certificate);
  summary["certificate"] = describe_certificate(certificate, no_certificate);
  const Electricity electricity = electricity_of(device, heat_of(summary["meters"], run.shots), host);
  summary["electricity"] = electricity_json(electricity);
  summary["device"] = describe_device(device);
  summary["rack"] = describe_rack(device, outcome.shares);
  summary["provenance"] = provenance();

  if (!options.out.empty()) {
    nlohmann::json origin = summary["provenance"];
    for (const char* key : {"program", "seed", "device", "clips", "capture_clips", "rails"}) origin[key] = summary[key];
    origin["shots"] = {{"first", range.first}, {"count", run.shots}};
    if (!summary["rack"].is_null()) origin["rack"] = summary["rack"];
    origin["meter_names"] = description.meter_names();
    origin["step"] = summary["step"];
    if (statistics) origin["statistics_columns"] = statistics->names();
    run.provenance = json_text(origin);
    write_run_result(options.out, run);
    summary["out"] = options.out.string();
  }
  if (!options.vcd.empty()) {
    const WaveformSelection selection = waveform_selection(options.signals, run, description.first_cell);
    write_file(options.vcd, waveform(run, selection, description.first_cell, device.capabilities().tick_ps));
    summary["vcd"] = options.vcd.string();
  }
  kept.remove();
  if (options.json) {
    put("{}\n", json_text(summary, 2));
  } else {
    print_summary(summary);
    if (certificate)
      put("\ncertificate of {} shots, {} each, from time {:.6g} on\n{}\n", certificate->shots,
          certificate->records == 1 ? "one record" : fmt::format("{} records", certificate->records), certificate->from,
          measure::text(certificate->certificate));
    print_rack(summary["rack"]);
    if (device.capabilities().priced) {
      put("\n");
      for (const auto& [title, text] : electricity_rows(electricity)) put("{:<26} {}\n", title, text);
    }
    if (!options.vcd.empty()) put("\nwrote {}\n", options.vcd.string());
    if (!options.out.empty()) put("\nwrote {}\n", options.out.string());
  }
  return halving_stopped ? interrupted_status() : 0;
}

}  // namespace heatbath::apps
