// heatbath anneal: states of low energy, by annealing or tempering on a device.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/commands.hpp"
#include "apps/cli/console.hpp"
#include "apps/cli/emulator_for.hpp"
#include "apps/cli/interrupt.hpp"
#include "apps/cli/planted_problem.hpp"
#include "apps/cli/progress_bar.hpp"
#include "files/atomic_file.hpp"
#include "files/electricity.hpp"
#include "files/json_numbers.hpp"
#include "files/problem_file.hpp"
#include "files/provenance.hpp"
#include "files/sample_set_file.hpp"
#include "files/utf8.hpp"
#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"

namespace heatbath::apps {

namespace {

nlohmann::json estimate(const measure::Estimate& of) {
  return {{"value", or_null(of.value)}, {"standard_error", or_null(of.standard_error)}};
}

nlohmann::json of_tempering(const solvers::TemperingResult& result) {
  nlohmann::json json{{"ladder", result.ladder},
                      {"refused", result.refused},
                      {"barrier", result.barrier},
                      {"round_trips", result.round_trips},
                      {"predicted_round_trips", result.predicted_round_trips},
                      {"rounds", result.rounds},
                      {"best_round", result.best_round},
                      {"best_updates", result.best_updates}};
  if (result.mean_cluster > 0) json["mean_cluster"] = result.mean_cluster;
  for (const measure::Estimate& ln_z : result.log_partition) json["log_partition"].push_back(estimate(ln_z));
  for (const measure::Estimate& energy : result.energy) json["energy"].push_back(estimate(energy));
  return json;
}

nlohmann::json of_population(const solvers::PopulationResult& result) {
  nlohmann::json json = nlohmann::json::array();
  for (const solvers::PopulationStep& step : result.steps)
    json.push_back({{"kT", step.kT}, {"energy", estimate(step.energy)}, {"log_partition", estimate(step.log_partition)}, {"families", step.families}});
  return json;
}

enum class Method { annealing, cycles, tempering, population, bifurcation, oscillators };

Method method_named(const std::string& name) {
  if (name == "annealing") return Method::annealing;
  if (name == "cycles") return Method::cycles;
  if (name == "tempering") return Method::tempering;
  if (name == "population") return Method::population;
  if (name == "bifurcation") return Method::bifurcation;
  if (name == "oscillators") return Method::oscillators;
  throw Error(HB_BAD_ARG, fmt::format("--method {}: annealing, cycles, tempering, population, bifurcation or oscillators", name));
}

solvers::Cooling cooling_named(const std::string& name) {
  if (name == "inverse") return solvers::Cooling::inverse;
  if (name == "ratio") return solvers::Cooling::ratio;
  throw Error(HB_BAD_ARG, fmt::format("--cooling {}: inverse or ratio", name));
}

std::uint32_t parallel_runs(Method method, const AnnealCommandOptions& options) {
  switch (method) {
    case Method::cycles: return options.cycles.reads;
    case Method::tempering: return options.tempering.replicas;
    case Method::population: return options.population.populations * options.population.replicas;
    default: return options.annealing.reads;
  }
}

std::uint64_t seed_of(Method method, const AnnealCommandOptions& options) {
  switch (method) {
    case Method::cycles: return options.cycles.seed;
    case Method::tempering: return options.tempering.seed;
    case Method::population: return options.population.seed;
    default: return options.annealing.seed;
  }
}

}  // namespace

int run_anneal(const AnnealCommandOptions& options) {
  if (!options.out.empty()) check_sample_set_name(options.out);
  std::optional<ProblemKind> wanted;
  if (!options.problem.empty()) wanted = problem_kind_named(options.problem, "--as");
  const Method method = method_named(options.method);
  const solvers::Cooling cooling = cooling_named(options.cooling);
  std::optional<PlantedProblem> planted = planted_problem(options.file.string());
  const Problem problem = planted ? std::move(planted->problem) : read_problem(options.file, wanted);
  const std::optional<double> target = options.target || !planted ? options.target : planted->lowest;
  if (!of_spins(problem.kind))
    throw Error(HB_BAD_ARG, fmt::format("{}: is of the kind {}; anneal takes spins and bits, sample takes all", options.file.string(), name_of(problem.kind)));
  const bool tempering = method == Method::tempering;
  const network::Network cells = method == Method::bifurcation   ? solvers::bifurcation_cells(problem.network, options.bifurcation)
                                 : method == Method::oscillators ? solvers::oscillator_cells(problem.network, options.oscillators)
                                                                 : problem.network;
  Device device = open_for_runs(options.device, cells, parallel_runs(method, options));
  if (!options.out.empty()) prepare_file(options.out);
  watch_interrupts();
  ProgressBar bar(ProgressBar::style_for(options.json), "anneal", 100, "");
  const Progress progress = [&](double fraction) {
    bar.update(100 * fraction);
    return !interrupted();
  };

  solvers::SampleSet found(1, solvers::Origin::search);
  nlohmann::json tempered, cooled, cycled;
  bool ended = false;
  const HostEnergy host;
  const auto start = std::chrono::steady_clock::now();
  if (tempering) {
    solvers::TemperingOptions run = options.tempering;
    run.progress = progress;
    if (target) run.target = problem.energy_of(*target) + 1e-9 * std::abs(*target);
    solvers::TemperingResult result = solvers::temper(device, problem.network, run);
    ended = result.interrupted;
    tempered = of_tempering(result);
    found = std::move(result.best);
  } else if (method == Method::cycles) {
    solvers::CyclesOptions run = options.cycles;
    run.progress = progress;
    if (target) run.target = problem.energy_of(*target) + 1e-9 * std::abs(*target);
    solvers::CyclesResult result = solvers::cycle(device, problem.network, run);
    ended = result.interrupted;
    cycled = {{"lowest", result.lowest}, {"best_updates", result.best_updates}, {"mean_group", result.mean_group}};
    found = std::move(result.best);
  } else if (method == Method::population) {
    solvers::PopulationOptions run = options.population;
    run.progress = progress;
    solvers::PopulationResult result = solvers::anneal_population(device, problem.network, run);
    cooled = of_population(result);
    found = std::move(result.states);
  } else if (method == Method::bifurcation) {
    solvers::BifurcationOptions run = options.bifurcation;
    run.progress = progress;
    found = solvers::bifurcate(device, problem.network, run);
  } else if (method == Method::oscillators) {
    solvers::OscillatorOptions run = options.oscillators;
    run.progress = progress;
    found = solvers::oscillate(device, problem.network, run);
  } else {
    solvers::AnnealOptions run = options.annealing;
    run.progress = progress;
    run.cooling = cooling;
    found = solvers::anneal(device, problem.network, run);
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  bar.finish();
  const Electricity electricity = electricity_of(device, std::numeric_limits<double>::quiet_NaN(), host);
  found = found.aggregated();

  const double best = problem.value(found.state(0));
  double all = 0;
  for (const std::uint32_t count : found.occurrences()) all += count;
  // Of all states of that energy, not of one of them.
  const double at_best = std::round(all * found.success(found.lowest_energy() + 1e-9 * std::abs(found.lowest_energy())));
  nlohmann::json report{{"problem", options.file.string()},
                        {"format", problem.format},
                        {"kind", name_of(problem.kind)},
                        {"variables", problem.variables},
                        {"cells", problem.network.cells()},
                        {"couplings", problem.network.couplings().size()},
                        {"method", options.method},
                        {"origin", solvers::name(found.origin())},
                        {"best", best},
                        {"best_energy", found.lowest_energy()},
                        {"best_occurrences", at_best},
                        {"device", describe_device(device)},
                        {"device_seconds", found.device_seconds},
                        {"updates", found.updates},
                        {"host_seconds", seconds},
                        {"electricity", electricity_json(electricity)},
                        {"provenance", provenance()}};
  report["seed"] = device.capabilities().seeded ? nlohmann::json(seed_of(method, options))
                                                : nlohmann::json(nullptr);
  report["states"] = all;
  if (target) {
    report["target"] = *target;
    report["success"] = found.success(problem.energy_of(*target) + 1e-9 * std::abs(*target));
  }
  if (tempering) report["tempering"] = tempered;
  if (method == Method::cycles) report["cycles"] = cycled;
  if (method == Method::population) report["population"] = cooled;
  std::vector<std::string> notes = problem.notes;
  notes.insert(notes.end(), found.notes.begin(), found.notes.end());
  report["notes"] = notes;
  report["interrupted"] = ended;
  if (!options.out.empty()) {
    report["out"] = options.out.string();
    write_sample_set(options.out, found, form_of(problem), report);
  }
  if (options.json) {
    put("{}\n", json_text(report, 2));
    return ended ? interrupted_status() : 0;
  }
  put("{} ({}, {}): {} variables, {} couplings on {}\n", options.file.string(), problem.format, name_of(problem.kind), problem.variables,
      problem.network.couplings().size(), device_line(device));
  put("best {}      {}  ({:g} of {:g} {})\n", problem.larger_is_better() ? "cut   " : problem.kind == ProblemKind::max_sat ? "unmet " : "energy",
      numerics::general(best, 10), at_best, all, tempering ? "ladders" : method == Method::cycles ? "families" : method == Method::population ? "replicas" : "reads");
  if (target) put("at the target    {:.3g} of them\n", report["success"].get<double>());
  if (tempering) {
    put("ladder           {} temperatures, {:.4g} to {:.4g}; barrier {:.3g}\n", tempered["ladder"].size(), tempered["ladder"].front().get<double>(),
        tempered["ladder"].back().get<double>(), tempered["barrier"].get<double>());
    put("round trips      {} ({:.4g} predicted)\n", tempered["round_trips"].get<std::uint64_t>(), tempered["predicted_round_trips"].get<double>());
  }
  if (method == Method::cycles) {
    const auto lowest = cycled["lowest"].get<std::vector<double>>();
    put("cycles           {}, energy {} after the first annealing, {} after {:.3g} updates\n", lowest.size() - 1, numerics::general(lowest.front(), 10),
        numerics::general(lowest.back(), 10), static_cast<double>(cycled["best_updates"].get<std::uint64_t>()));
  }
  if (method == Method::population) {
    const nlohmann::json& last = cooled.back();
    const auto with_error = [&](const char* key) {
      return fmt::format("{:.6g} +- {:.2g}", last[key]["value"].get<double>(), last[key]["standard_error"].get<double>());
    };
    put("at kT {:<10.4g} energy {}, ln Z {}; {:.3g} families left of {}\n", last["kT"].get<double>(), with_error("energy"), with_error("log_partition"),
        last["families"].get<double>(), options.population.replicas);
  }
  put("{:.3g} updates of cells, {:.3g} s of the device, {:.3g} s here\n", static_cast<double>(found.updates), found.device_seconds, seconds);
  for (const auto& [title, text] : electricity_rows(electricity))
    if (title.starts_with("Electricity")) put("{:<16} {}\n", title, text);
  for (const std::string& note : notes) put("note: {}\n", note);
  if (!options.out.empty()) put("wrote {}\n", options.out.string());
  if (ended) put("interrupted; this is what was found until then\n");
  return ended ? interrupted_status() : 0;
}

}  // namespace heatbath::apps
