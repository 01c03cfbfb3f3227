#include "heatbath/numerics/lattice.hpp"

#include <cstddef>

namespace heatbath::numerics {
namespace {

std::vector<Pair> pairs_of_grid(std::uint32_t width, std::uint32_t height, bool closed, bool diagonals) {
  std::vector<Pair> pairs;
  pairs.reserve(std::size_t{width} * height * (diagonals ? 4 : 2));
  for (std::uint32_t y = 0; y < height; ++y)
    for (std::uint32_t x = 0; x < width; ++x) {
      const std::uint32_t here = y * width + x;
      if (x + 1 < width) pairs.push_back({here, here + 1});
      if (closed && width > 2 && x == 0) pairs.push_back({here, here + width - 1});
      if (y + 1 < height) {
        if (diagonals && x > 0) pairs.push_back({here, here + width - 1});
        pairs.push_back({here, here + width});
        if (diagonals && x + 1 < width) pairs.push_back({here, here + width + 1});
      }
      if (closed && height > 2 && y == 0) pairs.push_back({here, here + (height - 1) * width});
    }
  return pairs;
}

}  // namespace

std::vector<Pair> chain_pairs(std::uint32_t cells, bool closed) { return pairs_of_grid(cells, 1, closed, false); }

std::vector<Pair> grid_pairs(std::uint32_t width, std::uint32_t height, bool closed) {
  return pairs_of_grid(width, height, closed, false);
}

std::vector<Pair> king_pairs(std::uint32_t width, std::uint32_t height) {
  return pairs_of_grid(width, height, false, true);
}

}  // namespace heatbath::numerics
