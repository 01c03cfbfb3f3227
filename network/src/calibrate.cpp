// The measurements of a calibration.

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "calibration_bench.hpp"

namespace heatbath::network {
namespace {

constexpr std::uint32_t levels = 32;              // of biases
constexpr std::uint32_t samples_of_level = 128, samples_of_cube = 512, samples_of_drift = 1024, samples_of_coupler = 64;
constexpr std::uint32_t samples_of_variance = 50000, warm_levels = 8;  // few, far out: a code's own error is averaged
constexpr std::uint32_t most_passes = 4;          // over couplers and warm springs
constexpr double part_of_dead = 0.5;              // bias gain below which a cell tells nothing of the chip
constexpr double seen = 3;                        // standard errors beyond which a trend is one

using measure::Estimate;

/// Sums over the records of a phase of a program.
struct Sums {
  double count = 0;
  std::vector<double> first, second, third;  // sums of x, x^2, x^3 by cell

  explicit Sums(std::uint32_t cells) : first(cells), second(cells), third(cells) {}
  void add(std::span<const float> state) {
    ++count;
    for (std::size_t i = 0; i < first.size(); ++i) {
      const auto x = static_cast<double>(state[i]);
      first[i] += x;
      second[i] += x * x;
      third[i] += x * x * x;
    }
  }
  double mean(std::uint32_t i) const { return first[i] / count; }
  double cube(std::uint32_t i) const { return third[i] / count; }
  double variance(std::uint32_t i) const { return std::max(second[i] / count - mean(i) * mean(i), 0.0) * count / (count - 1); }
};

/// Variance of a mean of samples with autocorrelation r^k over that of independent ones.
double inefficiency(double r) { return (1 + r) / (1 - r); }

/// x = -gain b t of cells without force, from 0, at both signs of several b near the end of the range, where a step of
/// the converter is the smallest part of the value. A converter's code 0 of J2 leaves a force, the same for all cells but for
/// their gains: x = -gain b t (1 - k t/2), which flights of half the time tell. Returns k.
double measure_bias_gains(Bench& bench, std::vector<CellFigures>& cells) {
  constexpr double parts[] = {1.0, 0.87, 0.74, 0.61};
  const double most = part_of_range * static_cast<double>(bench.caps().range_bias);
  // As far as is used of the rails, but for no longer than cells near the end of the range take for it.
  const auto [half, half_time] = bench.apart(part_of_range * bench.rail() / most / 2);
  const double time = 2 * half_time;
  std::vector<double> bias;
  for (const double part : parts)
    for (const double sign : {1.0, -1.0}) bias.push_back(sign * bench.held(part * std::min(most, part_of_range * bench.rail() / time), bench.caps().range_bias));
  const std::uint32_t repeats = bench.samples(samples_of_drift) / static_cast<std::uint32_t>(2 * bias.size()) + 1;
  Program program = bench.program(0, 0, bias[0], bench.cold());
  program.loop_begin(repeats);
  for (const double value : bias)
    for (const std::uint64_t halves : {2u, 1u}) {
      program.load(CellSection::bias, static_cast<float>(value)).commit();
      // Held for as long as the converter of the bias takes to settle.
      program.clamp(0, bench.cells(), 0.0f).evolve(bench.apart(0.2).first).release(0, bench.cells()).evolve(half * halves).sample();
    }
  program.loop_end();
  const std::size_t phases = 2 * bias.size();
  std::vector<Sums> sums(phases, Sums(bench.cells()));
  bench.run(program, [&](std::uint64_t record, std::span<const float> x) { sums[record % phases].add(x); }, 0.05);
  double squares = 0;
  for (const double value : bias) squares += value * value;
  struct Flown {
    double gain[2] = {}, variance[2] = {};  // in the whole time, in half of it: without a force
  };
  std::vector<Flown> flown(bench.cells());
  double bend = 0, weights = 0;  // k t/2, of all cells
  for (std::uint32_t i = 0; i < bench.cells(); ++i) {
    Flown& is = flown[i];
    for (std::size_t k = 0; k < phases; ++k) {
      const double b = bias[k / 2], length = k % 2 == 0 ? time : half_time;
      is.gain[k % 2] -= b * sums[k].mean(i) / squares / length;
      is.variance[k % 2] += b * b * sums[k].variance(i) / sums[k].count / (squares * squares) / (length * length);
    }
    if (!(is.gain[0] > part_of_dead)) continue;
    const double found = 2 * (is.gain[1] / is.gain[0] - 1), variance = 4 * (is.variance[0] + is.variance[1]) / (is.gain[0] * is.gain[0]);
    bend += found / variance, weights += 1 / variance;
  }
  const double error = weights > 0 ? 1 / std::sqrt(weights) : 0;
  bend = weights > 0 ? bend / weights : 0;
  for (std::uint32_t i = 0; i < bench.cells(); ++i) {
    const Flown& is = flown[i];
    const double whole = is.gain[0] * (1 + bend), part = is.gain[1] * (1 + bend / 2), share = is.variance[1] / (is.variance[0] + is.variance[1]);
    const double gain = share * whole + (1 - share) * part;
    cells[i].bias_gain = {gain, std::hypot(std::sqrt(is.variance[0] * is.variance[1] / (is.variance[0] + is.variance[1])), gain * error * (1 + share) / 2),
                          static_cast<double>(phases) * sums[0].count};
  }
  return 2 * bend / time;
}

/// What cells of one J2 and temperature show under biases: stiffness, offset, variance.
struct Springs {
  double k = 0;                                          // nominal
  double count = 0, inefficiency_of_mean = 1, inefficiency_of_variance = 1;
  double when = 0;                                       // device time, time units: mean of the visits
  std::vector<double> stiffness, stiffness_error;        // actual; relative error without that of the bias gain
  std::vector<double> offset, offset_error, variance;
};

/// Means under `count` biases from `least` to 1 of `most`, symmetric about 0: slope -bias gain/stiffness, offset -bias
/// offset/stiffness. The levels come by turns, again and again, so that what wanders slowly is the same for all.
class SpringBench {
 public:
  SpringBench(Bench& bench, double j2, double kT, double most, std::uint32_t count, std::uint32_t samples, double spacing, std::uint32_t visit,
              double least = 0)
      : bench_(bench), j2_(j2), kT_(kT), each_(std::min(samples, visit)), visits_(std::max(1u, samples / visit)), sums_(count, Sums(bench.cells())) {
    std::tie(period_, time_) = bench.apart(spacing / (2 * j2));
    for (std::uint32_t level = 0; level < count; ++level)
      bias_.push_back((2 * level < count - 1 ? -1 : 1) * bench.held(most * (least + (1 - least) * std::fabs(2.0 * level - (count - 1)) / (count - 1)), bench.caps().range_bias));
  }

