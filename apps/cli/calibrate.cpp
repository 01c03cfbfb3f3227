// heatbath calibrate: what a chip does to values, measured from its samples.

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/commands.hpp"
#include "apps/cli/console.hpp"
#include "apps/cli/interrupt.hpp"
#include "apps/cli/progress_bar.hpp"
#include "files/atomic_file.hpp"
#include "files/calibration_file.hpp"
#include "files/provenance.hpp"
#include "files/utf8.hpp"
#include "heatbath/open.hpp"

namespace heatbath::apps {

namespace {

/// Mean and spread over cells or couplers, and the usual standard error of one.
struct Spread {
  double mean = 0, sd = 0, error = 0;
  std::size_t count = 0;
};
template <class Elements, class Figure>
Spread spread_of(const Elements& elements, Figure figure) {
  Spread spread;
  double squares = 0, errors = 0;
  for (const auto& element : elements) {
    const measure::Estimate& is = figure(element);
    if (std::isnan(is.value)) continue;
    ++spread.count;
    spread.mean += is.value;
    squares += is.value * is.value;
    errors += is.standard_error * is.standard_error;
  }
  if (spread.count == 0) return spread;
  const auto n = static_cast<double>(spread.count);
  spread.mean /= n;
  spread.sd = std::sqrt(std::max(squares / n - spread.mean * spread.mean, 0.0));
  spread.error = std::sqrt(errors / n);
  return spread;
}

}  // namespace

int run_calibrate(const CalibrateCommandOptions& options) {
  Device device = open(options.device);
  const std::filesystem::path out = options.out.empty() ? calibration_of(device.identity()) : options.out;
  prepare_file(out);
  watch_interrupts();
  network::CalibrateOptions how = options.calibrate;
  network::Calibration calibration;
  {
    ProgressBar bar(ProgressBar::style_for(options.json), "calibrate", 1, {});
    how.progress = [&](double fraction) {
      bar.update(fraction);
      return !interrupted();
    };
    try {
      calibration = network::calibrate(device, how);
    } catch (const Error& error) {
      if (error.code() == HB_ABORTED && interrupted()) return interrupted_status();
      throw;
    }
    bar.finish();
  }
  const std::string text = calibration_text(calibration);
  AtomicFile file(out);
  file.write(std::as_bytes(std::span(text)));
  file.commit();

  using network::CellFigures;
  using network::CouplerFigures;
  nlohmann::json summary{{"device", describe_device(device)}, {"out", out.string()}, {"cells", calibration.cells.size()},
                         {"couplers", calibration.couplers.size()}, {"valid_seconds", calibration.valid_seconds}};
  if (!options.json) {
    put("{}\n{}\n\n", version_line(), device_line(device));
    put("{:<16} {:>8} {:>10} {:>10} {:>14}\n", "", "number", "mean", "s.d.", "s.e. of one");
  }
  const auto row = [&](const char* name, const Spread& is) {
    if (is.count == 0) return;
    summary["figures"][name] = {{"count", is.count}, {"mean", is.mean}, {"sd", is.sd}, {"standard_error", is.error}};
    if (!options.json) put("{:<16} {:>8} {:>10.5g} {:>10.3g} {:>14.2g}\n", name, is.count, is.mean, is.sd, is.error);
  };
  const auto of_cells = [&](const char* name, measure::Estimate CellFigures::*figure) {
    row(name, spread_of(calibration.cells, [figure](const CellFigures& cell) -> const measure::Estimate& { return cell.*figure; }));
  };
  of_cells("J2 gain", &CellFigures::j2_gain);
  of_cells("J4 gain", &CellFigures::j4_gain);
  of_cells("bias gain", &CellFigures::bias_gain);
  of_cells("bias offset", &CellFigures::bias_offset);
  of_cells("temperature", &CellFigures::temperature);
  of_cells("read-out offset", &CellFigures::read_offset);
  row("coupler gain", spread_of(calibration.couplers, [](const CouplerFigures& one) -> const measure::Estimate& { return one.gain; }));
  row("coupler offset", spread_of(calibration.couplers, [](const CouplerFigures& one) -> const measure::Estimate& { return one.offset; }));
  if (calibration.step.value > 0) {
    summary["figures"]["step"] = {{"mean", calibration.step.value}, {"standard_error", calibration.step.standard_error}};
    if (!options.json) put("{:<16} {:>8} {:>10.5g} {:>10} {:>14.2g}\n", "step", 1, calibration.step.value, "", calibration.step.standard_error);
  }
  const auto rate = [&](const char* name, const measure::Estimate& is) {
    if (!std::isfinite(is.standard_error)) return;
    summary["rates"][name] = {{"per_time_unit", is.value}, {"standard_error", is.standard_error}};
    if (!options.json) put("{:<16} change by {:.2g} +- {:.1g} in a million time units\n", name, 1e6 * is.value, 1e6 * is.standard_error);
  };
  rate("J2 and J4", calibration.cell_rate);
  rate("couplers", calibration.coupler_rate);
  summary["valid_time_units"] = calibration.valid_time;
  summary["valid_kelvin"] = calibration.valid_kelvin;
  if (!options.json && calibration.valid_time > 0)
    put("within {:.2g} % for {:.3g} time units of work\n", 100 * how.tolerance, calibration.valid_time);
  if (options.json) put("{}\n", json_text(summary, 2));
  else put("\nwrote {}\n", out.string());
  return 0;
}

}  // namespace heatbath::apps
