#include "report/score_network_report.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "files/provenance.hpp"
#include "report/figure.hpp"
#include "report/html_page.hpp"
#include "files/json_numbers.hpp"

namespace heatbath::apps {

namespace {

using measure::Estimate;

const char* name_of(trainers::LastNoise noise) {
  switch (noise) {
    case trainers::LastNoise::none: return "none";
    case trainers::LastNoise::cold: return "cold";
    case trainers::LastNoise::averaged: return "averaged";
  }
  return "";
}

std::uint8_t shade(float v) { return static_cast<std::uint8_t>(std::lround(255 * std::clamp((v + 1) / 2, 0.0f, 1.0f))); }

void put_image(PngSheet& sheet, std::size_t row, std::size_t column, std::uint32_t columns, std::span<const float> image) {
  for (std::size_t i = 0; i < image.size(); ++i) {
    const std::uint8_t grey = shade(image[i]);
    sheet.set(row, column, i / columns, i % columns, {grey, grey, grey});
  }
}

std::span<const float> image_of(const ScoreNetworkReport& report, std::size_t shot) {
  return std::span(report.drawings.images).subspan(shot * report.drawings.visible, report.drawings.visible);
}

}  // namespace

std::optional<Estimate> ScoreNetworkReport::heat_kT() const {
  if (drawings.heat_kT.size() < 2) return std::nullopt;
  return measure::mean_of_independent(drawings.heat_kT);
}

std::optional<Estimate> ScoreNetworkReport::heat_joules() const {
  if (drawings.heat.size() < 2 || !(energy_unit_joules > 0)) return std::nullopt;
  Estimate joules = measure::mean_of_independent(drawings.heat);
  joules.value *= energy_unit_joules;
  joules.standard_error *= energy_unit_joules;
  return joules;
}

Picture score_samples_picture(const ScoreNetworkReport& report) {
  Picture picture{"samples.png", "What the machine drew", {}, {}, {}, true};
  const trainers::ScoreNetwork& network = report.saved.network;
  std::vector<std::vector<std::size_t>> rows;
  if (report.drawings.asked.empty()) {
    picture.caption = "States of the visible cells at the end of the first drawings, each from thermal noise of its own.";
    for (std::size_t shot = 0; shot < std::min<std::size_t>(100, report.drawings.shots); ++shot) {
      if (shot % 10 == 0) rows.emplace_back();
      rows.back().push_back(shot);
    }
  } else {
    picture.caption = "The first drawings of each class that was asked for, one class a row, each from thermal noise of its own. "
                      "None is chosen.";
    for (std::uint8_t digit = 0; digit < 10; ++digit) {
      std::vector<std::size_t> row;
      for (std::size_t shot = 0; shot < report.drawings.shots && row.size() < 10; ++shot)
        if (report.drawings.asked[shot] == digit) row.push_back(shot);
      if (!row.empty()) rows.push_back(std::move(row));
    }
  }
  PngSheet sheet(rows.size(), 10, network.rows, network.columns, 3, 4);
  for (std::size_t r = 0; r < rows.size(); ++r)
    for (std::size_t c = 0; c < rows[r].size(); ++c) put_image(sheet, r, c, network.columns, image_of(report, rows[r][c]));
  picture.png = sheet.encode();
  return picture;
}

Picture score_paths_picture(const ScoreNetworkReport& report) {
  Picture picture{"paths.png", "From noise to digit",
                  "One drawing a row: the noise of uncoupled cells, the visible cells at the end of each segment, and the "
                  "picture after the last noise is removed.", {}, {}, true};
  const trainers::ScoreDrawings& drawings = report.drawings;
  const std::size_t each = std::size_t{drawings.path_times} * drawings.visible, shots = each == 0 ? 0 : drawings.paths.size() / each;
  if (shots == 0) {
    picture.missing = "no path was kept";
    return picture;
  }
  const trainers::ScoreNetwork& network = report.saved.network;
  PngSheet sheet(shots, drawings.path_times, network.rows, network.columns, 2, 4);
  for (std::size_t s = 0; s < shots; ++s)
    for (std::size_t t = 0; t < drawings.path_times; ++t)
      put_image(sheet, s, t, network.columns, std::span(drawings.paths).subspan(s * each + t * drawings.visible, drawings.visible));
  picture.png = sheet.encode();
  return picture;
}

Picture score_nearest_picture(const ScoreNetworkReport& report, const trainers::Images& learned) {
  Picture picture{"nearest.png", "New digits",
                  "Twenty drawings, and below each the learned image that is nearest to it.", {}, {}, true};
  const std::size_t shown = std::min<std::size_t>(20, report.drawings.shots);
  const trainers::ScoreNetwork& network = report.saved.network;
  PngSheet sheet(2 * ((shown + 9) / 10), std::min<std::size_t>(10, shown), network.rows, network.columns, 3, 4);
  for (std::size_t shot = 0; shot < shown; ++shot) {
    const std::span<const float> image = image_of(report, shot);
    std::vector<float> best;
    double least = std::numeric_limits<double>::max();
    for (std::size_t t = 0; t < learned.size(); ++t) {
      const std::vector<float> known = trainers::score_pixels(learned, t);
      double distance = 0;
      for (std::size_t i = 0; i < known.size() && distance < least; ++i) {
        const double d = double{image[i]} - double{known[i]};
        distance += d * d;
      }
      if (distance >= least) continue;
      least = distance;
      best = known;
    }
    put_image(sheet, 2 * (shot / 10), shot % 10, network.columns, image);
    put_image(sheet, 2 * (shot / 10) + 1, shot % 10, network.columns, best);
  }
  picture.png = sheet.encode();
  return picture;
}

Picture score_training_picture(const ScoreNetworkReport& report) {
  Picture picture{"training.png", "Training",
                  "Loss per visible cell, means of 50 steps, segment after segment from the noisiest on, then the coarse ones again: the part of the "
                  "noise in a picture that the network does not find. It rises from one segment to the next because the "
                  "less noise there is, the harder it is to tell from the picture.", {}, {}};
  if (report.saved.checkpoint.losses.size() < 2) {
    picture.missing = "fewer than 100 steps of training";
    return picture;
  }
  std::string data;
  for (std::size_t k = 0; k < report.saved.checkpoint.losses.size(); ++k) data += fmt::format("{} {:.8g}\n", 50 * (k + 1), report.saved.checkpoint.losses[k]);
  return plotted(std::move(picture),
                 "set xlabel 'step'\nset ylabel 'loss per visible cell'\nset yrange [0:*]\nset key off\n"
                 "plot 'data' using 1:2 with lines lw 1.5 lc rgb '#1d4f91'\n", data);
}

Picture score_heat_picture(const ScoreNetworkReport& report) {
  Picture picture{"heat.png", "Heat of one drawing",
                  "Heat given to the bath in each segment, over its temperature: mean over the drawings. The last bar is the "
                  "removal of the last noise.", {}, {}};
  const std::vector<double>& heat = report.drawings.heat_kT_of_segment;
  if (heat.empty()) {
    picture.missing = "the device has no meters";
    return picture;
  }
  std::string data;
  const std::size_t shown = report.drawings.last_noise != trainers::LastNoise::none ? heat.size() : heat.size() - 1;
  for (std::size_t s = 0; s < shown; ++s) data += fmt::format("{} {:.8g}\n", s + 1, heat[s]);
  return plotted(std::move(picture),
                 "set xlabel 'segment'\nset ylabel 'Q / kT'\nset style fill solid 0.85 noborder\nset boxwidth 0.8\nset key off\n"
                 "plot 'data' using 1:2 with boxes lc rgb '#8fa8c8'\n", data);
}

nlohmann::json score_network_json(const ScoreNetworkReport& report) {
  const trainers::DrawingQuality& q = report.quality;
  const trainers::ScoreNetwork& network = report.saved.network;
  nlohmann::json errors, out;
  const auto put = [&](nlohmann::json& where, nlohmann::json& error, const char* name, const std::optional<Estimate>& e) {
    where[name] = e ? or_null(e->value) : nlohmann::json(nullptr);
    error[name] = e ? or_null(e->standard_error) : nlohmann::json(nullptr);
  };
  const auto put_quality = [&](nlohmann::json& where, nlohmann::json& error, const trainers::DrawingQuality& of) {
    put(where, error, "asked_fraction", of.asked_fraction);
    where["inverted_fraction"] = of.inverted_fraction;
    put(where, error, "frechet", of.frechet);
    put(where, error, "frechet_held_out", of.frechet_held_out);
    put(where, error, "within_class_variance", of.within_class_variance);
    put(where, error, "nearest_training_distance", of.nearest_training_distance);
    put(where, error, "nearest_held_out_distance", of.nearest_held_out_distance);
    where["class_fractions"] = of.class_fractions;
  };
  out["command"] = "train score";
  put_quality(out, errors, q);
  put(out, errors, "heat_mean_kT", report.heat_kT());
  put(out, errors, "heat_joules", report.heat_joules());
  std::optional<Estimate> work;
  if (report.drawings.work_kT.size() > 1) work = measure::mean_of_independent(report.drawings.work_kT);
  put(out, errors, "work_mean_kT", work);
  out["heat_kT_of_segment"] = report.drawings.heat_kT_of_segment;
  out["heat_source"] = report.drawings.heat_kT.empty() ? "none" : "meter";
  out["joules_grade"] = report.drawings.heat_kT.empty() ? "none" : "dynamics alone: converters, wires and reads are not in it";
  out["errors"] = errors;
  out["classifier_accuracy"] = q.reader_accuracy;
  const auto put_further = [&](const char* name, const std::optional<trainers::DrawingQuality>& quality, std::uint32_t shots) {
    if (!quality) return;
    nlohmann::json other, other_errors;
    put_quality(other, other_errors, *quality);
    other["errors"] = other_errors;
    other["shots"] = shots;
    out[name] = other;
  };
  put_further("unlabelled", report.unlabelled, report.unlabelled_shots);
  put_further("free", report.free, report.free_shots);
  out["device_seconds"] = report.drawings.device_seconds;
  out["device_steps"] = report.drawings.steps;
  out["last_noise"] = name_of(report.drawings.last_noise);
  out["shots"] = report.drawings.shots;
  out["seed"] = report.draw.seed;
  out["guidance"] = report.draw.guidance;
  out["class_guidance"] = report.draw.class_guidance;
  out["device"] = report.device;
  out["electricity"] = electricity_json(report.electricity);
  out["data_source"] = report.saved.data_source;
  out["clips"] = report.drawings.clips;
  out["rails"] = report.drawings.rails;
  out["seconds"] = {{"train", report.train_seconds}, {"draw", report.drawings.seconds}, {"total", report.total_seconds}};
  nlohmann::json stretches = nlohmann::json::array();
  for (std::size_t s = 0; s < report.drawings.stretches.size(); ++s) {
    const trainers::ScoreStretch& stretch = report.drawings.stretches[s];
    stretches.push_back({{"tau_first", network.segments[s].tau_first}, {"tau_last", network.segments[s].tau_last},
                         {"kT", stretch.kT}, {"kappa", stretch.kappa}, {"steps", stretch.steps}});
  }
  out["segments"] = stretches;
  const trainers::ScoreOptions& options = report.saved.options;
  // Of the last segment; behind it come the coarse ones again.
  const std::vector<double>& losses = report.saved.checkpoint.losses;
  const auto means_of = [](std::uint64_t steps) { return (steps + 49) / 50; };
  const std::uint64_t means = means_of(options.first_steps) + (network.segments.size() - 1) * means_of(options.steps);
  out["training"] = {{"learned", report.learned}, {"held_out", report.saved.held_out}, {"steps", options.steps},
                     {"first_steps", options.first_steps}, {"batch", options.batch}, {"learning_rate", options.learning_rate},
                     {"coarse_noise", options.coarse_noise}, {"coarse_rate", options.coarse_rate},
                     {"unlabelled", options.unlabelled}, {"seed", options.seed},
                     {"loss_last", losses.size() < means ? nlohmann::json(nullptr) : nlohmann::json(losses[means - 1])}};
  out["settings"] = {{"visible", network.visible()}, {"hidden", network.hidden}, {"labels", network.labels},
                     {"segments", network.segments.size()}, {"A", network.A}, {"B", network.B},
                     {"steps_of_a_segment", report.draw.steps}, {"hidden_step", report.draw.hidden_step}, {"finish_steps", report.draw.finish_steps},
                     {"finish", report.draw.finish},
                     {"model", report.model_path}};
  out["pictures"] = pictures_json(report.pictures);
  out["provenance"] = provenance();
  return out;
}

std::string score_network_html(const ScoreNetworkReport& report) {
  const trainers::DrawingQuality& q = report.quality;
  const trainers::ScoreNetwork& network = report.saved.network;
  const bool asked = !report.drawings.asked.empty();
  std::string html = page_head("Digits drawn by a score network of cells");
  html += fmt::format(
      "<p class=\"lead\">{} slow cells are the pixels of a picture, {} fast ones between them follow it at once. The mean of a fast "
      "cell under the field of the pixels pushes the pixels back: that is a network which finds noise in a picture, and every "
      "weight of it is one coupling of the chip. It learned from {} images, and drew {} pictures out of thermal noise in {} "
      "segments.</p>\n",
      network.visible(), network.hidden, report.learned, report.drawings.shots, network.segments.size());
  html += "<div class=\"tiles\">";
  if (asked) html += tile(number(100 * q.asked_fraction.value, 1, " %"), "read as the class asked for");
  html += tile(number(q.frechet.value, 1), fmt::format("Fr&eacute;chet distance; of held-out digits {}", number(q.frechet_held_out.value, 1)).c_str());
  html += tile(number(100 * q.inverted_fraction, 1, " %"), "inverted");
  const std::optional<Estimate> heat = report.heat_kT();
  if (heat) html += tile(number(heat->value, 0, " kT"), "heat of one drawing");
  html += "</div>\n";

  html += "<h2>Figures</h2>\n";
  html += table_head({"Quantity", "Drawings", "Held-out digits"});
  if (asked) html += table_row({"Read by a classifier as the class asked for", with_error(q.asked_fraction), number(q.reader_accuracy, 4)});
  html += table_row({"Inverted", number(q.inverted_fraction, 4), ""});
  html += table_row({"Fr&eacute;chet distance to the learned digits, in the classifier's 200 hidden units", with_error(q.frechet), with_error(q.frechet_held_out)});
  html += table_row({"Variance within a class over that of the learned digits", with_error(q.within_class_variance), ""});
  html += table_row({"Distance to the nearest learned digit, median, pixels in [-1, 1]", with_error(q.nearest_training_distance), with_error(q.nearest_held_out_distance)});
  html += table_row({"Heat of one drawing, kT", with_error(heat), ""});
  if (const auto joules = report.heat_joules())
    html += table_row({"Heat of one drawing, J, of the dynamics alone", fmt::format("{:.3g} &plusmn; {:.1g}", joules->value, joules->standard_error), ""});
  html += table_row({"Time of one drawing on the device", fmt::format("{:.4g} &micro;s", 1e6 * report.drawings.device_seconds), ""});
  html += kTableEnd;
  const auto further = [&](const char* title, const std::optional<trainers::DrawingQuality>& quality, std::uint32_t shots) {
    if (!quality) return;
    std::string shares;
    for (std::size_t c = 0; c < quality->class_fractions.size(); ++c)
      shares += fmt::format("{}{}: {:.1f} %", c ? ", " : "", c, 100 * quality->class_fractions[c]);
    html += fmt::format("<h2>{}</h2>\n", title) +
            pairs({{"Drawings", std::to_string(shots)}, {"Classes read", shares},
                   {"Inverted", fmt::format("{:.4f}", quality->inverted_fraction)},
                   {"Fréchet distance", fmt::format("{:.1f} ± {:.1f}", quality->frechet.value, quality->frechet.standard_error)}});
  };
  further("With all label cells at 0", report.unlabelled, report.unlabelled_shots);
  further("With classes that the label cells chose", report.free, report.free_shots);
  html += "<h2>Pictures</h2>\n" + figures(report.pictures);
  html += "<h2>How it was run</h2>\n";
  html += pairs({{"Device", report.device},
                 {"Images", fmt::format("{}: {} learned, {} held out", report.saved.data_source, report.learned, report.saved.held_out)},
                 {"Training", fmt::format("{} steps in each segment ({} in the first) of {} images, seed {}", report.saved.options.steps, report.saved.options.first_steps, report.saved.options.batch, report.saved.options.seed)},
                 {"Hidden cell", fmt::format("exp(-{:g} h² - {:g} h⁴ + u h)", network.A, network.B)},
                 {"Steps of a segment; in all", fmt::format("{}; {}", report.draw.steps, report.drawings.steps)},
                 {"Label cells clamped at, over the segments", fmt::format("{:g}", fmt::join(report.draw.guidance, ", "))},
                 {"What of it lies above 1 times, by class", report.draw.class_guidance.empty() ? "1" : fmt::format("{:g}", fmt::join(report.draw.class_guidance, ", "))},
                 {"Last noise removed by", report.drawings.last_noise == trainers::LastNoise::cold ? "a cold end of the last segment: visible cells at the lowest temperature"
                                           : report.drawings.last_noise == trainers::LastNoise::averaged ? "the mean of captures" : "nothing"},
                 {"Seed of the drawings", std::to_string(report.draw.seed)},
                 {"Values clipped; cell-steps at a rail", fmt::format("{}; {}", report.drawings.clips, report.drawings.rails)},
                 {"Model", report.model_path},
                 {"Time", fmt::format("training {:.1f} s, drawing {:.1f} s, all {:.1f} s", report.train_seconds, report.drawings.seconds, report.total_seconds)}}) +
          pairs(electricity_rows(report.electricity));
  html += page_foot("The numbers are in report.json, the parameters in the model file.");
  return html;
}

}  // namespace heatbath::apps
