#pragma once
// What a device advertises, read once from its identity and capability registers.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "heatbath/cell_enums.hpp"
#include "heatbath/ticks.hpp"

namespace heatbath {

/// Storage of one parameter or captured value in device memory.
enum class Number : std::uint8_t { float32 = 0, code8 = 1, code16 = 2 };

/// Bytes of one value: 4, 1 or 2.
constexpr std::uint32_t bytes_of(Number number) {
  return number == Number::float32 ? 4u : number == Number::code8 ? 1u : 2u;
}

struct Identity {
  std::uint32_t vendor = 0, part = 0, revision = 0;
  std::uint64_t serial = 0;
  std::uint16_t map_major = 0, map_minor = 0;
  std::uint32_t map_hash = 0;
};

/// A pair of cells i < j that a sparse device can couple.
struct Coupler {
  std::uint32_t i = 0, j = 0;
  bool operator==(const Coupler&) const = default;
};

/// Ranges are symmetric ([-range, range]) unless said otherwise; energies in device energy units.
struct Capabilities {
  bool seeded = false;             ///< jobs may carry seed, first shot and first step
  bool state_write = false;        ///< Program::set; without it clamp and release
  bool meters = false;             ///< Program::meter_*
  bool dt_programmable = false;    ///< Device::set_step
  bool increments_markov = false;  ///< path weights and path actions are defined
  bool free_running = false;       ///< the array evolves while idle
  bool capture_stalls = false;     ///< a full ring stalls the array instead of losing records
  bool kT_programmable = false;
  bool lane_operands = false;
  bool readback = false;
  bool dma = false;  ///< the device reaches buffers of Transport::dma_alloc (heatbath/dif_dma.h)
  bool kT_per_cell = false;  ///< Program::load(CellSection::kT, …)
  bool refinement = false;   ///< JobOptions::refinement
  bool heat_per_cell = false;  ///< Program::meter_snapshot(PerCell::heat)
  bool whole_turns = false;    ///< full turns are captured as integers: Capture::value is exact

  std::uint32_t cells = 0;  ///< largest number of active cells
  std::uint32_t lanes = 0;
  std::uint32_t tick_ps = 0;
  Ticks time_unit;    ///< ticks in one dimensionless time unit
  Ticks capture_min;  ///< shortest capture period; 0 where the step is the limit
  Number parameter_number = Number::float32;
  std::uint32_t parameter_bits = 0;
  bool couplings_full = false;  ///< couplings may differ in their two directions; else J_ij = J_ji
  Number capture_number = Number::float32;
  std::uint32_t capture_bits = 0;
  CellKind cell_kind = CellKind::overdamped;
  Topology topology = Topology::dense;
  Stepper stepper = Stepper::none;  ///< none: a physical part
  std::uint32_t components = 1;  ///< state variables of a cell; variable c * cells + i is component c of cell i
  /// Pairs with a coupler, sorted by i, then j, as the device lists them. Null: all pairs have one.
  std::shared_ptr<const std::vector<Coupler>> coupler_list;
  /// Couplings that the device's graph came with (the values of its file): one per coupler; two, J_ij then J_ji, with
  /// couplings_full. Null: none. The device does not apply them by itself: Program::load_coupler_values.
  std::shared_ptr<const std::vector<float>> graph_couplings;
  std::uint64_t memory_bytes = 0;
  std::uint32_t program_max = 0, loop_depth = 0;
  float range_j2 = 0, range_j4 = 0, range_bias = 0, range_coupling = 0, range_state = 0;
  float range_mass = 0, range_damping = 0, range_frequency = 0;
  float range_second = 0;  ///< full scale of the second component of a cell
  float kT_min = 0, kT_max = 0, kT_reset = 0;
  float mobility = 0;
  float energy_unit_joules = 0;
  /// Revision of an emulator's arithmetic: at equal ones a seeded program has the same bits (docs/dynamics.md). 0: a
  /// physical part, or a device older than revision 2.
  std::uint32_t arithmetic = 0;

  /// Length of a tick, and of a dimensionless time unit.
  double tick_seconds() const { return tick_ps * 1e-12; }
  double time_unit_seconds() const { return static_cast<double>(time_unit.count) * tick_ps * 1e-12; }

  /// True when only the pairs of couplers() can be coupled.
  bool sparse() const { return coupler_list != nullptr; }
  /// The couplers of a sparse device; empty for a dense one.
  std::span<const Coupler> couplers() const {
    return coupler_list ? std::span<const Coupler>(*coupler_list) : std::span<const Coupler>();
  }
};

/// Throws Error(UNSUPPORTED) "<who> needs CAPS.<name>, which <device> lacks" when `have` is false.
void require(bool have, const std::string& who, const std::string& name);

/// Throws Error(UNSUPPORTED) when the device's cells are not of this kind: what was
/// needed, what is there, and the URI of an emulator that would do.
void require_cell_kind(const Capabilities& capabilities, const std::string& who, CellKind kind);

}  // namespace heatbath
