#pragma once
// The integral nonlinearity of the converters that read states out.

#include <array>
#include <cstdint>
#include <vector>

#include "hw_model/analog/imperfection.hpp"

namespace heatbath::model {

/// Every cell has a converter of its own, whose curve leaves the straight line through its ends by
///   step (b (1 - z^2) + s c (z - z^3)),  z = x / range,  c = 3 sqrt(3) / 2,
/// a bow that is largest in the middle and an S that is largest at z = 1/sqrt 3: |b| and |s| are the peaks of both in
/// steps. b and s of a cell are normal with standard deviation `sd_steps`, independent, a pure function of the serial
/// number, the cell and the component. Values beyond the range pass unchanged.
class ReadOutCurve : public Imperfection {
 public:
  /// `range` and `step` of the converter of each component of a cell; a range of 0: the component is read as it is.
  struct Component {
    float range = 0, step = 0;
  };
  ReadOutCurve(float sd_steps, std::array<Component, 2> components, std::uint64_t serial);

  void prepare_read_out(std::uint32_t cells) override;
  bool reads_out() const override { return true; }
  void read_out(std::uint32_t component, std::uint32_t first, std::span<float> values,
                const ReadAddress* address = nullptr) const override;

 private:
  float sd_;
  std::array<Component, 2> components_;
  std::uint64_t key_;
  std::array<std::vector<float>, 2> bow_, ess_;  // of each component, per cell, in steps
};

}  // namespace heatbath::model
