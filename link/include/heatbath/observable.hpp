#pragma once
// Devices that can be looked at without an access.

#include <cstdint>

namespace heatbath {

/// An optional second interface of a transport: that of an emulator in this process. A physical chip has none.
class Observable {
 public:
  virtual ~Observable() = default;
  /// What read32 would return, as far as the device has come; 0 where there is no register. No time passes and nothing
  /// is counted, so a host cannot tell whether somebody looked.
  virtual std::uint32_t peek32(std::uint64_t address) = 0;
};

}  // namespace heatbath
