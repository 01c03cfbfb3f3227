// Derivatives measured through noise against derivatives of closed forms, of the recursion of a linear cell and of an
// enumeration.
#include "heatbath/solvers/gradient.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "heatbath/error.hpp"
#include "heatbath/network/scaling.hpp"
#include "heatbath/open.hpp"

namespace heatbath::solvers {
namespace {

using network::Edge;
using network::Network;
using Numbers = std::vector<double>;

void expect_near(const measure::Estimate& found, double exact, const std::string& what) {
  EXPECT_LT(std::abs(found.value - exact), 4 * found.standard_error) << what << ": " << found.value << " +- " << found.standard_error << " for " << exact;
  EXPECT_LT(found.standard_error, 0.1 * std::abs(exact) + 0.02) << what << ": too blunt to say anything";
}

/// Slope of a function of one number.
template <class F>
double slope(F&& f, double at) {
  return (f(at + 1e-4) - f(at - 1e-4)) / 2e-4;
}

TEST(GradientAtEquilibrium, OfAGaussianIsThatOfItsMatrix) {
  // docs: begin gradient
  Device device = open("func:stepper=exact-ou&cells=2&lanes=64&threads=1");
  const double kT = 0.5;
  const Network cells = Network::quadratic_form(Numbers{2, -1, -1, 3}, Numbers{1, 2});  // V = x'Ax/2 - b'x
  const std::vector<Parameter> parameters{Parameter::of(CellSection::bias, 1), Parameter::of(CellSection::j2, 0),
                                          Parameter::coupling(0, 1)};
  const Gradient found = gradient(device, cells, parameters, [](std::span<const double> x) { return x[0] * x[0]; },
                                  {.method = GradientMethod::equilibrium, .kT = kT, .shots = 512, .records = 64});
  // docs: end gradient
  // <x0^2> = (kT S + m m')_00 with S = A^-1, m = S b; A_00 = 2 J2_0, b = -bias.
  const auto exact = [&](double a, double c, double d, double b0, double b1) {
    const double det = a * d - c * c, m0 = (d * b0 - c * b1) / det;
    return kT * d / det + m0 * m0;
  };
  expect_near(found.mean, exact(2, -1, 3, 1, 2), "mean");
  expect_near(found.derivatives[0], slope([&](double p) { return exact(2, -1, 3, 1, 2 - p); }, 0), "bias 1");
  expect_near(found.derivatives[1], slope([&](double p) { return exact(2 + 2 * p, -1, 3, 1, 2); }, 0), "J2 0");
  expect_near(found.derivatives[2], slope([&](double p) { return exact(2, -1 + p, 3, 1, 2); }, 0), "coupling");
}

TEST(GradientAtEquilibrium, OfSpinsIsThatOfTheirEnumeration) {
  Device device = open("func:cell=pbit&cells=4&lanes=64&threads=1");
  const double kT = 1.3;
  const std::vector<Edge> bonds{{0, 1, 0.5}, {1, 2, -0.4}, {2, 3, 0.7}, {0, 3, 0.3}};
  const auto correlation = [&](double bias0, double extra02) {  // of spins 0 and 2; V = sum b s + sum J s s, J = -bond
    double z = 0, sum = 0;
    for (unsigned bits = 0; bits < 16; ++bits) {
      const auto s = [&](unsigned i) { return (bits >> i & 1) != 0 ? 1.0 : -1.0; };
      double v = bias0 * s(0) + extra02 * s(0) * s(2) - 0.2 * (s(1) + s(2) + s(3));
      for (const Edge& bond : bonds) v -= bond.value * s(bond.i) * s(bond.j);
      const double w = std::exp(-v / kT);
      z += w, sum += w * s(0) * s(2);
    }
    return sum / z;
  };
  const Gradient found = gradient(device, Network::ising(bonds, Numbers(4, 0.2)),
                                  std::vector<Parameter>{Parameter::of(CellSection::bias, 0), Parameter::coupling(2, 0)},
                                  [](std::span<const double> s) { return s[0] * s[2]; },
                                  {.kT = kT, .time = 40, .shots = 512, .records = 64});
  expect_near(found.mean, correlation(-0.2, 0), "mean");
  expect_near(found.derivatives[0], slope([&](double p) { return correlation(-0.2 + p, 0); }, 0), "bias 0");
  expect_near(found.derivatives[1], slope([&](double p) { return correlation(-0.2, p); }, 0), "a coupling that is not there");
}

/// <x^2> of a cell V = j2 x^2 + b x that starts at x0, after so many Euler-Maruyama steps.
double second_moment(double j2, double b, double kT, double x0, double dt, std::uint64_t steps) {
  double m = x0, v = 0;
  for (std::uint64_t k = 0; k < steps; ++k) {
    m += -dt * (2 * j2 * m + b);
    v = (1 - 2 * j2 * dt) * (1 - 2 * j2 * dt) * v + 2 * kT * dt;
  }
  return m * m + v;
}

class GradientInTime : public testing::TestWithParam<GradientMethod> {};

TEST_P(GradientInTime, OfALinearCellIsThatOfItsRecursion) {
  Device device = open("func:cells=1&lanes=64&threads=1");
  Network cell(CellKind::overdamped, 1);
  cell.set(CellSection::j2, 0.8).set(CellSection::bias, 0.4);
  const GradientOptions options{.method = GetParam(), .kT = 0.6, .time = 0.7, .start = {1.2}, .shots = 20000, .stiffness = 0.1};
  const Gradient found = gradient(device, cell,
                                  std::vector<Parameter>{Parameter::of(CellSection::j2, 0), Parameter::of(CellSection::bias, 0)},
                                  [](std::span<const double> x) { return x[0] * x[0]; }, options);
  const network::Scaling scaling(cell, device.capabilities(), {.kT = options.kT, .stiffness = options.stiffness});
  const double dt = scaling.time(device, device.step());
  const auto steps = scaling.ticks(device, options.time).count / device.step().count;
  const auto exact = [&](double j2, double b) { return second_moment(j2, b, options.kT, 1.2, dt, steps); };
  expect_near(found.mean, exact(0.8, 0.4), "mean");
  expect_near(found.derivatives[0], slope([&](double j2) { return exact(j2, 0.4); }, 0.8), "J2");
  expect_near(found.derivatives[1], slope([&](double b) { return exact(0.8, b); }, 0.4), "bias");
  if (GetParam() == GradientMethod::common_noise) {
    EXPECT_LT(found.derivatives[1].standard_error, 0.01) << "noise is not shared";
  }
}

INSTANTIATE_TEST_SUITE_P(Methods, GradientInTime, testing::Values(GradientMethod::common_noise, GradientMethod::path_weights),
                         [](const auto& method) { return method.param == GradientMethod::common_noise ? "CommonNoise" : "PathWeights"; });

TEST(Gradient, OfCoupledQuarticCellsIsTheSameByPathsAndByCommonNoise) {
  Device device = open("func:cells=3&lanes=64&threads=1");
  Network cells = Network::double_wells(3, 1);
  cells.set_aligning(std::vector<Edge>{{0, 1, 0.5}, {1, 2, -0.3}});
  const std::vector<Parameter> parameters{Parameter::coupling(0, 1), Parameter::of(CellSection::j4, 1)};
  const auto observable = [](std::span<const double> x) { return x[0] * x[1] + x[2]; };
  GradientOptions options{.method = GradientMethod::path_weights, .kT = 0.5, .time = 0.5, .start = {0.5, 0, -0.5}, .shots = 8000};
  const Gradient paths = gradient(device, cells, parameters, observable, options);
  options.method = GradientMethod::common_noise;
  options.seed = 2;
  const Gradient common = gradient(device, cells, parameters, observable, options);
  for (std::size_t p = 0; p < 2; ++p) {
    const double error = std::hypot(paths.derivatives[p].standard_error, common.derivatives[p].standard_error);
    EXPECT_LT(std::abs(paths.derivatives[p].value - common.derivatives[p].value), 4 * error) << p;
    EXPECT_GT(std::abs(common.derivatives[p].value), 4 * error) << p << ": too blunt to say anything";
  }
}

TEST(Gradient, RefusesWhatCannotBeMeasured) {
  Device device = open("func:cells=2&lanes=8&threads=1"), silicon = open("func:profile=silicon&cells=2&threads=1");
  const Network cells = Network::quadratic_form(Numbers{2, -1, -1, 3}, Numbers{1, 2});
  const auto observable = [](std::span<const double> x) { return x[0]; };
  const auto refusal = [&](Device& on, const Network& network, const Parameter& p, const GradientOptions& options) {
    try {
      gradient(on, network, std::vector<Parameter>{p}, observable, options);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("nothing was refused");
  };
  const GradientOptions paths{.method = GradientMethod::path_weights, .time = 1};
  EXPECT_NE(refusal(device, cells, Parameter::of(CellSection::mass, 0), {}).find("mass 0 has no part in V"), std::string::npos);
  EXPECT_NE(refusal(device, cells, Parameter::of(CellSection::bias, 2), {}).find("there are 2 values"), std::string::npos);
  EXPECT_NE(refusal(device, cells, Parameter::coupling(0, 2), {}).find("numbered 0 to 1"), std::string::npos);
  EXPECT_NE(refusal(device, cells, Parameter::coupling(0, 1), {.method = GradientMethod::common_noise}).find("a time is needed"), std::string::npos);
  EXPECT_NE(refusal(device, cells, Parameter::coupling(0, 1), {.start = {1, 2}}).find("forgets its start"), std::string::npos);
  EXPECT_NE(refusal(silicon, cells, Parameter::coupling(0, 1), paths).find("INCREMENTS_MARKOV"), std::string::npos)
      << refusal(silicon, cells, Parameter::coupling(0, 1), paths);
  EXPECT_NE(refusal(device, Network::ising(std::vector<Edge>{{0, 1, 1}}, Numbers(2)), Parameter::coupling(0, 1), paths).find("overdamped"), std::string::npos);
}

}  // namespace
}  // namespace heatbath::solvers
