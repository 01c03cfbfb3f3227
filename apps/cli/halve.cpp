#include "apps/cli/halve.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/console.hpp"
#include "files/json_numbers.hpp"
#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"

namespace heatbath::apps {

namespace {

constexpr double most_bytes = 0x1p30;

/// The energies of every snapshot.
const std::vector<MeterFacts>& compared_meters() {
  static const std::vector<MeterFacts> all = [] {
    std::vector<MeterFacts> in_record;
    std::ranges::copy_if(meter_list, std::back_inserter(in_record), [](const MeterFacts& meter) { return meter.in_record != nullptr; });
    return in_record;
  }();
  return all;
}

double error_of(const Moments& is) { return is.count > 1 ? is.sd() / std::sqrt(is.count) : std::nan(""); }

/// A difference, its own standard error, and the difference in standard errors of the whole run's value.
nlohmann::json compared(double difference, double own_error, double run_error) {
  return {{"difference", or_null(difference)},
          {"standard_error", or_null(own_error)},
          {"in_standard_errors", or_null(run_error > 0 ? difference / run_error : std::nan(""))}};
}

}  // namespace

void ShotValues::take(std::uint64_t first, const RunResult& run) {
  for (std::uint32_t shot = 0; shot < run.shots; ++shot) {
    double* to = values_.data() + (first + shot) * columns_;
    const auto state = run.final_state(shot);
    to = std::copy(state.begin(), state.end(), to);
    for (const auto& snapshot : run.meters)
      for (const MeterFacts& meter : compared_meters()) *to++ = snapshot[shot].*meter.in_record;
  }
}

Moments ShotValues::difference(const ShotValues& other, std::size_t column) const {
  Moments sum;
  for (std::size_t shot = 0; shot < shots_; ++shot)
    sum.merge({1, values_[shot * columns_ + column] - other.values_[shot * columns_ + column], 0});
  return sum;
}

std::size_t shot_columns(const TomlProgram& description, const Program& program) {
  const std::uint32_t cells = description.capture_cells != 0
                                  ? description.capture_cells
                                  : description.cells - description.first_cell % description.cells;
  return cells + compared_meters().size() * program.snapshots();
}

void check_halving(const Device& device, const TomlProgram& description, const Program& program) {
  const Capabilities& caps = device.capabilities();
  require(caps.refinement, "--halve", "REFINEMENT");
  require(caps.dt_programmable, "--halve", "DT_PROGRAMMABLE");
  if (device.step().count % 2 != 0)
    throw Error(HB_BAD_ARG, fmt::format("--halve: the step has {} ticks, an odd number; choose an even one (--step {})",
                                        device.step().count, numerics::text_of(device.time_units(device.step() + Ticks{1}))));
  const double bytes = 16.0 * description.shots * static_cast<double>(shot_columns(description, program));
  if (bytes > most_bytes)
    throw Error(HB_BAD_ARG, fmt::format("--halve: pairs of {} shots take {:.3g} GiB; take fewer, or capture fewer cells",
                                        description.shots, bytes * 0x1p-30));
}

nlohmann::json halve(Device& device, const Program& program, const TomlProgram& description, const RunOutcome& coarse,
                     const ShotValues& values, const RunStatistics* statistics, const RunPlan& plan) {
  const Ticks step = device.step();
  ShotValues fine(description.shots, shot_columns(description, program));
  std::optional<RunStatistics> fine_statistics;
  if (statistics != nullptr) fine_statistics.emplace(description, program);
  RunPlan half;
  half.keep = false;
  half.refinement = 1;
  half.progress = plan.progress;
  half.first_shot = plan.first_shot;
  half.shots = [&](std::uint64_t first, const RunResult& shots) { fine.take(first, shots); };
  device.set_step({step.count / 2});
  run_shots(device, program, description, half, fine_statistics ? &*fine_statistics : nullptr);
  nlohmann::json result{{"step", device.time_units(device.step())}};
  device.set_step(step);

  std::size_t column = 0;
  const auto compare = [&](const Moments& of_run) {
    const Moments is = fine.difference(values, column++);
    return compared(is.mean, error_of(is), error_of(of_run));
  };
  result["final_states"] = nlohmann::json::array();
  for (const Moments& state : coarse.final_states) {
    nlohmann::json row = compare(state);
    row["cell"] = description.first_cell + result["final_states"].size();
    result["final_states"].push_back(row);
  }
  result["meters"] = nlohmann::json::array();
  const std::vector<std::string> names = description.meter_names();
  for (std::size_t k = 0; k < coarse.snapshots.size(); ++k) {
    nlohmann::json snapshot{{"name", names[k]}};
    for (const MeterFacts& meter : compared_meters()) snapshot[meter.name] = compare(coarse.snapshots[k].of.at(meter.meter).front());
    result["meters"].push_back(snapshot);
  }
  if (statistics != nullptr && !statistics->names().empty()) {
    const measure::RecordStatistics &whole = statistics->records(), &halved = fine_statistics->records();
    result["statistics"] = nlohmann::json::array();
    for (std::size_t k = 0; k < statistics->names().size(); ++k) {
      const measure::Estimate mean = halved.mean_less(whole, k), variance = halved.covariance_less(whole, k, k);
      result["statistics"].push_back(
          {{"column", statistics->names()[k]},
           {"mean", compared(mean.value, mean.standard_error, whole.mean(k).standard_error)},
           {"variance", compared(variance.value, variance.standard_error, whole.covariance(k, k).standard_error)}});
    }
  }
  return result;
}

void print_halved(const nlohmann::json& halved) {
  constexpr std::size_t kShown = 16;
  const auto text = [](const nlohmann::json& value, const char* format) {
    return value.is_null() ? std::string("-") : fmt::format(fmt::runtime(format), value.get<double>());
  };
  put("\nat half the step, {:.6g}, on the same noise: differences, and in standard errors of this run\n",
             halved["step"].get<double>());
  const auto row = [&](const std::string& name, const nlohmann::json& of) {
    put("  {:<24} {:>12} +- {:<9} {:>8}\n", name, text(of["difference"], "{:.3g}"),
               text(of["standard_error"], "{:.2g}"), text(of["in_standard_errors"], "{:.2f}"));
  };
  const nlohmann::json& states = halved["final_states"];
  for (std::size_t k = 0; k < std::min(kShown, states.size()); ++k)
    row(fmt::format("final state {}", states[k]["cell"].get<std::uint64_t>()), states[k]);
  if (states.size() > kShown) put("  … and {} more; all of them with --json\n", states.size() - kShown);
  for (const nlohmann::json& snapshot : halved["meters"])
    for (const MeterFacts& meter : compared_meters())
      row(fmt::format("{} {}", snapshot["name"].get<std::string>(), meter.name), snapshot[meter.name]);
  if (!halved.contains("statistics")) return;
  const nlohmann::json& columns = halved["statistics"];
  for (std::size_t k = 0; k < std::min(kShown, columns.size()); ++k) {
    row("mean of " + columns[k]["column"].get<std::string>(), columns[k]["mean"]);
    row("variance of " + columns[k]["column"].get<std::string>(), columns[k]["variance"]);
  }
}

}  // namespace heatbath::apps
