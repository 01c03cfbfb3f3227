// The estimators' values and errors, on synthetic data whose law is known.
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "heatbath/measure/estimate.hpp"
#include "heatbath/measure/free_energy.hpp"
#include "heatbath/measure/irreversibility.hpp"
#include "heatbath/measure/thermometers.hpp"
#include "oracles/free_energy.hpp"
#include "oracles/statistics.hpp"

namespace heatbath::measure {
namespace {

/// Share of 400 seeds whose |z| is below 2; 95.4 % for a normal law, and 4.2 % of scatter around it (4 sigma).
template <typename Run>
double coverage(double expected, Run run) {
  int covered = 0;
  for (unsigned seed = 1; seed <= 400; ++seed) {
    std::mt19937_64 random(seed);
    const Estimate estimate = run(random);
    covered += std::fabs(estimate.value - expected) < 2 * estimate.standard_error;
  }
  return covered / 400.0;
}

std::vector<double> gaussian(std::mt19937_64& random, std::size_t n, double mean, double sd) {
  std::normal_distribution<double> normal(mean, sd);
  std::vector<double> values(n);
  for (double& value : values) value = normal(random);
  return values;
}

/// An autoregressive series of unit variance and autocorrelation a^k, in equilibrium from the start.
std::vector<double> series(std::mt19937_64& random, std::size_t n, double a) {
  std::normal_distribution<double> normal;
  std::vector<double> x(n);
  x[0] = normal(random);
  for (std::size_t k = 1; k < n; ++k) x[k] = a * x[k - 1] + std::sqrt(1 - a * a) * normal(random);
  return x;
}

TEST(Estimate, OneCorrelatedSeriesHasTheErrorOfItsEffectiveSamples) {
  const double a = 0.8, tau = (1 + a) / (1 - a);
  std::mt19937_64 random(1);
  const auto x = series(random, 200000, a);
  EXPECT_NEAR(autocorrelation_time(x), tau, 0.5);
  EXPECT_NEAR(mean_of_chains(x, 1).standard_error, std::sqrt(tau / 200000), 0.06 * std::sqrt(tau / 200000));
  EXPECT_NEAR(autocorrelation_time(x), reference::integrated_autocorrelation_time(x), 1e-9);
  EXPECT_NEAR(coverage(0, [&](auto& r) { return mean_of_chains(series(r, 3000, a), 1); }), 0.95, 0.045);
}

TEST(Estimate, ManyChainsHaveTheErrorOfTheirScatter) {
  const auto run = [](auto& random) {
    std::vector<double> table;
    for (int chain = 0; chain < 100; ++chain) {
      const auto x = series(random, 20, 0.9);
      table.insert(table.end(), x.begin(), x.end());
    }
    return mean_of_chains(table, 100);
  };
  EXPECT_NEAR(coverage(0, run), 0.95, 0.045);
}

TEST(BlockedMeans, JackknifeOfASkewedFunctionIsHonestAndLessBiased) {
  // 1/<x> of exponential x with mean 1 is 1; the plain plug-in is high by 1/n.
  double sum = 0;
  const auto run = [&](auto& random) {
    std::exponential_distribution<double> law;
    BlockedMeans means(1, 64);
    for (std::size_t k = 0; k < 64; ++k) means.add(k, {law(random)});
    const Estimate estimate = means.estimate([](std::span<const double> m) { return 1 / m[0]; });
    sum += estimate.value / 400;
    return estimate;
  };
  EXPECT_NEAR(coverage(1, run), 0.95, 0.05);
  EXPECT_NEAR(sum, 1, 4 * 0.125 / std::sqrt(400.0) / 4 + 0.006) << "the plug-in is at 1.016";
}

TEST(BlockedMeans, EffectiveSamplesSeeRowsOfOneOwnerThatRepeat) {
  std::mt19937_64 random(3);
  BlockedMeans independent(1), repeated(1);
  for (std::size_t k = 0; k < 20000; ++k) {
    const double x = gaussian(random, 1, 0, 1)[0];
    independent.add(k, {x});
    for (int copy = 0; copy < 5; ++copy) repeated.add(k, {x});
  }
  EXPECT_NEAR(independent.mean_estimate(0).effective_samples, 20000, 4000);
  EXPECT_NEAR(repeated.mean_estimate(0).effective_samples, 20000, 4000);
  EXPECT_EQ(repeated.rows(), 100000u);
}

TEST(BlockedMeans, RefusesWhatGivesNoError) {
  BlockedMeans means(2);
  EXPECT_THROW(means.add(0, {1.0}), std::invalid_argument);
  means.add(0, {1.0, 2.0});
  EXPECT_THROW(means.mean_estimate(0), std::invalid_argument);
}

// Gaussian works of variance s^2 and mean dF + s^2/2 forwards, -dF + s^2/2 backwards, obey Crooks' relation exactly.
constexpr double kDifference = 1.3, kSpread = 1.2;
std::vector<double> forward_works(std::mt19937_64& r, std::size_t n) {
  return gaussian(r, n, kDifference + kSpread * kSpread / 2, kSpread);
}
std::vector<double> reverse_works(std::mt19937_64& r, std::size_t n) {
  return gaussian(r, n, -kDifference + kSpread * kSpread / 2, kSpread);
}

TEST(FreeEnergy, JarzynskiIsHonest) {
  EXPECT_NEAR(coverage(kDifference, [](auto& r) { return jarzynski(forward_works(r, 2000), 1); }), 0.945, 0.05);
  // Twice the energies at twice the temperature: twice the difference.
  std::mt19937_64 random(5);
  auto works = forward_works(random, 2000);
  const double once = jarzynski(works, 1).value;
  for (double& w : works) w *= 2;
  EXPECT_NEAR(jarzynski(works, 2).value, 2 * once, 1e-9);
}

TEST(FreeEnergy, BennettAgreesWithTheOracleAndIsHonest) {
  std::mt19937_64 random(7);
  const auto f = forward_works(random, 3000), r = reverse_works(random, 1000);
  const auto oracle = reference::bennett(f, r, 1);
  const Estimate estimate = bennett(f, r, 1);
  EXPECT_NEAR(estimate.value, oracle.value, 1e-4 * oracle.standard_error);
  EXPECT_NEAR(estimate.standard_error, oracle.standard_error, 1e-3 * oracle.standard_error);
  EXPECT_NEAR(coverage(kDifference, [](auto& g) { return bennett(forward_works(g, 500), reverse_works(g, 300), 1); }), 0.95,
              0.045);
}

TEST(FreeEnergy, CrooksLineHasSlopeOneAndCrossesAtTheDifference) {
  const auto run = [](auto& g) { return crooks_crossing(forward_works(g, 600), reverse_works(g, 400), 1); };
  EXPECT_NEAR(coverage(1, [&](auto& g) { return run(g).slope; }), 0.95, 0.045);
  EXPECT_NEAR(coverage(kDifference, [&](auto& g) { return run(g).crossing; }), 0.95, 0.045);
  const std::vector<double> low(20, -50.0), high(20, -60.0);
  EXPECT_THROW(crooks_crossing(low, high, 1), std::invalid_argument) << "laws that do not overlap";
}

TEST(Thermometers, GaussianInformationAndTemperature) {
  std::mt19937_64 random(11);
  std::vector<double> x = gaussian(random, 40000, 0, 1), y = gaussian(random, 40000, 0, 1), square, curvature;
  for (std::size_t k = 0; k < x.size(); ++k) {
    y[k] = 0.5 * x[k] + std::sqrt(0.75) * y[k];
    square.push_back(9 * x[k] * x[k]);  // V = 3 x^2/2 has the law N(0, T/3): T = 3 here
    curvature.push_back(3);
  }
  const Estimate information = gaussian_mutual_information(x, y, 400);
  EXPECT_LT(std::fabs(information.value - 0.1438410362), 4 * information.standard_error);
  EXPECT_LT(information.standard_error, 0.004);
  const Estimate temperature = effective_temperature(square, curvature, 400);
  EXPECT_LT(std::fabs(temperature.value - 3), 4 * temperature.standard_error);
  EXPECT_LT(temperature.standard_error, 0.03);
}

TEST(Irreversibility, SignedProductionIsUnbiasedAndPositiveOneIsNot) {
  // Independent equilibrium samples of two uncoupled cells: production 0, however few samples.
  const std::vector<double> stiffness{1, 0, 0, 1}, diffusion{1, 1};
  double sum = 0, smallest = 1;
  const auto run = [&](auto& random) {
    const auto result = linear_entropy_production(gaussian(random, 400, 0, 1), stiffness, diffusion, 200);
    sum += result.signed_rate.value / 400;
    smallest = std::min(smallest, result.signed_rate.value);
    return result.signed_rate;
  };
  EXPECT_NEAR(coverage(0, run), 0.95, 0.05);
  EXPECT_LT(std::fabs(sum), 4 * 0.2 / std::sqrt(400.0) * 1.5);
  EXPECT_LT(smallest, 0) << "signed";
}

TEST(Irreversibility, UncertaintyBoundOfGaussianCurrents) {
  // Uniform drift: Var = 2 D t and mean v t saturate the bound v^2/D.
  const auto run = [](auto& random) { return uncertainty_bound(gaussian(random, 4000, 6, 2), 3); };
  EXPECT_NEAR(coverage(2 * 36 / 4.0 / 3, run), 0.95, 0.05);
}

TEST(PairCurrents, FindAWheelAndLeaveEquilibriumAlone) {
  const auto shots = [](PairCurrents& currents, double turn, unsigned seed) {
    std::mt19937_64 random(seed);
    std::normal_distribution<float> normal;
    for (int shot = 0; shot < 300; ++shot) {
      std::vector<float> path{normal(random), normal(random), normal(random)};
      for (int record = 1; record < 40; ++record) {
        const float* x = path.data() + 3 * (record - 1);
        const auto a = static_cast<float>(turn);
        const float next[3] = {0.7f * x[0] + a * x[2], 0.7f * x[1], 0.7f * x[2] - a * x[0]};
        for (const float mean : next) path.push_back(mean + 0.7f * normal(random));
      }
      currents.add(path);
    }
  };
  PairCurrents wheel(3), still(3);
  shots(wheel, 0.05, 1);
  shots(still, 0, 2);
  const auto found = wheel.largest(), none = still.largest();
  EXPECT_EQ(found.i, 0u);
  EXPECT_EQ(found.j, 2u);
  EXPECT_LT(found.z, -5) << "x0 leads x2";
  EXPECT_LT(found.probability, 1e-5);
  EXPECT_GT(none.probability, 1e-3);
  EXPECT_EQ(wheel.pairs(), 3u);
  EXPECT_THROW(PairCurrents(1), std::invalid_argument);
  EXPECT_THROW(PairCurrents(2).largest(), std::invalid_argument);
}

TEST(PairCurrents, RaiseNoFalseAlarmsInTwoHundredSeeds) {
  int alarms = 0;
  for (unsigned seed = 1; seed <= 200; ++seed) {
    std::mt19937_64 random(seed);
    PairCurrents currents(6);
    for (int shot = 0; shot < 60; ++shot) {
      std::vector<float> path;
      for (const double x : gaussian(random, 6 * 12, 0, 1)) path.push_back(static_cast<float>(x));
      currents.add(path);
    }
    alarms += currents.largest().probability < 0.005;
  }
  EXPECT_LE(alarms, 2) << "at most 1 %";
}

}  // namespace
}  // namespace heatbath::measure
