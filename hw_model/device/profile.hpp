#pragma once
// What distinguishes one chip from another.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hw_model/analog/converters.hpp"

namespace heatbath::model {

/// A chip profile: hw_model/profiles/NAME.toml, or a file of the same form. Every field is in the file; the tables of
/// the file are the comments' first words. Energies in energy units, times in ticks or time units as named.
struct Profile {
  // [identity]
  std::string name, description;
  std::uint32_t vendor = 0, part = 0, revision = 0;
  std::uint64_t serial = 0;
  // [features]
  bool seeded = false, state_write = false, meters = false, dt_programmable = false, increments_markov = false;
  bool free_running = false, capture_stalls = false, kT_programmable = false, lane_operands = false, readback = false;
  bool dma = false;
  // [array]
  std::uint32_t cells = 0, cells_max = 0;  ///< default size; largest a URI may ask for
  std::uint32_t lanes = 0, lanes_max = 0;
  float mobility = 1;
  float rail = 0;
  // [time]
  std::uint32_t tick_ps = 0;
  std::uint32_t time_unit_ticks = 0;
  std::uint32_t dt_ticks = 0;
  std::uint32_t capture_min_ticks = 0;
  // [temperature]
  float kT_reset = 0, kT_min = 0, kT_max = 0;
  float energy_unit_joules = 0;
  // [parameters]
  Storage parameter_storage = Storage::float32;
  std::uint32_t parameter_bits = 0;
  float range_j2 = 0, range_j4 = 0, range_bias = 0, range_coupling = 0;
  // [capture]
  Storage capture_storage = Storage::float32;
  std::uint32_t capture_bits = 0;
  // [memory]
  std::uint64_t memory_bytes = 0;
  std::uint32_t program_max = 0, loop_depth = 0;
  // [mismatch]: relative standard deviations of the gain and absolute ones (in converter steps) of the offset,
  // fixed per part by its serial number
  float cell_gain_sd = 0, coupling_gain_sd = 0, bias_offset_sd_steps = 0;
  // [timing]: what work beside the evolution costs, in ticks, where costs are modelled (ChipOptions::timed)
  std::uint32_t bus_request_ticks = 0;         ///< until a bus access is accepted
  std::uint32_t bus_response_ticks = 0;        ///< from there to its response
  std::uint32_t bus_bytes_per_tick = 0;        ///< device memory over the bus, beside both; 0: no cost
  std::uint32_t fetch_ticks = 0;               ///< before each instruction
  std::uint32_t operand_bytes_per_tick = 0;    ///< operands from and to memory, after the fetch; 0: no cost
  std::uint32_t dac_settle_ticks = 0;          ///< after COMMIT and CLAMP
  std::uint32_t adc_conversion_ticks = 0;      ///< after SAMPLE; periodic records convert while the array evolves
};

/// Profiles built in: "ideal", "silicon".
std::vector<std::string> profile_names();

/// Profile by name, or from a file when `name` ends in ".toml". Throws std::invalid_argument in one line: the valid
/// names; or file, table, key and what would be right.
Profile load_profile(std::string_view name);

}  // namespace heatbath::model
