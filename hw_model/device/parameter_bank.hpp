#pragma once
// Live and shadow parameters of the array.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "heatbath/program.h"
#include "hw_model/analog/converters.hpp"
#include "hw_model/device/imperfections.hpp"
#include "hw_model/device/profile.hpp"
#include "hw_model/physics/parameters.hpp"

namespace heatbath::model {

/// Two sets of parameters: LOAD writes the shadow, COMMIT copies it to live. A set is what the array applies (after
/// conversion and imperfections) and, per section, the nominal image that READBACK returns (after clipping and
/// rounding, before imperfections).
class ParameterBank {
 public:
  /// `imperfections` outlive the bank; their list may be asked by others, too.
  ParameterBank(const Profile& profile, Imperfections& imperfections);

  /// Live and shadow at their reset values: J2 = J4 = bias = frequency = 0, no couplings, gain, mass and damping 1, kT
  /// of the profile. Imperfections apply to them too. `graph`: of these cells; null where the topology is dense.
  void reset(std::uint32_t cells, std::shared_ptr<const physics::Graph> graph);

  const physics::Parameters& live() const { return live_.applied; }
  const physics::Parameters& shadow() const { return shadow_.applied; }

  /// LOAD, already checked: writes one section of the shadow from `memory` or from the immediate, for `lanes` lanes.
  /// Returns the entry that is NaN, a temperature outside its range, a mass that is not positive or a coupling of a
  /// cell with itself (lane x cells + cell for operands per lane) and leaves the shadow as it was, or nothing.
  std::optional<std::uint64_t> load(const hb_instruction_t& load, std::span<const std::byte> memory,
                                    std::uint32_t lanes);

  /// Values clipped by the loads since they were last taken.
  std::uint64_t take_clips();
  /// live = shadow.
  void commit();

  /// The highest bit of the converter of a live coupling flips: its value changes by the range, away from where it is.
  /// `ordinal`: of a graph its coupler, else of the pairs i < j by rows; beyond the last nothing happens. The image that
  /// READBACK returns, which lies in another memory, stays.
  void flip_coupling(std::uint64_t ordinal);

  /// Copies the nominal image of a live section that lies in memory; biases that differ between lanes are those of lane
  /// 0. out: section_bytes.
  void readback(hb_section_t section, std::span<std::byte> out) const;

  /// Writes or reads both sets, of an array of so many cells and lanes on that graph; `parameters` shares couplings
  /// with other sets of the array. Throws Archive::Refused.
  void exchange(numerics::Archive& archive, physics::ParameterExchange& parameters, std::uint32_t cells,
                std::shared_ptr<const physics::Graph> graph);

 private:
  static constexpr std::size_t sections = HB_SECTIONS;
  /// Stored values, or one of them that all have in common. Copies share them.
  struct Image {
    std::shared_ptr<const std::vector<std::byte>> bytes;  // null: as after reset
    std::uint64_t times = 0;                              // that the bytes come one after another
  };
  struct Set {
    physics::Parameters applied;
    std::array<Image, sections> image;
  };

  void load_gain(float gain);
  std::optional<std::uint64_t> load_cells(const hb_instruction_t& load, std::span<const std::byte> memory,
                                          std::uint32_t lanes);
  std::optional<std::uint64_t> load_couplings(const hb_instruction_t& load, std::span<const std::byte> memory);
  Converter converter(hb_section_t section) const;
  Image image(std::span<const float> values, hb_section_t section, std::uint64_t times = 1) const;
  physics::ValueList filled(hb_section_t section, std::size_t size, float value);
  std::optional<std::uint64_t> unfit(hb_section_t section, std::span<const float> values) const;
  std::shared_ptr<const physics::Couplings> couplings(physics::ValueList values);
  std::shared_ptr<const physics::Couplings> symmetric_matrix(std::span<const float> triangle) const;

  Profile profile_;
  Imperfections& imperfections_;
  std::uint32_t cells_ = 0;
  std::shared_ptr<const physics::Graph> graph_;
  Set live_, shadow_;
  std::array<std::uint64_t, sections> clips_{};  // of the shadow's sections, not yet taken
};

}  // namespace heatbath::model
