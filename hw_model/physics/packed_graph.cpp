// Couplings on a graph in the order the step kernels read them.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <map>
#include <numeric>
#include <unordered_map>
#include <vector>

#include "hw_model/physics/packed_couplings.hpp"

namespace heatbath::physics {
namespace {

using ValueRow = std::array<float, graph_block>;

struct RowHash {
  std::size_t operator()(const ValueRow& row) const {
    std::uint64_t hash = 1469598103934665603ULL;
    for (const float v : row) {
      std::uint32_t bits;
      std::memcpy(&bits, &v, sizeof bits);
      hash = (hash ^ bits) * 1099511628211ULL;
    }
    return hash;
  }
};

// Slots of one block of rows before they are stored.
struct Slot {
  std::int64_t shift = 0;  // contiguous: cell k of row i is i + shift
  bool gathered = false;
  ValueRow values{};
  std::array<std::uint32_t, graph_block> columns{};
};

// One slot per distance k - i, where every row's cell at that distance exists in the padded state.
bool by_distance(const Couplings::Rows& matrix, std::uint32_t first, std::uint32_t end, std::uint32_t padded,
                 std::size_t most, std::vector<Slot>& slots) {
  std::map<std::int64_t, ValueRow> diagonals;
  for (std::uint32_t i = first; i < end; ++i)
    for (std::uint32_t e = matrix.begin[i]; e < matrix.begin[i + 1]; ++e) {
      const std::int64_t shift = std::int64_t{matrix.columns[e]} - i;
      if (std::int64_t{first} + shift < 0 || std::int64_t{first} + shift + graph_block > padded) return false;
      diagonals.try_emplace(shift, ValueRow{}).first->second[i - first] = matrix.values[e];
      if (diagonals.size() > most) return false;
    }
  for (const auto& [shift, values] : diagonals) {
    Slot slot;
    slot.shift = shift;
    slot.values = values;
    slots.push_back(slot);
  }
  return true;
}

// The rows of a group by falling degree, and by number where degrees agree.
std::array<std::uint32_t, group_cells> by_degree(const Couplings::Rows& matrix, std::uint32_t first) {
  const auto degree = [&](std::uint32_t row) {
    const std::uint32_t i = first + row;
    return i < matrix.cells ? matrix.begin[i + 1] - matrix.begin[i] : 0;
  };
  std::array<std::uint32_t, group_cells> order;
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return degree(a) > degree(b); });
  return order;
}

// Slot n holds the n-th neighbour of 16 rows of a group; missing ones are the group's first cell, coupled by 0.
std::vector<Slot> by_ordinal(const Couplings::Rows& matrix, std::uint32_t first, const std::uint32_t* order) {
  std::vector<Slot> slots;
  for (std::uint32_t n = 0;; ++n) {
    Slot slot;
    slot.gathered = true;
    bool any = false;
    for (std::uint32_t r = 0; r < graph_block; ++r) {
      const std::uint32_t i = first + order[r];
      const bool there = i < matrix.cells && n < matrix.begin[i + 1] - matrix.begin[i];
      slot.columns[r] = there ? matrix.columns[matrix.begin[i] + n] : first;
      slot.values[r] = there ? matrix.values[matrix.begin[i] + n] : 0.0f;
      any = any || there;
    }
    if (!any) return slots;
    slots.push_back(slot);
  }
}

}  // namespace

void Couplings::Packed::pack_graph(const Couplings& couplings) {
  const Rows matrix = couplings.rows();
  const std::uint32_t cells = matrix.cells, padded = (cells + group_cells - 1) / group_cells * group_cells;
  constexpr std::uint32_t in_order = no_columns;
  std::unordered_map<ValueRow, std::uint32_t, RowHash> known_values;
  std::map<std::vector<std::array<std::uint32_t, 2>>, GraphBlock> known_blocks;

  const auto stored_values = [&](const Slot& slot) {
    const auto [known, added] = known_values.try_emplace(slot.values, static_cast<std::uint32_t>(slot_values.size()));
    if (added) slot_values.insert(slot_values.end(), slot.values.begin(), slot.values.end());
    return known->second;
  };
  for (std::uint32_t group = 0; group < padded; group += group_cells) {
    // Distances serve a group when they serve all its blocks.
    std::array<std::vector<Slot>, group_cells / graph_block> found;
    bool distances = true;
    for (std::uint32_t b = 0; b < found.size() && distances; ++b) {
      const std::uint32_t first = group + b * graph_block, end = std::clamp(cells, first, first + graph_block);
      std::uint32_t degree = 0;
      for (std::uint32_t i = first; i < end; ++i) degree = std::max(degree, matrix.begin[i + 1] - matrix.begin[i]);
      distances = by_distance(matrix, first, end, padded, degree + 4, found[b]);
    }
    if (distances) {
      for (const auto& block_slots : found) {
        std::vector<std::array<std::uint32_t, 2>> key;
        for (const Slot& slot : block_slots)
          key.push_back({static_cast<std::uint32_t>(slot.shift), stored_values(slot)});
        const GraphBlock next{static_cast<std::uint32_t>(slots.size()), static_cast<std::uint32_t>(key.size()),
                              in_order};
        const auto [known, added] = known_blocks.try_emplace(std::move(key), next);
        if (added)
          for (const auto& [shift, values] : known->first)
            slots.push_back({static_cast<std::int32_t>(shift), values, no_columns});
        blocks.push_back(known->second);
      }
      continue;
    }
    const auto order = by_degree(matrix, group);
    for (std::uint32_t b = 0; b < found.size(); ++b) {
      const auto block_slots = by_ordinal(matrix, group, order.data() + b * graph_block);
      blocks.push_back({static_cast<std::uint32_t>(slots.size()), static_cast<std::uint32_t>(block_slots.size()),
                        static_cast<std::uint32_t>(slot_rows.size())});
      slot_rows.insert(slot_rows.end(), order.begin() + b * graph_block, order.begin() + (b + 1) * graph_block);
      for (const Slot& slot : block_slots) {
        slots.push_back({0, stored_values(slot), static_cast<std::uint32_t>(slot_columns.size())});
        slot_columns.insert(slot_columns.end(), slot.columns.begin(), slot.columns.end());
      }
    }
  }
  graph = {matrix.begin, matrix.columns,     matrix.values,       matrix.cells,    blocks.data(),
           slots.data(), slot_values.data(), slot_columns.data(), slot_rows.data()};
}

}  // namespace heatbath::physics
