#pragma once
// Lanes in tiles, the pieces of work that threads take; and what arrays keep and ask of their tiles.

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "heatbath/numerics/thread_team.hpp"
#include "hw_model/physics/step_kernels.hpp"

namespace heatbath::physics {

constexpr std::uint32_t lane_block = 16;  ///< lanes of a tile of several are padded to a multiple of this
constexpr std::uint32_t few_lanes = 4;    ///< up to this many left-over lanes run one by one

/// Lanes first..first+count-1, padded to `lanes`: 1, or a multiple of lane_block up to tile_lanes.
struct LaneRange {
  std::uint32_t first = 0, count = 0, lanes = 1;
};

/// States held at rails in a tile.
struct Rails {
  std::uint64_t rail_count = 0;
  std::uint32_t rail_cell = 0xFFFFFFFFu;
};

/// All lanes in tiles; few lanes are cut finer, for every thread to have some. `one_by_one`: whether left-over lanes
/// may be tiles of their own.
inline std::vector<LaneRange> ranges_of_lanes(std::uint32_t lanes, const numerics::ThreadTeam* team, bool one_by_one) {
  std::vector<LaneRange> ranges;
  const std::uint32_t over = lanes % lane_block, rest = one_by_one && over <= few_lanes ? over : 0;
  const std::uint32_t batched = lanes - rest;
  const std::uint32_t most = team && batched < tile_lanes * team->size() ? lane_block : tile_lanes;
  for (std::uint32_t first = 0; first < batched; first += most) {
    const std::uint32_t count = std::min(most, batched - first);
    ranges.push_back({first, count, (count + lane_block - 1) / lane_block * lane_block});
  }
  for (std::uint32_t lane = batched; lane < lanes; ++lane) ranges.push_back({lane, 1, 1});
  return ranges;
}

/// The tile of a lane; `lanes` are those of all tiles. Throws std::out_of_range.
template <class Tiles>
auto& tile_of_lane(Tiles& tiles, std::uint32_t lane, std::uint32_t lanes) {
  if (lane >= lanes) throw std::out_of_range("lane " + std::to_string(lane) + " of " + std::to_string(lanes));
  return *std::ranges::find_if(tiles, [&](const auto& t) { return lane < t.first + t.count; });
}

/// piece(tile) for all tiles, on the team where there is one.
template <class Tiles, class Piece>
void for_tiles(Tiles& tiles, numerics::ThreadTeam* team, const Piece& piece) {
  if (team) {
    team->run(tiles.size(), [&](std::size_t i) { piece(tiles[i]); });
  } else {
    for (auto& tile : tiles) piece(tile);
  }
}

template <class Tiles>
Rails rails_of(const Tiles& tiles) {
  Rails all;
  for (const auto& tile : tiles) {
    all.rail_count += tile.rail_count;
    all.rail_cell = std::min(all.rail_cell, tile.rail_cell);
  }
  return all;
}

template <class Tiles>
void clear_rails_of(Tiles& tiles) {
  for (auto& tile : tiles) static_cast<Rails&>(tile) = Rails{};
}

}  // namespace heatbath::physics