  /// Part `part` of `parts` of the visits.
  void visit(std::uint32_t part, std::uint32_t parts, double until) {
    const std::uint32_t visits = visits_ * (part + 1) / parts - visits_ * part / parts;
    if (visits == 0) return;
    Program program = bench_.program(j2_, 0, 0, kT_);
    program.loop_begin(visits);
    for (const double bias : bias_) {
      program.load(CellSection::bias, static_cast<float>(bias)).commit().evolve(bench_.ticks(10 / (2 * j2_)));
      program.loop_begin(each_).evolve(period_).sample().loop_end();
    }
    program.loop_end();
    const double from = bench_.time();
    bench_.run(program, [&](std::uint64_t record, std::span<const float> x) { sums_[record / each_ % bias_.size()].add(x); }, until);
    when_ += visits * (from + bench_.time()) / 2 / visits_;
  }

  Springs found(const std::vector<CellFigures>& cells) const {
    const double k = 2 * j2_;
    const auto count = static_cast<double>(bias_.size());
    Springs found;
    found.k = k;
    found.count = sums_[0].count * count;
    found.when = when_;
    found.inefficiency_of_mean = inefficiency(std::exp(-k * time_));
    found.inefficiency_of_variance = inefficiency(std::exp(-2 * k * time_));
    double squares = 0;
    for (const double b : bias_) squares += b * b;
    for (std::uint32_t i = 0; i < bench_.cells(); ++i) {
      double slope = 0, offset = 0, variance = 0;
      for (std::size_t level = 0; level < bias_.size(); ++level) {
        slope += bias_[level] * sums_[level].mean(i) / squares;
        offset += sums_[level].mean(i) / count;
        variance += sums_[level].variance(i) / count;
      }
      const double per_level = variance * found.inefficiency_of_mean / sums_[0].count, stiffness = -cells[i].bias_gain.value / slope;
      const double relative = std::sqrt(per_level / squares) / std::fabs(slope);
      found.stiffness.push_back(stiffness);
      found.stiffness_error.push_back(relative);
      found.offset.push_back(-offset * stiffness);
      found.offset_error.push_back(std::hypot(std::sqrt(per_level / count) * stiffness, offset * stiffness * relative));
      found.variance.push_back(variance);
    }
    return found;
  }

