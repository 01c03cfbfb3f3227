// Population annealing, spin reversals and bifurcation, against every state counted.
#include "heatbath/solvers/population.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "heatbath/error.hpp"
#include "heatbath/open.hpp"
#include "heatbath/solvers/anneal.hpp"
#include "heatbath/solvers/bifurcation.hpp"
#include "heatbath/solvers/oscillators.hpp"
#include "oracles/enumeration.hpp"
#include "oracles/ising.hpp"

namespace heatbath::solvers {
namespace {

using network::Edge;
using network::Network;

constexpr std::uint32_t kSpins = 16;

struct Glass {
  Network network;
  reference::Enumeration exact;
};

/// The +-J glass on the 4 x 4 torus in a field.
Glass glass(double field) {
  const auto bonds = reference::square_torus(4, reference::glass_strengths(4));
  std::vector<Edge> edges;
  for (const auto& bond : bonds)
    edges.push_back({static_cast<std::uint32_t>(std::min(bond.a, bond.b)), static_cast<std::uint32_t>(std::max(bond.a, bond.b)), -bond.coupling});
  return {Network::ising(edges, std::vector<double>(kSpins, field)), reference::Enumeration(kSpins, bonds, std::vector<double>(kSpins, -field))};
}

// ln Z and the mean energy at every temperature, both kinds of random bits.
TEST(PopulationAnnealing, GivesPartitionFunctionsAndEnergiesOfTheWholeLadder) {
  const Glass problem = glass(0.25);
  for (const char* planes : {"no", "yes"}) {
    Device device = open(std::string("func:cell=pbit&topology=torus:4x4&lanes=512&threads=1&noise_planes=") + planes);
    PopulationOptions options;
    options.populations = 32;
    options.replicas = 64;
    options.temperatures = 12;
    options.coldest = 0.5, options.hottest = 6;
    options.sweeps = 4;
    options.seed = 5;
    const PopulationResult result = anneal_population(device, problem.network, options);
    ASSERT_EQ(result.steps.size(), 12u);
    double families = 0;
    for (const PopulationStep& step : result.steps) {
      const double ln_z = problem.exact.log_partition(step.kT), energy = problem.exact.mean_energy(step.kT);
      EXPECT_LT(std::abs(step.log_partition.value - ln_z), 4 * step.log_partition.standard_error) << planes << ", kT " << step.kT;
      EXPECT_LT(step.log_partition.standard_error, 0.1);
      EXPECT_LT(std::abs(step.energy.value - energy), 4 * step.energy.standard_error) << planes << ", kT " << step.kT;
      EXPECT_LT(step.energy.standard_error, 0.3);
      families = step.families;
    }
    EXPECT_EQ(result.steps.front().kT, 6);
    EXPECT_NEAR(result.steps.back().kT, 0.5, 1e-12);
    EXPECT_GT(families, 1);
    EXPECT_LT(families, result.steps.front().families) << "families die";
    EXPECT_EQ(result.states.lowest_energy(), problem.exact.lowest_energy());
    EXPECT_THROW(result.states.mean_energy(), Error) << "the last states are a search";
  }
}

TEST(Tempering, GivesPartitionFunctionsOfTheLadder) {
  const Glass problem = glass(0.25);
  Device device = open("func:cell=pbit&topology=torus:4x4&lanes=32&threads=1");
  TemperingOptions options;
  options.ladder = {0.5, 0.8, 1.2, 1.8, 3};
  options.replicas = 32;
  options.settle = 40;
  options.rounds = 320;
  options.partition_functions = true;
  const TemperingResult result = temper(device, problem.network, options);
  ASSERT_EQ(result.log_partition.size(), 5u);
  for (std::size_t t = 1; t < 5; ++t) {
    const double exact = problem.exact.log_partition(options.ladder[t]) - problem.exact.log_partition(0.5);
    const measure::Estimate& found = result.log_partition[t];
    EXPECT_LT(std::abs(found.value - exact), 4 * found.standard_error) << "kT " << options.ladder[t] << ": " << found.value << " for " << exact;
    EXPECT_LT(found.standard_error, 0.05);
  }
}

TEST(PopulationAnnealing, HasTheSameBitsForAnyNumberOfLanes) {
  const Glass problem = glass(0);
  const auto states = [&](const char* uri) {
    Device device = open(uri);
    const PopulationResult result = anneal_population(device, problem.network, {.populations = 4, .replicas = 10, .temperatures = 3, .sweeps = 2});
    return std::vector<float>(result.states.states().begin(), result.states.states().end());
  };
  EXPECT_EQ(states("func:cell=pbit&topology=torus:4x4&lanes=40&threads=1"), states("func:cell=pbit&topology=torus:4x4&lanes=7&threads=2"));
  EXPECT_EQ(states("func:cell=pbit&topology=torus:4x4&lanes=40&threads=1&noise_planes=yes"),
            states("func:cell=pbit&topology=torus:4x4&lanes=7&threads=2&noise_planes=yes"));
}

TEST(PopulationAnnealing, RefusesWhatHasNoErrors) {
  Device device = open("func:cell=pbit&topology=torus:4x4");
  const Network network = glass(0).network;
  EXPECT_THROW(anneal_population(device, network, {.populations = 3}), Error);
  EXPECT_THROW(anneal_population(device, network, {.temperatures = 1}), Error);
  EXPECT_THROW(anneal_population(device, network, {.coldest = 2, .hottest = 1}), Error);
}

// A chip with an offset on every bias prefers states to their mirror images; turned signs take that out.
TEST(SpinReversal, TakesOutWhatAChipAddsToFields) {
  const std::string profile = ::testing::TempDir() + "heatbath_offsets_" + std::to_string(::getpid()) + ".toml";
  std::ofstream(profile) << "[identity]\nname = \"offsets\"\nserial = 1\n[array]\ncell = \"pbit\"\ntopology = \"ring:8\"\nlanes = 64\n"
                            "[parameters]\nstorage = \"code8\"\nbits = 8\nrange_bias = 4.0\nrange_coupling = 4.0\n"
                            "[mismatch]\nbias_offset_sd_steps = 16.0\n";
  std::vector<Edge> ring;
  for (std::uint32_t i = 0; i < 8; ++i) ring.push_back({i, (i + 1) % 8, 1.0});
  const Network ferromagnet = Network::ising(ring, std::vector<double>(8));
  Device device = open("func:profile=" + profile);
  const auto magnetisation = [&](std::uint32_t reversals) {
    double sum = 0, reads = 2048;
    const SampleSet set = anneal(device, ferromagnet, {.reads = 2048, .sweeps = 20, .coldest = 0.5, .hottest = 4, .reversals = reversals});
    for (const float s : set.states()) sum += static_cast<double>(s) / (8 * reads);
    return sum;
  };
  const double bound = 4 / std::sqrt(2048.0);  // of 2048 reads, all spins of which may agree
  EXPECT_GT(std::abs(magnetisation(0)), bound);
  EXPECT_LT(std::abs(magnetisation(1024)), bound);
  std::remove(profile.c_str());
}

TEST(SpinReversal, LeavesTheProblemAsItIs) {
  const Glass problem = glass(0.25);
  Device device = open("func:cell=pbit&topology=torus:4x4&lanes=32");
  const SampleSet set = anneal(device, problem.network, {.reads = 64, .sweeps = 100, .cooling = Cooling::ratio, .reversals = 8});
  EXPECT_EQ(set.size(), 64u);
  EXPECT_EQ(set.lowest_energy(), problem.exact.lowest_energy());
  for (std::size_t k = 0; k < set.size(); ++k) EXPECT_NEAR(set.energies()[k], problem.network.energy(set.state(k)), 1e-12);
  EXPECT_GT(set.success(problem.exact.lowest_energy()), 0.5);
  EXPECT_THROW(anneal(device, problem.network, {.reads = 4, .reversals = 5}), Error);
}

// Without noise each start has its own end; fields and couplings of both signs.
TEST(Bifurcation, FindsGroundStatesOfTheGlass) {
  for (const double field : {0.0, 0.25}) {
    const Glass problem = glass(field);
    Device device = open("func:cell=underdamped&topology=torus:4x4&lanes=64&threads=1");
    const SampleSet set = bifurcate(device, problem.network, {.reads = 64, .seed = 2});
    EXPECT_EQ(set.lowest_energy(), problem.exact.lowest_energy()) << "field " << field;
    EXPECT_GT(set.success(problem.exact.lowest_energy()), 0.1) << "chance gives 2 states of 65536";
    for (std::size_t k = 0; k < set.size(); ++k) EXPECT_NEAR(set.energies()[k], problem.network.energy(set.state(k)), 1e-12);
    EXPECT_THROW(set.mean_energy(), Error);
  }
}

TEST(Bifurcation, NeedsCellsWithInertia) {
  Device spins = open("func:cell=pbit&topology=torus:4x4");
  EXPECT_THROW(bifurcate(spins, glass(0).network), Error);
  Device cells = open("func:cell=underdamped&topology=torus:4x4");
  EXPECT_THROW(bifurcate(cells, glass(0).network, {.reads = 0}), Error);
  EXPECT_THROW(bifurcate(cells, glass(0).network, {.time = 0}), Error);
}

TEST(Oscillators, FindGroundStatesOfTheGlass) {
  for (const double field : {0.0, 0.25}) {
    const Glass problem = glass(field);
    Device device = open("func:cell=phase&topology=torus:4x4&lanes=64&threads=1");
    const SampleSet set = oscillate(device, problem.network, {.reads = 64, .time = 100, .seed = 2});
    EXPECT_EQ(set.lowest_energy(), problem.exact.lowest_energy()) << "field " << field;
    EXPECT_GT(set.success(problem.exact.lowest_energy()), 0.1) << "chance gives 2 states of 65536";
    for (std::size_t k = 0; k < set.size(); ++k) EXPECT_NEAR(set.energies()[k], problem.network.energy(set.state(k)), 1e-12);
    EXPECT_THROW(set.mean_energy(), Error);
  }
}

// 4 K is above the largest eigenvalue from the beginning: what is there freezes. A slow ramp finds more.
TEST(Oscillators, AStrongInjectionAtOnceFreezesWhatIsThere) {
  const Glass problem = glass(0);
  Device device = open("func:cell=phase&topology=torus:4x4&lanes=64&threads=1");
  const auto success = [&](double injection, double time) {
    const SampleSet set = oscillate(device, problem.network, {.reads = 256, .injection = injection, .time = time, .seed = 3});
    return set.success(problem.exact.lowest_energy());
  };
  EXPECT_GT(success(1, 100), 2 * success(20, 2));
}

TEST(Oscillators, NeedPhases) {
  Device spins = open("func:cell=pbit&topology=torus:4x4");
  EXPECT_THROW(oscillate(spins, glass(0).network), Error);
  Device phases = open("func:cell=phase&topology=torus:4x4");
  EXPECT_THROW(oscillate(phases, glass(0).network, {.reads = 0}), Error);
  EXPECT_THROW(oscillate(phases, glass(0).network, {.injection = 0}), Error);
  EXPECT_THROW(oscillate(phases, glass(0).network, {.warmest = 0.1, .coldest = 0.2}), Error);
}

}  // namespace
}  // namespace heatbath::solvers
