#include "oracles/moment_equations.hpp"

#include <cmath>

#include "oracles/deterministic_flow.hpp"
#include "oracles/exact_ou.hpp"
#include "tests/oracles/printed_digits.hpp"

namespace heatbath::reference {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

TEST(StiffnessQuench, Table) {
  const QuenchWork work = stiffness_quench(1, 4, 1);
  EXPECT_EQ(work.mean, 1.5);
  EXPECT_EQ(work.variance, 4.5);
  EXPECT_EQ(work.exponential_average, .5);
}

TEST(StiffnessQuench, IsTheLimitOfFastRamps) {
  const DrivenMoments ramp = linear_stiffness_ramp(1, 4, 1e-7, 1);
  EXPECT_NEAR(ramp.work_mean, 1.5, 1e-6);
  EXPECT_NEAR(ramp.work_variance, 4.5, 1e-5);
}

TEST(StiffnessRamp, Table) {
  const struct {
    double duration;
    const char *work, *variance;
  } rows[] = {{.1, "1.36887998", ".75631135"}, {.5, "1.07922154", ".37662831"}, {1, ".93604171", ".28913219"},
              {2, ".83260086", ".26401151"},   {5, ".75562836", ".25497984"},   {10, ".72602628", ".25241298"}};
  for (const auto& row : rows) {
    const DrivenMoments ramp = linear_stiffness_ramp(1, 4, row.duration, 1);
    EXPECT_DIGITS(ramp.work_mean, row.work);
    EXPECT_DIGITS(ramp.covariance(0, 0), row.variance);
  }
  const auto drive = [](double k) {
    return QuadraticDrive{MatrixXd::Constant(1, 1, k), VectorXd::Zero(1), MatrixXd::Zero(1, 1), VectorXd::Zero(1)};
  };
  EXPECT_DIGITS(quadratic_free_energy_difference(drive(1), drive(4), 1), ".6931471806");
}

TEST(StiffnessRamp, OptimalProtocolTable) {
  EXPECT_DIGITS(optimal_stiffness_work(1, 4, .5, 1), "1.01521642");
  EXPECT_DIGITS(optimal_stiffness_work(1, 4, 1, 1), ".89057179");
  EXPECT_DIGITS(optimal_stiffness_work(1, 4, 2, 1), ".80380604");
  EXPECT_DIGITS(optimal_stiffness_work(1, 4, 5, 1), ".74073031");
  for (const double t : {.1, 1., 10.}) {
    EXPECT_LT(optimal_stiffness_work(1, 4, t, 1), linear_stiffness_ramp(1, 4, t, 1).work_mean);
  }
}

// Near equilibrium the work is Gaussian, and dissipates Var(W)/(2T).
TEST(StiffnessRamp, SlowRampsObeyFluctuationDissipation) {
  const DrivenMoments ramp = linear_stiffness_ramp(1, 4, 400, 1);
  EXPECT_NEAR((ramp.work_mean - std::log(2.0)) / (ramp.work_variance / 2), 1, 0.01);
}

TEST(DraggedTrap, Table) {
  const double times[] = {.5, 1, 2, 5};
  const char* works[] = {".1065306597", ".3678794412", "1.1353352832", "4.0067379470"};
  for (int i = 0; i < 4; ++i) {
    const DrivenMoments moments = dragged_trap(1, 1, times[i], 1);
    EXPECT_DIGITS(moments.work_mean, works[i]);
    EXPECT_NEAR(moments.work_variance, 2 * moments.work_mean, 1e-8);
  }
}

TEST(DraggedTrap, StiffnessSpeedAndTemperatureScaleTheClosedForm) {
  const double k = 2.5, v = 0.7, t = 1.3, temperature = 0.4;
  const DrivenMoments moments = dragged_trap(k, v, t, temperature);
  EXPECT_NEAR(moments.work_mean, v * v * (t + std::expm1(-k * t) / k), 1e-9);
  EXPECT_NEAR(moments.work_variance, 2 * temperature * moments.work_mean, 1e-9);
}

TEST(MomentEquations, ConstantNetworkFollowsTheExactProcess) {
  MatrixXd k(3, 3);
  k << 2, -.7, .3, -.7, 3, .1, .3, .1, 1;
  const VectorXd centre = (VectorXd(3) << .5, -1, 2).finished();
  const VectorXd temperature = (VectorXd(3) << 1, .5, 2).finished();
  const DrivenNetwork network{[&](double) {
                                return QuadraticDrive{k, centre, MatrixXd::Zero(3, 3), VectorXd::Zero(3)};
                              },
                              temperature};
  const DrivenMoments start{VectorXd::Ones(3), MatrixXd::Identity(3, 3) * .2, 0, 0};
  const DrivenMoments end = drive_moments(network, start, 0, .8);
  const LinearNetwork exact{k, temperature.asDiagonal(), k * centre};
  EXPECT_TRUE(end.mean.isApprox(ou_mean(exact, start.mean, .8), 1e-9));
  EXPECT_TRUE(end.covariance.isApprox(ou_covariance(exact, start.covariance, .8), 1e-9));
  EXPECT_EQ(end.work_mean, 0);
}

TEST(DeterministicFlow, QuarticCellFollowsItsClosedForm) {
  // dx/dt = x - x^3: x^2 = 1/(1 + (x0^-2 - 1) e^{-2t}).
  const auto rate = [](std::span<const double> x, std::span<double> dx, double) { dx[0] = x[0] - x[0] * x[0] * x[0]; };
  const double end = deterministic_flow(rate, {0.1}, 0, 3)[0];
  EXPECT_NEAR(end, 1 / std::sqrt(1 + 99 * std::exp(-6.0)), 1e-10);
}

TEST(DeterministicFlow, LinearNetworkFollowsTheExactMean) {
  MatrixXd a(2, 2);
  a << 1, -2, 2, 1;
  const auto rate = [&](std::span<const double> x, std::span<double> dx, double) {
    Eigen::Map<VectorXd>(dx.data(), 2) = -a * Eigen::Map<const VectorXd>(x.data(), 2);
  };
  const VectorXd exact = ou_mean(linear_network(a, 0), VectorXd::Ones(2), 1.7);
  const std::vector<double> end = deterministic_flow(rate, {1, 1}, 0, 1.7);
  EXPECT_NEAR(end[0], exact(0), 1e-10);
  EXPECT_NEAR(end[1], exact(1), 1e-10);
}

}  // namespace
}  // namespace heatbath::reference