 private:
  Bench& bench_;
  double j2_, kT_;
  std::uint32_t each_, visits_;
  std::vector<Sums> sums_;
  std::vector<double> bias_;
  Ticks period_;
  double time_ = 0, when_ = 0;
};

/// Under a soft and a stiff J2 and the same biases: a converter that reads r too much shows an offset of -k r beside that
/// of the bias. The codes of the bias are the same, so what their converter does to them is, too.
void measure_offsets(Bench& bench, std::vector<CellFigures>& cells) {
  const double soft = bench.held(0.75, bench.caps().range_j2), stiff = bench.stiff();
  const double most = 0.6 * bench.rail() * soft;
  SpringBench at_soft(bench, soft, bench.cold(), most, levels, bench.samples(samples_of_level), 1.5, of_visit),
      at_stiff(bench, stiff, bench.cold(), most, levels, bench.samples(samples_of_level), 1.5, of_visit);
  at_soft.visit(0, 1, 0.12);
  at_stiff.visit(0, 1, 0.14);
  const Springs of_soft = at_soft.found(cells), of_stiff = at_stiff.found(cells);
  for (std::uint32_t i = 0; i < bench.cells(); ++i) {
    // At so small a reach the stiff slope is poorly known, and matters little.
    const double k = of_soft.stiffness[i], K = of_stiff.stiffness[i], span = K - k;
    const double o = of_soft.offset[i], O = of_stiff.offset[i], count = of_soft.count + of_stiff.count;
    cells[i].bias_offset = {(K * o - k * O) / span, std::hypot(K * of_soft.offset_error[i], k * of_stiff.offset_error[i]) / span, count};
    cells[i].read_offset = {(o - O) / span, std::hypot(of_soft.offset_error[i], of_stiff.offset_error[i]) / span, count};
  }
}

/// <x^3> = -(bias + force x)/(4 J4) under one bias, at both of its signs; `force`: what the code 0 of J2 leaves.
/// Returns when, in device time.
double measure_quartic(Bench& bench, double force, std::vector<CellFigures>& cells) {
  if (bench.caps().stepper == Stepper::exact_ou) return bench.time();
  const double x = std::min(1.5, part_of_range * bench.rail());
  const double j4 = bench.held(1, bench.caps().range_j4), b = bench.held(4 * j4 * x * x * x, bench.caps().range_bias);
  const double k = 12 * j4 * std::pow(b / (4 * j4), 2.0 / 3);
  const auto [period, time] = bench.apart(3 / k);
  const std::uint32_t samples = bench.samples(samples_of_cube);
  std::vector<Sums> sums(2, Sums(bench.cells()));
  std::vector<std::vector<double>> squared(2, std::vector<double>(bench.cells()));  // of cubes
  Program program = bench.program(0, j4, 0, bench.cold());
  for (const double bias : {b, -b}) {
    program.load(CellSection::bias, static_cast<float>(bias)).commit().evolve(bench.ticks(10 / k + 4));
    program.loop_begin(samples).evolve(period).sample().loop_end();
  }
  const double from = bench.time();
  bench.run(program, [&](std::uint64_t record, std::span<const float> state) {
    sums[record / samples].add(state);
    for (std::size_t i = 0; i < state.size(); ++i) squared[record / samples][i] += std::pow(static_cast<double>(state[i]), 6);
  }, 0.18);
  const double when = (from + bench.time()) / 2;
  for (std::uint32_t i = 0; i < bench.cells(); ++i) {
    const double cube = (sums[1].cube(i) - sums[0].cube(i)) / 2, n = sums[0].count;
    double variance = 0;
    for (int side = 0; side < 2; ++side) variance += std::max(squared[side][i] / n - sums[side].cube(i) * sums[side].cube(i), 0.0) / n / 4;
    const Estimate& gain = cells[i].bias_gain;
    const double middle = (sums[1].mean(i) - sums[0].mean(i)) / 2;
    const double value = (gain.value * b - force * middle) / (4 * j4 * cube);
    const double relative = std::hypot(gain.standard_error / gain.value, std::sqrt(variance * inefficiency(std::exp(-k * time))) / cube);
    cells[i].j4_gain = {value, std::fabs(value) * relative, 2 * n};
  }
  return when;
}

/// Variance times stiffness over kT, hot, under two stiffnesses, each measured by the same records: a step, or a slow
/// amplifier, makes variances grow with the stiffness. J2 from the stiffer one, where a step of the converter is the
/// smallest part of the value.
class WarmSprings {
 public:
  explicit WarmSprings(Bench& bench) {
    const double hot = static_cast<double>(bench.caps().kT_max) * part_of_range;
    const double soft = bench.held(1, bench.caps().range_j2);
    // Far from the middle what a converter leaves of x^4 at code 0 would bend the springs.
    // One temperature for both: what its own converter does to it is then the same.
    kT_ = std::clamp(2 * soft * std::pow(bench.rail() / 12, 2), bench.cold(), hot);
    for (const double j2 : {soft, bench.stiff()})
      of_.emplace_back(bench, j2, kT_, bench.held(0.15 * bench.rail() * 2 * j2, bench.caps().range_bias), warm_levels,
                       std::max(2u, bench.samples(samples_of_variance) / warm_levels), 1, 4 * of_visit, 0.8);
  }
  void visit(std::uint32_t part, std::uint32_t parts, double until) {
    for (SpringBench& springs : of_) springs.visit(part, parts, until);
  }
  /// Returns when J2 was measured, in device time.
  double figures(const Bench& bench, std::vector<CellFigures>& cells, Estimate& step) const;

