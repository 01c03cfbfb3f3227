// Couplings on a graph in the order the step kernels read them.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <map>
#include <unordered_map>

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
bool by_distance(const Couplings::Rows& rows, std::uint32_t first, std::uint32_t end, std::uint32_t padded, std::size_t most,
                 std::vector<Slot>& slots) {
  std::map<std::int64_t, ValueRow> diagonals;
  for (std::uint32_t i = first; i < end; ++i)
    for (std::uint32_t e = rows.begin[i]; e < rows.begin[i + 1]; ++e) {
      const std::int64_t shift = std::int64_t{rows.columns[e]} - i;
      if (std::int64_t{first} + shift < 0 || std::int64_t{first} + shift + graph_block > padded) return false;
      diagonals.try_emplace(shift, ValueRow{}).first->second[i - first] = rows.values[e];
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

// Slot n holds the n-th neighbour of every row; missing ones are the row itself, coupled by 0.
void by_ordinal(const Couplings::Rows& rows, std::uint32_t first, std::uint32_t end, std::uint32_t degree,
                std::vector<Slot>& slots) {
  for (std::uint32_t n = 0; n < degree; ++n) {
    Slot slot;
    slot.gathered = true;
    for (std::uint32_t r = 0; r < graph_block; ++r) {
      const std::uint32_t i = first + r;
      const bool there = i < end && n < rows.begin[i + 1] - rows.begin[i];
      slot.columns[r] = there ? rows.columns[rows.begin[i] + n] : first;
      slot.values[r] = there ? rows.values[rows.begin[i] + n] : 0.0f;
    }
    slots.push_back(slot);
  }
}

}  // namespace

void Couplings::Packed::pack_graph(const Couplings& couplings) {
  const Rows matrix = couplings.rows();
  const std::uint32_t cells = matrix.cells, padded = (cells + group_cells - 1) / group_cells * group_cells;
  std::unordered_map<ValueRow, std::uint32_t, RowHash> known_values;
  std::map<std::vector<std::array<std::uint32_t, 3>>, GraphBlock> known_blocks;
  for (std::uint32_t first = 0; first < padded; first += graph_block) {
    const std::uint32_t last = std::clamp(cells, first, first + graph_block);
    std::uint32_t degree = 0;
    for (std::uint32_t i = first; i < last; ++i) degree = std::max(degree, matrix.begin[i + 1] - matrix.begin[i]);
    std::vector<Slot> found;
    if (!by_distance(matrix, first, last, padded, degree + 4, found)) {
      found.clear();
      by_ordinal(matrix, first, last, degree, found);
    }
    std::vector<GraphSlot> stored;
    std::vector<std::array<std::uint32_t, 3>> key;
    for (const Slot& slot : found) {
      const auto [known, added] = known_values.try_emplace(slot.values, static_cast<std::uint32_t>(slot_values.size()));
      if (added) slot_values.insert(slot_values.end(), slot.values.begin(), slot.values.end());
      GraphSlot s{static_cast<std::int32_t>(slot.shift), known->second, no_columns};
      if (slot.gathered) {
        s.columns = static_cast<std::uint32_t>(slot_columns.size());
        slot_columns.insert(slot_columns.end(), slot.columns.begin(), slot.columns.end());
      }
      stored.push_back(s);
      key.push_back({static_cast<std::uint32_t>(s.shift), s.values, s.columns});
    }
    const auto same = known_blocks.find(key);
    if (same != known_blocks.end()) {
      blocks.push_back(same->second);
      continue;
    }
    const GraphBlock block{static_cast<std::uint32_t>(slots.size()), static_cast<std::uint32_t>(stored.size())};
    slots.insert(slots.end(), stored.begin(), stored.end());
    blocks.push_back(block);
    // Blocks with gathers are as good as never alike.
    if (stored.empty() || stored.front().columns == no_columns) known_blocks.emplace(std::move(key), block);
  }
  graph = {matrix.begin, matrix.columns, matrix.values, matrix.cells, blocks.data(), slots.data(), slot_values.data(), slot_columns.data()};
}

}  // namespace heatbath::physics
