#pragma once
// What a chip of a profile does not do as it is told: keys that are off unless a profile names them.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "hw_model/physics/cell_kinds.hpp"

namespace heatbath::model {

/// Spreads are standard deviations over parts, fixed for a part by its serial number (`chip=` of a URI); steps are those
/// of the converter. Initial values are those of a chip without the imperfection. docs/chips.md has each with its law.
struct ProfileImperfections {
  // [mismatch]: the fixed pattern (hw_model/analog/mismatch.hpp)
  float cell_gain_sd = 0, j2_sd = 0, j4_sd = 0, bias_gain_sd = 0, kT_sd = 0, coupling_gain_sd = 0;  ///< relative
  float bias_offset_sd_steps = 0, coupling_offset_sd_steps = 0;
  float correlated_fraction = 0;    ///< of the variance of every pattern here, in a field over the die
  float correlation_length = 8;     ///< of the field, cell pitches
  std::uint32_t die_columns = 32;   ///< cells in a row of the die
  // [defects] (hw_model/analog/defects.hpp)
  std::string dead_cells, stuck_cells, dead_couplers;
  float dead_cell_rate = 0, stuck_cell_rate = 0, dead_coupler_rate = 0;
  float stuck_at = 1;               ///< state of a cell that stuck_cell_rate draws, + or -
  // [parameters] (hw_model/analog/parameter_curve.hpp)
  float parameter_inl_sd_steps = 0, parameter_dnl_sd_steps = 0;
  // [capture] (hw_model/analog/read_out_curve.hpp, read_out_noise.hpp)
  float read_out_inl_sd_steps = 0, read_out_dnl_sd_steps = 0, read_out_noise_sd_steps = 0;
  float crosstalk = 0;              ///< fraction of the channel before
  float aperture_jitter = 0;        ///< time units by which a periodic record is early: |normal| times this
  // [noise]
  physics::NoiseColour::Kind noise = physics::NoiseColour::Kind::white;
  float noise_time = 0;    ///< correlation time, time units
  float noise_common = 0;  ///< fraction of the variance that all cells of a lane share
  // [multi] (hw_model/analog/tiles.hpp): several chips on one board
  std::uint32_t tiles = 1, tile_bits = 0;
  float tile_eta = 1;      ///< eta: exchanges between tiles in a time unit
  float tile_latency = 0;  ///< time units
  float tile_lost = 0;     ///< probability of a message
  // [faults] (hw_model/device/planned_faults.hpp)
  std::string planned_faults;
  // [die], [drift], [supply] (hw_model/analog/die.hpp), [flicker] (hw_model/analog/flicker.hpp). Times in time units
  float slow_period = 1;   ///< [imperfections] period: how often parameters follow what moves them
  float thermal_time = 1000, idle_warmth_K = 0, run_warmth_K = 0, ambient_K = 300, kT_tracks = 1;
  float coupling_gain_per_K = 0, cell_gain_per_K = 0;
  float bias_offset_sd_per_K = 0;  ///< units of the bias
  float drift_exponent = 0, drift_exponent_sd = 0, drift_onset = 1, drift_age = 0;
  float bias_walk = 0;             ///< units of the bias, after one time unit
  float ripple_gain = 0, ripple_kT = 0, ripple_period = 20;
  float flicker_sd = 0, flicker_time = 1000, telegraph_step = 0, telegraph_time = 100;  ///< units of the bias
};

/// The switches: what `perfect` of [imperfections], or of a URI, may name. Each sets its keys to their initial values.
inline constexpr std::array<std::string_view, 11> imperfection_names{
    "mismatch", "defects", "parameter-converters", "read-out", "noise", "die", "drift", "supply", "flicker", "faults", "multi"};

}  // namespace heatbath::model
