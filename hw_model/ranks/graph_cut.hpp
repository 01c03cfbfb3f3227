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

/// A rank's part of a graph; `begins` as cut_points() returns them. Neighbours of a cell come in the order of the whole graph.
physics::Cut part_of(const physics::Graph& graph, std::span<const std::uint32_t> begins, std::uint32_t rank);

/// visit(coupler by rows of the part, its ordinal in the whole graph) for those of a part's own cells, in their order.
template <class Visit>
void for_couplers(const physics::Graph& graph, const physics::Cut& part, const Visit& visit) {
  const std::uint32_t first = part.first_cell, count = part.rows;
  const auto own = [&](std::uint32_t cell) { return cell - first < count; };
  const auto of_cell = [&](std::uint32_t cell) {
    std::uint32_t n = 0;
    for (const std::uint32_t to : graph.neighbours(cell)) {
      if (to > cell && (own(cell) || own(to)))
        visit(physics::Coupler{part.row(cell), part.row(to)}, graph.coupler_ordinal(cell, n));
      ++n;
    }
  };
  for (std::uint32_t n = 0; n < part.lower; ++n) of_cell(part.others[n]);
  for (std::uint32_t cell = first; cell < first + count; ++cell) of_cell(cell);
}

}  // namespace heatbath::ranks
