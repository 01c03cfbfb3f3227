#include "hw_model/analog/defects.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "heatbath/numerics/text.hpp"
#include "hw_model/analog/part_pattern.hpp"
#include "hw_model/physics/graph.hpp"

namespace heatbath::model {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

/// Calls piece for each entry of a list with commas.
template <class Piece>
void for_each_entry(std::string_view text, Piece&& piece) {
  text = trimmed(text);
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    piece(trimmed(text.substr(0, comma)));
    if (comma == std::string_view::npos) return;
    text.remove_prefix(comma + 1);
  }
}

std::uint32_t cell_of(std::string_view text, std::string_view entry) {
  const auto cell = numerics::parse_number<std::uint32_t>(trimmed(text));
  if (!cell) throw std::invalid_argument(numerics::quoted(entry) + " names no cell");
  return *cell;
}

}  // namespace

std::vector<std::uint32_t> parse_cells(std::string_view text) {
  constexpr std::uint32_t most = 1u << 20;
  std::vector<std::uint32_t> cells;
  for_each_entry(text, [&](std::string_view entry) {
    const std::size_t dash = entry.find('-');
    const std::uint32_t first = cell_of(entry.substr(0, dash), entry);
    const std::uint32_t last = dash == std::string_view::npos ? first : cell_of(entry.substr(dash + 1), entry);
    if (last < first || last - first >= most) throw std::invalid_argument(numerics::quoted(entry) + " is no range of cells");
    for (std::uint32_t cell = first; cell <= last; ++cell) cells.push_back(cell);
  });
  return cells;
}

std::vector<HeldCell> parse_stuck_cells(std::string_view text) {
  std::vector<HeldCell> cells;
  for_each_entry(text, [&](std::string_view entry) {
    const std::size_t colon = entry.find(':');
    const auto state = colon == std::string_view::npos
                           ? std::nullopt
                           : numerics::parse_number<double>(trimmed(entry.substr(colon + 1)));
    if (!state) throw std::invalid_argument(numerics::quoted(entry) + " is no CELL:STATE");
    cells.push_back({cell_of(entry.substr(0, colon), entry), static_cast<float>(*state)});
  });
  return cells;
}

std::vector<std::pair<std::uint32_t, std::uint32_t>> parse_couplers(std::string_view text) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> couplers;
  for_each_entry(text, [&](std::string_view entry) {
    const std::size_t dash = entry.find('-');
    if (dash == std::string_view::npos) throw std::invalid_argument(numerics::quoted(entry) + " is no coupler CELL-CELL");
    const std::uint32_t i = cell_of(entry.substr(0, dash), entry), j = cell_of(entry.substr(dash + 1), entry);
    if (i == j) throw std::invalid_argument(numerics::quoted(entry) + " couples a cell with itself");
    couplers.emplace_back(std::min(i, j), std::max(i, j));
  });
  return couplers;
}

Defects::Defects(DefectList list, std::uint64_t serial, std::uint32_t cells)
    : list_(std::move(list)), key_(key_of_part(serial)), dead_cell_(cells, 0) {
  const auto standing = [&](float state) { return !list_.spins ? state : state < 0 ? -1.0f : 1.0f; };
  std::vector<std::uint8_t> taken(cells, 0);
  const auto hold = [&](std::uint32_t cell, float state, bool dead) {
    if (cell >= cells || taken[cell] != 0) return;
    taken[cell] = 1;
    dead_cell_[cell] = dead ? 1 : 0;
    held_.push_back({cell, state});
  };
  const float resting = list_.spins ? -1.0f : 0.0f;
  for (const std::uint32_t cell : list_.dead_cells) hold(cell, resting, true);
  for (const HeldCell& stuck : list_.stuck_cells) hold(stuck.cell, standing(stuck.state), false);
  const auto drawn = [&](PartPattern kind, double rate) {
    return rate > 0 ? part_pattern(key_, kind, 0, cells) : std::vector<float>();
  };
  const std::vector<float> deaths = drawn(PartPattern::dead_cell, list_.dead_cell_rate),
                           sticking = drawn(PartPattern::stuck_cell, list_.stuck_cell_rate),
                           levels = drawn(PartPattern::stuck_level, list_.stuck_cell_rate);
  for (std::uint32_t cell = 0; cell < cells; ++cell) {
    if (!deaths.empty() && is_among(list_.dead_cell_rate, deaths[cell])) hold(cell, resting, true);
    if (!sticking.empty() && is_among(list_.stuck_cell_rate, sticking[cell]))
      hold(cell, standing(levels[cell] < 0 ? -list_.stuck_at : list_.stuck_at), false);
  }
  std::ranges::sort(held_, {}, &HeldCell::cell);
  std::ranges::sort(list_.dead_couplers);
}

bool Defects::dead(std::uint32_t i, std::uint32_t k) const {
  if (i < dead_cell_.size() && dead_cell_[i] != 0) return true;
  if (k < dead_cell_.size() && dead_cell_[k] != 0) return true;
  const std::pair pair(std::min(i, k), std::max(i, k));
  if (std::ranges::binary_search(list_.dead_couplers, pair)) return true;
  return list_.dead_coupler_rate > 0 &&
         is_among(list_.dead_coupler_rate, physics::normal(key_, pair.second, pair.first,
                                                           static_cast<std::uint32_t>(PartPattern::dead_coupler),
                                                           physics::Purpose::converter));
}

void Defects::load_couplings(const LoadedCouplings& of) {
  const bool cells = std::ranges::find(dead_cell_, 1) != dead_cell_.end();
  if (!cells && list_.dead_couplers.empty() && list_.dead_coupler_rate == 0) return;
  std::size_t at = 0;
  const auto visit = [&](std::uint32_t i, std::uint32_t k) {
    float& value = of.values[at++];
    if (value != 0 && dead(i, k)) value = 0;
  };
  if (of.graph) {
    for (const physics::Coupler& coupler : of.graph->couplers()) {
      visit(coupler.i, coupler.j);
      if (!of.reciprocal) visit(coupler.j, coupler.i);
    }
    return;
  }
  for (std::uint32_t i = 0; i < of.cells; ++i)
    for (std::uint32_t k = of.reciprocal ? i + 1 : 0; k < of.cells; ++k) visit(i, k);
}

}  // namespace heatbath::model
