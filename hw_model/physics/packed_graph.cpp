// Couplings on a graph in the order the step kernels read them.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <numeric>
#include <unordered_map>
#include <vector>

#include "heatbath/numerics/work_watch.hpp"
#include "hw_model/physics/coupling_rows.hpp"
#include "hw_model/physics/packed_couplings.hpp"

namespace heatbath::physics {
namespace {

constexpr std::uint64_t units_of_coupler = 200;  // of work (numerics::WorkWatch), to pack one

// Runs of floats kept once where they are alike.
template <std::size_t size>
class SharedValues {
 public:
  explicit SharedValues(numerics::CacheLines<float>& all) : all_(all) {}

  std::uint32_t place_of(const std::array<float, size>& values) {
    const auto [known, added] = known_.try_emplace(values, static_cast<std::uint32_t>(all_.size()));
    if (added) all_.insert(all_.end(), values.begin(), values.end());
    return known->second;
  }

 private:
  struct Hash {
    std::size_t operator()(const std::array<float, size>& values) const {
      std::uint64_t hash = 1469598103934665603ULL;
      for (const float v : values) {
        std::uint32_t bits;
        std::memcpy(&bits, &v, sizeof bits);
        hash = (hash ^ bits) * 1099511628211ULL;
      }
      return hash;
    }
  };
  numerics::CacheLines<float>& all_;
  std::unordered_map<std::array<float, size>, std::uint32_t, Hash> known_;
};

using GroupValues = std::array<float, group_cells>;

// The rows of a group of cells.
struct GroupRows {
  std::array<std::uint32_t, group_cells + 1> begin{};
  std::vector<std::uint32_t> columns;
  std::vector<float> values;

  void take(const Couplings& couplings, std::uint32_t first) {
    columns.clear();
    values.clear();
    for (std::uint32_t r = 0; r < group_cells; ++r) {
      begin[r] = static_cast<std::uint32_t>(columns.size());
      if (first + r >= couplings.cells()) continue;
      for_row(couplings, first + r, [&](std::uint32_t k, float value) {
        columns.push_back(k);
        values.push_back(value);
      });
    }
    begin[group_cells] = static_cast<std::uint32_t>(columns.size());
  }
  std::uint32_t degree(std::uint32_t r) const { return begin[r + 1] - begin[r]; }
};

// Whether the cell at a distance exists in the padded state for every row of a group.
bool inside(std::uint32_t first, std::int64_t shift, std::uint32_t padded) {
  return std::int64_t{first} + shift >= 0 && std::int64_t{first} + shift + group_cells <= padded;
}

// What the rows of a group have at each distance k - i. Empty where the distances are too many, or where the cell at
// one of them does not exist in the padded state for every row.
std::map<std::int64_t, GroupValues> by_distance(const GroupRows& rows, std::uint32_t first, std::uint32_t padded) {
  std::uint32_t degree = 0;
  for (std::uint32_t r = 0; r < group_cells; ++r) degree = std::max(degree, rows.degree(r));
  std::map<std::int64_t, GroupValues> distances;
  for (std::uint32_t r = 0; r < group_cells; ++r)
    for (std::uint32_t e = rows.begin[r]; e < rows.begin[r + 1]; ++e) {
      const std::int64_t shift = std::int64_t{rows.columns[e]} - (std::int64_t{first} + r);
      if (!inside(first, shift, padded)) return {};
      distances.try_emplace(shift, GroupValues{}).first->second[r] = rows.values[e];
      if (distances.size() > degree + 4) return {};
    }
  return distances;
}

// The rows of a group by falling degree, and by number where degrees agree.
std::array<std::uint32_t, group_cells> by_degree(const GroupRows& rows) {
  std::array<std::uint32_t, group_cells> order;
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return rows.degree(a) > rows.degree(b); });
  return order;
}

// A group at distances, which others of the pattern (Graph::pattern) are like where all couplings are one value.
struct LikeGroup {
  GraphGroup group;
  std::int64_t least, most;  // distances
};

}  // namespace