 private:
  double kT_ = 0;
  std::vector<SpringBench> of_;
};

double WarmSprings::figures(const Bench& bench, std::vector<CellFigures>& cells, Estimate& step) const {
  const std::vector<Springs> springs{of_[0].found(cells), of_[1].found(cells)};
  const auto ratio = [&](std::size_t at, std::uint32_t i) { return springs[at].variance[i] * springs[at].stiffness[i] / kT_; };
  const auto error = [&](std::size_t at, std::uint32_t i) {
    return std::hypot(std::sqrt(2 * springs[at].inefficiency_of_variance / springs[at].count), springs[at].stiffness_error[i]);
  };
  // 1 + k step/2 at both: the step is one for all cells.
  std::vector<double> steps;
  double of_one = 0;
  for (std::uint32_t i = 0; i < bench.cells(); ++i) {
    const double soft_k = springs[0].stiffness[i], stiff_k = springs[1].stiffness[i], grows = ratio(1, i) / ratio(0, i);
    const double found = 2 * (grows - 1) / (stiff_k - grows * soft_k), off = 2 * std::hypot(error(0, i), error(1, i)) / (stiff_k - soft_k);
    if (!std::isfinite(found) || !std::isfinite(off) || cells[i].bias_gain.value < part_of_dead) continue;
    steps.push_back(found);
    of_one += off * off;
  }
  double sum = 0;
  for (const double value : steps) sum += value;
  const auto count = static_cast<double>(steps.size());
  step = {sum / count, std::sqrt(of_one) / count, count * springs[0].count};
  // Where it is not seen it is none: its noise would be an error of every variance.
  const double taken = step.value > 3 * step.standard_error ? step.value : 0;
  for (std::uint32_t i = 0; i < bench.cells(); ++i) {
    CellFigures& cell = cells[i];
    double value = 0, weights = 0;
    for (std::size_t at = 0; at < 2; ++at) {
      const double weight = 1 / std::pow(error(at, i), 2);
      value += weight * ratio(at, i) / (1 + springs[at].stiffness[i] * taken / 2);
      weights += weight;
    }
    const double of_gain = cell.bias_gain.standard_error / cell.bias_gain.value;
    const double of_step = taken > 0 ? step.standard_error * (springs[0].k + springs[1].k) / 4 : 0;
    cell.temperature = {value / weights, value / weights * std::sqrt(1 / weights + of_gain * of_gain + of_step * of_step), springs[0].count + springs[1].count};
    const double gain = springs[1].stiffness[i] / springs[1].k;
    cell.j2_gain = {gain, std::fabs(gain) * std::hypot(of_gain, springs[1].stiffness_error[i]), springs[1].count};
  }
  if (taken == 0) step.value = 0;
  return springs[1].when;
}

/// A change of figures with device time, relative and per time unit.
struct Trend {
  Estimate rate;
  bool is_seen() const { return std::fabs(rate.value) > seen * rate.standard_error; }
  /// What a figure is to be multiplied by that was measured at `when` and is wanted at `then`.
  double factor(double when, double then) const { return is_seen() ? 1 + rate.value * (then - when) : 1; }
  double error(double when, double then) const { return is_seen() ? rate.standard_error * std::fabs(then - when) : 0; }
};

/// Sums of a line through relative changes.
struct TrendSums {
  double products = 0, squares = 0, noise = 0, count = 0;
  void add(double change, double time, double error) {
    if (!std::isfinite(change) || !std::isfinite(error)) return;  // of a dead cell
    products += change * time, squares += time * time, noise += std::pow(error * time, 2), ++count;
  }
  Trend trend() const {
    if (squares == 0) return {{0, std::numeric_limits<double>::infinity(), 0}};
    return {{products / squares, std::sqrt(noise) / squares, count}};
  }
};

/// Means of free cells beside clamped ones: -(gain b + (gain J + offset) x)/k, at both signs of bias, coupling and state.
/// b = J x: the gain of a coupler is the ratio of two equal movements of one cell, seen by one converter at one time, to
/// which its stiffness, what bends it, and its age do nothing. The eight phases come by turns, and passes over all
/// couplers one after the other, so that the change from pass to pass is seen, of cells and of couplers.
class CouplerBench {
 public:
  explicit CouplerBench(Bench& bench) : bench_(bench) {
    const std::vector<Coupler> all = bench.couplers();
    const bool dense = !bench.caps().sparse();
    const Wanted wanted = wanted_of(bench, all);
    if (wanted.couplers.empty()) return;
    // A change is seen in two passes or more, whatever it takes.
    const std::uint32_t samples = bench.samples(samples_of_coupler / 2.0);
    passes_ = std::clamp(samples / of_visit, 2u, most_passes);
    each_ = std::clamp(samples / passes_, 2u, of_visit);
    visits_ = std::max(passes_, samples / each_);
    j2_ = bench.held(1.5, bench.caps().range_j2);
    x_ = bench.rail();
    J_ = bench.held(j2_ / 2, bench.caps().range_coupling);
    b_ = bench.held(J_ * x_, bench.caps().range_bias);
    for (const auto& members : groups_of(bench.cells(), all, dense, wanted.clamped)) {
      Group& group = groups_.emplace_back();
      group.clamped = members;
      std::vector<bool> clamped(bench.cells());
      for (const std::uint32_t i : members) clamped[i] = true;
      for (const Coupler& at : wanted.couplers)
        if (clamped[at.i] != clamped[at.j]) group.seen.push_back({clamped[at.i] ? at.j : at.i, clamped[at.i] ? at.i : at.j});
    }
  }

