#pragma once
// Files that list pairs of cells, with a value for each or without: MatrixMarket, edge lists, rudy (Gset).

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "heatbath/numerics/lattice.hpp"

namespace heatbath::numerics {

/// The most cells and pairs of cells that a file or a lattice may have: numbers of cells are 28 bits in the address of
/// their noise, and both directions of all pairs are counted in 32.
constexpr std::uint32_t most_cells = 1u << 28;
constexpr std::uint32_t most_pairs = 1u << 30;

/// What is made of the two directions of a pair: one value; two, which a matrix may have different; two, and a line of
/// an edge list is one of them.
enum class Directions : std::uint8_t { alike, two, one_way };

/// What is made of entries that join a cell with itself: the diagonal of a matrix, i = j in a list.
enum class Loops : std::uint8_t { refused, kept };

struct Loop {
  std::uint32_t cell = 0;
  float value = 0;
};

struct PairList {
  std::uint32_t cells = 0;
  bool open = false;            ///< the file does not say how many cells there are: as many as its largest index needs
  std::vector<Pair> pairs;      ///< i < j, each once, sorted by i, then j
  /// empty where the file has none; one per pair; two, J_ij then J_ji, unless Directions::alike
  std::vector<float> values;
  std::vector<Loop> loops;      ///< with Loops::kept: those that are not 0, in the order of the file
};

/// Reads a file, told by its contents:
/// - MatrixMarket coordinate format, from its banner (words in any case): 1-based entries, as many as announced. Fields
///   real, double, integer with one finite value an entry, pattern without. symmetric: each pair once. general: both
///   entries of a pair, of one value; unless Directions::alike also different ones, and one that is missing is 0.
///   skew-symmetric unless Directions::alike. The diagonal may hold zeros, or be in a pattern, and is left out.
/// - rudy (Gset, Biq Mac): a line "cells pairs", then a line "i j value" for each, counted from 1.
/// - an edge list: a line "i j" or "i j value" for each pair, counted from 0; blank lines and lines from '#' are
///   skipped.
/// With Loops::kept also entries that join a cell with itself, each with its value (in a file without values, 1).
/// In the last two each pair comes once; with Directions::one_way the value is J_ij alone, and a pair may come once in
/// each direction. A byte-order mark in front is skipped. Memory is bounded by the size of the file; what is not a
/// regular file may have up to 256 MiB. Throws std::invalid_argument in one line: file, line, what was found (escaped)
/// and what was expected.
PairList read_pairs(const std::string& file, Directions directions, Loops loops = Loops::refused);

/// The same of a text; `where` names it in messages, and its ending .mtx asks for a banner.
PairList parse_pairs(std::string_view text, const std::string& where, Directions directions,
                     Loops loops = Loops::refused);

}  // namespace heatbath::numerics
