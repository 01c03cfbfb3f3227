// How long a bistable cell stays where it is, V = h (x^2 - 1)^2 at kT = 1.
#include <cmath>
#include <vector>

#include "heatbath/numerics/text.hpp"
#include "oracles/boltzmann_cell.hpp"
#include "oracles/first_passage.hpp"
#include "oracles/fokker_planck.hpp"
#include "validate/predicted_bias.hpp"
#include "validate/start_states.hpp"
#include "validate/suites/rows.hpp"

namespace heatbath::validation {
namespace {

using measure::BlockedMeans;

double sign(double x) { return x > 0 ? 1 : -1; }

/// Decay rate of <sgn x(0) sgn x(t)>: of the Fokker–Planck equation, from two grids (second order in their width).
double exact_rate(double height) {
  const auto rate = [&](int cells) {
    const reference::Axis axis{-2.4, 2.4, cells};
    return reference::FokkerPlanck::line(axis, [=](double x) { return height * (x * x - 1) * (x * x - 1); }, 1)
        .relaxation_rate([](double x, double) { return sign(x); });
  };
  const double coarse = rate(800), fine = rate(1600);
  return fine + (fine - coarse) / 3;
}

/// What the device's step makes of the cell; none where it is exact or hidden.
std::optional<reference::OneStepChain> stepped_cell(Machine& machine, const reference::QuarticCell& cell) {
  return one_step_chain(machine.stepper(), [=](double x) { return cell.force(x); }, machine.dt(),
                        reference::OneStepChain::Domain::line, -2.4, 2.4, 160);
}

struct Height {
  double h, dt_first, dt_second;
  double lag;       ///< records this far apart: recrossings of the barrier have died out
  double duration;  ///< summed over cells, for the decay rate
};

void decay_rate(Bench& bench, const Height& height) {
  Machine& machine = bench.machine();
  machine.step(height.dt_first, height.dt_second);
  const double exact = exact_rate(height.h);
  const auto well = reference::double_well(height.h);
  const double lag = machine.rounded(height.lag);
  const std::uint32_t far = 1 + std::max(1u, static_cast<std::uint32_t>(std::lround(0.3 / exact / lag)));
  const std::uint32_t cells = machine.cells(64), shots = (machine.count(16384) + cells - 1) / cells;
  // Shots follow the effort; the length of each does not.
  const auto records = 4 * far + static_cast<std::uint32_t>(std::lround(height.duration / lag / 16384));
  Program program = machine.program(cells);
  machine.quartic(program, well.j2, well.j4, 0);
  program.commit();
  machine.start_at(program, law_states(machine, well.law(1), std::size_t{shots} * cells));
  program.evolve(machine.time(height.lag)).capture_start(machine.time(height.lag));
  program.evolve(machine.time(height.lag) * (records - 1));
  const Result result = machine.run(program, shots);

  std::vector<double> signs(records);
  BlockedMeans means(3);
  for (std::uint32_t shot = 0; shot < shots; ++shot) {
    const auto path = result.capture.trajectory(shot);
    for (std::uint32_t cell = 0; cell < cells; ++cell) {
      for (std::uint32_t k = 0; k < records; ++k) signs[k] = sign(path[std::size_t{k} * cells + cell]);
      const double last = path[std::size_t{records - 1} * cells + cell];
      const auto correlation = [&](std::uint32_t apart) {
        double sum = 0;
        for (std::uint32_t k = 0; k + apart < records; ++k) sum += signs[k] * signs[k + apart];
        return sum / (records - apart);
      };
      means.add(std::size_t{shot} * cells + cell, {correlation(1), correlation(far), last * last});
    }
  }
  const double span = (far - 1) * lag;
  const auto rate = means.estimate([=](std::span<const double> m) { return std::log(m[0] / m[1]) / span; });
  const auto chain = stepped_cell(machine, well);
  const auto square = [](double x) { return x * x; };
  const double exact_square = well.law(1).average(square);
  const std::string h = ", h = " + numerics::fixed(height.h).substr(0, 1);
  bench.check("decay rate of <sgn x(0) sgn x(t)>" + h, exact, rate, chain ? chain->relaxation_rate(sign) - exact : 0);
  bench.check("<x^2>" + h, exact_square, means.mean_estimate(2), chain ? chain->average(square) - exact_square : 0);
}

/// Passages seen on a long trajectory, crossings between records by the Brownian bridge.
struct Passages {
  double top_time = 0, top_count = 0;  ///< from a well's bottom to the top
  double count = 0;                    ///< from one bottom to the other
  double time = 0;
};

class Watcher {
 public:
  explicit Watcher(float x) : x_(x) {}

