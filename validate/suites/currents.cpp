// Detailed balance of reciprocal machines, entropy production of driven ones.
#include <cmath>
#include <optional>
#include <vector>

#include "heatbath/measure/irreversibility.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/regs.h"
#include "oracles/dense_algebra.hpp"
#include "oracles/exact_ou.hpp"
#include "validate/predicted_bias.hpp"
#include "validate/start_states.hpp"
#include "validate/suites/rows.hpp"

namespace heatbath::validation {
namespace {

using measure::BlockedMeans;

/// Stationary records of small linear networks side by side on one array; shots x records of `size` states each.
struct Networks {
  std::uint32_t size = 0, records = 0;
  double period = 0;
  std::vector<std::vector<float>> paths;  ///< one per copy, records x size
};

Networks run_networks(Machine& machine, const reference::LinearNetwork& network, std::uint32_t copies_wanted,
                      std::uint32_t records, double period, double settle, double quartic = 0) {
  const auto size = static_cast<std::uint32_t>(network.stiffness.rows());
  const std::uint32_t copies = std::max(1u, machine.cells(64) / size), cells = copies * size;
  const std::uint32_t shots = (copies_wanted + copies - 1) / copies;
  std::vector<double> stiffness(cells), matrix;
  for (std::uint32_t i = 0; i < cells; ++i) stiffness[i] = network.stiffness(i % size, i % size) / 2;
  for (std::uint32_t i = 0; i < size; ++i) {
    for (std::uint32_t k = 0; k < size; ++k) matrix.push_back(network.stiffness(i, k));
  }
  Program program = machine.program(cells);
  machine.load(program, CellSection::j2, stiffness);
  machine.load(program, CellSection::j4, quartic);
  machine.load(program, CellSection::bias, 0);
  machine.copies(program, matrix, size);
  bool uniform = true;
  for (std::uint32_t i = 0; i < size; ++i) uniform = uniform && network.diffusion(i, i) == network.diffusion(0, 0);
  if (!uniform) {
    std::vector<double> temperature(cells);
    for (std::uint32_t i = 0; i < cells; ++i) temperature[i] = network.diffusion(i % size, i % size);
    machine.load(program, CellSection::kT, temperature);
  }
  program.commit();
  machine.start_at(program, std::vector<float>(std::size_t{shots} * cells));
  program.evolve(machine.time(settle)).capture_start(machine.time(period)).evolve(machine.time(period) * (records - 1));
  const Result result = machine.run(program, shots);
  Networks out{size, records, machine.rounded(period), {}};
  for (std::uint32_t shot = 0; shot < shots; ++shot) {
    for (std::uint32_t copy = 0; copy < copies; ++copy) {
      std::vector<float> path;
      for (std::uint32_t record = 0; record < records; ++record) {
        const auto state = result.capture.state(shot, record).subspan(copy * size, size);
        path.insert(path.end(), state.begin(), state.end());
      }
      out.paths.push_back(std::move(path));
    }
  }
  return out;
}

/// The largest of all pair currents, as a check with the standard error of that pair and a z that is what one normal
/// number would have to be to be as improbable.
void check_pair_currents(Bench& bench, const std::string& name, const Networks& networks) {
  measure::PairCurrents currents(networks.size);
  for (const auto& path : networks.paths) currents.add(path);
  const auto largest = currents.largest();
  const auto pair = currents.current(largest.i, largest.j);
  // |z| of one number with the same two-sided probability, by bisection.
  double low = 0, high = 40;
  for (int turn = 0; turn < 100; ++turn) {
    const double middle = (low + high) / 2;
    (measure::two_sided_probability(middle) > largest.probability ? low : high) = middle;
  }
  const double z = std::copysign(low, pair.value);
  bench.check(name, 0, {z * pair.standard_error, pair.standard_error, pair.effective_samples}).floor = 0.003;
}

std::vector<double> flat(const Networks& networks) {
  std::vector<double> samples;
  for (const auto& path : networks.paths) samples.insert(samples.end(), path.begin(), path.end());
  return samples;
}

std::vector<double> flat(const Eigen::MatrixXd& matrix) {
  std::vector<double> values;
  for (Eigen::Index i = 0; i < matrix.rows(); ++i) {
    for (Eigen::Index j = 0; j < matrix.cols(); ++j) values.push_back(matrix(i, j));
  }
  return values;
}

// A reciprocal network makes no entropy.
void reciprocal(Bench& bench) {
  Machine& machine = bench.machine();
  const double dt = machine.step(5e-4, 0.01);
  constexpr std::uint32_t kSize = 8;
  Eigen::MatrixXd a = 2 * Eigen::MatrixXd::Identity(kSize, kSize);
  for (std::uint32_t i = 0; i < kSize; ++i) {
    for (std::uint32_t j = i + 1; j < kSize; ++j) a(i, j) = a(j, i) = 0.25 * std::sin(1.0 + 3.0 * i + 7.0 * j);
  }
  const auto network = reference::linear_network(a, 1);
  const Networks linear = run_networks(machine, network, machine.count(4096), 24, 0.2, 4);
  check_pair_currents(bench, "largest pair current of a reciprocal linear network", linear);
  const auto production =
      measure::linear_entropy_production(flat(linear), flat(a), std::vector<double>(kSize, 1.0), linear.paths.size());
  double bias = 0;
  if (dt > 0) {
    // tr(A S A) - tr A with the stepped covariance, mode by mode.
    for (const double mode : reference::modes_of(a).values)
      bias += mode * mode * linear_step(machine.stepper(), mode, dt).stationary_variance() - mode;
  }
  bench.check("entropy production of a reciprocal linear network", 0, production.signed_rate, bias).floor = 0.06;
  const Networks bistable = run_networks(machine, reference::linear_network(a - 3 * Eigen::MatrixXd::Identity(kSize, kSize), 1),
                                         machine.count(4096), 24, 0.2, 4, 0.25);
  check_pair_currents(bench, "largest pair current of a reciprocal bistable network", bistable);
}

/// One step of a linear network, x' = gain x + noise of this covariance.
struct NetworkStep {
  Eigen::MatrixXd gain, noise;
};
/// None for steppers that are exact or unknown.
std::optional<NetworkStep> network_step(Stepper stepper, const reference::LinearNetwork& network, double dt) {
  const Eigen::MatrixXd a = network.stiffness * dt, one = Eigen::MatrixXd::Identity(a.rows(), a.cols());
  if (stepper == Stepper::euler_maruyama) return NetworkStep{one - a, 2 * dt * network.diffusion};
  if (stepper == Stepper::heun) {
    return NetworkStep{one - a + a * a / 2, 2 * dt * (one - a / 2) * network.diffusion * (one - a / 2).transpose()};
  }
  return std::nullopt;
}

/// Stationary covariance of the chain of a stepper on a linear network, by doubling (Smith 1968); exact for others.
Eigen::MatrixXd stepped_covariance(Stepper stepper, const reference::LinearNetwork& network, double dt) {
  const auto step = network_step(stepper, network, dt);
  if (!step) return reference::stationary_covariance(network);
  auto [gain, covariance] = *step;
  for (int doubling = 0; doubling < 40; ++doubling) {
    covariance = (covariance + gain * covariance * gain.transpose()).eval();
    gain = (gain * gain).eval();
  }
  return covariance;
}

/// Path heat per unit of time over kT of a stationary chain at one temperature D: F o dx under Heun,
/// (|w~|^2 - |w|^2)/2 of forward and backward noises under Euler–Maruyama; exact for others.
double stepped_heat_rate(Stepper stepper, const reference::LinearNetwork& network, double dt) {
  const auto step = network_step(stepper, network, dt);
  if (!step) return reference::entropy_production_rate(network);
  const Eigen::MatrixXd& g = step->gain;
  const Eigen::MatrixXd s = stepped_covariance(stepper, network, dt);
  const double d = network.diffusion(0, 0);
  if (stepper == Stepper::heun) {
    // -<A (x + x').(x' - x)>/2 with <x x'^T> = S G^T.
    return -(network.stiffness * (s * g.transpose() - g * s)).trace() / (2 * dt * d);
  }
  const Eigen::MatrixXd one = Eigen::MatrixXd::Identity(g.rows(), g.cols()), back = one - g * g;
  const double backward = ((back * s * back.transpose()).trace() + (g * step->noise * g.transpose()).trace()) / (2 * d * dt);
  return (backward - static_cast<double>(g.rows())) / (2 * dt);
}

void driven(Bench& bench, const std::string& name, const reference::LinearNetwork& network, double samples) {
  Machine& machine = bench.machine();
  const double dt = machine.step(1e-4, 0.01);
  const auto size = network.stiffness.rows();
  // With fewer, the second-order terms of the score's estimate are as large as the first-order ones.
  const Networks run = run_networks(machine, network, machine.count(samples, 8192), 24, 0.5, 6);
  std::vector<double> diffusion;
  for (Eigen::Index i = 0; i < size; ++i) diffusion.push_back(network.diffusion(i, i));
  const auto production = measure::linear_entropy_production(flat(run), flat(network.stiffness), diffusion, run.paths.size());
  const double exact = reference::entropy_production_rate(network);
  const Eigen::MatrixXd covariance = reference::stationary_covariance(network);
  Eigen::MatrixXd stepped = covariance;
  double bias = 0, positive_bias = 0;
  if (dt > 0) {
    stepped = stepped_covariance(machine.stepper(), network, dt);
    const Eigen::MatrixXd& s = stepped;
    const Eigen::MatrixXd& a = network.stiffness;
    const Eigen::MatrixXd inverse = reference::inverse_of(network.diffusion), drift = a - network.diffusion * reference::inverse_of(s);
    bias = (inverse * a * s * a.transpose()).trace() - a.trace() - exact;
    positive_bias = (inverse * drift * s * drift.transpose()).trace() - exact;
  }
  bench.check(name + ": entropy production by the exact score", exact, production.positive, positive_bias).floor = 0.003;
  bench.check(name + ": entropy production, signed", exact, production.signed_rate, bias).floor = 0.05;
  // Covariances, and the heat that cell 0 gives to its bath, <F_0 nu_0> with the exact local mean velocity nu.
  const Eigen::MatrixXd mean_drift = network.diffusion * reference::inverse_of(covariance) - network.stiffness;
  BlockedMeans squares(4);
  for (std::size_t k = 0; k < run.paths.size(); ++k) {
    for (std::uint32_t r = 0; r < run.records; ++r) {
      const Eigen::VectorXd x = Eigen::Map<const Eigen::VectorXf>(run.paths[k].data() + r * size, size).cast<double>();
      squares.add(k, {x(0) * x(0), x(0) * x(1), x(1) * x(1), -network.stiffness.row(0).dot(x) * mean_drift.row(0).dot(x)});
    }
  }
  bench.check(name + ": <x0^2>", covariance(0, 0), squares.mean_estimate(0), stepped(0, 0) - covariance(0, 0));
  bench.check(name + ": <x0 x1>", covariance(0, 1), squares.mean_estimate(1), stepped(0, 1) - covariance(0, 1)).floor = 0.005;
  bench.check(name + ": <x1^2>", covariance(1, 1), squares.mean_estimate(2), stepped(1, 1) - covariance(1, 1));
  const auto heat_rate = [&](const Eigen::MatrixXd& s) {
    return -(network.stiffness * s * mean_drift.transpose())(0, 0);
  };
  bench.check(name + ": heat of cell 0 per unit of time", heat_rate(covariance), squares.mean_estimate(3),
              heat_rate(stepped) - heat_rate(covariance)).floor = 0.0025;
  // <x0 x1' - x1 x0'> over a period, from the exact autocorrelation.
  BlockedMeans current(1);
  std::vector<double> turns;
  for (std::size_t k = 0; k < run.paths.size(); ++k) {
    const float* x = run.paths[k].data();
    double sum = 0;
    for (std::uint32_t r = 0; r + 1 < run.records; ++r)
      sum += double{x[r * size]} * x[(r + 1) * size + 1] - double{x[r * size + 1]} * x[(r + 1) * size];
    current.add(k, {sum / (run.records - 1)});
    turns.push_back(sum);
  }
  const Eigen::MatrixXd later = reference::autocorrelation(network, run.period);  // <x(t) x(0)^T>
  const double turning = later(1, 0) - later(0, 1);
  Check& check = bench.check(name + ": current <x0 x1' - x1 x0'>", turning, current.mean_estimate(0));
  check.floor = 0.005;
  // No current says more than what is produced (thermodynamic uncertainty relation).
  bench.check(name + ": entropy production above the bound that this current sets", exact,
              measure::uncertainty_bound(turns, run.period * (run.records - 1))).bound = Bound::at_most;
}

void rotor(Bench& bench) {
  for (const double w : {0.5, 2.0}) {
    Eigen::MatrixXd a(2, 2);
    a << 1, -w, w, 1;
    driven(bench, "rotor w = " + numerics::fixed(w).substr(0, 3), reference::linear_network(a, 1), 40000);
  }
}

void one_way_ring(Bench& bench) {
  Eigen::MatrixXd a(3, 3);
  a << 2, -1, 0, 0, 2, -1, -1, 0, 2;
  driven(bench, "one-way ring", reference::linear_network(a, 1), 40000);
}

// Two cells at temperatures 2 and 1, a spring between them.
void two_temperatures(Bench& bench) {
  Eigen::MatrixXd a(2, 2);
  a << 2, -1, -1, 2;
  reference::LinearNetwork network = reference::linear_network(a, 1);
  network.diffusion(0, 0) = 2;
  driven(bench, "two temperatures", network, 60000);
}

// What the heat meter says of a rotor: entropy production 2 w^2.
void rotor_heat(Bench& bench) {
  Machine& machine = bench.machine();
  const double dt = machine.step(1e-3, 1e-3);
  constexpr double kTurn = 1, kTime = 10;
  const std::uint32_t copies = std::max(1u, machine.cells(64) / 2), cells = 2 * copies;
  const std::uint32_t shots = machine.count(320, 32);
  Program program = machine.program(cells);
  machine.quartic(program, 0.5, 0, 0);
  machine.copies(program, std::vector<double>{0, -kTurn, kTurn, 0}, 2);
  program.commit();
  machine.start_at(program, normal_states(machine, std::size_t{shots} * cells));
  program.evolve(machine.time(2)).meter_clear().evolve(machine.time(kTime)).meter_snapshot();
  const Result result = machine.run(program, shots);
  const auto heat = measure::heat_entropy_production(machine.meters(result), 1, machine.rounded(kTime) * copies);
  Eigen::MatrixXd a(2, 2);
  a << 1, -kTurn, kTurn, 1;
  const auto network = reference::linear_network(a, 1);
  bench.check("rotor w = 1: heat per unit of time over kT", 2 * kTurn * kTurn, heat,
              dt > 0 ? stepped_heat_rate(machine.stepper(), network, dt) - 2 * kTurn * kTurn : 0);
}

// The smallest fault that must be seen: of 16 cells coupled by J = 1, one coupling is off by 1 % in one direction.
void asymmetry(Bench& bench) {
  Machine& machine = bench.machine();
  machine.step(0.02, 0.5);
  constexpr std::uint32_t kSize = 16, kRecords = 401;
  constexpr double kPeriod = 0.5;
  const auto currents_of = [&](double fault) {
    Eigen::MatrixXd a = Eigen::MatrixXd::Constant(kSize, kSize, 1) + Eigen::MatrixXd::Identity(kSize, kSize);
    a(0, 1) *= 1 + fault;
    measure::PairCurrents currents(kSize);
    for (int part = 0; part < 5; ++part) {  // 5 x 4000 x 200 = 4e6 time units
      const Networks run = run_networks(machine, reference::linear_network(a, 1), machine.count(4000), kRecords, kPeriod, 4);
      for (const auto& path : run.paths) currents.add(path);
    }
    return currents;
  };
  const auto found = currents_of(0.01).current(0, 1);
  const double z = std::fabs(found.value) / found.standard_error;
  bench.check("1 % off in one of 16 x 16 couplings: z of its current", 5, {z, 1, found.effective_samples}).bound =
      Bound::at_least;
  const auto sound = currents_of(0).current(0, 1);
  bench.check("the same current of the sound machine", 0, sound).floor = 0.01;
}

}  // namespace

std::span<const Row> currents_rows() {
  constexpr std::string_view kDriven = "reciprocal=no&stepper=heun";
  static const Row rows[] = {
      {"reciprocal", "signed currents between all pairs of cells, and entropy production, vanish",
       {.cells = 8, .j2 = 1, .j4 = 0.25, .coupling = 0.25, .best_cells = 64, .best_lanes = 512}, false, reciprocal},
      {"rotor", "two cells that chase each other: entropy production 2 w^2, current",
       {.cells = 2, .full_couplings = true, .j2 = 0.5, .coupling = 2, .keys = kDriven, .best_cells = 64, .best_lanes = 512},
       false, rotor},
      {"rotor-heat", "the same by the heat meter",
       {.cells = 2, .meters = true, .full_couplings = true, .j2 = 0.5, .coupling = 1, .keys = kDriven, .best_cells = 64,
        .best_lanes = 512}, false, rotor_heat},
      {"one-way-ring", "three cells coupled in one direction",
       {.cells = 3, .full_couplings = true, .j2 = 1, .coupling = 1, .keys = kDriven, .best_cells = 63, .best_lanes = 512},
       false, one_way_ring},
      {"asymmetry", "a fault of 1 % in one coupling is found within 4e6 time units",
       {.cells = 16, .full_couplings = true, .j2 = 1, .coupling = 1.01, .keys = "reciprocal=no&stepper=exact-ou",
        .best_cells = 16}, true, asymmetry},
      {"two-temperatures", "a spring between a hot and a cold cell",
       {.cells = 2, .kT_per_cell = true, .j2 = 1, .coupling = 1, .keys = "stepper=heun", .best_cells = 64,
        .best_lanes = 512}, false, two_temperatures},
  };
  return rows;
}

}  // namespace heatbath::validation
