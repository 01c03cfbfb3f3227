// heatbath solve: linear algebra as thermal averages.

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/commands.hpp"
#include "apps/cli/console.hpp"
#include "apps/cli/emulator_for.hpp"
#include "apps/cli/interrupt.hpp"
#include "apps/cli/progress_bar.hpp"
#include "files/array_file.hpp"
#include "files/atomic_file.hpp"
#include "files/electricity.hpp"
#include "files/json_numbers.hpp"
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

bool is_symmetric(const Matrix& matrix) {
  for (std::size_t i = 0; i < matrix.rows; ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (matrix.values[i * matrix.rows + j] != matrix.values[j * matrix.rows + i]) return false;
  return true;
}

std::vector<double> read_vector(const std::filesystem::path& file, std::size_t count, const char* of) {
  const NumberArray array = read_array(file, "", std::max<std::size_t>(count, 1), [&](const std::vector<std::uint64_t>& shape) -> std::string {
    if (shape.size() == 1 && (count == 0 || shape[0] == count)) return "";
    return fmt::format("needs {} values, one for each {}", count, of);
  });
  return {array.values.begin(), array.values.end()};
}

enum class Wanted { solution, inverse, log_determinant, exponential, lyapunov, posterior };

const char* name_of(Wanted wanted) {
  constexpr const char* names[] = {"solution", "inverse", "log_determinant", "exponential", "lyapunov", "posterior"};
  return names[static_cast<std::size_t>(wanted)];
}

Wanted wanted_of(const SolveCommandOptions& options) {
  const bool posterior = !options.design.empty();
  const int others = int{options.inverse} + int{options.log_determinant} + int{options.exponential.has_value()} + int{!options.lyapunov.empty()};
  if (others + int{posterior} > 1 || (others == 0) == options.right_side.empty())
    throw Error(HB_BAD_ARG, "solve: --rhs FILE for a solution (with --posterior H: for data), or one of --inverse, --log-determinant, --exponential T, --lyapunov R");
  if (!options.prior_mean.empty() && !posterior) throw Error(HB_BAD_ARG, "--prior-mean: belongs to --posterior");
  if (posterior) return Wanted::posterior;
  return options.inverse           ? Wanted::inverse
         : options.log_determinant ? Wanted::log_determinant
         : options.exponential     ? Wanted::exponential
         : others == 1             ? Wanted::lyapunov
                                   : Wanted::solution;
}

nlohmann::json json_of(const solvers::LinearResult& result) {
  return {{"relative_error", or_null(result.relative_error)},
          {"reached", result.reached},
          {"kT", result.kT},
          {"relaxation_time", result.relaxation_time},
          {"averaged_time", result.averaged_time},
          {"burn_in_time", result.burn_in_time},
          {"device_seconds", result.device_seconds},
          {"notes", result.notes}};
}

std::vector<std::size_t> shape_of(const solvers::LinearResult& result, std::size_t rows) {
  if (result.values.size() == 1) return {1};
  return result.values.size() == rows ? std::vector<std::size_t>{rows} : std::vector<std::size_t>{rows, rows};
}

void show(const solvers::LinearResult& result, const SolveCommandOptions& options, std::size_t rows) {
  constexpr std::size_t kShown = 16;
  const bool square = result.values.size() == rows * rows && rows > 1;
  for (std::size_t k = 0; k < std::min(kShown, result.values.size()); ++k)
    put("  {:>9} {:>14.6g} +- {:.2g}\n", square ? fmt::format("{}, {}", k / rows, k % rows) : std::to_string(k), result.values[k], result.standard_errors[k]);
  if (result.values.size() > kShown) put("  … and {} more; all of them with --json or --out\n", result.values.size() - kShown);
  if (options.log_determinant) put("error            {:.3g}; {:.3g} was asked for\n", result.relative_error, options.run.tolerance);
  else put("relative error   {:.3g} of the norm; {:.3g} was asked for\n", result.relative_error, options.run.tolerance);
  put("time             {:.4g} of burn-in and {:.4g} of averaging in each of {} shots; the slowest mode has {:.3g}\n", result.burn_in_time,
      result.averaged_time, options.run.shots, result.relaxation_time);
  for (const std::string& line : result.notes) put("note: {}\n", line);
}

}  // namespace

