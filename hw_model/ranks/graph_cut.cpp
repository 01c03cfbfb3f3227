#include "hw_model/ranks/graph_cut.hpp"

#include <algorithm>

namespace heatbath::ranks {
namespace {

constexpr std::uint32_t group = 64;  // cells that share blocks of noise and sums of meters

void sort_unique(std::vector<std::uint32_t>& values) {
  std::ranges::sort(values);
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

}  // namespace

std::vector<std::uint32_t> cut_points(std::uint32_t cells, std::uint32_t ranks) {
  const std::uint64_t groups = (std::uint64_t{cells} + group - 1) / group;
  std::vector<std::uint32_t> begins;
  for (std::uint64_t rank = 0; rank <= ranks; ++rank)
    begins.push_back(static_cast<std::uint32_t>(std::min<std::uint64_t>(cells, groups * rank / ranks * group)));
  return begins;
}

physics::Cut part_of(const physics::Graph& graph, std::span<const std::uint32_t> begins, std::uint32_t rank) {
  physics::Cut part;
  const std::uint32_t begin = begins[rank], end = begins[rank + 1];
  std::vector<std::uint32_t> others;
  for (std::uint32_t cell = begin; cell < end; ++cell) {
    for (const std::uint32_t other : graph.neighbours(cell))
      if (other < begin || other >= end) others.push_back(other);
  }
  sort_unique(others);
  part.lower = static_cast<std::uint32_t>(std::ranges::lower_bound(others, begin) - others.begin());
  part.others = std::move(others);
  part.first_row = (part.lower + group - 1) / group * group;
  part.rows = end - begin;
  part.first_cell = begin;
  part.cells = graph.cells();
  part.rank = rank;
  part.ranks = static_cast<std::uint32_t>(begins.size() - 1);
  const std::uint32_t rows = part.all_rows();
  if (!graph.colours().empty()) {
    part.colours.reserve(rows);
    for (std::uint32_t row = 0; row < rows; ++row)
      part.colours.push_back(part.cell(row) == physics::Cut::no_cell ? std::uint8_t{0} : graph.colours()[part.cell(row)]);
  }
  return part;
}

}  // namespace heatbath::ranks
