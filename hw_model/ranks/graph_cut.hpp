#pragma once
// A graph cut over ranks. No message passing here.

#include <cstdint>
#include <span>
#include <vector>

#include "hw_model/physics/exchange.hpp"
#include "hw_model/physics/graph.hpp"

namespace heatbath::ranks {

/// Where the cells of each rank begin, and their number at the end: contiguous ranges of whole groups of 64 cells, as
/// equal as they can be. Ranks without cells there may be.
std::vector<std::uint32_t> cut_points(std::uint32_t cells, std::uint32_t ranks);

/// A row that is no cell.
constexpr std::uint32_t no_cell = 0xFFFFFFFFu;

/// A rank's part of a graph.
struct GraphPart {
  physics::Cut cut;
  std::vector<std::uint32_t> cells;             ///< of its rows, in the whole graph; no_cell where there is none
  std::vector<physics::Coupler> couplers;       ///< those of its own cells, by its rows, in the order of a Graph
  std::vector<std::uint32_t> coupler_ordinals;  ///< of them in the whole graph
};

/// `begins` as cut_points() returns them. Neighbours of a cell come in the order of the whole graph.
GraphPart part_of(const physics::Graph& graph, std::span<const std::uint32_t> begins, std::uint32_t rank);

}  // namespace heatbath::ranks