  bool empty() const { return groups_.empty(); }
  std::uint32_t passes() const { return std::max(1u, passes_); }

  void visit(std::uint32_t pass, double from, double until) {
    const std::uint32_t visits = visits_ * (pass + 1) / passes_ - visits_ * pass / passes_;
    for (std::size_t g = 0; g < groups_.size(); ++g)
      look(groups_[g], visits, from + (until - from) * static_cast<double>(g + 1) / static_cast<double>(groups_.size()));
  }

  /// Figures as they are at `now`, and how the stiffness of cells and the gain of couplers change.
  void figures(const std::vector<CellFigures>& cells, double now, std::vector<CouplerFigures>& found, Trend& of_cells, Trend& of_couplers) const;

 private:
  struct Look {
    double when = 0, count = 0;
    std::vector<float> by_bias, error;         // of cells: movement under b, error of a movement; clamped cells: 0
    std::vector<float> by_coupler, by_offset;  // of what the group sees
  };
  using Seen = std::pair<std::uint32_t, std::uint32_t>;  // the free cell, the clamped one
  struct Group {
    std::vector<std::uint32_t> clamped;
    std::vector<Seen> seen;
    std::vector<Look> looks;
  };

  void look(Group& group, std::uint32_t visits, double until) {
    const double k = 2 * j2_;
    const auto [period, time] = bench_.apart(3 / k);
    Program program = bench_.program(j2_, 0, 0, bench_.cold());
    program.load_gain(1).loop_begin(visits);
    for (const double sign : {1.0, -1.0}) {
      program.load_coupling_list(bench_.both_ways(group.seen, sign * J_)).commit();
      for (const double side : {1.0, -1.0}) {
        for (const std::uint32_t i : group.clamped) program.clamp(i, 1, static_cast<float>(side * x_));
        for (const double bias : {side, -side}) {
          program.load(CellSection::bias, static_cast<float>(bias * b_)).commit();
          program.evolve(bench_.ticks(9 / k)).loop_begin(each_).evolve(period).sample().loop_end();
        }
      }
    }
    program.loop_end();
    program.release(0, bench_.cells());  // a chip holds what one job clamped in the next one, too
    std::vector<Sums> phases(8, Sums(bench_.cells()));
    const double begin = bench_.time();
    bench_.run(program, [&](std::uint64_t record, std::span<const float> state) { phases[record / each_ % 8].add(state); }, until);
    Look& look = group.looks.emplace_back();
    look.when = (begin + bench_.time()) / 2;
    look.count = phases[0].count;
    // Phases by sign of J, then side of x, then bias beside the side and against it.
    const auto J = [](int phase) { return phase < 4 ? 1 : -1; };
    const auto x = [](int phase) { return phase % 4 < 2 ? 1 : -1; };
    const auto b = [&](int phase) { return phase % 2 == 0 ? x(phase) : -x(phase); };
    const auto movement = [&](std::uint32_t i, const auto& sign) {
      double sum = 0;
      for (int phase = 0; phase < 8; ++phase) sum -= sign(phase) * phases[static_cast<std::size_t>(phase)].mean(i) / 8;
      return sum;
    };
    look.by_bias.resize(bench_.cells()), look.error.resize(bench_.cells());
    std::vector<bool> held(bench_.cells());
    for (const std::uint32_t i : group.clamped) held[i] = true;
    for (std::uint32_t i = 0; i < bench_.cells(); ++i) {
      if (held[i]) continue;
      double variance = 0;
      for (const Sums& phase : phases) variance += phase.variance(i) / 8;
      look.by_bias[i] = static_cast<float>(movement(i, b));
      look.error[i] = static_cast<float>(std::sqrt(variance * inefficiency(std::exp(-k * time)) / look.count / 8));
    }
    for (const Seen& at : group.seen) {
      look.by_coupler.push_back(static_cast<float>(movement(at.first, [&](int phase) { return J(phase) * x(phase); })));
      look.by_offset.push_back(static_cast<float>(movement(at.first, x)));
    }
  }

