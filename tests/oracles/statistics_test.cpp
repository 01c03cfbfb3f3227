#include "oracles/statistics.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace heatbath::reference {
namespace {

// x' = a x + noise of unit stationary variance: tau = (1 + a)/(1 - a).
std::vector<double> autoregression(double a, std::size_t length, unsigned seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  std::vector<double> series{normal(random)};
  while (series.size() < length) series.push_back(a * series.back() + std::sqrt(1 - a * a) * normal(random));
  return series;
}

TEST(AutocorrelationTime, IsThatOfTheAutoregression) {
  for (const double a : {-0.5, 0.0, 0.5, 0.9}) {
    const double tau = (1 + a) / (1 - a);
    EXPECT_NEAR(integrated_autocorrelation_time(autoregression(a, 200000, 3)) / tau, 1, 0.15) << a;  // 3 sigma at 0.9
  }
  EXPECT_EQ(integrated_autocorrelation_time(std::vector<double>(50, 2.0)), 50);
  EXPECT_EQ(effective_sample_size(std::vector<double>(50, 0.7)), 1) << "however the sum rounds";
  EXPECT_THROW(integrated_autocorrelation_time(std::vector<double>{1}), std::invalid_argument);
}

// z-scores of means that are known to be 0 have unit variance, for all three errors.
TEST(StandardErrors, AreTheScatterOfTheMean) {
  const int repeats = 300;
  double squares[3] = {0, 0, 0};
  const auto average = [](std::span<const double> values) {
    double sum = 0;
    for (const double value : values) sum += value;
    return sum / static_cast<double>(values.size());
  };
  for (unsigned seed = 0; seed < repeats; ++seed) {
    const std::vector<double> series = autoregression(0.8, 8000, 100 + seed);
    const Estimate estimates[] = {series_mean(series), batch_means(series, 40), jackknife(series, 40, average)};
    for (int i = 0; i < 3; ++i) squares[i] += std::pow(estimates[i].value / estimates[i].standard_error, 2) / repeats;
  }
  for (const double square : squares) EXPECT_NEAR(square, 1, 4 * std::sqrt(2.0 / repeats));
}

TEST(Jackknife, MeanOfIndependentValuesHasTheUsualError) {
  const std::vector<double> values{1, 4, 2, 7, 5, 3};
  const auto average = [](std::span<const double> v) {
    double sum = 0;
    for (const double value : v) sum += value;
    return sum / static_cast<double>(v.size());
  };
  double squares = 0;
  for (const double value : values) squares += std::pow(value - average(values), 2);
  EXPECT_NEAR(jackknife(values, 6, average).standard_error, std::sqrt(squares / 5 / 6), 1e-14);
  EXPECT_THROW(jackknife(values, 7, average), std::invalid_argument);
}

TEST(BatchMeans, CountsEffectiveSamples) {
  const Estimate estimate = batch_means(autoregression(0.8, 400000, 5), 200);
  EXPECT_NEAR(estimate.effective_samples / (400000 / 9.0), 1, 0.4);
}

TEST(SplitRHat, TellsChainsThatStayInDifferentBasins) {
  std::vector<std::vector<double>> chains;
  for (unsigned seed = 0; seed < 4; ++seed) chains.push_back(autoregression(0.5, 4000, 40 + seed));
  EXPECT_NEAR(split_r_hat(chains), 1, 0.01);
  for (double& value : chains[0]) value += 3;
  EXPECT_GT(split_r_hat(chains), 1.5);
  EXPECT_THROW(split_r_hat(std::vector<std::vector<double>>{{1, 2, 3}}), std::invalid_argument);
}

TEST(SplitRHat, TellsAChainThatDrifts) {
  std::vector<std::vector<double>> chains{autoregression(0, 4000, 50), autoregression(0, 4000, 51)};
  for (std::vector<double>& chain : chains) {
    for (std::size_t i = 0; i < chain.size(); ++i) chain[i] += static_cast<double>(i) / 1000;
  }
  EXPECT_GT(split_r_hat(chains), 1.2);
}

}  // namespace
}  // namespace heatbath::reference
