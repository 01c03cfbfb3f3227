// Stationary and transient laws of every kind of cell against exact results; fixed seeds, |z| < 4.
#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <numbers>

#include "heatbath/numerics/thread_team.hpp"
#include "hw_model/physics/array.hpp"
#include "hw_model/physics/graph.hpp"
#include "hw_model/physics/linear_step.hpp"
#include "hw_model/physics/topology.hpp"
#include "oracles/boltzmann_cell.hpp"
#include "oracles/enumeration.hpp"
#include "oracles/exact_ou.hpp"
#include "oracles/kuramoto.hpp"
#include "tests/physics/uncoupled.hpp"

namespace heatbath::physics {
namespace {

struct Estimate {
  double sum = 0, square = 0, n = 0;
  void add(double v) { sum += v, square += v * v, ++n; }
  double mean() const { return sum / n; }
  double error() const { return std::sqrt((square / n - mean() * mean()) / (n - 1)); }
  double z(double expected) const { return (mean() - expected) / error(); }
};

ArraySpec spec(CellKind kind, Stepper stepper, std::uint32_t cells, std::uint32_t lanes) {
  ArraySpec s;
  s.kind = kind;
  s.stepper = stepper;
  s.cells = cells;
  s.lanes = lanes;
  return s;
}

// Runs and visits every lane's state every `period` steps (0: only at the end).
template <class Visit>
void run(Array& array, const Parameters& p, std::uint64_t steps, double dt, std::uint64_t seed, Visit visit,
         std::uint64_t period = 0, std::uint64_t first_step = 0) {
  physics::Run r;
  r.steps = steps;
  r.dt = dt;
  r.noise = {seed, 0, first_step};
  r.record_period = r.record_first = period == 0 ? steps : period;
  r.record = [&](std::uint64_t, std::uint32_t lane, std::span<const float> state) { visit(lane, state); };
  array.advance(r, p);
}

// One step of an exact stepper from a start, all lanes: mean and covariance of the variables against the oracle's.
void check_transition(Array& array, const Parameters& p, const reference::LinearNetwork& network,
                      const std::vector<float>& start, double dt, const char* what) {
  const auto exact = reference::ou_transition(network, dt);
  const auto n = static_cast<Eigen::Index>(array.variables());
  Eigen::VectorXd x0(n);
  for (Eigen::Index i = 0; i < n; ++i) x0(i) = start[static_cast<std::size_t>(i)];
  const Eigen::VectorXd mean = exact.propagator * x0 + exact.shift;
  std::vector<Estimate> first(n), second(n * n);
  for (int repeat = 0; repeat < 40; ++repeat) {
    for (std::uint32_t l = 0; l < array.lanes(); ++l) array.write(l, 0, start, p);
    run(
        array, p, 1, dt, 5,
        [&](std::uint32_t, std::span<const float> s) {
          for (Eigen::Index i = 0; i < n; ++i) {
            first[i].add(s[i]);
            for (Eigen::Index k = 0; k <= i; ++k) second[i * n + k].add((s[i] - mean(i)) * (s[k] - mean(k)));
          }
        },
        0, repeat);
  }
  for (Eigen::Index i = 0; i < n; ++i) {
    EXPECT_LT(std::abs(first[i].z(mean(i))), 4.2) << what << ": mean of variable " << i;
    for (Eigen::Index k = 0; k <= i; ++k)
      EXPECT_LT(std::abs(second[i * n + k].z(exact.covariance(i, k))), 4.2) << what << ": covariance " << i << ' ' << k;
  }
}

TEST(LinearStep, AgreesWithTheTransitionOfAnIndependentSolver) {
  // Overdamped with a spectrum from stiff to soft, one-way, singular (free diffusion), underdamped.
  Eigen::MatrixXd stiff = Eigen::Vector3d(40.0, 1.0, 0.01).asDiagonal(), one_way(3, 3), rotating(2, 2);
  stiff(0, 1) = stiff(1, 0) = 0.5;
  one_way << 2, -1, 0, 0, 2, -1, -1, 0, 2;
  rotating << 0, -1, 3, 0.2;
  Eigen::MatrixXd diffusion = Eigen::Vector3d(0.5, 1.0, 2.0).asDiagonal(), velocity = Eigen::MatrixXd::Zero(2, 2);
  velocity(1, 1) = 0.7;
  const std::pair<Eigen::MatrixXd, Eigen::MatrixXd> systems[] = {
      {stiff, diffusion}, {one_way, diffusion}, {Eigen::MatrixXd::Zero(3, 3), diffusion}, {rotating, velocity}};
  for (const auto& [a, d] : systems)
    for (const double h : {1e-3, 0.7, 30.0}) {
      const auto exact = reference::ou_transition({a, d, Eigen::VectorXd::Ones(a.rows())}, h);
      const LinearStep step = linear_step(a, 2 * d, h);
      EXPECT_LT((step.propagate - exact.propagator).norm(), 1e-12);
      EXPECT_LT((step.respond * Eigen::VectorXd::Ones(a.rows()) - exact.shift).norm() / (1 + exact.shift.norm()), 1e-12);
      EXPECT_LT((step.spread * step.spread.transpose() - exact.covariance).norm() / exact.covariance.norm(), 1e-12);
    }
  for (const double a : {0.0, 1e-9, 0.03, 1.0, 7.7, 300.0}) EXPECT_NEAR(decay(a) / std::exp(-a), 1.0, 3e-13) << a;
}

TEST(ExactOu, IsTheExactTransitionAtAnyStep) {
  constexpr std::uint32_t n = 3;
  Parameters p = uncoupled(n, 1.0f, 0.0f, 0.0f, 1.0f);
  p.j2 = {0.5f, 0.8f, 1.1f};
  p.bias = {0.4f, -0.3f, 0.9f};
  p.kT_cell = {0.5f, 1.0f, 2.0f};
  p.gain = 0.9f;
  const std::vector<float> matrix{0, 0.4f, -0.3f, 0.4f, 0, 0.2f, -0.3f, 0.2f, 0},
      one_way{0, 0.4f, 0, 0, 0, 0.5f, -0.6f, 0, 0};
  Eigen::Matrix3d k = Eigen::Vector3d(1.0, 1.6, 2.2).asDiagonal();
  const auto coupled = [&](const std::vector<float>& j) {
    Eigen::Matrix3d m = k;
    for (int i = 0; i < 9; ++i) m(i / 3, i % 3) += 0.9 * j[i];
    return m;
  };
  const Eigen::Vector3d kT(0.5, 1.0, 2.0), force(-0.4, 0.3, -0.9);
  for (const bool reciprocal : {true, false}) {
    const auto& j = reciprocal ? matrix : one_way;
    p.couplings = std::make_shared<const Couplings>(n, j);
    auto s = spec(CellKind::overdamped, Stepper::exact_ou, n, 1024);
    s.reciprocal = reciprocal;
    s.mobility = 1.5f;
    const auto array = make_array(s, nullptr);
    const reference::LinearNetwork network{1.5 * coupled(j), 1.5 * Eigen::Matrix3d(kT.asDiagonal()), 1.5 * force};
    check_transition(*array, p, network, {1.0f, -0.5f, 0.2f}, 0.7, reciprocal ? "overdamped" : "one-way");
  }
  p.couplings = std::make_shared<const Couplings>(n, matrix);
  p.mass = {0.7f, 1.0f, 1.4f};
  p.damping = {0.5f, 0.9f, 1.2f};
  const Eigen::Vector3d mass(0.7, 1.0, 1.4), damping(0.5, 0.9, 1.2);
  const std::vector<float> start{1.0f, -0.5f, 0.2f, 0.3f, 0.0f, -0.8f};
  const auto with_force = [&](reference::LinearNetwork network, const Eigen::Matrix3d& m) {
    network.force = Eigen::VectorXd::Zero(6);
    network.force.tail(3) = m.inverse() * force;
    return network;
  };
  const Eigen::Matrix3d masses = mass.asDiagonal();
  check_transition(*make_array(spec(CellKind::underdamped, Stepper::exact_ou, n, 1024), nullptr), p,
                   with_force(reference::underdamped_network(coupled(matrix), masses, damping, kT), masses), start, 0.9,
                   "underdamped");
  Eigen::Matrix3d capacitance = masses;  // couplings are capacitances
  for (int i = 0; i < 9; ++i) capacitance(i / 3, i % 3) += 0.9 * matrix[i];
  check_transition(*make_array(spec(CellKind::rlc, Stepper::exact_ou, n, 1024), nullptr), p,
                   with_force(reference::underdamped_network(k, capacitance, damping, kT), capacitance), start, 0.9,
                   "rlc");
}

TEST(RlcNetwork, SteppersFollowTheExactLaw) {
  // Small steps of BAOAB, Heun and Euler–Maruyama against the exact covariance at t = 1.
  constexpr std::uint32_t n = 2;
  Parameters p = uncoupled(n, 0.7f, 0.0f, 0.3f, 0.8f);
  p.damping = {0.6f, 0.9f};
  p.couplings = std::make_shared<const Couplings>(n, std::vector<float>{0, -0.4f, -0.4f, 0});
  Eigen::Matrix2d c;
  c << 1, -0.4, -0.4, 1;
  auto network = reference::underdamped_network(1.4 * Eigen::Matrix2d::Identity(), c, Eigen::Vector2d(0.6, 0.9),
                                                Eigen::Vector2d(0.8, 0.8));
  network.force = Eigen::VectorXd::Zero(4);
  network.force.tail(2) = c.inverse() * Eigen::Vector2d(-0.3, -0.3);
  const auto exact = reference::ou_transition(network, 1.0);
  for (const auto stepper : {Stepper::baoab, Stepper::heun, Stepper::euler_maruyama}) {
    const auto array = make_array(spec(CellKind::rlc, stepper, n, 4096), nullptr);
    std::vector<Estimate> mean(4), square(4);
    const std::uint64_t steps = stepper == Stepper::euler_maruyama ? 1000 : 50;
    run(*array, p, steps, 1.0 / static_cast<double>(steps), 21, [&](std::uint32_t, std::span<const float> s) {
      for (int i = 0; i < 4; ++i) mean[i].add(s[i]), square[i].add(std::pow(s[i] - exact.shift(i), 2));
    });
    for (int i = 0; i < 4; ++i) {
      EXPECT_LT(std::abs(mean[i].z(exact.shift(i))), 4) << name(stepper) << ' ' << i;
      EXPECT_LT(std::abs(square[i].z(exact.covariance(i, i))), 4) << name(stepper) << ' ' << i;
    }
  }
}

TEST(OverdampedNetwork, ReachesTwoTemperatureAndOneWayLaws) {
  // exact-problems.md 9f: two temperatures k = 1, kappa = 1, T = (2, 1): Sigma = [[1.25, .5], [.5, .75]]; the heat that
  // goes through is .25, so each bath's balance is not 0 but their sum is.
  auto s = spec(CellKind::overdamped, Stepper::leimkuhler_matthews, 2, 2048);
  s.graph = named_graph("chain:2");
  Parameters p = uncoupled(2, 1.0f, 0.0f, 0.0f, 1.0f);
  p.kT_cell = {2.0f, 1.0f};
  p.couplings = std::make_shared<const Couplings>(s.graph, std::vector<float>{-1.0f});
  auto array = make_array(s, nullptr);
  Estimate a, b, c;
  run(*array, p, 400, 0.02, 3,
      [&](std::uint32_t, std::span<const float> x) { a.add(x[0] * x[0]), b.add(x[1] * x[1]), c.add(x[0] * x[1]); });
  EXPECT_LT(std::abs(a.z(1.25)), 4);
  EXPECT_LT(std::abs(b.z(0.75)), 4);
  EXPECT_LT(std::abs(c.z(0.5)), 4);

  // The rotor A = [[1, -w], [w, 1]], D = 1: Sigma = 1, and the work that drives it is T 2 w^2 per time.
  auto r = spec(CellKind::overdamped, Stepper::heun, 2, 1024);
  r.reciprocal = false;
  Parameters q = uncoupled(2, 0.5f, 0.0f, 0.0f, 1.0f);
  const float w = 0.5f;
  q.couplings = std::make_shared<const Couplings>(2, std::vector<float>{0, -w, w, 0});
  array = make_array(r, nullptr);
  run(*array, q, 250, 0.02, 4, [](std::uint32_t, std::span<const float>) {});
  array->enable_meters(true);
  std::vector<double> start(1024);
  for (std::uint32_t l = 0; l < 1024; ++l) start[l] = array->energy(l, q);
  run(
      *array, q, 500, 0.02, 4, [](std::uint32_t, std::span<const float>) {}, 0, 250);
  Estimate work, heat;
  for (std::uint32_t l = 0; l < 1024; ++l) {
    const auto m = array->meters(l, q);
    work.add(m.work / 10.0), heat.add(m.heat_path / 10.0);
    EXPECT_NEAR(m.work - m.heat_path, array->energy(l, q) - start[l], 1e-4);
  }
  EXPECT_LT(std::abs(work.z(0.5)), 4);
  EXPECT_LT(std::abs(heat.z(0.5)), 4);
  EXPECT_LT(heat.error(), 0.02);
}

TEST(UnderdampedCell, BaoabSamplesPositionsOfALinearCellExactlyAtAnyStep) {
  // <x^2> = T/k for every step below the stability limit (Leimkuhler and Matthews 2013); the double well by quadrature.
  Parameters p = uncoupled(64, 1.0f, 0.0f, 0.0f, 0.7f);
  p.mass.assign(64, 0.5f);
  auto array = make_array(spec(CellKind::underdamped, Stepper::baoab, 64, 64), nullptr);
  Estimate x2, well2, v2;
  run(*array, p, 60, 0.4, 6, [&](std::uint32_t, std::span<const float> s) {
    for (int i = 0; i < 64; ++i) x2.add(s[i] * s[i]);
  });
  EXPECT_LT(std::abs(x2.z(0.35)), 4);
  p.j2.assign(64, -1.0f), p.j4.assign(64, 1.0f);
  array = make_array(spec(CellKind::underdamped, Stepper::baoab, 64, 64), nullptr);
  run(*array, p, 200, 0.05, 7, [&](std::uint32_t, std::span<const float> s) {
    for (int i = 0; i < 64; ++i) well2.add(s[i] * s[i]), v2.add(s[64 + i] * s[64 + i]);
  });
  const double exact = reference::QuarticCell{-1, 1, 0}.law(0.7).average([](double x) { return x * x; });
  EXPECT_LT(std::abs(well2.z(exact)), 4);
  EXPECT_LT(std::abs(v2.mean() / 1.4 - 1), 0.05);  // BAOAB's kinetic temperature has its bias
}

TEST(Phases, ReachTheFiniteKuramotoOrderAndTheAdlerVelocity) {
  constexpr std::uint32_t n = 8;
  for (const auto stepper : {Stepper::heun, Stepper::leimkuhler_matthews}) {
    auto s = spec(CellKind::phase, stepper, n, 512);
    Parameters p = uncoupled(n, 0.0f, 0.0f, 0.0f, 1.0f);
    std::vector<float> matrix(n * n, -3.0f / n);
    for (std::uint32_t i = 0; i < n; ++i) matrix[i * n + i] = 0.0f;
    p.couplings = std::make_shared<const Couplings>(n, matrix);
    const auto array = make_array(s, nullptr);
    run(*array, p, 200, 0.02, 8, [](std::uint32_t, std::span<const float>) {});
    std::vector<Estimate> lanes(512);
    run(
        *array, p, 2000, 0.02, 8,
        [&](std::uint32_t lane, std::span<const float> x) {
          double c = 0, sum = 0;
          for (std::uint32_t i = 0; i < n; ++i) c += std::cos(x[i]), sum += std::sin(x[i]);
          lanes[lane].add((c * c + sum * sum) / (n * n));
        },
        25, 200);
    Estimate r2;
    for (const auto& lane : lanes) r2.add(lane.mean());
    EXPECT_LT(std::abs(r2.z(reference::kuramoto_mean_square_order(n, 3.0))), 4) << name(stepper);
    EXPECT_LT(r2.error() / r2.mean(), 0.01);
  }
  // Adler: dth = w - K sin th + noise, V = -K cos th; the turns count the slips.
  Parameters p = uncoupled(32, 0.0f, 0.0f, -1.0f, 0.5f);
  p.frequency.assign(32, 1.5f);
  const auto array = make_array(spec(CellKind::phase, Stepper::heun, 32, 64), nullptr);
  const auto angle = [](std::span<const float> x, int i) { return x[i] + 2 * std::numbers::pi * x[32 + i]; };
  std::vector<double> start(32 * 64);
  run(*array, p, 150, 0.02, 9, [&](std::uint32_t lane, std::span<const float> x) {
    for (int i = 0; i < 32; ++i) start[lane * 32 + i] = angle(x, i);
  });
  Estimate velocity;
  run(
      *array, p, 1000, 0.02, 9,
      [&](std::uint32_t lane, std::span<const float> x) {
        for (int i = 0; i < 32; ++i) velocity.add((angle(x, i) - start[lane * 32 + i]) / 20.0);
      },
      0, 150);
  EXPECT_LT(std::abs(velocity.z(reference::adler_velocity(1.5, 1.0, 0.5))), 4);
  EXPECT_LT(velocity.error(), 0.01);
}

TEST(PBits, ReachTheEnumeratedLawUnderEverySweep) {
  constexpr int n = 9;
  const auto grid = named_graph("grid:3x3");
  std::vector<float> values, bias;
  std::vector<reference::Bond> bonds;
  std::vector<double> exact_bias;
  for (const Coupler& c : grid->couplers()) {
    values.push_back(0.6f * std::sin(1.0f + static_cast<float>(values.size())));
    bonds.push_back({static_cast<int>(c.i), static_cast<int>(c.j), values.back()});
  }
  for (int i = 0; i < n; ++i) bias.push_back(0.3f * std::cos(static_cast<float>(i))), exact_bias.push_back(bias.back());
  const reference::Enumeration exact(n, bonds, exact_bias);
  Parameters p = uncoupled(n, 0.0f, 0.0f, 0.0f, 0.8f);
  p.bias = bias;
  const auto correlations = exact.correlations(p.kT);
  for (const auto stepper : {Stepper::sequential, Stepper::random_sequential, Stepper::two_colour})
    for (const bool dense : {false, true}) {
      if (dense && stepper == Stepper::two_colour) continue;
      auto s = spec(CellKind::pbit, stepper, n, 256);
      if (!dense) s.graph = grid;
      if (dense) {
        std::vector<float> matrix(n * n, 0.0f);
        for (const auto& b : bonds) matrix[b.a * n + b.b] = matrix[b.b * n + b.a] = static_cast<float>(b.coupling);
        p.couplings = std::make_shared<const Couplings>(n, matrix);
      } else {
        p.couplings = std::make_shared<const Couplings>(grid, values);
      }
      const auto array = make_array(s, nullptr);
      std::vector<std::vector<double>> lanes(256, std::vector<double>(n * n + n, 0.0));
      const int samples = 200;
      run(*array, p, 30, 1.0, 10, [](std::uint32_t, std::span<const float>) {});
      run(
          *array, p, 3 * samples, 1.0, 10,
          [&](std::uint32_t lane, std::span<const float> x) {
            for (int i = 0; i < n; ++i) {
              lanes[lane][n * n + i] += x[i] / samples;
              for (int k = 0; k < i; ++k) lanes[lane][i * n + k] += x[i] * x[k] / samples;
            }
          },
          3, 30);
      double worst = 0;
      for (int i = 0; i < n; ++i) {
        Estimate m;
        for (const auto& lane : lanes) m.add(lane[n * n + i]);
        worst = std::max(
            worst, std::abs(m.z(exact.average(p.kT, [&](reference::BinaryState b) { return reference::spin(b, i); }))));
        for (int k = 0; k < i; ++k) {
          Estimate pair;
          for (const auto& lane : lanes) pair.add(lane[i * n + k]);
          worst = std::max(worst, std::abs(pair.z(correlations(i, k))));
          EXPECT_LT(pair.error(), 0.01);
        }
      }
      EXPECT_LT(worst, 4.2) << name(stepper) << (dense ? " dense" : " sparse");
    }
  // kT = 0: the field decides, and a spin without a field stays.
  Parameters cold = uncoupled(3, 0.0f, 0.0f, 0.0f, 0.0f);
  cold.bias = {0.5f, -0.5f, 0.0f};
  const auto array = make_array(spec(CellKind::pbit, Stepper::sequential, 3, 2), nullptr);
  array->write(1, 2, std::vector<float>{-1.0f}, cold);
  run(*array, cold, 2, 1.0, 1, [&](std::uint32_t lane, std::span<const float> x) {
    EXPECT_EQ(std::vector<float>(x.begin(), x.end()), (std::vector<float>{-1, 1, lane == 0 ? 1.0f : -1.0f}));
  });
}

// <x^2> of x' = r x + sum_s z_s, z_s' = a_s z_s + …, where z_s acts on the step in which it is drawn and every z_s has
// the variance `square`: with <x z_s> = square / (1 - r a_s) after a step, stage by stage.
double filtered_variance(double r, const std::vector<double>& a, double square) {
  double sum = 0;
  for (const double as : a) sum += square * (1 + 2 * r * as / (1 - r * as)) / (1 - r * r);
  return sum;
}

TEST(ColouredNoise, GivesALinearCellTheVarianceOfItsSpectrum) {
  // In continuous time, <x^2> = T / (k (1 + k tau)) for one correlation time.
  const double k = 2.0, kT = 0.7, dt = 0.02, tau = 0.4;
  using Kind = NoiseColour::Kind;
  for (const auto& [colour, stages] : {std::pair{Kind::ornstein_uhlenbeck, 1}, {Kind::telegraph, 1}, {Kind::pink, 8}}) {
    std::vector<double> a;
    double intensity = 0;
    for (int s = 0; s < stages; ++s) {
      a.push_back(std::exp(-dt / tau * std::pow(4.0, s)));
      intensity += (1 + a.back()) / (1 - a.back());
    }
    const double variance = filtered_variance(1 - k * dt, a, 2 * kT * dt / intensity);
    if (stages == 1) {
      EXPECT_NEAR(variance / (kT / k / (1 + k * tau)), 1, 0.05);
    }
    auto s = spec(CellKind::overdamped, Stepper::euler_maruyama, 16, 512);
    s.colour = {colour, tau, 0.0};
    const auto array = make_array(s, nullptr);
    Estimate x2;
    run(*array, uncoupled(16, 1.0f, 0.0f, 0.0f, 0.7f), 200, dt, 11, [&](std::uint32_t, std::span<const float> x) {
      for (const double v : x) x2.add(v * v);
    });
    EXPECT_LT(std::abs(x2.z(variance)), 4) << name(colour) << ' ' << x2.mean() << ' ' << variance;
    EXPECT_LT(x2.error() / variance, 0.02);
  }
}

TEST(ColouredNoise, KeepsTheIntensityAndSharesTheCommonPart) {
  for (const double common : {0.3, 1.0}) {
    auto s = spec(CellKind::overdamped, Stepper::euler_maruyama, 2, 4096);
    s.colour.common = common;
    const auto array = make_array(s, nullptr);
    Estimate square, product;
    run(*array, uncoupled(2, 0.0f, 0.0f, 0.0f, 0.5f), 10, 0.1, 12,
        [&](std::uint32_t, std::span<const float> x) { square.add(x[0] * x[0]), product.add(x[0] * x[1]); });
    EXPECT_LT(std::abs(square.z(1.0)), 4);
    EXPECT_LT(std::abs(product.z(common)), 4);
  }
  // Diffusion over times far beyond the correlation time: white noise's.
  for (const auto colour :
       {NoiseColour::Kind::ornstein_uhlenbeck, NoiseColour::Kind::telegraph, NoiseColour::Kind::pink}) {
    auto s = spec(CellKind::overdamped, Stepper::euler_maruyama, 8, 128);
    s.colour = {colour, 0.1, 0.2};
    const auto walker = make_array(s, nullptr);
    Estimate far;
    run(*walker, uncoupled(8, 0.0f, 0.0f, 0.0f, 0.5f), 1000, 0.02, 13, [&](std::uint32_t, std::span<const float> x) {
      double sum = 0;  // cells share noise: one value per lane
      for (const double v : x) sum += v * v / 20.0 / 8.0;
      far.add(sum);
    });
    EXPECT_NEAR(far.mean(), 1.0, 0.01 + 4 * far.error()) << name(colour);
    EXPECT_LT(far.error(), 0.08);
  }
}

}  // namespace
}  // namespace heatbath::physics
