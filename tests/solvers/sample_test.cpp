// Samples of networks of every kind against their exact laws, and what their certificates say.
#include "heatbath/solvers/sample.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "heatbath/error.hpp"
#include "heatbath/open.hpp"
#include "oracles/enumeration.hpp"
#include "oracles/ising.hpp"

namespace heatbath::solvers {
namespace {

using network::Edge;
using network::Network;

void expect_near(const measure::Estimate& found, double exact, const char* what) {
  EXPECT_LT(std::abs(found.value - exact), 4 * found.standard_error) << what << ": " << found.value << " +- " << found.standard_error << " for " << exact;
}

TEST(Sample, SpinsFollowTheirLawAndTheCertificateSaysSo) {
  const auto bonds = reference::square_torus(4, reference::glass_strengths(4));
  std::vector<Edge> edges;
  for (const auto& bond : bonds)
    edges.push_back({static_cast<std::uint32_t>(std::min(bond.a, bond.b)), static_cast<std::uint32_t>(std::max(bond.a, bond.b)), -bond.coupling});
  // Codes of one range for all biases would hold small fields badly, as the notes of a result say: none there.
  for (const auto& [uri, field] : {std::pair{"func:cell=pbit&topology=torus:4x4&lanes=64&threads=1", 0.2},
                                   std::pair{"func:profile=coded&integer_sums=no&cell=pbit&topology=torus:4x4", 0.0}}) {
    const std::vector<double> h(16, field), bias(16, -field);
    const reference::Enumeration exact(16, bonds, bias);
    Device device = open(uri);
    const Sampling at = sample(device, Network::ising(edges, h), {.kT = 2, .records = 400, .burn_in = 60, .spacing = 3});
    expect_near(at.samples.mean_energy(), exact.mean_energy(2), uri);
    expect_near(at.samples.mean_product(0, 1), exact.correlations(2)(0, 1), uri);
    ASSERT_TRUE(at.certificate);
    EXPECT_TRUE(at.certificate->clean()) << measure::text(*at.certificate);
    EXPECT_NEAR(at.certificate->inverse_temperature.value, 0.5, 0.02);
  }
}

TEST(Sample, WaitsAsLongAsPilotRunsSayWhereNoBoundIsKnown) {
  const auto bonds = reference::square_torus(4, reference::glass_strengths(4));
  std::vector<Edge> edges;
  for (const auto& bond : bonds)
    edges.push_back({static_cast<std::uint32_t>(std::min(bond.a, bond.b)), static_cast<std::uint32_t>(std::max(bond.a, bond.b)), -bond.coupling});
  const reference::Enumeration exact(16, bonds, std::vector<double>(16, 0.0));
  Device device = open("func:cell=pbit&topology=torus:4x4&lanes=64&threads=1");
  const Network glass = Network::ising(edges, std::vector<double>(16));
  const Sampling at = sample(device, glass, {.kT = 1, .chains = 256});
  expect_near(at.samples.mean_energy(), exact.mean_energy(1), "energy");
  EXPECT_GT(at.burn_in, 10 * at.spacing);
  ASSERT_EQ(at.samples.notes.size(), 1u);
  EXPECT_NE(at.samples.notes[0].find("pilot runs"), std::string::npos);
  try {  // barriers of 20 kT on each cell: no run of seconds sees a cell turn
    Device wells = open("func:cells=32&lanes=64&threads=1");
    sample(wells, Network::double_wells(32, 1), {.kT = 0.05});
    ADD_FAILURE() << "a time was found for cells that do not move";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), HB_UNSUPPORTED);
    EXPECT_NE(std::string(error.what()).find("burn-in"), std::string::npos);
  }
}

TEST(Sample, LinearCellsHaveMeanAndCovarianceOfTheirMatrix) {
  Device device = open("func:stepper=exact-ou&cells=2&lanes=64&threads=1");
  const std::vector<double> A{2, -1, -1, 3}, b{1, 2};  // inverse: {3, 1, 1, 2}/5
  const Sampling at = sample(device, Network::quadratic_form(A, b), {.kT = 0.5, .records = 300});
  expect_near(at.samples.mean(0), 1, "x0");
  expect_near(at.samples.mean(1), 1, "x1");
  expect_near(at.samples.mean_product(0, 1), 1 + 0.5 * 0.2, "x0 x1");
  ASSERT_TRUE(at.certificate);
  EXPECT_TRUE(at.certificate->clean()) << measure::text(*at.certificate);
}

