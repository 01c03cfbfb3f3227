#include "hw_model/physics/graph.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>

namespace heatbath::physics {
namespace {

std::string pair_text(const Coupler& c) { return "(" + std::to_string(c.i) + ", " + std::to_string(c.j) + ")"; }

}  // namespace

Graph::Graph(std::uint32_t cells, std::vector<Coupler> couplers) : cells_(cells), coupler_count_(couplers.size()) {
  if (cells == 0) throw std::invalid_argument("a graph has at least one cell");
  for (auto& c : couplers) {
    if (c.i == c.j) throw std::invalid_argument("coupler " + pair_text(c) + " joins a cell with itself");
    if (c.i >= cells || c.j >= cells)
      throw std::invalid_argument("coupler " + pair_text(c) + " names a cell beyond the last, " +
                                  std::to_string(cells - 1));
    if (c.i > c.j) std::swap(c.i, c.j);
  }
  const auto key = [](const Coupler& c) { return std::uint64_t{c.i} << 32 | c.j; };
  const auto below = [&](const Coupler& a, const Coupler& b) { return key(a) < key(b); };
  if (!std::is_sorted(couplers.begin(), couplers.end(), below)) std::sort(couplers.begin(), couplers.end(), below);
  const auto twice = std::adjacent_find(couplers.begin(), couplers.end());
  if (twice != couplers.end()) throw std::invalid_argument("coupler " + pair_text(*twice) + " comes twice");
  keep_rows(couplers);
  couplers = std::vector<Coupler>();  // {} would keep the memory
  colour();
}

void Graph::keep_rows(const std::vector<Coupler>& couplers) {
  std::vector<std::uint32_t> end(std::size_t{cells_} + 1, 0), lower(couplers.size());  // of each cell, ascending
  for (const auto& c : couplers) ++end[c.j];
  for (std::uint32_t i = 0, sum = 0; i <= cells_; ++i) sum += std::exchange(end[i], sum);
  for (const auto& c : couplers) lower[end[c.j]++] = c.i;  // a list ends where the next one begins

  std::unordered_multimap<std::uint64_t, std::uint32_t> known;  // hashes of groups, rows
  const auto row_size = [&](std::uint32_t row) { return rows_[row + 1].begin - rows_[row].begin; };
  const auto alike = [&](std::uint32_t a, std::uint32_t b) {
    for (std::uint32_t r = 0; r < group_size; ++r)
      if (row_size(a + r) != row_size(b + r) || rows_[a + r].lower != rows_[b + r].lower) return false;
    return std::equal(distances_.begin() + rows_[a].begin, distances_.begin() + rows_[a + group_size].begin,
                      distances_.begin() + rows_[b].begin);
  };
  std::size_t next = 0;  // coupler
  for (std::uint32_t group = 0; group < (cells_ - 1) / group_size + 1; ++group) {
    const std::uint32_t first = group * group_size;
    const auto here = static_cast<std::uint32_t>(rows_.size());
    const auto kept = static_cast<std::uint32_t>(distances_.size());
    const auto ordinal = static_cast<std::uint32_t>(next);
    std::uint64_t hash = 1469598103934665603ULL;
    const auto mix = [&](std::uint32_t value) { hash = (hash ^ value) * 1099511628211ULL; };
    for (std::uint32_t r = 0; r < group_size; ++r) {
      Row row{static_cast<std::uint32_t>(distances_.size()), 0, static_cast<std::uint32_t>(next) - ordinal};
      if (r < cells_ - first) {
        const std::uint32_t cell = first + r, from = cell == 0 ? 0 : end[cell - 1];
        row.lower = end[cell] - from;
        for (std::uint32_t at = from; at < end[cell]; ++at) distances_.push_back(lower[at] - cell);
        for (; next < couplers.size() && couplers[next].i == cell; ++next) distances_.push_back(couplers[next].j - cell);
      }
      mix(static_cast<std::uint32_t>(distances_.size()) - row.begin);
      rows_.push_back(row);
    }
    rows_.push_back({static_cast<std::uint32_t>(distances_.size()), 0, static_cast<std::uint32_t>(next) - ordinal});
    for (std::size_t at = kept; at < distances_.size(); ++at) mix(distances_[at]);
    const auto [begin, last] = known.equal_range(hash);
    const auto found = std::find_if(begin, last, [&](const auto& of) { return alike(of.second, here); });
    if (found == last) {
      known.emplace(hash, here);
      groups_.push_back({here, ordinal});
    } else {
      rows_.resize(here);
      distances_.resize(kept);
      groups_.push_back({found->second, ordinal});
    }
  }
  groups_.shrink_to_fit();
  rows_.shrink_to_fit();
  distances_.shrink_to_fit();
}

void Graph::colour() {
  constexpr std::uint8_t none = 2;
  std::vector<std::uint8_t> colours(cells_, none);
  std::vector<std::uint32_t> waiting;
  for (std::uint32_t root = 0; root < cells_; ++root) {
    if (colours[root] != none) continue;
    colours[root] = 0;
    waiting.assign(1, root);
    while (!waiting.empty()) {
      const std::uint32_t cell = waiting.back();
      waiting.pop_back();
      for (const std::uint32_t to : neighbours(cell)) {
        if (colours[to] == colours[cell]) {
          odd_ = {std::min(cell, to), std::max(cell, to)};
          return;
        }
        if (colours[to] != none) continue;
        colours[to] = static_cast<std::uint8_t>(1 - colours[cell]);
        waiting.push_back(to);
      }
    }
  }
  colours_.assign((std::size_t{cells_} + 63) / 64, 0);
  for (std::uint32_t cell = 0; cell < cells_; ++cell) colours_[cell / 64] |= std::uint64_t{colours[cell]} << cell % 64;
}

std::uint32_t Graph::coupler_ordinal(std::uint32_t cell, std::uint32_t n) const {
  const std::uint32_t lower = row(cell).lower;
  return n >= lower ? first_ordinal(cell) + (n - lower) : coupler_between(cell + distances(cell)[n], cell);
}

std::uint32_t Graph::coupler_between(std::uint32_t a, std::uint32_t b) const {
  if (a > b) std::swap(a, b);
  const auto higher = distances(a).subspan(row(a).lower);
  const auto found = std::lower_bound(higher.begin(), higher.end(), b - a);
  if (found == higher.end() || *found != b - a) return static_cast<std::uint32_t>(coupler_count_);
  return first_ordinal(a) + static_cast<std::uint32_t>(found - higher.begin());
}

Coupler Graph::Couplers::operator[](std::size_t ordinal) const {
  const Graph& g = *graph_;
  const auto group = std::upper_bound(g.groups_.begin(), g.groups_.end(), ordinal,
                                      [](std::size_t at, const Group& of) { return at < of.ordinal; }) - 1;
  const auto rows = g.rows_.begin() + group->rows;
  const auto row = std::upper_bound(rows, rows + group_size, ordinal - group->ordinal,
                                    [](std::size_t at, const Row& of) { return at < of.before; }) - 1;
  const auto cell = static_cast<std::uint32_t>((group - g.groups_.begin()) * group_size + (row - rows));
  return {cell, cell + g.distances_[row->begin + row->lower + (ordinal - group->ordinal - row->before)]};
}

}  // namespace heatbath::physics
