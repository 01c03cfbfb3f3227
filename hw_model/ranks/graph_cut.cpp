#include "hw_model/ranks/graph_cut.hpp"

#include <algorithm>

namespace heatbath::ranks {
namespace {

constexpr std::uint32_t group = 64;  // cells that share blocks of noise and sums of meters

void sort_unique(std::vector<std::uint32_t>& values) {
  std::ranges::sort(values);
  const auto rest = std::ranges::unique(values);
  values.erase(rest.begin(), rest.end());
}

}  // namespace

std::vector<std::uint32_t> cut_points(std::uint32_t cells, std::uint32_t ranks) {
  const std::uint64_t groups = (std::uint64_t{cells} + group - 1) / group;
  std::vector<std::uint32_t> begins;
  for (std::uint64_t rank = 0; rank <= ranks; ++rank)
    begins.push_back(static_cast<std::uint32_t>(std::min<std::uint64_t>(cells, groups * rank / ranks * group)));
  return begins;
}

GraphPart part_of(const physics::Graph& graph, std::span<const std::uint32_t> begins, std::uint32_t rank) {
  GraphPart part;
  const std::uint32_t begin = begins[rank], end = begins[rank + 1];
  std::vector<std::uint32_t> others;
  for (std::uint32_t cell = begin; cell < end; ++cell) {
    for (const std::uint32_t other : graph.neighbours(cell))
      if (other < begin || other >= end) others.push_back(other);
    const auto ordinals = graph.coupler_ordinals(cell);
    part.coupler_ordinals.insert(part.coupler_ordinals.end(), ordinals.begin(), ordinals.end());
  }
  sort_unique(others);
  sort_unique(part.coupler_ordinals);

  const auto lower = static_cast<std::uint32_t>(std::ranges::lower_bound(others, begin) - others.begin());
  part.cut.first_row = (lower + group - 1) / group * group;
  part.cut.rows = end - begin;
  part.cut.first_cell = begin;
  part.cut.cells = graph.cells();
  part.cut.rank = rank;
  part.cut.ranks = static_cast<std::uint32_t>(begins.size() - 1);
  part.cells.assign(part.cut.first_row - lower, no_cell);
  part.cells.insert(part.cells.end(), others.begin(), others.begin() + lower);
  for (std::uint32_t cell = begin; cell < end; ++cell) part.cells.push_back(cell);
  part.cells.insert(part.cells.end(), others.begin() + lower, others.end());
  if (part.cells.empty()) part.cells.assign(group, no_cell);

  const auto row_of = [&](std::uint32_t cell) {
    if (cell >= begin && cell < end) return part.cut.first_row + (cell - begin);
    const auto at = static_cast<std::uint32_t>(std::ranges::lower_bound(others, cell) - others.begin());
    return at < lower ? part.cut.first_row - lower + at : part.cut.first_row + part.cut.rows + (at - lower);
  };
  const auto couplers = graph.couplers();
  for (const std::uint32_t ordinal : part.coupler_ordinals)
    part.couplers.push_back({row_of(couplers[ordinal].i), row_of(couplers[ordinal].j)});
  if (!graph.colours().empty())
    for (const std::uint32_t cell : part.cells)
      part.cut.colours.push_back(cell == no_cell ? std::uint8_t{0} : graph.colours()[cell]);
  return part;
}

}  // namespace heatbath::ranks
