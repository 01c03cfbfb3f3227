// A linear network relaxes from 0 to A^-1 b: the solver of Thermodynamic Natural Gradient Descent (arXiv:2405.13817).
#include <cmath>
#include <vector>

#include "heatbath/numerics/text.hpp"
#include "oracles/dense_algebra.hpp"
#include "oracles/exact_ou.hpp"
#include "validate/predicted_bias.hpp"
#include "validate/suites/rows.hpp"

namespace heatbath::validation {
namespace {

using measure::BlockedMeans;

constexpr std::uint32_t kSize = 3;

reference::LinearNetwork solver_network() {
  Eigen::MatrixXd a(3, 3);
  a << 1.1, 0.5, 0.25, 0.5, 1.1, 0.5, 0.25, 0.5, 1.1;
  auto network = reference::linear_network(a, 1);
  network.force = Eigen::Vector3d(1, -2, 0.5);
  return network;
}

void relax(Bench& bench, const std::vector<double>& times, double systems_wanted, double first,
           bool every_pair = false) {
  Machine& machine = bench.machine();
  const double dt = machine.step(first, 0.02);
  const auto network = solver_network();
  const std::uint32_t cells = std::max(kSize, machine.cells(48) / kSize * kSize), systems = cells / kSize;
  std::vector<double> stiffness(cells), bias(cells), matrix;
  for (std::uint32_t i = 0; i < cells; ++i) {
    stiffness[i] = network.stiffness(i % kSize, i % kSize) / 2;
    bias[i] = -network.force(i % kSize);
  }
  for (std::uint32_t i = 0; i < kSize; ++i) {
    for (std::uint32_t k = 0; k < kSize; ++k) matrix.push_back(network.stiffness(i, k));
  }
  const std::uint32_t shots = (machine.count(systems_wanted) + systems - 1) / systems;
  Program program = machine.program(cells);
  machine.load(program, CellSection::j2, stiffness);
  machine.load(program, CellSection::j4, 0);
  machine.load(program, CellSection::bias, bias);
  machine.copies(program, matrix, kSize);
  program.commit();
  machine.start_at(program, std::vector<float>(std::size_t{shots} * cells));
  double before = 0;
  for (const double t : times) {
    program.evolve(machine.time(t - before)).sample();
    before = t;
  }
  const Result result = machine.run(program, shots);

  const reference::Modes modes = reference::modes_of(network.stiffness);
  for (std::size_t k = 0; k < times.size(); ++k) {
    constexpr std::uint32_t kColumns = kSize + kSize * (kSize + 1) / 2;  // x_i, then x_i x_j for i <= j
    BlockedMeans means(kColumns);
    for (std::uint32_t shot = 0; shot < shots; ++shot) {
      const auto state = result.capture.state(shot, k);
      for (std::uint32_t s = 0; s < systems; ++s) {
        const float* x = state.data() + s * kSize;
        means.add(std::size_t{shot} * systems + s, {x[0], x[1], x[2], double{x[0]} * x[0], double{x[0]} * x[1], double{x[0]} * x[2], double{x[1]} * x[1],
                                                      double{x[1]} * x[2], double{x[2]} * x[2]});
      }
    }
    const Eigen::VectorXd exact = reference::ou_mean(network, Eigen::VectorXd::Zero(kSize), times[k]);
    const Eigen::MatrixXd covariance = reference::ou_covariance(network, Eigen::MatrixXd::Zero(kSize, kSize), times[k]);
    Eigen::VectorXd stepped = exact;
    Eigen::MatrixXd stepped_covariance = covariance;
    if (dt > 0) {
      Eigen::VectorXd gains(kSize), variances(kSize);
      for (Eigen::Index q = 0; q < kSize; ++q) {
        const LinearStep step = linear_step(machine.stepper(), modes.values(q), dt);
        gains(q) = 1 - std::pow(step.gain, times[k] / dt);
        variances(q) = (step.stationary_variance() - step.extra) * (1 - std::pow(step.gain, 2 * times[k] / dt)) + step.extra;
      }
      const Eigen::MatrixXd& v = modes.vectors;
      stepped = v * gains.asDiagonal() * v.transpose() * reference::stationary_mean(network);
      stepped_covariance = v * variances.asDiagonal() * v.transpose();
    }
    const std::string at = " at t = " + numerics::fixed(times[k]).substr(0, times[k] < 10 ? 3 : 2);
    for (std::uint32_t i = 0; i < kSize; ++i) {
      Check& check = bench.check("mean of x" + std::to_string(i) + at, exact(i), means.mean_estimate(i),
                                 stepped(i) - exact(i));
      check.floor = 0.0025;
    }
    // What is left of the way to A^-1 b, along the exact rest: the norm of a noisy rest would be biased.
    const Eigen::VectorXd goal = reference::stationary_mean(network), rest = goal - exact, along = rest / rest.norm();
    bench.check("relative error |<x> - A^-1 b|/|A^-1 b|" + at, rest.norm() / goal.norm(),
                means.estimate([&](std::span<const double> m) {
                  return along.dot(goal - Eigen::Vector3d(m[0], m[1], m[2])) / goal.norm();
                }),
                along.dot(exact - stepped) / goal.norm()).floor = 0.0025;
    std::uint32_t column = kSize;
    for (std::uint32_t i = 0; i < kSize; ++i) {
      for (std::uint32_t j = i; j < kSize; ++j, ++column) {
        if (j > 0 && !every_pair) continue;
        const std::string name = i == j ? "variance of x" + std::to_string(i)
                                        : "covariance of x" + std::to_string(i) + " and x" + std::to_string(j);
        Check& check = bench.check(name + at, covariance(i, j),
                                   means.estimate([=](std::span<const double> m) { return m[column] - m[i] * m[j]; }),
                                   stepped_covariance(i, j) - covariance(i, j));
        if (i != j) check.floor = 0.005;
      }
    }
  }
}

void early(Bench& bench) { relax(bench, {0.5, 1}, 100000, 1e-3); }
void late(Bench& bench) { relax(bench, {2, 5}, 24000, 2e-3); }
void stationary(Bench& bench) { relax(bench, {10}, 90000, 1e-3, true); }

}  // namespace

std::span<const Row> linear_solver_rows() {
  static const Row rows[] = {
      {"early", "A x = b from x = 0: mean and variance at t = 1/2 and 1",
       {.cells = 3, .j2 = 0.55, .bias = 2, .coupling = 0.5, .best_cells = 48, .best_lanes = 512}, false, early},
      {"late", "the same at t = 2 and 5",
       {.cells = 3, .j2 = 0.55, .bias = 2, .coupling = 0.5, .best_cells = 48, .best_lanes = 512}, false, late},
      {"stationary", "the same at t = 10: x is A^-1 b but for 0.6 %, covariances are those of A^-1",
       {.cells = 3, .j2 = 0.55, .bias = 2, .coupling = 0.5, .keys = "stepper=heun", .best_cells = 48, .best_lanes = 512},
       false, stationary},
  };
  return rows;
}

}  // namespace heatbath::validation
