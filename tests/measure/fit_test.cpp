// Parameters of curves and traces whose truth is known: intervals that hold it as often as they say.
#include "heatbath/measure/fit.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <stdexcept>

namespace heatbath::measure {
namespace {

std::vector<CurvePoint> curve(double midpoint, double slope, int trials, std::mt19937_64& random, double wobble = 0) {
  std::vector<CurvePoint> points;
  std::normal_distribution<double> normal;
  for (int k = -8; k <= 8; ++k) {
    const double bias = 0.25 * k, p = 1 / (1 + std::exp(-slope * (bias + wobble * normal(random) - midpoint)));
    points.push_back({bias, static_cast<double>(std::binomial_distribution<int>(trials, p)(random)), static_cast<double>(trials)});
  }
  return points;
}

/// A cell under these drives, by its exact law between readings; each trace starts anywhere.
std::vector<TraceReading> traces(double k, double kT, double gain, double offset, double noise, const std::vector<double>& drives, int length,
                                 double spacing, std::mt19937_64& random) {
  std::normal_distribution<double> normal;
  std::vector<TraceReading> readings;
  for (std::uint32_t trace = 0; trace < drives.size(); ++trace) {
    double x = 3 * normal(random);
    const double rest = drives[trace] / k, decay = std::exp(-k * spacing);
    for (int n = 0; n < length; ++n) {
      readings.push_back({trace, n * spacing, drives[trace], gain * x + offset + noise * normal(random)});
      x = rest + (x - rest) * decay + std::sqrt(kT / k * (1 - decay * decay)) * normal(random);
    }
  }
  return readings;
}

bool holds(const Fitted& fitted, double truth) { return fitted.low <= truth && truth <= fitted.high; }

TEST(FitCurve, IntervalsHoldTheTruthInNineteenOfTwenty) {
  constexpr int seeds = 400;
  int midpoints = 0, slopes = 0;
  double off = 0, bars = 0;
  for (unsigned seed = 1; seed <= seeds; ++seed) {
    std::mt19937_64 random(seed);
    const CurveFit fit = fit_curve(curve(0.31, -2.4, 60, random));
    midpoints += holds(fit.midpoint, 0.31), slopes += holds(fit.slope, -2.4);
    off += (fit.slope.value + 2.4) * (fit.slope.value + 2.4), bars += fit.slope.standard_error * fit.slope.standard_error;
  }
  EXPECT_NEAR(midpoints / double{seeds}, 0.95, 3.5 * std::sqrt(0.95 * 0.05 / seeds));
  EXPECT_NEAR(slopes / double{seeds}, 0.95, 3.5 * std::sqrt(0.95 * 0.05 / seeds));
  EXPECT_NEAR(off / bars, 1, 4 * std::sqrt(2.0 / seeds));
}

TEST(FitCurve, PointsThatScatterMoreThanCountsWidenTheIntervals) {
  std::mt19937_64 random(3);
  const CurveFit honest = fit_curve(curve(0, 3, 2000, random)), wobbly = fit_curve(curve(0, 3, 2000, random, 0.1));
  EXPECT_LT(honest.dispersion, 1.7);
  EXPECT_GT(wobbly.dispersion, 2);
  EXPECT_GT(wobbly.slope.standard_error, 2 * honest.slope.standard_error / honest.dispersion);
  EXPECT_EQ(wobbly.freedom, 15u);
}

TEST(FitCurve, RefusesWhatHasNoSlope) {
  const auto refuses = [](std::vector<CurvePoint> points) { EXPECT_THROW(fit_curve(points), std::invalid_argument); };
  refuses({{0, 1, 2}});
  refuses({{0, 1, 2}, {0, 2, 2}});
  refuses({{0, 0, 5}, {1, 0, 5}});
  refuses({{0, 0, 5}, {1, 5, 5}});
  refuses({{0, 5, 5}, {1, 0, 5}});
  refuses({{0, 6, 5}, {1, 0, 5}});
  refuses({{0, 1, 0}, {1, 0, 5}});
  refuses({{NAN, 1, 2}, {1, 0, 5}});
}

TEST(FitRelaxation, IntervalsHoldTheTruthInNineteenOfTwenty) {
  constexpr int seeds = 100;
  int k = 0, kT = 0, gain = 0, offset = 0, noise = 0;
  double worst = 0;
  for (unsigned seed = 1; seed <= seeds; ++seed) {
    std::mt19937_64 random(seed);
    const RelaxationFit fit = fit_relaxation(traces(2.5, 0.4, 120, 500, 25, {-3, 0, 3, 6}, 150, 0.08, random));
    ASSERT_FALSE(fit.gain_given);
    k += holds(fit.stiffness, 2.5), kT += holds(fit.kT, 0.4), gain += holds(fit.gain, 120), offset += holds(fit.offset, 500), noise += holds(fit.noise, 25);
    worst = std::max({worst, std::abs(fit.mean_square_z), std::abs(fit.neighbours_z)});
  }
  for (const int held : {k, kT, gain, offset, noise}) EXPECT_NEAR(held / double{seeds}, 0.95, 3.5 * std::sqrt(0.95 * 0.05 / seeds)) << "of k, kT, gain, offset, noise: " << k << ", " << kT << ", " << gain << ", " << offset << ", " << noise;
  EXPECT_LT(worst, 4);
}

TEST(FitRelaxation, NoiseThatIsHardlySeenHasAnIntervalThatHoldsIt) {
  constexpr int seeds = 60;
  int noise = 0;
  for (unsigned seed = 1; seed <= seeds; ++seed) {
    std::mt19937_64 random(seed);
    noise += holds(fit_relaxation(traces(2.5, 0.4, 120, 500, 9, {0}, 300, 0.08, random), {.gain = 120}).noise, 9);
  }
  EXPECT_NEAR(noise / double{seeds}, 0.95, 3.5 * std::sqrt(0.95 * 0.05 / seeds));
}

TEST(FitRelaxation, OneDriveLeavesTheGainAsGiven) {
  std::mt19937_64 random(7);
  const auto readings = traces(1.5, 0.3, 2, 0.1, 0.05, {1}, 1500, 0.1, random);
  const RelaxationFit plain = fit_relaxation(readings), given = fit_relaxation(readings, {.gain = 2});
  EXPECT_TRUE(plain.gain_given && given.gain_given);
  EXPECT_EQ(plain.gain.value, 1);
  EXPECT_NEAR(plain.kT.value, 4 * given.kT.value, 1e-2 * plain.kT.value);
  EXPECT_TRUE(holds(given.kT, 0.3)) << given.kT.low << " to " << given.kT.high;
  EXPECT_TRUE(holds(given.stiffness, 1.5)) << given.stiffness.low << " to " << given.stiffness.high;
  EXPECT_TRUE(holds(given.offset, 0.1)) << given.offset.low << " to " << given.offset.high;
}

TEST(FitRelaxation, NoiseThatIsNotThereHasABound) {
  std::mt19937_64 random(11);
  const RelaxationFit fit = fit_relaxation(traces(1, 1, 1, 0, 0, {0}, 3000, 0.2, random));
  EXPECT_LE(fit.noise.low, 0.05);
  EXPECT_GT(fit.noise.high, 0);
  EXPECT_LT(fit.noise.high, 0.2);
  EXPECT_TRUE(holds(fit.kT, 1)) << fit.kT.low << " to " << fit.kT.high;
}

TEST(FitRelaxation, ACellThatIsNotLinearIsSeen) {
  std::mt19937_64 random(5);
  std::normal_distribution<double> normal;
  std::vector<TraceReading> readings;
  double x = 1;
  for (int n = 0; n < 8000; ++n) {  // a double well, (x^2 - 1)^2 at kT = 0.2
    readings.push_back({0, 0.1 * n, 0, x});
    for (int step = 0; step < 20; ++step) x += -4 * x * (x * x - 1) * 0.005 + std::sqrt(2 * 0.2 * 0.005) * normal(random);
  }
  EXPECT_GT(std::abs(fit_relaxation(readings).neighbours_z), 4);
}

TEST(FitRelaxation, RefusesWhatIsNoTrace) {
  const auto refuses = [](std::vector<TraceReading> readings) { EXPECT_THROW(fit_relaxation(readings), std::invalid_argument); };
  std::vector<TraceReading> flat(20), backwards(20), broken(20);
  for (int n = 0; n < 20; ++n) flat[static_cast<std::size_t>(n)] = {0, 1.0 * n, 0, 3}, backwards[static_cast<std::size_t>(n)] = {0, -1.0 * n, 0, 1.0 * n}, broken[static_cast<std::size_t>(n)] = {0, 1.0 * n, 0, 0.5 * (n % 3)};
  broken[5].value = NAN;
  refuses({});
  refuses(flat);
  refuses(backwards);
  refuses(broken);
}

}  // namespace
}  // namespace heatbath::measure
