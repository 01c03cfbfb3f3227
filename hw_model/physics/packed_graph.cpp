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

// What the rows of a group have at each distance k - i. Empty where the distances are too many, or where the cell at
// one of them does not exist in the padded state for every row.
std::map<std::int64_t, GroupValues> by_distance(const Couplings::Rows& matrix, std::uint32_t first, std::uint32_t padded) {
  const std::uint32_t end = std::min(matrix.cells, first + group_cells);
  std::uint32_t degree = 0;
  for (std::uint32_t i = first; i < end; ++i) degree = std::max(degree, matrix.begin[i + 1] - matrix.begin[i]);
  std::map<std::int64_t, GroupValues> distances;
  for (std::uint32_t i = first; i < end; ++i)
    for (std::uint32_t e = matrix.begin[i]; e < matrix.begin[i + 1]; ++e) {
      const std::int64_t shift = std::int64_t{matrix.columns[e]} - i;
      if (std::int64_t{first} + shift < 0 || std::int64_t{first} + shift + group_cells > padded) return {};
      distances.try_emplace(shift, GroupValues{}).first->second[i - first] = matrix.values[e];
      if (distances.size() > degree + 4) return {};
    }
  return distances;
}

std::uint32_t degree_of(const Couplings::Rows& matrix, std::uint32_t i) {
  return i < matrix.cells ? matrix.begin[i + 1] - matrix.begin[i] : 0;
}

// The rows of a group by falling degree, and by number where degrees agree.
std::array<std::uint32_t, group_cells> by_degree(const Couplings::Rows& matrix, std::uint32_t first) {
  std::array<std::uint32_t, group_cells> order;
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return degree_of(matrix, first + a) > degree_of(matrix, first + b);
  });
  return order;
}

}  // namespace

void Couplings::Packed::pack_graph(const Couplings& couplings) {
  const Rows matrix = couplings.rows();
  const std::uint32_t cells = matrix.cells, padded = (cells + group_cells - 1) / group_cells * group_cells;
  SharedValues<group_cells> group_values(slot_values);
  SharedValues<graph_block> block_values(slot_values);
  std::map<std::vector<std::array<std::uint32_t, 2>>, GraphGroup> known_groups;

  for (std::uint32_t first = 0; first < padded; first += group_cells) {
    GraphGroup group{static_cast<std::uint32_t>(slots.size()), {0, 0, 0, 0}, no_places, 0, 1};
    std::uint32_t couplers = 0;
    for (std::uint32_t r = 0; r < group_cells; ++r) couplers += degree_of(matrix, first + r);
    numerics::spend(units_of_coupler * (couplers + group_cells));
    const auto distances = by_distance(matrix, first, padded);
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
      continue;
    }
    const auto order = by_degree(matrix, first);
    group.uniform = 0;
    group.places = static_cast<std::uint32_t>(slot_places.size());
    group.columns = static_cast<std::uint32_t>(slot_columns.size());
    slot_places.resize(slot_places.size() + group_cells);
    for (std::uint32_t n = 0; n < group_cells; ++n) slot_places[group.places + order[n]] = n;
    // Slot n of a block holds the n-th neighbour of its rows; missing ones are the group's first cell, coupled by 0.
    for (std::uint32_t b = 0; b < group_cells / graph_block; ++b) {
      const std::uint32_t* const rows_of_block = order.data() + b * graph_block;
      group.count[b] = degree_of(matrix, first + rows_of_block[0]);
      for (std::uint32_t n = 0; n < group.count[b]; ++n) {
        std::array<float, graph_block> values{};
        for (std::uint32_t r = 0; r < graph_block; ++r) {
          const std::uint32_t i = first + rows_of_block[r];
          const bool there = n < degree_of(matrix, i);
          slot_columns.push_back(there ? matrix.columns[matrix.begin[i] + n] : first);
          if (there) values[r] = matrix.values[matrix.begin[i] + n];
        }
        slots.push_back({0, block_values.place_of(values)});
      }
    }
    graph_groups.push_back(group);
  }
  graph = {matrix.begin, matrix.columns,     matrix.values,       matrix.cells,    graph_groups.data(),
           slots.data(), slot_values.data(), slot_columns.data(), slot_places.data()};
}

}  // namespace heatbath::physics
