// heatbath gap: what a trained model loses on chips that are not ideal, and what it costs there.

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <numeric>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/console.hpp"
#include "apps/cli/generative_commands.hpp"
#include "apps/cli/interrupt.hpp"
#include "apps/cli/progress_bar.hpp"
#include "files/electricity.hpp"
#include "files/model_file.hpp"
#include "files/output_folder.hpp"
#include "files/provenance.hpp"
#include "files/utf8.hpp"
#include "heatbath/open.hpp"
#include "report/figure.hpp"
#include "report/generative_report.hpp"

namespace heatbath::apps {
namespace {

/// One chip and what the model does on it.
struct Row {
  std::string chip;        ///< as it was asked for
  std::string refused;     ///< why it cannot run the model; empty: it did
  double likeness = 0;     ///< mean |correlation| with the nearest training image
  double images_held = 0;  ///< share of drawings at 0.7 or more, times exp of the entropy of their images
  double inverted = 0;
  double heat = 0, heat_sd = 0;  ///< kT
  std::uint64_t clips = 0, rails = 0;
  double seconds = 0;      ///< of this computer
  Electricity electricity;
};

/// How many training images are in use among drawings that are like one.
double images_held(const trainers::Classification& classes) {
  std::vector<double> counts(classes.fractions.size(), 0.0);
  double good = 0;
  for (std::size_t k = 0; k < classes.prototype.size(); ++k)
    if (std::abs(classes.correlation[k]) >= 0.7f) ++counts[static_cast<std::size_t>(classes.prototype[k])], ++good;
  if (good == 0) return 0;
  double entropy = 0;
  for (const double count : counts)
    if (count > 0) entropy -= count / good * std::log(count / good);
  return good / static_cast<double>(classes.prototype.size()) * std::exp(entropy);
}

/// A name of a profile, or a device as URI.
std::string uri_of(const std::string& chip) {
  return chip.find(':') == std::string::npos ? "func:profile=" + chip : chip;
}

Row measure(const GapOptions& options, const trainers::GenerativeModel& model, const std::string& chip,
            const Progress& progress) {
  Row row;
  row.chip = chip;
  const auto began = std::chrono::steady_clock::now();
  const HostEnergy host;
  try {
    Device device = open(uri_of(chip));
    if (model.cells() > device.capabilities().cells)
      throw Error(HB_UNSUPPORTED, fmt::format("the model has {} cells and the device {}", model.cells(),
                                              device.capabilities().cells));
    trainers::GenerateOptions drawing;
    drawing.shots = options.shots;
    drawing.seed = options.seed;
    drawing.threads = options.threads;
    drawing.trajectory_shots = 1;
    drawing.progress = progress;
    const trainers::Samples samples = trainers::generate(device, model, drawing);
    const trainers::Classification classes = trainers::classify(samples, model.prototypes);
    row.likeness = classes.mean_abs_correlation;
    row.images_held = images_held(classes);
    row.inverted = classes.inverted_fraction;
    const Moments heat = moments(samples.heat, static_cast<double>(model.kT));
    row.heat = heat.mean;
    row.heat_sd = heat.sd;
    row.clips = samples.clips;
    row.rails = samples.rails;
    row.electricity = electricity_of(device, std::accumulate(samples.heat.begin(), samples.heat.end(), 0.0), host);
  } catch (const Error& error) {
    if (error.code() == HB_ABORTED || error.code() == HB_BAD_ARG) throw;
    row.refused = error.what();
  }
  row.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  return row;
}

nlohmann::json json_of(const Row& row) {
  nlohmann::json json{{"chip", row.chip}};
  if (!row.refused.empty()) {
    json["refused"] = row.refused;
    return json;
  }
  json.update({{"likeness", row.likeness},
               {"images_held", row.images_held},
               {"inverted_fraction", row.inverted},
               {"heat_mean_kT", row.heat},
               {"heat_sd_kT", row.heat_sd},
               {"clips", row.clips},
               {"rails", row.rails},
               {"host_seconds", row.seconds},
               {"electricity", electricity_json(row.electricity)}});
  return json;
}

std::string joules_of(const Row& row) {
  const Bill& bill = row.electricity.bill;
  return bill.items.empty() ? "no prices" : fmt::format("{:.3g} ({})", bill.joules, name(bill.grade));
}

std::string table_of(const std::vector<Row>& rows) {
  std::string table =
      "| chip | likeness | images held | inverted | heat of a drawing, kT | bath, J | electricity, J | device time, s | clips |\n"
      "|---|---|---|---|---|---|---|---|---|\n";
  for (const Row& row : rows) {
    if (!row.refused.empty()) {
      table += fmt::format("| {} | refused: {} |\n", row.chip, row.refused);
      continue;
    }
    table += fmt::format("| {} | {:.3f} | {:.2f} | {:.0f} % | {:.4g} ± {:.2g} | {:.3g} | {} | {:.3g} | {} |\n", row.chip,
                         row.likeness, row.images_held, 100 * row.inverted, row.heat, row.heat_sd,
                         row.electricity.bath_joules, joules_of(row), row.electricity.work.device_seconds, row.clips);
  }
  return table;
}

/// Quality and, where a chip states prices, joules side by side.
std::optional<PngBytes> figure_of(const std::vector<Row>& rows, std::string& why) {
  std::string data;
  int shown = 0;
  bool priced = false;
  for (const Row& row : rows) {
    if (!row.refused.empty()) continue;
    const bool prices = !row.electricity.bill.items.empty();
    data += fmt::format("\"{}\" {} {} {}\n", row.chip, row.likeness, row.images_held,
                        prices ? fmt::format("{}", row.electricity.bill.joules) : std::string("nan"));
    priced = priced || prices;
    ++shown;
  }
  if (data.empty()) {
    why = "no chip ran the model";
    return std::nullopt;
  }
  // Of a single box, and of a column without a number, gnuplot finds no range.
  std::string plot = fmt::format("set multiplot layout 1,{}\nset style fill solid 0.7 noborder\nset boxwidth 0.6\n"
                                 "set xtics rotate by -35 noenhanced\nunset key\nset xrange [-0.6:{}]\nset yrange [0:*]\nset grid y\n"
                                 "set title 'likeness to a training image'\nplot 'data' using 0:2:xtic(1) with boxes lc rgb '#1d4f91'\n"
                                 "set title 'training images held'\nplot 'data' using 0:3:xtic(1) with boxes lc rgb '#2e8b57'\n",
                                 priced ? 3 : 2, shown - 0.4);
  if (priced) plot += "set title 'electricity, J'\nplot 'data' using 0:4:xtic(1) with boxes lc rgb '#c0392b'\n";
  return gnuplot_figure(plot + "unset multiplot\n", data, why);
}

}  // namespace

int run_gap(const GapOptions& options) {
  const SavedModel saved = load_model(options.model);
  if (saved.model.updates == 0)
    throw Error(HB_BAD_ARG, fmt::format("{}: a training that has not come to a model", options.model.string()));
  for (const std::string& chip : options.profiles) open(uri_of(chip));  // a wrong name is told before the work
  std::optional<OutputFolder> out;
  if (!options.out.empty()) {
    constexpr std::array<std::string_view, 3> files{"gap.png", "gap.md", "report.json"};
    out.emplace(options.out, files);
  }
  watch_interrupts();
  ProgressBar bar(ProgressBar::style_for(options.json), "gap", 1.0, "");
  std::vector<Row> rows;
  for (const std::string& chip : options.profiles)
    rows.push_back(measure(options, saved.model, chip, [&](double fraction) {
      bar.update((static_cast<double>(rows.size()) + fraction) / static_cast<double>(options.profiles.size()));
      return !interrupted();
    }));
  bar.finish();

  nlohmann::json report{{"model", options.model.string()}, {"shots", options.shots}, {"seed", options.seed}};
  const auto largest = [](const std::vector<float>& values) {
    float most = 0;
    for (const float value : values) most = std::max(most, std::abs(value));
    return most;
  };
  report["largest"] = {{"coupling", largest(saved.model.couplings)}, {"bias", largest(saved.model.bias)}};
  for (const Row& row : rows) report["chips"].push_back(json_of(row));
  report["provenance"] = provenance();
  const std::string text = json_text(report, 2) + "\n";
  if (out) {
    std::string why;
    if (const auto png = figure_of(rows, why)) out->add("gap.png", *png);
    else if (!options.json) remark("no gap.png: {}\n", why);
    out->add("gap.md", table_of(rows));
    out->commit(report);
  }
  if (options.json) {
    put("{}", text);
    return 0;
  }
  put("{}", table_of(rows));
  for (const Row& row : rows)
    if (const std::string verdict = row.electricity.bill.verdict(); row.refused.empty() && !verdict.empty())
      put("{}: {}\n", row.chip, verdict);
  return 0;
}

}  // namespace heatbath::apps
