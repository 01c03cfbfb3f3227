// Searches and ladders on devices, against every state counted.
#include <gtest/gtest.h>

#include <cmath>
#include <ctime>
#include <map>
#include <random>

#include "heatbath/error.hpp"
#include "heatbath/measure/estimate.hpp"
#include "heatbath/open.hpp"
#include "heatbath/solvers/anneal.hpp"
#include "oracles/enumeration.hpp"
#include "oracles/ising.hpp"

namespace heatbath::solvers {
namespace {

using network::Edge;
using network::Network;

constexpr std::uint32_t kSide = 4, kSpins = 16;

struct Torus {
  std::vector<reference::Bond> bonds;
  Network network;
  reference::Enumeration exact;
};

/// The +-J glass, or the ferromagnet, on the 4 x 4 torus, with fields where they are given.
Torus torus(bool glass, double field = 0) {
  const auto bonds = reference::square_torus(kSide, glass ? reference::glass_strengths(kSide) : std::vector<double>{1});
  std::vector<Edge> edges;
  for (const auto& bond : bonds)
    edges.push_back({static_cast<std::uint32_t>(std::min(bond.a, bond.b)), static_cast<std::uint32_t>(std::max(bond.a, bond.b)), -bond.coupling});
  const std::vector<double> h(kSpins, field), bias(kSpins, -field);
  return {bonds, Network::ising(edges, h), reference::Enumeration(kSpins, bonds, bias)};
}

constexpr const char* kTorus = "func:cell=pbit&topology=torus:4x4&lanes=32&threads=1";

TEST(Anneal, FindsTheGroundStateOfTheGlassWithEachOfAHundredSeeds) {
  const Torus glass = torus(true);
  Device device = open(kTorus);
  int found = 0;
  std::vector<double> seconds;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const std::clock_t start = std::clock();  // of this process: others share the machine
    const SampleSet set = anneal(device, glass.network, {.reads = 32, .sweeps = 100, .seed = seed});
    seconds.push_back(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
    found += set.lowest_energy() == glass.exact.lowest_energy();
  }
  EXPECT_EQ(found, 100);
  std::ranges::sort(seconds);
  RecordProperty("median_milliseconds", std::to_string(1e3 * seconds[50]));
}

TEST(Anneal, HasTheSameBitsForAnyNumberOfLanesAndItsOwnForEachSeed) {
  const Torus glass = torus(true);
  const auto states = [&](const char* uri, std::uint64_t seed) {
    Device device = open(uri);
    const SampleSet set = anneal(device, glass.network, {.reads = 20, .sweeps = 3, .seed = seed});
    return std::vector<float>(set.states().begin(), set.states().end());
  };
  const auto first = states(kTorus, 5);
  EXPECT_EQ(first, states("func:cell=pbit&topology=torus:4x4&lanes=3&threads=2", 5));
  EXPECT_NE(first, states(kTorus, 6));
}

TEST(Anneal, APolishIsNamedAndEndsWhereNoFlipHelps) {
  const Torus glass = torus(true);
  Device device = open(kTorus);
  const SampleSet plain = anneal(device, glass.network, {.reads = 32, .sweeps = 1, .coldest = 3, .hottest = 3});
  const SampleSet polished = anneal(device, glass.network, {.reads = 32, .sweeps = 1, .coldest = 3, .hottest = 3, .polish = true});
  double before = 0, after = 0;
  for (std::size_t k = 0; k < 32; ++k) {
    before += plain.energies()[k], after += polished.energies()[k];
    EXPECT_LE(polished.energies()[k], plain.energies()[k]);
    EXPECT_NEAR(polished.energies()[k], glass.network.energy(polished.state(k)), 1e-12);
  }
  EXPECT_LT(after, before);
  EXPECT_EQ(plain.notes.size(), 0u);
  ASSERT_EQ(polished.notes.size(), 1u);
  EXPECT_NE(polished.notes[0].find("polished"), std::string::npos);
}

/// Mean energies and the share of ground states of a ladder, against enumeration: |z| < 4 for each.
void expect_the_law(Device& device, const Torus& problem, bool clusters, std::uint32_t rounds) {
  TemperingOptions options;
  options.ladder = {0.5, 0.8, 1.2, 1.8, 3};
  options.replicas = 32;
  options.sweeps = 2;
  options.settle = 40;
  options.rounds = rounds;
  options.clusters = clusters;
  options.seed = 3;
  const double lowest = problem.exact.lowest_energy();
  std::vector<measure::BlockedMeans> ground(5, measure::BlockedMeans(2, 16));
  options.observe = [&](const TemperingOptions::View& view) {
    double m = 0;
    for (const float s : view.state) m += static_cast<double>(s) / kSpins;
    // Cluster moves join pairs of replicas, so all replicas of a stretch of rounds are one block.
    ground[view.temperature].add(view.round * 16 / rounds, {view.energy < lowest + 1e-9 ? 1.0 : 0.0, m * m});
  };
  const TemperingResult result = temper(device, problem.network, options);
  for (std::size_t t = 0; t < 5; ++t) {
    const double kT = options.ladder[t];
    const double share = problem.exact.average(kT, [&](reference::BinaryState s) { return problem.exact.energies()[s] < lowest + 1e-9 ? 1.0 : 0.0; });
    const measure::Estimate found = ground[t].mean_estimate(0), square = ground[t].mean_estimate(1);
    EXPECT_LT(std::abs(found.value - share), 4 * found.standard_error) << "kT " << kT << ": " << found.value << " for " << share;
    EXPECT_LT(std::abs(square.value - reference::magnetisation(problem.exact, kT).square), 4 * square.standard_error) << "kT " << kT;
    const measure::Estimate& energy = result.energy[t];
    const double exact = problem.exact.mean_energy(kT);
    EXPECT_LT(std::abs(energy.value - exact), 4 * energy.standard_error) << "kT " << kT << ": " << energy.value << " for " << exact;
    EXPECT_LT(energy.standard_error, 0.01 * std::abs(exact));
  }
}

TEST(Tempering, ExchangesAndClustersPreserveTheLawOfEachTemperature) {
  for (const bool clusters : {false, true}) {
    Device device = open(kTorus);
    expect_the_law(device, torus(true), clusters, 1500);
  }
}

TEST(Tempering, WithFieldsToo) {
  Device device = open(kTorus);
  expect_the_law(device, torus(true, 0.3), true, 1500);
}

TEST(Tempering, RefusalsAreThoseOfTheExactLawsAndTripsThoseOfTheLadder) {
  const Torus ferromagnet = torus(false);
  TemperingOptions options;
  options.ladder = {1.5, 2, 2.5, 3, 4};
  options.replicas = 32;
  options.sweeps = 12;  // states forget theirs between exchanges
  options.settle = 50;
  options.rounds = 2000;
  Device device = open(kTorus);
  const TemperingResult result = temper(device, ferromagnet.network, options);
  const double exact[] = {0.74099038, 0.61361373, 0.65747776, 0.61377010};  // acceptance, by enumeration
  for (std::size_t t = 0; t < 4; ++t) EXPECT_NEAR(1 - result.refused[t], exact[t], 0.008) << t;
  EXPECT_NEAR(static_cast<double>(result.round_trips), result.predicted_round_trips, 0.2 * result.predicted_round_trips);
  EXPECT_GT(result.round_trips, 1000u);
}

// Where sweeps alone slow down: 32 x 32 spins at the critical temperature, against Kaufman's exact sum.
TEST(Tempering, TheCriticalTorusHasItsExactEnergy) {
  const double kTc = reference::onsager_critical_temperature();
  Device device = open("func:cell=pbit&topology=torus:32x32&lanes=32&threads=1");
  const Network network = Network::ising(network::edges_of(device.capabilities().couplers(), 1), std::vector<double>(1024));
  TemperingOptions options;
  options.ladder = {kTc, 2.33, 2.4, 2.5, 2.65, 2.9};
  options.replicas = 32;
  options.sweeps = 8;
  options.settle = 150;
  options.rounds = 500;
  const measure::Estimate energy = temper(device, network, options).energy.front();
  const double exact = 1024 * reference::torus_energy_per_spin(32, 32, kTc);
  EXPECT_LT(std::abs(energy.value - exact), 4 * energy.standard_error) << energy.value << " for " << exact;
  EXPECT_LT(4 * energy.standard_error, 0.012 * std::abs(exact));
  EXPECT_NEAR(energy.value, exact, 0.003 * std::abs(exact));
}

TEST(Tempering, AFoundLadderRefusesEquallyOften) {
  TemperingOptions options;
  options.temperatures = 6;
  options.coldest = 0.6, options.hottest = 6;
  options.replicas = 32;
  options.settle = 300;
  options.rounds = 300;
  Device device = open(kTorus);
  const TemperingResult result = temper(device, torus(false).network, options);
  for (const double rate : result.refused) EXPECT_NEAR(rate, result.barrier / 5, 0.35 * result.barrier / 5);
  EXPECT_EQ(result.ladder.front(), 0.6);
  EXPECT_EQ(result.ladder.back(), 6);
}

TEST(Tempering, EndsAtItsTargetAndKeepsWhatAnInterruptedRunHas) {
  const Torus glass = torus(true);
  Device device = open(kTorus);
  TemperingOptions options;
  options.target = glass.exact.lowest_energy();
  const TemperingResult reached = temper(device, glass.network, options);
  EXPECT_EQ(reached.best.lowest_energy(), glass.exact.lowest_energy());
  EXPECT_LT(reached.rounds, 100u);
  EXPECT_EQ(reached.best.origin(), Origin::search);

  options.target.reset();
  options.progress = [&](double fraction) { return fraction < 0.1; };
  const TemperingResult ended = temper(device, glass.network, options);
  EXPECT_TRUE(ended.interrupted);
  EXPECT_EQ(ended.best.size(), options.replicas);
}

// One code for a chip with converters of 8 bits, one with a single temperature, spread and no seeds, and one in SystemC.
TEST(Searches, RunOnEveryDeviceThatHoldsTheProblem) {
  const Torus glass = torus(true);
  std::vector<std::string> devices{"func:profile=coded&integer_sums=no&cell=pbit&topology=torus:4x4&lanes=16", "func:profile=silicon&cell=pbit&topology=torus:4x4"};
#ifdef HEATBATH_HAS_SYSTEMC
  devices.push_back("tlm:cell=pbit&topology=torus:4x4&lanes=8");
#endif
  for (const std::string& uri : devices) {
    Device device = open(uri);
    const SampleSet set = anneal(device, glass.network, {.reads = 16, .sweeps = 60});
    EXPECT_EQ(set.lowest_energy(), glass.exact.lowest_energy()) << uri;
    TemperingOptions options;
    options.temperatures = 4, options.replicas = 4, options.settle = 8, options.rounds = 40;
    options.target = glass.exact.lowest_energy();
    EXPECT_EQ(temper(device, glass.network, options).best.lowest_energy(), glass.exact.lowest_energy()) << uri;
  }
}

// On a device of codes the law is that of the couplings as they are held, here exactly: energies and temperatures fit.
TEST(Searches, CodesHoldTheLawOfTheGlass) {
  Device device = open("func:profile=coded&integer_sums=no&cell=pbit&topology=torus:4x4&lanes=32");
  expect_the_law(device, torus(true), false, 600);
}

TEST(Searches, OptionsOutOfRangeAreRefusedByName) {
  const Torus glass = torus(true);
  Device device = open(kTorus);
  const auto refusal = [&](const TemperingOptions& options) -> std::string {
    try {
      temper(device, glass.network, options);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), HB_BAD_ARG);
      return error.what();
    }
    return "";
  };
  TemperingOptions falling, alone;
  falling.ladder = {2, 1};
  EXPECT_NE(refusal(falling).find("temperature 1 of the ladder"), std::string::npos);
  alone.clusters = true, alone.replicas = 1;
  EXPECT_NE(refusal(alone).find("cluster moves"), std::string::npos);
  EXPECT_THROW(anneal(device, glass.network, {.sweeps = 0}), Error);
  EXPECT_THROW(anneal(device, glass.network, {.coldest = 2, .hottest = 1}), Error);
  Device cells = open("func:cells=16");
  EXPECT_THROW(anneal(cells, glass.network), Error);
}

}  // namespace
}  // namespace heatbath::solvers
