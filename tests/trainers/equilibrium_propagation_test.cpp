// Equilibrium propagation against averages by quadrature.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "heatbath/error.hpp"
#include "heatbath/open.hpp"
#include "heatbath/trainers/equilibrium_propagation.hpp"
#include "tests/network/message_of.hpp"

namespace heatbath::trainers {
namespace {

using ::testing::HasSubstr;
using network::message_of;

Device cells(std::uint32_t count, const std::string& more = "stepper=leimkuhler-matthews&lanes=64&threads=1") {
  return open("func:" + more + "&cells=" + std::to_string(count));
}

/// One input, one hidden cell, one output: averages over the two that move, on a grid that is fine and wide for them.
struct Averages {
  double cost = 0;
  std::array<double, 5> slope{};  ///< <dV/dp> of both biases and of the couplings input-hidden, input-output, hidden-output
};
Averages by_quadrature(const QuarticNet& net, double input, double target, double kT, double beta) {
  Averages sum;
  double weights = 0;
  constexpr double end = 4, step = 0.02;
  for (double h = -end; h <= end; h += step) {
    for (double o = -end; o <= end; o += step) {
      const double cost = (o - target) * (o - target) / 2;
      const double V = net.j2 * (h * h + o * o) + net.j4 * (h * h * h * h + o * o * o * o) + net.bias[0] * h + net.bias[1] * o +
                       net.couplings[0] * input * h + net.couplings[1] * input * o + net.couplings[2] * h * o + beta * cost;
      const double weight = std::exp(-V / kT);
      weights += weight;
      sum.cost += weight * cost;
      const std::array<double, 5> slope{h, o, input * h, input * o, h * o};
      for (std::size_t k = 0; k < 5; ++k) sum.slope[k] += weight * slope[k];
    }
  }
  sum.cost /= weights;
  for (double& value : sum.slope) value /= weights;
  return sum;
}

QuarticNet small_net() {
  QuarticNet net = QuarticNet::random(1, 1, 1, 1, 3);
  net.bias = {0.2, -0.3};
  net.couplings = {-0.8, 0.4, -0.6};
  return net;
}

TEST(EquilibriumPropagation, DifferenceOfTwoEquilibriaIsTheDerivativeOfTheMeanCost) {
  const QuarticNet net = small_net();
  const MapExamples examples{1, 1, {0.7, -1}, {1, -0.5}};
  EquilibriumOptions options;
  options.kT = 0.3;
  options.nudge = 0.1;
  options.repeats = 2500;
  options.relax = 6;
  options.records = 4;
  options.interval = 1;
  Device device = cells(4);
  const EquilibriumGradient measured = equilibrium_gradient(device, net, examples, options);
  ASSERT_EQ(measured.derivatives.size(), 5u);
  std::array<double, 5> nudged{}, derivative{};
  double cost = 0;
  for (std::size_t n = 0; n < 2; ++n) {
    const double x = examples.input[n], y = examples.target[n];
    const Averages up = by_quadrature(net, x, y, 0.3, 0.1), down = by_quadrature(net, x, y, 0.3, -0.1);
    cost += (up.cost + down.cost) / 4;
    for (std::size_t k = 0; k < 5; ++k) {
      nudged[k] += (up.slope[k] - down.slope[k]) / 0.2 / 2;
      // The derivative of the mean cost by the parameter itself, not by the nudge.
      QuarticNet higher = net, lower = net;
      constexpr double h = 1e-4;
      (k < 2 ? higher.bias[k] : higher.couplings[k - 2]) += h;
      (k < 2 ? lower.bias[k] : lower.couplings[k - 2]) -= h;
      derivative[k] += (by_quadrature(higher, x, y, 0.3, 0).cost - by_quadrature(lower, x, y, 0.3, 0).cost) / (2 * h) / 2;
    }
  }
  for (std::size_t k = 0; k < 5; ++k) {
    EXPECT_LT(std::abs(measured.derivatives[k].value - nudged[k]), 4 * measured.derivatives[k].standard_error) << k;
    EXPECT_LT(measured.derivatives[k].standard_error, 0.03) << k;
    EXPECT_NEAR(nudged[k], derivative[k], 0.01 * std::abs(derivative[k]) + 0.001) << k;
  }
  EXPECT_NEAR(measured.cost, cost, 0.01 * cost);
}

MapExamples parity_of_two() { return {2, 1, {1, 1, 1, -1, -1, 1, -1, -1}, {1, -1, -1, 1}}; }

EquilibriumOptions task_options() {
  EquilibriumOptions options;
  options.kT = 0.05;
  options.repeats = 6;
  options.relax = 5;
  options.records = 3;
  options.stiffness = 0.1;
  options.rate = 0.4;
  return options;
}

TEST(EquilibriumPropagation, LearnsTheParityThatNoLinearMapHas) {
  // docs: begin train
  const MapExamples examples = parity_of_two();  // inputs +-1, +-1; target their product
  Device device = cells(10);                     // 2 inputs, 6 hidden, 1 output, and 1 cell that holds the target
  EquilibriumTraining training{QuarticNet::random(2, 6, 1, 1.5, 1), 0, {}};
  train_equilibrium(device, examples, task_options(), 200, training);
  // docs: end train
  EXPECT_LT(training.costs.back(), 0.2 * training.costs.front()) << training.costs.front();
  EquilibriumOptions reading = task_options();
  reading.seed = 99;
  const std::vector<double> outputs = equilibrium_outputs(device, training.net, examples, reading);
  for (std::size_t n = 0; n < 4; ++n) EXPECT_GT(outputs[n] * examples.target[n], 0.4) << n;
}

TEST(EquilibriumPropagation, HasTheSameBitsForAnyLanesThreadsAndStops) {
  const auto trained = [](const std::string& board, std::uint32_t stop) {
    const MapExamples examples = parity_of_two();
    EquilibriumTraining training{QuarticNet::random(2, 3, 1, 1, 5), 0, {}};
    Device device = cells(7, board);
    train_equilibrium(device, examples, task_options(), stop, training);
    Device other = cells(7, board);
    train_equilibrium(other, examples, task_options(), 9, training);
    return training;
  };
  const EquilibriumTraining whole = trained("lanes=32&threads=1", 9), other = trained("lanes=5&threads=2", 9), stopped = trained("lanes=32&threads=1", 4);
  EXPECT_EQ(whole.updates, 9u);
  for (const EquilibriumTraining* training : {&other, &stopped}) {
    EXPECT_EQ(training->net.couplings, whole.net.couplings);
    EXPECT_EQ(training->net.bias, whole.net.bias);
    EXPECT_EQ(training->costs, whole.costs);
  }
}

TEST(EquilibriumPropagation, CostFallsOnAChipWithConverters) {
  for (const char* board : {"profile=coded&lanes=16&threads=1", "profile=silicon&threads=1"}) {
    Device device = cells(6, board);
    const MapExamples examples{1, 1, {1, -1}, {-0.8, 0.8}};
    EquilibriumTraining training{QuarticNet::random(1, 2, 1, 1, 2), 0, {}};
    EquilibriumOptions options = task_options();
    options.kT = 0.2;
    options.rate = 0.2;
    train_equilibrium(device, examples, options, 25, training);
    EXPECT_LT(training.costs.back(), 0.6 * training.costs.front()) << board << training.costs.front();
  }
}

TEST(EquilibriumPropagation, RefusesWhatItCannotDo) {
  Device device = cells(4);
  const MapExamples examples{1, 1, {1}, {1}};
  EXPECT_THAT(message_of([&] { equilibrium_gradient(device, QuarticNet::random(2, 1, 1, 1, 1), examples, {}); }, HB_BAD_ARG), HasSubstr("1 inputs"));
  EXPECT_THAT(message_of([&] { equilibrium_gradient(device, small_net(), examples, {.nudge = 0}); }, HB_BAD_ARG), HasSubstr("above 0"));
  EXPECT_THAT(message_of([&] { equilibrium_gradient(device, small_net(), examples, {.repeats = 1}); }, HB_BAD_ARG), HasSubstr("2 or more"));
  Device spins = open("func:cell=pbit&cells=4");
  EXPECT_THAT(message_of([&] { equilibrium_gradient(spins, small_net(), examples, {}); }, HB_UNSUPPORTED), HasSubstr("overdamped"));
}

}  // namespace
}  // namespace heatbath::trainers
