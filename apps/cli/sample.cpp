// heatbath sample: states of the law of an energy, with what they say of the sampler.

#include <chrono>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/commands.hpp"
#include "apps/cli/console.hpp"
#include "apps/cli/emulator_for.hpp"
#include "apps/cli/interrupt.hpp"
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

/// Calls take(word) for each of a list with commas between.
template <class Take>
void for_words(std::string_view list, const char* option, const Take& take) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    const std::string_view word = numerics::trimmed(list.substr(0, comma));
    if (word.empty()) throw Error(HB_BAD_ARG, fmt::format("{} {}: a name is missing between commas", option, numerics::escaped(list, 80)));
    take(word);
    list.remove_prefix(std::min(list.size(), comma + 1));
  }
}

void choose(const SampleCommandOptions& options, solvers::StatisticsChoice& choice) {
  for_words(options.statistics, "--statistics", [&](std::string_view word) {
    if (word == "moments") choice.moments = true;
    else if (word == "histogram") choice.histogram = true;
    else if (word == "autocorrelation") choice.autocorrelation = true;
    else if (word == "spectrum") choice.spectrum = true;
    else throw Error(HB_BAD_ARG, fmt::format("--statistics {}: moments, histogram, autocorrelation or spectrum", numerics::escaped(word, 80)));
  });
  for_words(options.cells, "--cells", [&](std::string_view word) {
    const auto cell = numerics::parse_number<std::uint32_t>(word);
    if (!cell) throw Error(HB_BAD_ARG, fmt::format("--cells {}: no whole number of a cell", numerics::escaped(word, 80)));
    choice.cells.push_back(*cell);
  });
  if (!choice.cells.empty() && !choice.histogram && !choice.autocorrelation && !choice.spectrum)
    throw Error(HB_BAD_ARG, "--cells: names series of --statistics histogram, autocorrelation or spectrum; none was asked for");
  if (!options.run.keep_states && !choice.any())
    throw Error(HB_BAD_ARG, "--no-states: nothing would be kept; --statistics says what");
}

std::string plain(const measure::Estimate& is) {
  return std::isfinite(is.standard_error) ? fmt::format("{:.6g} +- {:.2g}", is.value, is.standard_error) : fmt::format("{:.6g}", is.value);
}

}  // namespace

int run_sample(const SampleCommandOptions& options) {
  if (!options.out.empty()) check_sample_set_name(options.out);
  if (!options.run.keep_states && options.out.extension() == ".json")
    throw Error(HB_BAD_ARG, fmt::format("--out {}: a set for dimod has states; --no-states writes .npz or .h5", options.out.string()));
  solvers::SampleOptions run = options.run;
  choose(options, run.statistics);
  std::optional<ProblemKind> wanted;
  if (!options.problem.empty()) wanted = problem_kind_named(options.problem, "--as");
  const Problem problem = read_problem(options.file, wanted);
  Device device = open_for(options.device, problem.network, std::min<std::uint32_t>(run.chains, 64));
  if (!options.out.empty()) prepare_file(options.out);
  watch_interrupts();
  ProgressBar bar(ProgressBar::style_for(options.json), "sample", 100, "");
  run.progress = [&](double fraction) {
    bar.update(100 * fraction);
    return !interrupted();
  };
  const HostEnergy host;
  const auto start = std::chrono::steady_clock::now();
  const solvers::Sampling found = solvers::sample(device, problem.network, run);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  bar.finish();
  const solvers::SampleSet& samples = found.samples;
  const Electricity electricity = electricity_of(device, found.device_heat, host);

  std::vector<std::string> notes = problem.notes;
  notes.insert(notes.end(), samples.notes.begin(), samples.notes.end());
  if (found.certified_records > 0 && found.certified_records < run.records)
    notes.push_back(fmt::format("the certificate is of the first {} records of each chain", found.certified_records));
  nlohmann::json report{{"problem", options.file.string()},
                        {"format", problem.format},
                        {"kind", name_of(problem.kind)},
                        {"variables", problem.variables},
                        {"cells", problem.network.cells()},
                        {"couplings", problem.network.couplings().size()},
                        {"origin", solvers::name(samples.origin())},
                        {"kT", run.kT},
                        {"chains", run.chains},
                        {"records", run.records},
                        {"burn_in", found.burn_in},
                        {"spacing", found.spacing},
                        {"device", describe_device(device)},
                        {"device_seconds", samples.device_seconds},
                        {"updates", samples.updates},
                        {"host_seconds", seconds},
                        {"electricity", electricity_json(electricity)},
                        {"certificate", found.certificate ? certificate_json(*found.certificate) : nlohmann::json(nullptr)},
                        {"notes", notes},
                        {"provenance", provenance()}};
  report["seed"] = device.capabilities().seeded ? nlohmann::json(run.seed) : nlohmann::json(nullptr);
  report["heat_joules"] = or_null(samples.heat_joules);
  std::optional<measure::Estimate> energy;
  if (samples.size() >= 4 * std::size_t{run.chains} || (samples.size() >= 2 && run.chains >= 64 && run.records >= 2)) energy = samples.mean_energy();
  if (energy) report["mean_energy"] = {{"value", energy->value}, {"standard_error", energy->standard_error}};
  if (found.statistics) report["statistics"] = statistics_json(*found.statistics);
  if (!options.out.empty()) {
    report["out"] = options.out.string();
    write_sample_set(options.out, samples, form_of(problem), report, found.statistics ? &*found.statistics : nullptr);
  }
  if (options.json) {
    put("{}\n", json_text(report, 2));
    return 0;
  }
  put("{} ({}, {}): {} variables, {} couplings on {}\n", options.file.string(), problem.format, name_of(problem.kind), problem.variables,
      problem.network.couplings().size(), device_line(device));
  put("{} states of {} chains at kT = {:g}, {:.4g} apart after {:.4g} of burn-in; {:.3g} s of the device, {:.3g} s here\n",
      std::uint64_t{run.chains} * run.records, run.chains, run.kT, found.spacing, found.burn_in, samples.device_seconds, seconds);
  if (energy) put("mean energy      {}\n", plain(*energy));
  if (found.statistics)
    for (const auto& series : found.statistics->series()) {
      put("{:<16} mean {}, variance {}", series.name, plain(series.mean), plain(series.variance));
      if (std::isfinite(series.correlation_time.value)) put(", correlation time {}", plain(series.correlation_time));
      put("\n");
    }
  if (found.certificate) put("{}\n", measure::text(*found.certificate));
  else put("no certificate: of such cells there is none\n");
  for (const auto& [title, text] : electricity_rows(electricity))
    if (title.starts_with("Electricity") || title.starts_with("Heat")) put("{:<16} {}\n", title, text);
  for (const std::string& note : notes) put("note: {}\n", note);
  if (!options.out.empty()) put("wrote {}\n", options.out.string());
  return 0;
}

}  // namespace heatbath::apps
