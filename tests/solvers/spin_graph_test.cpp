// What the host does with spins: energies of many states, descents, cluster moves.
#include "solvers/src/spin_graph.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <map>
#include <random>

#include "heatbath/error.hpp"
#include "solvers/src/ladder.hpp"

namespace heatbath::solvers {
namespace {

using network::Edge;
using network::Network;

Network glass(std::uint32_t cells, double part, bool fields, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform;
  std::normal_distribution<double> normal;
  std::vector<Edge> edges;
  for (std::uint32_t i = 0; i < cells; ++i)
    for (std::uint32_t j = i + 1; j < cells; ++j)
      if (uniform(random) < part) edges.push_back({i, j, normal(random)});
  std::vector<double> h(cells, 0.0);
  if (fields) {
    for (double& one : h) one = normal(random);
  }
  return Network::ising(edges, h);
}

std::vector<float> spins(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> all(count);
  for (float& s : all) s = random() % 2 ? 1.0f : -1.0f;
  return all;
}

TEST(SpinGraph, EnergiesOfManyStatesAreThoseOfTheNetwork) {
  const Network network = glass(23, 0.3, true, 5);
  const SpinGraph graph(network);
  const std::vector<float> states = spins(23 * 13, 7);
  std::vector<double> energies(13);
  graph.energies(states, energies);
  for (std::size_t k = 0; k < 13; ++k)
    EXPECT_NEAR(energies[k], network.energy(std::span(states).subspan(k * 23, 23)), 1e-12);
}

TEST(SpinGraph, AClusterMoveKeepsTheSumOfTwoEnergiesAndEveryPairOfSpins) {
  for (const bool fields : {false, true}) {
    const Network network = glass(30, 0.1, fields, 3);
    const SpinGraph graph(network);
    numerics::RandomStream random(1);
    std::vector<std::uint32_t> memory;
    for (unsigned seed = 0; seed < 50; ++seed) {
      std::vector<float> a = spins(30, 2 * seed), b = spins(30, 2 * seed + 1);
      const std::vector<float> a0 = a, b0 = b;
      double ea = graph.energy(a), eb = graph.energy(b);
      const double sum = ea + eb;
      EXPECT_GT(graph.exchange_cluster(a, b, ea, eb, random, memory), 0u);
      EXPECT_NEAR(ea, network.energy(std::span<const float>(a)), 1e-10);
      EXPECT_NEAR(eb, network.energy(std::span<const float>(b)), 1e-10);
      EXPECT_NEAR(ea + eb, sum, 1e-10);
      for (std::size_t i = 0; fields && i < 30; ++i) EXPECT_EQ(a[i] * b[i], a0[i] * b0[i]);
    }
  }
}

// Two states of the joint law are drawn exactly, moved, and counted: 5 spins on a frustrated graph, every pair of states.
TEST(SpinGraph, AClusterMovePreservesTheJointLaw) {
  for (const bool fields : {false, true}) {
    const Network network = glass(4, 0.7, fields, 11);
    const SpinGraph graph(network);
    std::vector<double> weight(16);
    const auto state = [](unsigned k) {
      std::array<float, 4> s{};
      for (unsigned i = 0; i < 4; ++i) s[i] = k >> i & 1 ? 1.0f : -1.0f;
      return s;
    };
    double z = 0;
    for (unsigned k = 0; k < 16; ++k) {
      const auto s = state(k);
      z += weight[k] = std::exp(-network.energy(std::span<const float>(s)));
    }
    std::mt19937 draw(2);
    std::discrete_distribution<unsigned> law(weight.begin(), weight.end());
    numerics::RandomStream random(9);
    std::vector<std::uint32_t> memory;
    std::map<std::pair<unsigned, unsigned>, double> count;
    constexpr int samples = 400000;
    for (int n = 0; n < samples; ++n) {
      auto a = state(law(draw)), b = state(law(draw));
      double ea = 0, eb = 0;
      graph.exchange_cluster(a, b, ea, eb, random, memory);
      unsigned x = 0, y = 0;
      for (unsigned i = 0; i < 4; ++i) x |= (a[i] > 0) << i, y |= (b[i] > 0) << i;
      count[{x, y}] += 1;
    }
    double chi = 0, cells = 0;
    for (unsigned x = 0; x < 16; ++x)
      for (unsigned y = 0; y < 16; ++y) {
        const double expected = samples * weight[x] * weight[y] / (z * z);
        if (expected < 5) continue;
        chi += (count[{x, y}] - expected) * (count[{x, y}] - expected) / expected;
        ++cells;
      }
    EXPECT_GT(cells, 20);
    EXPECT_LT(std::abs(chi - cells) / std::sqrt(2 * cells), 4) << chi << " of " << cells << " cells";
  }
}

TEST(SpinGraph, ADescentEndsWhereNoSingleFlipHelps) {
  const Network network = glass(40, 0.2, true, 8);
  const SpinGraph graph(network);
  std::vector<float> s = spins(40, 4);
  const double before = graph.energy(s), after = graph.descend(s, before);
  EXPECT_LT(after, before);
  EXPECT_NEAR(after, network.energy(std::span<const float>(s)), 1e-12);
  for (std::size_t i = 0; i < 40; ++i) {
    s[i] = -s[i];
    EXPECT_GE(network.energy(std::span<const float>(s)), after - 1e-9);
    s[i] = -s[i];
  }
}

// Every combination of groups is written out; groups are found by joining labels.
TEST(SpinGraph, TakingBetterGroupsOverGivesTheLowestOfAllTheirCombinations) {
  constexpr std::uint32_t cells = 40;
  int several = 0, better = 0;
  for (const bool fields : {false, true})
    for (unsigned seed = 0; seed < 15; ++seed) {
      const Network network = glass(cells, 0.05, fields, seed);
      std::vector<float> state = spins(cells, 100 + seed), other = spins(cells, 200 + seed);
      std::vector<std::uint32_t> label(cells);
      int differ = 0;
      for (std::uint32_t i = 0; i < cells; ++i) label[i] = i, differ += state[i] != other[i];
      const bool turned = !fields && 2 * differ > static_cast<int>(cells);
      const auto differs = [&](std::uint32_t i) { return (state[i] != other[i]) != turned; };
      for (bool moved = true; moved;) {
        moved = false;
        for (const Edge& edge : network.couplings())
          if (differs(edge.i) && differs(edge.j) && label[edge.i] != label[edge.j])
            label[edge.i] = label[edge.j] = std::min(label[edge.i], label[edge.j]), moved = true;
      }
      std::vector<std::uint32_t> groups;
      for (std::uint32_t i = 0; i < cells; ++i)
        if (differs(i) && label[i] == i) groups.push_back(i);
      ASSERT_LT(groups.size(), 18u);
      several += groups.size() >= 5;
      double lowest = INFINITY;
      for (std::uint32_t taken = 0; taken < 1u << groups.size(); ++taken) {
        std::vector<float> combined = state;
        for (std::size_t g = 0; g < groups.size(); ++g)
          for (std::uint32_t i = 0; i < cells; ++i)
            if (taken >> g & 1 && differs(i) && label[i] == groups[g]) combined[i] = -combined[i];
        lowest = std::min(lowest, network.energy(std::span<const float>(combined)));
      }
      better += lowest < std::min(network.energy(std::span<const float>(state)), network.energy(std::span<const float>(other))) - 1e-9;
      numerics::RandomStream random(1);
      GroupSearch memory(cells);
      SpinGraph(network).take_better_groups(state, other, random, memory);
      EXPECT_NEAR(network.energy(std::span<const float>(state)), lowest, 1e-9) << "seed " << seed;
      EXPECT_EQ(memory.looked_at, groups.size());
    }
  EXPECT_GT(several, 10);
  EXPECT_GT(better, 10);
}

// An Ising chain without fields: every state of two domains has groups that cost nothing.
TEST(SpinGraph, GroupsThatChangeNothingAreTakenOverByChance) {
  std::vector<Edge> chain;
  for (std::uint32_t i = 0; i + 1 < 20; ++i) chain.push_back({i, i + 1, 1});
  const SpinGraph graph(Network::ising(chain, std::vector<double>(20)));
  numerics::RandomStream random(4);
  GroupSearch memory(20);
  std::vector<float> state(20, 1.0f), other(20, 1.0f);
  for (std::size_t i = 0; i < 9; ++i) state[i] = -1;
  for (std::size_t i = 0; i < 7; ++i) other[i] = -1;  // the wall two cells to the left
  const std::vector<float> before = state;
  int moved = 0;
  for (int k = 0; k < 400; ++k) {
    std::vector<float> now = before;
    graph.take_better_groups(now, other, random, memory);
    EXPECT_EQ(graph.energy(now), graph.energy(before));
    moved += now != before;
  }
  EXPECT_NEAR(moved, 200, 4 * 10);
}

TEST(SpinGraph, RefusesWhatHasNoEnergyOfSpins) {
  EXPECT_THROW(SpinGraph(Network(CellKind::overdamped, 2)), Error);
  Network one_way(CellKind::pbit, 2);
  EXPECT_THROW(SpinGraph(one_way.set_directed(std::vector<Edge>{{0, 1, 1}})), Error);
}

TEST(Ladder, MovesToWhereEachStepHasTheSamePartOfTheRefusals) {
  // All refusals lie between the first two: the others close in on them; equal ones change nothing.
  const std::vector<double> ladder{1, 2, 4, 8};
  const std::vector<double> equal = equal_refusal(ladder, std::vector<double>{0.3, 0.3, 0.3});
  for (std::size_t t = 0; t < 4; ++t) EXPECT_NEAR(equal[t], ladder[t], 1e-12);
  const std::vector<double> steep = equal_refusal(ladder, std::vector<double>{0.9, 0.001, 0.001});
  EXPECT_NEAR(1 / steep[1], 1 - 0.5 * 0.902 / 3 / 0.9, 1e-3);  // a third of the sum, along 1/kT from 1 to 1/2
  EXPECT_EQ(steep.front(), 1);
  EXPECT_EQ(steep.back(), 8);
  EXPECT_LT(steep[2], 2);
}

}  // namespace
}  // namespace heatbath::solvers
