// The measurements of a calibration.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <map>
#include <utility>

#include "heatbath/codes.h"
#include "heatbath/error.hpp"
#include "heatbath/network/calibration.hpp"

namespace heatbath::network {
namespace {

constexpr std::uint32_t levels = 8;               // of biases
constexpr std::uint32_t samples_of_level = 128, samples_of_drift = 1024, samples_of_coupler = 64;
constexpr std::uint32_t samples_of_variance = 50000;
constexpr double part_of_range = 0.7;             // of states and parameters that are used

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

class Bench {
 public:
  Bench(Device& device, const CalibrateOptions& options)
      : device_(device), caps_(device.capabilities()), options_(options),
        cells_(options.cells == 0 ? caps_.cells : options.cells), lanes_(std::max(1u, caps_.lanes)) {
    if (caps_.cell_kind != CellKind::overdamped)
      throw Error(HB_UNSUPPORTED, "calibrate: overdamped cells are calibrated; this device's are " + std::string(name(caps_.cell_kind)));
    require(caps_.kT_programmable, "calibrate", "KT_PROGRAMMABLE");
    if (cells_ > caps_.cells)
      throw Error(HB_BAD_ARG, "calibrate: " + std::to_string(cells_) + " cells; this device has " + std::to_string(caps_.cells));
    if (!(options.effort > 0 && options.effort <= 1e4))
      throw Error(HB_BAD_ARG, "calibrate: effort lies above 0 and at most at 10000");
  }

  std::uint32_t cells() const { return cells_; }
  const Capabilities& caps() const { return caps_; }
  double mobility() const { return static_cast<double>(caps_.mobility); }
  double cold() const { return std::max(static_cast<double>(caps_.kT_min), 1e-3); }
  double rail() const { return part_of_range * static_cast<double>(caps_.range_state); }
  /// A value that the device's codes hold, in the middle of its range at most.
  double held(double value, float range) const {
    value = std::min(value, part_of_range * static_cast<double>(range));
    if (caps_.parameter_number == Number::float32) return value;
    return static_cast<double>(hb_code_to_value(hb_value_to_code(static_cast<float>(value), range, caps_.parameter_bits), range, caps_.parameter_bits));
  }
  std::uint32_t samples(double usual) const {
    return static_cast<std::uint32_t>(std::max(2.0, std::ceil(usual * options_.effort / lanes_)));
  }
  Ticks ticks(double time_units) const { return device_.nearest_ticks(time_units / mobility()); }
  /// A time between records, and what it is in units of 1/mobility: whole shortest capture periods, which are whole steps
  /// of an array that hides its step, too.
  std::pair<Ticks, double> apart(double time_units) const {
    const std::uint64_t shortest = std::max<std::uint64_t>(1, caps_.capture_min.count);
    const Ticks period = device_.capture_period(Ticks{(ticks(time_units).count + shortest - 1) / shortest * shortest});
    return {period, device_.time_units(period) * mobility()};
  }

  Program program(double j2, double j4, double bias, double kT) const {
    Program program(caps_, cells_);
    program.load(CellSection::j2, static_cast<float>(j2));
    if (caps_.stepper != Stepper::exact_ou) program.load(CellSection::j4, static_cast<float>(j4));
    program.load(CellSection::bias, static_cast<float>(bias)).load_gain(0).load_temperature(static_cast<float>(kT)).commit();
    return program;
  }

  /// Runs it on every lane; `take` gets the number of a record in its shot, and the state.
  void run(const Program& program, const std::function<void(std::uint64_t record, std::span<const float> state)>& take, double until) {
    JobOptions job;
    job.shots = lanes_;
    if (caps_.seeded) {
      job.seed = options_.seed;
      job.first_shot = next_shot_;
      next_shot_ += lanes_;
    }
    job.records = [&](const RecordOfPass& record) {
      for (std::size_t at = 0; at < record.states.size(); at += cells_) take(record.record, record.states.subspan(at, cells_));
    };
    const double from = done_;
    if (options_.progress) job.progress = [&](double fraction) { return options_.progress(from + fraction * (until - from)); };
    device_.run(program, job);
    done_ = until;
  }

