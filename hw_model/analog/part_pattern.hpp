#pragma once
// Where the fixed pattern of a part comes from.

#include <cmath>
#include <cstdint>
#include <vector>

#include "hw_model/physics/noise.hpp"

namespace heatbath::model {

/// Kinds of patterns, kept apart by the shot word of the address. Numbers are for ever: they are part of what a serial
/// number means.
enum class PartPattern : std::uint32_t {
  cell_gain = 0,
  bias_offset = 1,
  coupling_gain = 2,
  read_out_bow = 3,
  read_out_ess = 4,
  coupling_offset = 5,
  j2_gain = 6,
  j4_gain = 7,
  bias_gain = 8,
  temperature = 9,
  parameter_bow = 10,
  parameter_ess = 11,
  parameter_codes = 12,
  read_out_codes = 13,
  dead_cell = 14,
  stuck_cell = 15,
  stuck_level = 16,
  dead_coupler = 17,
  drift_exponent = 18,
  warmth_offset = 19,
  bias_walk = 20,
  field = 64  ///< and up: the spatially correlated part of the pattern field + k is that of pattern k
};

/// The key of a part. It is kept apart from noise seeds by a constant (the fraction of the golden ratio), since a seed
/// may equal a serial number.
constexpr std::uint64_t key_of_part(std::uint64_t serial) { return serial ^ 0x9E3779B97F4A7C15u; }

/// Standard normal numbers of cells 0..cells-1 in a row of the pattern.
inline std::vector<float> part_pattern(std::uint64_t key, PartPattern kind, std::uint64_t row, std::uint32_t cells) {
  std::vector<float> normals(cells);
  physics::normals(key, row, static_cast<std::uint32_t>(kind), cells, normals.data(), physics::Purpose::converter);
  return normals;
}

/// How a pattern is laid out on the die: cell i lies at column i mod columns of row i / columns, a coupler midway
/// between its cells. A fraction of the variance is a field that is smooth over `length` cell pitches: standard normals
/// on the nodes of a square lattice of that spacing, weighted by hat functions and scaled to variance 1 everywhere, so
/// that neighbours within a spacing are alike and places beyond two spacings are independent.
struct DieLayout {
  float fraction = 0;        ///< of the variance, 0..1
  float length = 1;          ///< cell pitches, > 0
  std::uint32_t columns = 32;

  double column(std::uint32_t cell) const { return cell % columns; }
  double row(std::uint32_t cell) const { return static_cast<double>(cell / columns); }
};

/// The field of a pattern: a pure function of the part, the pattern and the place (both coordinates >= 0).
float part_field(std::uint64_t key, PartPattern kind, const DieLayout& die, double column, double row);

/// part_pattern of row 0, with the field of the die.
std::vector<float> part_pattern(std::uint64_t key, PartPattern kind, const DieLayout& die, std::uint32_t cells);

/// The number of the coupler that lets cell k act on cell i, with the field of the die.
float coupler_pattern(std::uint64_t key, PartPattern kind, const DieLayout& die, std::uint32_t i, std::uint32_t k);

/// Those of couplers (i, k) with k = i + 1..cells-1, appended.
void append_coupler_row(std::uint64_t key, PartPattern kind, const DieLayout& die, std::uint32_t i, std::uint32_t cells,
                        std::vector<float>& numbers);

/// Whether a standard normal number is among the lowest `rate` of them.
inline bool is_among(double rate, float normal) {
  return rate > 0 && 0.5 * std::erfc(static_cast<double>(-normal) * 0.70710678118654752) < rate;
}

}  // namespace heatbath::model
