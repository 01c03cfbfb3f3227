#pragma once
// Values to load in place of wanted ones, so that a chip that is not ideal applies what was wanted.

#include <cstdint>
#include <span>
#include <string>

#include "heatbath/cell_enums.hpp"

namespace heatbath {

class Device;

/// What undoes what a chip does to parameters, for Device::correct. Values are in the device's units.
class ChipCorrection {
 public:
  virtual ~ChipCorrection() = default;
  /// So many cells, from 0 on, are known.
  virtual std::uint32_t cells() const = 0;
  /// Values of cells 0, 1, … become those to load. Throws Error(UNSUPPORTED) that names a cell which nothing would help.
  virtual void correct(CellSection section, std::span<float> values) const = 0;
  /// The coupling to load for cells i < j. Throws Error(UNSUPPORTED) that names a coupler which nothing would help.
  virtual float coupling(std::uint32_t i, std::uint32_t j, float wanted) const = 0;
  /// Variances grow with stiffness by 1 + stiffness step/2, as by a finite step of the array; 0: they do not.
  virtual double step() const = 0;
  /// Asked before each job: throws Error(BAD_ARG) that names why it is not to be used.
  virtual void require(Device& device) const = 0;
  /// What it is, for reports.
  virtual std::string text() const = 0;
};

}  // namespace heatbath
