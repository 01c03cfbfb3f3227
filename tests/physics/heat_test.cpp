// The mean heat of cells against moments integrated in double: exact steps of any length, and the order of the others.
#include <gtest/gtest.h>

#include <Eigen/Core>
#include <cmath>
#include <string>
#include <vector>

#include "hw_model/physics/array.hpp"
#include "oracles/dense_algebra.hpp"

namespace heatbath::physics {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;
constexpr std::uint32_t n = 3;

struct Case {
  std::string name;
  CellKind kind = CellKind::overdamped;
  Stepper stepper = Stepper::exact_ou;
  double dt = 0.5;
  bool one_way = false, clamp = false;
};

ArraySpec spec_of(const Case& c, std::uint32_t lanes) {
  ArraySpec spec;
  spec.kind = c.kind, spec.stepper = c.stepper, spec.cells = n, spec.lanes = lanes;
  spec.mobility = c.kind == CellKind::overdamped ? 1.4f : 1.0f;
  spec.reciprocal = !c.one_way;
  return spec;
}

Parameters parameters_of(const Case& c) {
  Parameters p;
  p.j2 = {0.9f, 0.6f, 1.1f}, p.j4 = {0, 0, 0}, p.bias = {0.4f, -0.3f, 0.6f};
  p.mass = {1.2f, 0.8f, 1.0f}, p.damping = {0.9f, 1.3f, 0.5f};
  p.kT_cell = {0.3f, 1.6f, 0.8f};
  const float a = c.kind == CellKind::rlc ? -0.4f : 0.7f, b = c.one_way ? -0.8f : a;
  p.couplings = std::make_shared<const Couplings>(n, std::vector<float>{0, a, 0, b, 0, -0.3f, 0, c.one_way ? 0.9f : -0.3f, 0});
  return p;
}

/// The mean heat of each cell within `time` from rest at x = start, v = 0, by RK4 of mean, covariance and heat.
VectorXd exact_heat(const Case& c, const Parameters& p, const std::vector<float>& start, double time) {
  const bool rlc = c.kind == CellKind::rlc, inertia = rlc || c.kind == CellKind::underdamped;
  const double mobility = c.kind == CellKind::overdamped ? static_cast<double>(1.4f) : 1.0;
  MatrixXd pairs(n, n), k = MatrixXd::Zero(n, n), m = k, g = k;
  VectorXd b(n), kT(n);
  for (std::uint32_t i = 0; i < n; ++i) {
    k(i, i) = 2.0 * p.j2[i], m(i, i) = p.mass[i], g(i, i) = p.damping[i], b(i) = p.bias[i], kT(i) = p.kT_cell[i];
    for (std::uint32_t j = 0; j < n; ++j) pairs(i, j) = p.couplings->at(i, j);
  }
  (rlc ? m : k) += pairs;
  const std::vector<bool> free{true, true, !c.clamp};
  MatrixXd w = MatrixXd::Zero(n, n);  // inverse of the masses of free cells
  std::vector<Eigen::Index> at;
  for (std::uint32_t i = 0; i < n; ++i)
    if (free[i]) at.push_back(i);
  const MatrixXd block = m(at, at);
  w(at, at) = reference::inverse_of(block);
  const Eigen::Index size = inertia ? 2 * n : n;
  MatrixXd flow = MatrixXd::Zero(size, size), q = flow;
  VectorXd push = VectorXd::Zero(size), mean = VectorXd::Zero(size), heat = VectorXd::Zero(n);
  for (std::uint32_t i = 0; i < n; ++i) mean(i) = start[i];
  if (inertia) {
    for (std::uint32_t i = 0; i < n; ++i) flow(i, n + i) = free[i];
    flow.bottomLeftCorner(n, n) = -w * k;
    flow.bottomRightCorner(n, n) = -w * g;
    push.tail(n) = -w * b;
    q.bottomRightCorner(n, n) = w * (2 * g.diagonal().cwiseProduct(kT)).asDiagonal() * w.transpose();
  } else {
    for (const Eigen::Index i : at)
      flow.row(i) = -mobility * k.row(i), push(i) = -mobility * b(i), q(i, i) = 2 * mobility * kT(i);
  }
  MatrixXd covariance = MatrixXd::Zero(size, size);
  const auto heat_rate = [&](const VectorXd& z, const MatrixXd& s) {
    VectorXd rate = VectorXd::Zero(n);
    for (const Eigen::Index i : at) {
      if (inertia) {
        rate(i) = g(i, i) * (z(n + i) * z(n + i) + s(n + i, n + i) - kT(i) * w(i, i));
      } else {
        const double force = k.row(i).dot(z) + b(i);
        rate(i) = mobility * (force * force + k.row(i).dot(s * k.row(i).transpose()) - kT(i) * k(i, i));
      }
    }
    return rate;
  };
  constexpr int steps = 4000;
  const double h = time / steps;
  for (int step = 0; step < steps; ++step) {
    const auto rate_z = [&](const VectorXd& z) -> VectorXd { return flow * z + push; };
    const auto rate_s = [&](const MatrixXd& s) -> MatrixXd { return flow * s + s * flow.transpose() + q; };
    const VectorXd z1 = rate_z(mean), z2 = rate_z(mean + h / 2 * z1), z3 = rate_z(mean + h / 2 * z2),
                   z4 = rate_z(mean + h * z3);
    const MatrixXd s1 = rate_s(covariance), s2 = rate_s(covariance + h / 2 * s1), s3 = rate_s(covariance + h / 2 * s2),
                   s4 = rate_s(covariance + h * s3);
    const VectorXd before = heat_rate(mean, covariance),
                   middle = heat_rate(mean + h / 2 * z2, covariance + h / 2 * s2);
    mean += h / 6 * (z1 + 2 * z2 + 2 * z3 + z4);
    covariance += h / 6 * (s1 + 2 * s2 + 2 * s3 + s4);
    heat += h / 6 * (before + 4 * middle + heat_rate(mean, covariance));
  }
  return heat;
}

struct Measured {
  VectorXd mean = VectorXd::Zero(n), error = VectorXd::Zero(n);
  double lane_mean = 0, lane_error = 0;
};

Measured measured(const Case& c, std::uint32_t lanes, double time) {
  const auto array = make_array(spec_of(c, lanes), nullptr);
  const Parameters p = parameters_of(c);
  const std::vector<float> start{0.8f, -0.5f, 1.1f};
  for (std::uint32_t l = 0; l < lanes; ++l) array->write(l, 0, start, p);
  if (c.clamp) array->set_clamped(std::vector<std::uint8_t>{0, 0, 1}, p);
  array->enable_meters(true);
  array->enable_cell_meter(CellMeter::heat);
  physics::Run run;
  run.steps = static_cast<std::uint64_t>(std::llround(time / c.dt)), run.dt = c.dt, run.noise.seed = 77;
  array->advance(run, p);
  Measured all;
  VectorXd squares = VectorXd::Zero(n);
  double lane_squares = 0;
  std::vector<double> heat(n);
  for (std::uint32_t l = 0; l < lanes; ++l) {
    array->cell_meter(CellMeter::heat, l, heat);
    const double lane = array->meters(l, p).heat_path;
    EXPECT_NEAR(heat[0] + heat[1] + heat[2], lane, 2e-5 * (1 + std::abs(lane)));
    for (std::uint32_t i = 0; i < n; ++i) all.mean(i) += heat[i] / lanes, squares(i) += heat[i] * heat[i] / lanes;
    all.lane_mean += lane / lanes, lane_squares += lane * lane / lanes;
  }
  for (std::uint32_t i = 0; i < n; ++i)
    all.error(i) = std::sqrt(std::max(squares(i) - all.mean(i) * all.mean(i), 0.0) / lanes);
  all.lane_error = std::sqrt(std::max(lane_squares - all.lane_mean * all.lane_mean, 0.0) / lanes);
  return all;
}

void expect_right(const Case& c, std::uint32_t lanes, double time) {
  SCOPED_TRACE(c.name);
  const Measured found = measured(c, lanes, time);
  const VectorXd exact = exact_heat(c, parameters_of(c), {0.8f, -0.5f, 1.1f}, time);
  for (std::uint32_t i = 0; i < n; ++i)
    EXPECT_NEAR(found.mean(i), exact(i), 4.2 * found.error(i) + 1e-5) << "cell " << i << ", error " << found.error(i);
  EXPECT_NEAR(found.lane_mean, exact.sum(), 4.2 * found.lane_error + 1e-5);
}

TEST(Heat, OfExactStepsHasTheRightMeanAtAnyLength) {
  for (const CellKind kind : {CellKind::overdamped, CellKind::underdamped, CellKind::rlc})
    for (const bool one_way : {false, true})
      for (const bool clamp : {false, true}) {
        if (one_way && kind == CellKind::rlc) continue;
        Case c{std::string(name(kind)) + (one_way ? " one-way" : "") + (clamp ? " clamped" : ""), kind};
        c.one_way = one_way, c.clamp = clamp;
        expect_right(c, 4000, 6);
        c.dt = 3, c.name += ", long step";
        expect_right(c, 4000, 6);
      }
}

TEST(Heat, OfTheDampingOfBaoabIsThatOfEachNode) {
  Case c{"rlc", CellKind::rlc, Stepper::baoab, 0.02};
  expect_right(c, 3000, 6);
}

// A halved step leaves a quarter of the error; the trapezoid's would be a half.
TEST(Heat, OfHeunIsOfOrderTwoOutOfEquilibrium) {
  for (const CellKind kind : {CellKind::overdamped, CellKind::rlc}) {
    Case c{std::string(name(kind)), kind, Stepper::heun, 0.1};
    c.one_way = kind == CellKind::overdamped;
    const VectorXd exact = exact_heat(c, parameters_of(c), {0.8f, -0.5f, 1.1f}, 6);
    const Measured coarse = measured(c, 20000, 6);
    c.dt = 0.05;
    const Measured fine = measured(c, 20000, 6);
    double before = 0, after = 0, noise = 0;
    for (std::uint32_t i = 0; i < n; ++i) {
      before += std::abs(coarse.mean(i) - exact(i)), after += std::abs(fine.mean(i) - exact(i));
      noise = std::max(noise, fine.error(i));
    }
    EXPECT_LT(after, 0.35 * before + 2 * noise) << c.name << ": " << before << ", " << after << ", " << noise;
    EXPECT_GT(before, 8 * noise) << "there is an error to see";
  }
}

// A rotor of stiffness 1 and turning force 1: dissipation 2 kT per time unit (w^2/k (mu kT)).
TEST(Heat, OfARotorInLongSteps) {
  ArraySpec spec;
  spec.stepper = Stepper::exact_ou, spec.cells = 2, spec.lanes = 2000, spec.reciprocal = false;
  const auto array = make_array(spec, nullptr);
  Parameters p;
  p.j2 = {0.5f, 0.5f}, p.j4 = {0, 0}, p.bias = {0, 0}, p.kT = 1;
  p.couplings = std::make_shared<const Couplings>(2, std::vector<float>{0, 1, -1, 0});
  physics::Run run;
  run.steps = 20, run.dt = 0.5;
  array->advance(run, p);
  array->enable_meters(true);
  run.noise.step = 20, run.steps = 200;
  array->advance(run, p);
  double sum = 0, square = 0;
  for (std::uint32_t l = 0; l < spec.lanes; ++l) {
    const auto m = array->meters(l, p);
    sum += m.heat_path / spec.lanes, square += m.heat_path * m.heat_path / spec.lanes;
  }
  EXPECT_NEAR(sum, 200, 4.2 * std::sqrt((square - sum * sum) / spec.lanes));
}

}  // namespace
}  // namespace heatbath::physics
