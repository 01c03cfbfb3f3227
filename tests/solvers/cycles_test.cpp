// Thermal cycles on devices: what they find, that they are reproducible, and what they say.
#include "heatbath/solvers/cycles.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "heatbath/error.hpp"
#include "heatbath/open.hpp"
#include "heatbath/solvers/planted.hpp"

namespace heatbath::solvers {
namespace {

constexpr const char* kTiles = "func:cell=pbit&topology=torus:16x16&lanes=64&noise_planes=yes&threads=1";

TEST(Cycles, ReachThePlantedEnergyOfTiles) {
  const Planted tiled = tiles(32, 0.25, 3);  // of whose kind annealing alone reaches none in thousands of reads of 200 sweeps
  Device device = open("func:cell=pbit&topology=torus:32x32&lanes=64&noise_planes=yes&threads=1");
  CyclesOptions options;
  options.sweeps = 20, options.cycles = 60, options.cycle_sweeps = 60;
  options.target = tiled.energy + 1e-9;
  const CyclesResult found = cycle(device, tiled.network, options);
  EXPECT_EQ(found.best.lowest_energy(), tiled.energy);
  EXPECT_EQ(found.best.origin(), Origin::search);
  EXPECT_GT(found.lowest.front(), tiled.energy) << "the first annealing must leave something to do";
  EXPECT_TRUE(std::ranges::is_sorted(found.lowest, std::greater<>{}));
  EXPECT_LT(found.lowest.size(), 61u) << "it ends at its target";
  EXPECT_NEAR(found.lowest.back(), tiled.network.energy(found.best.state(0)), 1e-9);
  EXPECT_EQ(found.best_updates, found.best.updates);
  ASSERT_EQ(found.best.notes.size(), 1u);
  EXPECT_NE(found.best.notes[0].find("merged"), std::string::npos);
}

TEST(Cycles, WithoutMergingKeepTheLowestReadAndFindLess) {
  const Planted tiled = tiles(16, 0.5, 3);
  Device device = open(kTiles);
  CyclesOptions options;
  options.sweeps = 20, options.cycles = 4, options.cycle_sweeps = 20;
  const CyclesResult merged = cycle(device, tiled.network, options);
  options.merge = false;
  const CyclesResult plain = cycle(device, tiled.network, options);
  EXPECT_LT(merged.lowest.back(), plain.lowest.back());
  EXPECT_TRUE(std::ranges::is_sorted(plain.lowest, std::greater<>{}));
  EXPECT_EQ(plain.best.notes.size(), 0u);
  EXPECT_EQ(plain.best.updates, 64ull * 256 * (20 + 4 * 20));
}

TEST(Cycles, HaveTheSameBitsForAnyNumberOfLanesAndFamiliesOfTheirOwn) {
  const Planted tiled = tiles(16, 0.5, 3);
  const auto states = [&](const char* uri, std::uint64_t seed) {
    Device device = open(uri);
    CyclesOptions options;
    options.reads = 20, options.families = 3, options.sweeps = 5, options.cycles = 3, options.cycle_sweeps = 4, options.seed = seed;
    const SampleSet best = cycle(device, tiled.network, options).best;
    EXPECT_EQ(best.size(), 3u);
    EXPECT_FALSE(std::ranges::equal(best.state(0), best.state(1)));
    return std::vector<float>(best.states().begin(), best.states().end());
  };
  const auto first = states("func:cell=pbit&topology=torus:16x16&lanes=32&threads=1", 5);
  EXPECT_EQ(first, states("func:cell=pbit&topology=torus:16x16&lanes=7&threads=2", 5));
  EXPECT_NE(first, states("func:cell=pbit&topology=torus:16x16&lanes=32&threads=1", 6));
}

TEST(Cycles, KeepWhatAnInterruptedRunHasAndRefuseWhatMakesNoSense) {
  const Planted tiled = tiles(16, 0.5, 3);
  Device device = open(kTiles);
  CyclesOptions options;
  options.reads = 8, options.sweeps = 5, options.cycles = 50, options.cycle_sweeps = 5;
  options.progress = [](double done) { return done < 0.2; };
  const CyclesResult ended = cycle(device, tiled.network, options);
  EXPECT_TRUE(ended.interrupted);
  EXPECT_LT(ended.lowest.size(), 50u);
  EXPECT_EQ(ended.best.size(), 1u);

  const auto refusal = [&](CyclesOptions wrong) -> std::string {
    try {
      cycle(device, tiled.network, wrong);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), HB_BAD_ARG);
      return error.what();
    }
    return "";
  };
  EXPECT_NE(refusal({.reads = 4, .families = 5}).find("5 families of 4 reads"), std::string::npos);
  EXPECT_NE(refusal({.cycle_sweeps = 0}).find("0 reads or sweeps"), std::string::npos);
  EXPECT_NE(refusal({.warmest = 0.01}).find("no colder than"), std::string::npos);
}

}  // namespace
}  // namespace heatbath::solvers
