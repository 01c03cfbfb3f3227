#include "validate/report.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "files/provenance.hpp"
#include "report/figure.hpp"
#include "report/html_page.hpp"
#include "files/json_numbers.hpp"
#include "validate/bench.hpp"

namespace heatbath::validation {
namespace {

using apps::html_escape;

const char* name_of(Bound bound) {
  switch (bound) {
    case Bound::at_least: return "at_least";
    case Bound::at_most: return "at_most";
    case Bound::exact: return "exact";
    default: return "equal";
  }
}

const char* relation(Bound bound) {
  switch (bound) {
    case Bound::at_least: return ">= ";
    case Bound::at_most: return "<= ";
    default: return "";
  }
}

/// The same in running text.
const char* relation_sign(Bound bound) {
  switch (bound) {
    case Bound::at_least: return "≥ ";
    case Bound::at_most: return "≤ ";
    default: return "";
  }
}

std::string digits(double value) {
  if (!std::isfinite(value)) return "-";
  return value == 0 ? "0" : fmt::format("{:.6g}", value);
}

std::string short_number(double value) { return value == 0 ? "0" : fmt::format("{:.2g}", value); }

std::string z_of(const Check& check) { return check.bound == Bound::exact ? "-" : fmt::format("{:+.2f}", check.z); }

/// The largest standard error that a check allows, in brackets, or the largest deviation of one without noise; nothing
/// where none is judged.
std::string allowed(const Check& check) {
  if (check.bound == Bound::exact) return " (within " + short_number(check.floor) + ")";
  return check.bound == Bound::equal ? " (" + short_number(check.error_limit()) + ")" : "";
}

std::string samples(const Check& check) {
  return check.bound == Bound::exact ? "-" : fmt::format("{:.0f}", check.effective_samples);
}

/// A curve by gnuplot, as an <img>; or a line that says why there is none.
std::string figure(const Curve& curve) {
  std::string data, plot;
  for (std::size_t k = 0; k < curve.series.size(); ++k) {
    const Curve::Series& series = curve.series[k];
    for (std::size_t i = 0; i < series.x.size(); ++i) {
      data += fmt::format("{} {} {}\n", series.x[i], series.y[i], series.error.empty() ? 0.0 : series.error[i]);
    }
    data += "\n\n";
    plot += fmt::format("{}'data' index {} using 1:2{} title \"{}\"", k ? ", " : "plot ", k,
                        series.error.empty() ? " with lines" : ":3 with yerrorbars pt 7 ps 0.7", series.name);
  }
  const std::string script = fmt::format("set xlabel \"{}\" noenhanced\nset ylabel \"{}\" noenhanced\nset key noenhanced\n{}\n",
                                         curve.x_label, curve.y_label, plot);
  std::string why;
  const auto png = apps::gnuplot_figure(script, data, why);
  std::string html = "<figure>";
  if (png) html += fmt::format("<img alt=\"{}\" src=\"data:image/png;base64,{}\">", html_escape(curve.title), apps::base64(*png));
  html += fmt::format("<figcaption><strong>{}</strong>{}</figcaption></figure>\n", html_escape(curve.title),
                      png ? "Points: the device, with one standard error. Lines: the oracle." : html_escape("No picture: " + why + "."));
  return html;
}

std::string_view title_of(std::string_view suite) {
  for (const Suite& known : suites()) {
    if (known.name == suite) return known.says;
  }
  return {};
}

std::vector<std::string> suites_in(const Outcome& outcome) {
  std::vector<std::string> names;
  for (const Check& check : outcome.checks) {
    if (std::ranges::find(names, check.suite) == names.end()) names.push_back(check.suite);
  }
  return names;
}

}  // namespace

nlohmann::json outcome_json(const Outcome& outcome) {
  nlohmann::json checks = nlohmann::json::array(), skipped = nlohmann::json::array();
  for (const Check& check : outcome.checks) {
    checks.push_back({{"suite", check.suite},
                      {"name", check.name},
                      {"expected", apps::or_null(check.expected)},
                      {"bias", apps::or_null(check.bias)},
                      {"measured", apps::or_null(check.measured)},
                      {"stderr", apps::or_null(check.standard_error)},
                      {"stderr_limit", apps::or_null(check.error_limit())},
                      {"z", apps::or_null(check.z)},
                      {"p", apps::or_null(check.probability)},
                      {"ess", apps::or_null(check.effective_samples)},
                      {"bound", name_of(check.bound)},
                      {"pass", check.pass},
                      {"failure", check.failure},
                      {"device", check.device},
                      {"seconds", check.seconds}});
  }
  for (const Skipped& row : outcome.skipped) {
    skipped.push_back({{"suite", row.suite}, {"row", row.row}, {"missing", row.missing}});
  }
  return {{"checks", checks},        {"passed", outcome.passed()}, {"failed", outcome.failed()},
          {"skipped", skipped},      {"seed", outcome.seed},       {"effort", outcome.effort},
          {"seconds", outcome.seconds}, {"stopped_at", outcome.stopped_at.empty() ? nlohmann::json() : nlohmann::json(outcome.stopped_at)},
          {"provenance", apps::provenance()}};
}

std::string outcome_text(const Outcome& outcome) {
  std::string text;
  for (const std::string& suite : suites_in(outcome)) {
    text += fmt::format("{}: {}\n", suite, title_of(suite));
    for (const Check& check : outcome.checks) {
      if (check.suite != suite) continue;
      text += fmt::format("  {:4} {:<58} {:>3}{:<12} {:<12} +- {:<8} z {:>6}{}\n", check.pass ? "ok" : "FAIL", check.name,
                          relation(check.bound), digits(check.expected), digits(check.measured),
                          short_number(check.standard_error), z_of(check),
                          check.failure.empty() ? "" : "  " + check.failure);
    }
  }
  for (const Skipped& row : outcome.skipped) {
    text += fmt::format("skipped {}/{}: needs {}\n", row.suite, row.row, row.missing);
  }
  if (!outcome.stopped_at.empty()) text += fmt::format("stopped at {}: it and later rows are missing\n", outcome.stopped_at);
  return text + fmt::format("{} passed, {} failed, {} rows skipped; seed {}, {:.1f} s\n", outcome.passed(),
                            outcome.failed(), outcome.skipped.size(), outcome.seed, outcome.seconds);
}

std::string outcome_markdown(const Outcome& outcome) {
  std::string text;
  for (const std::string& suite : suites_in(outcome)) {
    text += fmt::format("### {}\n\n{}.\n\n| check | expected | measured | standard error (allowed) | predicted bias | z | "
                        "effective samples |\n|---|---|---|---|---|---|---|\n", suite, title_of(suite));
    for (const Check& check : outcome.checks) {
      if (check.suite != suite) continue;
      std::string name;
      for (const char c : check.name) name += c == '|' ? std::string("\\|") : std::string(1, c);
      text += fmt::format("| {} | {}{} | {} | {}{} | {} | {} | {} |\n", name,
                          relation_sign(check.bound), digits(check.expected), digits(check.measured),
                          short_number(check.standard_error), allowed(check), short_number(check.bias), z_of(check),
                          samples(check));
    }
    text += "\n";
  }
  if (!outcome.stopped_at.empty()) text += fmt::format("Stopped at {}: it and later rows are missing.\n", outcome.stopped_at);
  return text;
}

std::string outcome_html(const Outcome& outcome) {
  std::string html =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>Validation</title><style>";
  html += apps::html_style();
  html += "tr.bad td{background:#fdecec}</style></head><body><main>\n<h1>Validation</h1>\n";
  html += "<p class=\"lead\">Measurements on the device beside exact results that share no code with it. z is the "
          "distance in standard errors, which come from effective sample sizes. A check fails when its distance is "
          "improbable among all checks, when its standard error is larger than allowed, or when the integrator's "
          "predicted bias is above a quarter of it.</p>\n";
  html += "<ul><li>Energies are in units of kT, times in units of 1/(mobility &times; stiffness 1), entropies in nats; "
          "p-bits count sweeps.</li><li><b>Expected</b>: of the exact law, not of the stepper. &ge; and &le; are "
          "inequalities, of which only the forbidden side fails.</li><li><b>Standard error</b>: measured by a jackknife "
          "over independent blocks; in brackets the largest that the check allows (at reduced effort it may be larger), "
          "or, where there is no noise, how far off the value may be.</li><li><b>Predicted bias</b>: what the "
          "finite step of the integrator adds, computed from its rule. It is not subtracted.</li><li><b>z</b>: (measured "
          "&minus; expected)/standard error; of hundreds of checks a few lie beyond 2, and one beyond 3 is no alarm. "
          "Checks without noise have none.</li></ul>\n";
  html += fmt::format("<div class=\"tiles\"><div class=\"tile\"><b>{}</b><span>passed</span></div><div class=\"tile\"><b>{}"
                      "</b><span>failed</span></div><div class=\"tile\"><b>{}</b><span>rows skipped</span></div>"
                      "<div class=\"tile\"><b>{}</b><span>seed</span></div></div>\n",
                      outcome.passed(), outcome.failed(), outcome.skipped.size(), outcome.seed);
  if (!outcome.stopped_at.empty())
    html += fmt::format("<p class=\"note\">Stopped at {}: it and later rows are missing.</p>\n", html_escape(outcome.stopped_at));
  for (const std::string& suite : suites_in(outcome)) {
    html += fmt::format("<h2>{}</h2>\n<p>{}.</p>\n<div class=\"wide\"><table><tr><th>Check</th><th>Expected</th>"
                        "<th>Measured</th><th>Standard error (allowed)</th><th>Predicted bias</th><th>z</th><th>Effective "
                        "samples</th><th></th></tr>\n", html_escape(suite), html_escape(title_of(suite)));
    std::string figures;
    for (const Check& check : outcome.checks) {
      if (check.suite != suite) continue;
      html += fmt::format("<tr{}><td>{}</td><td>{}{}</td><td class=\"own\">{}</td><td>{}{}</td><td>{}</td><td>{}</td><td>{}"
                          "</td><td>{}</td></tr>\n",
                          check.pass ? "" : " class=\"bad\"", html_escape(check.name), relation_sign(check.bound),
                          digits(check.expected), digits(check.measured), short_number(check.standard_error),
                          allowed(check), short_number(check.bias), z_of(check), samples(check),
                          check.pass ? "pass" : html_escape(check.failure));
      if (check.curve) figures += figure(*check.curve);
    }
    html += "</table></div>\n" + figures;
  }
  if (!outcome.skipped.empty()) {
    html += "<h2>Skipped</h2>\n<div class=\"wide\"><table><tr><th>Suite</th><th>Row</th><th>Missing</th></tr>\n";
    for (const Skipped& row : outcome.skipped) {
      html += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td></tr>\n", html_escape(row.suite), html_escape(row.row),
                          html_escape(row.missing));
    }
    html += "</table></div>\n";
  }
  std::vector<std::string> devices;
  for (const Check& check : outcome.checks) {
    if (std::ranges::find(devices, check.device) == devices.end()) devices.push_back(check.device);
  }
  html += "<h2>Devices</h2>\n<ul>\n";
  for (const std::string& device : devices) html += fmt::format("<li><code>{}</code></li>\n", html_escape(device));
  const nlohmann::json origin = apps::provenance();
  html += fmt::format("</ul>\n<footer>{:.1f} s, effort {:.3g}. Made by {} on {}.</footer>\n</main></body></html>\n",
                      outcome.seconds, outcome.effort, html_escape(apps::version_line()),
                      origin["date"].get<std::string>());
  return html;
}

}  // namespace heatbath::validation
