#include "hw_model/device/imperfections.hpp"

#include "heatbath/codes.h"
#include "hw_model/analog/coloured_bath.hpp"
#include "hw_model/analog/mismatch.hpp"
#include "hw_model/analog/read_out_curve.hpp"

namespace heatbath::model {
namespace {

MismatchSpread spread_of(const Profile& p) {
  MismatchSpread spread{p.cell_gain_sd, p.coupling_gain_sd, 0};
  if (p.bias_offset_sd_steps > 0)
    spread.bias_offset = p.bias_offset_sd_steps * hb_code_step(p.range_bias, p.parameter_bits);
  return spread;
}

/// The converter of a component, where it is an analog one: spins and full turns are counted, not converted.
ReadOutCurve::Component component_of(const Profile& p, const Converter& converter, bool counted) {
  if (counted || converter.range == 0) return {};
  return {converter.range, hb_code_step(converter.range, p.capture_bits)};
}

}  // namespace

Imperfections::Imperfections(const Profile& p) {
  const bool phases = p.cell == physics::CellKind::phase, spins = p.cell == physics::CellKind::pbit;
  if (const MismatchSpread spread = spread_of(p); spread.cell_gain > 0 || spread.coupling_gain > 0 || spread.bias_offset > 0)
    list_.push_back(std::make_unique<Mismatch>(spread, p.serial));
  if (p.noise != physics::NoiseColour::Kind::white || p.noise_common != 0)
    list_.push_back(std::make_unique<ColouredBath>(
        physics::NoiseColour{p.noise, static_cast<double>(p.noise_time), static_cast<double>(p.noise_common)}));
  if (p.read_out_inl_sd_steps > 0)
    list_.push_back(std::make_unique<ReadOutCurve>(
        p.read_out_inl_sd_steps,
        std::array{component_of(p, p.state_converter(), spins), component_of(p, p.second_converter(), phases)}, p.serial));
  for (const auto& one : list_) reads_out_ |= one->reads_out();
}

}  // namespace heatbath::model
