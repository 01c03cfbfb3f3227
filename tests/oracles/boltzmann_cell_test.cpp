#include "oracles/boltzmann_cell.hpp"

#include <cmath>
#include <numbers>

#include "tests/oracles/printed_digits.hpp"

namespace heatbath::reference {
namespace {

TEST(Quadrature, GaussAndKronrodAgreeOnASmoothIntegral) {
  const QuadratureRule rule = gauss_rule(0, 2, 3);
  double sum = 0;
  for (std::size_t i = 0; i < rule.nodes.size(); ++i) sum += rule.weights[i] * std::exp(rule.nodes[i]);
  EXPECT_NEAR(sum, std::expm1(2.0), 1e-13);
  EXPECT_NEAR(integrate([](double x) { return std::exp(x); }, 0, 2), std::expm1(2.0), 1e-13);
  EXPECT_THROW(integrate([](double) { return 1.0; }, 0, INFINITY), std::invalid_argument);
}

TEST(BoltzmannCell, LinearCellIsTheGaussianOfEquipartition) {
  const BoltzmannLaw law = linear_cell(3, 0.6).law(0.7);
  EXPECT_NEAR(law.average([](double x) { return x; }), 0.2, 1e-12);
  EXPECT_NEAR(law.average([](double x) { return (x - 0.2) * (x - 0.2); }), 0.7 / 3, 1e-12);
  EXPECT_NEAR(law.log_partition(), 0.5 * std::log(2 * std::numbers::pi * 0.7 / 3) + 0.6 * 0.6 / (2 * 3 * 0.7), 1e-12);
  EXPECT_NEAR(law.cumulative(0.2 + std::sqrt(0.7 / 3)), 0.5 * std::erfc(-1 / std::numbers::sqrt2), 1e-12);
}

TEST(BoltzmannCell, QuantileInvertsTheCumulativeProbability) {
  const BoltzmannLaw law = double_well(4, 0.3).law(1);
  for (const double u : {1e-9, 0.01, 0.3, 0.5, 0.77, 0.999999}) EXPECT_NEAR(law.cumulative(law.quantile(u)), u, 1e-14);
}

TEST(BoltzmannCell, DoubleWellTable) {
  const struct {
    double height;
    const char *log_partition, *mean_square;
  } rows[] = {{2, "0.34423822", "0.85213615"},
              {4, "-0.05357185", "0.91767086"},
              {6, "-0.28339913", "0.94958627"},
              {8, "-0.43958555", "0.96445636"}};
  for (const auto& row : rows) {
    const BoltzmannLaw law = double_well(row.height).law(1);
    EXPECT_DIGITS(law.log_partition() - row.height, row.log_partition);
    EXPECT_DIGITS(law.average([](double x) { return x * x; }), row.mean_square);
  }
}

// Integration by parts: <x V'(x)> = T for any cell that confines.
TEST(BoltzmannCell, VirialTheoremHoldsForAnyCell) {
  for (const QuarticCell cell : {QuarticCell{-3, 0.5, 0.8}, QuarticCell{0, 2, -1}, QuarticCell{1, 0.1, 0}}) {
    for (const double temperature : {0.1, 1.0, 5.0}) {
      EXPECT_NEAR(cell.law(temperature).average([&](double x) { return -x * cell.force(x); }), temperature,
                  1e-10 * temperature);
    }
  }
}

TEST(BoltzmannCell, EnergyWithoutLowerBoundIsRefused) {
  EXPECT_THROW((QuarticCell{-1, 0, 0}.law(1)), std::invalid_argument);
  EXPECT_THROW((QuarticCell{1, 0, 0}.law(-1)), std::invalid_argument);
}

// Printed digits of an independent Gauss-Legendre integration over the two kinds of quadrant, 300 and 500 points a
// side.
TEST(SoftCells, EffectiveSignCouplingTable) {
  const struct {
    double height;
    const char *half, *one;  // for couplings 0.5 and 1 of the papers' sign
  } rows[] = {{1, ".3436341906", ".6951572773"},
              {2, ".3770001922", ".7552622275"},
              {4, ".4349440770", ".8691471996"},
              {8, ".4729379914", ".9457617930"}};
  for (const auto& row : rows) {
    EXPECT_DIGITS(-effective_sign_coupling(double_well(row.height), -0.5, 1), row.half);
    EXPECT_DIGITS(-effective_sign_coupling(double_well(row.height), -1, 1), row.one);
  }
}

TEST(SoftCells, EffectiveSignBiasTable) {
  const struct {
    double height;
    const char *half, *one;
  } rows[] = {{2, ".43365561", ".86501353"}, {4, ".46620837", ".93122655"}, {8, ".48625988", ".97233503"}};
  for (const auto& row : rows) {
    EXPECT_DIGITS(-effective_sign_bias(double_well(row.height, 0.5), 1), row.half);
    EXPECT_DIGITS(-effective_sign_bias(double_well(row.height, 1), 1), row.one);
  }
}

TEST(CoupledPair, LinearPairHasTheCovarianceOfTheInverseMatrix) {
  // K = [[2, -1], [-1, 2]]: <x y> = T/3, <x^2> = 2T/3.
  const auto average = [](auto f) { return pair_average(linear_cell(2), linear_cell(2), -1, 0.9, f); };
  EXPECT_NEAR(average([](double x, double y) { return x * y; }), 0.3, 1e-10);
  EXPECT_NEAR(average([](double x, double) { return x * x; }), 0.6, 1e-10);
}

}  // namespace
}  // namespace heatbath::reference
