#include "hw_model/analog/parameter_curve.hpp"

#include <cmath>
#include <utility>

#include "heatbath/codes.h"
#include "hw_model/analog/part_pattern.hpp"
#include "hw_model/physics/graph.hpp"

namespace heatbath::model {

ParameterCurve::ParameterCurve(float inl_sd_steps, float dnl_sd_steps, std::vector<Scale> scales, std::uint64_t serial)
    : inl_(inl_sd_steps), dnl_(dnl_sd_steps), scales_(std::move(scales)), key_(key_of_part(serial)), cells_(scales_.size()) {}

const std::vector<float>& ParameterCurve::errors(hb_section_t section, std::uint32_t row) {
  // Rows of the patterns: of couplers their row, of a section of cells one behind all rows.
  constexpr std::uint64_t behind_rows = std::uint64_t{1} << 40;
  const bool coupler = section == HB_SECTION_COUPLING;
  if (coupler && couplers_.size() <= row) couplers_.resize(row + 1);
  std::vector<float>& known = coupler ? couplers_[row] : cells_[section];
  if (!known.empty()) return known;
  const std::uint64_t place = coupler ? row : behind_rows + section;
  const Scale& scale = scales_[section];
  const std::uint32_t codes = 1u << scale.bits;
  const double step = static_cast<double>(hb_code_step(scale.range, scale.bits));
  const double bow = static_cast<double>(inl_ * part_pattern(key_, PartPattern::parameter_bow, place, 1)[0]),
               ess = static_cast<double>(inl_ * part_pattern(key_, PartPattern::parameter_ess, place, 1)[0]) * 2.598076211353316;
  known = part_pattern(key_, PartPattern::parameter_codes, place, codes);
  for (std::uint32_t code = 0; code < codes; ++code) {
    const double z = (static_cast<double>(code) - codes / 2) / (codes / 2), room = 1.0 - z * z;
    const double own = static_cast<double>(dnl_ * known[code]) * 0.70710678118654752;
    known[code] = static_cast<float>(step * (room * (bow + ess * z) + own));
  }
  return known;
}

void ParameterCurve::bend(const Scale& scale, const std::vector<float>& errors, float& value) const {
  const std::int32_t code = hb_value_to_code(value, scale.range, scale.bits);
  value += errors[static_cast<std::size_t>(code + (1 << (scale.bits - 1u)))];
}

void ParameterCurve::load(hb_section_t section, std::span<float> values) {
  if (section >= scales_.size() || scales_[section].range == 0) return;
  const std::vector<float>& of = errors(section, 0);
  for (float& value : values) bend(scales_[section], of, value);
}

void ParameterCurve::load_couplings(const LoadedCouplings& of) {
  const Scale& scale = scales_[HB_SECTION_COUPLING];
  if (scale.range == 0) return;
  std::size_t at = 0;
  const auto visit = [&](std::uint32_t i) { bend(scale, errors(HB_SECTION_COUPLING, i), of.values[at++]); };
  if (of.graph) {
    for (const physics::Coupler& coupler : of.graph->couplers()) {
      visit(coupler.i);
      if (!of.reciprocal) visit(coupler.j);
    }
    return;
  }
  for (std::uint32_t i = 0; i < of.cells; ++i)
    for (std::uint32_t k = of.reciprocal ? i + 1 : 0; k < of.cells; ++k) {
      if (k != i) visit(i);
      else ++at;
    }
}

}  // namespace heatbath::model
