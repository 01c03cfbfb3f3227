// What estimators answer at the edge of what they assume: series that do not move, ties, tiny and huge values, one
// value that outweighs all others, and slow parts below fast noise.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "heatbath/measure/estimate.hpp"
#include "heatbath/measure/free_energy.hpp"
#include "heatbath/measure/irreversibility.hpp"
#include "heatbath/measure/record_statistics.hpp"
#include "heatbath/measure/thermometers.hpp"

namespace heatbath::measure {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();

std::vector<double> normals(std::size_t n, unsigned seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  std::vector<double> x(n);
  for (double& value : x) value = normal(random);
  return x;
}

std::vector<double> scaled(std::vector<double> x, double factor, double offset = 0) {
  for (double& value : x) value = offset + factor * value;
  return x;
}

/// Of a function of the column (values in order, `chains` rows): every estimator of a mean.
std::vector<std::pair<std::string, Estimate>> means_of(const std::vector<double>& x, std::size_t chains) {
  BlockedMeans blocked(1, 16);
  for (std::size_t i = 0; i < x.size(); ++i) blocked.add(i * chains / x.size(), {x[i]});
  return {{"independent", mean_of_independent(x)},
          {"one chain", mean_of_chains(x, 1)},
          {"chains", mean_of_chains(x, chains)},
          {"blocked", blocked.mean_estimate(0)}};
}

TEST(Edge, ASeriesThatDoesNotMoveIsOneSampleWhateverItsValue) {
  for (const double value : {0.3, 0.7, -1.1e6 - 0.1, 5e-324, 1.7e308, 0.0, 1e15 + 0.3}) {
    for (const std::size_t chains : {2u, 60u, 120u}) {
      for (const auto& [name, estimate] : means_of(std::vector<double>(1200, value), chains)) {
        EXPECT_EQ(estimate.value, value) << name;
        EXPECT_EQ(estimate.standard_error, 0) << name;
        EXPECT_EQ(estimate.effective_samples, 1) << name << " " << value << " " << chains;
      }
      EXPECT_EQ(autocorrelation_time(std::vector<double>(1200, value), chains), 1200);
      EXPECT_EQ(split_r_hat(std::vector<double>(1200, value), chains), 1);
    }
  }
}

TEST(Edge, NeverMoreEffectiveSamplesThanSamples) {
  std::vector<double> alternating(1200), spins(1200), outlier = normals(1200, 1), two(1200);
  for (std::size_t i = 0; i < 1200; ++i) {
    alternating[i] = (i % 2 == 0 ? 1 : -1) + 1e-3 * outlier[i];
    spins[i] = i % 3 == 0 ? 1 : -1;
    two[i] = i < 600 ? 1 : 2;
  }
  outlier[17] = 1e12;
  for (const auto& series : {alternating, spins, outlier, two}) {
    for (const std::size_t chains : {2u, 60u, 120u}) {
      for (const auto& [name, estimate] : means_of(series, chains)) {
        EXPECT_LE(estimate.effective_samples, 1200) << name;
        EXPECT_GE(estimate.effective_samples, 0.99) << name;
        EXPECT_TRUE(std::isfinite(estimate.standard_error)) << name;
      }
    }
  }
}

TEST(Edge, OriginAndScaleDoNotMatter) {
  const std::vector<double> x = normals(1920, 3);
  struct Row {
    double factor, offset, slack;  // slack: what the sum itself cannot hold
  };
  for (const Row row : {Row{1e200, 0, 1e-12}, Row{1e-300, 0, 1e-12}, Row{1e-310, 0, 1e-6}, Row{1e306, 0, 1e-12},
                        Row{8, 1e15, 1e-3}, Row{1e-7, -1, 1e-6}}) {
    const auto moved = scaled(x, row.factor, row.offset);
    for (const std::size_t chains : {2u, 60u, 120u}) {
      const auto plain = means_of(x, chains), other = means_of(moved, chains);
      for (std::size_t k = 0; k < plain.size(); ++k) {
        const Estimate &a = plain[k].second, &b = other[k].second;
        EXPECT_NEAR(b.standard_error / row.factor / a.standard_error, 1, row.slack) << plain[k].first << row.factor;
        EXPECT_NEAR(b.effective_samples / a.effective_samples, 1, 4 * row.slack) << plain[k].first << row.factor;
      }
      EXPECT_NEAR(split_r_hat(moved, chains) / split_r_hat(x, chains), 1, row.slack) << row.factor;
    }
    const auto y = scaled(normals(1920, 4), 0.7);
    std::vector<double> both(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) both[i] = y[i] + x[i];
    EXPECT_NEAR(gaussian_mutual_information(moved, both, 60).value, gaussian_mutual_information(x, both, 60).value,
                row.slack);
    EXPECT_NEAR(uncertainty_bound(scaled(x, row.factor, 3 * row.factor), 2).value,
                uncertainty_bound(scaled(x, 1, 3), 2).value, 1e-5);
  }
}

TEST(Edge, WhatIsNoNumberIsRefused) {
  for (const double bad : {inf, -inf, nan}) {
    std::vector<double> x = normals(240, 5);
    x[100] = bad;
    const std::vector<double> y = normals(240, 6);
    EXPECT_THROW(mean_of_independent(x), std::invalid_argument);
    EXPECT_THROW(mean_of_chains(x, 2), std::invalid_argument);
    EXPECT_THROW(mean_of_chains(x, 80), std::invalid_argument);
    EXPECT_THROW(autocorrelation_time(x), std::invalid_argument);
    EXPECT_THROW(split_r_hat(x, 4), std::invalid_argument);
    EXPECT_THROW(BlockedMeans(1).add(0, {bad}), std::invalid_argument);
    EXPECT_THROW(jarzynski(x, 1), std::invalid_argument);
    EXPECT_THROW(bennett(x, y, 1), std::invalid_argument);
    EXPECT_THROW(bennett(y, x, 1), std::invalid_argument);
    EXPECT_THROW(crooks_crossing(x, y, 1), std::invalid_argument);
    EXPECT_THROW(gaussian_mutual_information(x, y, 4), std::invalid_argument);
    EXPECT_THROW(sign_mutual_information(y, x, 4), std::invalid_argument);
    EXPECT_THROW(effective_temperature(x, y, 4), std::invalid_argument);
    EXPECT_THROW(uncertainty_bound(x, 1), std::invalid_argument);
    EXPECT_THROW(linear_entropy_production(x, std::vector<double>{1}, std::vector<double>{1}, 4), std::invalid_argument);
    PairCurrents currents(2);
    EXPECT_THROW(currents.add(std::vector<float>{1, 2, 3, static_cast<float>(bad)}), std::invalid_argument);
    RecordStatistics records({.columns = 2, .shots = 2, .records = 3, .lags = {}});
    EXPECT_THROW(records.add(0, 0, std::vector<double>{0, 1, bad, 2}), std::invalid_argument);
    std::vector<hb_meters_t> meters(3);
    meters[1].heat_path = bad;
    EXPECT_THROW(heat_entropy_production(meters, 1, 1), std::invalid_argument);
  }
}

TEST(Edge, AStatisticThatIsNoNumberIsNaN) {
  BlockedMeans means(1, 4);
  for (std::size_t i = 0; i < 8; ++i) means.add(i, {i == 2 ? 1.0 : 0.0});
  const Estimate logarithm = means.estimate([](std::span<const double> m) { return std::log(m[0]); });
  EXPECT_TRUE(std::isnan(logarithm.value)) << "without the block of the only row above 0 it is minus infinity";
  EXPECT_TRUE(std::isnan(logarithm.standard_error));
  EXPECT_EQ(logarithm.effective_samples, 0);
  EXPECT_TRUE(std::isnan(effective_temperature(normals(240, 1), std::vector<double>(240, 0.0), 4).value));
  EXPECT_TRUE(std::isnan(uncertainty_bound(std::vector<double>(240, 2.5), 1).value)) << "a current that does not fluctuate";
}

TEST(Edge, ASlowPartBelowFastNoiseIsFound) {
  // White noise of variance 1 and a weak slow part of correlation rho^k: tau = 1 + 2 share rho/(1 - rho).
  const double weight = 0.3, rho = 0.998;
  const std::size_t n = 1 << 16;
  const double share = weight * weight / (1 + weight * weight), exact = 1 + 2 * share * rho / (1 - rho);
  double sum = 0;
  int covered = 0;
  for (unsigned seed = 1; seed <= 40; ++seed) {
    const std::vector<double> noise = normals(2 * n, seed);
    std::vector<double> x(n);
    double slow = noise[n];
    for (std::size_t i = 0; i < n; ++i) {
      x[i] = noise[i] + weight * slow;
      slow = rho * slow + std::sqrt(1 - rho * rho) * noise[(n + i + 1) % (2 * n)];
    }
    sum += autocorrelation_time(x) / 40;
    const Estimate mean = mean_of_chains(x, 1);
    covered += std::fabs(mean.value) < 2 * mean.standard_error;
  }
  EXPECT_GT(sum, 0.8 * exact) << "the window alone sees less than 3 of " << exact;
  EXPECT_LT(sum, 1.5 * exact);
  EXPECT_GE(covered, 34) << "95.4 % of 40, less 3 standard deviations";
}

TEST(Edge, ChainsThatStayWhereTheyBeganCountAsChains) {
  std::vector<double> x;
  for (const double place : {1.0, -1.0, 1.0, 1.0, -1.0}) x.insert(x.end(), 300, place);
  const Estimate mean = mean_of_chains(x, 5);
  EXPECT_LT(mean.effective_samples, 6);
  EXPECT_GT(mean.standard_error, 0.3);
  EXPECT_EQ(split_r_hat(x, 5), inf);
}

TEST(Edge, WorksThatAreAllEqualOverlapEntirely) {
  for (const auto& [work, kT] : {std::pair{3.0, 1.0}, {-0.7, 2.5}, {1e15 + 0.5, 1.0}, {1e-300, 1e-300}}) {
    const std::vector<double> forward(17, work), reverse(30, -work);
    const Estimate difference = bennett(forward, reverse, kT);
    EXPECT_NEAR(difference.value, work, 4e-16 * std::fabs(work));
    EXPECT_EQ(difference.standard_error, 0);
    EXPECT_EQ(difference.effective_samples, 1);
    const CrooksLine line = crooks_crossing(forward, reverse, kT);
    EXPECT_NEAR(line.crossing.value, work, 4e-16 * std::fabs(work));
    EXPECT_EQ(line.crossing.standard_error, 0);
    EXPECT_TRUE(std::isnan(line.slope.value));
    const Estimate one_way = jarzynski(forward, kT);
    EXPECT_NEAR(one_way.value, work, 4e-16 * std::fabs(work));
    EXPECT_EQ(one_way.standard_error, 0);
    EXPECT_EQ(one_way.effective_samples, 17);
  }
}

TEST(Edge, WorksOfTwoValuesHaveTheirLine) {
  // Forward 1 with probability 3/4 and 0 else, reverse so that Crooks' relation holds with slope s and difference d:
  // P_F(w)/P_R(-w) = e^{s (w - d)}. P_R(0) = e^{s d}/4, P_R(-1) = 3 e^{s (d - 1)}/4, sum 1.
  const double s = 1.5, d = -std::log(0.25 + 0.75 * std::exp(-s)) / s;
  const auto reverse_ones = static_cast<std::size_t>(std::lround(40000 * 0.75 * std::exp(s * (d - 1))));
  std::vector<double> forward(40000), reverse(40000);
  for (std::size_t i = 0; i < 40000; ++i) {
    forward[i] = i < 30000 ? 1 : 0;
    reverse[i] = i < reverse_ones ? -1 : 0;
  }
  const CrooksLine line = crooks_crossing(forward, reverse, 1);
  EXPECT_NEAR(line.slope.value, s, 1e-3);
  EXPECT_NEAR(line.crossing.value, d, 1e-3);
  // The same works a long way off, and in other units.
  const CrooksLine far = crooks_crossing(scaled(forward, 1, 1e9), scaled(reverse, 1, -1e9), 1);
  EXPECT_NEAR(far.crossing.value - 1e9, line.crossing.value, 1e-6);
  EXPECT_NEAR(far.crossing.standard_error, line.crossing.standard_error, 1e-9);
  const CrooksLine tiny = crooks_crossing(scaled(forward, 1e-200), scaled(reverse, 1e-200), 1e-200);
  EXPECT_NEAR(tiny.slope.value, line.slope.value, 1e-9);
  EXPECT_NEAR(tiny.crossing.value / 1e-200, line.crossing.value, 1e-9);
}

TEST(Edge, WorksThatPartAreSaidToPart) {
  const std::vector<double> forward{1, 2, 2, 3, 3, 3, 4, 4, 5, 6}, touching(10, -1.0), apart(10, 40.0);
  EXPECT_THROW(crooks_crossing(forward, touching, 1), std::invalid_argument) << "they share one value, at the end";
  EXPECT_THROW(crooks_crossing(forward, apart, 1), std::invalid_argument);
  const Estimate between = bennett(forward, apart, 1);
  EXPECT_GT(between.standard_error, 1e3);
  EXPECT_THROW(bennett(forward, apart, 1e-320), std::invalid_argument) << "works over kT beyond a double";
}

TEST(Edge, OneWorkThatOutweighsAllLeavesNoError) {
  std::vector<double> works = scaled(normals(1000, 9), 1, 200);
  works[123] = -40;
  const Estimate dominated = jarzynski(works, 1);
  EXPECT_NEAR(dominated.value, -40 + std::log(1000), 1e-9);
  EXPECT_EQ(dominated.standard_error, inf);
  EXPECT_NEAR(dominated.effective_samples, 1, 1e-9);
}

TEST(Edge, SignalsThatDoNotMoveTellNothing) {
  const std::vector<double> x = normals(240, 11), still(240, 0.7), ones(240, 1.0), minus(240, -2.0);
  for (const auto& other : {still, ones, minus}) {
    const Estimate gaussian = gaussian_mutual_information(x, other, 4), signs = sign_mutual_information(other, x, 4);
    EXPECT_EQ(gaussian.value, 0);
    EXPECT_NEAR(signs.value, 0, 1e-12);
    EXPECT_EQ(gaussian.effective_samples, 1);
    EXPECT_LE(signs.effective_samples, 240);
  }
  EXPECT_NEAR(sign_mutual_information(x, x, 60).value, std::log(2.0), 0.02) << "tables with empty places";
  EXPECT_TRUE(std::isnan(gaussian_mutual_information(x, scaled(x, -3, 2), 4).value)) << "infinite";
}

TEST(Edge, RecordsThatDoNotMoveAreOneSample) {
  for (const double value : {0.7, 1e6 + 0.1, -3e-30}) {
    RecordStatistics still({.columns = 1, .shots = 80, .records = 5, .lags = {1}});
    for (std::uint64_t record = 0; record < 5; ++record) still.add(0, record, std::vector<double>(80, value));
    EXPECT_EQ(still.mean(0).value, value);
    EXPECT_EQ(still.mean(0).standard_error, 0);
    EXPECT_EQ(still.mean(0).effective_samples, 1);
    EXPECT_EQ(still.covariance(0, 0).value, 0);
    EXPECT_EQ(still.lagged_covariance(0, 0, 0).value, 0);
    EXPECT_TRUE(std::isnan(still.correlation_time(0).value));
  }
}

TEST(Edge, ACurrentThatNeverVariesIsNoChance) {
  PairCurrents turning(2), standing(2);
  for (int shot = 0; shot < 40; ++shot) {
    turning.add(std::vector<float>{1, 0, 0, 0.1f, -0.1f, 0});
    standing.add(std::vector<float>{1, 0.3f, 1, 0.3f});
  }
  EXPECT_EQ(turning.largest().probability, 0);
  EXPECT_EQ(turning.current(0, 1).effective_samples, 1);
  EXPECT_EQ(standing.largest().probability, 1);
  EXPECT_EQ(standing.current(0, 1).value, 0);
}

TEST(Edge, StatesInAPlaneHaveNoPositiveProduction) {
  const std::vector<double> along = normals(400, 13);
  std::vector<double> plane;
  for (const double x : along) plane.insert(plane.end(), {x, 2 * x});
  const std::vector<double> stiffness{1, 0, 0, 1}, diffusion{1, 1};
  EXPECT_TRUE(std::isnan(linear_entropy_production(plane, stiffness, diffusion, 200).positive.value));
  EXPECT_THROW(linear_entropy_production(plane, stiffness, std::vector<double>{1, 0}, 200), std::invalid_argument);
}

}  // namespace
}  // namespace heatbath::measure
