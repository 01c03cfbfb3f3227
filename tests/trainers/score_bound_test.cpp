// The score bound on the emulated device against quadratures and closed forms that share no code with it.
#include "heatbath/trainers/score_bound.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <numbers>

#include "heatbath/error.hpp"
#include "sim/reference/score_diffusion.hpp"

namespace heatbath::trainers {
namespace {

using ::testing::HasSubstr;

DataLaw two_peaks() { return DataLaw::mixture({.5, .5}, {-2, 2}, {.25, .25}); }
const reference::GaussianMixture kTwoPeaks{{.5, .5}, {-2, 2}, {.25, .25}};

const EntropyRate& at_time(const BoundResult& result, double time) {
  for (const EntropyRate& rate : result.rates) {
    if (std::abs(rate.time - time) < 1e-9) return rate;
  }
  throw std::runtime_error("no level at this time");
}

/// |z| < 4 and an error of at most `relative`.
void expect_measured(const Measured& measured, double exact, double relative, const std::string& what) {
  std::printf("%-28s %12.6g +- %9.2g exact %12.6g z %6.2f\n", what.c_str(), measured.value, measured.error, exact,
              (measured.value - exact) / measured.error);
  EXPECT_LT(std::abs(measured.value - exact), 4 * measured.error) << what;
  EXPECT_LE(measured.error, relative * std::abs(exact)) << what;
}

// exact-problems.md 1a: rates, the change of sign of dS/dt, heat and divergence.
TEST(NoisedMixture, RatesHeatAndBooksAreThoseOfTheQuadrature) {
  Device device = open("func:lanes=256");
  BoundOptions options;
  options.samples = 262144;
  options.generate = false;
  const BoundResult result = score_bound(device, two_peaks(), options);
  for (const double time : {0.0, 0.1, 0.5, 1.0, 2.0, 3.0}) {
    const reference::EntropyRates exact = reference::entropy_rates(kTwoPeaks.noised(time, 1, 1));
    const EntropyRate& rate = at_time(result, time);
    const std::string at = " at " + std::to_string(time);
    expect_measured(rate.system, exact.change, 0.02, "system" + at);
    expect_measured(rate.intrinsic, exact.intrinsic, 0.02, "intrinsic" + at);
    expect_measured(rate.exchange, exact.exchange, 0.02, "exchange" + at);
    if (time > 0) expect_measured(rate.heat, (4.25 - exact.mean_square) / 2, 0.02, "heat" + at);
  }
  EXPECT_GT(at_time(result, 0.1).system.value, 0);
  EXPECT_LT(at_time(result, 0.5).system.value, 0);
  const reference::EntropyRates begin = reference::entropy_rates(kTwoPeaks),
                                end = reference::entropy_rates(kTwoPeaks.noised(3, 1, 1));
  expect_measured(result.production, begin.divergence - end.divergence, 0.01, "production");
  expect_measured(result.divergence_drop, begin.divergence - end.divergence, 0.01, "divergence drop");
  expect_measured(result.exchange_total, (end.mean_square - begin.mean_square) / 2, 0.01, "exchange");
  EXPECT_NEAR(result.entropy_data.value, begin.entropy, 1e-9);
  EXPECT_NEAR(result.entropy_end.value, end.entropy, 1e-9);
  // The exact score: NLL = S0 = bound.
  expect_measured(result.nll, begin.entropy, 0.01, "nll");
  EXPECT_LT(std::abs(result.gap.value), 4 * result.gap.error);
  EXPECT_LT(result.gap.error, 0.01);
}

// The bound's gap is half the path divergence: 784 values are enough to see it, the naive rates break the bound.
TEST(WrongGaussian, GapIsHalfThePathDivergence) {
  Device device = open("func:lanes=256");
  for (const double ratio : {0.5, 0.9, 1.1, 2.0}) {
    BoundOptions options;
    options.process = Process::ve;
    options.score = ScoreKind::linear;
    options.ratio = ratio;
    options.generate = false;
    const BoundResult result = score_bound(device, DataLaw::gaussian(1), options);
    const reference::ScoreBoundGaps exact = reference::score_bound_gaps(ratio);
    const double allowed = std::abs(ratio - 1) > 0.3 ? 0.03 : 0.1;
    std::printf("r %.1f\n", ratio);
    // The noise has an end here: what is left of the model's variance there adds to the gap.
    const double rest = 1 + reference::exploding_variance(25), model = rest - 1 + 1 / (ratio * ratio);
    const double terminal = 0.5 * (rest / model - 1 - std::log(rest / model));
    expect_measured(result.gap, exact.gap_c + 0.5 * terminal, allowed, "gap");
    expect_measured(result.half_path_kl, exact.gap_c - 0.5 * terminal, allowed, "half path kl");
    expect_measured(result.terminal_kl, terminal, 1, "terminal kl");
    expect_measured(result.nll, 1.41893853 + exact.excess, 0.02, "nll");
    std::printf("naive %g (%g) %g (%g)\n", result.gap_naive_score.value, exact.gap_a, result.gap_naive_divergence.value, exact.gap_b);
    if (ratio < 1) {
      EXPECT_LT(result.gap_naive_score.value, -4 * result.gap_naive_score.error);
      EXPECT_LT(result.gap_naive_divergence.value, -4 * result.gap_naive_divergence.error);
    }
  }
}

TEST(WrongGaussian, GapIsNeverNegative) {
  Device device = open("func:lanes=16");
  const double ratios[] = {0.5, 0.8, 0.9, 1.0, 1.0, 1.1, 1.25, 2.0};
  int below = 0;
  double lowest = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    BoundOptions options;
    options.process = seed % 2 ? Process::ve : Process::vp;
    options.score = ScoreKind::linear;
    options.ratio = ratios[seed % 8];
    options.samples = 2048;
    options.seed = seed;
    options.duration = 1.5;
    options.generate = false;
    const BoundResult result = score_bound(device, seed % 4 < 2 ? DataLaw::gaussian(1.3) : two_peaks(), options);
    const double z = result.gap.value / result.gap.error;
    lowest = std::min(lowest, z);
    below += !(z > -4);
  }
  std::printf("lowest z %g\n", lowest);
  EXPECT_EQ(below, 0);
}

TEST(ExplodingNoise, ExchangeIsTwiceTheProductionOfTheReverse) {
  Device device = open("func:lanes=256");
  for (const DataLaw& law : {DataLaw::gaussian(1), DataLaw::uniform(1.7), two_peaks()}) {
    BoundOptions options;
    options.process = Process::ve;
    const BoundResult result = score_bound(device, law, options);
    std::printf("%s: %g s\n", law.name().c_str(), result.seconds);
    expect_measured(result.identity_ratio, -2, 0.02, "identity");
    expect_measured(result.production, result.entropy_end.value - result.entropy_data.value, 0.02, "production");
    std::printf("gap %g +- %g\n", result.gap.value, result.gap.error);
    EXPECT_LT(std::abs(result.gap.value), 4 * result.gap.error);
    std::printf("generation ratio %g +- %g floor %g by cell %d\n", result.generation_ratio.value, result.generation_ratio.error, result.wasserstein_floor, result.generated_by_cell);
    for (const Generation& g : result.generations) {
      std::printf("t %.3f v %.3g W2 %.4f+-%.4f KL %.4f+-%.4f Q %.3f prod %.3f+-%.3f\n", g.time, g.clock, g.wasserstein.value, g.wasserstein.error,
                  g.divergence.value, g.divergence.error, g.heat.value, g.entropy_production.value, g.entropy_production.error);
    }
  }
}

TEST(PreservingNoise, MoreProductionBuysBetterSamples) {
  Device device = open("func:lanes=256");
  for (const DataLaw& law : {DataLaw::gaussian(0.5), two_peaks()}) {
  for (const ScoreKind kind : {ScoreKind::linear, ScoreKind::radial, ScoreKind::cell}) {
    BoundOptions options;
    options.score = kind;
    const BoundResult result = score_bound(device, law, options);
    std::printf("%s kind %d nll %g (%d) bound %g gap %g +- %g half %g terminal %g\n", law.name().c_str(), int(kind), result.nll.value, result.nll_is_density, result.bound.value, result.gap.value, result.gap.error, result.half_path_kl.value, result.terminal_kl.value);
    for (const Generation& g : result.generations) {
      std::printf("t %.3f v %.3g W2 %.4f+-%.4f KL %.4f+-%.4f Q %.3f prod %.3f+-%.3f\n", g.time, g.clock, g.wasserstein.value, g.wasserstein.error,
                  g.divergence.value, g.divergence.error, g.heat.value, g.entropy_production.value, g.entropy_production.error);
    }
  }}
}

}  // namespace
}  // namespace heatbath::trainers
