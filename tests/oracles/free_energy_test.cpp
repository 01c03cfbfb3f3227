#include "oracles/free_energy.hpp"

#include <cmath>
#include <numbers>
#include <random>
#include <vector>

#include "tests/oracles/printed_digits.hpp"

namespace heatbath::reference {
namespace {

// Works of a process with Gaussian work distribution: F_1 - F_0 = mean - variance/2 at T = 1.
std::vector<double> gaussian_works(double mean, double variance, std::size_t count, unsigned seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal(mean, std::sqrt(variance));
  std::vector<double> works;
  for (std::size_t i = 0; i < count; ++i) works.push_back(normal(random));
  return works;
}

TEST(FreeEnergy, TiltedWellOfTheFlowPaper) {
  // u = -0.5 x - 6 x^2 + x^4 + y^2/2 from a standard normal prior in both coordinates.
  const BoltzmannLaw well = QuarticCell{-6, 1, -.5}.law(1);
  const double log_plane = well.log_partition() + 0.5 * std::log(2 * std::numbers::pi);
  EXPECT_DIGITS(well.log_partition(), "9.3745411739");
  EXPECT_DIGITS(log_plane, "10.293479707");
  EXPECT_DIGITS(-(log_plane - std::log(2 * std::numbers::pi)), "-8.4556026407");
  EXPECT_DIGITS(free_energy_difference(linear_cell(1).law(1), well), "-8.4556026407");
  const double right = 1 - well.cumulative(0);
  EXPECT_DIGITS(right, ".84430709621");
  EXPECT_DIGITS(std::log(right / (1 - right)), "1.6906307849");
  EXPECT_DIGITS(well.average([](double x) { return x; }), "1.1879609834");
  EXPECT_DIGITS(well.average([](double x) { return x * x; }), "2.9598060905");
}

TEST(FreeEnergy, DeviceFriendlyWell) {
  const BoltzmannLaw well = QuarticCell{-1, .25, .3}.law(1);
  EXPECT_DIGITS(free_energy_difference(linear_cell(1).law(1), well), "-1.1812045372");
  EXPECT_DIGITS(well.log_partition(), "2.1001430704");
  EXPECT_DIGITS(1 - well.cumulative(0), ".33143054012");
  EXPECT_DIGITS(well.average([](double x) { return x; }), "-.4825385282");
  EXPECT_DIGITS(well.average([](double x) { return x * x; }), "1.7326323277");
}

TEST(Jarzynski, GaussianWorkGivesTheFreeEnergyWithinItsError) {
  const FreeEnergyEstimate estimate = jarzynski(gaussian_works(1.2, 1, 100000, 1), 1);
  EXPECT_NEAR(estimate.value, .7, 4 * estimate.standard_error);
  // Var(e^-W)/<e^-W>^2 = e - 1.
  EXPECT_NEAR(estimate.standard_error, std::sqrt((std::numbers::e - 1) / 100000), .1 * estimate.standard_error);
  EXPECT_NEAR(estimate.effective_samples, 100000 / std::numbers::e, 3000);
}

TEST(Jarzynski, TemperatureScalesTheResult) {
  std::vector<double> works = gaussian_works(1.2, 1, 1000, 2);
  const FreeEnergyEstimate one = jarzynski(works, 1);
  for (double& work : works) work = 3 * work + 5;
  EXPECT_NEAR(jarzynski(works, 3).value, 3 * one.value + 5, 1e-11);
  EXPECT_NEAR(jarzynski(works, 3).standard_error, 3 * one.standard_error, 1e-11);
  EXPECT_THROW(jarzynski(std::vector<double>{1}, 1), std::invalid_argument);
}

// The scatter of many estimates is the error that each one states.
TEST(Bennett, TwoSidedWorkGivesTheFreeEnergyWithinItsError) {
  const double difference = .7, dissipation = 1.5;
  double sum = 0, squares = 0;
  const int repeats = 200;
  for (unsigned repeat = 0; repeat < repeats; ++repeat) {
    const auto forward = gaussian_works(difference + dissipation, 2 * dissipation, 400, 10 + 2 * repeat);
    const auto reverse = gaussian_works(-difference + dissipation, 2 * dissipation, 800, 11 + 2 * repeat);
    const FreeEnergyEstimate estimate = bennett(forward, reverse, 1);
    const double z = (estimate.value - difference) / estimate.standard_error;
    sum += z;
    squares += z * z;
  }
  EXPECT_NEAR(sum / repeats, 0, 4 / std::sqrt(repeats));
  EXPECT_NEAR(squares / repeats, 1, 4 * std::sqrt(2.0 / repeats));
}

TEST(Bennett, ExchangingTheSidesChangesTheSign) {
  const auto forward = gaussian_works(2, 3, 300, 5), reverse = gaussian_works(1, 3, 500, 6);
  EXPECT_NEAR(bennett(forward, reverse, .8).value, -bennett(reverse, forward, .8).value, 1e-11);
  // Certain works on both sides leave nothing to estimate.
  EXPECT_NEAR(bennett(std::vector<double>(3, .4), std::vector<double>(9, -.4), 1).value, .4, 1e-12);
}

TEST(Wasserstein, GaussiansMoveByMeanAndWidth) {
  const double distance = wasserstein2_squared(linear_cell(1).law(1), linear_cell(4, 8).law(1));
  EXPECT_NEAR(distance, 2 * 2 + .5 * .5, 1e-10);
}

// Digits of an independent inversion of both distributions on a grid of 800000 cells.
TEST(Landauer, ErasureDistanceTable) {
  const struct {
    double height;
    const char* distance;
  } rows[] = {{2, "1.16806559"}, {4, "1.47592397"}, {8, "1.70174427"}, {16, "1.81457345"}};
  for (const auto& row : rows) EXPECT_DIGITS(erasure_distance_squared(row.height, 1), row.distance);
  EXPECT_NEAR(erasure_work_bound(4, 1, 10), std::numbers::ln2 + .147592397, 1e-8);
}

}  // namespace
}  // namespace heatbath::reference
