#pragma once
// Pairs of neighbours: chains, rings, grids.

#include <cstdint>
#include <vector>

namespace heatbath::numerics {

/// Two cells.
struct Pair {
  std::uint32_t i, j;
  friend bool operator==(const Pair&, const Pair&) = default;
};

/// Each pair once, i < j, sorted by i, then j.
/// Cells 0 - 1 - 2 …; `closed`: the last is a neighbour of the first, too, where there are more than two.
std::vector<Pair> chain_pairs(std::uint32_t cells, bool closed);
/// Cell y * width + x at column x of row y, with the four nearest neighbours; `closed`: in each direction that has more
/// than two cells, the last is a neighbour of the first.
std::vector<Pair> grid_pairs(std::uint32_t width, std::uint32_t height, bool closed);
/// The same, open, with eight neighbours.
std::vector<Pair> king_pairs(std::uint32_t width, std::uint32_t height);
/// The same, open, with sixteen neighbours: those at (1, 0), (2, 1), (2, 3), (4, 1) and these turned by a quarter, twice
/// and three times. All join cells of different colour of a chessboard.
std::vector<Pair> z1_pairs(std::uint32_t width, std::uint32_t height);

}  // namespace heatbath::numerics