  Bench& bench_;
  std::uint32_t each_ = 0, visits_ = 0, passes_ = 0;
  double j2_ = 0, x_ = 0, J_ = 0, b_ = 0;
  std::vector<Group> groups_;
};

void CouplerBench::figures(const std::vector<CellFigures>& cells, double now, std::vector<CouplerFigures>& found, Trend& of_cells,
                           Trend& of_couplers) const {
  // Movement of each cell under b, and its change over the looks, which is that of its softness.
  const auto count = static_cast<std::size_t>(bench_.cells());
  std::vector<double> moved(count), moved_error(count), middle(count);
  TrendSums softer;
  for (std::size_t i = 0; i < count; ++i) {
    double looks = 0, squares = 0;
    for (const Group& group : groups_)
      for (const Look& look : group.looks)
        if (look.error[i] > 0) ++looks, moved[i] += look.by_bias[i], middle[i] += look.when, squares += look.error[i] * look.error[i];
    if (looks == 0) continue;
    moved[i] /= looks, middle[i] /= looks, moved_error[i] = std::sqrt(squares) / looks;
    for (const Group& group : groups_)
      for (const Look& look : group.looks)
        if (look.error[i] > 0) softer.add(look.by_bias[i] / moved[i] - 1, look.when - middle[i], look.error[i] / moved[i]);
  }
  of_cells = softer.trend();

  struct Sum {
    double gain = 0, offset = 0, of_gain = 0, of_offset = 0;  // weighted sums, and weights
  };
  std::map<std::pair<std::uint32_t, std::uint32_t>, Sum> sums;
  struct Side {
    double gain = 0, offset = 0, error = 0, when = 0;
  };
  std::vector<std::vector<Side>> sides;
  TrendSums stronger;
  for (const Group& group : groups_) {
    std::vector<Side>& of_group = sides.emplace_back();
    for (std::size_t s = 0; s < group.seen.size(); ++s) {
      const std::uint32_t free = group.seen[s].first;
      Side side;
      std::vector<double> gains;
      const auto looks = static_cast<double>(group.looks.size());
      for (const Look& look : group.looks) {
        const double unit = moved[free] * of_cells.factor(middle[free], look.when) / (cells[free].bias_gain.value * b_);  // of force
        gains.push_back(look.by_coupler[s] / unit / (J_ * x_));
        side.gain += gains.back() / looks;
        side.offset += look.by_offset[s] / unit / x_ / looks;
        side.error += std::pow(look.error[free] / unit / x_ / looks, 2);  // of the offset
        side.when += look.when / looks;
      }
      side.error = std::sqrt(side.error);
      for (std::size_t pass = 0; pass < gains.size(); ++pass)
        stronger.add(gains[pass] / side.gain - 1, group.looks[pass].when - side.when, side.error * std::sqrt(looks) / J_ / side.gain);
      of_group.push_back(side);
    }
  }
  of_couplers = stronger.trend();
  const double samples = groups_.empty() ? 0 : 8 * groups_[0].looks[0].count * static_cast<double>(passes_);
  for (std::size_t g = 0; g < groups_.size(); ++g)
    for (std::size_t s = 0; s < groups_[g].seen.size(); ++s) {
      const auto [free, clamped] = groups_[g].seen[s];
      const Side& side = sides[g][s];
      const Estimate& of_bias = cells[free].bias_gain;
      const double of_cell = std::hypot(of_bias.standard_error / of_bias.value, moved_error[free] / moved[free]);
      const double gain = side.gain * of_couplers.factor(side.when, now);
      const double of_gain = 1 / (std::pow(side.error / J_, 2) + std::pow(gain * of_cell, 2));
      if (!std::isfinite(of_gain) || !std::isfinite(side.offset) || !(side.error > 0)) continue;  // seen by a dead cell
      Sum& sum = sums[{std::min(free, clamped), std::max(free, clamped)}];
      sum.gain += of_gain * gain;
      sum.of_gain += of_gain;
      sum.offset += side.offset / (side.error * side.error);
      sum.of_offset += 1 / (side.error * side.error);
    }
  const double common = of_couplers.error(groups_.empty() ? now : groups_[0].looks[0].when, now);
  for (const auto& [pair, sum] : sums) {
    const double gain = sum.gain / sum.of_gain;
    found.push_back({pair.first, pair.second, {gain, std::hypot(1 / std::sqrt(sum.of_gain), gain * common), samples},
                     {sum.offset / sum.of_offset, 1 / std::sqrt(sum.of_offset), samples}});
  }
}

/// When it was made, and for how long its figures hold.
void finish(Device& device, const CalibrateOptions& options, Calibration& calibration) {
  const ChipCondition made = condition_of(device);
  calibration.made_at = made.seconds;
  calibration.resets = made.resets;
  calibration.made_time = made.time;
  calibration.die_temperature = made.kelvin;
  if (options.tolerance > 0) {
    double rate = 0;
    for (const Estimate& of : {calibration.cell_rate, calibration.coupler_rate})
      if (std::isfinite(of.standard_error)) rate = std::max(rate, std::fabs(of.value) + 2 * of.standard_error);
    if (rate > 0) calibration.valid_time = options.tolerance / rate;
    if (std::isfinite(made.kelvin)) calibration.valid_kelvin = options.tolerance * made.kelvin;
  }
}

/// A device without its correction, which it has again afterwards.
class AsItIs {
 public:
  explicit AsItIs(Device& device) : device_(device), was_(device.capabilities().correction) { device.correct(nullptr); }
  ~AsItIs() { device_.correct(was_); }
  AsItIs(const AsItIs&) = delete;

