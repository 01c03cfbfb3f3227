#include "report/generative_pictures.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include <fmt/format.h>

#include "report/figure.hpp"
#include "report/paper_figures.hpp"

namespace heatbath::apps {

namespace {

using trainers::GenerativeModel;
using trainers::Samples;

/// Side of the square picture that `cells` visible cells form, row-major.
std::size_t side_of(std::size_t cells) {
  const auto side = static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(cells))));
  return side * side == cells ? side : 0;
}

void draw(PngSheet& sheet, std::size_t tile_row, std::size_t tile_column, std::size_t side,
          std::span<const float> states) {
  for (std::size_t i = 0; i < states.size(); ++i) {
    const std::uint8_t shade = grey(states[i]);
    sheet.set(tile_row, tile_column, i / side, i % side, {shade, shade, shade});
  }
}

constexpr const char* kNotSquare = "the visible cells do not form a square picture";

}  // namespace

Picture samples_picture(const Samples& samples, const trainers::Classification& classes) {
  std::string caption =
      "Final states of the visible cells in 25 independent runs, each started from thermal noise. No picture went in: "
      "the trained couplings alone tell the cells what a digit is.";
  if (!samples.asked.empty()) {
    std::string list;
    std::vector<std::uint8_t> named;
    for (const std::uint8_t digit : samples.asked) {
      if (std::ranges::find(named, digit) != named.end()) continue;
      named.push_back(digit);
      list += fmt::format("{}{}", list.empty() ? "" : ", ", int{digit});
    }
    caption += " One clamped cell for each digit says which is wanted; asked for, in turn, from the top left: " + list + ".";
  }
  if (classes.inverted_fraction > 0)
    caption += " Black on white is a digit in negative: the energy is nearly even in x, so x and -x are nearly as likely.";
  Picture picture{"samples.png", "What the machine drew", std::move(caption), {}, {}, true};
  const std::size_t side = side_of(samples.visible);
  if (side == 0) {
    picture.missing = kNotSquare;
    return picture;
  }
  const std::size_t shown = std::min<std::size_t>(25, samples.shots);
  PngSheet sheet((shown + 4) / 5, 5, side, side);
  for (std::size_t i = 0; i < shown; ++i) {
    draw(sheet, i / 5, i % 5, side, std::span(samples.images).subspan(i * samples.visible, samples.visible));
  }
  picture.png = sheet.encode();
  return picture;
}

Picture trajectories_picture(const Samples& samples) {
  Picture picture{"trajectories.png", "From noise to digit", {}, {}, {}, true};
  const std::size_t side = side_of(samples.visible);
  const std::size_t times = samples.trajectory_time_units.size();
  if (side == 0 || times == 0) {
    picture.missing = side == 0 ? kNotSquare : "no trajectory was kept";
    return picture;
  }
  const std::size_t shots = samples.trajectories.size() / (times * samples.visible);
  PngSheet sheet(shots, times, side, side, 4);
  for (std::size_t i = 0; i < shots * times; ++i) {
    draw(sheet, i / times, i % times, side,
         std::span(samples.trajectories).subspan(i * samples.visible, samples.visible));
  }
  std::string list;
  for (const double time : samples.trajectory_time_units)
    list += fmt::format("{}{:.2f}", list.empty() ? "" : ", ", time);
  picture.caption = fmt::format(
      "{} run{}, one per row. Left: equilibrium noise of uncoupled cells. Then the learned "
      "couplings are switched on and the cells fall into a digit on their own. Times after "
      "switching, in time units: {}.",
      shots, shots == 1 ? "" : "s", list);
  picture.png = sheet.encode();
  return picture;
}

std::vector<std::size_t> hidden_by_strength(const GenerativeModel& model, std::size_t count) {
  const std::size_t cells = model.cells();
  const std::span<const float> last = model.couplings_of(model.segments - 1);
  std::vector<double> norm(model.hidden, 0.0);
  for (std::size_t v = 0; v < model.visible; ++v) {
    for (std::size_t h = 0; h < model.hidden; ++h) {
      const double coupling = last[v * cells + model.visible + h];
      norm[h] += coupling * coupling;
    }
  }
  std::vector<std::size_t> order(model.hidden);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return norm[a] > norm[b]; });
  if (count >= order.size()) return order;
  std::vector<std::size_t> spaced;
  for (std::size_t i = 0; i < count; ++i) spaced.push_back(order[count > 1 ? i * (order.size() - 1) / (count - 1) : 0]);
  return spaced;
}

