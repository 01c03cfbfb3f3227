// Spectra of series whose spectra are known in closed form.
#include "heatbath/measure/power_spectrum.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <random>
#include <stdexcept>

namespace heatbath::measure {
namespace {

TEST(PowerSpectrum, OfAnAutoregressionIsItsLaw) {
  // x' = a x + noise of variance 1 - a^2: variance 1, S(f) = 2 D (1 - a^2)/(1 - 2 a cos(2 pi f D) + a^2).
  constexpr double a = 0.7, spacing = 0.25;
  constexpr std::size_t chains = 100, segment = 64;
  PowerSpectrum spectrum(chains, segment, spacing);
  std::mt19937_64 random(5);
  std::normal_distribution<double> normal;
  std::vector<double> x(chains);
  for (double& value : x) value = normal(random);
  for (int k = 0; k < 2000; ++k)
    for (std::size_t chain = 0; chain < chains; ++chain) {
      x[chain] = a * x[chain] + std::sqrt(1 - a * a) * normal(random);
      spectrum.add(chain, 3 + x[chain]);
    }
  double sum = 0;
  for (std::size_t k = 1; k <= spectrum.bins(); ++k) {
    const Estimate is = spectrum.density(k);
    const double folds = k == spectrum.bins() ? 1 : 2;
    const double law = folds * spacing * (1 - a * a) / (1 - 2 * a * std::cos(2 * std::numbers::pi * spectrum.frequency(k) * spacing) + a * a);
    // Hann's window and the lost mean blur the two lowest bins.
    if (k > 2) {
      EXPECT_LT(std::abs(is.value - law), 4.5 * is.standard_error + 0.01 * law) << "bin " << k << ": " << is.value << " for " << law;
    }
    sum += is.value;
  }
  EXPECT_LT(sum * spectrum.frequency(1), 1);  // less what lies below the first bin
  EXPECT_EQ(spectrum.segments(), chains * (2000 / (segment / 2) - 1));
}

TEST(PowerSpectrum, OfASineIsAtItsFrequencyWithItsVariance) {
  PowerSpectrum spectrum(1, 128, 0.5);
  for (int k = 0; k < 1280; ++k) spectrum.add(0, 10 + 3 * std::sin(2 * std::numbers::pi * 16 * k / 128));
  double sum = 0;
  for (std::size_t k = 1; k <= spectrum.bins(); ++k) {
    if (k < 15 || k > 17) {
      EXPECT_LT(spectrum.density(k).value, 1e-20) << k;
    }
    sum += spectrum.density(k).value * spectrum.frequency(1);
  }
  EXPECT_NEAR(sum, 4.5, 1e-9);
  EXPECT_DOUBLE_EQ(spectrum.frequency(16), 16 / (128 * 0.5));
  EXPECT_TRUE(std::isnan(spectrum.density(16).standard_error)) << "one chain has no error";
}

TEST(PowerSpectrum, RefusesShapesThatCannotBe) {
  EXPECT_THROW(PowerSpectrum(0, 64, 1), std::invalid_argument);
  EXPECT_THROW(PowerSpectrum(1, 7, 1), std::invalid_argument);
  EXPECT_THROW(PowerSpectrum(1, 64, 0), std::invalid_argument);
  PowerSpectrum short_of(2, 8, 1);
  for (int k = 0; k < 8; ++k) short_of.add(0, k);
  EXPECT_TRUE(std::isnan(short_of.density(1).value)) << "the other chain has no segment yet";
  EXPECT_THROW(short_of.density(5), std::invalid_argument);
}

}  // namespace
}  // namespace heatbath::measure
