#include "oracles/fokker_planck.hpp"

#include <cmath>
#include <numbers>

#include "oracles/boltzmann_cell.hpp"
#include "oracles/exact_ou.hpp"
#include "oracles/first_passage.hpp"
#include "oracles/kuramoto.hpp"
#include "tests/oracles/printed_digits.hpp"

namespace heatbath::reference {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

Function energy(const QuarticCell& cell) {
  return [cell](double x) { return cell.energy(x); };
}

double sign(double x, double) { return x > 0 ? 1 : -1; }
double first(double x, double) { return x; }
double square(double x, double) { return x * x; }

// A second-order result on a grid and on one twice as fine, extrapolated to no width.
template <class Result>
double extrapolated(int cells, Result result) {
  const double coarse = result(cells);
  return (4 * result(2 * cells) - coarse) / 3;
}

TEST(FokkerPlanck, StationaryLawIsBoltzmanns) {
  const QuarticCell cell = double_well(4, 0.3);
  const BoltzmannLaw law = cell.law(1);
  const FokkerPlanck equation = FokkerPlanck::line({-2.5, 2.5, 400}, energy(cell), 1);
  const VectorXd p = equation.stationary();
  EXPECT_TRUE(p.isApprox(equation.law([&](double x, double) { return law.density(x); }), 1e-10));
  EXPECT_NEAR(equation.average(p, square), law.average([](double x) { return x * x; }), 1e-8);
  EXPECT_LT((equation.generator() * p).lpNorm<Eigen::Infinity>(), 1e-10);
}

TEST(FokkerPlanck, StationaryLawOfHighWallsAndBarriersDoesNotOverflow) {
  const FokkerPlanck equation = FokkerPlanck::line({-4, 4, 400}, energy(double_well(25)), 1);
  const VectorXd p = equation.stationary();
  EXPECT_NEAR(p.head(200).sum(), 0.5, 1e-3);  // rounding of the hopping rates against e^-25 over the barrier
  EXPECT_NEAR(equation.average(p, square), double_well(25).law(1).average([](double x) { return x * x; }), 1e-3);
}

// The decay rate of <sgn x(0) sgn x(t)> in V = h (x^2 - 1)^2 at T = 1.
TEST(FokkerPlanck, RelaxationEigenvalueTable) {
  const struct {
    double height;
    const char* rate;
  } rows[] = {{2, ".454547"}, {4, ".119118"}, {6, ".0248465"}, {8, ".00457495"}};
  for (const auto& row : rows) {
    const double rate = extrapolated(1000, [&](int cells) {
      return FokkerPlanck::line({-3, 3, cells}, energy(double_well(row.height)), 1).relaxation_rate(sign);
    });
    EXPECT_DIGITS(rate, row.rate);
  }
}

TEST(FokkerPlanck, CorrelationDecaysWithTheEigenvalue) {
  const FokkerPlanck equation = FokkerPlanck::line({-3, 3, 300}, energy(double_well(4)), 1);
  const double rate = equation.relaxation_rate(sign);
  EXPECT_NEAR(std::log(equation.correlation(sign, 4) / equation.correlation(sign, 9)) / 5, rate, 1e-6);
}

TEST(FokkerPlanck, LinearCellFollowsTheExactProcess) {
  const LinearNetwork exact = linear_network(MatrixXd::Constant(1, 1, 2), .7);
  const auto moments = [&](int cells) {
    const FokkerPlanck equation = FokkerPlanck::line({-5, 5, cells}, energy(linear_cell(2)), .7);
    const VectorXd p =
        equation.evolve(equation.law([](double x, double) { return std::exp(-(x - 1) * (x - 1) / (2 * .09)); }), .4);
    EXPECT_NEAR(p.sum(), 1, 1e-12);
    return std::pair(equation.average(p, first), equation.average(p, square));
  };
  const double mean = extrapolated(400, [&](int cells) { return moments(cells).first; });
  const double second = extrapolated(400, [&](int cells) { return moments(cells).second; });
  const double exact_mean = ou_mean(exact, VectorXd::Ones(1), .4)(0);
  EXPECT_NEAR(mean, exact_mean, 1e-6);
  EXPECT_NEAR(second, exact_mean * exact_mean + ou_covariance(exact, MatrixXd::Constant(1, 1, .09), .4)(0, 0), 1e-6);
}

TEST(FokkerPlanck, MeanAbsorptionTimeIsThePassageIntegral) {
  for (const double height : {2.0, 4.0}) {
    const double time = extrapolated(800, [&](int cells) {
      const FokkerPlanck equation =
          FokkerPlanck::line({-3, 0, cells, Edge::reflecting, Edge::absorbing}, energy(double_well(height)), 1);
      return equation.mean_absorption_time().dot(equation.point(-1));
    });
    EXPECT_NEAR(time / double_well_times(height, 1).to_top, 1, 1e-5);
  }
}

TEST(FokkerPlanck, SurvivalFollowsFromAbsorption) {
  // Free diffusion on (0, 1) with both ends absorbing: the slowest mode dies at the rate pi^2 D.
  const FokkerPlanck equation = FokkerPlanck::line(
      {0, 1, 200, Edge::absorbing, Edge::absorbing}, [](double) { return 0.0; }, 1);
  const VectorXd start = equation.law([](double x, double) { return std::sin(std::numbers::pi * x); });
  EXPECT_NEAR(equation.evolve(start, .2).sum(), std::exp(-.2 * std::numbers::pi * std::numbers::pi), 1e-4);
  EXPECT_THROW(equation.stationary(), std::invalid_argument);
}

TEST(FokkerPlanck, WashboardVelocityIsThatOfTheIntegrals) {
  const double velocity = extrapolated(200, [](int cells) {
    const Axis turn{-std::numbers::pi, std::numbers::pi, cells, Edge::periodic, Edge::periodic};
    const FokkerPlanck equation = FokkerPlanck::line(
        turn, [](double x) { return -std::cos(x); }, .5, .75);
    return equation.mean_velocity(equation.stationary(), 0);
  });
  EXPECT_NEAR(velocity, adler_velocity(.75, 1, .5), 1e-6);
}

TEST(FokkerPlanckInThePlane, PairOfSoftCellsHasItsBoltzmannLaw) {
  const QuarticCell cell = double_well(1);
  const Axis axis{-3, 3, 60};
  const auto energy_of_pair = [&](double x, double y) { return cell.energy(x) + cell.energy(y) - .5 * x * y; };
  const FokkerPlanck equation = FokkerPlanck::plane_in_potential(axis, axis, energy_of_pair, 1, 1);
  const double expected = pair_average(cell, cell, -.5, 1, [](double x, double y) { return x * y; });
  EXPECT_NEAR(equation.average(equation.stationary(), [](double x, double y) { return x * y; }), expected, 1e-6);
}

TEST(FokkerPlanckInThePlane, TwoTemperaturesHaveTheExactCovariance) {
  const LinearNetwork exact{(MatrixXd(2, 2) << 2, -1, -1, 2).finished(), (MatrixXd(2, 2) << 2, 0, 0, 1).finished(),
                            VectorXd::Zero(2)};
  const MatrixXd s = stationary_covariance(exact);
  const auto moment = [&](const Field& f) {
    return extrapolated(30, [&](int cells) {
      const Axis x{-7, 7, cells}, y{-6, 6, cells};
      const FokkerPlanck equation = FokkerPlanck::plane_in_potential(
          x, y, [](double u, double v) { return u * u + v * v - u * v; }, 2, 1);
      return equation.average(equation.stationary(), f);
    });
  };
  EXPECT_NEAR(moment([](double x, double) { return x * x; }), s(0, 0), 2e-3);
  EXPECT_NEAR(moment([](double x, double y) { return x * y; }), s(0, 1), 2e-3);
}

TEST(FokkerPlanckInThePlane, RotorTurnsWithTheExactMean) {
  const MatrixXd a = (MatrixXd(2, 2) << 1, -2, 2, 1).finished();
  const Axis axis{-5, 5, 50};
  const FokkerPlanck equation = FokkerPlanck::plane(
      axis, axis, [](double x, double y) { return -x + 2 * y; }, [](double x, double y) { return -2 * x - y; }, 1, 1);
  const VectorXd p = equation.evolve(
      equation.law([](double x, double y) { return std::exp(-2 * ((x - 1) * (x - 1) + y * y)); }), .5, 1e-6);
  const VectorXd mean = ou_mean(linear_network(a, 1), (VectorXd(2) << 1, 0).finished(), .5);
  EXPECT_NEAR(p.sum(), 1, 1e-10);
  EXPECT_NEAR(equation.average(p, first), mean(0), 5e-3);
  EXPECT_NEAR(equation.average(p, [](double, double y) { return y; }), mean(1), 5e-3);
}

}  // namespace
}  // namespace heatbath::reference
