#pragma once
// The device of a calibration: its jobs, values that its codes hold, and cells that can be looked at together.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "heatbath/codes.h"
#include "heatbath/error.hpp"
#include "heatbath/network/calibration.hpp"

namespace heatbath::network {

inline constexpr double part_of_range = 0.7;    // of states and parameters that are used
inline constexpr std::uint32_t of_visit = 16;   // samples before a program turns to the next phase

class Bench {
 public:
  Bench(Device& device, const CalibrateOptions& options)
      : device_(device), caps_(device.capabilities()), options_(options),
        cells_(options.cells == 0 ? caps_.cells : options.cells), lanes_(std::max(1u, caps_.lanes)) {
    if (cells_ > caps_.cells)
      throw Error(HB_BAD_ARG, "calibrate: " + std::to_string(cells_) + " cells; this device has " + std::to_string(caps_.cells));
    if (!(options.effort > 0 && options.effort <= 1e4))
      throw Error(HB_BAD_ARG, "calibrate: effort lies above 0 and at most at 10000");
    for (std::size_t k = 0; k < options.used.size(); ++k) {
      const Coupler& at = options.used[k];
      const bool follows = k == 0 || std::pair(options.used[k - 1].i, options.used[k - 1].j) < std::pair(at.i, at.j);
      if (!follows || at.i >= at.j || at.j >= cells_)
        throw Error(HB_BAD_ARG, "calibrate: used coupler " + std::to_string(k) + " is (" + std::to_string(at.i) + "," + std::to_string(at.j) +
                                    "); pairs i < j of the cells that are calibrated are needed, sorted, each once");
    }
    if (!(options.tolerance >= 0 && options.tolerance < 1)) throw Error(HB_BAD_ARG, "calibrate: tolerance lies in 0 to 1");
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
  /// The same in whole visits to a phase.
  std::uint32_t visits(double usual) const { return (samples(usual) + of_visit - 1) / of_visit * of_visit; }
  std::uint32_t lanes() const { return lanes_; }
  const std::vector<Coupler>& used() const { return options_.used; }
  /// All pairs of the cells that have a coupler, sorted.
  std::vector<Coupler> couplers() const {
    if (caps_.sparse()) return Program(caps_, cells_).couplers();
    std::vector<Coupler> all;
    for (std::uint32_t i = 0; i < cells_; ++i)
      for (std::uint32_t j = i + 1; j < cells_; ++j) all.push_back({i, j});
    return all;
  }
  /// One value for the couplers of these pairs, in whichever order their cells stand.
  std::vector<Coupling> both_ways(std::span<const std::pair<std::uint32_t, std::uint32_t>> pairs, double value) const {
    std::vector<Coupling> list;
    for (const auto& [a, b] : pairs) {
      list.push_back({std::min(a, b), std::max(a, b), static_cast<float>(value)});
      if (caps_.couplings_full) list.push_back({list.back().j, list.back().i, static_cast<float>(value)});
    }
    return list;
  }
  /// A J2 near the end of its range, where a step of the converter is the smallest part of the value.
  double stiff() const { return held(part_of_range * std::min(static_cast<double>(caps_.range_j2), 8.0), caps_.range_j2); }
  /// Device time, time units.
  double time() const { return device_.time_units(device_.now()); }
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

/// Groups of cells that are clamped together: no cell has two of a group as neighbours, or is in it with a neighbour.
/// `clamped`: the cells to clamp.
inline std::vector<std::vector<std::uint32_t>> groups_of(std::uint32_t cells, const std::vector<Coupler>& couplers, bool dense,
                                                         const std::vector<bool>& clamped) {
  std::vector<std::vector<std::uint32_t>> groups;
  if (dense) {
    for (std::uint32_t i = 0; i < cells; ++i)
      if (clamped[i]) groups.push_back({i});
    return groups;
  }
  std::vector<std::vector<std::uint32_t>> beside(cells);
  for (const Coupler& at : couplers) beside[at.i].push_back(at.j), beside[at.j].push_back(at.i);
  std::vector<std::vector<bool>> taken;  // by group: cells in it and their neighbours
  for (std::uint32_t i = 0; i < cells; ++i) {
    if (beside[i].empty() || !clamped[i]) continue;
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

/// What is to be looked at: couplers, and the cells whose clamping shows each of them: all, or, for a list of couplers that
/// are used, few (the greedy cover).
struct Wanted {
  std::vector<Coupler> couplers;
  std::vector<bool> clamped;
};
inline Wanted wanted_of(const Bench& bench, const std::vector<Coupler>& all) {
  if (bench.used().empty()) return {all, std::vector<bool>(bench.cells(), true)};
  Wanted wanted{bench.used(), std::vector<bool>(bench.cells())};
  std::vector<Coupler> left = wanted.couplers;
  while (!left.empty()) {
    std::vector<std::uint32_t> shows(bench.cells());
    for (const Coupler& at : left) ++shows[at.i], ++shows[at.j];
    const auto most = static_cast<std::uint32_t>(std::ranges::max_element(shows) - shows.begin());
    wanted.clamped[most] = true;
    std::erase_if(left, [most](const Coupler& at) { return at.i == most || at.j == most; });
  }
  return wanted;
}

/// Bias curves and couplers of p-bits into a calibration.
void calibrate_pbits(Bench& bench, bool with_couplers, Calibration& calibration);

}  // namespace heatbath::network
