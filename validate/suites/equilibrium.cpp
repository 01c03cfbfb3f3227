// Equipartition, fluctuation and dissipation, Boltzmann laws of uncoupled and coupled cells.
#include <cmath>
#include <string>
#include <vector>

#include "heatbath/measure/thermometers.hpp"
#include "heatbath/regs.h"
#include "oracles/boltzmann_cell.hpp"
#include "oracles/exact_ou.hpp"
#include "validate/predicted_bias.hpp"
#include "validate/start_states.hpp"
#include "validate/suites/rows.hpp"

namespace heatbath::validation {
namespace {

using measure::BlockedMeans;

/// Stationary samples of uncoupled cells that start in their exact law: one row x(0), x(period), … per cell, records
/// times long, by `visit(row number, states)`.
template <typename Visit>
void sample_cells(Machine& machine, double j2, double j4, double bias, const reference::BoltzmannLaw& law, double period,
                  std::uint32_t records, std::uint32_t rows, Visit visit) {
  const std::uint32_t cells = machine.cells(1024), shots = (rows + cells - 1) / cells;
  const std::vector<float> start = law_states(machine, law, std::size_t{shots} * cells);
  Program program = machine.program(cells);
  machine.quartic(program, j2, j4, bias);
  program.commit();
  machine.start_at(program, start);
  // Initial states are drawn from the exact law; one period passes first so that the device, too, determines the
  // records.
  program.evolve(machine.time(period)).capture_start(machine.time(period)).evolve(machine.time(period) * (records - 1));
  const Result result = machine.run(program, shots);
  std::vector<double> row(records);
  for (std::uint32_t shot = 0; shot < shots; ++shot) {
    for (std::uint32_t cell = 0; cell < cells; ++cell) {
      for (std::uint32_t record = 0; record < records; ++record) row[record] = result.capture.state(shot, record)[cell];
      visit(std::size_t{shot} * cells + cell, std::span<const double>(row));
    }
  }
}

// A linear cell of stiffness 1: variance, autocorrelation, response.
void ornstein_uhlenbeck(Bench& bench) {
  Machine& machine = bench.machine();
  const double dt = machine.step(1e-3, 0.02);
  const double period = machine.rounded(0.5);
  constexpr std::uint32_t kRecords = 9;
  const auto law = reference::linear_cell(1).law(1);
  BlockedMeans means(1 + kRecords);
  double squares = 0;
  sample_cells(machine, 0.5, 0, 0, law, period, kRecords, machine.count(49152), [&](std::size_t row, auto x) {
    std::vector<double> columns(1 + kRecords);
    for (std::uint32_t lag = 0; lag < kRecords; ++lag) {
      double sum = 0;
      for (std::uint32_t k = 0; k + lag < kRecords; ++k) sum += x[k] * x[k + lag];
      columns[lag] = sum / (kRecords - lag);
    }
    columns[kRecords] = 0;
    squares += columns[0];
    means.add(row, columns);
  });
  const double bias = dt > 0 ? linear_variance_bias(machine.stepper(), 1, dt) : 0;
  const LinearStep step = linear_step(machine.stepper(), 1, dt > 0 ? dt : 1);
  const std::string by = machine.stepper() == Stepper::exact_ou       ? ", exact step"
                         : machine.stepper() == Stepper::lattice_walk ? ", lattice walk"
                                                                      : "";
  Check& variance = bench.check("variance of a linear cell" + by, 1, means.mean_estimate(0), bias);
  variance.floor = 0.01;
  Curve curve{"Autocorrelation of a linear cell", "time", "<x(0) x(t)>", {{"device", {}, {}, {}}, {"exact", {}, {}, {}}}};
  std::vector<measure::Estimate> lags;
  for (std::uint32_t lag = 0; lag < kRecords; ++lag) {
    const double t = lag * period;
    lags.push_back(means.mean_estimate(lag));
    curve.series[0].x.push_back(t);
    curve.series[0].y.push_back(lags.back().value);
    curve.series[0].error.push_back(lags.back().standard_error);
  }
  for (int k = 0; k <= 80; ++k) {
    curve.series[1].x.push_back(k * 0.1 * period);
    curve.series[1].y.push_back(std::exp(-k * 0.1 * period));
  }
  for (const std::uint32_t lag : {1u, 2u}) {
    const double t = lag * period, exact = std::exp(-t);
    const double discrete = dt > 0 ? std::pow(step.gain, t / dt) * step.stationary_variance() : exact;
    Check& check = bench.check((lag == 1 ? "autocorrelation at t = 1/2" : "autocorrelation at t = 1") + by, exact, lags[lag],
                               discrete - exact);
    check.floor = 0.01;
    if (lag == 2) check.curve = curve;
  }

  // Response to a step of the bias: chi(t) = (1 - C(t)/C(0))/kT by the fluctuation-dissipation theorem.
  const std::uint32_t cells = machine.cells(1024), shots = (machine.count(65536) + cells - 1) / cells;
  const std::vector<float> start = normal_states(machine, std::size_t{shots} * cells);
  Program program = machine.program(cells);
  machine.quartic(program, 0.5, 0, -1);
  program.commit();
  machine.start_at(program, start);
  program.evolve(machine.time(1)).sample();
  const Result result = machine.run(program, shots);
  BlockedMeans response(1);
  for (std::uint32_t shot = 0; shot < shots; ++shot) {
    for (std::uint32_t cell = 0; cell < cells; ++cell) {
      // The same start without the field has mean x e^-t: taken off, it leaves the response and the noise of the bath.
      const std::size_t at = std::size_t{shot} * cells + cell;
      response.add(at, {result.capture.state(shot, 0)[cell] - start[at] * std::exp(-machine.rounded(1))});
    }
  }
  const double t = machine.rounded(1), chi = -std::expm1(-t);
  const double stepped = dt > 0 ? 1 - std::pow(step.gain, t / dt) : chi;
  bench.check("response to a field at t = 1" + by, chi, response.mean_estimate(0), stepped - chi);
  const measure::Estimate felt = response.mean_estimate(0);
  const double c0 = lags[0].value, c1 = lags[2].value;
  const measure::Estimate seen = means.estimate([](auto m) { return 1 - m[2] / m[0]; });
  Check& theorem = bench.check("fluctuation-dissipation: response less 1 - C(t)/C(0)" + by, 0,
                               {felt.value - (1 - c1 / c0), std::hypot(felt.standard_error, seen.standard_error),
                                std::min(felt.effective_samples, seen.effective_samples)},
                               0);
  theorem.floor = 0.01;
}

struct Well {
  const char* name;
  double j2, j4, bias, dt_first, dt_second, period;
};

void quartic_well(Bench& bench, const Well& well) {
  Machine& machine = bench.machine();
  const double dt = machine.step(well.dt_first, well.dt_second);
  const reference::QuarticCell cell{well.j2, well.j4, well.bias};
  const auto law = cell.law(1);
  const auto chain = one_step_chain(machine.stepper(), [=](double x) { return cell.force(x); }, dt,
                                    reference::OneStepChain::Domain::line, law.lower(), law.upper(), 200);
  BlockedMeans means(4);
  constexpr std::uint32_t kRecords = 8, kBins = 40;
  std::vector<double> histogram(kBins);
  const double low = law.quantile(1e-4), high = law.quantile(1 - 1e-4);
  double samples = 0;
  sample_cells(machine, well.j2, well.j4, well.bias, law, machine.rounded(well.period), kRecords, machine.count(20480),
               [&](std::size_t row, auto states) {
                 for (const double x : states) {
                   means.add(row, {x * x, cell.force(x) * cell.force(x), cell.curvature(x), -x * cell.force(x)});
                   const double bin = (x - low) / (high - low) * kBins;
                   if (bin >= 0 && bin < kBins) histogram[static_cast<std::size_t>(bin)] += 1;
                   samples += 1;
                 }
               });
  const auto bias = [&](const reference::Function& f, double exact) { return chain ? chain->average(f) - exact : 0.0; };
  const reference::Function square = [](double x) { return x * x; };
  const double exact = law.average(square);
  Check& check = bench.check(std::string("<x^2> of ") + well.name, exact, means.mean_estimate(0), bias(square, exact));
  Curve curve{std::string("Law of ") + well.name, "x", "density", {{"device", {}, {}, {}}, {"exp(-V)/Z", {}, {}, {}}}};
  for (std::uint32_t k = 0; k < kBins; ++k) {
    const double width = (high - low) / kBins, x = low + (k + 0.5) * width;
    curve.series[0].x.push_back(x);
    curve.series[0].y.push_back(histogram[k] / samples / width);
    curve.series[0].error.push_back(std::sqrt(histogram[k] + 1) / samples / width);
    curve.series[1].x.push_back(x);
    curve.series[1].y.push_back(law.density(x));
  }
  check.curve = curve;
  const reference::Function virial = [&](double x) { return -x * cell.force(x); };
  bench.check(std::string("equipartition <x dV/dx> of ") + well.name, 1, means.mean_estimate(3), bias(virial, 1));
  const reference::Function gradient = [&](double x) { return cell.force(x) * cell.force(x); };
  const reference::Function curvature = [&](double x) { return cell.curvature(x); };
  const double hot = chain ? chain->average(gradient) / chain->average(curvature) - 1 : 0;
  bench.check(std::string("effective temperature of ") + well.name, 1,
              means.estimate([](auto m) { return m[1] / m[2]; }), hot);
}

void single_well(Bench& bench) { quartic_well(bench, {"a single well", 0.5, 0.25, 0, 6e-4, 0.01, 0.8}); }
void tilted_well(Bench& bench) { quartic_well(bench, {"a tilted double well", -1, 0.25, 0.3, 3.8e-4, 0.01, 1.5}); }

// The stationary law of Leimkuhler & Matthews is of second order: ten times the step of Euler–Maruyama.
void coarse_wells(Bench& bench) {
  quartic_well(bench, {"a single well at a coarse step", 0.5, 0.25, 0, 0.02, 0.02, 0.8});
  quartic_well(bench, {"a double well at a coarse step", -1, 0.25, 0, 0.02, 0.02, 1.5});
}

// Band-limited noise: <x^2> = T/(k (1 + k tau)), below the bath's temperature.
void band_limited(Bench& bench) {
  Machine& machine = bench.machine();
  machine.step(2e-3, 0.01);
  constexpr double kTau = 0.25;
  const std::uint32_t cells = machine.cells(256), shots = (machine.count(16384) + cells - 1) / cells, records = 8;
  Program program = machine.program(cells);
  machine.quartic(program, 0.5, 0, 0);
  program.commit();
  machine.start_at(program, std::vector<float>(std::size_t{shots} * cells));
  program.evolve(machine.time(8)).capture_start(machine.time(1.5)).evolve(machine.time(1.5) * (records - 1));
  const Result result = machine.run(program, shots);
  BlockedMeans means(1);
  for (std::uint32_t shot = 0; shot < shots; ++shot) {
    for (std::uint32_t record = 0; record < records; ++record) {
      const auto state = result.capture.state(shot, record);
      for (std::uint32_t cell = 0; cell < cells; ++cell)
        means.add(std::size_t{shot} * cells + cell, {double{state[cell]} * state[cell]});
    }
  }
  const auto network = reference::band_limited_cell(1, kTau, 1);
  bench.check("<x^2> of a linear cell under band-limited noise, tau = 1/4",
              reference::stationary_covariance(network)(0, 0), means.mean_estimate(0));
}

// A ring of coupled linear cells: equipartition of every quadratic form, and the information two cells share.
void coupled_ring(Bench& bench) {
  Machine& machine = bench.machine();
  const double dt = machine.step(6e-4, 0.02);
  constexpr std::uint32_t kRing = 8;
  constexpr double kStiffness = 2, kCoupling = -0.5;
  const std::uint32_t cells = std::max(kRing, machine.cells(64) / kRing * kRing), rings = cells / kRing;
  Eigen::MatrixXd ring = kStiffness * Eigen::MatrixXd::Identity(kRing, kRing);
  std::vector<double> matrix(kRing * kRing);
  for (std::uint32_t i = 0; i < kRing; ++i) {
    const std::uint32_t next = (i + 1) % kRing;
    matrix[i * kRing + next] = matrix[next * kRing + i] = ring(i, next) = ring(next, i) = kCoupling;
  }
  const std::uint32_t shots = (machine.count(6144) + rings - 1) / rings, records = 8;
  Program program = machine.program(cells);
  machine.quartic(program, kStiffness / 2, 0, 0);
  machine.copies(program, matrix, kRing);
  program.commit();
  machine.start_at(program, std::vector<float>(std::size_t{shots} * cells));
  program.evolve(machine.time(5)).capture_start(machine.time(0.8)).evolve(machine.time(0.8) * (records - 1));
  const Result result = machine.run(program, shots);

  BlockedMeans means(3);
  std::vector<double> x, y;
  for (std::uint32_t shot = 0; shot < shots; ++shot) {
    for (std::uint32_t r = 0; r < rings; ++r) {
      for (std::uint32_t record = 0; record < records; ++record) {
        const auto state = result.capture.state(shot, record).subspan(r * kRing, kRing);
        double virial = 0, square = 0;
        for (std::uint32_t i = 0; i < kRing; ++i) {
          virial += state[i] * (kStiffness * state[i] + kCoupling * (state[(i + 1) % kRing] + state[(i + 7) % kRing]));
          square += state[i] * state[i];
        }
        means.add(std::size_t{shot} * rings + r, {virial / kRing, square / kRing, 0});
        x.push_back(state[0]);
        y.push_back(state[1]);
      }
    }
  }
  const auto network = reference::linear_network(ring, 1);
  const Eigen::MatrixXd exact = reference::stationary_covariance(network);
  Eigen::MatrixXd discrete = exact;
  if (dt > 0 && linear_variance_bias(machine.stepper(), 1, dt) != 0) {
    // Mode by mode: the network is symmetric, and so diagonal in the Fourier modes of the ring.
    discrete.setZero();
    for (std::uint32_t q = 0; q < kRing; ++q) {
      const double mode = kStiffness + 2 * kCoupling * std::cos(2 * 3.14159265358979323846 * q / kRing);
      const double variance = linear_step(machine.stepper(), mode, dt).stationary_variance();
      for (std::uint32_t i = 0; i < kRing; ++i) {
        for (std::uint32_t j = 0; j < kRing; ++j) {
          discrete(i, j) += variance / kRing * std::cos(2 * 3.14159265358979323846 * q * (double(i) - double(j)) / kRing);
        }
      }
    }
  }
  bench.check("equipartition <x_i dV/dx_i> of a ring of 8", 1, means.mean_estimate(0),
              (ring * discrete).trace() / kRing - 1);
  bench.check("<x^2> of a ring of 8", exact(0, 0), means.mean_estimate(1), discrete(0, 0) - exact(0, 0));
  const double shared = reference::gaussian_mutual_information(exact, 0, 1);
  Check& information =
      bench.check("mutual information of neighbours", shared,
                  measure::gaussian_mutual_information(x, y, std::size_t{shots} * rings),
                  reference::gaussian_mutual_information(discrete, 0, 1) - shared);
  information.floor = 0.002;
}

}  // namespace

std::span<const Row> equilibrium_rows() {
  static const Row rows[] = {
      {"ornstein-uhlenbeck", "a linear cell: variance, autocorrelation, response, fluctuation-dissipation theorem",
       {.j2 = 0.5, .bias = 1, .best_cells = 1024, .best_lanes = 64}, false, ornstein_uhlenbeck},
      {"single-well", "a quartic cell with one well: <x^2>, virial, effective temperature",
       {.j2 = 0.5, .j4 = 0.25, .best_cells = 1024, .best_lanes = 64}, false, single_well},
      {"tilted-well", "a tilted bistable cell: <x^2>, virial, effective temperature",
       {.j2 = 1, .j4 = 0.25, .bias = 0.3, .best_cells = 1024, .best_lanes = 64}, false, tilted_well},
      {"coarse-wells", "single and double well at ten times the step, by Leimkuhler & Matthews",
       {.j2 = 1, .j4 = 0.25, .stepper = Stepper::leimkuhler_matthews,
        .keys = "stepper=leimkuhler-matthews", .best_cells = 1024, .best_lanes = 64}, false, coarse_wells},
      {"exact-step", "the linear cell by the exact Ornstein-Uhlenbeck step",
       {.j2 = 0.5, .bias = 1, .stepper = Stepper::exact_ou, .keys = "stepper=exact-ou", .best_cells = 256,
        .best_lanes = 64}, false, ornstein_uhlenbeck},
      {"lattice-walk", "the linear cell by steps of fixed size: a variance without error of the step",
       {.j2 = 0.5, .bias = 1, .stepper = Stepper::lattice_walk, .keys = "stepper=lattice-walk", .best_cells = 1024,
        .best_lanes = 64}, false, ornstein_uhlenbeck},
      {"band-limited", "a linear cell under Ornstein-Uhlenbeck noise",
       {.j2 = 0.5, .emulator = true, .keys = "noise=ornstein-uhlenbeck&noise_time=0.25", .best_cells = 256,
        .best_lanes = 64}, false, band_limited},
      {"coupled-ring", "8 coupled linear cells: equipartition, variance, mutual information",
       {.cells = 8, .j2 = 1, .coupling = 0.5, .best_cells = 64, .best_lanes = 256}, false, coupled_ring},
  };
  return rows;
}

}  // namespace heatbath::validation
