// The measurements of a calibration of p-bits.

#include <array>
#include <cmath>
#include <map>
#include <stdexcept>
#include <utility>

#include "calibration_bench.hpp"
#include "heatbath/measure/fit.hpp"

namespace heatbath::network {
namespace {

constexpr std::uint32_t curve_levels = 16, samples_of_bias = 8192, samples_of_phase = 2048;
constexpr double most_bias = 1.5, most_coupling = 1;  // over kT: farther out a p-bit hardly turns
constexpr double least_bias = 0.1;                    // over kT: below it there is no curve to see

using measure::Estimate;

/// How often each cell was up in each phase of a program.
using Ups = std::vector<std::vector<double>>;

/// Runs phases that come by turns, again and again; `begin` loads what makes a phase. Records are a sweep apart, between
/// which p-bits without couplings are drawn anew.
template <class Begin>
Ups ups_of(Bench& bench, Program program, std::uint32_t phases, std::uint32_t samples, const Begin& begin, double until) {
  const auto sweep = bench.apart(1).first;
  const std::uint32_t each = std::min(samples, of_visit);
  program.loop_begin(samples / each);
  for (std::uint32_t phase = 0; phase < phases; ++phase) {
    begin(program, phase);
    program.evolve(sweep).loop_begin(each).evolve(sweep).sample().loop_end();
  }
  program.loop_end().release(0, bench.cells());  // a chip holds what one job clamped in the next one, too
  Ups ups(phases, std::vector<double>(bench.cells()));
  bench.run(program, [&](std::uint64_t record, std::span<const float> state) {
    std::vector<double>& of = ups[record / each % phases];
    for (std::size_t i = 0; i < of.size(); ++i) of[i] += state[i] > 0 ? 1 : 0;
  }, until);
  return ups;
}

Program base(const Bench& bench, double kT, float gain) {
  Program program(bench.caps(), bench.cells());
  program.load(CellSection::bias, 0.0f).load_gain(gain).at_temperature(static_cast<float>(kT)).commit();
  return program;
}

/// P(up) = 1/(1 + exp(2 (gain b + offset)/kT)).
void measure_curves(Bench& bench, double kT, std::vector<CellFigures>& cells) {
  const float range = bench.caps().range_bias;
  const double most = bench.held(most_bias * kT, range);
  if (most < least_bias * kT) return;
  std::vector<double> bias;
  for (std::uint32_t level = 0; level < curve_levels; ++level) bias.push_back(bench.held(most * (2.0 * level + 1 - curve_levels) / (curve_levels - 1), range));
  const std::uint32_t samples = bench.visits(samples_of_bias);
  const Ups ups = ups_of(bench, base(bench, kT, 0), curve_levels, samples, [&](Program& program, std::uint32_t level) {
    program.load(CellSection::bias, static_cast<float>(bias[level])).commit();
  }, 0.2);
  const double trials = static_cast<double>(samples) * bench.lanes();
  for (std::uint32_t i = 0; i < bench.cells(); ++i) {
    std::vector<measure::CurvePoint> points;
    for (std::uint32_t level = 0; level < curve_levels; ++level) points.push_back({bias[level], ups[level][i], trials});
    const double count = trials * curve_levels;
    try {
      const measure::CurveFit fit = measure::fit_curve(points);
      const double gain = -fit.slope.value * kT / 2;
      cells[i].bias_gain = {gain, fit.slope.standard_error * kT / 2, count};
      cells[i].bias_offset = {-gain * fit.midpoint.value, std::fabs(gain) * fit.midpoint.standard_error, count};
    } catch (const std::invalid_argument&) {  // it never turns
      cells[i].bias_gain = {0, 0, count};
    }
  }
}

/// Fields on free cells beside a clamped one, at both signs of coupling and state. Biases hold against the coupling where there
/// are any: free cells that the clamped one turned would show one another's offsets as a gain.
void measure_couplers(Bench& bench, double kT, const std::vector<CellFigures>& cells, std::vector<CouplerFigures>& found) {
  const bool dense = !bench.caps().sparse();
  const std::vector<Coupler> all = bench.couplers();
  const Wanted wanted = wanted_of(bench, all);
  const double J = bench.held(most_coupling * kT, bench.caps().range_coupling);
  const bool against = std::isfinite(cells[0].bias_gain.value);
  const double b = against ? bench.held(J, bench.caps().range_bias) : 0;
  const auto groups = groups_of(bench.cells(), all, dense, wanted.clamped);
  struct Sum {
    double gain = 0, offset = 0, of_gain = 0, of_offset = 0, count = 0;  // weighted sums, and weights
  };
  std::map<std::pair<std::uint32_t, std::uint32_t>, Sum> sums;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    std::vector<bool> clamped(bench.cells());
    for (const std::uint32_t i : groups[g]) clamped[i] = true;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> seen;  // free, clamped
    for (const Coupler& at : wanted.couplers)
      if (clamped[at.i] != clamped[at.j]) seen.emplace_back(clamped[at.i] ? at.j : at.i, clamped[at.i] ? at.i : at.j);
    if (seen.empty()) continue;
    constexpr std::array<double, 4> sign{1, 1, -1, -1}, side{1, -1, 1, -1};
    const std::uint32_t samples = bench.visits(samples_of_phase);
    const Ups ups = ups_of(bench, base(bench, kT, 1), 4, samples, [&](Program& program, std::uint32_t phase) {
      std::vector<float> bias(bench.cells());
      for (const auto& [free, held] : seen) bias[free] = static_cast<float>(-sign[phase] * side[phase] * b);
      if (against) program.load(CellSection::bias, bias);
      if (phase % 2 == 0) program.load_coupling_list(bench.both_ways(seen, sign[phase] * J));
      program.commit();
      for (const std::uint32_t i : groups[g]) program.clamp(i, 1, static_cast<float>(side[phase]));
    }, 0.2 + 0.8 * static_cast<double>(g + 1) / static_cast<double>(groups.size()));
    const double trials = static_cast<double>(samples) * bench.lanes();
    for (const auto& [free, held] : seen) {
      double gain = against ? cells[free].bias_gain.value * b / J : 0, offset = 0, variance = 0;
      for (std::size_t phase = 0; phase < 4; ++phase) {
        const double up = ups[phase][free] + 0.5, down = trials - ups[phase][free] + 0.5;
        const double field = -kT / 2 * std::log(up / down);
        gain += sign[phase] * side[phase] * field / (4 * J);
        offset += side[phase] * field / 4;
        variance += kT * kT / 4 * (1 / up + 1 / down) / 16;
      }
      const double of_gain = 1 / (variance / (J * J) + (against ? std::pow(cells[free].bias_gain.standard_error * b / J, 2) : 0));
      Sum& sum = sums[{std::min(free, held), std::max(free, held)}];
      sum.gain += gain * of_gain, sum.of_gain += of_gain, sum.offset += offset / variance, sum.of_offset += 1 / variance, sum.count += 4 * trials;
    }
  }
  for (const auto& [pair, sum] : sums) {
    found.push_back({pair.first, pair.second, {sum.gain / sum.of_gain, 1 / std::sqrt(sum.of_gain), sum.count},
                     {sum.offset / sum.of_offset, 1 / std::sqrt(sum.of_offset), sum.count}});
  }
}

}  // namespace

void calibrate_pbits(Bench& bench, bool with_couplers, Calibration& calibration) {
  const auto kT = static_cast<double>(bench.caps().kT_reset);
  measure_curves(bench, kT, calibration.cells);
  if (with_couplers) measure_couplers(bench, kT, calibration.cells, calibration.couplers);
}

}  // namespace heatbath::network
