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
#include "heatbath/network/calibration.hpp"
#include "heatbath/open.hpp"
#include "heatbath/trainers/images.hpp"
#include "report/figure.hpp"
#include "report/generative_report.hpp"

namespace heatbath::apps {
namespace {

/// What was done to a chip or a model before it drew.
struct Preparation {
  double device_seconds = 0, seconds = 0;  ///< of the device, of this computer
  Bill bill;
};

/// One chip, how it was treated, and what the model does on it.
struct Row {
  std::string chip;        ///< as it was asked for
  std::string treatment;   ///< as it is; calibrated; tuned; both
  std::string refused;     ///< why it cannot run the model; empty: it did
  Preparation calibrating, tuning;
  double likeness = 0;     ///< mean |correlation| with the nearest training image
  double images_held = 0;  ///< share of drawings at 0.7 or more, times exp of the entropy of their images
  double inverted = 0;
  double heat = 0, heat_sd = 0;  ///< kT
  std::uint64_t clips = 0, rails = 0;
  double seconds = 0;      ///< of this computer
  Electricity electricity;  ///< of the drawing
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

using Clock = std::chrono::steady_clock;
double since(Clock::time_point began) { return std::chrono::duration<double>(Clock::now() - began).count(); }

/// What a device did between two looks.
Work between(const Work& before, Work after) {
  after.samples -= before.samples, after.reads -= before.reads, after.writes -= before.writes, after.link_bytes -= before.link_bytes;
  after.busy_seconds -= before.busy_seconds, after.device_seconds -= before.device_seconds;
  return after;
}

/// Does something to a device; what that took.
template <class Action>
Preparation prepared(Device& device, const Action& action) {
  const auto began = Clock::now();
  const Work before = device.work();
  action();
  const Work work = between(before, device.work());
  return {work.device_seconds, since(began), bill(device.capabilities(), work)};
}

/// Cells and couplers that the model has are calibrated; dead ones are left as they are.
void calibrate(const GapOptions& options, Device& device, const trainers::GenerativeModel& model, const Progress& progress) {
  network::CalibrateOptions how{.cells = model.cells(), .effort = options.effort, .seed = options.seed, .progress = progress};
  const std::size_t n = model.cells();
  for (std::uint32_t i = 0; i < n; ++i)
    for (std::uint32_t j = i + 1; j < n; ++j)
      for (std::uint32_t segment = 0; segment < model.segments; ++segment)
        if (model.couplings_of(segment)[i * n + j] != 0) {
          how.used.push_back({i, j});
          break;
        }
  network::correct(device, network::calibrate(device, how), network::Expired::used, network::Dead::left);
}

/// The model after training on this device.
trainers::GenerativeModel tuned(const GapOptions& options, Device& device, const SavedModel& saved, const trainers::Images& data, const Progress& progress) {
  const trainers::GenerativeModel& model = saved.model;
  const bool anew = model.optimizer == trainers::Optimizer::least_squares;
  trainers::GenerativeOptions how;
  how.hidden = model.hidden, how.updates = (anew ? 0 : model.updates) + options.tune;
  how.scaling = model.scaling, how.drive = model.drive, how.optimizer = model.optimizer;
  how.digits = model.classes();
  how.images_per_class = static_cast<std::uint32_t>(model.prototypes.digits.size() / how.digits.size());
  how.segments = model.segments, how.ramp_end = model.ramp_end, how.labels = model.labels > 0;
  how.seed = model.seed, how.threads = options.threads, how.tf = model.tf;
  how.j2 = model.j2, how.j4 = model.j4, how.kT = model.kT;
  trainers::GenerativeTrainer trainer(device, data, how);
  if (trainer.model().prototypes.images != model.prototypes.images)
    throw Error(HB_BAD_ARG, fmt::format("--tune: the model was trained on {}; these are {}: --data says where they are", model.data_source, data.source));
  if (!anew) {
    trainers::GenerativeModel start = model;
    start.capture_period = 0;  // that of this device
    trainer.resume(start, saved.actions);
  }
  trainer.set_progress(progress);
  trainer.train();
  return trainer.model();
}

void draw(const GapOptions& options, Device& device, const trainers::GenerativeModel& model, const Progress& progress, Row& row) {
  const auto began = Clock::now();
  const HostEnergy host;
  const Work before = device.work();
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
  row.electricity.work = between(before, row.electricity.work);
  row.electricity.bill = bill(device.capabilities(), row.electricity.work);
  row.seconds = since(began);
}

/// The rows of a chip: as it is, and tuned; calibrated, and that tuned. `progress`: of the chip.
std::vector<Row> measure(const GapOptions& options, const SavedModel& saved, const trainers::Images& data, const std::string& chip,
                         const Progress& progress) {
  std::vector<Row> rows;
  const double parts = (options.calibrate ? 2 : 1) * (options.tune > 0 ? 2 : 1) + (options.calibrate ? 1 : 0);
  double done = 0;
  const Progress part = [&](double fraction) { return progress((done + fraction) / parts); };
  for (const bool calibrated : {false, true}) {
    if (calibrated && !options.calibrate) continue;
    Row row;
    row.chip = chip;
    row.treatment = calibrated ? "calibrated" : "as it is";
    try {
      Device device = open(uri_of(chip));
      if (saved.model.cells() > device.capabilities().cells)
        throw Error(HB_UNSUPPORTED, fmt::format("the model has {} cells and the device {}", saved.model.cells(), device.capabilities().cells));
      if (calibrated) row.calibrating = prepared(device, [&] { calibrate(options, device, saved.model, part); }), ++done;
      draw(options, device, saved.model, part, row), ++done;
      rows.push_back(row);
      if (options.tune == 0) continue;
      row.treatment = calibrated ? "calibrated, tuned" : "tuned";
      trainers::GenerativeModel model;
      row.tuning = prepared(device, [&] { model = tuned(options, device, saved, data, part); });
      draw(options, device, model, part, row), ++done;
    } catch (const Error& error) {
      if (error.code() == HB_ABORTED || error.code() == HB_BAD_ARG) throw;
      row.refused = error.what();
    }
    rows.push_back(row);
  }
  return rows;
}

nlohmann::json json_of(const Preparation& is) {
  return {{"device_seconds", is.device_seconds}, {"host_seconds", is.seconds},
          {"joules", is.bill.items.empty() ? nlohmann::json(nullptr) : nlohmann::json(is.bill.joules)}, {"grade", name(is.bill.grade)}};
}

nlohmann::json json_of(const Row& row) {
  nlohmann::json json{{"chip", row.chip}, {"treatment", row.treatment}};
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
  if (row.calibrating.device_seconds > 0) json["calibrating"] = json_of(row.calibrating);
  if (row.tuning.device_seconds > 0) json["tuning"] = json_of(row.tuning);
  return json;
}

std::string joules_of(const Bill& bill) { return bill.items.empty() ? "no prices" : fmt::format("{:.3g} ({})", bill.joules, name(bill.grade)); }

/// Device time and electricity of what came before the drawing.
std::string preparation_of(const Row& row) {
  const double seconds = row.calibrating.device_seconds + row.tuning.device_seconds;
  if (seconds == 0) return "";
  const double joules = row.calibrating.bill.joules + row.tuning.bill.joules;
  return fmt::format("{:.3g}{}", seconds, joules > 0 ? fmt::format("; {:.3g}", joules) : "");
}

std::string table_of(const std::vector<Row>& rows) {
  std::string table =
      "| chip | treatment | likeness | images held | inverted | heat of a drawing, kT | bath, J | electricity, J | device time, s | clips | "
      "preparing, s; J |\n|---|---|---|---|---|---|---|---|---|---|---|\n";
  for (const Row& row : rows) {
    if (!row.refused.empty()) {
      table += fmt::format("| {} | {} | refused: {} |\n", row.chip, row.treatment, row.refused);
      continue;
    }
    table += fmt::format("| {} | {} | {:.3f} | {:.2f} | {:.0f} % | {:.4g} ± {:.2g} | {:.3g} | {} | {:.3g} | {} | {} |\n", row.chip, row.treatment,
                         row.likeness, row.images_held, 100 * row.inverted, row.heat, row.heat_sd, row.electricity.bath_joules,
                         joules_of(row.electricity.bill), row.electricity.work.device_seconds, row.clips, preparation_of(row));
  }
  return table;
}

/// Quality and, where a chip states prices, joules side by side.
std::optional<PngBytes> figure_of(const std::vector<Row>& rows, std::string& why) {
  std::string data;
  int shown = 0;
  bool priced = false;
  const bool treated = std::ranges::any_of(rows, [](const Row& row) { return row.treatment != "as it is"; });
  for (const Row& row : rows) {
    if (!row.refused.empty()) continue;
    const bool prices = !row.electricity.bill.items.empty();
    data += fmt::format("\"{}{}\" {} {} {}\n", row.chip, treated ? ", " + row.treatment : "", row.likeness, row.images_held,
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
                                 "set xtics rotate by 90 right noenhanced\nunset key\nset xrange [-0.6:{}]\nset yrange [0:*]\nset grid y\n"
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
  trainers::Images data;
  if (options.tune > 0) {
    const std::size_t images = saved.model.prototypes.digits.size() / std::max<std::size_t>(1, saved.model.classes().size());
    data = options.data.empty() ? trainers::draw_digits(trainers::drawn_digits_seed, std::max<std::size_t>(20, images)) : trainers::read_idx(options.data);
  }
  watch_interrupts();
  ProgressBar bar(ProgressBar::style_for(options.json), "gap", 1.0, "");
  std::vector<Row> rows;
  double chips = 0;
  for (const std::string& chip : options.profiles) {
    const std::vector<Row> of_chip = measure(options, saved, data, chip, [&](double fraction) {
      bar.update((chips + fraction) / static_cast<double>(options.profiles.size()));
      return !interrupted();
    });
    rows.insert(rows.end(), of_chip.begin(), of_chip.end());
    ++chips;
  }
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
      put("{}, {}: {}\n", row.chip, row.treatment, verdict);
  return 0;
}

}  // namespace heatbath::apps
