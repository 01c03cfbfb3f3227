// Stationary laws and fluctuation relations; fixed seeds, exact oracles, z bounds.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "heatbath/numerics/thread_team.hpp"
#include "hw_model/physics/quartic_array.hpp"
#include "tests/physics/uncoupled.hpp"

namespace heatbath::physics {
namespace {

struct Estimate {
  double mean = 0, error = 0;
};

Estimate estimate(const std::vector<double>& values) {
  double sum = 0, square = 0;
  for (const double v : values) sum += v;
  const double n = static_cast<double>(values.size()), mean = sum / n;
  for (const double v : values) square += (v - mean) * (v - mean);
  return {mean, std::sqrt(square / (n - 1) / n)};
}

// Final states of independent cells started at 0.
std::vector<double> final_states(const Parameters& p, std::uint32_t cells, std::uint32_t lanes, std::uint64_t steps, double dt,
                                 std::uint64_t seed) {
  numerics::ThreadTeam team(2);
  QuarticArray array(cells, lanes, 1.0f, 64.0f, &team);
  physics::Run r;
  r.steps = steps;
  r.dt = dt;
  r.noise = {seed, 0, 0};
  array.advance(r, p);
  std::vector<double> all;
  std::vector<float> x(cells);
  for (std::uint32_t lane = 0; lane < lanes; ++lane) {
    array.read(lane, x);
    all.insert(all.end(), x.begin(), x.end());
  }
  return all;
}

// One-cell averages by quadrature over the Boltzmann law.
double boltzmann_average(double j2, double j4, double bias, double kT, double (*f)(double, double, double)) {
  double z = 0, sum = 0;
  for (int i = -40000; i <= 40000; ++i) {
    const double x = i * 2e-4, v = j2 * x * x + j4 * x * x * x * x + bias * x, w = std::exp(-v / kT);
    z += w;
    sum += w * f(x, j2, j4);
  }
  return sum / z;
}

TEST(OverdampedCell, LinearCellHasTheVarianceOfEulerMaruyama) {
  // T/k / (1 - k dt/2), k = 2 J2 (exact-problems.md 0).
  const double k = 2.0, dt = 0.05, kT = 0.7;
  auto x = final_states(uncoupled(1000, 1.0f, 0.0f, 0.0f, 0.7f), 1000, 64, 200, dt, 21);
  for (auto& v : x) v *= v;
  const auto [mean, error] = estimate(x);
  EXPECT_LT(std::abs(mean - kT / k / (1 - k * dt / 2)) / error, 4);
  EXPECT_LT(error / mean, 0.01);
}

TEST(OverdampedCell, QuarticCellReachesItsBoltzmannAverages) {
  // generative.md 1.3: kT = 0.1: <x^2> = 0.04088, <V>/kT = 0.4544; kT = 1: 0.23396, 0.3670.
  const auto square = [](double x, double, double) { return x * x; };
  const auto potential = [](double x, double j2, double j4) { return j2 * x * x + j4 * x * x * x * x; };
  const double table[2][3] = {{0.1, 0.04088, 0.4544}, {1.0, 0.23396, 0.3670}};
  for (const auto& [kT, x2, v] : table) {
    EXPECT_NEAR(boltzmann_average(1, 1, 0, kT, square), x2, 6e-6);
    EXPECT_NEAR(boltzmann_average(1, 1, 0, kT, potential) / kT, v, 6e-5);
    const auto x = final_states(uncoupled(1000, 1, 1, 0, static_cast<float>(kT)), 1000, 100, 2500, 1e-3, 22);
    std::vector<double> squares, potentials;
    for (const double xi : x) squares.push_back(xi * xi), potentials.push_back((xi * xi + xi * xi * xi * xi) / kT);
    const auto s = estimate(squares), p = estimate(potentials);
    // The bias of the step is below a quarter of the error: 1e-3 of the value against an error of 4.5e-3 of it.
    EXPECT_LT(std::abs(s.mean - x2) / s.error, 4);
    EXPECT_LT(std::abs(p.mean - v) / p.error, 4);
  }
}

TEST(OverdampedCell, NeuronFollowsItsInput) {
  // generative.md 1.3: V = x^2 + x^4 - I x, kT = 1, from 0; mean and s.d. at t = 0.2, and at equilibrium.
  const double table[6][4] = {{1, 0.140, 0.453, 0.229}, {2, 0.274, 0.441, 0.432},  {5, 0.652, 0.385, 0.842},
                              {10, 1.109, 0.269, 1.197}, {20, 1.584, 0.181, 1.595}, {100, 2.864, 0.102, 2.864}};
  for (const auto& [input, mean, sd, equilibrium] : table) {
    const auto p = uncoupled(500, 1, 1, static_cast<float>(-input), 1);
    const auto early = estimate(final_states(p, 500, 80, 200, 1e-3, 23));
    EXPECT_NEAR(early.mean, mean, 4 * early.error + 5e-4) << "I = " << input;  // the table has three digits
    EXPECT_NEAR(early.error * std::sqrt(40000.0), sd, 4 * sd / std::sqrt(2 * 40000.0) + 5e-4) << "I = " << input;
    const auto late = estimate(final_states(p, 500, 40, 2500, 1e-3, 24));
    EXPECT_NEAR(late.mean, equilibrium, 4 * late.error + 5e-4) << "I = " << input;
  }
}

// Problem 5b of exact-problems.md: u = .3x - x^2 + x^4/4 reached from N(0, 1) by a linear ramp of all parameters, kT =
// 1. Per trajectory: exp(-(W + W_sh - dF)/kT), exp(-(W - dF)/kT) and W_sh.
struct Crossing {
  std::vector<double> weight, plain, shadow;
};

Crossing cross(std::uint32_t trajectories, std::uint64_t steps, double dt, std::uint64_t seed) {
  constexpr double dF = -1.1812045372;
  const auto from = uncoupled(1, 0.5f, 0.0f, 0.0f, 1.0f), to = uncoupled(1, -1.0f, 0.25f, 0.3f, 1.0f);
  numerics::ThreadTeam team(2);
  QuarticArray array(1, trajectories, 1.0f, 64.0f, &team);
  physics::Run prepare;  // from x = 0 one step of dt = 1/2 gives exactly N(0, 1)
  prepare.steps = 1;
  prepare.dt = 0.5;
  prepare.noise = {seed, 0, 0};
  array.advance(prepare, from);
  std::vector<double> start(trajectories);
  for (std::uint32_t lane = 0; lane < trajectories; ++lane) start[lane] = array.energy(lane, from);
  array.enable_meters(true);
  physics::Run ramp;
  ramp.steps = ramp.ramp_steps = steps;
  ramp.dt = dt;
  ramp.noise = {seed, 0, 1};
  ramp.target = &to;
  array.advance(ramp, from);
  Crossing c;
  for (std::uint32_t lane = 0; lane < trajectories; ++lane) {
    const auto m = array.meters(lane, to);
    const double shadow = array.energy(lane, to) - start[lane] - m.work + m.heat_path;
    c.weight.push_back(std::exp(-(m.work + shadow - dF)));
    c.plain.push_back(std::exp(-(m.work - dF)));
    c.shadow.push_back(shadow);
  }
  return c;
}

TEST(ShadowWork, MakesJarzynskiExactAtAnyStep) {
  for (const double dt : {0.05, 0.02}) {
    const auto c = cross(80000, 100, dt, 31);
    const auto w = estimate(c.weight), p = estimate(c.plain);
    EXPECT_LT(std::abs(w.mean - 1) / w.error, 4) << "dt " << dt;
    EXPECT_LT(w.error, 0.006);
    // Without the shadow work the same trajectories miss by more than their error allows.
    if (dt == 0.05) {
      EXPECT_GT(std::abs(p.mean - 1) / p.error, 5);
    }
  }
}

TEST(ShadowWork, VanishesInProportionToTheStep) {
  // Same protocol time; a step contributes O(dt^3/2) at random, so the root mean square is of first order.
  const auto rms = [](const std::vector<double>& values) {
    double sum = 0;
    for (const double v : values) sum += v * v;
    return std::sqrt(sum / static_cast<double>(values.size()));
  };
  const double coarse = rms(cross(20000, 100, 0.02, 32).shadow), middle = rms(cross(20000, 200, 0.01, 32).shadow),
               fine = rms(cross(20000, 400, 0.005, 32).shadow);
  EXPECT_NEAR(coarse / middle, 2.0, 0.15);
  EXPECT_NEAR(middle / fine, 2.0, 0.15);
}

}  // namespace
}  // namespace heatbath::physics
