// What happens at the edges: rails, temperature 0.
#include <cmath>
#include <vector>

#include "heatbath/regs.h"
#include "oracles/deterministic_flow.hpp"
#include "validate/suites/rows.hpp"

namespace heatbath::validation {
namespace {

// A cell without a bottom runs away, and is held and reported.
void rail(Bench& bench) {
  Machine& machine = bench.machine();
  machine.step(1e-3, 1e-3);
  Program program = machine.program(1);
  machine.quartic(program, -1, 0, 0);
  program.commit();
  machine.start_at(program, std::vector<float>{1});
  program.evolve(machine.time(12)).sample();
  const Result result = machine.run(program, 1);
  const double x = result.capture.state(0, 0)[0];
  Check& held = bench.check("a runaway cell is held at its rail", machine.capabilities().range_state,
                            {std::fabs(x), 0, 1});
  held.bound = Bound::exact;
  held.floor = 0.01 * machine.capabilities().range_state;
  Check& told = bench.check("and the rail is reported", 1, {result.rails > 0 ? 1.0 : 0.0, 0, 1});
  told.bound = Bound::exact;
}

// No noise at temperature 0: the path of the ordinary differential equation.
void cold(Bench& bench) {
  Machine& machine = bench.machine();
  const double dt = machine.step(1e-3, 1e-3);
  constexpr std::uint32_t kCells = 6;
  const std::vector<double> j2{-1, 0.5, -0.7, 0.3, -0.2, 0.8}, bias{0.2, -0.4, 0.1, 0.3, -0.6, 0.5};
  std::vector<double> matrix(kCells * kCells);
  for (std::uint32_t i = 0; i < kCells; ++i) {
    for (std::uint32_t j = i + 1; j < kCells; ++j) {
      matrix[i * kCells + j] = matrix[j * kCells + i] = 0.4 * std::cos(2.0 + 5.0 * i + 3.0 * j);
    }
  }
  const std::vector<double> start{0.1, -0.3, 0.5, 0.2, -0.1, 0.4};
  const std::vector<float> first(start.begin(), start.end());
  Program program = machine.program(kCells);
  program.load_temperature(0);
  machine.load(program, CellSection::j2, j2);
  machine.load(program, CellSection::j4, 0.5);
  machine.load(program, CellSection::bias, bias);
  machine.couplings(program, matrix);
  program.commit();
  machine.start_at(program, first);
  program.evolve(machine.time(2)).sample();
  const Result result = machine.run(program, 1);
  const auto exact = reference::deterministic_flow(
      [&](std::span<const double> x, std::span<double> rate, double) {
        for (std::uint32_t i = 0; i < kCells; ++i) {
          double force = -(2 * j2[i] * x[i] + 2 * x[i] * x[i] * x[i] + bias[i]);
          for (std::uint32_t j = 0; j < kCells; ++j) force -= matrix[i * kCells + j] * x[j];
          rate[i] = force;
        }
      },
      start, 0, 2);
  double largest = 0;
  for (std::uint32_t i = 0; i < kCells; ++i) {
    largest = std::max(largest, std::fabs(result.capture.state(0, 0)[i] - exact[i]));
  }
  Check& check = bench.check("temperature 0: largest error of a path of 6 cells", 0, {largest, 0, 1});
  check.bound = Bound::exact;
  check.floor = machine.stepper() == Stepper::euler_maruyama ? 2 * dt : 1e-5;
  const Result again = machine.run(program, 1);
  double difference = 0;
  for (std::uint32_t i = 0; i < kCells; ++i) {
    difference = std::max(difference, std::fabs(double{again.capture.state(0, 0)[i]} - result.capture.state(0, 0)[i]));
  }
  bench.check("temperature 0: the same path again", 0, {difference, 0, 1}).bound = Bound::exact;
}

}  // namespace

std::span<const Row> limits_rows() {
  static const Row rows[] = {
      {"rail", "a cell without a bottom ends at its rail, finite and reported", {.j2 = 1}, false, rail},
      {"cold", "temperature 0 against an adaptive Runge-Kutta method, twice",
       {.cells = 6, .kT_zero = true, .step = true, .j2 = 1, .j4 = 0.5, .bias = 0.6, .coupling = 0.4, .best_cells = 6,
        .best_lanes = 1}, false, cold},
  };
  return rows;
}

}  // namespace heatbath::validation
