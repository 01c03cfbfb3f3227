#pragma once
// What a device advertises, read once from its identity and capability registers.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "heatbath/capability_fields.hpp"
#include "heatbath/cell_enums.hpp"
#include "heatbath/number.hpp"
#include "heatbath/ticks.hpp"

namespace heatbath {

class ChipCorrection;

/// Who a device is, as its identity registers say.
struct Identity {
  std::uint32_t vendor = 0, part = 0, revision = 0;  ///< of the maker's numbers
  std::uint64_t serial = 0;  ///< of this one part; keys calibration
  std::uint16_t map_major = 0, map_minor = 0;  ///< version of its register map
  std::uint32_t map_hash = 0;  ///< of the text that the map is generated from
};

/// A pair of cells i < j that a sparse device can couple.
struct Coupler {
  std::uint32_t i = 0, j = 0;  ///< cells, i < j
  bool operator==(const Coupler&) const = default;
};

/// What a device can do: its registers (heatbath/capability_fields.hpp) and its graph.
struct Capabilities : CapabilityFields {
  /// Pairs with a coupler, sorted by i, then j, as the device lists them. Null: all pairs have one.
  std::shared_ptr<const std::vector<Coupler>> coupler_list;
  /// Couplings that the device's graph came with (the values of its file): one per coupler; two, J_ij then J_ji, with
  /// couplings_full. Null: none. The device does not apply them by itself: Program::load_coupler_values.
  std::shared_ptr<const std::vector<float>> graph_couplings;
  /// What programs made for these capabilities load in place of the values they are given (Device::correct). Null: those.
  std::shared_ptr<const ChipCorrection> correction = nullptr;

  /// Length of a tick, and of a dimensionless time unit, in seconds.
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
