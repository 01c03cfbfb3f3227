// Thermodynamic natural gradient against the published figures of its exact problems.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "heatbath/error.hpp"
#include "heatbath/open.hpp"
#include "heatbath/trainers/natural_gradient.hpp"
#include "tests/network/message_of.hpp"

namespace heatbath::trainers {
namespace {

using ::testing::HasSubstr;
using network::message_of;

constexpr std::array<double, 9> kA{1.1, 0.5, 0.25, 0.5, 1.1, 0.5, 0.25, 0.5, 1.1};  // F + 0.1
constexpr std::array<double, 3> kGradient{1, -2, 0.5};

Device cells(std::uint32_t count) { return open("func:stepper=exact-ou&lanes=64&threads=1&cells=" + std::to_string(count)); }

TEST(NaturalStep, MeansAndVarianceFollowTheRelaxation) {
  struct Row {
    double time;
    std::array<double, 3> mean;
    double variance;
  };
  constexpr std::array<Row, 4> rows{{{0.5, {0.4642684094, -0.8463368078, 0.2606035772}, 0.6282054556},
                                     {1, {0.8446934614, -1.464562869, 0.5078787155}, 0.8882688292},
                                     {2, {1.375853899, -2.285259042, 0.8950795009}, 1.073298716},
                                     {5, {1.985367284, -3.23720626, 1.405522715}, 1.14393051}}};
  for (const Row& row : rows) {
    Device device = cells(3);
    NaturalGradientOptions options;
    options.time = row.time;
    options.kT = 0.01;
    options.shots = 20000;
    const NaturalStep step = natural_step(device, kA, kGradient, options);
    EXPECT_NEAR(step.time, row.time, 1e-6 * row.time);
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_LT(std::abs(step.x[i].value - row.mean[i]), 4 * step.x[i].standard_error) << row.time << " " << i;
      EXPECT_LT(step.x[i].standard_error, 0.001);
    }
    // A variance of independent normal readings has the relative error sqrt(2/shots).
    EXPECT_LT(std::abs(step.covariance[0] / options.kT / row.variance - 1), 4 * std::sqrt(2.0 / options.shots)) << row.time;
  }
}

TEST(NaturalStep, LongTimesGiveTheNaturalGradientAndShortOnesTheGradient) {
  constexpr std::array<double, 3> solution{2.146909525, -3.502538071, 1.558674231};
  Device device = cells(3);
  NaturalGradientOptions options;
  options.kT = 1e-6;
  options.shots = 16;
  options.time = 10;
  const NaturalStep ten = natural_step(device, kA, kGradient, options);
  double miss = 0, length = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    miss += std::pow(ten.x[i].value - solution[i], 2);
    length += solution[i] * solution[i];
  }
  EXPECT_NEAR(std::sqrt(miss / length), 0.00624896, 0.0005);
  options.time = 40;
  const NaturalStep forty = natural_step(device, kA, kGradient, options);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(forty.x[i].value, solution[i], 0.003);
  options.time = 1e-3;
  const NaturalStep soon = natural_step(device, kA, kGradient, options);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(soon.x[i].value, 1e-3 * kGradient[i], 4e-5);
}

/// Loss (100 theta_0^2 + theta_1^2)/2 of the problem with H = F = diag(100, 1).
double loss(const std::vector<double>& theta) { return (100 * theta[0] * theta[0] + theta[1] * theta[1]) / 2; }

std::vector<double> descend(double time, bool carry, std::span<const std::uint32_t> at, std::uint32_t stop_after = 0) {
  constexpr std::array<double, 4> curvature{100, 0, 0, 1};
  // docs: begin descent
  NaturalDescentOptions options;
  options.step.time = time;
  options.step.kT = 1e-17;
  options.step.shots = 2;
  options.carry = carry;
  Device device = cells(2);
  NaturalDescent descent(device, {1, 1}, options);
  // docs: end descent
  std::vector<double> losses;
  for (const std::uint32_t k : at) {
    while (descent.steps() < k) {
      if (stop_after > 0 && descent.steps() == stop_after) {
        NaturalDescent again(device, {0, 0}, options);
        again.resume(descent.theta(), descent.x(), descent.steps());
        descent = again;
      }
      const std::array<double, 2> gradient{100 * descent.theta()[0], descent.theta()[1]};
      descent.step(gradient, curvature);
    }
    losses.push_back(loss(descent.theta()));
  }
  return losses;
}

TEST(NaturalDescent, LossFallsAsTheFigures) {
  constexpr std::array<std::uint32_t, 4> at{1, 5, 10, 20};
  struct Row {
    double time;
    bool carry;
    std::array<double, 4> loss;
  };
  constexpr std::array<Row, 5> rows{{{0.02, false, {16.604163, 0.62648503, 0.41038748, 0.3358444}},
                                     {0.02, true, {16.604163, 0.37836111, 0.14091928, 0.043437149}},
                                     {1, false, {12.737288, 0.060292716, 3.0841769e-4, 1.3591054e-7}},
                                     {1, true, {12.737288, 0.049892125, 4.7821353e-5, 9.5784182e-10}},
                                     {10, true, {12.629998, 0.049415681, 4.8359491e-5, 4.6330421e-11}}}};
  for (const Row& row : rows) {
    const std::vector<double> losses = descend(row.time, row.carry, at);
    for (std::size_t k = 0; k < at.size(); ++k) EXPECT_NEAR(losses[k], row.loss[k], 0.01 * row.loss[k]) << row.time << " " << row.carry << " " << at[k];
    EXPECT_EQ(descend(row.time, row.carry, at, 7), losses);
  }
}

TEST(NaturalDescent, RefusesWhatHasNoSolution) {
  Device device = cells(2);
  constexpr std::array<double, 2> gradient{1, 1};
  constexpr std::array<double, 4> flat{1, 1, 1, 1}, skew{1, 0.5, 0.25, 1};
  EXPECT_THAT(message_of([&] { natural_step(device, flat, gradient, {}); }, HB_BAD_ARG), HasSubstr("raise the damping"));
  EXPECT_THAT(message_of([&] { natural_step(device, skew, gradient, {}); }, HB_BAD_ARG), HasSubstr("symmetric"));
  EXPECT_THAT(message_of([&] { natural_step(device, std::span(flat).first(3), gradient, {}); }, HB_BAD_ARG), HasSubstr("3 entries of A"));
  NaturalGradientOptions options;
  options.time = 0;
  EXPECT_THAT(message_of([&] { natural_step(device, flat, gradient, options); }, HB_BAD_ARG), HasSubstr("time is 0"));
}

}  // namespace
}  // namespace heatbath::trainers
