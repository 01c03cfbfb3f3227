// The score bound on the emulated device against quadratures and closed forms that share no code with it.
#include "heatbath/studies/score_bound.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <stdexcept>

#include "heatbath/error.hpp"
#include "heatbath/open.hpp"
#include "oracles/score_diffusion.hpp"

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
void expect_measured(const measure::Estimate& measured, double exact, double relative, const std::string& what) {
  std::printf("%-28s %12.6g +- %9.2g exact %12.6g z %6.2f\n", what.c_str(), measured.value, measured.standard_error, exact,
              (measured.value - exact) / measured.standard_error);
  EXPECT_LT(std::abs(measured.value - exact), 4 * measured.standard_error) << what;
  EXPECT_LE(measured.standard_error, relative * std::abs(exact)) << what;
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
  EXPECT_LT(std::abs(result.gap.value), 4 * result.gap.standard_error);
  EXPECT_LT(result.gap.standard_error, 0.01);
}

// exact-problems.md 1: the gap is half the path divergence, and the naive rates break the bound.
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
    // The noise has an end here: what the model's law differs by there adds to the gap.
    const double rest = 1 + reference::exploding_variance(25), model = rest - 1 + 1 / (ratio * ratio);
    const double terminal = 0.5 * (rest / model - 1 - std::log(rest / model));
    const std::string at = " at r = " + std::to_string(ratio);
    expect_measured(result.gap, exact.gap_c + 0.5 * terminal, allowed, "gap" + at);
    expect_measured(result.half_path_kl, exact.gap_c - 0.5 * terminal, allowed, "half path kl" + at);
    EXPECT_LT(std::abs(result.terminal_kl.value - terminal), 4 * result.terminal_kl.standard_error);
    expect_measured(result.nll, reference::gaussian_entropy(1) + exact.excess, 0.02, "nll" + at);
    if (ratio < 1) {
      EXPECT_LT(result.gap_naive_score.value, -4 * result.gap_naive_score.standard_error);
      EXPECT_LT(result.gap_naive_divergence.value, -4 * result.gap_naive_divergence.standard_error);
    }
  }
}

TEST(WrongGaussian, GapIsNotNegativeInAHundredTrials) {
  Device device = open("func:lanes=16");
  const double ratios[] = {0.5, 0.8, 0.9, 1.0, 1.0, 1.1, 1.25, 2.0};
  int below = 0;
  double lowest = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    BoundOptions options;
    options.process = seed % 2 ? Process::ve : Process::vp;
    options.score = ScoreKind::linear;
    options.ratio = ratios[seed % 8];
    options.samples = 1024;
    options.seed = seed;
    options.duration = 1.5;
    options.generate = false;
    const BoundResult result = score_bound(device, seed % 4 < 2 ? DataLaw::gaussian(1.3) : two_peaks(), options);
    lowest = std::min(lowest, result.gap.value / result.gap.standard_error);
    below += !(result.gap.value > -4 * result.gap.standard_error);
  }
  std::printf("lowest gap: %.2f standard errors\n", lowest);
  EXPECT_EQ(below, 0);
}

TEST(ExplodingNoise, ExchangeIsTwiceTheProductionOfTheReverse) {
  Device device = open("func:lanes=256");
  for (const DataLaw& law : {DataLaw::gaussian(1), DataLaw::uniform(1.7)}) {
    BoundOptions options;
    options.process = Process::ve;
    options.samples = 16384;
    const BoundResult result = score_bound(device, law, options);
    expect_measured(result.identity_ratio, -2, 0.02, "identity ratio");
    expect_measured(result.production, result.entropy_end.value - result.entropy_data.value, 0.02, "production");
    EXPECT_LT(std::abs(result.gap.value), 4 * result.gap.standard_error);
    // The generating run, by its heat and entropy. It starts from N(0, v1), not from the noised data: 1 % of v1.
    EXPECT_NEAR(result.generation_ratio.value, -2, 4 * result.generation_ratio.standard_error);
    ASSERT_EQ(result.generations.size(), 6u);
    EXPECT_LT(result.generations[5].wasserstein.value, 0.3 * result.generations[0].wasserstein.value);
    EXPECT_GT(result.generations[5].noising_production, 4 * result.generations[0].noising_production);
    EXPECT_NEAR(result.generations[5].noising_production, result.production.value, 0.01 * result.production.value);
  }
}

TEST(NoisedUniform, ScoreAndDivergenceAreThoseOfTheOracle) {
  const DataLaw law = DataLaw::uniform(1);
  for (const double x : {-2.0, 0.3, 1.1}) {
    const LinearNoise noise{1, 0.3};
    EXPECT_NEAR(law.score(noise, x), reference::noised_uniform_score(x, 1, 0.3), 1e-10);
    EXPECT_NEAR(law.log_density(noise, x), std::log(reference::noised_uniform_density(x, 1, 0.3)), 1e-10);
    const double h = 1e-5;
    EXPECT_NEAR(law.divergence(noise, x), (law.score(noise, x + h) - law.score(noise, x - h)) / (2 * h), 1e-6);
  }
}