int run_solve(const SolveCommandOptions& options) {
  const Wanted wanted = wanted_of(options);
  if (!options.out.empty() && options.out.extension() != ".npz")
    throw Error(HB_BAD_ARG, fmt::format("--out {}: needs a file name that ends in .npz", options.out.string()));
  const Matrix matrix = read_matrix(options.matrix);
  const std::size_t n = matrix.rows;
  std::vector<double> right, noise;
  solvers::GaussianModel model;
  if (wanted == Wanted::solution) right = read_vector(options.right_side, n, "row of the matrix");
  if (wanted == Wanted::lyapunov) {
    const Matrix read = read_matrix(options.lyapunov);
    if (read.rows != n) throw Error(HB_BAD_ARG, fmt::format("{}: has {} rows; {} has {}", options.lyapunov.string(), read.rows, options.matrix.string(), n));
    noise = read.values;
  }
  if (wanted == Wanted::posterior) {
    std::size_t data = 0;
    const NumberArray design = read_array(options.design, "", std::uint64_t{n} << 24, [&](const std::vector<std::uint64_t>& shape) -> std::string {
      if (shape.size() == 2 && shape[1] == n && shape[0] > 0) {
        data = static_cast<std::size_t>(shape[0]);
        return "";
      }
      return fmt::format("needs {} columns, one for each row of the prior's precision", n);
    });
    right = read_vector(options.right_side, data, "row of the design");
    model = {matrix.values, std::vector<double>(n), {design.values.begin(), design.values.end()}, {options.noise}};
    if (!options.prior_mean.empty()) model.prior_mean = read_vector(options.prior_mean, n, "row of the matrix");
  }
  // The network of the matrix: what emulator suits it. Others couple both ways, too, or in two directions.
  const bool alike = is_symmetric(matrix);
  network::Network network(CellKind::overdamped, static_cast<std::uint32_t>(n));
  if (wanted == Wanted::solution || wanted == Wanted::inverse || wanted == Wanted::log_determinant)
    network = network::Network::quadratic_form(matrix.values, right.empty() ? std::vector<double>(n) : right);
  Device device = open_for(options.device, network, std::min<std::uint32_t>(options.run.shots, 64),
                           wanted == Wanted::lyapunov || (wanted == Wanted::exponential && !alike));
  if (!options.out.empty()) prepare_file(options.out);
  watch_interrupts();
  ProgressBar bar(ProgressBar::style_for(options.json), "solve", 100, "");
  solvers::LinearOptions run = options.run;
  run.progress = [&](double fraction) {
    bar.update(100 * fraction);
    return !interrupted();
  };
  const HostEnergy host;
  solvers::LinearResult result;
  std::optional<solvers::LinearResult> covariance;
  switch (wanted) {
    case Wanted::solution:
      result = solvers::solve(device, matrix.values, right, run);
      break;
    case Wanted::inverse:
      result = solvers::inverse(device, matrix.values, run);
      break;
    case Wanted::log_determinant:
      result = solvers::log_determinant(device, matrix.values, run);
      break;
    case Wanted::exponential:
      result = solvers::exponential(device, matrix.values, *options.exponential, run);
      break;
    case Wanted::lyapunov:
      result = solvers::lyapunov(device, matrix.values, noise, run);
      break;
    case Wanted::posterior: {
      solvers::PosteriorResult both = solvers::posterior(device, model, right, run);
      result = std::move(both.mean);
      covariance = std::move(both.covariance);
      break;
    }
  }
  bar.finish();
  const Electricity electricity = electricity_of(device, std::numeric_limits<double>::quiet_NaN(), host);

  nlohmann::json report{{"matrix", options.matrix.string()}, {"rows", n},        {"wanted", name_of(wanted)},
                        {"tolerance", run.tolerance},        {"shots", run.shots}, {"device", describe_device(device)},
                        {"electricity", electricity_json(electricity)},
                        {"provenance", provenance()}};
  report.update(json_of(result));
  if (covariance) report["covariance"] = json_of(*covariance);
  if (options.exponential) report["time"] = *options.exponential;
  report["seed"] = device.capabilities().seeded ? nlohmann::json(run.seed) : nlohmann::json(nullptr);
  if (!options.out.empty()) {
    NpzFile file;
    file.add(wanted == Wanted::posterior ? "mean" : name_of(wanted), std::span<const double>(result.values), shape_of(result, n));
    file.add("standard_errors", std::span<const double>(result.standard_errors), shape_of(result, n));
    if (covariance) {
      file.add("covariance", std::span<const double>(covariance->values), {n, n});
      file.add("covariance_errors", std::span<const double>(covariance->standard_errors), {n, n});
    }
    file.add_text("provenance", json_text(report));
    file.write(options.out);
    report["out"] = options.out.string();
  }
  if (options.json) {
    report["values"] = result.values;
    report["standard_errors"] = result.standard_errors;
    if (covariance) {
      report["covariance"]["values"] = covariance->values;
      report["covariance"]["standard_errors"] = covariance->standard_errors;
    }
    put("{}\n", json_text(report, 2));
  } else {
    std::string title = name_of(wanted);
    std::ranges::replace(title, '_', '-');
    put("{} of {} ({} rows) on {}\n", title, options.matrix.string(), n, device_line(device));
    show(result, options, n);
    if (covariance) {
      put("covariance\n");
      show(*covariance, options, n);
    }
    for (const auto& [title, text] : electricity_rows(electricity))
      if (title.starts_with("Electricity")) put("{:<16} {}\n", title, text);
    if (!options.out.empty()) put("wrote {}\n", options.out.string());
  }
  return result.reached && (!covariance || covariance->reached) ? 0 : 1;
}

}  // namespace heatbath::apps
