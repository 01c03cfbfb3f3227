// heatbath fit: parameters of a chip from measured curves and traces.

#include <cmath>
#include <stdexcept>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/commands.hpp"
#include "apps/cli/console.hpp"
#include "files/atomic_file.hpp"
#include "files/fit_data.hpp"
#include "files/json_numbers.hpp"
#include "files/provenance.hpp"
#include "files/utf8.hpp"
#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"

namespace heatbath::apps {

namespace {

using measure::Fitted;

struct Row {
  const char* name;
  Fitted is;
  const char* meaning;
};

std::string interval(const Fitted& is) { return fmt::format("95 %: {:.5g} to {:.5g}", is.low, is.high); }

/// A line of a profile with its interval as the comment.
std::string key(const char* name, double value, const std::string& comment) { return fmt::format("{} = {:.9g} # {}\n", name, value, comment); }

}  // namespace

int run_fit(const FitCommandOptions& options) {
  const FitData data = read_fit_data(options.data);
  if (!options.out.empty() && options.out.extension() != ".toml")
    throw Error(HB_BAD_ARG, fmt::format("--out {}: needs a file name that ends in .toml", options.out.string()));
  if (!options.out.empty()) prepare_file(options.out);
  std::vector<Row> rows;
  std::vector<std::string> notes;
  std::string profile, evidence;
  nlohmann::json quality;
  const bool is_curve = std::holds_alternative<std::vector<measure::CurvePoint>>(data);
  const auto measured = [&](const char* of) { evidence += fmt::format("\"{}\" = \"measured, fit of {}\"\n", of, numerics::escaped(options.data.filename().string())); };
  try {
    if (is_curve) {
      if (options.gain) throw Error(HB_BAD_ARG, "--gain: belongs to traces; this is a curve");
      const measure::CurveFit fit = measure::fit_curve(std::get<0>(data));
      // P(+1) of a p-bit under a field h is 1/(1 + exp(-2 h/kT)).
      const double magnitude = std::abs(fit.slope.value);
      const double one = std::abs(fit.slope.low), other = std::abs(fit.slope.high);
      const bool sure = fit.slope.low * fit.slope.high > 0;
      const Fitted kT{2 / magnitude, 2 / (magnitude * magnitude) * fit.slope.standard_error, 2 / std::max(one, other), sure ? 2 / std::min(one, other) : INFINITY};
      rows = {{"midpoint", fit.midpoint, "bias at which P(1) is a half"},
              {"slope", fit.slope, "of log(P(1)/P(0)) against the bias"},
              {"kT", kT, "temperature in units of the bias: 2/|slope|"}};
      quality = {{"chi_squared", fit.chi_squared}, {"freedom", fit.freedom}, {"dispersion", fit.dispersion}};
      if (fit.dispersion > 1)
        notes.push_back(fmt::format("chi squared is {:.4g} of {}: the points scatter more than their counts, or the curve is no logistic one; intervals are {:.3g} times wider for it",
                                    fit.chi_squared, fit.freedom, fit.dispersion));
      profile = "[array]\ncell = \"pbit\"\n\n[temperature]\n" + key("kT_reset", kT.value, interval(kT));
      measured("temperature.kT_reset");
    } else {
      const measure::RelaxationFit fit = measure::fit_relaxation(std::get<1>(data), {options.gain.value_or(std::nan(""))});
      rows = {{"stiffness", fit.stiffness, "per time unit: rate of relaxation"},
              {"kT", fit.kT, "energy units, mobility 1"},
              {"gain", fit.gain, "reading per unit of state"},
              {"offset", fit.offset, "reading of the state 0"},
              {"noise", fit.noise, "standard deviation of a reading"}};
      quality = {{"readings", fit.readings}, {"mean_square", fit.mean_square}, {"mean_square_z", fit.mean_square_z}, {"neighbours", fit.neighbours}, {"neighbours_z", fit.neighbours_z}};
      if (fit.gain_given && !options.gain)
        notes.push_back("one drive alone cannot tell the gain: it was taken as 1, and kT is in readings squared times a stiffness (--gain, or a column drive with other values, tells it)");
      if (std::abs(fit.neighbours_z) > 4 || std::abs(fit.mean_square_z) > 4)
        notes.push_back(fmt::format("errors of prediction are {:.3g} of what is expected and their neighbours correlate by {:.3g} ({:.3g} standard deviations): the cell is not linear, or its noise not white, and the intervals say too little",
                                    fit.mean_square, fit.neighbours, fit.neighbours_z));
      profile = "[temperature]\n" + key("kT_reset", fit.kT.value, interval(fit.kT));
      measured("temperature.kT_reset");
      if (options.adc_step) {
        // A converter adds its own rounding, a step over sqrt(12).
        const auto steps = [&](double sd) { return std::sqrt(std::max(sd * sd / (*options.adc_step * *options.adc_step) - 1.0 / 12, 0.0)); };
        profile += "\n[capture]\n" + key("noise_sd_steps", steps(fit.noise.value), fmt::format("95 %: {:.4g} to {:.4g}", steps(fit.noise.low), steps(fit.noise.high)));
        measured("capture.noise_sd_steps");
      }
    }
  } catch (const std::invalid_argument& wrong) {
    throw Error(HB_BAD_ARG, fmt::format("{}: {}", numerics::escaped(options.data.string()), wrong.what()));
  }
  if (!options.out.empty()) write_file(options.out, fmt::format("# What heatbath fit found in {}: keys of a chip profile.\n{}\n[evidence]\n{}", numerics::escaped(options.data.filename().string()), profile, evidence));
  if (options.json) {
    nlohmann::json report{{"data", options.data.string()}, {"model", is_curve ? "curve" : "relaxation"}, {"quality", quality}, {"notes", notes}, {"provenance", provenance()}};
    for (const Row& row : rows)
      report["parameters"][row.name] = {{"value", or_null(row.is.value)}, {"standard_error", or_null(row.is.standard_error)}, {"low", or_null(row.is.low)}, {"high", or_null(row.is.high)}};
    if (!options.out.empty()) report["out"] = options.out.string();
    put("{}\n", json_text(report, 2));
    return 0;
  }
  put("{}: {}\n", options.data.string(), is_curve ? "the curve of a p-bit" : "traces of a linear cell");
  for (const Row& row : rows) put("{:<10} {:>12.6g}   95 %: {:>11.5g} to {:<11.5g} {}\n", row.name, row.is.value, row.is.low, row.is.high, row.meaning);
  if (is_curve) put("chi squared {:.4g} of {} degrees of freedom\n", quality["chi_squared"].get<double>(), quality["freedom"].get<int>());
  else put("errors of prediction over expected: mean square {:.4g}, neighbours correlate by {:.3g}\n", quality["mean_square"].get<double>(), quality["neighbours"].get<double>());
  for (const std::string& note : notes) put("note: {}\n", note);
  if (!options.out.empty()) put("wrote {}\n", options.out.string());
  return 0;
}

}  // namespace heatbath::apps
