#pragma once
// What of a chip changes by itself, as far as the host sees it.

#include <cstdint>
#include <limits>

#include "heatbath/device.hpp"

namespace heatbath {

/// State of a chip that its calibration depends on.
struct ChipCondition {
  std::int64_t seconds = 0;  ///< since 1970, by the clock of the host
  std::uint32_t resets = 0;  ///< RESET_COUNT
  double time = 0;           ///< device time since that reset, time units
  double kelvin = std::numeric_limits<double>::quiet_NaN();  ///< of the die; NaN where the chip does not tell
};

/// Reads the device's registers, which advances device time; of a rack, which has none, the host's clock alone.
ChipCondition condition_of(Device& device);

}  // namespace heatbath
