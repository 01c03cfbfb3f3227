#pragma once
// The fixed pattern of a part: what its cells and couplers do to nominal values.

#include <cstdint>
#include <span>
#include <vector>

#include "hw_model/analog/imperfection.hpp"
#include "hw_model/analog/part_pattern.hpp"

namespace heatbath::model {

/// Standard deviations of the fixed pattern over a wafer. Gains are relative.
struct MismatchSpread {
  float cell_gain = 0;        ///< one gain per cell on its J2 and J4
  float coupling_gain = 0;    ///< one gain per coupler: a reciprocal one is one element, so J_ij = J_ji stays
  float bias_offset = 0;      ///< absolute, in the units of the bias
  float j2 = 0, j4 = 0;       ///< of each alone, beside cell_gain
  float bias_gain = 0;
  float temperature = 0;      ///< relative, of the noise source of each cell
  float coupling_offset = 0;  ///< absolute, in the units of the couplings, of every coupler there is, switched on or not
  DieLayout die = {};         ///< how neighbours resemble each other, in every pattern here

  bool any() const {
    return cell_gain > 0 || coupling_gain > 0 || bias_offset > 0 || j2 > 0 || j4 > 0 || bias_gain > 0 ||
           temperature > 0 || coupling_offset > 0;
  }
};

/// Gains and offsets of one part, normal, a pure function of the serial number, the cell and the pair: they do not
/// depend on how many cells are active. Gains below 0 do not exist: those are 0, and a temperature keeps a hundredth.
/// Where a spread is 0, values pass unchanged, bit for bit.
class Mismatch : public Imperfection {
 public:
  Mismatch(const MismatchSpread& spread, std::uint64_t serial);

  void load(hb_section_t section, std::span<float> values) override;
  void load_couplings(const LoadedCouplings& couplings) override;
  bool spreads_temperature() const override { return spread_.temperature > 0; }
  bool offsets_couplings() const override { return spread_.coupling_offset > 0; }

  /// J2 or J4 of cells 0..values.size()-1: the gain that both have in common.
  void apply_cell_gain(std::span<float> values);
  /// Biases of cells 0..values.size()-1.
  void apply_bias_offset(std::span<float> values);
  /// Gain of the coupler that lets cell k act on cell i; of a reciprocal one, with i < k. 1 where the spread is 0.
  float coupling_gain(std::uint32_t i, std::uint32_t k) const;
  /// Its offset; 0 where the spread is 0.
  float coupling_offset(std::uint32_t i, std::uint32_t k) const;
  /// Couplings of `cells` cells: row-major i<j, each pair once.
  void apply_coupling_gain(std::span<float> triangle, std::uint32_t cells);

 private:
  void apply_gain(PartPattern kind, float sd, float least, std::span<float> values);
  const std::vector<float>& numbers(PartPattern kind, std::size_t cells);

  MismatchSpread spread_;
  std::uint64_t key_;
  struct Known {
    PartPattern kind;
    std::vector<float> numbers;
  };
  std::vector<Known> known_;                               // standard normals per cell, as many as were asked for
  std::vector<float> coupling_gain_, coupling_offset_;     // triangles of coupling_cells_
  std::uint32_t coupling_cells_ = 0;
};

}  // namespace heatbath::model
