#include "heatbath/trainers/setting_names.hpp"
#include "report/html_report.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "report/html_page.hpp"
#include "report/paper_figures.hpp"

namespace heatbath::apps {

namespace {

constexpr double kJoulesAt300K = 1.380649e-23 * 300;  ///< one kT

/// A large number as 5.2 · 10^14.
std::string power(double value, int decimals) {
  const int exponent = static_cast<int>(std::floor(std::log10(value)));
  return fmt::format("{:.{}f} · 10<sup>{}</sup>", value / std::pow(10.0, exponent), decimals, exponent);
}

/// A row of the comparison; a dash stands where a column has nothing to say.
struct Row {
  std::string name, note, ours, paper, prototype;
  std::string beside = {};
};

std::string table_row(const Row& row, bool with_beside) {
  const auto cell = [](const std::string& text) { return "<td>" + (text.empty() ? "&ndash;" : text) + "</td>"; };
  return fmt::format("<tr><td class=\"name\">{}{}</td><td class=\"own\">{}</td>{}{}{}</tr>\n", row.name,
                     row.note.empty() ? "" : "<small>" + row.note + "</small>", row.ours,
                     with_beside ? cell(row.beside) : "", cell(row.paper), cell(row.prototype));
}

bool reference_settings(const trainers::GenerativeModel& model) {
  return model.visible == 784 && model.hidden == 512 && model.updates == 100 && model.prototypes.digits.size() == 3 &&
         model.ramp_end == 0.75 && model.optimizer == trainers::Optimizer::gradient && model.drive == trainers::Drive::pixel;
}

std::string comparison(const GenerativeReport& report) {
  const trainers::GenerativeModel& model = report.saved.model;
  const bool common = model.scaling == trainers::Scaling::common_norm;
  const PrototypeFigures& other = common ? kPrototypeCommonNorm : kPrototypeUnitVariance;
  const Moments heat = report.heat();
  const double v0 = moments(report.samples.v0, report.kT()).mean, vf = moments(report.samples.vf, report.kT()).mean;

  const EarlierRun beside = report.beside.value_or(EarlierRun{});
  std::vector<Row> rows;
  rows.push_back({"Heat of one drawing, mean &lt;Q&gt;/kT", "positive: given to the bath", number(heat.mean, 0),
                  fmt::format("{:.0f}", kPaperHeat), other.heat, number(beside.heat, 0)});
  rows.push_back({"&hellip; its standard deviation", "over independent drawings", number(heat.sd, 0),
                  fmt::format("about {:.0f}", kPaperHeatSd), other.heat_sd, number(beside.heat_sd, 0)});
  std::string exact;
  if (model.j2 == 1 && model.j4 == 1 && std::fabs(model.kT - 0.1f) < 1e-6f) {
    exact = fmt::format("; equilibrium by quadrature: {:.0f}", kIsolatedCellEnergy * model.cells());
  }
  rows.push_back({"Energy of the noise, &lt;V<sub>0</sub>&gt;/kT",
                  "under the learned couplings, before they act" + exact, number(v0, 0), "", other.v0, number(beside.v0, 0)});
  rows.push_back({"Energy of the drawing, &lt;V<sub>f</sub>&gt;/kT", "", number(vf, 0), "", other.vf, number(beside.vf, 0)});
  rows.push_back({"Reverse action per step, before training",
                  fmt::format("held out, {} trajectories", report.saved.held_out_trajectories),
                  number(report.saved.held_out_first.per_step, 2), "", other.action_first, number(beside.action_first, 2)});
  rows.push_back({"Reverse action per step, after training", "held out", number(report.saved.held_out_last.per_step, 2),
                  "", other.action_last, number(beside.action_last, 2)});
  rows.push_back({"Likeness to the nearest training image", "mean |correlation|",
                  number(report.classes.mean_abs_correlation, 2), "", other.correlation, number(beside.correlation, 2)});
  rows.push_back({"Inverted drawings", "black on white",
                  number(100 * report.classes.inverted_fraction, 0, " %"), "shows the same", other.inverted, number(100 * beside.inverted, 0, " %")});
  if (std::isfinite(report.classes.asked_fraction)) {
    rows.push_back({"Drawings of the class asked for", "told by clamped label cells",
                    number(100 * report.classes.asked_fraction, 1, " %"), "", "", number(100 * beside.asked, 1, " %")});
  }
  if (report.in_sample) {
    rows.push_back({"Reverse action per step, in-sample", "on trajectories of the training",
                    number(report.in_sample->per_step, 2), "", ""});
  }
  if (report.quality) {
    rows.push_back({"Read by a classifier as the class of the nearest training image",
                    fmt::format("it reads {:.0f} % of real digits that it did not learn from",
                                100 * report.quality->classifier_accuracy),
                    number(100 * report.quality->recognised, 0, " %"), "", "", number(100 * beside.recognised, 0, " %")});
    rows.push_back({"Entropy of the classes it reads", fmt::format("at most {:.2f} nats", std::log(10.0)),
                    number(report.quality->class_entropy, 2, " nats"), "", ""});
    rows.push_back({"Distance to the nearest training image; among drawings of one image",
                    "root mean square, images at variance 1",
                    number(report.quality->prototype_distance, 2) + "; " + number(report.quality->diversity, 2), "", ""});
    rows.push_back({"Training images in use", fmt::format("exp of an entropy, of {}", model.prototypes.digits.size()),
                    number(report.quality->images_drawn, 1), "", ""});
  }
  const double ratio = kDigitalHeat / heat.mean;
  rows.push_back({"Digital yardstick over this machine",
                  power(kDigitalHeat, 1) + " kT for a network 784-128-128-784 in 10 steps at 1 pJ per MAC",
                  heat.mean > 0 ? power(ratio, 1) : "&ndash;", "&gt; " + power(kPaperRatio, 0),
                  "", beside.heat > 0 ? power(kDigitalHeat / beside.heat, 1) : ""});

  std::string html = fmt::format(
      "<div class=\"wide\"><table><tr><th>Quantity</th><th>This run</th>{}<th>Paper</th>"
      "<th>Independent prototype</th></tr>\n",
      report.beside ? "<th>" + html_escape(beside.name()) + "</th>" : "");
  for (const Row& row : rows) html += table_row(row, report.beside.has_value());
  html += "</table></div>\n";
  html +=
      "<p class=\"note\" style=\"margin-top:16px\">The ratio counts the dynamics only, on both sides. If each of the "
      "1296 cells is also charged for one read before and one after, the claim of more than 10<sup>11</sup> survives "
      "only if a read costs no more than 1.18 kT ln 2.</p>\n";
  if (!common) {
    html +=
        "<p class=\"note\">The images were scaled to unit variance each. The paper's heat belongs to images scaled to "
        "a "
        "common norm; unit variance gives about half of it.</p>\n";
  }
  if (!reference_settings(model)) {
    html +=
        "<p class=\"note\">This run's settings differ from those of the other columns (784 + 512 cells, three images, "
        "100 updates of the batch rule, pixel drive), so its figures need not agree with them.</p>\n";
  }
  return html;
}

/// How it was trained, a sentence.
std::string how_trained(const trainers::GenerativeModel& model) {
  const std::size_t images = model.prototypes.digits.size();
  const std::string learnt = fmt::format("It learnt {} image{}", images, images == 1 ? "" : "s");
  if (model.optimizer == trainers::Optimizer::least_squares)
    return fmt::format("{} from {} recordings of how noise takes an image apart: its couplings are those that run the "
                       "recordings backwards best{}.", learnt, model.updates,
                       model.segments > 1 ? fmt::format(", a set of them for each of {} parts of a drawing", model.segments) : "");
  return fmt::format("{} by {} updates of its couplings, each after watching noise take an image apart.", learnt, model.updates);
}

}  // namespace

std::string html_report(const GenerativeReport& report) {
  const trainers::GenerativeModel& model = report.saved.model;
  const Moments heat = report.heat();

  std::string digits, shares;
  const std::vector<std::uint8_t> classes = model.classes();
  const std::vector<double> share = report.class_shares();
  for (std::size_t i = 0; i < classes.size(); ++i) {
    digits += fmt::format("{}{}", i ? ", " : "", int{classes[i]});
    shares += fmt::format("{}{}: {:.0f} %", i ? ", " : "", int{classes[i]}, 100 * share[i]);
  }

  std::string html = page_head("Digits drawn by a thermodynamic computer");
  html += fmt::format(
      "<p class=\"lead\">A thermodynamic computer is a network of noisy cells that computes by relaxing: each cell is "
      "pushed by the cells it is coupled to and shaken by heat. This one has {} visible cells, one for each pixel of a "
      "picture, and {} hidden ones. {} It then drew {} pictures out of nothing but its own thermal noise{}.</p>\n",
      model.visible, model.hidden, how_trained(model), report.shots,
      report.samples.asked.empty() ? "" : ", each of the digit that it was asked for");

  std::vector<Picture> drawings{report.pictures.front()};
  if (report.beside && report.beside->drawings) {
    drawings.push_back({"", report.beside->name(),
                        "The same chip and the same images, for comparison: 25 drawings of the run in " +
                            report.beside->folder + ".",
                        report.beside->drawings, {}, true});
  }
  html += "<div class=\"beside\">" + figures(drawings) + "</div>\n";

  html += "<div class=\"tiles\">";
  html += tile(number(heat.mean, 0, " kT"), "mean heat of one drawing");
  if (std::isfinite(heat.mean))
    html += tile(fmt::format("{:.1e} J", heat.mean * kJoulesAt300K), "the same at room temperature (300 K)");
  html += tile(number(report.classes.mean_abs_correlation, 2), "likeness to the nearest training image, at most 1");
  if (std::isfinite(report.classes.asked_fraction))
    html += tile(number(100 * report.classes.asked_fraction, 0, " %"), "of the digit that was asked for");
  html += tile(html_escape(shares), "share of each digit among the drawings");
  html += "</div>\n";

  html += "<h2>How a picture comes about</h2>\n" + figures({report.pictures.begin() + 1, report.pictures.end()});

  html += "<h2>Figures, beside the paper's</h2>\n";
  html +=
      "<p>Paper: S. Whitelam, <em>Generative thermodynamic computing</em>, Phys. Rev. Lett. 136, 037101 (2026), "
      "arXiv:2506.15121. The prototype is an independent plain implementation of the paper's recipe. kT is the mean "
      "energy of thermal noise; the reverse action is minus the log of the probability that the machine runs a noising "
      "backwards, which training lowers.</p>\n";
  html += comparison(report);

  html += "<h2>How it was run</h2>\n";
  html += pairs({
      {"Command", "heatbath " + report.command},
      {"Device", report.device},
      {"Trained on device", model.device},
      {"Images", fmt::format("{} (digits {})", model.data_source, digits)},
      {"Image scaling", std::string(name_of(model.scaling))},
      {"Drive of hidden cells while noising", std::string(name_of(model.drive))},
      {"Learning rule", std::string(name_of(model.optimizer))},
      {"Segments, label cells", fmt::format("{}, {}", model.segments, model.labels)},
      {"Part of the noising in which the drive falls", fmt::format("{:.6g}", model.ramp_end)},
      {"Cell",
       fmt::format("V = {:.6g} x² + {:.6g} x⁴ + b x at kT = {:.6g} energy units", model.j2, model.j4, model.kT)},
      {"Duration of noising and of drawing", fmt::format("{:.6g} time units each", model.tf)},
      {"Capture period while training",
       report.capture_period > 0 ? fmt::format("{:.6g} time units", report.capture_period) : "not part of this run"},
      {"Seed", fmt::format("{} (training: {})", report.seed, model.seed)},
      {"Heat from", report.samples.heat_source == "meter"    ? "the device's meters"
                    : report.samples.heat_source == "states" ? "captured states, with the couplings as applied"
                                                             : report.samples.heat_source},
      {"Values clipped to the device's ranges", std::to_string(report.samples.clips)},
      {"Cell-steps at a rail", std::to_string(report.samples.rails)},
      {"Model", report.model_path},
  });

  html += "<h2>Time</h2>\n";
  html += pairs({
      {"Building programs", fmt::format("{:.2f} s", report.seconds.build_programs)},
      {"Device, training", fmt::format("{:.2f} s", report.seconds.simulate)},
      {"Gradient on the host", fmt::format("{:.2f} s", report.seconds.gradient)},
      {"Drawing", fmt::format("{:.2f} s", report.seconds.generate)},
      {"Everything", fmt::format("{:.2f} s", report.seconds.total)},
  });

  html += "<h2>Energy</h2>\n";
  html += pairs(electricity_rows(report.electricity));

  html += page_foot("The numbers are in report.json, the couplings in the model file.");
  return html;
}

}  // namespace heatbath::apps
