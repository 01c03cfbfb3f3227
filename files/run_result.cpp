#include "files/run_result.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "files/hdf5_file.hpp"
#include "files/npz_file.hpp"
#include "heatbath/error.hpp"

namespace heatbath::apps {

namespace {

/// Hands every array to `add(name, values, shape, units)`.
template <typename Add>
void each_array(const RunResult& result, const Add& add) {
  if (result.records > 0) {
    const Shape shape{result.shots, result.records, result.cells};
    if (result.exact_states.empty()) {
      add("states", std::span(result.states), shape, "dimensionless");
    } else {
      add("states", std::span(result.exact_states), shape, "dimensionless");
    }
    add("time", std::span(result.time), Shape{result.records}, "time units");
    add("ticks", std::span(result.ticks), Shape{result.records}, "ticks");
  }
  if (!result.meters.empty()) {
    for (const MeterFacts& meter : meter_list) {
      if (meter.in_record == nullptr) continue;
      std::vector<double> values;
      for (const auto& snapshot : result.meters)
        for (const hb_meters_t& shot : snapshot) values.push_back(shot.*meter.in_record);
      add(fmt::format("meters_{}", meter.name), std::span<const double>(values), Shape{result.meters.size(), result.shots},
          "energy units");
    }
    std::vector<std::uint64_t> ticks;
    for (const auto& snapshot : result.meters) ticks.push_back(snapshot.front().ticks);
    add("meters_ticks", std::span<const std::uint64_t>(ticks), Shape{ticks.size()}, "ticks");
    for (const auto& [meter, snapshots] : result.on_request) {
      std::vector<double> values;
      for (const auto& snapshot : snapshots) values.insert(values.end(), snapshot.begin(), snapshot.end());
      Shape shape{snapshots.size(), result.shots};
      if (facts(meter).per_cell) shape.push_back(snapshots.front().size() / result.shots);
      add(name(meter), std::span<const double>(values), shape,
          facts(meter).unit == MeterUnit::energy ? "energy units" : "counts");
    }
  }
  if (!result.couplers.empty())
    add("couplers", std::span<const std::uint64_t>(result.couplers), Shape{result.couplers.size() / 2, 2}, "cells");
  for (std::size_t i = 0; i < result.readback.size(); ++i) {
    const std::string& section = result.readback_names[i];
    const std::vector<float>& values = result.readback[i];
    Shape shape{values.size()};
    if (section == "couplings") {
      std::size_t side = 1;
      while (side * side < values.size()) ++side;
      shape = {side, side};
    }
    add(fmt::format("readback_{}_{}", i, section), std::span(values), shape, "energy units");
  }
  for (const StatisticsArray& array : result.statistics)
    add(array.name, std::span<const double>(array.values), array.shape, array.units);
}

}  // namespace

RunResult arrange(const Result& result, Ticks time_unit) {
  const Capture& capture = result.capture;
  RunResult run;
  run.shots = capture.shots();
  run.cells = capture.cells();
  run.records = capture.records();
  const auto repeats = [&] {
    const std::size_t last = run.records - 1;
    if (run.records < 2 || capture.ticks()[last] != capture.ticks()[last - 1]) return false;
    for (std::uint32_t shot = 0; shot < run.shots; ++shot) {
      if (!std::ranges::equal(capture.state(shot, last), capture.state(shot, last - 1))) return false;
    }
    return true;
  };
  if (repeats()) --run.records;
  run.states.reserve(std::size_t{run.shots} * run.records * run.cells);
  for (std::uint32_t shot = 0; shot < run.shots; ++shot) {
    const auto trajectory = capture.trajectory(shot).first(run.records * run.cells);
    run.states.insert(run.states.end(), trajectory.begin(), trajectory.end());
  }
  const auto value = [&](std::size_t at) {
    const std::size_t row = at / run.cells;
    return capture.value(static_cast<std::uint32_t>(row / run.records), row % run.records,
                         static_cast<std::uint32_t>(at % run.cells));
  };
  bool beyond = false;
  for (std::size_t at = 0; at < run.states.size() && capture.whole_turns() > 0; ++at)
    beyond = beyond || value(at) != static_cast<double>(run.states[at]);
  for (std::size_t at = 0; beyond && at < run.states.size(); ++at) run.exact_states.push_back(value(at));
  for (std::size_t record = 0; record < run.records; ++record) {
    run.ticks.push_back(capture.ticks()[record].count);
    run.time.push_back(static_cast<double>(run.ticks.back()) / static_cast<double>(time_unit.count));
  }
  run.meters = result.meters;
  run.on_request = result.on_request;
  run.readback = result.readback;
  return run;
}

void check_result_name(const std::filesystem::path& path) {
  if (path.extension() != ".npz" && path.extension() != ".h5") {
    throw Error(HB_BAD_ARG, fmt::format("--out {}: needs a file name that ends in .npz or .h5", path.string()));
  }
}

void write_run_result(const std::filesystem::path& path, const RunResult& result) {
  check_result_name(path);
  if (path.extension() == ".npz") {
    NpzFile file;
    each_array(result, [&](const std::string& name, auto values, const Shape& shape, const char*) {
      if (name == "states" && result.exact_states.empty()) file.lend(name, result.states, shape);
      else file.add(name, values, shape);
    });
    file.add_text("provenance", result.provenance);
    file.write(path);
    return;
  }
  Hdf5Writer file(path);
  each_array(result, [&](const std::string& name, auto values, const Shape& shape, const char* units) {
    file.dataset(name, values, shape, units);
  });
  finish_run_result(file, result.records > 0 ? Shape{result.shots, result.records, result.cells} : Shape{}, result.provenance);
}

void finish_run_result(Hdf5Writer& file, const Shape& states, std::string_view provenance) {
  const auto numbers = [&](const char* name, std::size_t count, const char* what) {
    std::vector<std::uint64_t> all(count);
    std::iota(all.begin(), all.end(), 0);
    file.dataset(name, std::span<const std::uint64_t>(all), {count}, what);
  };
  if (!states.empty()) {
    numbers("shot", states.at(0), "shots of this file, in order");
    numbers("variable", states.at(2), "captured state variables, in order");
    file.axes("states", {"shot", "time", "variable"});
  }
  file.attribute("format", "heatbath run");
  file.attribute("format_version", std::uint64_t{1});
  file.long_text("provenance", provenance);
  file.commit();
}

}  // namespace heatbath::apps