  void see(float y, double dt, bool counting, numerics::RandomStream& random, Passages& seen) {
    // The well last visited (-1, +1; 0: not yet), and whether the top was crossed since.
    const auto crossed = [&](double boundary) {
      const double a = x_ - boundary, b = y - boundary;
      if ((a > 0) != (b > 0)) return true;
      const double exponent = a * b / dt;
      return exponent < 30 && random.uniform() < std::exp(-exponent);
    };
    if (counting) {
      seen.time += dt;
      if (last_ != 0 && !top_) seen.top_time += dt;
    }
    if (last_ == 0) {
      for (const int bottom : {-1, 1}) {
        if (crossed(bottom)) last_ = bottom, top_ = false;
      }
    } else {
      if (!top_ && crossed(0)) {
        top_ = true;
        if (counting) seen.top_count += 1;
        // Half of the record before the crossing, half after it, on average.
        if (counting) seen.top_time -= dt / 2;
      }
      if (crossed(-last_)) {
        last_ = -last_;
        if (counting) seen.count += 1;
        if (top_ && counting) seen.top_time += dt / 2;
        top_ = false;
      } else if (top_ && crossed(last_)) {
        top_ = false;
        if (counting) seen.top_time += dt / 2;
      }
    }
    x_ = y;
  }

