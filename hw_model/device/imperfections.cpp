#include "hw_model/device/imperfections.hpp"

#include <algorithm>
#include <array>

#include "heatbath/codes.h"
#include "hw_model/analog/coloured_bath.hpp"
#include "hw_model/analog/defects.hpp"
#include "hw_model/analog/die.hpp"
#include "hw_model/analog/flicker.hpp"
#include "hw_model/analog/mismatch.hpp"
#include "hw_model/analog/parameter_curve.hpp"
#include "hw_model/analog/read_out_curve.hpp"
#include "hw_model/analog/read_out_noise.hpp"
#include "hw_model/analog/tiles.hpp"
#include "hw_model/device/profile_registers.hpp"

namespace heatbath::model {
namespace {

MismatchSpread spread_of(const Profile& p) {
  MismatchSpread spread;
  spread.cell_gain = p.cell_gain_sd;
  spread.coupling_gain = p.coupling_gain_sd;
  spread.j2 = p.j2_sd;
  spread.j4 = p.j4_sd;
  spread.bias_gain = p.bias_gain_sd;
  spread.temperature = p.kT_sd;
  if (p.bias_offset_sd_steps > 0)
    spread.bias_offset = p.bias_offset_sd_steps * hb_code_step(p.range_bias, p.parameter_bits);
  if (p.coupling_offset_sd_steps > 0)
    spread.coupling_offset = p.coupling_offset_sd_steps * hb_code_step(p.range_coupling, p.parameter_bits);
  spread.die = {p.correlated_fraction, p.correlation_length, p.die_columns};
  return spread;
}

DefectList defects_of(const Profile& p) {
  DefectList list;
  list.dead_cells = parse_cells(p.dead_cells);
  list.stuck_cells = parse_stuck_cells(p.stuck_cells);
  list.dead_couplers = parse_couplers(p.dead_couplers);
  list.dead_cell_rate = static_cast<double>(p.dead_cell_rate);
  list.stuck_cell_rate = static_cast<double>(p.stuck_cell_rate);
  list.dead_coupler_rate = static_cast<double>(p.dead_coupler_rate);
  list.stuck_at = std::min(p.stuck_at, p.rail);
  list.spins = p.cell == physics::CellKind::pbit;
  return list;
}

bool has_defects(const Profile& p) {
  return !p.dead_cells.empty() || !p.stuck_cells.empty() || !p.dead_couplers.empty() || p.dead_cell_rate > 0 ||
         p.stuck_cell_rate > 0 || p.dead_coupler_rate > 0;
}

DieLaw die_of(const Profile& p) {
  DieLaw law;
  law.thermal_time = p.thermal_time;
  law.idle_warmth = p.idle_warmth_K;
  law.run_warmth = p.run_warmth_K;
  law.ambient = p.ambient_K;
  law.kT_tracks = p.kT_tracks;
  law.coupling_gain = p.coupling_gain_per_K;
  law.cell_gain = p.cell_gain_per_K;
  law.bias_offset_sd = p.bias_offset_sd_per_K;
  return law;
}

/// The parameter converters by section. Temperatures of single cells have one; frequencies of cells, too.
std::vector<ParameterCurve::Scale> parameter_scales(const Profile& p) {
  std::vector<ParameterCurve::Scale> scales;
  for (std::uint32_t section = 0; section < HB_SECTIONS; ++section) {
    const bool converted = section != HB_SECTION_GAIN && section != HB_SECTION_KT;
    const SectionRange reach = section_range(p, static_cast<hb_section_t>(section));
    scales.push_back({converted ? reach.range : 0.0f, p.parameter_bits});
  }
  return scales;
}

/// The converter of a component, where it is an analog one: discrete states and full turns are counted, not converted.
ReadOutCurve::Component component_of(const Profile& p, const Converter& converter, bool counted) {
  if (counted || converter.range == 0) return {};
  return {converter.range, p.capture_bits == 0 ? 0.0f : hb_code_step(converter.range, p.capture_bits)};  // 0: float32
}

}  // namespace

Imperfections::Imperfections(const Profile& p) {
  const bool phases = p.cell == physics::CellKind::phase, discrete = physics::is_discrete(p.cell);
  const std::array components{component_of(p, p.state_converter(), discrete), component_of(p, p.second_converter(), phases)};
  if (p.parameter_inl_sd_steps > 0 || p.parameter_dnl_sd_steps > 0)
    list_.push_back(std::make_unique<ParameterCurve>(p.parameter_inl_sd_steps, p.parameter_dnl_sd_steps,
                                                     parameter_scales(p), p.serial));
  if (const MismatchSpread spread = spread_of(p); spread.any())
    list_.push_back(std::make_unique<Mismatch>(spread, p.serial));
  if (has_defects(p)) list_.push_back(std::make_unique<Defects>(defects_of(p), p.serial, std::max(p.cells, p.cells_max)));
  if (p.noise != physics::NoiseColour::Kind::white || p.noise_common != 0)
    list_.push_back(std::make_unique<ColouredBath>(
        physics::NoiseColour{p.noise, static_cast<double>(p.noise_time), static_cast<double>(p.noise_common)}));
  if (const bool warms = p.idle_warmth_K != 0 || p.run_warmth_K != 0; warms)
    list_.push_back(std::make_unique<Die>(die_of(p), p.serial));
  if (p.drift_exponent > 0 || p.drift_exponent_sd > 0 || p.bias_walk > 0)
    list_.push_back(std::make_unique<Drift>(
        DriftLaw{p.drift_exponent, p.drift_exponent_sd, p.drift_onset, p.bias_walk, p.drift_age}, p.serial));
  if (p.ripple_gain > 0 || p.ripple_kT > 0)
    list_.push_back(std::make_unique<Supply>(p.ripple_gain, p.ripple_kT, p.ripple_period));
  if (p.flicker_sd > 0 || p.telegraph_step > 0)
    list_.push_back(std::make_unique<Flicker>(FlickerLaw{p.flicker_sd, p.flicker_time, p.telegraph_step, p.telegraph_time}));
  if (p.tiles > 1) {
    TileLaw law;
    law.tiles = p.tiles;
    law.latency = static_cast<std::uint32_t>(p.tile_latency * p.tile_eta + 0.5f);
    law.bits = p.tile_bits;
    law.lost = static_cast<double>(p.tile_lost);
    law.range = p.cell == physics::CellKind::pbit ? 1.0f : p.state_range();
    list_.push_back(std::make_unique<Tiles>(law));
  }
  if (p.crosstalk > 0) list_.push_back(std::make_unique<Crosstalk>(p.crosstalk));
  if (p.read_out_noise_sd_steps > 0)
    list_.push_back(std::make_unique<ReadOutNoise>(p.read_out_noise_sd_steps, components));
  if (p.read_out_inl_sd_steps > 0)
    list_.push_back(std::make_unique<ReadOutCurve>(p.read_out_inl_sd_steps, components, p.serial));
  if (p.read_out_dnl_sd_steps > 0)
    list_.push_back(
        std::make_unique<ReadOutSteps>(p.read_out_dnl_sd_steps, components, p.capture_bits, p.serial));
  for (const auto& one : list_) {
    reads_out_ |= one->reads_out();
    moves_ |= one->moves();
    spreads_temperature_ |= one->spreads_temperature();
    offsets_couplings_ |= one->offsets_couplings();
    if (!one->held().empty()) held_ = one->held();
  }
}

}  // namespace heatbath::model
