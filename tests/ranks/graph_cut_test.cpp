// Cuts of graphs, judged by the whole graph.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "hw_model/physics/topology.hpp"
#include "hw_model/ranks/graph_cut.hpp"

namespace heatbath::ranks {
namespace {

TEST(GraphCut, RangesAreWholeGroupsAndAlikeInSize) {
  const auto begins = cut_points(1000, 3);  // 15 groups and 40 cells
  EXPECT_EQ(begins, (std::vector<std::uint32_t>{0, 320, 640, 1000}));
  EXPECT_EQ(cut_points(100, 4), (std::vector<std::uint32_t>{0, 0, 64, 64, 100}));
  EXPECT_EQ(cut_points(64, 1), (std::vector<std::uint32_t>{0, 64}));
}

TEST(GraphCut, PartsHaveTheNeighboursOfTheWholeInItsOrder) {
  for (const char* name : {"torus:20x24", "king:17x31", "ring:500", "grid:70x3"}) {
    const auto graph = physics::named_graph(name);
    for (const std::uint32_t ranks : {1u, 2u, 3u, 5u, 9u}) {
      const auto begins = cut_points(graph->cells(), ranks);
      std::uint32_t cells = 0;
      for (std::uint32_t rank = 0; rank < ranks; ++rank) {
        const physics::Cut part = part_of(*graph, begins, rank);
        ASSERT_EQ(part.first_row % 64, 0u);
        std::vector<physics::Coupler> couplers;
        std::vector<std::uint32_t> ordinals;
        for_couplers(*graph, part, [&](const physics::Coupler& coupler, std::uint32_t ordinal) {
          couplers.push_back(coupler);
          ordinals.push_back(ordinal);
        });
        const physics::Graph here(part.all_rows(), couplers);
        ASSERT_TRUE(std::ranges::equal(here.couplers(), couplers)) << "in the order of a Graph";
        for (std::uint32_t row = 0; row < part.all_rows(); ++row)
          if (part.cell(row) != physics::Cut::no_cell) {
            ASSERT_EQ(part.row(part.cell(row)), row);
          }
        cells += part.rows;
        for (std::uint32_t n = 0; n < part.rows; ++n) {
          const std::uint32_t cell = part.first_cell + n, row = part.first_row + n;
          ASSERT_EQ(part.cell(row), cell);
          std::vector<std::uint32_t> neighbours;
          for (const std::uint32_t other : here.neighbours(row)) neighbours.push_back(part.cell(other));
          const auto whole = graph->neighbours(cell);
          ASSERT_EQ(neighbours, std::vector<std::uint32_t>(whole.begin(), whole.end())) << name << ' ' << cell;
          for (std::uint32_t k = 0; k < neighbours.size(); ++k)
            ASSERT_EQ(ordinals[here.coupler_ordinal(row, k)], graph->coupler_ordinal(cell, k));
          if (!graph->colours().empty()) {
            ASSERT_EQ(part.colours[row], graph->colours()[cell]);
          }
        }
        // Nothing but its own cells and their neighbours.
        for (const auto& [i, j] : couplers) {
          const auto own = [&](std::uint32_t row) { return row - part.first_row < part.rows; };
          ASSERT_TRUE(own(i) || own(j));
        }
      }
      EXPECT_EQ(cells, graph->cells());
    }
  }
}

}  // namespace
}  // namespace heatbath::ranks