TEST(Sample, QuarticWellsFollowTheirQuadrature) {
  Device device = open("func:stepper=leimkuhler-matthews&cells=4&lanes=64&threads=1");
  const Sampling at = sample(device, Network::double_wells(4, 1), {.kT = 0.7, .records = 150, .burn_in = 20, .spacing = 3});
  double z = 0, energy = 0;  // V = (x^2 - 1)^2
  for (int k = -40000; k <= 40000; ++k) {
    const double x = k * 1e-4, v = (x * x - 1) * (x * x - 1), w = std::exp(-v / 0.7);
    z += w, energy += v * w;
  }
  expect_near(at.samples.mean_energy(), 4 * energy / z, "energy");
  expect_near(at.samples.mean(2), 0, "position");
}

TEST(Sample, PhasesHaveTheCorrelationOfTwoRotors) {
  Device device = open("func:cell=phase&stepper=heun&cells=2&lanes=64&threads=1");
  const Network pair = Network::kuramoto(std::vector<Edge>{{0, 1, 1.0}}, std::vector<double>{0, 0});
  const Sampling at = sample(device, pair, {.kT = 1, .records = 200, .burn_in = 20, .spacing = 4});
  double z = 0, energy = 0;  // of the difference: E = -cos
  for (int k = 0; k < 10000; ++k) {
    const double c = std::cos(2 * M_PI * k / 10000), w = std::exp(c);
    z += w, energy -= c * w;
  }
  expect_near(at.samples.mean_energy(), energy / z, "energy");
  ASSERT_TRUE(at.certificate);
  EXPECT_TRUE(at.certificate->clean()) << measure::text(*at.certificate);
  try {
    sample(device, Network::kuramoto(std::vector<Edge>{{0, 1, 1.0}}, std::vector<double>{0, 1}), {.burn_in = 1, .spacing = 1});
    ADD_FAILURE() << "driven phases have no law, and were sampled";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), HB_BAD_ARG) << error.what();
  }
}

TEST(Sample, PottsStatesFollowTheirEnumeration) {
  Device device = open("func:cell=categorical&states=3&cells=4&lanes=64&threads=1");
  const std::vector<double> h{0.3, 0, 0, 0, 0, 0, 0, 0, -0.4, 0, 0, 0};
  const std::vector<Edge> J{{0, 1, 0.8}, {1, 2, -0.5}, {2, 3, 0.7}, {0, 3, 0.4}};
  double z = 0, energy = 0;
  for (int k = 0; k < 81; ++k) {
    const int s[4] = {k % 3, k / 3 % 3, k / 9 % 3, k / 27};
    double v = 0;
    for (const Edge& edge : J) v -= s[edge.i] == s[edge.j] ? edge.value : 0;
    for (int i = 0; i < 4; ++i) v -= h[static_cast<std::size_t>(3 * i + s[i])];
    const double w = std::exp(-v / 0.9);
    z += w, energy += v * w;
  }
  const Sampling at = sample(device, Network::potts(3, J, h), {.kT = 0.9, .records = 200, .burn_in = 40, .spacing = 2});
  expect_near(at.samples.mean_energy(), energy / z, "energy");
  EXPECT_FALSE(at.certificate);
}

