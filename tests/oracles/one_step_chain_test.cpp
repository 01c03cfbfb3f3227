#include "oracles/one_step_chain.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "oracles/fokker_planck.hpp"
#include "oracles/kuramoto.hpp"

namespace heatbath::reference {
namespace {

using Domain = OneStepChain::Domain;

TEST(OneStepChain, LinearCellsHaveTheKnownVariancesAndRates) {
  constexpr double k = 1.5, dt = 0.1;
  const auto chain = [&](StepRule rule) {
    return OneStepChain([](double x) { return -k * x; }, 1, dt, rule, Domain::line, -7, 7);
  };
  const Function square = [](double x) { return x * x; }, position = [](double x) { return x; };
  EXPECT_NEAR(chain(StepRule::euler_maruyama).average(square), 1 / k / (1 - k * dt / 2), 1e-9);
  EXPECT_NEAR(chain(StepRule::leimkuhler_matthews).average(square), 1 / k, 1e-9) << "exact for linear cells";
  const double a = k * dt, gain = 1 - a + a * a / 2;
  EXPECT_NEAR(chain(StepRule::heun).average(square), 2 * dt * std::pow(1 - a / 2, 2) / (1 - gain * gain), 1e-9);
  EXPECT_NEAR(chain(StepRule::euler_maruyama).relaxation_rate(position), -std::log(1 - a) / dt, 1e-8);
  EXPECT_NEAR(chain(StepRule::heun).relaxation_rate(position), -std::log(gain) / dt, 1e-8);
}

TEST(OneStepChain, BiasesHaveTheOrdersOfTheirSteppers) {
  const auto force = [](double x) { return -8 * x * (x * x - 1); };
  const auto rate = [&](StepRule rule, double dt) {
    return OneStepChain(force, 1, dt, rule, Domain::line, -2.3, 2.3, 160).relaxation_rate([](double x) {
      return x > 0 ? 1.0 : -1.0;
    });
  };
  constexpr double exact = 0.454547;
  const auto order = [&](StepRule rule) {
    return std::log2((rate(rule, 4e-3) - exact) / (rate(rule, 2e-3) - exact));
  };
  EXPECT_NEAR(order(StepRule::euler_maruyama), 1, 0.1);
  EXPECT_NEAR(order(StepRule::leimkuhler_matthews), 1, 0.1) << "of second order in stationary averages only";
  EXPECT_NEAR(rate(StepRule::heun, 1e-3), exact, 2e-6);
  const FokkerPlanck line = FokkerPlanck::line({-2.4, 2.4, 800}, [](double x) { return 2 * std::pow(x * x - 1, 2); }, 1);
  EXPECT_NEAR(rate(StepRule::heun, 1e-3), line.relaxation_rate([](double x, double) { return x > 0 ? 1 : -1; }), 2e-5);
}

TEST(OneStepChain, VelocityOnACircleTendsToTheAdlerEquation) {
  const auto velocity = [](double dt) {
    return OneStepChain([](double th) { return 0.75 - std::sin(th); }, 0.5, dt, StepRule::heun, Domain::circle,
                        -std::numbers::pi, std::numbers::pi, 96)
        .velocity();
  };
  EXPECT_NEAR(velocity(0.005), adler_velocity(0.75, 1, 0.5), 2e-5);
}

TEST(OneStepChain, WorkOfALinearRampIsThatOfItsGaussianMoments) {
  constexpr double dt = 0.02;
  constexpr int steps = 25;
  const auto stiffness = [](double s) { return 1 + 3 * s; };
  double weighted = 1, expected = 1;
  for (int k = 0; k < steps; ++k) {
    const double gain = 1 - stiffness(double(k) / steps) * dt;
    weighted = gain * gain * weighted + 2 * dt;
    expected /= std::sqrt(1 + 3.0 / steps * weighted);
    weighted /= 1 + 3.0 / steps * weighted;
  }
  EXPECT_NEAR(stepped_work_average([&](double x, double s) { return stiffness(s) * x * x / 2; },
                                   [&](double x, double s) { return -stiffness(s) * x; }, linear_cell(1).law(1), dt, steps,
                                   StepRule::euler_maruyama),
              expected, 1e-6);
}

}  // namespace
}  // namespace heatbath::reference
