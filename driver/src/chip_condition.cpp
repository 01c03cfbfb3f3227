#include "heatbath/chip_condition.hpp"

#include <chrono>

#include "heatbath/regs.h"

namespace heatbath {

ChipCondition condition_of(Device& device) {
  ChipCondition now;
  now.seconds = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  if (!device.members().empty()) return now;
  Transport& link = device.transport();
  now.resets = link.read32(HB_RESET_COUNT_OFFSET);
  now.time = device.time_units(device.now());
  if (const std::uint32_t millikelvin = link.read32(HB_DIE_TEMPERATURE_OFFSET)) now.kelvin = millikelvin / 1000.0;
  return now;
}

}  // namespace heatbath
