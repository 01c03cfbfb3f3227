// Planted problems: no state lies below the planted one, against every state counted.
#include "heatbath/solvers/planted.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "heatbath/error.hpp"
#include "oracles/enumeration.hpp"

namespace heatbath::solvers {
namespace {

reference::Enumeration all_states(const network::Network& network) {
  std::vector<reference::Bond> bonds;
  for (const network::Edge& edge : network.couplings()) bonds.push_back({static_cast<int>(edge.i), static_cast<int>(edge.j), edge.value});
  return {static_cast<int>(network.cells()), bonds};
}

reference::BinaryState word_of(const std::vector<float>& state) {
  reference::BinaryState word = 0;
  for (std::size_t i = 0; i < state.size(); ++i) word |= state[i] > 0 ? 1u << i : 0u;
  return word;
}

TEST(Planted, WishartStatesAreLowest) {
  for (const std::uint32_t columns : {1u, 4u, 12u, 20u})
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
      const Planted problem = wishart(12, columns, seed);
      const reference::Enumeration exact = all_states(problem.network);
      EXPECT_NEAR(problem.energy, exact.lowest_energy(), 1e-10) << columns << " columns, seed " << seed;
      EXPECT_NEAR(exact.energies()[word_of(problem.state)], problem.energy, 1e-10);
      // With as many columns as cells it and its mirror image are the only ones; with few there are states next to it.
      if (columns < 12) continue;
      int lowest = 0;
      for (const double energy : exact.energies()) lowest += energy < problem.energy + 1e-9;
      EXPECT_EQ(lowest, 2);
    }
}

TEST(Planted, TilesAreLowestAndFrustrated) {
  for (const double weak : {0.0, 0.5, 1.0})
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
      const Planted problem = tiles(4, weak, seed);
      const reference::Enumeration exact = all_states(problem.network);
      EXPECT_EQ(problem.energy, exact.lowest_energy()) << "weak " << weak << ", seed " << seed;
      EXPECT_EQ(exact.energies()[word_of(problem.state)], problem.energy);
      EXPECT_EQ(problem.network.couplings().size(), 32u) << "each coupling belongs to one tile";
      int violated = 0;
      double sizes = 0;
      for (const network::Edge& edge : problem.network.couplings()) {
        violated += edge.value * static_cast<double>(problem.state[edge.i] * problem.state[edge.j]) > 0;
        sizes += std::abs(edge.value);
      }
      EXPECT_EQ(violated, 8) << "one of each tile";
      EXPECT_EQ(problem.energy, 16 - sizes);
      if (weak == 0) EXPECT_EQ(sizes, 8 + 48);
      if (weak == 1) EXPECT_EQ(sizes, 32);
    }
}

TEST(Planted, GlassesAreOfTheirSeed) {
  const network::Network square = sign_glass(2, 5, 1);
  EXPECT_EQ(square.cells(), 25u);
  EXPECT_EQ(square.couplings().size(), 50u);
  const network::Network glass = sign_glass(3, 4, 5);
  EXPECT_EQ(glass.cells(), 64u);
  ASSERT_EQ(glass.couplings().size(), 192u);
  std::map<std::uint32_t, int> neighbours;
  int up = 0;
  for (const network::Edge& edge : glass.couplings()) ++neighbours[edge.i], ++neighbours[edge.j], up += edge.value > 0;
  for (const auto& [cell, count] : neighbours) EXPECT_EQ(count, 6) << "cell " << cell;
  EXPECT_GT(up, 68);
  EXPECT_LT(up, 124);
  const auto same = [](const network::Network& a, const network::Network& b) { return std::ranges::equal(a.couplings(), b.couplings()); };
  EXPECT_TRUE(same(glass, sign_glass(3, 4, 5)));
  EXPECT_FALSE(same(glass, sign_glass(3, 4, 6)));
}

TEST(Planted, RefusesWhatIsNone) {
  EXPECT_THROW(wishart(1, 1, 0), Error);
  EXPECT_THROW(wishart(8, 0, 0), Error);
  EXPECT_THROW(tiles(5, 0.5, 0), Error);
  EXPECT_THROW(tiles(6, 1.5, 0), Error);
  EXPECT_THROW(sign_glass(3, 2, 0), Error);
  EXPECT_THROW(sign_glass(4, 5, 0), Error);
}

}  // namespace
}  // namespace heatbath::solvers
