#include "hw_model/analog/mismatch.hpp"

#include <algorithm>
#include <cstddef>

#include "hw_model/physics/noise.hpp"

namespace heatbath::model {
namespace {

// Addresses of the pattern: the shot word tells the kinds apart, the step word is the row of a pair. The key is kept
// apart from noise seeds by a constant (the fraction of the golden ratio), since a seed may equal a serial number.
constexpr std::uint64_t key_of_parts = 0x9E3779B97F4A7C15u;
enum Kind : std::uint32_t { cell_gain = 0, bias_offset = 1, coupling_gain = 2 };

std::vector<float> pattern(std::uint64_t key, Kind kind, std::uint64_t row, std::uint32_t cells) {
  std::vector<float> normals(cells);
  physics::normals(key, row, kind, cells, normals.data(), physics::Purpose::converter);
  return normals;
}

/// A gain of zero is a dead element; a negative one does not exist.
float gain_of(float sd, float normal) { return std::max(0.0f, 1.0f + sd * normal); }

}  // namespace

Mismatch::Mismatch(const MismatchSpread& spread, std::uint64_t serial) : spread_(spread), key_(serial ^ key_of_parts) {}

void Mismatch::apply_cell_gain(std::span<float> values) {
  if (spread_.cell_gain == 0) return;
  if (cell_gain_.size() < values.size()) {
    cell_gain_ = pattern(key_, cell_gain, 0, static_cast<std::uint32_t>(values.size()));
    for (float& gain : cell_gain_) gain = gain_of(spread_.cell_gain, gain);
  }
  for (std::size_t i = 0; i < values.size(); ++i) values[i] *= cell_gain_[i];
}

void Mismatch::apply_bias_offset(std::span<float> values) {
  if (spread_.bias_offset == 0) return;
  if (bias_offset_.size() < values.size()) {
    bias_offset_ = pattern(key_, bias_offset, 0, static_cast<std::uint32_t>(values.size()));
    for (float& offset : bias_offset_) offset *= spread_.bias_offset;
  }
  for (std::size_t i = 0; i < values.size(); ++i) values[i] += bias_offset_[i];
}

float Mismatch::coupling_gain(std::uint32_t i, std::uint32_t k) const {
  if (spread_.coupling_gain == 0) return 1.0f;
  return gain_of(spread_.coupling_gain, physics::normal(key_, k, i, Kind::coupling_gain, physics::Purpose::converter));
}

void Mismatch::apply_coupling_gain(std::span<float> triangle, std::uint32_t cells) {
  if (spread_.coupling_gain == 0) return;
  if (coupling_cells_ != cells) {
    coupling_gain_.clear();
    coupling_gain_.reserve(triangle.size());
    for (std::uint32_t i = 0; i + 1 < cells; ++i) {
      const std::vector<float> row = pattern(key_, Kind::coupling_gain, i, cells);
      for (std::uint32_t j = i + 1; j < cells; ++j) coupling_gain_.push_back(gain_of(spread_.coupling_gain, row[j]));
    }
    coupling_cells_ = cells;
  }
  for (std::size_t i = 0; i < triangle.size(); ++i) triangle[i] *= coupling_gain_[i];
}

}  // namespace heatbath::model
