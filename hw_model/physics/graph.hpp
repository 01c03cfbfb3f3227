#pragma once
// Which pairs of cells have a coupler.

#include <cstdint>
#include <iosfwd>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heatbath::physics {

/// A coupler joins cells i < j.
struct Coupler {
  std::uint32_t i, j;
  friend bool operator==(const Coupler&, const Coupler&) = default;
};

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

/// Graphs by name, cell y * W + x at column x of row y:
///   grid:WxH    nearest neighbours         torus:WxH   the same, closed in both directions (W, H >= 3)
///   king:WxH    eight neighbours           chain:N, ring:N (N >= 3)
/// Throws std::invalid_argument that says what is wrong and lists the forms.
std::shared_ptr<const Graph> named_graph(std::string_view name);

/// A graph from text: MatrixMarket coordinate format (from its banner; 1-based entries, values ignored; a general
/// matrix must have its pattern symmetric) or an edge list (a line "i j" per coupler, 0-based; blank lines and lines
/// from '#' are skipped; as many cells as the largest index needs). `where` names the text in messages. Throws
/// std::invalid_argument that names the line.
std::shared_ptr<const Graph> read_graph(std::istream& text, const std::string& where);

/// named_graph for a name with one of its prefixes, else read_graph of the file of that name.
std::shared_ptr<const Graph> load_graph(const std::string& name_or_file);

}  // namespace heatbath::physics