Picture receptive_fields_picture(const GenerativeModel& model) {
  Picture picture{"receptive_fields.png", "What hidden cells look at", {}, {}, {}, true};
  const std::size_t side = side_of(model.visible);
  if (side == 0) {
    picture.missing = kNotSquare;
    return picture;
  }
  const std::vector<std::size_t> chosen = hidden_by_strength(model, 16);
  const std::size_t cells = model.cells();
  const std::span<const float> last = model.couplings_of(model.segments - 1);
  const auto coupling = [&](std::size_t h, std::size_t v) { return last[v * cells + model.visible + h]; };
  float largest = 0;
  for (const std::size_t h : chosen) {
    for (std::size_t v = 0; v < model.visible; ++v) largest = std::max(largest, std::fabs(coupling(h, v)));
  }
  PngSheet sheet((chosen.size() + 7) / 8, std::min<std::size_t>(8, chosen.size()), side, side, 4);
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    for (std::size_t v = 0; v < model.visible; ++v) {
      const float value = largest > 0 ? coupling(chosen[i], v) / largest : 0.0f;
      sheet.set(i / 8, i % 8, v / side, v % side, blue_white_red(value));
    }
  }
  picture.caption = fmt::format(
      "Learned couplings J of {} hidden cells to the visible cells, drawn where each visible "
      "cell sits, from the hidden cell coupled most strongly to the one coupled least. Blue: J < 0, the two cells "
      "align; red: "
      "J > 0, they oppose; full colour at |J| = {:.3g} energy units, shade by the square "
      "root.",
      chosen.size(), largest);
  picture.png = sheet.encode();
  return picture;
}

Picture training_picture(const SavedModel& saved) {
  Picture picture{"training.png",
                  "Training",
                  "Reverse action per step of each update's noising trajectory, minus the part that no coupling can "
                  "change (the observed displacements alone). Below zero the learned force explains the trajectory "
                  "run backwards. The line is a running mean over one round of the images; the cross is held out: "
                  "fresh trajectories after training.",
                  {},
                  {}};
  if (saved.actions.empty()) {
    picture.missing = "the model carries no record of its training";
    return picture;
  }
  const std::size_t window = std::max<std::size_t>(1, saved.model.prototypes.digits.size());
  std::string data;
  double sum = 0;
  std::vector<double> above;
  for (std::size_t i = 0; i < saved.actions.size(); ++i) {
    above.push_back(saved.actions[i].per_step - saved.actions[i].floor);
    sum += above.back();
    if (i >= window) sum -= above[i - window];
    if (i + 1 >= window) data += fmt::format("{} {} {}\n", i + 1, above.back(), sum / static_cast<double>(window));
    else data += fmt::format("{} {} NaN\n", i + 1, above.back());
  }
  std::string script =
      "set xlabel 'update'\nset ylabel 'action per step above its floor'\nset xrange [0:*]\n"
      "set key outside top center horizontal samplen 2 width -5\nset datafile missing 'NaN'\n"
      "plot 'data' using 1:2 with points pt 7 ps 0.5 lc rgb '#8fa8c8' title 'each update', "
      "'data' using 1:3 with lines lw 2 lc rgb '#1d4f91' title 'running mean'";
  const double last = saved.held_out_last.per_step - saved.held_out_last.floor;
  if (std::isfinite(last)) {
    script +=
        fmt::format(", '+' using ({}):({}) every ::0::0 with points pt 2 ps 2 lw 2 lc rgb '#c0392b' title 'held out'",
                    saved.actions.size(), last);
  }
  return plotted(std::move(picture), script + "\n", data);
}

Picture heat_picture(const std::vector<double>& heat, double kT) {
  Picture picture{"heat.png",
                  "Heat of one drawing",
                  "Heat Q released to the bath while the couplings turn noise into a picture, over all samples, in "
                  "units of kT. Lines: the mean of this run, and the paper's for 784 + 512 cells after 100 updates.",
                  {},
                  {}};
  if (heat.size() < 2) {
    picture.missing = "needs two samples or more";
    return picture;
  }
  const auto [low, high] = std::ranges::minmax(heat);
  const Moments q = moments(heat, kT);
  const auto bins =
      static_cast<std::size_t>(std::clamp(std::lround(2 * std::cbrt(static_cast<double>(heat.size()))), 5l, 40l));
  const double width = std::max((high - low) / kT / static_cast<double>(bins), 1e-9);
  std::vector<std::size_t> counts(bins, 0);
  for (const double value : heat) {
    const auto bin = static_cast<std::size_t>(std::max(0.0, (value - low) / kT / width));
    ++counts[std::min(bin, bins - 1)];
  }
  std::string data;
  for (std::size_t i = 0; i < bins; ++i) {
    data += fmt::format("{} {}\n", low / kT + (static_cast<double>(i) + 0.5) * width, counts[i]);
  }
  const double top = 1.15 * static_cast<double>(std::ranges::max(counts));
  const std::string script = fmt::format(
      "set xlabel 'Q / kT'\nset ylabel 'samples'\nset yrange [0:{3}]\nset style fill solid 0.85 noborder\nset boxwidth "
      "{2}\n"
      "set key outside top center horizontal samplen 2 width -5\n"
      "set arrow 1 from {0},0 to {0},{3} nohead lw 2 lc rgb '#c0392b' front\n"
      "set arrow 2 from {1},0 to {1},{3} nohead lw 2 dt 2 lc rgb '#30353d' front\n"
      "plot 'data' using 1:2 with boxes lc rgb '#8fa8c8' title '{4} samples', "
      "NaN with lines lw 2 lc rgb '#c0392b' title 'mean {5}', "
      "NaN with lines lw 2 dt 2 lc rgb '#30353d' title 'paper {6}'\n",
      q.mean, kPaperHeat, width, top, heat.size(), fmt::format("{:.0f} kT, s.d. {:.0f} kT", q.mean, q.sd),
      fmt::format("{:.0f} kT", kPaperHeat));
  return plotted(std::move(picture), script, data);
}

}  // namespace heatbath::apps
