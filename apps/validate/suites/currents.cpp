// Detailed balance of reciprocal machines, entropy production of driven ones.
#include <Eigen/Eigenvalues>
#include <cmath>
#include <vector>

#include "apps/validate/predicted_bias.hpp"
#include "apps/validate/suites/rows.hpp"
#include "heatbath/measure/irreversibility.hpp"
#include "sim/reference/exact_ou.hpp"

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
  const std::uint32_t copies = std::max(1u, machine.cells(std::max(size, 64u)) / size), cells = copies * size;
  const std::uint32_t shots = (copies_wanted + copies - 1) / copies;
  std::vector<double> matrix(std::size_t{cells} * cells), stiffness(cells);
  for (std::uint32_t i = 0; i < cells; ++i) {
    const std::uint32_t base = i / size * size;
    stiffness[i] = network.stiffness(i - base, i - base) / 2;
    for (std::uint32_t j = base; j < base + size; ++j) {
      if (i != j) matrix[std::size_t{i} * cells + j] = network.stiffness(i - base, j - base);
    }
  }
  Program program = machine.program(cells);
  machine.load(program, CellSection::j2, stiffness);
  machine.load(program, CellSection::j4, quartic);
  machine.load(program, CellSection::bias, 0);
  machine.couplings(program, matrix);
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

/// The largest of all pair currents, as a check whose z is what one normal number would have to be to be as improbable.
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
  const double z = std::max(low, 1e-3);
  Check& check = bench.check(name, 0, {pair.value, std::fabs(pair.value) / z, pair.effective_samples});
  check.floor = 1;
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
  const double dt = machine.step(1e-3, 0.02);
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
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> modes(a);
    for (const double mode : modes.eigenvalues())
      bias += mode * mode * linear_step(machine.stepper(), mode, dt).stationary_variance() - mode;
  }
  bench.check("entropy production of a reciprocal linear network", 0, production.signed_rate, bias).floor = 0.2;
  const Networks bistable = run_networks(machine, reference::linear_network(a - 3 * Eigen::MatrixXd::Identity(kSize, kSize), 1),
                                         machine.count(4096), 24, 0.2, 4, 0.25);
  check_pair_currents(bench, "largest pair current of a reciprocal bistable network", bistable);
}

}  // namespace

std::span<const Row> currents_rows() {
  static const Row rows[] = {
      {"reciprocal", "signed currents between all pairs of cells, and entropy production, vanish",
       {.cells = 8, .j2 = 1, .j4 = 0.25, .coupling = 0.25, .best_cells = 64, .best_lanes = 512}, false, reciprocal},
  };
  return rows;
}

}  // namespace heatbath::validation
