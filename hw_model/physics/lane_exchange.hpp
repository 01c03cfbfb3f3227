#pragma once
// What arrays keep per lane, as bytes that do not depend on how lanes lie in tiles.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "heatbath/numerics/archive.hpp"
#include "hw_model/physics/cell_meters.hpp"
#include "hw_model/physics/lane_tiles.hpp"

namespace heatbath::physics {

/// Rows 0..rows-1 of one lane of a field that lies as [row][lane].
template <class Field>
void exchange_lane(numerics::Archive& archive, Field& field, std::uint32_t rows, std::uint32_t lanes, std::uint32_t own) {
  std::vector<typename Field::value_type> values(rows);
  for (std::uint32_t row = 0; row < rows && !archive.reads(); ++row) values[row] = field[std::size_t{row} * lanes + own];
  archive.values(std::span(values));
  if (!archive.reads()) return;
  if constexpr (std::is_floating_point_v<typename Field::value_type>) check_finite(archive, values, "state of a cell");
  for (std::uint32_t row = 0; row < rows; ++row) field[std::size_t{row} * lanes + own] = values[row];
}

/// The meters of cells that are kept, of one lane.
inline void exchange_lane(numerics::Archive& archive, CellSums& sums, CellMeterSet kept, std::uint32_t cells,
                          std::uint32_t lanes, std::uint32_t own) {
  for (std::size_t m = 0; m < cell_meters; ++m)
    if (const auto meter = static_cast<CellMeter>(m); kept.has(meter))
      exchange_lane(archive, sums.of(meter), cells, lanes, own);
}

/// Which cells are free: ~0 or 0 each.
inline void exchange_free(numerics::Archive& archive, std::span<std::uint32_t> free) {
  for (std::uint32_t& cell : free) {
    bool moves = cell != 0;
    archive(moves);
    cell = moves ? ~0u : 0u;
  }
}

/// The rails of all tiles; the first one has them afterwards.
template <class Tiles>
void exchange_rails(numerics::Archive& archive, Tiles& tiles) {
  Rails rails = rails_of(tiles);
  archive(rails.rail_count, rails.rail_cell);
  if (!archive.reads()) return;
  clear_rails_of(tiles);
  static_cast<Rails&>(tiles.front()) = rails;
}

}  // namespace heatbath::physics
