// heatbath solve: linear systems and inverses as thermal averages.

#include <cmath>
#include <stdexcept>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/commands.hpp"
#include "apps/cli/console.hpp"
#include "apps/cli/emulator_for.hpp"
#include "apps/cli/interrupt.hpp"
#include "apps/cli/progress_bar.hpp"
#include "files/array_file.hpp"
#include "files/atomic_file.hpp"
#include "files/npz_file.hpp"
#include "files/provenance.hpp"
#include "files/utf8.hpp"
#include "heatbath/error.hpp"
#include "heatbath/numerics/pair_file.hpp"
#include "heatbath/numerics/text.hpp"

namespace heatbath::apps {

namespace {

constexpr std::uint64_t kMostRows = 16384;

struct Matrix {
  std::size_t rows = 0;
  std::vector<double> values;
};

Matrix read_matrix(const std::filesystem::path& file) {
  Matrix matrix;
  if (file.extension() == ".mtx") {
    numerics::PairList list;
    try {
      list = numerics::read_pairs(file.string(), numerics::Directions::two, numerics::Loops::kept);
    } catch (const std::invalid_argument& error) {
      throw Error(HB_BAD_ARG, error.what());
    }
    if (list.cells > kMostRows) throw Error(HB_BAD_ARG, fmt::format("{}: {} rows; at most {}", file.string(), list.cells, kMostRows));
    const std::size_t n = matrix.rows = list.cells;
    matrix.values.assign(n * n, 0.0);
    for (std::size_t k = 0; k < list.pairs.size(); ++k) {
      matrix.values[list.pairs[k].i * n + list.pairs[k].j] = list.values.empty() ? 1 : static_cast<double>(list.values[2 * k]);
      matrix.values[list.pairs[k].j * n + list.pairs[k].i] = list.values.empty() ? 1 : static_cast<double>(list.values[2 * k + 1]);
    }
    for (const numerics::Loop& loop : list.loops) matrix.values[loop.cell * n + loop.cell] += static_cast<double>(loop.value);
    return matrix;
  }
  const NumberArray array = read_array(file, "", kMostRows * kMostRows, [](const std::vector<std::uint64_t>& shape) -> std::string {
    if (shape.size() == 2 && shape[0] == shape[1] && shape[0] > 0 && shape[0] <= kMostRows) return "";
    return fmt::format("is no square matrix of at most {} rows", kMostRows);
  });
  matrix.rows = static_cast<std::size_t>(array.shape[0]);
  matrix.values.assign(array.values.begin(), array.values.end());
  return matrix;
}

}  // namespace

int run_solve(const SolveCommandOptions& options) {
  if (options.inverse == !options.right_side.empty())
    throw Error(HB_BAD_ARG, "solve: --rhs FILE for a solution, or --inverse");
  if (!options.out.empty() && options.out.extension() != ".npz")
    throw Error(HB_BAD_ARG, fmt::format("--out {}: needs a file name that ends in .npz", options.out.string()));
  const Matrix matrix = read_matrix(options.matrix);
  std::vector<double> right(matrix.rows);
  if (!options.inverse) {
    const NumberArray array = read_array(options.right_side, "", matrix.rows, [&](const std::vector<std::uint64_t>& shape) -> std::string {
      if (shape.size() == 1 && shape[0] == matrix.rows) return "";
      return fmt::format("needs {} values, one for each row of the matrix", matrix.rows);
    });
    right.assign(array.values.begin(), array.values.end());
  }
  const network::Network network = network::Network::quadratic_form(matrix.values, right);
  Device device = open_for(options.device, network, std::min<std::uint32_t>(options.run.shots, 64));
  if (!options.out.empty()) prepare_file(options.out);
  watch_interrupts();
  ProgressBar bar(ProgressBar::style_for(options.json), "solve", 100, "");
  solvers::LinearOptions run = options.run;
  run.progress = [&](double fraction) {
    bar.update(100 * fraction);
    return !interrupted();
  };
  const solvers::LinearResult result = options.inverse ? solvers::inverse(device, matrix.values, run) : solvers::solve(device, matrix.values, right, run);
  bar.finish();

  nlohmann::json report{{"matrix", options.matrix.string()},
                        {"rows", matrix.rows},
                        {"wanted", options.inverse ? "inverse" : "solution"},
                        {"tolerance", run.tolerance},
                        {"relative_error", std::isfinite(result.relative_error) ? nlohmann::json(result.relative_error) : nlohmann::json(nullptr)},
                        {"reached", result.reached},
                        {"kT", result.kT},
                        {"relaxation_time", result.relaxation_time},
                        {"averaged_time", result.averaged_time},
                        {"burn_in_time", result.burn_in_time},
                        {"device_seconds", result.device_seconds},
                        {"notes", result.notes},
                        {"device", describe_device(device)},
                        {"provenance", provenance()}};
  report["seed"] = device.capabilities().seeded ? nlohmann::json(run.seed) : nlohmann::json(nullptr);
  if (!options.out.empty()) {
    NpzFile file;
    std::vector<std::size_t> shape{matrix.rows};
    if (options.inverse) shape.push_back(matrix.rows);
    file.add(options.inverse ? "inverse" : "solution", std::span<const double>(result.values), shape);
    file.add("standard_errors", std::span<const double>(result.standard_errors), shape);
    file.add_text("provenance", json_text(report));
    file.write(options.out);
    report["out"] = options.out.string();
  }
  if (options.json) {
    report["values"] = result.values;
    report["standard_errors"] = result.standard_errors;
    put("{}\n", json_text(report, 2));
  } else {
    put("{} of {} ({} rows) on {}\n", options.inverse ? "inverse" : "solution", options.matrix.string(), matrix.rows, device_line(device));
    constexpr std::size_t kShown = 16;
    for (std::size_t k = 0; k < std::min(kShown, result.values.size()); ++k)
      put("  {:>6} {:>14.6g} +- {:.2g}\n", k, result.values[k], result.standard_errors[k]);
    if (result.values.size() > kShown) put("  … and {} more; all of them with --json or --out\n", result.values.size() - kShown);
    put("relative error   {:.3g} of the norm; {:.3g} was asked for\n", result.relative_error, run.tolerance);
    put("time             {:.4g} of burn-in and {:.4g} of averaging in each of {} shots; the slowest mode has {:.3g}\n", result.burn_in_time,
        result.averaged_time, run.shots, result.relaxation_time);
    for (const std::string& line : result.notes) put("note: {}\n", line);
    if (!options.out.empty()) put("wrote {}\n", options.out.string());
  }
  return result.reached ? 0 : 1;
}

}  // namespace heatbath::apps
