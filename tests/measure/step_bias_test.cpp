// The predicted bias of a step against covariances iterated in double, and of networks against their modes.
#include "heatbath/measure/step_bias.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

#include "heatbath/regs.h"

namespace heatbath::measure {
namespace {

constexpr CellKind overdamped = CellKind::overdamped, underdamped = CellKind::underdamped,
                        rlc = CellKind::rlc, phase = CellKind::phase, pbit = CellKind::pbit;
constexpr Stepper euler = Stepper::euler_maruyama, heun = Stepper::heun,
                        lm = Stepper::leimkuhler_matthews, baoab = Stepper::baoab,
                        exact = Stepper::exact_ou;

TEST(StepBias, OfAnOverdampedCellIsTheClosedForm) {
  const double k = 3.7, dt = 0.11, a = k * dt;
  EXPECT_NEAR(variance_bias(overdamped, euler, {k}, dt).position, a / (2 - a), 1e-13);
  const double gain = 1 - a + a * a / 2;
  EXPECT_NEAR(variance_bias(overdamped, heun, {k}, dt).position,
              2 * a * (1 - a / 2) * (1 - a / 2) / (1 - gain * gain) - 1, 1e-13);
  EXPECT_NEAR(variance_bias(overdamped, lm, {k}, dt).position, 0, 1e-13);
  EXPECT_TRUE(std::isinf(variance_bias(overdamped, euler, {k}, 2.01 / k).position));
  EXPECT_EQ(variance_bias(overdamped, euler, {-1}, dt).position, 0) << "no stationary law";
  EXPECT_EQ(variance_bias(pbit, Stepper::sequential, {k}, 1).worst(), 0);
}

// <xx>, <xv>, <vv> iterated through the schemes as they are written in the literature, variable by variable.
std::array<double, 2> iterated(Stepper stepper, double k, double m, double g, double h) {
  double x[3] = {1, 0, 0}, v[3] = {0, 1, 0};  // rows of the map and the noise: coefficients of (x, v, n)
  const double sigma = std::sqrt(2 * g * h) / m, keep = std::exp(-g / m * h);
  if (stepper == euler) {
    const double xn[3] = {1, h, 0}, vn[3] = {-h * k / m, 1 - h * g / m, sigma};
    std::copy(xn, xn + 3, x), std::copy(vn, vn + 3, v);
  } else if (stepper == heun) {
    const double xp[3] = {1, h, 0}, vp[3] = {-h * k / m, 1 - h * g / m, sigma};
    const double x0[3] = {1, 0, 0}, v0[3] = {0, 1, 0}, n0[3] = {0, 0, sigma};
    for (int c = 0; c < 3; ++c) {
      x[c] = x0[c] + h / 2 * (v0[c] + vp[c]);
      v[c] = v0[c] + h / 2 * (-(k * x0[c] + g * v0[c]) / m - (k * xp[c] + g * vp[c]) / m) + n0[c];
    }
  } else {
    for (int c = 0; c < 3; ++c) v[c] -= h / 2 * k / m * x[c];
    for (int c = 0; c < 3; ++c) x[c] += h / 2 * v[c];
    for (int c = 0; c < 3; ++c) v[c] = keep * v[c] + (c == 2 ? std::sqrt((1 - keep * keep) / m) : 0);
    for (int c = 0; c < 3; ++c) x[c] += h / 2 * v[c];
    for (int c = 0; c < 3; ++c) v[c] -= h / 2 * k / m * x[c];
  }
  double xx = 0, xv = 0, vv = 0;
  for (int n = 0; n < 400000; ++n) {
    const double nxx = x[0] * x[0] * xx + 2 * x[0] * x[1] * xv + x[1] * x[1] * vv + x[2] * x[2];
    const double nxv = x[0] * v[0] * xx + (x[0] * v[1] + x[1] * v[0]) * xv + x[1] * v[1] * vv + x[2] * v[2];
    const double nvv = v[0] * v[0] * xx + 2 * v[0] * v[1] * xv + v[1] * v[1] * vv + v[2] * v[2];
    xx = nxx, xv = nxv, vv = nvv;
  }
  return {xx * k - 1, vv * m - 1};
}

TEST(StepBias, OfAnOscillatorIsThatOfItsIteratedCovariance) {
  for (const Stepper stepper : {euler, heun, baoab})
    for (const auto& [k, m, g, h] : {std::array{2.3, 0.7, 0.9, 0.05}, std::array{0.4, 1.9, 3.1, 0.3}}) {
      const auto [position, velocity] = iterated(stepper, k, m, g, h);
      const VarianceBias bias = variance_bias(underdamped, stepper, {k, m, g}, h);
      EXPECT_NEAR(bias.position, position, 1e-9) << name(stepper);
      EXPECT_NEAR(bias.velocity, velocity, 1e-9) << name(stepper);
      EXPECT_EQ(variance_bias(rlc, stepper, {k, m, g}, h).velocity, bias.velocity);
    }
  EXPECT_NEAR(variance_bias(underdamped, baoab, {4, 1, 0.3}, 0.5).velocity, -0.25, 1e-12) << "-(omega dt)^2 / 4";
  EXPECT_TRUE(std::isinf(variance_bias(underdamped, euler, {100, 1, 0.01}, 1e-3).worst()))
      << "stable below damping / omega^2";
  EXPECT_EQ(variance_bias(underdamped, exact, {4, 1, 0.3}, 0.5).worst(), 0);
}

TEST(StepBias, OfANetworkIsThatOfItsStiffestMode) {
  constexpr std::uint32_t n = 150;
  std::vector<PairCoupling> ring(n);
  for (std::uint32_t i = 0; i < n; ++i) ring[i] = {i, (i + 1) % n, 0.8};
  const double j2[] = {1.5}, mass[] = {2.5}, damping[] = {0.6};
  const LinearNetwork network{.cells = n, .j2 = j2, .bias = {}, .mass = mass, .damping = damping,
                              .couplings = ring, .gain = 1.25, .mobility = 0.5};
  EXPECT_NEAR(predicted_bias(overdamped, euler, network, 0.1)->position,
              variance_bias(overdamped, euler, {0.5 * (3 + 2)}, 0.1).position, 1e-4);
  EXPECT_NEAR(predicted_bias(underdamped, baoab, network, 0.3)->velocity, -0.09 * 5 / 2.5 / 4, 1e-5);
  EXPECT_EQ(predicted_bias(overdamped, exact, network, 3)->worst(), 0);
  EXPECT_NEAR(predicted_bias(phase, euler, network, 0.01)->position,
              variance_bias(phase, euler, {0.5 * (4 * 1.5 + 2 * 2)}, 0.01).position, 1e-13);

  // Capacitances 2 and -0.7 between two nodes: modes x1 = -+x2 of inertia 2 +- 0.7.
  const std::vector<PairCoupling> bridge{{0, 1, -0.7}};
  const double capacitance[] = {2.0}, conductance[] = {0.4}, inductance[] = {1.0};
  const LinearNetwork nodes{.cells = 2, .j2 = inductance, .bias = {}, .mass = capacitance, .damping = conductance,
                            .couplings = bridge};
  EXPECT_NEAR(predicted_bias(rlc, baoab, nodes, 0.2)->velocity, -0.04 * 2 / 1.3 / 4, 1e-12);
}

}  // namespace
}  // namespace heatbath::measure