 private:
  Device& device_;
  std::shared_ptr<const ChipCorrection> was_;
};

}  // namespace

Calibration calibrate(Device& device, const CalibrateOptions& options) {
  const AsItIs uncorrected(device);
  const Capabilities& caps = device.capabilities();
  if (caps.cell_kind != CellKind::overdamped && caps.cell_kind != CellKind::pbit)
    throw Error(HB_UNSUPPORTED, "calibrate: overdamped cells and p-bits are calibrated; this device's are " + std::string(name(caps.cell_kind)));
  if (caps.cell_kind == CellKind::overdamped) require(caps.kT_programmable, "calibrate", "KT_PROGRAMMABLE");
  Bench bench(device, options);
  Calibration calibration;
  const Identity& chip = device.identity();
  calibration.vendor = chip.vendor;
  calibration.part = chip.part;
  calibration.serial = chip.serial;
  calibration.valid_seconds = options.valid_seconds;
  calibration.cells.resize(bench.cells());
  std::vector<CellFigures>& cells = calibration.cells;
  if (device.capabilities().cell_kind == CellKind::pbit) {
    calibrate_pbits(bench, options.couplers, calibration);
    finish(device, options, calibration);
    return calibration;
  }
  const double force = measure_bias_gains(bench, cells);
  measure_offsets(bench, cells);
  const double when_quartic = measure_quartic(bench, force, cells);
  // Couplers and warm springs by turns: what changes meanwhile is seen in both.
  WarmSprings springs(bench);
  std::optional<CouplerBench> couplers;
  if (options.couplers) couplers.emplace(bench);
  const std::uint32_t passes = couplers && !couplers->empty() ? couplers->passes() : 1;
  for (std::uint32_t pass = 0; pass < passes; ++pass) {
    const double begin = 0.18 + 0.82 * pass / passes, end = 0.18 + 0.82 * (pass + 1) / passes;
    if (couplers && !couplers->empty()) couplers->visit(pass, begin, begin + 0.6 * (end - begin));
    springs.visit(pass, passes, end);
  }
  const double when_springs = springs.figures(bench, cells, calibration.step), now = bench.time();
  if (couplers && !couplers->empty()) {
    Trend softer, stronger;
    couplers->figures(cells, now, calibration.couplers, softer, stronger);
    const Trend stiffer{{-softer.rate.value, softer.rate.standard_error, softer.rate.effective_samples}};
    const auto age = [&](Estimate& gain, double when) {
      const double factor = stiffer.factor(when, now);
      gain.standard_error = std::hypot(gain.standard_error * factor, gain.value * stiffer.error(when, now));
      gain.value *= factor;
    };
    for (CellFigures& cell : cells) age(cell.j2_gain, when_springs), age(cell.j4_gain, when_quartic);
    calibration.cell_rate = stiffer.rate;
    calibration.coupler_rate = stronger.rate;
  }
  finish(device, options, calibration);
  return calibration;
}

}  // namespace heatbath::network