// What is learned on one half of the values is tested on the other; the device's own cell is a score model too.
TEST(LearnedScores, LeaveAGapOfHalfTheirPathDivergence) {
  Device device = open("func:lanes=256");
  double gap[2];
  int which = 0;
  for (const ScoreKind kind : {ScoreKind::cell, ScoreKind::radial}) {
    BoundOptions options;
    options.score = kind;
    options.samples = 16384;
    options.duration = 1.5;
    options.generate = kind == ScoreKind::cell;
    const BoundResult result = score_bound(device, two_peaks(), options);
    EXPECT_EQ(result.evaluated, 8192u);
    EXPECT_FALSE(result.nll_is_density);
    const double expected = result.half_path_kl.value + result.terminal_kl.value;
    EXPECT_LT(std::abs(result.gap.value - expected),
              4 * std::hypot(result.gap.standard_error, result.half_path_kl.standard_error, result.terminal_kl.standard_error));
    gap[which++] = expected;
    if (!options.generate) continue;
    EXPECT_LT(result.generations.back().wasserstein.value, 0.6);
    EXPECT_LT(result.generations.back().divergence.value, 0.4 * result.generations.front().divergence.value);
    // The same score from outside gives the same figures.
    BoundOptions again = options;
    again.generate = false;
    again.given = result.model;
    EXPECT_NEAR(score_bound(device, two_peaks(), again).gap.value, result.gap.value, 0.05);
    again.given->clock[5] *= 1.01;
    EXPECT_THROW(score_bound(device, two_peaks(), again), Error);
  }
  EXPECT_LT(gap[1], 0.1 * gap[0]) << "bumps fit two peaks better than a quartic cell";
}

TEST(ListOfValues, IsBoundedWithoutKnowingItsLaw) {
  Device device = open("func:lanes=256");
  BoundOptions options;
  options.score = ScoreKind::linear;
  options.samples = 16384;
  options.generate = false;
  const BoundResult result = score_bound(device, DataLaw::values(DataLaw::gaussian(1).draw(9, 4096), "a list"), options);
  EXPECT_TRUE(std::isnan(result.half_path_kl.value));
  EXPECT_GT(result.gap.value, -4 * result.gap.standard_error);
  EXPECT_NEAR(result.nll.value, reference::gaussian_entropy(1), 0.05);
  options.score = ScoreKind::exact;
  try {
    score_bound(device, DataLaw::values(DataLaw::gaussian(1).draw(9, 64), "a list"), options);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("a list"));
  }
}

// Rounded values are no law with a density until each is spread over its step: a normal law rounded to halves.
TEST(ListOfValues, IsSpreadOverTheGridItWasRoundedTo) {
  std::vector<double> values = DataLaw::gaussian(1.7).draw(23, 3000);
  for (double& value : values) value = 0.5 * std::round(2 * value) - 7;
  const DataLaw law = DataLaw::values(values, "halves");
  EXPECT_THAT(law.name(), HasSubstr("3000 values of halves"));
  EXPECT_THAT(law.name(), HasSubstr("spread evenly over its step of the grid"));
  std::vector<double> rounded = law.list();
  for (double& value : rounded) value = 0.5 * std::round(2 * value);
  EXPECT_EQ(rounded, values) << "none leaves its step";
  EXPECT_EQ(DataLaw::values(values, "halves").list(), law.list()) << "the same way each time";

  std::vector<double> standard = values;
  for (double& value : standard) value = (value + 7) / 1.7;
  Device device = open("func:lanes=256");
  BoundOptions options;
  options.score = ScoreKind::linear;
  options.samples = 16384;
  options.levels = 16;
  const BoundResult result = score_bound(device, DataLaw::values(standard, "halves"), options);
  EXPECT_GT(result.gap.value, -4 * result.gap.standard_error);
  // Of the rounded law spread out: sum p ln(step/p).
  double entropy = 0;
  for (int k = -40; k <= 40; ++k) {
    const auto below = [](double x) { return 0.5 * std::erfc(-x / 1.7 / std::sqrt(2.0)); };
    const double p = below(0.5 * k + 0.25) - below(0.5 * k - 0.25);
    if (p > 1e-12) entropy += p * std::log(0.5 / 1.7 / p);
  }
  EXPECT_NEAR(result.entropy_data.value, entropy, 4 * result.entropy_data.standard_error);
  EXPECT_LT(std::abs(result.generations.back().divergence.value), 0.3) << "draws from a list repeat its values";
}

