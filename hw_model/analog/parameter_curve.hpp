#pragma once
// The nonlinearity of the converters that make parameters.

#include <cstdint>
#include <span>
#include <vector>

#include "hw_model/analog/imperfection.hpp"

namespace heatbath::model {

/// A converter makes nominal values, code by code, wrong by
///   step (b (1 - z^2) + s c (z - z^3) + e_code),  z = value / range,  c = 3 sqrt(3) / 2:
/// the bow and S of ReadOutCurve, whose peaks b and s are normal with standard deviation `inl_sd`, and of each code an
/// error of its own, normal with standard deviation dnl_sd / sqrt 2, so that the difference of neighbouring codes, the
/// differential nonlinearity, has dnl_sd. All in steps, a pure function of the serial number. One converter serves a
/// section of cells, one more each row of couplers (those of cell i with cells behind it; where couplings are not
/// reciprocal, all of cell i).
class ParameterCurve : public Imperfection {
 public:
  /// A section's converter; a range of 0: values pass.
  struct Scale {
    float range = 0;
    std::uint32_t bits = 0;
  };
  /// `scales` by section.
  ParameterCurve(float inl_sd_steps, float dnl_sd_steps, std::vector<Scale> scales, std::uint64_t serial);

  void load(hb_section_t section, std::span<float> values) override;
  void load_couplings(const LoadedCouplings& couplings) override;

 private:
  /// Errors of all codes of a converter, from the lowest, in the units of the values.
  const std::vector<float>& errors(hb_section_t section, std::uint32_t row);
  void bend(const Scale& scale, const std::vector<float>& errors, float& value) const;

  float inl_, dnl_;
  std::vector<Scale> scales_;
  std::uint64_t key_;
  std::vector<std::vector<float>> cells_, couplers_;  // by section, by row
};

}  // namespace heatbath::model
