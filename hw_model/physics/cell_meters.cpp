#include "hw_model/physics/cell_meters.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "heatbath/numerics/archive.hpp"

namespace heatbath::physics {

namespace {

constexpr float quarter_turn = std::numbers::pi_v<float> / 2;

/// The side of a state that is no label: x >= 0 or below; of phases the half circle with cos theta >= 0 or the other.
bool upper(const CellLaw& cell, float state) { return cell.periodic ? std::abs(state) <= quarter_turn : state >= 0.0f; }

constexpr StateMeter meters_of_states[] = {
    {CellMeter::activity, [](const CellLaw& cell, float before, float after) {
       return has_labels(cell.kind) || upper(cell, before) != upper(cell, after) ? 1.0 : 0.0;
     }}};

}  // namespace

std::span<const StateMeter> state_meters() { return meters_of_states; }

bool CellMeterSet::of_states() const {
  return std::ranges::any_of(state_meters(), [this](const StateMeter& of) { return has(of.meter); });
}

void CellMeterSet::exchange(numerics::Archive& archive) {
  archive(bits_);
  archive.check(bits_ < 1u << cell_meters, "list of meters");
}

void CellSums::clear(CellMeterSet kept, std::size_t size) {
  for (std::size_t meter = 0; meter < cell_meters; ++meter)
    sums_[meter].assign(kept.has(static_cast<CellMeter>(meter)) ? size : 0, 0.0);
}

void CellSums::end(const CellLaw& cell, std::span<const float> states) {
  for (std::size_t at = 0; at < states.size(); ++at)
    if (before_[at] != states[at]) change(cell, at, before_[at], states[at]);
}

void CellSums::change(const CellLaw& cell, std::size_t at, float before, float after) {
  for (const StateMeter& meter : state_meters())
    if (auto& sums = of(meter.meter); !sums.empty()) sums[at] += meter.added(cell, before, after);
}

}  // namespace heatbath::physics
