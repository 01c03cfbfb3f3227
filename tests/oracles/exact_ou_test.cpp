#include "oracles/exact_ou.hpp"

#include <Eigen/LU>
#include <cmath>

#include "tests/oracles/printed_digits.hpp"

namespace heatbath::reference {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

MatrixXd matrix(std::initializer_list<std::initializer_list<double>> rows) { return MatrixXd(rows); }

LinearNetwork ring() { return linear_network(matrix({{2, -1, 0}, {0, 2, -1}, {-1, 0, 2}}), 1); }

LinearNetwork two_temperatures() { return {matrix({{2, -1}, {-1, 2}}), matrix({{2, 0}, {0, 1}}), VectorXd::Zero(2)}; }

// The linear system of natural gradient descent: A = F + 0.1, b = (1, -2, 0.5), start at 0.
LinearNetwork natural_gradient() {
  LinearNetwork network = linear_network(matrix({{1.1, .5, .25}, {.5, 1.1, .5}, {.25, .5, 1.1}}), 1);
  network.force << 1, -2, .5;
  return network;
}

TEST(ExactOu, SingleCellHasTheTextbookLaw) {
  const double k = 1.7, temperature = 0.6;
  const LinearNetwork cell = linear_network(matrix({{k}}), temperature);
  for (const double t : {0.01, 0.5, 3.0, 40.0}) {
    const OuTransition transition = ou_transition(cell, t);
    EXPECT_NEAR(transition.propagator(0, 0), std::exp(-k * t), 1e-14);
    EXPECT_NEAR(transition.covariance(0, 0), -temperature / k * std::expm1(-2 * k * t), 1e-14);
  }
  EXPECT_NEAR(euler_maruyama_covariance(cell, 0.1)(0, 0), temperature / k / (1 - k * 0.05), 1e-14);
  EXPECT_THROW(euler_maruyama_covariance(cell, 2 / k + 0.01), std::invalid_argument);
}

TEST(ExactOu, FreeDiffusionAndUnstableCellsAreCovered) {
  EXPECT_NEAR(ou_transition(linear_network(matrix({{0}}), 0.5), 3).covariance(0, 0), 3, 1e-13);
  const OuTransition growing = ou_transition(linear_network(matrix({{-1}}), 0.5), 2);
  EXPECT_NEAR(growing.covariance(0, 0), 0.5 * std::expm1(4), 1e-11);
  EXPECT_THROW(stationary_covariance(linear_network(matrix({{-1}}), 0.5)), std::invalid_argument);
}

TEST(ExactOu, TransitionsCompose) {
  LinearNetwork network = ring();
  network.force << 1, 2, -1;
  const OuTransition a = ou_transition(network, 0.3), b = ou_transition(network, 1.1),
                     both = ou_transition(network, 1.4);
  EXPECT_TRUE(both.propagator.isApprox(b.propagator * a.propagator, 1e-12));
  EXPECT_TRUE(both.covariance.isApprox(b.propagator * a.covariance * b.propagator.transpose() + b.covariance, 1e-12));
  EXPECT_TRUE(both.shift.isApprox(b.propagator * a.shift + b.shift, 1e-12));
}

TEST(ExactOu, StationaryLawSolvesItsEquationAndIsTheLongTimeLimit) {
  LinearNetwork network = linear_network(MatrixXd::Identity(12, 12) * 3, 1);
  for (int i = 0; i < 12; ++i) {
    for (int j = 0; j < 12; ++j) network.stiffness(i, j) += std::sin(1.0 + 3 * i + 7 * j) / 2;
    network.diffusion(i, i) = 1 + 0.1 * i;
  }
  const MatrixXd s = stationary_covariance(network);
  EXPECT_TRUE((network.stiffness * s + s * network.stiffness.transpose()).isApprox(2 * network.diffusion, 1e-12));
  EXPECT_TRUE(ou_transition(network, 60).covariance.isApprox(s, 1e-12));
  const MatrixXd chain = euler_maruyama_covariance(network, 0.05);
  const MatrixXd step = MatrixXd::Identity(12, 12) - 0.05 * network.stiffness;
  EXPECT_TRUE(chain.isApprox(step * chain * step.transpose() + 0.1 * network.diffusion, 1e-12));
}

TEST(NaturalGradient, RelaxationTable) {
  const LinearNetwork network = natural_gradient();
  const VectorXd limit = stationary_mean(network);
  const char* expected_limit[] = {"2.146909525", "-3.502538071", "1.558674231"};
  for (int i = 0; i < 3; ++i) EXPECT_DIGITS(limit(i), expected_limit[i]);
  const MatrixXd s = stationary_covariance(network);
  EXPECT_DIGITS(s(0, 0), "1.146610929");
  EXPECT_DIGITS(s(1, 1), "1.370558376");
  EXPECT_DIGITS(s(0, 1), "-0.5076142132");
  EXPECT_DIGITS(s(0, 2), "-0.0298596596");
  const struct {
    double time;
    const char *mean[3], *error, *covariance;
  } rows[] = {{.5, {".4642684094", "-.8463368078", ".2606035772"}, ".774189", ".6282054556"},
              {1, {".8446934614", "-1.464562869", ".5078787155"}, ".600128", ".8882688292"},
              {2, {"1.375853899", "-2.285259042", ".8950795009"}, ".361044", "1.073298716"},
              {5, {"1.985367284", "-3.23720626", "1.405522715"}, ".0788230", "1.14393051"}};
  for (const auto& row : rows) {
    const VectorXd mean = ou_mean(network, VectorXd::Zero(3), row.time);
    for (int i = 0; i < 3; ++i) EXPECT_DIGITS(mean(i), row.mean[i]);
    EXPECT_DIGITS((mean - limit).norm() / limit.norm(), row.error);
    EXPECT_DIGITS(ou_covariance(network, MatrixXd::Zero(3, 3), row.time)(0, 0), row.covariance);
  }
  EXPECT_DIGITS((ou_mean(network, VectorXd::Zero(3), 10) - limit).norm() / limit.norm(), ".00624896");
  EXPECT_DIGITS(ou_covariance(network, MatrixXd::Zero(3, 3), 10)(0, 0), "1.146594805");
}

// Descent on theta.H.theta/2 with H = F = diag(100, 1): every step follows the state of the network after a window tau,
// which starts from 0 or carries over.
TEST(NaturalGradient, DescentTable) {
  const auto loss = [](double tau, bool carry, int steps) {
    LinearNetwork network = linear_network(matrix({{100.01, 0}, {0, 1.01}}), 1);
    VectorXd theta = VectorXd::Ones(2), state = VectorXd::Zero(2);
    for (int k = 0; k < steps; ++k) {
      network.force << 100 * theta(0), theta(1);
      state = ou_mean(network, carry ? state : VectorXd::Zero(2), tau);
      theta -= .5 * state;
    }
    return 50 * theta(0) * theta(0) + .5 * theta(1) * theta(1);
  };
  const struct {
    double tau;
    bool carry;
    const char* losses[4];
  } rows[] = {{.02, false, {"16.604163", ".62648503", ".41038748", ".3358444"}},
              {.02, true, {"16.604163", ".37836111", ".14091928", ".043437149"}},
              {1, false, {"12.737288", ".060292716", "3.0841769e-4", "1.3591054e-7"}},
              {1, true, {"12.737288", ".049892125", "4.7821353e-5", "9.5784182e-10"}},
              {10, true, {"12.629998", ".049415681", "4.8359491e-5", "4.6330421e-11"}}};
  const int steps[] = {1, 5, 10, 20};
  for (const auto& row : rows) {
    for (int i = 0; i < 4; ++i) EXPECT_DIGITS(loss(row.tau, row.carry, steps[i]), row.losses[i]) << row.tau;
  }
  EXPECT_DIGITS(.5 * std::pow(1 - .01, 40), ".33448588");
}

TEST(EntropyProduction, Table) {
  EXPECT_NEAR(entropy_production_rate(linear_network(matrix({{1, -.5}, {.5, 1}}), 1)), .5, 1e-13);
  const LinearNetwork rotor = linear_network(matrix({{1, -2}, {2, 1}}), 1);
  EXPECT_NEAR(entropy_production_rate(rotor), 8, 1e-12);
  EXPECT_TRUE(stationary_covariance(rotor).isApprox(MatrixXd::Identity(2, 2), 1e-13));
  EXPECT_NEAR(entropy_production_rate(two_temperatures()), .125, 1e-13);
  EXPECT_TRUE(stationary_covariance(two_temperatures()).isApprox(matrix({{1.25, .5}, {.5, .75}}), 1e-13));
  EXPECT_NEAR(entropy_production_rate(ring()), .6, 1e-13);
  EXPECT_NEAR(stationary_covariance(ring())(0, 0), .6, 1e-13);
  EXPECT_NEAR(stationary_covariance(ring())(0, 2), .2, 1e-13);
  // A two-person zero-sum game, a = c: the marginals of the equilibrium and EPR = 2 b^2/a.
  const LinearNetwork game = linear_network(matrix({{1.5, .7}, {-.7, 1.5}}), 1);
  EXPECT_NEAR(entropy_production_rate(game), 2 * .7 * .7 / 1.5, 1e-13);
}

// Heat to the bath of cell i is <F_i o dx_i>/dt = <F_i^2> + T_i <dF_i/dx_i>, F = -A x. From the hot bath flows
// kappa^2 (T1 - T2)/(2 (k + kappa)).
TEST(EntropyProduction, EqualsTheHeatOverTheTemperatures) {
  const LinearNetwork network = two_temperatures();
  const MatrixXd& a = network.stiffness;
  const MatrixXd s = stationary_covariance(network);
  const VectorXd heat = (a * s * a.transpose()).diagonal() - (a * network.diffusion).diagonal();
  EXPECT_NEAR(heat(0), -.25, 1e-13);
  EXPECT_NEAR(heat(1), .25, 1e-13);
  EXPECT_NEAR(heat(0) / 2 + heat(1) / 1, entropy_production_rate(network), 1e-13);
}

TEST(EntropyProduction, VanishesForReciprocalNetworksAtOneTemperature) {
  const LinearNetwork network = linear_network(matrix({{2, -.7, .3}, {-.7, 3, .1}, {.3, .1, 1}}), 1.3);
  EXPECT_NEAR(entropy_production_rate(network), 0, 1e-12);
  EXPECT_TRUE(stationary_covariance(network).isApprox(1.3 * network.stiffness.inverse(), 1e-12));
}

TEST(Underdamped, EquipartitionAndDampedCosine) {
  const double k = 5, m = 2, gamma = 0.8, temperature = 1.4;
  const LinearNetwork cell = underdamped_cell(k, m, gamma, temperature);
  const MatrixXd s = stationary_covariance(cell);
  EXPECT_NEAR(s(0, 0), temperature / k, 1e-13);
  EXPECT_NEAR(s(1, 1), temperature / m, 1e-13);
  EXPECT_NEAR(s(0, 1), 0, 1e-13);
  const double g = gamma / m, w = std::sqrt(k / m - g * g / 4);
  for (const double t : {0.3, 1.0, 4.0}) {
    const double expected = temperature / k * std::exp(-g * t / 2) * (std::cos(w * t) + g / (2 * w) * std::sin(w * t));
    EXPECT_NEAR(autocorrelation(cell, t)(0, 0), expected, 1e-13);
  }
}

TEST(Underdamped, NetworkWithCoupledMassesIsInEquilibrium) {
  const MatrixXd k = matrix({{2, -.5}, {-.5, 1}}), m = matrix({{1, .2}, {.2, .7}});
  const VectorXd damping = (VectorXd(2) << .3, 1.1).finished();
  const MatrixXd s = stationary_covariance(underdamped_network(k, m, damping, VectorXd::Constant(2, .9)));
  EXPECT_TRUE(s.topLeftCorner(2, 2).isApprox(.9 * k.inverse(), 1e-12));
  EXPECT_TRUE(s.bottomRightCorner(2, 2).isApprox(.9 * m.inverse(), 1e-12));
}

TEST(ColouredNoise, BandLimitedCellIsColderThanItsBath) {
  const MatrixXd s = stationary_covariance(band_limited_cell(2, .4, 1.5));
  EXPECT_NEAR(s(0, 0), 1.5 / (2 * (1 + 2 * .4)), 1e-13);
  EXPECT_NEAR(s(1, 1), 1.5 / .4, 1e-12);
}

TEST(MutualInformation, LinearPair) {
  const MatrixXd s = stationary_covariance(linear_network(matrix({{2, -1}, {-1, 2}}), 1));
  EXPECT_DIGITS(gaussian_mutual_information(s, 0, 1), ".1438410362");
}

}  // namespace
}  // namespace heatbath::reference
