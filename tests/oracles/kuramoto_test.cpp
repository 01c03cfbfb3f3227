#include "oracles/kuramoto.hpp"

#include <cmath>
#include <numbers>

#include "tests/oracles/printed_digits.hpp"

namespace heatbath::reference {
namespace {

TEST(Kuramoto, OrderParameterTable) {
  const struct {
    double k;
    const char* r;
  } rows[] = {{2.05, ".2190638235"}, {2.1, ".3036893438"}, {2.2, ".4133885131"}, {2.5, ".5897079878"},
              {3, ".7241587176"},    {4, ".8314620248"},   {5, ".8768234221"},   {6, ".9021527791"},
              {8, ".9301524962"},    {10, ".9455421864"}};
  for (const auto& row : rows) EXPECT_DIGITS(kuramoto_order(row.k), row.r);
  EXPECT_EQ(kuramoto_order(1.9), 0);
}

TEST(Kuramoto, FiniteNumberTable) {
  const double couplings[] = {0.5, 1, 2, 3, 4, 6};
  const struct {
    int n;
    const char* square[6];
  } rows[] = {{2, {".56201675", ".62124981", ".72319498", ".79806662", ".84888733", ".90499265"}},
              {3, {".39324248", ".46008544", ".59790448", ".71309163", ".7921686", ".8735313"}},
              {4, {".30293827", ".36803385", ".5221515", ".66523409", ".76349368", ".85831333"}},
              {8, {".15834739", ".2078374", ".37595277", ".58605951", ".72366256", ".83606409"}},
              {16, {".081144693", ".1125572", ".26981278", ".54766796", ".70703705", ".82498658"}},
              {64, {".020690748", ".030335828", ".13771159", ".52903821", ".69527038", ".8166587"}}};
  for (const auto& row : rows) {
    for (int i = 0; i < 6; ++i) EXPECT_DIGITS(kuramoto_mean_square_order(row.n, couplings[i]), row.square[i]) << row.n;
  }
}

TEST(Kuramoto, TwoOscillatorsAreABesselRatio) {
  for (const double k : {0.5, 3.0}) {
    const double ratio = std::cyl_bessel_i(1.0, k / 2) / std::cyl_bessel_i(0.0, k / 2);
    EXPECT_NEAR(kuramoto_mean_square_order(2, k), (1 + ratio) / 2, 1e-12);
  }
}

TEST(Kuramoto, ManyOscillatorsApproachTheInfiniteSystem) {
  const double r = kuramoto_order(4);
  EXPECT_NEAR(kuramoto_mean_square_order(20000, 4), r * r, 1e-4);
}

TEST(Adler, Table) {
  const double detunings[] = {.25, .5, .75, 1, 1.25, 1.5};
  const char* cold[] = {".001519629826", ".02483388994", ".1634753644", ".464294556", ".8107816602", "1.138998714"};
  const char* warm[] = {".05899105023", ".175593406", ".3717431839", ".6265231874", ".9075227496", "1.194234092"};
  for (int i = 0; i < 6; ++i) {
    EXPECT_DIGITS(adler_velocity(detunings[i], 1, .2), cold[i]);
    EXPECT_DIGITS(adler_velocity(detunings[i], 1, .5), warm[i]);
  }
}

TEST(Adler, BesselFunctionsAndWashboardIntegralsAgree) {
  for (const double d : {0.2, 0.5, 1.3}) {
    EXPECT_NEAR(cosine_washboard(0.75, 1, d).velocity / adler_velocity(0.75, 1, d), 1, 1e-10);
  }
}

TEST(Washboard, Table) {
  const struct {
    double force, amplitude, diffusion;
    const char *velocity, *effective, *product;
  } rows[] = {{.5, 1, 1, ".33845472", ".84891968", "2.50822230"},
              {1, 1, 1, ".77471843", "1.13745240", "2.93642790"},
              {2, 1, 1, "1.80179679", "1.20885077", "2.68365617"},
              {.75, 1, .2, ".16347536", ".35997392", "16.51505368"}};
  for (const auto& row : rows) {
    const WashboardMotion motion = cosine_washboard(row.force, row.amplitude, row.diffusion);
    EXPECT_DIGITS(motion.velocity, row.velocity);
    EXPECT_DIGITS(motion.diffusion, row.effective);
    EXPECT_DIGITS(motion.uncertainty_product, row.product);
  }
}

TEST(Washboard, UniformDriftReachesTheUncertaintyBound) {
  const WashboardMotion motion = cosine_washboard(1.7, 0, 0.6);
  EXPECT_NEAR(motion.velocity, 1.7, 1e-12);
  EXPECT_NEAR(motion.diffusion, 0.6, 1e-12);
  EXPECT_NEAR(motion.uncertainty_product, 2, 1e-12);
}

// The table prints four digits that are certain.
TEST(SecondHarmonicInjection, PairTable) {
  const double injections[] = {0, .5, 1, 2, 4};
  const double cosines[] = {.24249961, .25600517, .28790204, .35172356, .40770303};
  const double signs[] = {.19679838, .26257571, .32052320, .39139451, .43346028};
  for (int i = 0; i < 5; ++i) {
    const InjectedPair pair = injected_pair(.5, injections[i], 1);
    EXPECT_NEAR(pair.cosine, cosines[i], 5e-5);
    EXPECT_NEAR(pair.sign, signs[i], 5e-5);
  }
  EXPECT_NEAR(injected_pair(.5, 400, 1).sign, std::tanh(.5), 1e-3);
}

}  // namespace
}  // namespace heatbath::reference
