#pragma once
// The fixed pattern of a part: what its cells and couplers do to nominal values.

#include <cstdint>
#include <span>
#include <vector>

#include "hw_model/analog/imperfection.hpp"

namespace heatbath::model {

/// Standard deviations of the fixed pattern over a wafer.
struct MismatchSpread {
  float cell_gain = 0;      ///< relative, one gain per cell on its J2 and J4
  float coupling_gain = 0;  ///< relative, one gain per coupler: a reciprocal one is one element, so J_ij = J_ji stays
  float bias_offset = 0;    ///< absolute, in the units of the bias
};

/// Gains and offsets of one part, normal and independent, a pure function of the serial number, the cell and the pair:
/// they do not depend on how many cells are active. Where a spread is 0, values pass unchanged, bit for bit.
class Mismatch : public Imperfection {
 public:
  Mismatch(const MismatchSpread& spread, std::uint64_t serial);

  void load(hb_section_t section, std::span<float> values) override;
  void load_couplings(const LoadedCouplings& couplings) override;

  /// J2 or J4 of cells 0..values.size()-1.
  void apply_cell_gain(std::span<float> values);
  /// Biases of cells 0..values.size()-1.
  void apply_bias_offset(std::span<float> values);
  /// Gain of the coupler that lets cell k act on cell i; of a reciprocal one, with i < k. 1 where the spread is 0.
  float coupling_gain(std::uint32_t i, std::uint32_t k) const;
  /// Couplings of `cells` cells: row-major i<j, each pair once.
  void apply_coupling_gain(std::span<float> triangle, std::uint32_t cells);

 private:
  MismatchSpread spread_;
  std::uint64_t key_;
  std::vector<float> cell_gain_, bias_offset_;  // per cell, as many as were asked for
  std::vector<float> coupling_gain_;            // triangle of coupling_cells_
  std::uint32_t coupling_cells_ = 0;
};

}  // namespace heatbath::model
