// Samples of networks of every kind against their exact laws, and what their certificates say.
#include "heatbath/solvers/sample.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "heatbath/error.hpp"
#include "heatbath/open.hpp"
#include "oracles/enumeration.hpp"
#include "oracles/ising.hpp"

namespace heatbath::solvers {
namespace {

using network::Edge;
using network::Network;

void expect_near(const measure::Estimate& found, double exact, const char* what) {
  EXPECT_LT(std::abs(found.value - exact), 4 * found.standard_error) << what << ": " << found.value << " +- " << found.standard_error << " for " << exact;
}

TEST(Sample, SpinsFollowTheirLawAndTheCertificateSaysSo) {
  const auto bonds = reference::square_torus(4, reference::glass_strengths(4));
  std::vector<Edge> edges;
  for (const auto& bond : bonds)
    edges.push_back({static_cast<std::uint32_t>(std::min(bond.a, bond.b)), static_cast<std::uint32_t>(std::max(bond.a, bond.b)), -bond.coupling});
  // Codes of one range for all biases would hold small fields badly, as the notes of a result say: none there.
  for (const auto& [uri, field] : {std::pair{"func:cell=pbit&topology=torus:4x4&lanes=64&threads=1", 0.2},
                                   std::pair{"func:profile=coded&integer_sums=no&cell=pbit&topology=torus:4x4", 0.0}}) {
    const std::vector<double> h(16, field), bias(16, -field);
    const reference::Enumeration exact(16, bonds, bias);
    Device device = open(uri);
    const Sampling at = sample(device, Network::ising(edges, h), {.kT = 2, .records = 400, .burn_in = 60, .spacing = 3});
    expect_near(at.samples.mean_energy(), exact.mean_energy(2), uri);
    expect_near(at.samples.mean_product(0, 1), exact.correlations(2)(0, 1), uri);
    ASSERT_TRUE(at.certificate);
    EXPECT_TRUE(at.certificate->clean()) << measure::text(*at.certificate);
    EXPECT_NEAR(at.certificate->inverse_temperature.value, 0.5, 0.02);
  }
}

TEST(Sample, LinearCellsHaveMeanAndCovarianceOfTheirMatrix) {
  Device device = open("func:stepper=exact-ou&cells=2&lanes=64&threads=1");
  const std::vector<double> A{2, -1, -1, 3}, b{1, 2};  // inverse: {3, 1, 1, 2}/5
  const Sampling at = sample(device, Network::quadratic_form(A, b), {.kT = 0.5, .records = 300});
  expect_near(at.samples.mean(0), 1, "x0");
  expect_near(at.samples.mean(1), 1, "x1");
  expect_near(at.samples.mean_product(0, 1), 1 + 0.5 * 0.2, "x0 x1");
  ASSERT_TRUE(at.certificate);
  EXPECT_TRUE(at.certificate->clean()) << measure::text(*at.certificate);
}

TEST(Sample, QuarticWellsFollowTheirQuadrature) {
  Device device = open("func:stepper=leimkuhler-matthews&cells=4&lanes=64&threads=1");
  const Sampling at = sample(device, Network::double_wells(4, 1), {.kT = 0.7, .records = 150, .burn_in = 20, .spacing = 3});
  double z = 0, energy = 0;  // V = (x^2 - 1)^2
  for (int k = -40000; k <= 40000; ++k) {
    const double x = k * 1e-4, v = (x * x - 1) * (x * x - 1), w = std::exp(-v / 0.7);
    z += w, energy += v * w;
  }
  expect_near(at.samples.mean_energy(), 4 * energy / z, "energy");
  expect_near(at.samples.mean(2), 0, "position");
}

TEST(Sample, PhasesHaveTheCorrelationOfTwoRotors) {
  Device device = open("func:cell=phase&stepper=heun&cells=2&lanes=64&threads=1");
  const Network pair = Network::kuramoto(std::vector<Edge>{{0, 1, 1.0}}, std::vector<double>{0, 0});
  const Sampling at = sample(device, pair, {.kT = 1, .records = 200, .burn_in = 20, .spacing = 4});
  double z = 0, energy = 0;  // of the difference: E = -cos
  for (int k = 0; k < 10000; ++k) {
    const double c = std::cos(2 * M_PI * k / 10000), w = std::exp(c);
    z += w, energy -= c * w;
  }
  expect_near(at.samples.mean_energy(), energy / z, "energy");
  EXPECT_FALSE(at.certificate);
}

TEST(Sample, HeatIsMeteredOnRequestAndTimesAreAskedForWhereNoBoundIsKnown) {
  Device device = open("func:cell=pbit&cells=4&lanes=16&threads=1");
  const Network cold = Network::ising(std::vector<Edge>{{0, 1, 2.0}, {1, 2, 2.0}, {2, 3, 2.0}}, std::vector<double>(4));
  try {
    sample(device, cold, {.kT = 0.5});
    ADD_FAILURE() << "no bound, no time, and no refusal";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), HB_UNSUPPORTED) << error.what();
  }
  const Sampling at = sample(device, cold, {.kT = 0.5, .chains = 16, .records = 4, .burn_in = 50, .spacing = 1, .meters = true});
  EXPECT_TRUE(std::isfinite(at.samples.heat_joules));
  EXPECT_EQ(at.samples.size(), 64u);
  EXPECT_THROW(sample(device, cold, {.kT = 0}), Error);
}

}  // namespace
}  // namespace heatbath::solvers
