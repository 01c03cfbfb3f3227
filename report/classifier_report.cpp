#include "report/classifier_report.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "files/json_numbers.hpp"
#include "files/provenance.hpp"
#include "report/figure.hpp"
#include "report/html_page.hpp"

namespace heatbath::apps {

namespace {

using nlohmann::json;

constexpr std::size_t kStepsOfMean = 50;

const trainers::Inference& last_of(const ClassifierRun& run) { return run.tuned ? *run.tuned : run.told; }

json inference_json(const trainers::Inference& told) {
  return {{"accuracy", told.accuracy.value},          {"accuracy_se", told.accuracy.standard_error},
          {"top_two", told.top_two.value},            {"top_two_se", told.top_two.standard_error},
          {"single_run", told.single.value},          {"single_run_se", told.single.standard_error},
          {"heat_mean_kT", or_null(told.heat_kT.value)}, {"heat_mean_kT_se", or_null(told.heat_kT.standard_error)},
          {"heat_joules", or_null(told.heat_joules)}, {"runs", told.runs},
          {"device_seconds", told.device_seconds},    {"device_steps", told.steps}};
}

/// Colours of the digits that are read right and wrong.
Colour tinted(std::uint8_t ink, bool right) {
  const auto paper = static_cast<std::uint8_t>(255 - ink);
  return right ? Colour{paper, paper, paper} : Colour{255, paper, paper};
}

}  // namespace

std::vector<Picture> classifier_pictures(const ClassifierRun& run, const trainers::Images& held_out) {
  Picture training{"training.png", "Training",
                   "Cross entropy of the teacher, and the share of the guides' drive that the machine's forces miss (root mean square), "
                   "means over 50 steps each.", {}, {}};
  const std::vector<double>& losses = run.saved.training.losses;
  const std::size_t teaching = (run.saved.options.teacher_steps + kStepsOfMean - 1) / kStepsOfMean;
  if (losses.size() < 4) {
    training.missing = "fewer than 200 steps of training";
  } else {
    std::string data;
    for (std::size_t k = 0; k < std::min(teaching, losses.size()); ++k) data += fmt::format("{} {:.8g}\n", kStepsOfMean * (k + 1), losses[k]);
    data += "\n\n";
    for (std::size_t k = teaching; k < losses.size(); ++k) data += fmt::format("{} {:.8g}\n", kStepsOfMean * (k - teaching + 1), std::sqrt(losses[k]));
    training = plotted(std::move(training),
                       "set xlabel 'step'\nset logscale y\nset key top right\n"
                       "plot 'data' index 0 using 1:2 with lines lw 2 lc rgb '#8fa8c8' title 'teacher: cross entropy', "
                       "'data' index 1 using 1:2 with lines lw 2 lc rgb '#1d4f91' title 'machine: share of the drive missed'\n", data);
  }
  Picture digits{"digits.png", "Held-out digits as the machine reads them",
                 "The first ten held-out digits that it reads as 0, 1 and so on, one class a row; those that are labelled otherwise are red.",
                 {}, {}, true};
  PngSheet sheet(10, 10, held_out.rows, held_out.columns, 3, 4);
  const std::vector<std::uint8_t>& classes = last_of(run).classes;
  std::vector<std::size_t> shown(10, 0);
  for (std::size_t n = 0; n < classes.size(); ++n) {
    const std::size_t row = classes[n];
    if (shown[row] == 10) continue;
    const auto pixels = held_out.image(n);
    for (std::size_t i = 0; i < pixels.size(); ++i)
      sheet.set(row, shown[row], i / held_out.columns, i % held_out.columns, tinted(pixels[i], held_out.labels[n] == classes[n]));
    ++shown[row];
  }
  digits.png = sheet.encode();
  return {std::move(training), std::move(digits)};
}

nlohmann::json classifier_json(const ClassifierRun& run) {
  const trainers::ClassifierOptions& o = run.saved.options;
  const trainers::ClassifierMachine& m = run.saved.training.machine;
  json out = inference_json(last_of(run));
  out["command"] = "train classifier";
  out["data_source"] = run.saved.data_source;
  out["held_out"] = run.saved.held_out;
  out["teacher_accuracy"] = run.teacher_accuracy;
  if (run.tuned) out["before_tuning"] = inference_json(run.told);
  out["settings"] = {{"inputs", m.inputs}, {"hidden", m.hidden}, {"outputs", m.outputs}, {"drive", o.drive}, {"kT", m.kT}, {"duration", m.duration},
                     {"pixel_scale", m.pixel_scale}, {"teacher_steps", o.teacher_steps}, {"steps", o.steps}, {"batch", o.batch},
                     {"teacher_rate", o.teacher_rate}, {"rate", o.rate}, {"fine_tune", run.saved.tuning.updates}};
  out["losses"] = run.saved.training.losses;
  out["misses"] = run.saved.tuning.misses;
  out["seed"] = o.seed;
  out["device"] = run.device;
  out["electricity"] = electricity_json(run.electricity);
  out["train_seconds"] = run.train_seconds;
  out["seconds"] = run.seconds;
  out["pictures"] = pictures_json(run.pictures);
  out["provenance"] = provenance();
  return out;
}

std::string classifier_html(const ClassifierRun& run) {
  const trainers::ClassifierOptions& o = run.saved.options;
  const trainers::ClassifierMachine& m = run.saved.training.machine;
  const trainers::Inference& told = last_of(run);
  std::string html = page_head("A classifier of noisy cells");
  html += fmt::format("<p class=\"lead\">{} input cells are held at the pixels of a digit; {} hidden and {} output cells start at 0 and are read after "
                      "{:g} time units, at rest or not. Their couplings were learned by gradient descent: the forces on each cell come as near "
                      "as they can to those of a guide that leads it to a unit of a digital network.</p>\n",
                      m.inputs, m.hidden, m.outputs, m.duration);
  html += "<div class=\"tiles\">" + tile(number(100 * told.accuracy.value, 1, " %"), "of the held-out digits read right by the mean of all runs") +
          tile(number(100 * told.single.value, 1, " %"), "by one run") + tile(number(100 * told.top_two.value, 1, " %"), "among the first two") +
          tile(std::isfinite(told.heat_kT.value) ? number(told.heat_kT.value, 0, " kT") : std::string("not measured"), "heat of one run") + "</div>\n";
  html += "<h2>Figures</h2>\n" + table_head({"Parameters", "Read right", "By one run", "First two"});
  const auto row = [&](const char* what, const trainers::Inference& of) {
    html += table_row({what, fmt::format("{:.1f} ± {:.1f} %", 100 * of.accuracy.value, 100 * of.accuracy.standard_error),
                       fmt::format("{:.1f} ± {:.1f} %", 100 * of.single.value, 100 * of.single.standard_error),
                       fmt::format("{:.1f} ± {:.1f} %", 100 * of.top_two.value, 100 * of.top_two.standard_error)});
  };
  row("as trained", run.told);
  if (run.tuned) row("fine-tuned on this device", *run.tuned);
  html += table_row({"the digital teacher", fmt::format("{:.1f} %", 100 * run.teacher_accuracy), "", ""});
  html += kTableEnd;
  html += "<h2>Pictures</h2>\n" + figures(run.pictures);
  html += "<h2>How it was run</h2>\n" +
          pairs({{"Device", run.device}, {"Images", fmt::format("{}, the last {} held out", run.saved.data_source, run.saved.held_out)},
                 {"Drive of the guides", fmt::format("{:g}", o.drive)}, {"Training", fmt::format("{} steps of the teacher, {} of the machine", o.teacher_steps, o.steps)},
                 {"Fine-tuning", fmt::format("{} updates on the device", run.saved.tuning.updates)}, {"Seed", std::to_string(o.seed)},
                 {"Time", fmt::format("{:.1f} s, {:.1f} s of them training", run.seconds, run.train_seconds)}}) +
          pairs(electricity_rows(run.electricity));
  html += page_foot("The numbers are in report.json, the machine in classifier.json.");
  return html;
}

}  // namespace heatbath::apps
