#include "heatbath/trainers/associative_memory.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <numbers>

#include "heatbath/error.hpp"
#include "heatbath/numerics/random.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/trainers/ergodicity/training_potential.hpp"
#include "numerics/dense_algebra.hpp"

namespace heatbath::trainers {
namespace {

constexpr std::uint32_t kMostLevels = 16;
constexpr double kRecalled = 0.9;
/// Last words of the addresses of what is drawn here.
enum : std::uint32_t { kPatternSpins = 8, kTurnedSpins = 9 };

/// T (ln 2cosh((wx - theta)/T) + ln 2cosh((wx + theta)/T)) less its value at x = 0.
double rung(double x, double w, double theta, double kT) {
  const auto ln_cosh = [](double u) { return std::abs(u) + std::log1p(std::exp(-2 * std::abs(u))); };
  return kT * (ln_cosh((w * x - theta) / kT) + ln_cosh((w * x + theta) / kT) - 2 * ln_cosh(theta / kT));
}

/// The ladder of rungs that is x^4/(4 N^3) + constant at x = 0, 2 (or 1) .. N: from equal rungs where the slope passes
/// (k + 1/2)/K by Levenberg's and Marquardt's descent of the squares.
void fit_ladder(double cells, DenseMemory& memory, std::uint32_t levels) {
  std::vector<double> x;
  for (double at = std::fmod(cells, 2); at <= cells; at += 2) x.push_back(at);
  const auto points = static_cast<Eigen::Index>(x.size()), unknowns = static_cast<Eigen::Index>(2 * levels + 1);
  Eigen::VectorXd values(unknowns);  // ln w_k, threshold in x of each, constant
  for (std::uint32_t k = 0; k < levels; ++k) {
    values[k] = -std::log(2.0 * levels);
    values[levels + k] = cells * std::cbrt((k + 0.5) / levels);
  }
  values[2 * levels] = 0;
  const auto misfit = [&](const Eigen::VectorXd& at) {
    Eigen::VectorXd r(points);
    for (Eigen::Index p = 0; p < points; ++p) {
      const double m = x[static_cast<std::size_t>(p)] / cells;
      r[p] = at[2 * levels] - cells * m * m * m * m / 4;
      for (std::uint32_t k = 0; k < levels; ++k) {
        const double w = std::exp(at[k]);
        r[p] += rung(x[static_cast<std::size_t>(p)], w, w * at[levels + k], memory.kT);
      }
    }
    return r;
  };
  double damping = 1e-3;
  Eigen::VectorXd r = misfit(values);
  for (int step = 0; step < 400 && damping < 1e12; ++step) {
    Eigen::MatrixXd slope(points, unknowns);
    for (Eigen::Index u = 0; u < unknowns; ++u) {
      constexpr double h = 1e-5;
      Eigen::VectorXd up = values, down = values;
      up[u] += h;
      down[u] -= h;
      slope.col(u) = (misfit(up) - misfit(down)) / (2 * h);
    }
    Eigen::MatrixXd normal = slope.transpose() * slope;
    normal.diagonal() += damping * normal.diagonal() + Eigen::VectorXd::Constant(unknowns, 1e-14);
    const Eigen::VectorXd next = values - numerics::symmetric_solution(normal, slope.transpose() * r).x;
    const Eigen::VectorXd of_next = misfit(next);
    if (of_next.squaredNorm() < r.squaredNorm()) {
      values = next;
      r = of_next;
      damping = std::max(damping / 5, 1e-12);
    } else {
      damping *= 4;
    }
  }
  for (std::uint32_t k = 0; k < levels; ++k) {
    memory.width.push_back(std::exp(values[k]));
    memory.threshold.push_back(memory.width.back() * values[levels + k]);
  }
}

}  // namespace

Patterns random_patterns(std::uint32_t cells, std::uint32_t count, std::uint64_t seed) {
  if (cells == 0 || count == 0) throw Error(HB_BAD_ARG, "random patterns: " + std::to_string(count) + " of " + std::to_string(cells) + " cells");
  Patterns patterns{cells, {}, std::vector<double>(count, 1.0 / count), "random patterns, seed " + std::to_string(seed)};
  patterns.spins.reserve(std::size_t{cells} * count);
  for (std::uint32_t mu = 0; mu < count; ++mu)
    for (std::uint32_t i = 0; i < cells; ++i)
      patterns.spins.push_back((numerics::random_words(seed, numerics::HostPurpose::ergodicity, mu, i, kPatternSpins)[0] & 1u) != 0 ? Spin{1} : Spin{-1});
  return patterns;
}

SpinMachine hebbian_memory(const Patterns& patterns) {
  const std::uint32_t n = patterns.cells;
  SpinMachine machine(n);
  for (std::uint32_t i = 0; i < n; ++i) {
    for (std::uint32_t j = 0; j < i; ++j) {
      std::int64_t sum = 0;
      for (std::size_t mu = 0; mu < patterns.size(); ++mu) sum += patterns.pattern(mu)[i] * patterns.pattern(mu)[j];
      machine.couple(i, j, static_cast<float>(static_cast<double>(sum) / n));
    }
  }
  return machine;
}

DenseMemory dense_memory(const Patterns& patterns, double kT, std::uint32_t levels) {
  if (levels == 0 || levels > kMostLevels)
    throw Error(HB_BAD_ARG, "a dense memory of " + std::to_string(levels) + " levels; 1 to " + std::to_string(kMostLevels));
  if (!(kT > 0) || !std::isfinite(kT)) throw Error(HB_BAD_ARG, "a dense memory at kT = " + numerics::general(kT) + "; above 0");
  const std::uint32_t n = patterns.cells;
  const auto count = static_cast<std::uint32_t>(patterns.size());
  DenseMemory memory;
  memory.kT = kT;
  fit_ladder(n, memory, levels);
  memory.machine = SpinMachine(n + 2 * levels * count);
  memory.machine.visible = n;
  memory.machine.visible_coupled = false;
  std::uint32_t hidden = n;
  for (std::uint32_t mu = 0; mu < count; ++mu) {
    for (std::uint32_t k = 0; k < levels; ++k) {
      for (const double sign : {-1.0, 1.0}) {
        memory.machine.field[hidden] = static_cast<float>(sign * memory.threshold[k]);
        for (std::uint32_t i = 0; i < n; ++i)
          memory.machine.couple(hidden, i, static_cast<float>(memory.width[k] * patterns.pattern(mu)[i]));
        ++hidden;
      }
    }
  }
  // What the ladder misses, and what lies under all of it, by its own parameters.
  const auto of = [&](double x) {
    double sum = 0;
    for (std::uint32_t k = 0; k < levels; ++k) sum -= rung(x, memory.width[k], memory.threshold[k], kT);
    const double m = x / n;
    return sum + n * m * m * m * m / 4;
  };
  double low = of(n % 2), high = low;
  for (std::uint32_t x = n % 2; x <= n; x += 2) {
    low = std::min(low, of(x));
    high = std::max(high, of(x));
  }
  memory.worst = (high - low) / 2;
  double bottom = (high + low) / 2;
  for (std::uint32_t k = 0; k < levels; ++k) {
    const double u = memory.threshold[k] / kT;
    bottom -= 2 * kT * (std::abs(u) + std::log1p(std::exp(-2 * std::abs(u))));
  }
  memory.constant = bottom * count;
  return memory;
}

std::vector<double> memory_law(const Patterns& patterns, int power, double kT) {
  if (patterns.cells > kEnumerableCells)
    throw Error(HB_BAD_ARG, "the law of a memory of " + std::to_string(patterns.cells) + " cells; at most " + std::to_string(kEnumerableCells));
  std::vector<double> energies(std::size_t{1} << patterns.cells, 0.0);
  for (std::uint32_t state = 0; state < energies.size(); ++state)
    for (const double m : overlaps_with(patterns, spins_of(state, patterns.cells)))
      energies[state] -= patterns.cells * std::pow(m, power) / power;
  return boltzmann_weights(energies, kT);
}

namespace {

double largest_of(const Patterns& patterns, std::span<const Spin> spins) {
  double largest = 0;
  for (const double m : overlaps_with(patterns, spins)) largest = std::max(largest, std::abs(m));
  return largest;
}

}  // namespace

double largest_overlap(const Patterns& patterns, std::span<const double> law) {
  double sum = 0;
  for (std::uint32_t state = 0; state < law.size(); ++state) sum += law[state] * largest_of(patterns, spins_of(state, patterns.cells));
  return sum;
}

measure::Estimate largest_overlap(const Patterns& patterns, const SpinRecords& records) {
  std::vector<double> largest;
  for (std::uint32_t shot = 0; shot < records.shots; ++shot)
    largest.push_back(largest_of(patterns, records.state(shot, 0).first(patterns.cells)));
  return measure::mean_of_independent(largest);
}

std::vector<double> overlaps_with(const Patterns& patterns, std::span<const Spin> spins) {
  std::vector<double> overlaps;
  for (std::size_t mu = 0; mu < patterns.size(); ++mu) {
    std::int64_t sum = 0;
    const auto pattern = patterns.pattern(mu);
    for (std::uint32_t i = 0; i < patterns.cells; ++i) sum += pattern[i] * spins[i];
    overlaps.push_back(static_cast<double>(sum) / patterns.cells);
  }
  return overlaps;
}

Recall recall(SpinDevice& device, const SpinMachine& machine, const Patterns& patterns, double kT, double corrupted,
              std::uint32_t shots, double sweeps, double settle) {
  if (shots < 2 || !(corrupted >= 0 && corrupted <= 1) || machine.visible != patterns.cells)
    throw Error(HB_BAD_ARG, "recall: at least 2 shots, a share of turned spins from 0 to 1 and a machine of the patterns' cells are needed");
  const std::uint32_t n = patterns.cells;
  std::vector<Spin> starts;
  starts.reserve(std::size_t{shots} * machine.cells);
  for (std::uint32_t shot = 0; shot < shots; ++shot) {
    const auto pattern = patterns.pattern(shot % patterns.size());
    for (std::uint32_t i = 0; i < machine.cells; ++i) {
      const bool turned = i < n && numerics::unit_interval(numerics::random_words(7, numerics::HostPurpose::ergodicity, shot, i, kTurnedSpins)[0]) < corrupted;
      starts.push_back(i >= n ? Spin{-1} : turned ? static_cast<Spin>(-pattern[i]) : pattern[i]);
    }
  }
  SpinDevice::Run run;
  run.shots = shots;
  run.starts = starts;
  if (machine.cells > n) {
    run.held = {{0, n}};
    run.settle = settle;
  }
  run.burn = sweeps;
  const SpinRecords ends = device.run(machine, kT, run);
  std::vector<double> overlap, recalled, first;
  for (std::uint32_t shot = 0; shot < shots; ++shot) {
    const auto pattern = patterns.pattern(shot % patterns.size());
    const auto with_pattern = [&](std::span<const Spin> spins) {
      std::int64_t sum = 0;
      for (std::uint32_t i = 0; i < n; ++i) sum += pattern[i] * spins[i];
      return static_cast<double>(sum) / n;
    };
    overlap.push_back(with_pattern(ends.state(shot, 0)));
    recalled.push_back(overlap.back() >= kRecalled ? 1 : 0);
    first.push_back(with_pattern(std::span(starts).subspan(std::size_t{shot} * machine.cells, n)));
  }
  return {measure::mean_of_independent(overlap), measure::mean_of_independent(recalled), measure::mean_of_independent(first)};
}

double hebbian_overlap(double load) {
  const auto excess = [load](double y) {
    return std::erf(y) - y * (std::sqrt(2 * load) + 2 / std::sqrt(std::numbers::pi) * std::exp(-y * y));
  };
  // From above: the largest y where the right side is no longer the larger one.
  for (double y = 12; y > 1e-3; y -= 1e-3) {
    if (excess(y) < 0) continue;
    double inside = y, outside = y + 1e-3;
    for (int step = 0; step < 60; ++step) {
      const double middle = (inside + outside) / 2;
      (excess(middle) >= 0 ? inside : outside) = middle;
    }
    return std::erf(inside);
  }
  return 0;
}

}  // namespace heatbath::trainers
