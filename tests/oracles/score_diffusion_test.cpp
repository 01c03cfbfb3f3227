#include "oracles/score_diffusion.hpp"

#include <cmath>
#include <numbers>

#include "oracles/quadrature.hpp"
#include "tests/oracles/printed_digits.hpp"

namespace heatbath::reference {
namespace {

const GaussianMixture two_peaks{{.5, .5}, {-2, 2}, {.25, .25}};

TEST(ScoreDiffusion, MixtureTable) {
  const struct {
    double time;
    const char *entropy, *fisher, *change, *divergence, *intrinsic, *square;
  } rows[] = {
      {0, "1.418844998", "3.993714004", "2.9937140", "1.625093535", "6.243714", "4.25"},
      {0.1, "1.630981813", "2.470102269", "1.4701023", "1.118394194", "4.1309772", "3.6608749"},
      {0.5, "1.761275995", "0.7458369494", "-0.2541631", "0.2554666298", "0.94144513", "2.1956082"},
      {1, "1.598791002", "0.7101803", "-0.2898197", "0.04006736659", "0.15001997", "1.4398397"},
      {2, "1.447847333", "0.9438331769", "-0.0561668", "0.000854113789", "0.0033590033", "1.0595258"},
      {3, "1.422950367", "0.9920084412", "-0.0079916", "1.613873e-5", "6.4385798e-5", "1.0080559"},
  };
  for (const auto& row : rows) {
    const EntropyRates rates = entropy_rates(two_peaks.noised(row.time, 1, 1));
    EXPECT_DIGITS(rates.entropy, row.entropy);
    EXPECT_DIGITS(rates.fisher, row.fisher);
    EXPECT_DIGITS(rates.change, row.change);
    EXPECT_DIGITS(rates.divergence, row.divergence);
    EXPECT_DIGITS(rates.intrinsic, row.intrinsic);
    EXPECT_DIGITS(rates.mean_square, row.square);
  }
}

TEST(ScoreDiffusion, BooksOfTheMixtureClose) {
  const EntropyRates begin = entropy_rates(two_peaks), end = entropy_rates(two_peaks.noised(3, 1, 1));
  const double heat = (begin.mean_square - end.mean_square) / 2;
  EXPECT_DIGITS(end.entropy - begin.entropy, "0.0041053686");
  EXPECT_DIGITS(heat, "1.620972");
  EXPECT_DIGITS(end.entropy - begin.entropy + heat, "1.625077");
  EXPECT_NEAR(end.entropy - begin.entropy + heat, begin.divergence - end.divergence, 1e-12);
  const double produced =
      integrate([](double t) { return entropy_rates(two_peaks.noised(t, 1, 1)).intrinsic; }, 0, 3, 1e-9);
  EXPECT_NEAR(produced, begin.divergence - end.divergence, 1e-9);
}

TEST(ScoreDiffusion, RatesAreTheSlopesOfEntropyAndHeat) {
  const double h = 1e-4;
  const EntropyRates before = entropy_rates(two_peaks.noised(.4 - h, 1, 1));
  const EntropyRates at = entropy_rates(two_peaks.noised(.4, 1, 1));
  const EntropyRates after = entropy_rates(two_peaks.noised(.4 + h, 1, 1));
  EXPECT_NEAR(at.change, (after.entropy - before.entropy) / (2 * h), 1e-6);
  EXPECT_NEAR(at.exchange, (after.mean_square - before.mean_square) / (4 * h), 1e-6);
}

TEST(ScoreDiffusion, ScoreIsTheClosedFormOfTwoEqualPeaks) {
  const double t = .7, m = 2 * std::exp(-t), v = .25 * std::exp(-2 * t) + 1 - std::exp(-2 * t);
  for (const double x : {-1.3, 0.2, 2.5}) {
    EXPECT_NEAR(two_peaks.noised(t, 1, 1).score(x), -(x - m * std::tanh(m * x / v)) / v, 1e-13);
  }
}

TEST(ScoreBound, GapTable) {
  const double ratios[] = {0.5, 1 / std::numbers::sqrt2, 0.9, 1, 1.1, 1.5, 2};
  const char* table[4][7] = {{"0.318147", "0.096574", "0.0103605", "0", "0.0096898", "0.219535", "0.806853"},
                             {"-0.215926", "-0.201713", "-0.0898197", "0", "0.109845", "0.734767", "1.90343"},
                             {"-0.028426", "-0.076713", "-0.0423197", "0", "0.0573449", "0.422267", "1.15343"},
                             {"0.159074", "0.048287", "0.0051803", "0", "0.0048449", "0.109767", "0.403426"}};
  for (int i = 0; i < 7; ++i) {
    const ScoreBoundGaps gaps = score_bound_gaps(ratios[i]);
    EXPECT_DIGITS(gaps.excess, table[0][i]);
    EXPECT_DIGITS(gaps.gap_a, table[1][i]);
    EXPECT_DIGITS(gaps.gap_b, table[2][i]);
    EXPECT_DIGITS(gaps.gap_c, table[3][i]);
  }
}

// The bound from its definition, with the added variance v as time and a long but finite noising.
TEST(ScoreBound, GapsFollowFromTheRatesOfTheModelScore) {
  const double s2 = 1, a2 = 1 / (1.5 * 1.5), end = 1e7;
  const double entropy = gaussian_entropy(s2);
  const double likelihood = 0.5 * std::log(2 * std::numbers::pi * a2) + s2 / (2 * a2);
  // Per dv: E|s|^2 = (s2 + v)/(a2 + v)^2 and E div s = -1/(a2 + v); the logarithm of v is the variable.
  const auto gap = [&](auto rate) {
    const auto f = [&](double u) { return rate(std::exp(u)) * std::exp(u); };
    const double integral = integrate(f, std::log(1e-9), std::log(end));
    return likelihood - ((entropy + gaussian_entropy(s2 + end)) / 2 - integral / 2);
  };
  const auto square = [&](double v) { return (s2 + v) / ((a2 + v) * (a2 + v)); };
  const auto divergence = [&](double v) { return -1 / (a2 + v); };
  const ScoreBoundGaps gaps = score_bound_gaps(1.5);
  EXPECT_NEAR(likelihood - entropy, gaps.excess, 1e-12);
  EXPECT_NEAR(gap([&](double v) { return square(v) / 2; }), gaps.gap_a, 1e-6);
  EXPECT_NEAR(gap([&](double v) { return -divergence(v) / 2; }), gaps.gap_b, 1e-6);
  EXPECT_NEAR(gap([&](double v) { return -divergence(v) - square(v) / 2; }), gaps.gap_c, 1e-6);
}

TEST(ExplodingVariance, Table) {
  const struct {
    double sigma;
    const char *variance, *entropy;
  } rows[] = {{10, "21.497577", "2.97564234"}, {25, "96.928250", "3.71105607"}, {30, "132.159340", "3.86471176"}};
  for (const auto& row : rows) {
    EXPECT_DIGITS(exploding_variance(row.sigma), row.variance);
    EXPECT_DIGITS(gaussian_entropy(1 + exploding_variance(row.sigma)), row.entropy);
  }
  EXPECT_DIGITS(gaussian_entropy(1), "1.41893853");
}

TEST(NoisedUniform, ScoreIsTheSlopeOfTheLogarithm) {
  const double h = 1e-5;
  for (const double x : {-2.0, 0.3, 1.1}) {
    const auto log_p = [](double at) { return std::log(noised_uniform_density(at, 1, 0.3)); };
    EXPECT_NEAR(noised_uniform_score(x, 1, 0.3), (log_p(x + h) - log_p(x - h)) / (2 * h), 1e-8);
  }
  EXPECT_NEAR(integrate([](double x) { return noised_uniform_density(x, 1, 0.3); }, -8, 8), 1, 1e-12);
}

TEST(StaticReverseCell, Table) {
  const struct {
    double variance, duration;
    const char *stiffness, *generated;
  } rows[] = {{.25, 1, "1.95967123", ".51799723"}, {.25, 2, "1.45117810", ".68999076"},
              {.25, 4, "1.20681997", ".82863498"}, {4, 1, "-.12929798", "4.10333833"},
              {4, 2, ".15189904", "3.57224424"},   {4, 4, ".45467854", "2.16781555"}};
  for (const auto& row : rows) {
    const StaticReverseCell cell = static_reverse_cell(row.variance, row.duration);
    EXPECT_DIGITS(cell.stiffness, row.stiffness);
    EXPECT_DIGITS(cell.generated_variance, row.generated);
  }
  EXPECT_NEAR(static_reverse_cell(1, 2).stiffness, 1, 1e-14);
}

}  // namespace
}  // namespace heatbath::reference
