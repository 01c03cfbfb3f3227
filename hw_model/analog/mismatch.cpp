#include "hw_model/analog/mismatch.hpp"

#include <algorithm>
#include <cstddef>

#include "hw_model/physics/graph.hpp"

namespace heatbath::model {
namespace {

/// A gain of zero is a dead element; a negative one does not exist.
float gain_of(float sd, float normal) { return std::max(0.0f, 1.0f + sd * normal); }

/// A bath is never at kT = 0.
constexpr float least_temperature = 0.01f;

}  // namespace

Mismatch::Mismatch(const MismatchSpread& spread, std::uint64_t serial) : spread_(spread), key_(key_of_part(serial)) {}

void Mismatch::load(hb_section_t section, std::span<float> values) {
  switch (section) {
    case HB_SECTION_J2:
      apply_cell_gain(values);
      apply_gain(PartPattern::j2_gain, spread_.j2, 0, values);
      break;
    case HB_SECTION_J4:
      apply_cell_gain(values);
      apply_gain(PartPattern::j4_gain, spread_.j4, 0, values);
      break;
    case HB_SECTION_BIAS:
      apply_gain(PartPattern::bias_gain, spread_.bias_gain, 0, values);
      apply_bias_offset(values);
      break;
    case HB_SECTION_KT: apply_gain(PartPattern::temperature, spread_.temperature, least_temperature, values); break;
    default: break;
  }
}

void Mismatch::load_couplings(const LoadedCouplings& of) {
  if (spread_.coupling_gain == 0 && spread_.coupling_offset == 0) return;
  const auto act = [&](float& value, std::uint32_t i, std::uint32_t k) {
    if (spread_.coupling_gain != 0) value *= coupling_gain(i, k);
    if (spread_.coupling_offset != 0) value += coupling_offset(i, k);
  };
  if (of.graph) {
    const std::size_t directions = of.reciprocal ? 1 : 2;
    std::size_t k = 0;
    for (const physics::Coupler& at : of.graph->couplers()) {
      act(of.values[k++], at.i, at.j);
      if (directions == 2) act(of.values[k++], at.j, at.i);
    }
  } else if (of.reciprocal) {
    apply_coupling_gain(of.values, of.cells);
    for (std::size_t k = 0; k < coupling_offset_.size() && k < of.values.size(); ++k) of.values[k] += coupling_offset_[k];
  } else {
    float* value = of.values.data();
    for (std::uint32_t i = 0; i < of.cells; ++i)
      for (std::uint32_t k = 0; k < of.cells; ++k, ++value)
        if (i != k) act(*value, i, k);
  }
}

const std::vector<float>& Mismatch::numbers(PartPattern kind, std::size_t cells) {
  auto at = std::ranges::find(known_, kind, &Known::kind);
  if (at == known_.end()) at = known_.insert(at, {kind, {}});
  if (at->numbers.size() < cells) at->numbers = part_pattern(key_, kind, spread_.die, static_cast<std::uint32_t>(cells));
  return at->numbers;
}

void Mismatch::apply_gain(PartPattern kind, float sd, float least, std::span<float> values) {
  if (sd == 0) return;
  const std::vector<float>& normals = numbers(kind, values.size());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] *= std::max(least, gain_of(sd, normals[i]));
}

void Mismatch::apply_cell_gain(std::span<float> values) {
  apply_gain(PartPattern::cell_gain, spread_.cell_gain, 0, values);
}

void Mismatch::apply_bias_offset(std::span<float> values) {
  if (spread_.bias_offset == 0) return;
  const std::vector<float>& normals = numbers(PartPattern::bias_offset, values.size());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] += normals[i] * spread_.bias_offset;
}

float Mismatch::coupling_gain(std::uint32_t i, std::uint32_t k) const {
  if (spread_.coupling_gain == 0) return 1.0f;
  return gain_of(spread_.coupling_gain, coupler_pattern(key_, PartPattern::coupling_gain, spread_.die, i, k));
}

float Mismatch::coupling_offset(std::uint32_t i, std::uint32_t k) const {
  if (spread_.coupling_offset == 0) return 0.0f;
  return spread_.coupling_offset * coupler_pattern(key_, PartPattern::coupling_offset, spread_.die, i, k);
}

void Mismatch::apply_coupling_gain(std::span<float> triangle, std::uint32_t cells) {
  if (coupling_cells_ != cells) {
    const auto made = [&](PartPattern kind, float sd) {
      std::vector<float> normals;
      if (sd == 0) return normals;
      normals.reserve(triangle.size());
      for (std::uint32_t i = 0; i + 1 < cells; ++i) append_coupler_row(key_, kind, spread_.die, i, cells, normals);
      return normals;
    };
    coupling_gain_ = made(PartPattern::coupling_gain, spread_.coupling_gain);
    for (float& gain : coupling_gain_) gain = gain_of(spread_.coupling_gain, gain);
    coupling_offset_ = made(PartPattern::coupling_offset, spread_.coupling_offset);
    for (float& offset : coupling_offset_) offset *= spread_.coupling_offset;
    coupling_cells_ = cells;
  }
  for (std::size_t i = 0; i < coupling_gain_.size() && i < triangle.size(); ++i) triangle[i] *= coupling_gain_[i];
}

}  // namespace heatbath::model
