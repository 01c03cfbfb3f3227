#include "heatbath/numerics/lattice.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <tuple>

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

std::vector<Pair> z1_pairs(std::uint32_t width, std::uint32_t height) {
  struct Offset {
    std::int64_t x, y;
  };
  constexpr std::array<Offset, 4> of_one_quarter{{{1, 0}, {2, 1}, {2, 3}, {4, 1}}};
  std::vector<Offset> forward;  // to cells behind, in their order
  for (const Offset& offset : of_one_quarter)
    for (const Offset& turned : {offset, Offset{-offset.y, offset.x}, Offset{-offset.x, -offset.y}, Offset{offset.y, -offset.x}})
      if (turned.y > 0 || (turned.y == 0 && turned.x > 0)) forward.push_back(turned);
  std::ranges::sort(forward, {}, [](const Offset& o) { return std::tuple(o.y, o.x); });
  std::vector<Pair> pairs;
  for (std::int64_t y = 0; y < height; ++y)
    for (std::int64_t x = 0; x < width; ++x)
      for (const Offset& to : forward) {
        const std::int64_t u = x + to.x, v = y + to.y;
        if (u < 0 || u >= width || v >= height) continue;
        pairs.push_back({static_cast<std::uint32_t>(y * width + x), static_cast<std::uint32_t>(v * width + u)});
      }
  return pairs;
}

}  // namespace heatbath::numerics
