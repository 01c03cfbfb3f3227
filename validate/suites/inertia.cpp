// Cells with inertia: equipartition, damped oscillation, the capacitances of an RLC board.
#include <algorithm>
#include <cmath>
#include <vector>

#include "heatbath/regs.h"
#include "oracles/boltzmann_cell.hpp"
#include "oracles/dense_algebra.hpp"
#include "oracles/exact_ou.hpp"
#include "validate/start_states.hpp"
#include "validate/suites/rows.hpp"

namespace heatbath::validation {
namespace {

using measure::BlockedMeans;

/// What BAOAB adds to <v^2> of a harmonic cell; its positions are exact.
double velocity_bias(Machine& machine, double stiffness, double mass) {
  return machine.stepper() == Stepper::baoab ? -stiffness * machine.dt() * machine.dt() / (4 * mass * mass) : 0;
}

void harmonic(Bench& bench) {
  Machine& machine = bench.machine();
  machine.step(1e-3, 0.05);
  constexpr double kStiffness = 1, kMass = 1, kDamping = 0.5;
  const std::uint32_t cells = machine.cells(64), shots = (machine.count(16384) + cells - 1) / cells, records = 17;
  const double period = machine.rounded(0.5);
  Program program = machine.program(cells);
  machine.quartic(program, kStiffness / 2, 0, 0);
  machine.load(program, CellSection::mass, kMass);
  machine.load(program, CellSection::damping, kDamping);
  program.commit();
  machine.start_at(program, normal_states(machine, std::size_t{shots} * cells));
  program.evolve(machine.time(20)).capture_start(machine.time(period)).evolve(machine.time(period) * (records - 1));
  const Result result = machine.run(program, shots, 2 * cells);
  BlockedMeans means(2 + records);
  std::vector<double> columns(2 + records);
  for (std::uint32_t shot = 0; shot < shots; ++shot) {
    for (std::uint32_t cell = 0; cell < cells; ++cell) {
      std::fill(columns.begin(), columns.end(), 0.0);
      for (std::uint32_t k = 0; k < records; ++k) {
        const double x = result.capture.state(shot, k)[cell], v = result.capture.state(shot, k)[cells + cell];
        columns[0] += x * x / records;
        columns[1] += v * v / records;
        for (std::uint32_t lag = 0; k + lag < records; ++lag)
          columns[2 + lag] += x * result.capture.state(shot, k + lag)[cell] / (records - lag);
      }
      means.add(std::size_t{shot} * cells + cell, columns);
    }
  }
  bench.check("equipartition <x^2> = kT/k", 1 / kStiffness, means.mean_estimate(0));
  bench.check("equipartition <v^2> = kT/m", 1 / kMass, means.mean_estimate(1), velocity_bias(machine, kStiffness, kMass));
  const auto network = reference::underdamped_cell(kStiffness, kMass, kDamping, 1);
  Curve curve{"Autocorrelation of a harmonic cell with inertia", "time", "<x(0) x(t)>", {{"device", {}, {}, {}}, {"exact", {}, {}, {}}}};
  for (int k = 0; k <= 80; ++k) {
    curve.series[1].x.push_back(0.1 * k);
    curve.series[1].y.push_back(reference::autocorrelation(network, 0.1 * k)(0, 0));
  }
  for (std::uint32_t lag = 0; lag < records; ++lag) {
    const auto seen = means.mean_estimate(2 + lag);
    curve.series[0].x.push_back(lag * period);
    curve.series[0].y.push_back(seen.value);
    curve.series[0].error.push_back(seen.standard_error);
  }
  for (const std::uint32_t lag : {2u, 4u, 6u}) {
    Check& check = bench.check("<x(0) x(" + std::to_string(lag / 2) + ")> of a damped oscillation",
                               reference::autocorrelation(network, lag * period)(0, 0), means.mean_estimate(2 + lag));
    check.floor = 0.01;
    if (lag == 6) check.curve = curve;
  }
}

// <x^2> of a bistable cell does not know of its mass.
void bistable(Bench& bench) {
  Machine& machine = bench.machine();
  machine.step(1e-3, 0.02);
  const auto well = reference::double_well(1.5);
  const auto law = well.law(1);
  const std::uint32_t cells = machine.cells(64), shots = (machine.count(8192) + cells - 1) / cells, records = 16;
  Program program = machine.program(cells);
  machine.quartic(program, well.j2, well.j4, 0);
  machine.load(program, CellSection::mass, 1);
  machine.load(program, CellSection::damping, 1);
  program.commit();
  machine.start_at(program, law_states(machine, law, std::size_t{shots} * cells));
  program.evolve(machine.time(4)).capture_start(machine.time(1.5)).evolve(machine.time(1.5) * (records - 1));
  const Result result = machine.run(program, shots, 2 * cells);
  BlockedMeans means(2);
  for (std::uint32_t shot = 0; shot < shots; ++shot) {
    for (std::uint32_t record = 0; record < records; ++record) {
      const auto state = result.capture.state(shot, record);
      for (std::uint32_t cell = 0; cell < cells; ++cell) {
        means.add(std::size_t{shot} * cells + cell, {double{state[cell]} * state[cell], double{state[cells + cell]} * state[cells + cell]});
      }
    }
  }
  bench.check("bistable cell with inertia: <x^2>", law.average([](double x) { return x * x; }), means.mean_estimate(0));
  // To second order the velocity feels the mean curvature.
  bench.check("bistable cell with inertia: <v^2>", 1, means.mean_estimate(1),
              velocity_bias(machine, law.average([&](double x) { return well.curvature(x); }), 1));
}

// Eight nodes with coupling capacitors: <v v^T> = kT C^-1, <x x^T> = kT L.
void board(Bench& bench) {
  Machine& machine = bench.machine();
  machine.step(2e-3, 0.04);
  constexpr std::uint32_t kNodes = 8;
  Eigen::MatrixXd capacitance = Eigen::MatrixXd::Identity(kNodes, kNodes);
  std::vector<double> matrix(kNodes * kNodes);
  for (std::uint32_t i = 0; i < kNodes; ++i) {
    for (std::uint32_t k = 0; k < kNodes; ++k) {
      if (i != k) capacitance(i, k) = matrix[i * kNodes + k] = -0.3 / std::abs(static_cast<int>(i) - static_cast<int>(k)) / (i + k == 7 ? 1 : 2);
    }
  }
  const std::uint32_t copies = std::max(1u, machine.cells(64) / kNodes), cells = copies * kNodes, records = 16;
  const std::uint32_t shots = (machine.count(8192) + copies - 1) / copies;
  Program program = machine.program(cells);
  machine.quartic(program, 0.5, 0, 0);
  machine.load(program, CellSection::mass, 1);
  machine.load(program, CellSection::damping, 1);
  machine.copies(program, matrix, kNodes);
  program.commit();
  machine.start_at(program, normal_states(machine, std::size_t{shots} * cells));
  program.evolve(machine.time(15)).capture_start(machine.time(2)).evolve(machine.time(2) * (records - 1));
  const Result result = machine.run(program, shots, 2 * cells);
  BlockedMeans means(4);
  for (std::uint32_t shot = 0; shot < shots; ++shot) {
    for (std::uint32_t record = 0; record < records; ++record) {
      const auto state = result.capture.state(shot, record);
      for (std::uint32_t copy = 0; copy < copies; ++copy) {
        const float* x = state.data() + copy * kNodes;
        const float* v = state.data() + cells + copy * kNodes;
        double square = 0;
        for (std::uint32_t i = 0; i < kNodes; ++i) square += double{x[i]} * x[i] / kNodes;
        means.add(std::size_t{shot} * copies + copy, {square, double{v[3]} * v[3], double{v[3]} * v[4], double{v[0]} * v[1]});
      }
    }
  }
  const Eigen::MatrixXd inverse = reference::inverse_of(capacitance);
  // BAOAB in the modes of C: <v v^T> = C^-1 - dt^2 C^-1 K C^-1/4.
  Eigen::MatrixXd bias = Eigen::MatrixXd::Zero(kNodes, kNodes);
  if (machine.stepper() == Stepper::baoab) bias = -machine.dt() * machine.dt() / 4 * inverse * inverse;
  bench.check("RLC board: <flux^2> = kT L", 1, means.mean_estimate(0));
  bench.check("RLC board: <v3^2>", inverse(3, 3), means.mean_estimate(1), bias(3, 3));
  bench.check("RLC board: <v3 v4> through a coupling capacitor", inverse(3, 4), means.mean_estimate(2), bias(3, 4)).floor = 0.01;
  bench.check("RLC board: <v0 v1>", inverse(0, 1), means.mean_estimate(3), bias(0, 1)).floor = 0.01;
}

}  // namespace

std::span<const Row> inertia_rows() {
  static const Row rows[] = {
      {"harmonic", "a harmonic cell with inertia: equipartition, damped oscillation",
       {.kind = CellKind::underdamped, .j2 = 0.5, .keys = "cell=underdamped", .best_cells = 64, .best_lanes = 256},
       false, harmonic},
      {"bistable", "a bistable cell with inertia: <x^2>, <v^2>",
       {.kind = CellKind::underdamped, .j2 = 3, .j4 = 1.5, .keys = "cell=underdamped", .best_cells = 64,
        .best_lanes = 256}, false, bistable},
      {"board", "eight RLC nodes with coupling capacitors: voltages and fluxes",
       {.kind = CellKind::rlc, .cells = 8, .j2 = 0.5, .coupling = 0.3, .keys = "cell=rlc", .best_cells = 64,
        .best_lanes = 256}, false, board},
  };
  return rows;
}

}  // namespace heatbath::validation