 private:
  float x_;
  int last_ = 0;
  bool top_ = false;
};

void passage_times(Bench& bench, const Height& height, double period, double duration) {
  Machine& machine = bench.machine();
  machine.step(height.dt_first, height.dt_second);
  const auto well = reference::double_well(height.h);
  const auto exact = reference::double_well_times(height.h, 1);
  const auto chain = stepped_cell(machine, well);
  const double slower = chain ? exact_rate(height.h) / chain->relaxation_rate(sign) : 1;
  const std::uint32_t cells = machine.cells(64), shots = (machine.count(1024, 512) + cells - 1) / cells;
  const std::size_t replicas = std::size_t{cells} * shots;
  const double dt = machine.rounded(period);
  constexpr std::uint32_t kRecords = 4000;

  std::vector<float> states = law_states(machine, well.law(1), replicas);
  std::vector<Watcher> watchers;
  for (const float x : states) watchers.emplace_back(x);
  std::vector<Passages> seen(replicas);
  numerics::RandomStream random(machine.next_seed());
  // Before counting: everybody has been in a well.
  const double settle = 2 * exact.to_top;
  const auto chunks =
      static_cast<int>(std::ceil((settle + duration / 1024) / (kRecords * dt)));
  for (int chunk = 0; chunk < chunks; ++chunk) {
    Program program = machine.program(cells);
    machine.quartic(program, well.j2, well.j4, 0);
    program.commit();
    machine.start_at(program, states);
    program.capture_start(machine.time(period), false).evolve(machine.time(period) * kRecords);
    const Result result = machine.run(program, shots);
    for (std::uint32_t shot = 0; shot < shots; ++shot) {
      const auto path = result.capture.trajectory(shot);
      for (std::uint32_t k = 0; k < kRecords; ++k) {
        const bool counting = (chunk * static_cast<double>(kRecords) + k) * dt > settle;
        for (std::uint32_t cell = 0; cell < cells; ++cell) {
          const std::size_t replica = std::size_t{shot} * cells + cell;
          watchers[replica].see(path[std::size_t{k} * cells + cell], dt, counting, random, seen[replica]);
        }
      }
      for (std::uint32_t cell = 0; cell < cells; ++cell)
        states[std::size_t{shot} * cells + cell] = path[std::size_t{kRecords - 1} * cells + cell];
    }
  }
  BlockedMeans means(4);
  for (std::size_t k = 0; k < replicas; ++k) {
    means.add(k, {seen[k].top_time, seen[k].top_count, seen[k].time, seen[k].count});
  }
  const std::string h = ", h = " + numerics::fixed(height.h).substr(0, 1);
  bench.check("mean time from -1 to the top" + h, exact.to_top,
              means.estimate([](std::span<const double> m) { return m[0] / m[1]; }), exact.to_top * (slower - 1));
  bench.check("mean time from -1 to +1" + h, exact.to_other_well,
              means.estimate([](std::span<const double> m) { return m[2] / m[3]; }),
              exact.to_other_well * (slower - 1));
}

constexpr Height kHeights[] = {{2, 5e-4, 6.5e-3, 1.0, 2.2e5},
                               {4, 3e-4, 4e-3, 0.6, 3e5},
                               {6, 2.5e-4, 2.8e-3, 0.4, 1.3e6},
                               {8, 2e-4, 2.2e-3, 0.3, 6.5e6}};

void rate2(Bench& bench) { decay_rate(bench, kHeights[0]); }
void rate4(Bench& bench) { decay_rate(bench, kHeights[1]); }
void rate6(Bench& bench) { decay_rate(bench, kHeights[2]); }
void rate8(Bench& bench) { decay_rate(bench, kHeights[3]); }
void passage2(Bench& bench) { passage_times(bench, kHeights[0], kHeights[0].dt_second, 1.2e5); }
void passage4(Bench& bench) { passage_times(bench, kHeights[1], kHeights[1].dt_second, 3e5); }
void passage6(Bench& bench) { passage_times(bench, kHeights[2], kHeights[2].dt_second, 1.5e6); }
void passage8(Bench& bench) { passage_times(bench, kHeights[3], kHeights[3].dt_second, 8e6); }

}  // namespace

std::span<const Row> escape_rows() {
  constexpr std::string_view kKeys = "stepper=heun";
  static const Row rows[] = {
      {"rate-2", "decay rate of the sign of a double well of height 2",
       {.j2 = 4, .j4 = 2, .keys = kKeys, .best_cells = 64, .best_lanes = 256}, false, rate2},
      {"rate-4", "the same, height 4", {.j2 = 8, .j4 = 4, .keys = kKeys, .best_cells = 64, .best_lanes = 256}, false, rate4},
      {"rate-6", "the same, height 6", {.j2 = 12, .j4 = 6, .keys = kKeys, .best_cells = 64, .best_lanes = 256}, false, rate6},
      {"rate-8", "the same, height 8", {.j2 = 16, .j4 = 8, .keys = kKeys, .best_cells = 64, .best_lanes = 256}, true, rate8},
      {"passage-2", "mean first-passage times of height 2, crossings between records by the Brownian bridge",
       {.j2 = 4, .j4 = 2, .keys = kKeys, .best_cells = 64, .best_lanes = 16}, false, passage2},
      {"passage-4", "the same, height 4", {.j2 = 8, .j4 = 4, .keys = kKeys, .best_cells = 64, .best_lanes = 16}, false, passage4},
      {"passage-6", "the same, height 6", {.j2 = 12, .j4 = 6, .keys = kKeys, .best_cells = 64, .best_lanes = 16}, false, passage6},
      {"passage-8", "the same, height 8", {.j2 = 16, .j4 = 8, .keys = kKeys, .best_cells = 64, .best_lanes = 16}, true, passage8},
  };
  return rows;
}

}  // namespace heatbath::validation