void Couplings::Packed::pack_graph(const Couplings& couplings) {
  const std::uint32_t cells = couplings.cells(), padded = (cells + group_cells - 1) / group_cells * group_cells;
  SharedValues<group_cells> group_values(slot_values);
  SharedValues<graph_block> block_values(slot_values);
  std::map<std::vector<std::array<std::uint32_t, 2>>, GraphGroup> known_groups;
  std::unordered_map<std::uint32_t, LikeGroup> known_patterns;
  const bool one_value = couplings.coupler_values().one_value();
  GroupRows rows;

  for (std::uint32_t first = 0; first < padded; first += group_cells) {
    const std::uint32_t pattern = couplings.graph()->pattern(first / group_cells);
    if (const auto like = known_patterns.find(pattern); like != known_patterns.end())
      if (inside(first, like->second.least, padded) && inside(first, like->second.most, padded)) {
        numerics::spend(group_cells);
        graph_groups.push_back(like->second.group);
        continue;
      }
    GraphGroup group{static_cast<std::uint32_t>(slots.size()), {0, 0, 0, 0}, no_places, 0, 1};
    rows.take(couplings, first);
    const auto couplers = static_cast<std::uint32_t>(rows.columns.size());
    numerics::spend(units_of_coupler * (couplers + group_cells));
    const auto distances = by_distance(rows, first, padded);
    if (!distances.empty() || couplers == 0) {
      std::vector<std::array<std::uint32_t, 2>> key;
      for (const auto& [shift, values] : distances) {
        key.push_back({static_cast<std::uint32_t>(shift), group_values.place_of(values)});
        if (std::adjacent_find(values.begin(), values.end(), std::not_equal_to<>{}) != values.end()) group.uniform = 0;
      }
      group.count[0] = static_cast<std::uint32_t>(key.size());
      const auto [known, added] = known_groups.try_emplace(std::move(key), group);
      if (added)
        for (const auto& [shift, values] : known->first) slots.push_back({static_cast<std::int32_t>(shift), values});
      graph_groups.push_back(known->second);
      if (one_value && couplers > 0)
        known_patterns.insert_or_assign(pattern, LikeGroup{known->second, distances.begin()->first, distances.rbegin()->first});
      continue;
    }
    const auto order = by_degree(rows);
    group.uniform = 0;
    group.places = static_cast<std::uint32_t>(slot_places.size());
    group.columns = static_cast<std::uint32_t>(slot_columns.size());
    slot_places.resize(slot_places.size() + group_cells);
    for (std::uint32_t n = 0; n < group_cells; ++n) slot_places[group.places + order[n]] = n;
    // Slot n of a block holds the n-th neighbour of its rows; missing ones are the group's first cell, coupled by 0.
    for (std::uint32_t b = 0; b < group_cells / graph_block; ++b) {
      const std::uint32_t* const rows_of_block = order.data() + b * graph_block;
      group.count[b] = rows.degree(rows_of_block[0]);
      for (std::uint32_t n = 0; n < group.count[b]; ++n) {
        std::array<float, graph_block> values{};
        for (std::uint32_t r = 0; r < graph_block; ++r) {
          const std::uint32_t own = rows_of_block[r];
          const bool there = n < rows.degree(own);
          slot_columns.push_back(there ? rows.columns[rows.begin[own] + n] : first);
          if (there) values[r] = rows.values[rows.begin[own] + n];
        }
        slots.push_back({0, block_values.place_of(values)});
      }
    }
    graph_groups.push_back(group);
  }
  graph = {nullptr,      nullptr,            nullptr,             cells,              graph_groups.data(),
           slots.data(), slot_values.data(), slot_columns.data(), slot_places.data()};
}

void Couplings::Packed::pack_graph_rows(const Couplings& couplings) {
  const Rows matrix = couplings.rows();
  graph.row_begin = matrix.begin;
  graph.row_columns = matrix.columns;
  graph.row_values = matrix.values;
}

}  // namespace heatbath::physics