TEST(ListOfValues, OfAtomsOrWithoutRoomForDifferencesIsRefused) {
  const auto says = [](const std::vector<double>& values) {
    try {
      DataLaw::values(values, "these");
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  std::vector<double> normal = DataLaw::gaussian(1).draw(3, 300), spikes = normal, two(300), far = normal, outlier = normal;
  for (std::size_t i = 0; i < 300; ++i) {
    if (i % 3 == 0) spikes[i] = 0.25;
    two[i] = i % 7 == 0 ? 1 : 0;
    far[i] += 1e15;
  }
  outlier[11] = 1e30;
  EXPECT_EQ(says(normal), "");
  EXPECT_THAT(says(spikes), HasSubstr("one value 100 times"));
  EXPECT_THAT(says(two), HasSubstr("holds 2 values only"));
  EXPECT_THAT(says(far), HasSubstr("mean 0 and standard deviation 1"));
  EXPECT_THAT(says(outlier), HasSubstr("holds 2 values only"));
  for (const double factor : {1e200, 1e-300}) {
    std::vector<double> scaled = normal;
    for (double& value : scaled) value *= factor;
    EXPECT_THAT(says(scaled), HasSubstr("mean 0 and standard deviation 1"));
  }
}

// The same host code on a chip that hides its step, has no meters, one lane, ten bits and narrow rails.
TEST(Silicon, NoisesAndBoundsWithinItsMeans) {
  Device device = open("func:profile=silicon");
  BoundOptions options;
  options.score = ScoreKind::linear;
  options.samples = 8192;
  options.duration = 1.5;
  options.generate = false;
  const BoundResult result = score_bound(device, two_peaks(), options);
  EXPECT_EQ(result.heat_source, "states");
  EXPECT_GT(result.unit, 1);
  EXPECT_EQ(result.clips, 0u);
  const reference::EntropyRates begin = reference::entropy_rates(kTwoPeaks),
                                end = reference::entropy_rates(kTwoPeaks.noised(1.5, 1, 1));
  // One per cent of mismatch in the stiffness of a cell, and its offset.
  EXPECT_NEAR(result.heat_total.value, (begin.mean_square - end.mean_square) / 2, 0.06);
  EXPECT_NEAR(result.entropy_end.value, end.entropy, 1e-9);
  EXPECT_NEAR(result.gap.value, result.half_path_kl.value + result.terminal_kl.value, 0.05);
}

#ifdef HEATBATH_HAS_SYSTEMC
TEST(Tlm, SameNumbersAsTheFunctionalBackend) {
  BoundOptions options;
  options.samples = 64;
  options.levels = 8;
  options.duration = 0.1;
  std::vector<BoundResult> results;
  for (const char* uri : {"func:cells=64&lanes=2", "tlm:cells=64&lanes=2"}) {
    Device device = open(uri);
    results.push_back(score_bound(device, two_peaks(), options));
  }
  EXPECT_EQ(results[0].gap.value, results[1].gap.value);
  EXPECT_EQ(results[0].heat_total.value, results[1].heat_total.value);
  EXPECT_EQ(results[0].generated_values, results[1].generated_values);
}
#endif

TEST(Refusals, NameWhatIsWrong) {
  Device device = open("func:cells=64&lanes=4");
  const auto says = [&](const BoundOptions& options, const std::string& word) {
    try {
      score_bound(device, DataLaw::gaussian(1), options);
      ADD_FAILURE() << "accepted, but " << word << " is wrong";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), HB_BAD_ARG);
      EXPECT_THAT(error.what(), HasSubstr(word));
    }
  };
  BoundOptions options;
  options.samples = 3;
  says(options, "samples");
  options = {};
  options.duration = 0;
  says(options, "duration");
  options = {};
  options.process = Process::ve;
  options.sigma = 1;
  says(options, "sigma");
  options = {};
  options.ratio = -1;
  says(options, "ratio");
  options = {};
  options.levels = 4;
  says(options, "levels");
  options = {};
  options.given = ScoreModel{};
  says(options, "levels");
  EXPECT_THROW(DataLaw::gaussian(0), Error);
  EXPECT_THROW(DataLaw::uniform(-1), Error);
  EXPECT_THROW(DataLaw::values(std::vector<double>(20, 3.0), "twenty threes"), Error);
}

}  // namespace
// One that is stopped in the reverse drives has the bits of the times before; in the noising it has nothing.
TEST(StoppedBound, KeepsWhatIsWhole) {
  const auto until = [](double fraction) {
    Device device = open("func:lanes=64");
    BoundOptions options;
    options.samples = 2048;
    options.levels = 12;
    options.progress = [=](double done) { return done < fraction; };
    return score_bound(device, DataLaw::gaussian(1), options);
  };
  const BoundResult whole = until(2), part = until(0.7);
  EXPECT_FALSE(whole.stopped);
  EXPECT_TRUE(part.stopped);
  ASSERT_FALSE(part.generations.empty());
  ASSERT_LT(part.generations.size(), whole.generations.size());
  for (std::size_t g = 0; g < part.generations.size(); ++g) {
    EXPECT_EQ(part.generations[g].wasserstein.value, whole.generations[g].wasserstein.value) << g;
    EXPECT_EQ(part.generations[g].heat.value, whole.generations[g].heat.value) << g;
  }
  EXPECT_EQ(part.bound.value, whole.bound.value);
  try {
    until(0.1);
    FAIL() << "not stopped";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), HB_ABORTED);
  }
}

}  // namespace heatbath::trainers
