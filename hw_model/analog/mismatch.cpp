#include "hw_model/analog/mismatch.hpp"

#include <algorithm>
#include <cstddef>

#include "hw_model/analog/part_pattern.hpp"
#include "hw_model/physics/graph.hpp"

namespace heatbath::model {
namespace {

/// A gain of zero is a dead element; a negative one does not exist.
float gain_of(float sd, float normal) { return std::max(0.0f, 1.0f + sd * normal); }

}  // namespace

Mismatch::Mismatch(const MismatchSpread& spread, std::uint64_t serial) : spread_(spread), key_(key_of_part(serial)) {}

void Mismatch::load(hb_section_t section, std::span<float> values) {
  if (section == HB_SECTION_J2 || section == HB_SECTION_J4) apply_cell_gain(values);
  if (section == HB_SECTION_BIAS) apply_bias_offset(values);
}

void Mismatch::load_couplings(const LoadedCouplings& of) {
  if (spread_.coupling_gain == 0) return;
  if (of.graph) {
    const std::size_t directions = of.reciprocal ? 1 : 2;
    for (std::size_t k = 0; k < of.values.size(); ++k) {
      const physics::Coupler at = of.graph->couplers()[k / directions];
      of.values[k] *= k % directions == 0 ? coupling_gain(at.i, at.j) : coupling_gain(at.j, at.i);
    }
  } else if (of.reciprocal) {
    apply_coupling_gain(of.values, of.cells);
  } else {
    float* value = of.values.data();
    for (std::uint32_t i = 0; i < of.cells; ++i)
      for (std::uint32_t k = 0; k < of.cells; ++k) *value++ *= coupling_gain(i, k);
  }
}

void Mismatch::apply_cell_gain(std::span<float> values) {
  if (spread_.cell_gain == 0) return;
  if (cell_gain_.size() < values.size()) {
    cell_gain_ = part_pattern(key_, PartPattern::cell_gain, 0, static_cast<std::uint32_t>(values.size()));
    for (float& gain : cell_gain_) gain = gain_of(spread_.cell_gain, gain);
  }
  for (std::size_t i = 0; i < values.size(); ++i) values[i] *= cell_gain_[i];
}

void Mismatch::apply_bias_offset(std::span<float> values) {
  if (spread_.bias_offset == 0) return;
  if (bias_offset_.size() < values.size()) {
    bias_offset_ = part_pattern(key_, PartPattern::bias_offset, 0, static_cast<std::uint32_t>(values.size()));
    for (float& offset : bias_offset_) offset *= spread_.bias_offset;
  }
  for (std::size_t i = 0; i < values.size(); ++i) values[i] += bias_offset_[i];
}

float Mismatch::coupling_gain(std::uint32_t i, std::uint32_t k) const {
  if (spread_.coupling_gain == 0) return 1.0f;
  return gain_of(spread_.coupling_gain, physics::normal(key_, k, i, static_cast<std::uint32_t>(PartPattern::coupling_gain),
                                                        physics::Purpose::converter));
}

void Mismatch::apply_coupling_gain(std::span<float> triangle, std::uint32_t cells) {
  if (spread_.coupling_gain == 0) return;
  if (coupling_cells_ != cells) {
    coupling_gain_.clear();
    coupling_gain_.reserve(triangle.size());
    for (std::uint32_t i = 0; i + 1 < cells; ++i) {
      const std::vector<float> row = part_pattern(key_, PartPattern::coupling_gain, i, cells);
      for (std::uint32_t j = i + 1; j < cells; ++j) coupling_gain_.push_back(gain_of(spread_.coupling_gain, row[j]));
    }
    coupling_cells_ = cells;
  }
  for (std::size_t i = 0; i < triangle.size(); ++i) triangle[i] *= coupling_gain_[i];
}

}  // namespace heatbath::model
