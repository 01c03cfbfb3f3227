#pragma once
// Which pairs of cells have a coupler.

#include <cstdint>
#include <span>
#include <vector>

#include "heatbath/numerics/lattice.hpp"

namespace heatbath::physics {

/// A coupler joins cells i < j.
using Coupler = numerics::Pair;

/// An undirected graph without loops or double edges; couplers are sorted by (i, j). Immutable.
class Graph {
 public:
  /// Pairs in any order, either way round. Throws std::invalid_argument that names the first pair that joins a cell
  /// with itself, comes twice, or names a cell that does not exist.
  Graph(std::uint32_t cells, std::vector<Coupler> couplers);

  std::uint32_t cells() const { return cells_; }
  std::span<const Coupler> couplers() const { return couplers_; }

  /// Neighbours of a cell, ascending, and for each the ordinal of the coupler that leads there.
  std::span<const std::uint32_t> neighbours(std::uint32_t cell) const;
  std::span<const std::uint32_t> coupler_ordinals(std::uint32_t cell) const;

  /// Ordinal of the coupler between two cells, in either order; couplers().size() when there is none.
  std::uint32_t coupler_between(std::uint32_t a, std::uint32_t b) const;

  /// 0 or 1 per cell, different across every coupler; empty when an odd cycle forbids it.
  const std::vector<std::uint8_t>& colours() const { return colours_; }
  /// A coupler that closes an odd cycle; meaningful when colours() is empty.
  Coupler odd_coupler() const { return odd_; }

 private:
  std::uint32_t cells_;
  std::vector<Coupler> couplers_;
  std::vector<std::uint32_t> begin_, neighbour_, ordinal_;
  std::vector<std::uint8_t> colours_;
  Coupler odd_{0, 0};
};

}  // namespace heatbath::physics
