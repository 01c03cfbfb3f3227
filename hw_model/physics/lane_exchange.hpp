#pragma once
// What arrays keep per lane, as bytes that depend neither on how lanes lie in tiles nor on how many ranks have an array.
// Of a rank's part all ranks call these functions together: the first one writes, and all read the same bytes.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "heatbath/numerics/archive.hpp"
#include "hw_model/physics/cell_meters.hpp"
#include "hw_model/physics/exchange.hpp"
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

/// One value per cell of the whole array. `values`: of the rows here, of which it writes its own and reads them.
template <class Value>
void exchange_cells(numerics::Archive& archive, std::span<Value> values, Exchange* exchange) {
  if (exchange == nullptr) {
    archive.values(values);
    if constexpr (std::is_floating_point_v<Value>) check_finite(archive, values, "state of a cell");
    return;
  }
  const Cut& cut = exchange->cut();
  const std::span<Value> own = values.subspan(cut.first_row, cut.rows);
  std::vector<Value> all(cut.cells);
  if (!archive.reads()) all = exchange->gather(std::span<const Value>(own));
  archive.values(std::span(all));
  if (!archive.reads()) return;
  if constexpr (std::is_floating_point_v<Value>) check_finite(archive, all, "state of a cell");
  std::copy_n(all.begin() + cut.first_cell, cut.rows, own.begin());
}

/// The same of one lane of a field that lies as [row][lane], one component of `cells` rows after the other.
template <class Field>
void exchange_lane_of_cells(numerics::Archive& archive, Field& field, std::uint32_t cells, std::uint32_t rows, std::uint32_t lanes,
                            std::uint32_t own, Exchange* exchange) {
  if (exchange == nullptr) return exchange_lane(archive, field, rows, lanes, own);
  std::vector<typename Field::value_type> values(cells);
  for (std::uint32_t first = 0; first < rows; first += cells) {
    for (std::uint32_t row = 0; row < cells; ++row) values[row] = field[(std::size_t{first} + row) * lanes + own];
    exchange_cells(archive, std::span(values), exchange);
    for (std::uint32_t row = 0; row < cells; ++row) field[(std::size_t{first} + row) * lanes + own] = values[row];
  }
}

/// Whether what was read is right everywhere.
inline void check_everywhere(const numerics::Archive& archive, bool right, const char* what, Exchange* exchange) {
  archive.check(exchange ? !exchange->any(!right) : right, what);
}

/// The meters of cells that are kept, of one lane.
inline void exchange_lane(numerics::Archive& archive, CellSums& sums, CellMeterSet kept, std::uint32_t cells,
                          std::uint32_t lanes, std::uint32_t own, Exchange* exchange) {
  for (std::size_t m = 0; m < cell_meters; ++m)
    if (const auto meter = static_cast<CellMeter>(m); kept.has(meter))
      exchange_lane_of_cells(archive, sums.of(meter), cells, cells, lanes, own, exchange);
}

/// Which cells are free: all bits set, or 0.
template <class Value>
void exchange_free(numerics::Archive& archive, std::span<Value> free, Exchange* exchange) {
  if (exchange != nullptr) {
    const Cut& cut = exchange->cut();
    std::vector<Value> all(cut.cells);
    if (!archive.reads()) all = exchange->gather(std::span<const Value>(free.subspan(cut.first_row, cut.rows)));
    exchange_free(archive, std::span(all), nullptr);
    if (archive.reads()) std::copy_n(all.begin() + cut.first_cell, cut.rows, free.begin() + cut.first_row);
    return;
  }
  for (Value& cell : free) {
    bool moves = cell != 0;
    archive(moves);
    cell = moves ? static_cast<Value>(~Value{0}) : Value{0};
  }
}

/// Of all ranks, by the numbers of cells, on the first one.
inline Rails rails_everywhere(const Rails& here, Exchange* exchange) {
  if (exchange == nullptr) return here;
  const Cut& cut = exchange->cut();
  const std::uint64_t own[] = {here.rail_count, here.rail_count == 0 ? here.rail_cell : here.rail_cell - cut.first_row + cut.first_cell};
  const std::vector<std::uint64_t> all = exchange->gather(std::span<const std::uint64_t>(own));
  Rails rails;
  for (std::size_t n = 0; n < all.size(); n += 2) {
    rails.rail_count += all[n];
    rails.rail_cell = std::min(rails.rail_cell, static_cast<std::uint32_t>(all[n + 1]));
  }
  return rails;
}

/// The rails of all tiles; the first one has them afterwards.
template <class Tiles>
void exchange_rails(numerics::Archive& archive, Tiles& tiles, Exchange* exchange) {
  Rails rails = rails_everywhere(rails_of(tiles), exchange);
  archive(rails.rail_count, rails.rail_cell);
  if (!archive.reads()) return;
  clear_rails_of(tiles);
  if (exchange && exchange->cut().rank != 0) return;
  if (exchange && rails.rail_count != 0) rails.rail_cell += exchange->cut().first_row;
  static_cast<Rails&>(tiles.front()) = rails;
}

}  // namespace heatbath::physics
