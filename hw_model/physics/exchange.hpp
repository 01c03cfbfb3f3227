#pragma once
// The seam between an array that is whole and one that is cut over ranks: what a rank has of it, and how it hears of the
// others. An array without an Exchange is whole and asks nobody.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

namespace heatbath::physics {

/// What a rank has of an array. Its rows are, in the order of the whole array's cells: rows that are no cells, so that its
/// own begin where groups of 64 do; cells of lower ranks that its own are coupled to; its own; cells of higher ranks that
/// its own are coupled to. Rows that are not its own never move here: their owners say where they are.
struct Cut {
  std::uint32_t first_row = 0;   ///< of its own cells; a multiple of 64
  std::uint32_t rows = 0;        ///< its own cells
  std::uint32_t first_cell = 0;  ///< number of the first in the whole array; a multiple of 64
  std::uint32_t rank = 0, ranks = 1;
  std::uint32_t cells = 0;  ///< of the whole array
  std::vector<std::uint8_t> colours;  ///< of its rows in the whole graph; empty where that is not bipartite
  std::vector<std::uint32_t> others;  ///< cells of other ranks that its own are coupled to, ascending
  std::uint32_t lower = 0;            ///< so many of them are before its own

  static constexpr std::uint32_t no_cell = 0xFFFFFFFFu;
  std::uint32_t all_rows() const {
    const auto count = first_row + rows + static_cast<std::uint32_t>(others.size()) - lower;
    return count == 0 ? 64 : count;  // an array has a cell
  }
  /// Of a row, in the whole array; no_cell where there is none.
  std::uint32_t cell(std::uint32_t row) const {
    const std::uint32_t end = first_row + rows;
    if (row < first_row) return row + lower < first_row ? no_cell : others[row + lower - first_row];
    if (row < end) return first_cell + (row - first_row);
    return row - end + lower < others.size() ? others[row - end + lower] : no_cell;
  }
  /// Of one of its cells, or of `others`.
  std::uint32_t row(std::uint32_t cell) const {
    if (cell - first_cell < rows) return first_row + (cell - first_cell);
    const auto at = static_cast<std::uint32_t>(std::lower_bound(others.begin(), others.end(), cell) - others.begin());
    return at < lower ? first_row - lower + at : first_row + rows + (at - lower);
  }
};

/// What the ranks of a cut array ask of each other. Every call is made by all of them, in one order.
class Exchange {
 public:
  explicit Exchange(Cut cut) : cut_(std::move(cut)) {}
  virtual ~Exchange() = default;
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  const Cut& cut() const { return cut_; }

  /// Brings the rows of others up to date in a field of the first variables, [row][lane].
  virtual void refresh(float* field, std::uint32_t lanes) = 0;
  /// Its own rows that other ranks take then.
  virtual std::span<const std::uint32_t> sent_rows() const = 0;
  /// Whether one of the ranks says so.
  virtual bool any(bool here) = 0;
  /// What each rank has, in the order of ranks, on the first one; nothing on the others.
  template <class Value>
  std::vector<Value> gather(std::span<const Value> own) {
    const std::vector<std::byte> bytes = gather_bytes(std::as_bytes(own));
    std::vector<Value> all(bytes.size() / sizeof(Value));
    if (!all.empty()) std::memcpy(all.data(), bytes.data(), bytes.size());
    return all;
  }

 private:
  virtual std::vector<std::byte> gather_bytes(std::span<const std::byte> own) = 0;

  Cut cut_;
};

/// Sums over cells in the order of the whole array's cells: the same bits for any number of ranks. Of a cut array they
/// come to be on the first rank; elsewhere they are none.
class OrderedSums {
 public:
  /// `exchange` may be null. Both are borrowed.
  OrderedSums(Exchange* exchange, std::span<double> sums) : exchange_(exchange), sums_(sums) {}

  /// Adds to one of the sums; a cell adds to all of them in turn, from the first to the last.
  void add(std::size_t sum, double term) {
    if (exchange_ == nullptr) {
      sums_[sum] += term;
    } else {
      terms_.push_back(term);
    }
  }
  /// After the last term. All ranks.
  void finish() {
    if (exchange_ == nullptr) return;
    const std::vector<double> all = exchange_->gather(std::span<const double>(terms_));
    terms_.clear();
    for (std::size_t n = 0; n < all.size();)
      for (double& sum : sums_) sum += all[n++];
  }

 private:
  Exchange* exchange_;
  std::span<double> sums_;
  std::vector<double> terms_;
};

/// The rows of an array that are its own cells.
struct OwnRows {
  std::uint32_t begin, end;
  OwnRows(const Exchange* exchange, std::uint32_t cells)
      : begin(exchange ? exchange->cut().first_row : 0), end(exchange ? begin + exchange->cut().rows : cells) {}
  std::uint32_t count() const { return end - begin; }
};

/// visit(sites) for the cells of each piece of a sweep, piece by piece: those of a colour, or, where one cell follows
/// another, those of a rank. `order`: own cells by colour; `field` is refreshed after each piece. Without an exchange a
/// colour is a piece.
template <class Order, class Visit>
void in_pieces(Exchange* exchange, bool by_colour, const Order& order, float* field, std::uint32_t lanes,
               const Visit& visit) {
  if (exchange == nullptr || by_colour) {
    for (const auto& sites : order) {
      visit(sites);
      if (exchange) exchange->refresh(field, lanes);
    }
    return;
  }
  for (std::uint32_t rank = 0; rank < exchange->cut().ranks; ++rank) {
    if (rank == exchange->cut().rank) visit(order[0]);
    exchange->refresh(field, lanes);
  }
}

}  // namespace heatbath::physics
