// The longest stable step against step matrices written out in double, and against arrays that stay or run away.
#include "hw_model/physics/stable_step.hpp"

#include <gtest/gtest.h>

#include <Eigen/Core>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "heatbath/numerics/lanczos.hpp"
#include "hw_model/physics/array.hpp"
#include "hw_model/physics/graph.hpp"
#include "hw_model/physics/topology.hpp"
#include "oracles/dense_algebra.hpp"

namespace heatbath::physics {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;
constexpr double infinite = std::numeric_limits<double>::infinity();
constexpr std::uint32_t n = 6;

struct Case {
  CellKind kind;
  Stepper stepper;
  bool one_way = false, uneven = false;
  std::vector<std::uint8_t> clamped{};
};

ArraySpec spec_of(const Case& c, std::uint32_t cells = n) {
  ArraySpec spec;
  spec.kind = c.kind;
  spec.stepper = c.stepper;
  spec.cells = cells;
  spec.mobility = c.kind == CellKind::overdamped ? 1.7f : 1.0f;
  spec.reciprocal = !c.one_way;
  return spec;
}

Parameters parameters_of(const Case& c) {
  Parameters p;
  const bool rlc = c.kind == CellKind::rlc;
  std::vector<float> matrix(n * n, 0.0f);
  for (std::uint32_t i = 0; i < n; ++i) {
    p.j2.push_back(2.0f + std::sin(1.9f * static_cast<float>(i)));
    p.j4.push_back(0);
    p.bias.push_back(0.3f);
    p.mass.push_back(c.uneven ? 1.1f + 0.5f * std::cos(2.3f * static_cast<float>(i)) : 0.8f);
    p.damping.push_back(c.uneven ? 0.5f + 0.4f * std::sin(0.7f * static_cast<float>(i)) : 0.6f);
    for (std::uint32_t k = 0; k < i; ++k) {
      const float size = rlc ? 0.08f : 0.9f;
      matrix[i * n + k] = size * std::sin(1.3f * static_cast<float>(i * n + k));
      matrix[k * n + i] = c.one_way ? size * std::cos(0.9f * static_cast<float>(i * n + k)) : matrix[i * n + k];
    }
  }
  p.couplings = std::make_shared<const Couplings>(n, std::move(matrix));
  p.gain = 1.2f;
  return p;
}

/// One step without noise of the free cells, as the documentation writes the steppers.
MatrixXd step_matrix(const Case& c, const Parameters& p, double h) {
  std::vector<Eigen::Index> free;
  for (std::uint32_t i = 0; i < n; ++i)
    if (c.clamped.empty() || c.clamped[i] == 0) free.push_back(i);
  const bool rlc = c.kind == CellKind::rlc, inertia = rlc || c.kind == CellKind::underdamped;
  MatrixXd stiffness = MatrixXd::Zero(n, n), mass = stiffness, damping = stiffness, pairs = stiffness;
  for (std::uint32_t i = 0; i < n; ++i) {
    stiffness(i, i) = 2.0 * static_cast<double>(p.j2[i]);
    mass(i, i) = p.mass[i], damping(i, i) = p.damping[i];
    for (std::uint32_t k = 0; k < n; ++k) pairs(i, k) = static_cast<double>(p.gain) * p.couplings->at(i, k);
  }
  (rlc ? mass : stiffness) += pairs;
  const MatrixXd k = stiffness(free, free), m = mass(free, free), g = damping(free, free);
  const Eigen::Index f = k.rows();
  const MatrixXd one = MatrixXd::Identity(f, f), zero = MatrixXd::Zero(f, f);
  const MatrixXd inverse = reference::inverse_of(m);
  MatrixXd flow;
  if (!inertia) {
    flow = -(c.kind == CellKind::overdamped ? static_cast<double>(1.7f) : 1.0) * k;
  } else {
    flow.resize(2 * f, 2 * f);
    flow << zero, one, -inverse * k, -inverse * g;
  }
  const MatrixXd whole = MatrixXd::Identity(flow.rows(), flow.rows());
  if (c.stepper == Stepper::heun) return whole + h * flow + 0.5 * h * h * flow * flow;
  if (c.stepper != Stepper::baoab) return whole + h * flow;
  MatrixXd kick = whole, drift = whole, bath = whole;
  kick.bottomLeftCorner(f, f) = -0.5 * h * inverse * k;
  drift.topRightCorner(f, f) = 0.5 * h * one;
  const reference::Modes modes = reference::modes_of(g, m);
  bath.bottomRightCorner(f, f) = modes.vectors * (-h * modes.values).array().exp().matrix().asDiagonal() *
                                 modes.vectors.transpose() * m;
  return kick * drift * bath * drift * kick;
}

double radius(const MatrixXd& m) { return reference::eigenvalues_of(m).cwiseAbs().maxCoeff(); }

std::vector<Case> linear_cases() {
  std::vector<Case> all;
  const std::vector<std::uint8_t> held{0, 1, 0, 0, 1, 0};
  for (const auto& clamped : {std::vector<std::uint8_t>{}, held}) {
    for (const bool one_way : {false, true}) {
      for (const Stepper s : {Stepper::euler_maruyama, Stepper::heun, Stepper::leimkuhler_matthews})
        all.push_back({CellKind::overdamped, s, one_way, false, clamped});
      for (const Stepper s : {Stepper::euler_maruyama, Stepper::heun, Stepper::baoab})
        for (const bool uneven : {false, true})
          if (!(s == Stepper::baoab && one_way && uneven))
            all.push_back({CellKind::underdamped, s, one_way, uneven, clamped});
    }
    for (const Stepper s : {Stepper::euler_maruyama, Stepper::heun, Stepper::baoab})
      for (const bool uneven : {false, true}) all.push_back({CellKind::rlc, s, false, uneven, clamped});
  }
  return all;
}

TEST(StableStep, OfLinearCellsIsWhereTheStepMatrixBeginsToGrow) {
  for (const Case& c : linear_cases()) {
    SCOPED_TRACE(std::string(name(c.kind)) + " " + std::string(name(c.stepper)) + (c.one_way ? " one-way" : "") +
                 (c.uneven ? " uneven" : "") + (c.clamped.empty() ? "" : " clamped"));
    const Parameters p = parameters_of(c);
    const double longest = longest_stable_step(spec_of(c), p, c.clamped, CurvatureAt::rest, 1e3);
    ASSERT_TRUE(std::isfinite(longest));
    EXPECT_LE(radius(step_matrix(c, p, 0.9999 * longest)), 1 + 1e-9);
    EXPECT_GT(radius(step_matrix(c, p, 1.001 * longest)), 1 + 1e-7);
    const double sure = longest_stable_step(spec_of(c), p, c.clamped, CurvatureAt::rest, 1e-9);
    EXPECT_LE(sure, longest * (1 + 1e-9)) << "bounds by row sums are on the safe side";
  }
}

TEST(StableStep, OfOneOscillatorIsTheFormula) {
  Parameters p = parameters_of({CellKind::underdamped, Stepper::baoab});
  p.couplings = std::make_shared<const Couplings>(n);
  p.j2.assign(n, 50.0f), p.mass.assign(n, 1.0f), p.damping.assign(n, 0.01f);  // omega = 10
  const auto longest = [&](Stepper s) {
    return longest_stable_step(spec_of({CellKind::underdamped, s}), p, {}, CurvatureAt::rest, 1.0);
  };
  EXPECT_NEAR(longest(Stepper::euler_maruyama), 1e-4, 1e-7) << "damping / omega^2";
  EXPECT_NEAR(longest(Stepper::baoab), 0.2, 1e-9) << "2 / omega";
  EXPECT_NEAR(longest(Stepper::heun), std::cbrt(4 * 0.01 / 1e4), 2e-4) << "omega^4 dt^3 = 4 damping, nearly";
  EXPECT_EQ(longest(Stepper::exact_ou), infinite);
  p.damping.assign(n, 0.0f);
  EXPECT_LT(longest(Stepper::euler_maruyama), 2e-6) << "without damping it always grows: less than 1e-10 a step here";
  EXPECT_GT(longest(Stepper::heun), 4e-4);
  EXPECT_NEAR(longest(Stepper::baoab), 0.2, 1e-9);
  p.j2.assign(n, 0.0f), p.damping.assign(n, 3.0f);
  EXPECT_NEAR(longest(Stepper::euler_maruyama), 2.0 / 3, 1e-6) << "free particles: damping dt < 2 m";
  p.j2.assign(n, -5.0f), p.damping.assign(n, 0.0f);
  EXPECT_NEAR(longest(Stepper::euler_maruyama), 2 / std::sqrt(10.0), 1e-6) << "the branch that decays";
}

TEST(StableStep, OfEndsOfALargeSpectrumIsFoundFromInside) {
  constexpr std::uint32_t cells = 240;
  const auto ends = numerics::spectrum_ends(cells, [](std::span<const double> x, std::span<double> y) {
    for (std::size_t i = 0; i < cells; ++i) y[i] = x[(i + 1) % cells] + x[(i + cells - 1) % cells];
  });
  EXPECT_LE(ends.highest, 2 + 1e-12);
  EXPECT_GT(ends.highest, 2 - 2e-3);
  EXPECT_GE(ends.lowest, -2 - 1e-12);
  EXPECT_LT(ends.lowest, -2 + 2e-3);

  // A one-way ring: lambda = k + J e^(i q), whose circle Euler's region must hold.
  const auto ring = named_graph("ring:240");
  std::vector<float> values(2 * cells, 0.0f);
  for (std::size_t c = 0; c < cells; ++c) values[2 * c + (ring->couplers()[c].j == ring->couplers()[c].i + 1 ? 0 : 1)] = 1.5f;
  Parameters p;
  p.j2.assign(cells, 1.0f), p.j4.assign(cells, 0.0f), p.bias.assign(cells, 0.0f);
  p.couplings = std::make_shared<const Couplings>(ring, values);
  ArraySpec spec;
  spec.cells = cells, spec.graph = ring, spec.reciprocal = false;
  spec.stepper = Stepper::euler_maruyama;
  double exact = infinite;
  for (std::size_t q = 0; q < cells; ++q) {
    const std::complex<double> rate = 2.0 + std::polar(1.5, 2 * M_PI * static_cast<double>(q) / cells);
    exact = std::min(exact, 2 * rate.real() / std::norm(rate));
  }
  const double longest = longest_stable_step(spec, p, {}, CurvatureAt::rest, 10);
  EXPECT_GE(longest, exact - 1e-9) << "a stable step is not refused";
  EXPECT_LT(longest, 1.1 * exact);
}

/// Largest distance of an array at kT = 0 from where it began, `steps` later.
double wandered(const ArraySpec& spec, const Parameters& p, std::vector<float> start, double dt, std::uint64_t steps) {
  const auto array = make_array(spec, nullptr);
  std::vector<float> state(array->variables(), 0.0f);
  std::copy(start.begin(), start.end(), state.begin());
  array->write(0, 0, state, p);
  physics::Run run;
  run.steps = steps, run.dt = dt;
  array->advance(run, p);
  array->read(0, state);
  double far = 0;
  for (std::uint32_t i = 0; i < spec.cells; ++i)
    far = std::max(far, std::abs(static_cast<double>(state[i]) - start[i]));
  return far;
}

/// Where the array comes to rest by short steps.
std::vector<float> rest(ArraySpec spec, const Parameters& p, double dt) {
  spec.kind = spec.kind == CellKind::phase ? CellKind::phase : CellKind::overdamped;
  spec.stepper = Stepper::euler_maruyama;
  const auto array = make_array(spec, nullptr);
  std::vector<float> state(array->variables(), 0.0f);
  for (std::uint32_t i = 0; i < spec.cells; ++i) state[i] = 0.5f + 0.3f * std::sin(static_cast<float>(i));
  array->write(0, 0, state, p);
  physics::Run run;
  run.steps = 40000, run.dt = dt;
  array->advance(run, p);
  array->read(0, state);
  state.resize(spec.cells);
  return state;
}

TEST(StableStep, OfWellsIsThatOfTheStatesTheyHold) {
  constexpr std::uint32_t cells = 12;
  for (const Stepper s : {Stepper::euler_maruyama, Stepper::heun, Stepper::leimkuhler_matthews, Stepper::baoab}) {
    const CellKind kind = s == Stepper::baoab ? CellKind::underdamped : CellKind::overdamped;
    SCOPED_TRACE(name(s));
    ArraySpec spec = spec_of({kind, s}, cells);
    spec.mobility = 1;
    spec.graph = named_graph("ring:12");
    Parameters p;
    p.j2.assign(cells, -20.0f), p.j4.assign(cells, 8.0f), p.bias.assign(cells, -6.0f);
    p.couplings = std::make_shared<const Couplings>(spec.graph, std::vector<float>(cells, -3.0f));
    const auto start = rest(spec, p, 2e-4);
    const double longest = longest_stable_step(spec, p, {}, CurvatureAt::rest, 1e3);
    auto kicked = start;
    kicked[0] += 1e-3f, kicked[1] -= 1e-3f;
    EXPECT_LT(wandered(spec, p, kicked, 0.99 * longest, 3000), 0.02);
    EXPECT_GT(wandered(spec, p, kicked, 1.02 * longest, 3000), 0.05);
    const double reach = start[0];
    EXPECT_NEAR(longest, kind == CellKind::underdamped ? 2 / std::sqrt(-40 + 96 * reach * reach + 6)
                                                       : 2 / (-40 + 96 * reach * reach + 6), 1e-3 * longest);
  }
}

TEST(StableStep, OfPhasesIsThatOfTheirLockedState) {
  for (const Stepper s : {Stepper::euler_maruyama, Stepper::heun, Stepper::leimkuhler_matthews}) {
    SCOPED_TRACE(name(s));
    constexpr std::uint32_t cells = 16;
    ArraySpec spec = spec_of({CellKind::phase, s}, cells);
    std::vector<float> all(cells * cells, -1.5f);
    for (std::uint32_t i = 0; i < cells; ++i) all[i * cells + i] = 0;
    Parameters p;
    p.j2.assign(cells, 0.0f), p.j4.assign(cells, 0.0f), p.bias.assign(cells, 0.0f);
    p.couplings = std::make_shared<const Couplings>(cells, all);
    EXPECT_NEAR(longest_stable_step(spec, p, {}, CurvatureAt::rest, 1e3), 2 / (1.5 * cells), 1e-6)
        << "the Laplacian of the complete graph";
    p.bias.assign(cells, -4.0f), p.j2.assign(cells, -2.0f);
    const double longest = longest_stable_step(spec, p, {}, CurvatureAt::rest, 1e3);
    EXPECT_NEAR(longest, 2 / (1.5 * cells + 4 + 8), 1e-6);
    std::vector<float> start(cells, 0.0f);
    start[3] = 1e-3f, start[7] = -1e-3f;
    EXPECT_LT(wandered(spec, p, start, 0.99 * longest, 4000), 0.01);
    EXPECT_GT(wandered(spec, p, start, 1.01 * longest, 4000), 0.05);
  }
}

}  // namespace
}  // namespace heatbath::physics
