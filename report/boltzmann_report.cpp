#include "report/boltzmann_report.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "files/json_numbers.hpp"
#include "files/provenance.hpp"
#include "report/figure.hpp"
#include "report/html_page.hpp"
#include "report/png_sheet.hpp"
#include "report/training_gaps.hpp"

namespace heatbath::apps {

namespace {

using measure::Estimate;
using nlohmann::json;
using trainers::Spin;
using trainers::SpinMachine;

constexpr std::size_t kColumns = 10;

/// Side of the square that the visible cells are; 0 where they are none.
std::uint32_t side_of(const SpinMachine& machine) {
  const auto side = static_cast<std::uint32_t>(std::lround(std::sqrt(machine.visible)));
  return side * side == machine.visible && side > 1 ? side : 0;
}

std::size_t scale_of(std::uint32_t side) { return side > 16 ? 2 : side > 5 ? 5 : 12; }

Picture samples_picture(const BoltzmannRun& run) {
  Picture picture{"samples.png", "What it learned from, and what it draws",
                  "Above: patterns of the data. Below the gap: states of the visible cells, each of a run of its own from random "
                  "spins. None is chosen.", {}, {}, true};
  const std::uint32_t side = side_of(run.saved.training.machine);
  if (side == 0) {
    picture.missing = "the visible cells are no square";
    return picture;
  }
  const std::size_t above = std::min<std::size_t>(3, (run.data.size() + kColumns - 1) / kColumns);
  const std::size_t below = std::min<std::size_t>(7, (run.drawn.shots + kColumns - 1) / kColumns);
  PngSheet sheet(above + 1 + below, kColumns, side, side, scale_of(side), 6);
  const auto put = [&](std::size_t row, std::size_t column, std::span<const Spin> spins) {
    for (std::size_t i = 0; i < std::size_t{side} * side; ++i) {
      const std::uint8_t grey = spins[i] > 0 ? 30 : 235;
      sheet.set(row, column, i / side, i % side, {grey, grey, grey});
    }
  };
  for (std::size_t n = 0; n < std::min(run.data.size(), above * kColumns); ++n) put(n / kColumns, n % kColumns, run.data.pattern(n));
  for (std::uint32_t shot = 0; shot < std::min<std::size_t>(run.drawn.shots, below * kColumns); ++shot)
    put(above + 1 + shot / kColumns, shot % kColumns, run.drawn.state(shot, 0));
  picture.png = sheet.encode();
  return picture;
}

Picture weights_picture(const BoltzmannRun& run) {
  const SpinMachine& machine = run.saved.training.machine;
  Picture picture{"weights.png", "Couplings of the hidden cells",
                  "A square for each hidden cell: its couplings to the visible ones, red aligning, blue opposing, white none; the "
                  "full colour is the largest of all.", {}, {}, true};
  const std::uint32_t side = side_of(machine), hidden = machine.cells - machine.visible;
  if (side == 0 || hidden == 0) {
    picture.missing = hidden == 0 ? "there are no hidden cells" : "the visible cells are no square";
    return picture;
  }
  float largest = 1e-6f;
  for (std::uint32_t h = machine.visible; h < machine.cells; ++h)
    for (std::uint32_t i = 0; i < machine.visible; ++i) largest = std::max(largest, std::abs(machine.coupling(h, i)));
  const std::size_t shown = std::min<std::size_t>(hidden, 100);
  PngSheet sheet((shown + kColumns - 1) / kColumns, std::min(shown, kColumns), side, side, scale_of(side), 6);
  for (std::size_t h = 0; h < shown; ++h)
    for (std::uint32_t i = 0; i < machine.visible; ++i)
      sheet.set(h / kColumns, h % kColumns, i / side, i % side,
                blue_white_red(machine.coupling(machine.visible + static_cast<std::uint32_t>(h), i) / largest));
  picture.png = sheet.encode();
  return picture;
}

Picture training_picture(const BoltzmannRun& run) {
  Picture picture{"training.png", "Training",
                  "Root mean square difference between the averages over the data and those over the device, which every update "
                  "follows; the scatter of the shots stays in it.", {}, {}};
  const std::vector<double>& gaps = run.saved.training.gaps;
  if (gaps.size() < 2) {
    picture.missing = "fewer than two updates";
    return picture;
  }
  std::string data = gap_rows(gaps);
  if (run.saved.curve.size() < 2) return plotted(std::move(picture), kGapsPlot, data);
  picture.caption += " Red, on the right axis: KL(data || machine) in nats, all states counted.";
  data += "\n\n";
  for (const auto& [updates, divergence] : run.saved.curve) data += fmt::format("{} {:.8g}\n", updates, divergence);
  return plotted(std::move(picture),
                 "set xlabel 'update'\nset ylabel 'difference of averages' textcolor rgb '#1d4f91'\nset yrange [0:*]\n"
                 "set y2label 'KL / nats' textcolor rgb '#c0392b'\nset y2range [0:*]\nset y2tics\nset ytics nomirror\nset key off\n"
                 "plot 'data' index 0 using 1:2 with lines lw 1.2 lc rgb '#8fa8c8', "
                 "'data' index 1 using 1:2 axes x1y2 with linespoints pt 7 ps 0.4 lw 2 lc rgb '#c0392b'\n", data);
}

/// Visible states by the weight that data or machine give them, highest first.
std::vector<std::uint32_t> likely_states(const BoltzmannRun& run, std::span<const double> wanted, std::size_t most) {
  std::vector<std::uint32_t> states(run.law.size());
  std::iota(states.begin(), states.end(), 0u);
  std::ranges::stable_sort(states, [&](std::uint32_t a, std::uint32_t b) {
    return wanted[a] != wanted[b] ? wanted[a] > wanted[b] : run.law[a] > run.law[b];
  });
  states.resize(std::min(states.size(), most));
  return states;
}

Picture law_picture(const BoltzmannRun& run) {
  Picture picture{"law.png", "The law that it learned",
                  "Probability of visible states: those of the data first (grey bars), then the likeliest others. Red: of the "
                  "machine, all its states counted. Points with two standard errors: how often the device drew them.", {}, {}};
  if (run.law.empty()) {
    picture.missing = "too many states to count";
    return picture;
  }
  std::vector<double> wanted(run.law.size(), 0.0), drawn(run.law.size(), 0.0);
  for (std::size_t n = 0; n < run.data.size(); ++n) wanted[trainers::state_of(run.data.pattern(n))] += run.data.weights[n];
  for (std::uint32_t shot = 0; shot < run.drawn.shots; ++shot)
    drawn[trainers::state_of(run.drawn.state(shot, 0).first(run.data.cells))] += 1.0 / run.drawn.shots;
  std::string data;
  std::size_t row = 0;
  for (const std::uint32_t state : likely_states(run, wanted, 40))
    data += fmt::format("{} {:.6g} {:.6g} {:.6g} {:.6g}\n", ++row, wanted[state], run.law[state], drawn[state],
                        2 * std::sqrt(drawn[state] * (1 - drawn[state]) / std::max(1u, run.drawn.shots)));
  return plotted(std::move(picture),
                 "set xlabel 'state'\nset ylabel 'probability'\nset yrange [0:*]\nset style fill solid 0.6 noborder\nset boxwidth 0.8\n"
                 "set key top right\nplot 'data' using 1:2 with boxes lc rgb '#c9ced6' title 'data', "
                 "'data' using 1:3 with points pt 5 ps 0.8 lc rgb '#c0392b' title 'machine, counted', "
                 "'data' using 1:4:5 with yerrorbars pt 7 ps 0.6 lc rgb '#1d4f91' title 'drawn'\n", data);
}

const char* kind_of(const SpinMachine& machine) {
  return machine.hidden_coupled ? "general" : machine.visible_coupled ? "hidden cells apart" : "restricted";
}

}  // namespace

bool gradient_is_off(const BoltzmannRun& run, double z) { return run.gradient && run.gradient->worst_z > z; }

std::vector<Picture> boltzmann_pictures(const BoltzmannRun& run) {
  return {samples_picture(run), law_picture(run), training_picture(run), weights_picture(run)};
}

nlohmann::json boltzmann_json(const BoltzmannRun& run) {
  const SavedBoltzmann& saved = run.saved;
  const trainers::BoltzmannOptions& o = saved.options;
  const trainers::MachineTraining& training = saved.training;
  json out;
  const auto put = [&](const std::string& name, const std::optional<Estimate>& m) {
    out[name] = m ? or_null(m->value) : json(nullptr);
    out[name + "_se"] = m ? or_null(m->standard_error) : json(nullptr);
  };
  out["command"] = "train boltzmann";
  out["problem"] = saved.problem;
  out["data_source"] = run.data.source;
  out["patterns"] = run.data.size();
  out["kl"] = or_null(run.divergence_exact);
  out["kl_first"] = or_null(run.divergence_first);
  put("kl_drawn", run.divergence_drawn);
  out["log_likelihood_exact"] = or_null(run.likelihood_exact);
  put("log_likelihood", run.likelihood);
  put("log_likelihood_held_out", run.likelihood_held_out);
  out["log_likelihood_independent"] = or_null(run.likelihood_independent);
  out["gradient"] = nullptr;
  if (run.gradient)
    out["gradient"] = {{"parameters", run.gradient->parameters}, {"shots", run.gradient->shots},
                       {"worst_z", or_null(run.gradient->worst_z)}, {"mean_square_z", or_null(run.gradient->mean_square_z)}};
  json curve = json::array();
  for (const auto& [updates, divergence] : saved.curve) curve.push_back({updates, divergence});
  out["curve"] = std::move(curve);
  out["gaps"] = training.gaps;
  out["exchange_rate"] = training.exchanges_tried > 0
                             ? json(static_cast<double>(training.exchanges_made) / static_cast<double>(training.exchanges_tried))
                             : json(nullptr);
  out["class_shares"] = run.class_shares;
  out["drawn"] = {{"shots", run.drawn.shots}, {"sweeps", run.draw_sweeps}};
  out["settings"] = {{"machine", kind_of(training.machine)}, {"visible", training.machine.visible},
                     {"hidden", training.machine.cells - training.machine.visible}, {"parameters", training.machine.parameters()},
                     {"chains", name(o.phase)}, {"updates", o.updates}, {"shots", o.shots}, {"sweeps", o.sweeps},
                     {"settle", o.settle}, {"rate", o.rate}, {"decay", o.decay}, {"limit", o.limit},
                     {"temperatures", o.phase == trainers::FreePhase::tempered ? o.temperatures : 1}, {"hottest", o.hottest}};
  out["seed"] = training.seed;
  out["device"] = run.device;
  out["electricity"] = electricity_json(run.electricity);
  out["seconds"] = run.seconds;
  out["pictures"] = pictures_json(run.pictures);
  out["provenance"] = provenance();
  return out;
}

std::string boltzmann_html(const BoltzmannRun& run) {
  const SavedBoltzmann& saved = run.saved;
  const trainers::BoltzmannOptions& o = saved.options;
  const SpinMachine& machine = saved.training.machine;
  std::string html = page_head("A Boltzmann machine that learned on the device");
  html += fmt::format(
      "<p class=\"lead\">{} visible and {} hidden binary cells. Every field and coupling followed the difference of two averages, "
      "one with the data in the visible cells and one of the device left alone, {} times. The digital computer beside it never drew a "
      "sample.</p>\n",
      machine.visible, machine.cells - machine.visible, saved.training.updates);
  html += "<div class=\"tiles\">";
  if (run.divergence_exact) html += tile(number(*run.divergence_exact, 4, " nats"), "KL(data || machine), all states counted");
  if (run.divergence_first) html += tile(number(*run.divergence_first, 3, " nats"), "before the first update");
  if (run.likelihood_held_out) html += tile(number(run.likelihood_held_out->value, 2, " nats"), "log-likelihood of held-out patterns");
  if (run.gradient) html += tile(number(run.gradient->worst_z, 2), fmt::format("largest |z| of {} numbers of the gradient", run.gradient->parameters).c_str());
  html += "</div>\n<h2>Figures</h2>\n" + table_head({"Quantity", "Value"});
  if (run.divergence_exact) html += table_row({"KL(data || machine), all states counted, nats", number(*run.divergence_exact, 5)});
  if (run.divergence_drawn)
    html += table_row({fmt::format("the same from the frequencies of {} drawings, nats", run.drawn.shots), std::isfinite(run.divergence_drawn->value) ? with_error(run.divergence_drawn) : "infinite: a pattern never came"});
  if (run.likelihood_exact) html += table_row({"mean ln p of the data, all states counted, nats", number(*run.likelihood_exact, 4)});
  if (run.likelihood) html += table_row({"mean ln p of the data, free energy by ramps on the device, nats", with_error(run.likelihood)});
  if (run.likelihood_held_out) html += table_row({"mean ln p of held-out patterns, the same, nats", with_error(run.likelihood_held_out)});
  if (run.likelihood_independent) html += table_row({"mean ln p of held-out patterns by independent cells, nats", number(*run.likelihood_independent, 3)});
  if (run.gradient)
    html += table_row({fmt::format("gradient on the device, {} shots, against all states counted: largest |z|; mean z&sup2;", run.gradient->shots),
                       fmt::format("{}; {}", number(run.gradient->worst_z, 2), number(run.gradient->mean_square_z, 2))});
  if (saved.training.exchanges_tried > 0)
    html += table_row({"exchanges of neighbouring temperatures that were made",
                       number(100 * static_cast<double>(saved.training.exchanges_made) / static_cast<double>(saved.training.exchanges_tried), 1, " %")});
  html += kTableEnd;
  if (run.digits) {
    html += "<h2>Classes</h2>\n" + table_head({"Digit", "Share of the data", "Share of the drawings"});
    for (std::size_t c = 0; c < run.class_shares.size(); ++c)
      html += table_row({std::to_string(run.digits->digits[c]), number(100.0 / static_cast<double>(run.class_shares.size()), 1, " %"), number(100 * run.class_shares[c], 1, " %")});
    html += kTableEnd;
  }
  html += "<h2>Pictures</h2>\n" + figures(run.pictures);
  html += "<h2>How it was run</h2>\n" +
          pairs({{"Device", run.device},
                 {"Data", fmt::format("{}: {} patterns", run.data.source, run.data.size())},
                 {"Machine", fmt::format("{}, {} parameters", kind_of(machine), machine.parameters())},
                 {"Free phase", o.phase == trainers::FreePhase::tempered
                                    ? fmt::format("tempered, {} temperatures up to {:g} kT, {} chains of {:g} sweeps", o.temperatures, o.hottest, o.shots, o.sweeps)
                                    : fmt::format("{}, {} chains of {:g} sweeps", name(o.phase), o.shots, o.sweeps)},
                 {"Rate", fmt::format("{:g} at first, decay {:g}", o.rate, o.decay)},
                 {"Drawings", fmt::format("{} of {:g} sweeps from random spins", run.drawn.shots, run.draw_sweeps)},
                 {"Seed", std::to_string(saved.training.seed)},
                 {"Time", fmt::format("{:.1f} s", run.seconds)}}) + pairs(electricity_rows(run.electricity));
  html += page_foot("The numbers are in report.json, the machine in machine.json.");
  return html;
}

}  // namespace heatbath::apps
