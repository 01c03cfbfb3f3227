#pragma once
// Which pairs of cells have a coupler.

#include <cstdint>
#include <iterator>
#include <span>
#include <utility>
#include <vector>

#include "heatbath/numerics/lattice.hpp"

namespace heatbath::physics {

/// A coupler joins cells i < j.
using Coupler = numerics::Pair;

/// An undirected graph without loops or double edges; couplers are sorted by (i, j). Immutable. Groups of 64 cells whose
/// neighbours are at the same distances are kept once, so that a lattice takes 1 byte a cell or less; where no two are
/// alike, a cell takes 12 bytes and 4 for each neighbour.
class Graph {
 public:
  /// Pairs in any order, either way round. Throws std::invalid_argument that names the first pair that joins a cell
  /// with itself, comes twice, or names a cell that does not exist. Needs 12 bytes a coupler and 5 a cell meanwhile.
  Graph(std::uint32_t cells, std::vector<Coupler> couplers);

  std::uint32_t cells() const { return cells_; }

  /// All couplers in their order; made from the rows as they are read.
  class Couplers {
   public:
    class const_iterator {
     public:
      using iterator_category = std::input_iterator_tag;
      using iterator_concept = std::forward_iterator_tag;
      using value_type = Coupler;
      using difference_type = std::ptrdiff_t;
      using pointer = const Coupler*;
      using reference = Coupler;

      const_iterator() = default;
      const_iterator(const Graph* graph, std::uint32_t cell) : graph_(graph), cell_(cell) { find(); }
      Coupler operator*() const { return {cell_, *at_ + cell_}; }
      const_iterator& operator++() {
        if (++at_ == end_) ++cell_, find();
        return *this;
      }
      const_iterator operator++(int) {
        const const_iterator before = *this;
        ++*this;
        return before;
      }
      friend bool operator==(const const_iterator& a, const const_iterator& b) {
        return a.cell_ == b.cell_ && a.at_ == b.at_;
      }

     private:
      // The first cell from cell_ on that has higher neighbours.
      void find() {
        for (at_ = end_ = nullptr; cell_ < graph_->cells(); ++cell_) {
          const auto higher = graph_->distances(cell_).subspan(graph_->row(cell_).lower);
          if (higher.empty()) continue;
          at_ = higher.data();
          end_ = at_ + higher.size();
          return;
        }
      }
      const Graph* graph_ = nullptr;
      std::uint32_t cell_ = 0;
      const std::uint32_t *at_ = nullptr, *end_ = nullptr;
    };

    explicit Couplers(const Graph& graph) : graph_(&graph) {}
    std::size_t size() const { return graph_->coupler_count_; }
    bool empty() const { return size() == 0; }
    const_iterator begin() const { return {graph_, 0}; }
    const_iterator end() const { return {graph_, graph_->cells()}; }
    /// O(log cells).
    Coupler operator[](std::size_t ordinal) const;

   private:
    const Graph* graph_;
  };
  Couplers couplers() const { return Couplers(*this); }

  /// Neighbours of a cell, ascending: a range that is made as it is read.
  class Neighbours {
   public:
    class const_iterator {
     public:
      using iterator_category = std::input_iterator_tag;
      using iterator_concept = std::forward_iterator_tag;
      using value_type = std::uint32_t;
      using difference_type = std::ptrdiff_t;
      using pointer = const std::uint32_t*;
      using reference = std::uint32_t;

      const_iterator() = default;
      const_iterator(const std::uint32_t* distance, std::uint32_t cell) : distance_(distance), cell_(cell) {}
      std::uint32_t operator*() const { return cell_ + *distance_; }
      const_iterator& operator++() {
        ++distance_;
        return *this;
      }
      const_iterator operator++(int) { return {distance_++, cell_}; }
      friend bool operator==(const const_iterator&, const const_iterator&) = default;

     private:
      const std::uint32_t* distance_ = nullptr;
      std::uint32_t cell_ = 0;
    };

    Neighbours(std::span<const std::uint32_t> distances, std::uint32_t cell) : distances_(distances), cell_(cell) {}
    std::size_t size() const { return distances_.size(); }
    bool empty() const { return distances_.empty(); }
    const_iterator begin() const { return {distances_.data(), cell_}; }
    const_iterator end() const { return {distances_.data() + distances_.size(), cell_}; }
    std::uint32_t operator[](std::size_t n) const { return cell_ + distances_[n]; }

   private:
    std::span<const std::uint32_t> distances_;
    std::uint32_t cell_;
  };
  Neighbours neighbours(std::uint32_t cell) const { return {distances(cell), cell}; }
  /// Ordinal of the coupler that leads to the n-th neighbour.
  std::uint32_t coupler_ordinal(std::uint32_t cell, std::uint32_t n) const;

  /// Ordinal of the coupler between two cells, in either order; couplers().size() when there is none.
  std::uint32_t coupler_between(std::uint32_t a, std::uint32_t b) const;

  /// Groups of 64 cells with one pattern have the same neighbours, counted from their own cells.
  std::uint32_t pattern(std::uint32_t group) const { return groups_[group].rows; }

  /// 0 or 1 per cell, different across every coupler; empty when an odd cycle forbids it.
  class Colours {
   public:
    explicit Colours(const Graph& graph) : graph_(&graph) {}
    std::size_t size() const { return graph_->colours_.empty() ? 0 : graph_->cells_; }
    bool empty() const { return size() == 0; }
    std::uint8_t operator[](std::uint32_t cell) const {
      return static_cast<std::uint8_t>(graph_->colours_[cell / 64] >> cell % 64 & 1u);
    }

   private:
    const Graph* graph_;
  };
  Colours colours() const { return Colours(*this); }
  /// A coupler that closes an odd cycle; meaningful when colours() is empty.
  Coupler odd_coupler() const { return odd_; }

 private:
  static constexpr std::uint32_t group_size = 64;
  struct Row {
    std::uint32_t begin;   // into distances_
    std::uint32_t lower;   // neighbours before the cell
    std::uint32_t before;  // couplers of its group that begin at cells before it
  };
  struct Group {
    std::uint32_t rows;     // into rows_, group_size + 1 of them
    std::uint32_t ordinal;  // of the first coupler that begins in it
  };

  const Row& row(std::uint32_t cell) const { return rows_[groups_[cell / group_size].rows + cell % group_size]; }
  /// Modulo 2^32.
  std::span<const std::uint32_t> distances(std::uint32_t cell) const {
    const Row* const own = &row(cell);
    return {distances_.data() + own[0].begin, own[1].begin - own[0].begin};
  }
  std::uint32_t first_ordinal(std::uint32_t cell) const { return groups_[cell / group_size].ordinal + row(cell).before; }
  void keep_rows(const std::vector<Coupler>& couplers);
  void colour();

  std::uint32_t cells_;
  std::size_t coupler_count_ = 0;
  std::vector<Group> groups_;
  std::vector<Row> rows_;
  std::vector<std::uint32_t> distances_;
  std::vector<std::uint64_t> colours_;  // a bit per cell
  Coupler odd_{0, 0};
};

}  // namespace heatbath::physics
