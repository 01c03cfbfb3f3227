// The certificate of samples: what it measures on samples whose law is known, and what it objects to.
#include "heatbath/measure/certificate.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <stdexcept>

#include "tests/measure/known_samplers.hpp"

namespace heatbath::measure {
namespace {

using testing::Glass;
using testing::KnownSamples;
using testing::Springs;

constexpr int cells = 8;
constexpr int seeds = 60;
constexpr double four_sigma = 0.113;  // of a share of 95 % among 60 seeds

Certificate judged(const KnownSamples& samples, const EnergyView& view, CertificateOptions options = {}) {
  if (options.kT == 0) options.kT = 1 / samples.beta;
  return certify(samples.states, samples.chains, view, options);
}

double coverage(const EnergyView& view, const std::function<KnownSamples(std::uint64_t)>& draw) {
  int covered = 0;
  for (int seed = 1; seed <= seeds; ++seed) {
    const KnownSamples samples = draw(static_cast<std::uint64_t>(seed));
    const Certificate c = judged(samples, view);
    covered += c.low <= samples.beta && samples.beta <= c.high;
  }
  return covered / double{seeds};
}

TEST(Certificate, IntervalsHoldTheInverseTemperatureOfSpins) {
  const Glass glass(cells);
  EXPECT_NEAR(coverage(glass.view(), [&](auto seed) { return testing::redrawn_spins(glass, 1, 1, 300, 1, seed); }), 0.95, four_sigma);
  EXPECT_NEAR(coverage(glass.view(), [&](auto seed) { return testing::redrawn_spins(glass, 1, 10, 4, 1000, seed); }), 0.95, four_sigma);
  EXPECT_NEAR(coverage(glass.view(), [&](auto seed) { return testing::updated_spins(glass, 1, 2, 2000, seed); }), 0.95, four_sigma);
}

TEST(Certificate, IntervalsHoldTheInverseTemperatureOfPositions) {
  EXPECT_NEAR(coverage(Springs::view(), [](auto seed) { return Springs::samples(2, 1, 300, 1, seed); }), 0.95, four_sigma);
  EXPECT_NEAR(coverage(Springs::view(), [](auto seed) { return Springs::samples(2, 10, 4, 1000, seed); }), 0.95, four_sigma);
  EXPECT_NEAR(coverage(Springs::view(), [](auto seed) { return Springs::samples(2, 4, 200, 8, seed); }), 0.95, four_sigma);
}

TEST(Certificate, AutocorrelationTimeAndEffectiveSamplesAreThoseOfTheSampler) {
  const Glass glass(cells);
  for (const double tau : {1.0, 10.0, 100.0}) {
    const auto length = static_cast<std::size_t>(1000 * tau);
    const Certificate c = judged(testing::redrawn_spins(glass, 1, tau, 4, length, 5), glass.view());
    // The largest of 10 estimates, each with a relative error of sqrt(2 (12 tau + 1)/n) = 8 %.
    EXPECT_NEAR(c.autocorrelation_time / tau, 1.1, 0.25) << tau;
    EXPECT_NEAR(c.effective_samples * c.autocorrelation_time, 4.0 * static_cast<double>(length), 1e-6 * 4000 * tau);
    EXPECT_TRUE(c.clean()) << text(c);
  }
}

TEST(Certificate, GoodSamplersAreSeldomFoundFaultWith) {
  const Glass glass(cells);
  const std::vector<double> law = glass.enumerated().probabilities(1);
  int found = 0;
  for (int seed = 1; seed <= seeds; ++seed) {
    found += !judged(testing::redrawn_spins(glass, 1, 1, 1000, 1, static_cast<std::uint64_t>(seed)), glass.view(), {.law = law}).clean();
    found += !judged(testing::updated_spins(glass, 1, 4, 4000, static_cast<std::uint64_t>(seed)), glass.view(), {.law = law}).clean();
    found += !judged(Springs::samples(2, 3, 4, 600, static_cast<std::uint64_t>(seed)), Springs::view()).clean();
  }
  EXPECT_LE(found, 2);  // of 180: about 1 %
}

TEST(Certificate, AnotherTemperatureIsAMismatch) {
  const Glass glass(cells);
  const Certificate spins = judged(testing::redrawn_spins(glass, 1.05, 1, 40000, 1, 3), glass.view(), {.kT = 1});
  EXPECT_EQ(spins.findings, std::vector{Finding::temperature_mismatch}) << text(spins);
  EXPECT_EQ(spins.wanted, 1);
  const Certificate positions = judged(Springs::samples(2.1, 1, 20000, 1, 3), Springs::view(), {.kT = 0.5});
  EXPECT_EQ(positions.findings, std::vector{Finding::temperature_mismatch}) << text(positions);
  EXPECT_NE(text(positions).find("findings: temperature mismatch"), std::string::npos);
}

TEST(Certificate, AnotherLawIsAboveTheNoiseFloorAndItsOwnIsNot) {
  const Glass glass(cells);
  const reference::Enumeration enumerated = glass.enumerated();
  const KnownSamples samples = testing::redrawn_spins(glass, 1, 10, 8, 20000, 3);
  const std::vector<double> own = enumerated.probabilities(1), colder = enumerated.probabilities(0.9);
  const Certificate good = judged(samples, glass.view(), {.law = own});
  EXPECT_TRUE(good.clean()) << text(good);
  EXPECT_NEAR(good.total_variation->value, good.total_variation->noise_floor, 5 * good.total_variation->floor_sd);
  const Certificate bad = judged(samples, glass.view(), {.law = colder});
  EXPECT_EQ(bad.findings, std::vector{Finding::above_noise_floor}) << text(bad);
}

TEST(Certificate, NoiseFloorIsTheMeanDistanceOfExactSamples) {
  const Glass glass(cells);
  const std::vector<double> law = glass.enumerated().probabilities(1);
  double distance = 0, squares = 0, floor = 0, sd = 0;
  for (int seed = 1; seed <= seeds; ++seed) {
    const auto d = *judged(testing::redrawn_spins(glass, 1, 4, 4, 1000, static_cast<std::uint64_t>(seed)), glass.view(), {.law = law}).total_variation;
    distance += d.value / seeds;
    squares += d.value * d.value / seeds;
    floor += d.noise_floor / seeds;
    sd += d.floor_sd / seeds;
  }
  const double scatter = std::sqrt(squares - distance * distance);
  EXPECT_NEAR(floor, distance, 4 * scatter / std::sqrt(seeds));
  EXPECT_NEAR(sd, scatter, 0.4 * scatter);  // 4 relative errors of a scatter of 60 values
}

TEST(Certificate, AFrozenSamplerAndAGroundStateAreFoundOut) {
  const Glass glass(cells);
  const reference::Enumeration enumerated = glass.enumerated();
  const auto& energies = enumerated.energies();
  const auto ground = static_cast<std::uint32_t>(std::ranges::min_element(energies) - energies.begin());
  KnownSamples samples{{}, 10, 1};
  for (int k = 0; k < 1000; ++k)
    for (int i = 0; i < cells; ++i) samples.states.push_back(static_cast<float>(reference::spin(ground, i)));
  const Certificate c = judged(samples, glass.view());
  EXPECT_TRUE(std::isinf(c.inverse_temperature.value));
  EXPECT_TRUE(c.found(Finding::temperature_mismatch));
  EXPECT_TRUE(c.found(Finding::too_few_samples));
  EXPECT_EQ(c.effective_samples, 1);
  EXPECT_NE(text(c).find("nothing moves"), std::string::npos);
}

TEST(Certificate, ChainsThatStayApartHaveNotConverged) {
  KnownSamples samples = Springs::samples(2, 3, 8, 2000, 1);
  for (std::size_t k = 0; k < samples.states.size() / 2; k += Springs::cells) samples.states[k] += 1;  // half of the chains
  const Certificate c = judged(samples, Springs::view());
  EXPECT_TRUE(c.found(Finding::not_converged)) << text(c);
  EXPECT_EQ(c.least_mixed, "cell 0");
}

TEST(Certificate, AChainShortBesideItsCorrelationTimeIsUndermixed) {
  const Certificate c = judged(Springs::samples(2, 300, 8, 2000, 1), Springs::view());
  EXPECT_TRUE(c.found(Finding::undermixed)) << text(c);
  EXPECT_TRUE(c.found(Finding::too_few_samples)) << text(c);
}

TEST(Certificate, IndependentShotsOfFewRecordsAreNoChainsThatDisagree) {
  for (const std::size_t records : {1u, 2u, 5u, 8u, 33u}) {
    const Certificate c = judged(Springs::samples(2, 1, 300, records, 1), Springs::view());
    EXPECT_TRUE(c.clean()) << records << " records\n" << text(c);
  }
}

TEST(Certificate, WithoutFieldsThereIsNoTemperature) {
  EnergyView view;
  view.cells = 2;
  view.spins = true;
  view.at = [](std::span<const float>, std::span<double> slopes) {
    slopes[0] = slopes[1] = 0;
    return LocalEnergy{};
  };
  std::vector<float> states;
  std::mt19937_64 random(3);
  for (int k = 0; k < 2000; ++k) states.push_back(random() % 2 == 0 ? 1.0f : -1.0f);
  const Certificate c = certify(states, 1, view, {.kT = 1});
  EXPECT_TRUE(std::isnan(c.inverse_temperature.value));
  EXPECT_TRUE(c.clean()) << text(c);
}

TEST(Certificate, ShapesAndStatesThatCannotBeAreRefused) {
  const EnergyView view = Springs::view();
  const std::vector<float> row(4), seven(7);
  EXPECT_THROW(certify(row, 1, view), std::invalid_argument);
  EXPECT_THROW(certify(seven, 1, view), std::invalid_argument);
  std::vector<float> states(40);
  EXPECT_THROW(certify(states, 0, view), std::invalid_argument);
  EXPECT_THROW(certify(states, 3, view), std::invalid_argument);
  EXPECT_THROW(certify(states, 1, view, {.kT = -1}), std::invalid_argument);
  EXPECT_THROW(certify(states, 1, view, {.law = std::vector<double>(16)}), std::invalid_argument);
  states[7] = NAN;
  EXPECT_THROW(certify(states, 1, view), std::invalid_argument);
}

}  // namespace
}  // namespace heatbath::measure
