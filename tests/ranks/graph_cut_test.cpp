// Cuts of graphs, judged by the whole graph.
#include <gtest/gtest.h>

#include <set>

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
        const GraphPart part = part_of(*graph, begins, rank);
        ASSERT_EQ(part.cut.first_row % 64, 0u);
        const physics::Graph here(static_cast<std::uint32_t>(part.cells.size()), part.couplers);
        cells += part.cut.rows;
        for (std::uint32_t n = 0; n < part.cut.rows; ++n) {
          const std::uint32_t cell = part.cut.first_cell + n, row = part.cut.first_row + n;
          ASSERT_EQ(part.cells[row], cell);
          std::vector<std::uint32_t> neighbours;
          for (const std::uint32_t other : here.neighbours(row)) neighbours.push_back(part.cells[other]);
          const auto whole = graph->neighbours(cell);
          ASSERT_EQ(neighbours, std::vector<std::uint32_t>(whole.begin(), whole.end())) << name << ' ' << cell;
          for (std::size_t k = 0; k < neighbours.size(); ++k)
            ASSERT_EQ(part.coupler_ordinals[here.coupler_ordinals(row)[k]], graph->coupler_ordinals(cell)[k]);
          if (!graph->colours().empty()) {
            ASSERT_EQ(part.cut.colours[row], graph->colours()[cell]);
          }
        }
        // Nothing but its own cells and their neighbours.
        for (const auto& [i, j] : part.couplers) {
          const auto own = [&](std::uint32_t row) { return row - part.cut.first_row < part.cut.rows; };
          ASSERT_TRUE(own(i) || own(j));
        }
      }
      EXPECT_EQ(cells, graph->cells());
    }
  }
}

}  // namespace
}  // namespace heatbath::ranks
