#pragma once
// Where the fixed pattern of a part comes from.

#include <cstdint>
#include <vector>

#include "hw_model/physics/noise.hpp"

namespace heatbath::model {

/// Kinds of patterns, kept apart by the shot word of the address. Numbers are for ever: they are part of what a serial
/// number means.
enum class PartPattern : std::uint32_t { cell_gain = 0, bias_offset = 1, coupling_gain = 2, read_out_bow = 3, read_out_ess = 4 };

/// The key of a part. It is kept apart from noise seeds by a constant (the fraction of the golden ratio), since a seed
/// may equal a serial number.
constexpr std::uint64_t key_of_part(std::uint64_t serial) { return serial ^ 0x9E3779B97F4A7C15u; }

/// Standard normal numbers of cells 0..cells-1 in a row of the pattern.
inline std::vector<float> part_pattern(std::uint64_t key, PartPattern kind, std::uint64_t row, std::uint32_t cells) {
  std::vector<float> normals(cells);
  physics::normals(key, row, static_cast<std::uint32_t>(kind), cells, normals.data(), physics::Purpose::converter);
  return normals;
}

}  // namespace heatbath::model