TEST(Sample, StatisticsOfALongRunAreKeptWithoutItsStates) {
  // One spring of stiffness 2 at kT = 0.5 beside one of 0.5: variance kT/k, correlation exp(-k t), order their mean.
  Device device = open("func:stepper=exact-ou&cells=2&lanes=64&threads=1");
  const Network springs = Network::quadratic_form(std::vector<double>{2, 0, 0, 0.5}, std::vector<double>{1, 0});
  SampleOptions options{.kT = 0.5, .chains = 128, .records = 600, .burn_in = 20, .spacing = 0.3};
  options.statistics = {.moments = true, .histogram = true, .autocorrelation = true, .spectrum = true, .cells = {0}, .bins = 20, .lags = 8, .segment = 64};
  const Sampling with = sample(device, springs, options);
  options.keep_states = false;
  const Sampling without = sample(device, springs, options);
  EXPECT_EQ(without.samples.size(), 0u);
  ASSERT_TRUE(with.statistics && without.statistics);
  const SampleStatistics& is = *without.statistics;
  EXPECT_EQ(is.samples(), 128u * 600u);
  expect_near(is.mean(0), 0.5, "mean of x0");
  expect_near(is.covariance(0, 0), 0.25, "variance of x0");
  expect_near(is.covariance(1, 1), 1, "variance of x1");
  expect_near(is.covariance(0, 1), 0, "covariance");
  const auto series = is.series();
  ASSERT_EQ(series.size(), 3u);
  EXPECT_EQ(series[0].name, "energy");
  expect_near(series[0].mean, 0.5 - 0.25, "energy");  // kT/2 of each, less b^2/2k
  expect_near(series[1].mean, 0.25, "order");
  expect_near(series[1].variance, (0.25 + 1) / 4, "variance of the order");
  const auto& x0 = series[2];
  EXPECT_EQ(x0.name, "x0");
  ASSERT_EQ(x0.autocovariance.size(), 8u);
  for (std::size_t k = 0; k < 8; ++k) expect_near(x0.autocovariance[k], 0.25 * std::exp(-2 * x0.lags[k]), "autocovariance");
  double all = 0;
  for (std::size_t bin = 0; bin < x0.histogram.size(); ++bin) {
    const double width = (x0.high - x0.low) / 20, low = bin == 0 ? -INFINITY : x0.low + width * static_cast<double>(bin - 1);
    const double high = bin == 21 ? INFINITY : x0.low + width * static_cast<double>(bin);
    const auto below = [](double x) { return 0.5 * std::erfc(-(x - 0.5) / std::sqrt(2 * 0.25)); };
    const double exact = below(high) - below(low);
    all += x0.histogram[bin].value;
    EXPECT_LT(std::abs(x0.histogram[bin].value - exact), 4 * x0.histogram[bin].standard_error + 3e-5) << bin;
  }
  EXPECT_NEAR(all, 1, 1e-12);
  const double a = std::exp(-2 * without.spacing);  // sampled, the spring is an autoregression
  for (std::size_t k = 3; k + 1 < x0.spectrum.size(); ++k) {
    const double law = 2 * without.spacing * 0.25 * (1 - a * a) / (1 - 2 * a * std::cos(2 * M_PI * x0.frequencies[k] * without.spacing) + a * a);
    EXPECT_LT(std::abs(x0.spectrum[k].value - law), 4 * x0.spectrum[k].standard_error + 0.01 * law) << x0.frequencies[k];
  }
  // The same states, kept or not, and the same certificate where all of them fit.
  EXPECT_EQ(with.statistics->mean(1).value, is.mean(1).value);
  ASSERT_TRUE(with.certificate && without.certificate);
  EXPECT_EQ(with.certificate->inverse_temperature.value, without.certificate->inverse_temperature.value);
  EXPECT_EQ(with.samples.size(), 128u * 600u);
  EXPECT_NEAR(with.samples.mean(0).value, is.mean(0).value, 1e-6);
}

TEST(Sample, StatisticsThatCannotBeAreRefused) {
  Device device = open("func:cells=2&lanes=16&threads=1");
  const Network springs = Network::quadratic_form(std::vector<double>{1, 0, 0, 1}, std::vector<double>{0, 0});
  const auto refuses = [&](const StatisticsChoice& choice, std::uint32_t records) {
    SampleOptions options{.chains = 16, .records = records};
    options.statistics = choice;
    try {
      sample(device, springs, options);
      ADD_FAILURE() << "was not refused";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), HB_BAD_ARG) << error.what();
    }
  };
  refuses({.histogram = true, .cells = {2}}, 10);
  refuses({.histogram = true, .cells = {1, 1}}, 10);
  refuses({.histogram = true, .bins = 0}, 10);
  refuses({.spectrum = true, .segment = 9}, 10);
  refuses({.spectrum = true}, 3);
}

TEST(Sample, HeatIsMeteredOnRequest) {
  Device device = open("func:cell=pbit&cells=4&lanes=16&threads=1");
  const Network cold = Network::ising(std::vector<Edge>{{0, 1, 2.0}, {1, 2, 2.0}, {2, 3, 2.0}}, std::vector<double>(4));
  const Sampling at = sample(device, cold, {.kT = 0.5, .chains = 16, .records = 4, .burn_in = 50, .spacing = 1, .meters = true});
  EXPECT_TRUE(std::isfinite(at.samples.heat_joules));
  EXPECT_EQ(at.samples.size(), 64u);
  EXPECT_THROW(sample(device, cold, {.kT = 0}), Error);
}

}  // namespace
}  // namespace heatbath::solvers
