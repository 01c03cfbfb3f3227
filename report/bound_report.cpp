#include "report/bound_report.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "files/provenance.hpp"
#include "heatbath/trainers/setting_names.hpp"
#include "report/figure.hpp"
#include "report/html_page.hpp"
#include "files/json_numbers.hpp"

namespace heatbath::apps {

namespace {

using trainers::BoundResult;
using measure::Estimate;

constexpr std::size_t kBins = 80;

bool preserving(const BoundReport& report) { return report.process == trainers::Process::vp; }

Picture rates_picture(const BoundReport& report) {
  Picture picture{"rates.png",
                  "Rates of entropy while noise is added",
                  "System: change of the entropy of the values. Intrinsic: entropy production, never negative. Exchange: "
                  "entropy from the bath, minus the heat given to it. System is the sum of the other two for the exact "
                  "score. In nats per unit of process time.",
                  {},
                  {}};
  std::string data;
  for (const trainers::EntropyRate& rate : report.result.rates) {
    data += fmt::format("{} {} {} {}\n", rate.time, rate.system.value, rate.intrinsic.value,
                        rate.exchange.value);
  }
  return plotted(std::move(picture),
                 "set xlabel 'process time'\nset ylabel 'nats per unit of time'\nset xzeroaxis lc rgb '#8a919c'\n"
                 "set key outside top center horizontal samplen 2\n"
                 "plot 'data' using 1:2 with lines lw 2 lc rgb '#1d4f91' title 'system', "
                 "'data' using 1:3 with lines lw 2 lc rgb '#c0392b' title 'intrinsic', "
                 "'data' using 1:4 with lines lw 2 lc rgb '#2e8b57' title 'exchange'\n",
                 data);
}

Picture bound_picture(const BoundReport& report) {
  Picture picture{"bound.png",
                  "Negative log-likelihood minus a bound",
                  "How far three candidates for the entropy rate leave the bound below the negative log-likelihood, with "
                  "four standard errors. Only the first is a bound; the naive rates may go below zero. The cross is half "
                  "the divergence of paths, which the first equals.",
                  {},
                  {}};
  const BoundResult& r = report.result;
  std::string data;
  int row = 0;
  for (const measure::Estimate& m : {r.gap, r.gap_naive_score, r.gap_naive_divergence}) {
    data += fmt::format("{} {} {}\n", row++, m.value, 4 * m.standard_error);
  }
  std::string script =
      "set xrange [-0.6:2.6]\nset xtics ('bound' 0, 'naive: score' 1, 'naive: divergence' 2)\n"
      "set ylabel 'nats'\nset xzeroaxis lc rgb '#30353d'\nset style fill solid 0.85 noborder\nset boxwidth 0.5\n"
      "unset key\nplot 'data' using 1:2 with boxes lc rgb '#8fa8c8', 'data' using 1:2:3 with yerrorbars lc rgb '#30353d' "
      "pt 0 lw 1.5";
  const double expected = r.half_path_kl.value + r.terminal_kl.value;
  if (std::isfinite(expected)) {
    script += fmt::format(", '+' using (0):({}) every ::0::0 with points pt 2 ps 2 lw 2 lc rgb '#c0392b'", expected);
  }
  return plotted(std::move(picture), script + "\n", data);
}

Picture tradeoff_picture(const BoundReport& report) {
  Picture picture{"tradeoff.png",
                  "Accuracy and dissipation",
                  "Six generation times. Horizontal: entropy that the noising up to that time produces, and so the reverse "
                  "of it. Vertical: distance of the generated values from the data. A drive that starts from the wrong "
                  "noise also produces the entropy of forgetting it, which is not counted here.",
                  {},
                  {}};
  std::string data;
  for (const trainers::Generation& g : report.result.generations) {
    data += fmt::format("{} {} {} {} {}\n", g.noising_production, g.wasserstein.value, g.wasserstein.standard_error,
                        g.divergence.value, g.divergence.standard_error);
  }
  if (data.empty()) {
    picture.missing = "nothing was generated";
    return picture;
  }
  return plotted(std::move(picture),
                 fmt::format("set xlabel 'entropy production of the noising, nats'\nset ylabel 'W_2, and KL in nats'\n"
                             "set key outside top center horizontal samplen 2\nset yrange [0:*]\n"
                             "set arrow 1 from graph 0,first {0} to graph 1,first {0} nohead dt 2 lc rgb '#8a919c'\n"
                             "plot 'data' using 1:2:3 with yerrorlines pt 7 lw 2 lc rgb '#1d4f91' title 'W_2', "
                             "'data' using 1:4:5 with yerrorlines pt 5 lw 2 lc rgb '#c0392b' title 'KL(data || "
                             "generated)', NaN with lines dt 2 lc rgb '#8a919c' title 'W_2 of two samples of the data'\n",
                             report.result.wasserstein_floor),
                 data);
}

Picture samples_picture(const BoundReport& report) {
  Picture picture{"samples.png",
                  "Generated values",
                  "Histogram of the values that the longest reverse drive made from noise, and of the data.",
                  {},
                  {}};
  const BoundResult& r = report.result;
  if (r.generated_values.empty()) {
    picture.missing = "nothing was generated";
    return picture;
  }
  std::vector<double> sorted = r.data_values;
  std::ranges::sort(sorted);
  const double low = sorted[sorted.size() / 1000], high = sorted[sorted.size() - 1 - sorted.size() / 1000];
  const double from = low - 0.25 * (high - low), width = 1.5 * (high - low) / kBins;
  std::vector<double> counts[2]{std::vector<double>(kBins), std::vector<double>(kBins)};
  for (int which = 0; which < 2; ++which) {
    const std::vector<double>& values = which ? r.generated_values : r.data_values;
    for (const double value : values) {
      const double bin = (value - from) / width;
      if (bin >= 0 && bin < kBins) {
        counts[which][static_cast<std::size_t>(bin)] += 1 / (static_cast<double>(values.size()) * width);
      }
    }
  }
  std::string data;
  for (std::size_t i = 0; i < kBins; ++i) {
    data += fmt::format("{} {} {}\n", from + (static_cast<double>(i) + 0.5) * width, counts[0][i], counts[1][i]);
  }
  return plotted(std::move(picture),
                 "set xlabel 'x'\nset ylabel 'density'\nset yrange [0:*]\nset style fill solid 0.5 noborder\n"
                 "set key outside top center horizontal samplen 2\n"
                 "plot 'data' using 1:2 with boxes lc rgb '#8fa8c8' title 'data', 'data' using 1:3 with steps lw 2 lc rgb "
                 "'#c0392b' title 'generated'\n",
                 data);
}


void put(nlohmann::json& json, const std::string& name, const measure::Estimate& m) {
  json[name] = or_null(m.value);
  json[name + "_se"] = or_null(m.standard_error);
}

}  // namespace

std::vector<Picture> bound_pictures(const BoundReport& report) {
  return {rates_picture(report), bound_picture(report), tradeoff_picture(report), samples_picture(report)};
}

nlohmann::json bound_json(const BoundReport& report) {
  const BoundResult& r = report.result;
  nlohmann::json json{{"command", "bound"},
                      {"data", report.law.name()},
                      {"data_unit", report.unit},
                      {"process", name_of(report.process)},
                      {"score", report.score},
                      {"ratio", report.ratio},
                      {"nll_is", r.nll_is_density ? "density" : "path bound"},
                      {"samples", r.samples},
                      {"evaluated", r.evaluated},
                      {"state_unit", r.unit},
                      {"heat_source", r.heat_source},
                      {"generated_by_cell", r.generated_by_cell},
                      {"wasserstein_floor", r.wasserstein_floor},
                      {"seed", report.seed},
                      {"device", report.device},
                      {"electricity", electricity_json(report.electricity)},
                      {"clips", r.clips},
                      {"rails", r.rails},
                      {"seconds", r.seconds},
                      {"provenance", provenance()}};
  put(json, "nll", report.in_units_of_data(r.nll));
  put(json, "bound", report.in_units_of_data(r.bound));
  put(json, "entropy_data", report.in_units_of_data(r.entropy_data));
  put(json, "entropy_end", report.in_units_of_data(r.entropy_end));
  put(json, "gap", r.gap);
  put(json, "half_kl", r.half_path_kl);
  put(json, "terminal_kl", r.terminal_kl);
  put(json, "gap_naive_score", r.gap_naive_score);
  put(json, "gap_naive_divergence", r.gap_naive_divergence);
  put(json, "identity_ratio", r.identity_ratio);
  put(json, "production", r.production);
  put(json, "divergence_drop", r.divergence_drop);
  put(json, "exchange_total", r.exchange_total);
  put(json, "heat_total", r.heat_total);
  put(json, "generation_ratio", r.generation_ratio);
  json["rates"] = nlohmann::json::array();
  for (const trainers::EntropyRate& rate : r.rates) {
    nlohmann::json one{{"t", rate.time}, {"clock", rate.clock}};
    put(one, "system", rate.system);
    put(one, "intrinsic", rate.intrinsic);
    put(one, "exchange", rate.exchange);
    put(one, "heat", rate.heat);
    json["rates"].push_back(one);
  }
  json["interrupted"] = r.stopped;
  json["generations"] = nlohmann::json::array();
  for (const trainers::Generation& g : r.generations) {
    nlohmann::json one{{"t", g.time}, {"clock", g.clock}, {"noising_production", g.noising_production}};
    put(one, "w2", g.wasserstein);
    put(one, "kl", g.divergence);
    put(one, "heat", g.heat);
    put(one, "entropy_production", g.entropy_production);
    json["generations"].push_back(one);
  }
  json["pictures"] = nlohmann::json::object();
  for (const Picture& picture : report.pictures) {
    if (picture.png) json["pictures"][picture.file] = true;
    else json["pictures"][picture.file] = picture.missing;
  }
  return json;
}

std::string bound_html(const BoundReport& report) {
  const BoundResult& r = report.result;
  std::string html = page_head("The limits of a score-based model, on a thermodynamic computer");
  html += fmt::format(
      "<p class=\"lead\">{} values of a law were noised on linear cells of the device and driven back. How much entropy "
      "the noise makes bounds what any model of its score can know of the data: the negative log-likelihood cannot fall "
      "below (S<sub>0</sub> + S<sub>1</sub>)/2 minus half the integral of the model's entropy rate.</p>\n",
      r.samples);
  html += "<div class=\"tiles\">";
  html += tile(number(report.in_units_of_data(r.nll).value, 4),
               r.nll_is_density ? "negative log-likelihood, nats" : "negative log-likelihood (path bound), nats");
  html += tile(number(report.in_units_of_data(r.bound).value, 4), "bound, nats");
  html += tile(number(r.gap.value, 5), "gap, nats");
  html += tile(number(r.production.value, 4), "entropy production of the noising, nats");
  html += "</div>\n<h2>Figures, beside what theory says</h2>\n<div class=\"wide\"><table><tr><th>Quantity</th>"
          "<th>Measured</th><th>Theory</th></tr>\n";
  html += table_row({"Negative log-likelihood minus bound", with_error(r.gap), "never negative"});
  html += table_row({"Half the path divergence, and that of the noise's end", with_error(r.half_path_kl) + "; " + with_error(r.terminal_kl),
               "their sum is the gap"});
  html += table_row({"Gap with (g&sup2;/2) E s&sup2; for the rate", with_error(r.gap_naive_score), "no bound: may be negative"});
  html += table_row({"Gap with &minus;(g&sup2;/2) E div s", with_error(r.gap_naive_divergence), "no bound: may be negative"});
  html += table_row({"Entropy production of the noising", with_error(r.production),
               preserving(report) ? "loss of divergence from N(0, 1): " + with_error(r.divergence_drop)
                                  : fmt::format("gain of entropy: {}", number(r.entropy_end.value - r.entropy_data.value, 5))});
  html += table_row({"Heat of the noising over kT, from " + r.heat_source, with_error(r.heat_total),
               "minus the exchange: " + with_error(measure::Estimate{-r.exchange_total.value, r.exchange_total.standard_error})});
  if (!preserving(report)) {
    html += table_row({"Exchange over production, from the score", with_error(r.identity_ratio), "&minus;2 when the score is exact"});
    html += table_row({"&hellip; of the generating run, from heat and entropy", with_error(r.generation_ratio), "&minus;2"});
  }
  html += "</table></div>\n<p class=\"note\" style=\"margin-top:16px\">Paper: Kodama &amp; Hinczewski, <em>Thermodynamic "
          "performance limits for score-based diffusion models</em>, arXiv:2510.06174.</p>\n";
  if (!r.generations.empty()) {
    html += "<h2>Six generation times</h2>\n<div class=\"wide\"><table><tr><th>Time</th><th>W<sub>2</sub></th>"
            "<th>KL(data || generated)</th><th>Heat/kT</th><th>Entropy production</th><th>&hellip; of the noising</th></tr>\n";
    for (const trainers::Generation& g : r.generations) {
      html += table_row({fmt::format("{:.4g}", g.time), with_error(g.wasserstein), with_error(g.divergence), with_error(g.heat),
                   with_error(g.entropy_production), number(g.noising_production, 4)});
    }
    html += fmt::format("</table></div>\n<p class=\"note\" style=\"margin-top:16px\">Two samples of the data are {:.4f} "
                        "apart in W<sub>2</sub>.{}</p>\n",
                        r.wasserstein_floor,
                        r.generated_by_cell ? " The score is no force that one cell can have; the drive is the best of a "
                                              "quartic cell."
                                            : "");
  }
  html += "<h2>Pictures</h2>\n" + figures(report.pictures) + "<h2>How it was run</h2>\n";
  html += pairs({
      {"Device", report.device},
      {"Data", report.law.name()},
      {"Process", preserving(report) ? "variance preserving: dx = -x dt + sqrt(2) dW" : "variance exploding: dx = sigma^t dW"},
      {"Score", report.score},
      {"Values noised, evaluated", fmt::format("{}, {}", r.samples, r.evaluated)},
      {"One unit of state", fmt::format("{:.6g} of the data", r.unit)},
      {"Seed", std::to_string(report.seed)},
      {"Values clipped, cell-steps at a rail", fmt::format("{}, {}", r.clips, r.rails)},
      {"Seconds", fmt::format("{:.1f}", r.seconds)},
  });
  html += pairs(electricity_rows(report.electricity));
  return html + page_foot("The numbers are in report.json.");
}

}  // namespace heatbath::apps
