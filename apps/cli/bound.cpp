// heatbath bound: what a score-based model can reach, measured on a device.

#include <array>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/add_pictures.hpp"
#include "apps/cli/commands.hpp"
#include "apps/cli/console.hpp"
#include "apps/cli/interrupt.hpp"
#include "apps/cli/progress_bar.hpp"
#include "files/output_folder.hpp"
#include "files/provenance.hpp"
#include "files/score_file.hpp"
#include "heatbath/open.hpp"
#include "heatbath/trainers/setting_names.hpp"
#include "report/bound_report.hpp"

namespace heatbath::apps {

namespace {

using trainers::DataLaw;
using measure::Estimate;

std::string plus_minus(const measure::Estimate& m) { return fmt::format("{:.4f} +- {:.4f}", m.value, m.standard_error); }

void print_summary(const BoundReport& report, const std::filesystem::path& out) {
  const trainers::BoundResult& result = report.result;
  if (!report.law.closed_form()) put("data                     {}\n", report.law.name());
  put("negative log-likelihood  {} nats{}\n", plus_minus(report.in_units_of_data(result.nll)),
             result.nll_is_density ? "" : " (path bound)");
  put("bound                    {}\n", plus_minus(report.in_units_of_data(result.bound)));
  put("gap                      {}", plus_minus(result.gap));
  if (report.law.closed_form()) put("; half the path divergence {}", plus_minus(result.half_path_kl));
  put("\nnaive gaps               score {}, divergence {}\n", plus_minus(result.gap_naive_score),
             plus_minus(result.gap_naive_divergence));
  put("entropy production       {}, heat/kT {} ({})\n", plus_minus(result.production),
             plus_minus(result.heat_total), result.heat_source);
  if (report.process == trainers::Process::ve) {
    put("exchange : production    {} (the exact score: -2)\n", plus_minus(result.identity_ratio));
  }
  put("report                   {}\n", (out / "report.html").string());
  if (result.stopped) put("interrupted; the reverse drive stopped after {} of its times\n", result.generations.size());
}

}  // namespace

int run_bound(const BoundCommandOptions& options) {
  BoundReport report{DataLaw::gaussian(1)};
  if (options.data == "gaussian") {
    report.law = DataLaw::gaussian(options.width);
  } else if (options.data == "uniform") {
    report.law = DataLaw::uniform(options.width);
  } else if (options.data == "mixture") {
    report.law = DataLaw::mixture({0.5, 0.5}, {-2, 2}, {0.25, 0.25});
  } else if (options.data.find_first_of("./") == std::string::npos && !std::filesystem::exists(options.data)) {
    throw Error(HB_BAD_ARG, fmt::format("--data {}: needs gaussian, uniform, mixture or a file of numbers", options.data));
  } else {
    StandardValues values = read_values(options.data);
    report.unit = values.deviation;
    report.law = DataLaw::values(std::move(values.values), options.data);
  }
  trainers::BoundOptions bound = options.bound;
  if (options.score.find_first_of("./") != std::string::npos) {
    bound.given = read_score(options.score);
    bound.score = bound.given->kind;
  } else {
    bound.score = trainers::score_kind_named(options.score, "--score");
  }
  Device device = open_chosen(options.device);
  constexpr std::array<std::string_view, 7> kFiles{"rates.png",  "bound.png",   "tradeoff.png", "samples.png",
                                                   "score.json", "report.html", "report.json"};
  OutputFolder out(options.out, kFiles);
  watch_interrupts();
  ProgressBar bar(ProgressBar::style_for(options.json), "bound", 100, "");
  bound.progress = [&](double fraction) {
    bar.update(100 * fraction);
    return !interrupted();
  };
  report.process = bound.process;
  report.score = options.score;
  report.seed = bound.seed;
  report.ratio = bound.ratio;
  report.device = device_line(device);
  const HostEnergy host;
  report.result = trainers::score_bound(device, report.law, bound);
  bar.finish();
  report.electricity = electricity_of(device, std::numeric_limits<double>::quiet_NaN(), host);

  report.pictures = bound_pictures(report);
  add_pictures(out, report.pictures, !options.json);
  if (report.result.model.levels() > 0) out.add("score.json", score_text(report.result.model));
  out.add("report.html", bound_html(report));
  const std::string json = out.commit(bound_json(report));
  if (options.json) put("{}", json);
  else print_summary(report, options.out);
  if (!(report.result.gap.value > -4 * report.result.gap.standard_error)) {
    // The bound needs the entropy of the data: known of a law, of a list estimated as if it had a smooth density.
    note("heatbath: the gap is {}, more than 4 standard errors below 0: {}; see {}\n",
               plus_minus(report.result.gap),
               report.law.closed_form() ? "the device does not follow its equations"
                                        : "the values are too few or their density too rough for an entropy from "
                                          "neighbours, or the device does not follow its equations, which --data "
                                          "gaussian tells",
               (options.out / "report.json").string());
    return 1;
  }
  return report.result.stopped ? interrupted_status() : 0;
}

}  // namespace heatbath::apps