 private:
  Device& device_;
  const Capabilities& caps_;
  CalibrateOptions options_;
  std::uint32_t cells_, lanes_, next_shot_ = 0;
  double done_ = 0;
};

/// x = -gain b t of cells without force, from 0, at both signs of several b near the end of the range, where a step of
/// the converter is the smallest part of the value.
void measure_bias_gains(Bench& bench, std::vector<CellFigures>& cells) {
  constexpr double parts[] = {1.0, 0.87, 0.74, 0.61};
  const double most = part_of_range * static_cast<double>(bench.caps().range_bias);
  // As far as is used of the rails, but for no longer than cells near the end of the range take for it.
  const auto [flight, time] = bench.apart(part_of_range * bench.rail() / most);
  std::vector<double> bias;
  for (const double part : parts)
    for (const double sign : {1.0, -1.0}) bias.push_back(sign * bench.held(part * std::min(most, part_of_range * bench.rail() / time), bench.caps().range_bias));
  const std::uint32_t repeats = bench.samples(samples_of_drift) / static_cast<std::uint32_t>(bias.size()) + 1;
  Program program = bench.program(0, 0, bias[0], bench.cold());
  program.loop_begin(repeats);
  for (const double value : bias) {
    program.load(CellSection::bias, static_cast<float>(value)).commit();
    // Held for as long as the converter of the bias takes to settle.
    program.clamp(0, bench.cells(), 0.0f).evolve(bench.apart(0.2).first).release(0, bench.cells()).evolve(flight).sample();
  }
  program.loop_end();
  std::vector<Sums> sums(bias.size(), Sums(bench.cells()));
  bench.run(program, [&](std::uint64_t record, std::span<const float> x) { sums[record % bias.size()].add(x); }, 0.05);
  double squares = 0;
  for (const double value : bias) squares += value * value;
  for (std::uint32_t i = 0; i < bench.cells(); ++i) {
    double moved = 0, variance = 0;
    for (std::size_t k = 0; k < bias.size(); ++k) {
      moved -= bias[k] * sums[k].mean(i) / squares;
      variance += bias[k] * bias[k] * sums[k].variance(i) / sums[k].count / (squares * squares);
    }
    cells[i].bias_gain = {moved / time, std::sqrt(variance) / time, static_cast<double>(bias.size()) * sums[0].count};
  }
}

/// What cells of one J2 and temperature show under biases: stiffness, offset, variance.
struct Springs {
  double k = 0;                                          // nominal
  double count = 0, inefficiency_of_mean = 1, inefficiency_of_variance = 1;
  std::vector<double> stiffness, stiffness_error;        // actual; relative error without that of the bias gain
  std::vector<double> offset, offset_error, variance;
};

/// Means under `count` biases up to `reach` of position, symmetric about 0: slope -bias gain/stiffness, offset -bias
/// offset/stiffness. The levels come by turns, again and again, so that what wanders slowly is the same for all.
Springs measure_springs(Bench& bench, const std::vector<CellFigures>& cells, double j2, double kT, double reach, std::uint32_t count,
                        std::uint32_t samples, double spacing, double until) {
  constexpr std::uint32_t of_visit = 16;
  const double k = 2 * j2;
  const double most = bench.held(reach * k, bench.caps().range_bias);
  const auto [period, time] = bench.apart(spacing / k);
  const std::uint32_t visits = std::max(1u, samples / of_visit), each = std::min(samples, of_visit);
  std::vector<Sums> sums(count, Sums(bench.cells()));
  std::vector<double> bias(count);
  Program program = bench.program(j2, 0, 0, kT);
  program.loop_begin(visits);
  for (std::uint32_t level = 0; level < count; ++level) {
    const double wanted = most * std::fabs(2.0 * level - (count - 1)) / (count - 1);
    bias[level] = (2 * level < count - 1 ? -1 : 1) * bench.held(wanted, bench.caps().range_bias);
    program.load(CellSection::bias, static_cast<float>(bias[level])).commit().evolve(bench.ticks(10 / k));
    program.loop_begin(each).evolve(period).sample().loop_end();
  }
  program.loop_end();
  bench.run(program, [&](std::uint64_t record, std::span<const float> x) { sums[record / each % count].add(x); }, until);
  Springs found;
  found.k = k;
  found.count = sums[0].count * count;
  found.inefficiency_of_mean = inefficiency(std::exp(-k * time));
  found.inefficiency_of_variance = inefficiency(std::exp(-2 * k * time));
  double squares = 0;
  for (const double b : bias) squares += b * b;
  for (std::uint32_t i = 0; i < bench.cells(); ++i) {
    double slope = 0, offset = 0, variance = 0;
    for (std::uint32_t level = 0; level < count; ++level) {
      slope += bias[level] * sums[level].mean(i) / squares;
      offset += sums[level].mean(i) / count;
      variance += sums[level].variance(i) / count;
    }
    const double per_level = variance * found.inefficiency_of_mean / sums[0].count, stiffness = -cells[i].bias_gain.value / slope;
    const double relative = std::sqrt(per_level / squares) / std::fabs(slope);
    found.stiffness.push_back(stiffness);
    found.stiffness_error.push_back(relative);
    found.offset.push_back(-offset * stiffness);
    found.offset_error.push_back(std::hypot(std::sqrt(per_level / count) * stiffness, offset * stiffness * relative));
    found.variance.push_back(variance);
  }
  return found;
}

/// The offset, and the stiffness under the J2 at which couplers are measured, where x^4 is small (its code 0 is not
/// quite 0).
Springs measure_offsets(Bench& bench, std::vector<CellFigures>& cells) {
  const Springs springs = measure_springs(bench, cells, bench.held(1.5, bench.caps().range_j2), bench.cold(), 0.3 * bench.rail(), levels,
                                          bench.samples(samples_of_level), 3, 0.1);
  for (std::uint32_t i = 0; i < bench.cells(); ++i) cells[i].bias_offset = {springs.offset[i], springs.offset_error[i], springs.count};
  return springs;
}

/// <x^3> = -bias/(4 J4) under one bias, at both of its signs.
void measure_quartic(Bench& bench, std::vector<CellFigures>& cells) {
  if (bench.caps().stepper == Stepper::exact_ou) return;
  const double x = std::min(1.5, part_of_range * bench.rail());
  const double j4 = bench.held(1, bench.caps().range_j4), b = bench.held(4 * j4 * x * x * x, bench.caps().range_bias);
  const double k = 12 * j4 * std::pow(b / (4 * j4), 2.0 / 3);
  const auto [period, time] = bench.apart(3 / k);
  const std::uint32_t samples = bench.samples(samples_of_level * levels / 2.0);
  std::vector<Sums> sums(2, Sums(bench.cells()));
  std::vector<std::vector<double>> squared(2, std::vector<double>(bench.cells()));  // of cubes
  Program program = bench.program(0, j4, 0, bench.cold());
  for (const double bias : {b, -b}) {
    program.load(CellSection::bias, static_cast<float>(bias)).commit().evolve(bench.ticks(10 / k + 4));
    program.loop_begin(samples).evolve(period).sample().loop_end();
  }
  bench.run(program, [&](std::uint64_t record, std::span<const float> state) {
    sums[record / samples].add(state);
    for (std::size_t i = 0; i < state.size(); ++i) squared[record / samples][i] += std::pow(static_cast<double>(state[i]), 6);
  }, 0.15);
  for (std::uint32_t i = 0; i < bench.cells(); ++i) {
    const double cube = (sums[1].cube(i) - sums[0].cube(i)) / 2, n = sums[0].count;
    double variance = 0;
    for (int side = 0; side < 2; ++side) variance += std::max(squared[side][i] / n - sums[side].cube(i) * sums[side].cube(i), 0.0) / n / 4;
    const Estimate& gain = cells[i].bias_gain;
    const double value = gain.value * b / (4 * j4 * cube);
    const double relative = std::hypot(gain.standard_error / gain.value, std::sqrt(variance * inefficiency(std::exp(-k * time))) / cube);
    cells[i].j4_gain = {value, std::fabs(value) * relative, 2 * n};
  }
}

/// Variance times stiffness over kT, hot, under two stiffnesses, each measured by the same records: a step, or a slow
/// amplifier, makes variances grow with the stiffness. J2 from the stiffer one, where a step of the converter is the
/// smallest part of the value.
void measure_temperature(Bench& bench, std::vector<CellFigures>& cells, Estimate& step, double until) {
  const double hot = static_cast<double>(bench.caps().kT_max) * part_of_range, from = 0.15;
  std::vector<Springs> springs;
  std::vector<double> kT;
  const double soft = bench.held(1, bench.caps().range_j2);
  const double stiff = bench.held(part_of_range * std::min(static_cast<double>(bench.caps().range_j2), 8.0), bench.caps().range_j2);
  for (const double j2 : {soft, stiff}) {
    // Far from the middle what a converter leaves of x^4 at code 0 would bend the springs.
    // One temperature for both: what its own converter does to it is then the same.
    kT.push_back(std::clamp(2 * soft * std::pow(bench.rail() / 12, 2), bench.cold(), hot));
    springs.push_back(measure_springs(bench, cells, j2, kT.back(), 0.15 * bench.rail(), 2, bench.samples(samples_of_variance) / 2, 1,
                                      from + (until - from) * static_cast<double>(springs.size() + 1) / 2));
  }
  const auto ratio = [&](std::size_t at, std::uint32_t i) { return springs[at].variance[i] * springs[at].stiffness[i] / kT[at]; };
  const auto error = [&](std::size_t at, std::uint32_t i) {
    return std::hypot(std::sqrt(2 * springs[at].inefficiency_of_variance / springs[at].count), springs[at].stiffness_error[i]);
  };
  // 1 + k step/2 at both: the step is one for all cells.
  std::vector<double> steps;
  double of_one = 0;
  for (std::uint32_t i = 0; i < bench.cells(); ++i) {
    const double soft_k = springs[0].stiffness[i], stiff_k = springs[1].stiffness[i], grows = ratio(1, i) / ratio(0, i);
    steps.push_back(2 * (grows - 1) / (stiff_k - grows * soft_k));
    of_one += std::pow(2 * std::hypot(error(0, i), error(1, i)) / (stiff_k - soft_k), 2);
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
}

/// Groups of cells that are clamped together: no cell has two of a group as neighbours, or is in it with a neighbour.
std::vector<std::vector<std::uint32_t>> groups_of(std::uint32_t cells, const std::vector<Coupler>& couplers, bool dense) {
  std::vector<std::vector<std::uint32_t>> groups;
  if (dense) {
    for (std::uint32_t i = 0; i < cells; ++i) groups.push_back({i});
    return groups;
  }
  std::vector<std::vector<std::uint32_t>> beside(cells);
  for (const Coupler& at : couplers) beside[at.i].push_back(at.j), beside[at.j].push_back(at.i);
  std::vector<std::vector<bool>> taken;  // by group: cells in it and their neighbours
  for (std::uint32_t i = 0; i < cells; ++i) {
    if (beside[i].empty()) continue;
    const auto fits = [&](const std::vector<bool>& of) {
      return !of[i] && std::ranges::none_of(beside[i], [&](std::uint32_t j) { return of[j]; });
    };
    std::size_t group = 0;
    while (group < groups.size() && !fits(taken[group])) ++group;
    if (group == groups.size()) groups.emplace_back(), taken.emplace_back(cells);
    groups[group].push_back(i);
    taken[group][i] = true;
    for (const std::uint32_t j : beside[i]) taken[group][j] = true;
  }
  return groups;
}

/// Means of free cells beside clamped ones: -(gain J + offset) x/k. The four phases come by turns, again and again, so
/// that what wanders slowly is the same for all.
void measure_couplers(Bench& bench, const std::vector<CellFigures>& cells, const Springs& springs, std::vector<CouplerFigures>& found) {
  std::vector<Coupler> couplers = Program(bench.caps(), bench.cells()).couplers();
  const bool dense = !bench.caps().sparse();
  if (dense)
    for (std::uint32_t i = 0; i < bench.cells(); ++i)
      for (std::uint32_t j = i + 1; j < bench.cells(); ++j) couplers.push_back({i, j});
  if (couplers.empty()) return;
  const double j2 = bench.held(1.5, bench.caps().range_j2), k = 2 * j2, x = bench.rail();
  const double J = bench.held(k / 4, bench.caps().range_coupling);
  const auto [period, time] = bench.apart(3 / k);
  const std::uint32_t samples = bench.samples(samples_of_coupler);
  const std::uint32_t each = std::min(samples, 16u), visits = std::max(1u, samples / each);
  struct Sum {
    double gain = 0, offset = 0, of_gain = 0, of_offset = 0;  // weighted sums, and weights
  };
  std::map<std::pair<std::uint32_t, std::uint32_t>, Sum> sums;
  const auto groups = groups_of(bench.cells(), couplers, dense);
  for (std::size_t g = 0; g < groups.size(); ++g) {
    std::vector<bool> clamped(bench.cells());
    for (const std::uint32_t i : groups[g]) clamped[i] = true;
    std::vector<Coupler> seen;
    for (const Coupler& at : couplers)
      if (clamped[at.i] != clamped[at.j]) seen.push_back(at);
    Program program = bench.program(j2, 0, 0, bench.cold());
    program.load_gain(1).loop_begin(visits);
    for (const double sign : {1.0, -1.0}) {
      std::vector<Coupling> list;
      for (const Coupler& at : seen) {
        list.push_back({at.i, at.j, static_cast<float>(sign * J)});
        if (bench.caps().couplings_full) list.push_back({at.j, at.i, static_cast<float>(sign * J)});
      }
      program.load_coupling_list(list).commit();
      for (const double side : {1.0, -1.0}) {
        for (const std::uint32_t i : groups[g]) program.clamp(i, 1, static_cast<float>(side * x));
        program.evolve(bench.ticks(9 / k)).loop_begin(each).evolve(period).sample().loop_end();
      }
    }
    program.loop_end();
    program.release(0, bench.cells());  // a chip holds what one job clamped in the next one, too
    std::vector<Sums> phases(4, Sums(bench.cells()));
    bench.run(program, [&](std::uint64_t record, std::span<const float> state) { phases[record / each % 4].add(state); },
              0.6 + 0.4 * static_cast<double>(g + 1) / static_cast<double>(groups.size()));
    for (const Coupler& at : seen) {
      const std::uint32_t free = clamped[at.i] ? at.j : at.i;
      double variance = 0;
      for (const Sums& phase : phases) variance += phase.variance(free) / 4;
      const double stiffness = springs.stiffness[free];
      const double of_stiffness = std::hypot(springs.stiffness_error[free], cells[free].bias_gain.standard_error / cells[free].bias_gain.value);
      const double plus = (phases[0].mean(free) - phases[1].mean(free)) / 2, minus = (phases[2].mean(free) - phases[3].mean(free)) / 2;
      const double error = std::sqrt(variance * inefficiency(std::exp(-k * time)) / phases[0].count / 4) * stiffness / x;
      const double gain = (minus - plus) / 2 * stiffness / (J * x);
      const double of_gain = 1 / (std::pow(error / J, 2) + std::pow(gain * of_stiffness, 2));
      Sum& sum = sums[{std::min(at.i, at.j), std::max(at.i, at.j)}];
      sum.gain += of_gain * gain;
      sum.of_gain += of_gain;
      sum.offset += -(plus + minus) / 2 * stiffness / x / (error * error);
      sum.of_offset += 1 / (error * error);
    }
  }
  for (const auto& [pair, sum] : sums)
    found.push_back({pair.first, pair.second, {sum.gain / sum.of_gain, 1 / std::sqrt(sum.of_gain), 4.0 * samples},
                     {sum.offset / sum.of_offset, 1 / std::sqrt(sum.of_offset), 4.0 * samples}});
}

}  // namespace

Calibration calibrate(Device& device, const CalibrateOptions& options) {
  Bench bench(device, options);
  Calibration calibration;
  const Identity& chip = device.identity();
  calibration.vendor = chip.vendor;
  calibration.part = chip.part;
  calibration.serial = chip.serial;
  calibration.made_at = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  calibration.valid_seconds = options.valid_seconds;
  calibration.cells.resize(bench.cells());
  measure_bias_gains(bench, calibration.cells);
  const Springs springs = measure_offsets(bench, calibration.cells);
  measure_quartic(bench, calibration.cells);
  measure_temperature(bench, calibration.cells, calibration.step, options.couplers ? 0.6 : 1);
  if (options.couplers) measure_couplers(bench, calibration.cells, springs, calibration.couplers);
  return calibration;
}

}  // namespace heatbath::network
