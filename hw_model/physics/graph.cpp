#include "hw_model/physics/graph.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

namespace heatbath::physics {
namespace {

std::string pair_text(const Coupler& c) { return "(" + std::to_string(c.i) + ", " + std::to_string(c.j) + ")"; }

}  // namespace

Graph::Graph(std::uint32_t cells, std::vector<Coupler> couplers) : cells_(cells), couplers_(std::move(couplers)) {
  if (cells == 0) throw std::invalid_argument("a graph has at least one cell");
  for (auto& c : couplers_) {
    if (c.i == c.j) throw std::invalid_argument("coupler " + pair_text(c) + " joins a cell with itself");
    if (c.i >= cells || c.j >= cells)
      throw std::invalid_argument("coupler " + pair_text(c) + " names a cell beyond the last, " +
                                  std::to_string(cells - 1));
    if (c.i > c.j) std::swap(c.i, c.j);
  }
  const auto key = [](const Coupler& c) { return std::uint64_t{c.i} << 32 | c.j; };
  const auto below = [&](const Coupler& a, const Coupler& b) { return key(a) < key(b); };
  if (!std::is_sorted(couplers_.begin(), couplers_.end(), below)) std::sort(couplers_.begin(), couplers_.end(), below);
  const auto twice = std::adjacent_find(couplers_.begin(), couplers_.end());
  if (twice != couplers_.end()) throw std::invalid_argument("coupler " + pair_text(*twice) + " comes twice");

  begin_.assign(std::size_t{cells} + 1, 0);
  for (const auto& c : couplers_) ++begin_[c.i + 1], ++begin_[c.j + 1];
  for (std::uint32_t i = 0; i < cells; ++i) begin_[i + 1] += begin_[i];
  neighbour_.resize(2 * couplers_.size());
  ordinal_.resize(2 * couplers_.size());
  auto end = begin_;
  // Lower neighbours first, then higher ones, both in the order of the couplers: ascending.
  const auto add = [&](std::uint32_t cell, std::uint32_t to, std::size_t by) {
    neighbour_[end[cell]] = to;
    ordinal_[end[cell]++] = static_cast<std::uint32_t>(by);
  };
  for (std::size_t c = 0; c < couplers_.size(); ++c) add(couplers_[c].j, couplers_[c].i, c);
  for (std::size_t c = 0; c < couplers_.size(); ++c) add(couplers_[c].i, couplers_[c].j, c);

  colours_.assign(cells, 2);
  std::vector<std::uint32_t> waiting;
  for (std::uint32_t root = 0; root < cells; ++root) {
    if (colours_[root] != 2) continue;
    colours_[root] = 0;
    waiting.assign(1, root);
    while (!waiting.empty()) {
      const std::uint32_t cell = waiting.back();
      waiting.pop_back();
      for (const std::uint32_t to : neighbours(cell)) {
        if (colours_[to] == colours_[cell]) {
          odd_ = {std::min(cell, to), std::max(cell, to)};
          colours_.clear();
          return;
        }
        if (colours_[to] != 2) continue;
        colours_[to] = static_cast<std::uint8_t>(1 - colours_[cell]);
        waiting.push_back(to);
      }
    }
  }
}

std::span<const std::uint32_t> Graph::neighbours(std::uint32_t cell) const {
  return {neighbour_.data() + begin_[cell], begin_[cell + 1] - begin_[cell]};
}

std::span<const std::uint32_t> Graph::coupler_ordinals(std::uint32_t cell) const {
  return {ordinal_.data() + begin_[cell], begin_[cell + 1] - begin_[cell]};
}

std::uint32_t Graph::coupler_between(std::uint32_t a, std::uint32_t b) const {
  const auto to = neighbours(a);
  const auto found = std::lower_bound(to.begin(), to.end(), b);
  if (found == to.end() || *found != b) return static_cast<std::uint32_t>(couplers_.size());
  return coupler_ordinals(a)[static_cast<std::size_t>(found - to.begin())];
}

}  // namespace heatbath::physics
