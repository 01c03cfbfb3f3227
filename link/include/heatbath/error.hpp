#pragma once
// The one exception of the driver.

#include <cstdint>
#include <stdexcept>
#include <string>

#include "heatbath/status.h"

namespace heatbath {

/// What every function of the driver throws when it cannot do what it was asked.
/// Codes: BAD_ARG nothing was done; BUSY nothing was done and a retry is safe; see heatbath/status.h for all.
class Error : public std::runtime_error {
 public:
  /// `message` says what is wrong, where, and what would be right, in one line.
  /// `device_ticks` is the device time at which the error was seen (0 when no device was involved);
  /// `fault_register` the offset of the job register or the program counter at fault (0xFFFFFFFF when none).
  Error(hb_status_t code, const std::string& message, std::uint64_t device_ticks = 0,
        std::uint32_t fault_register = 0xFFFFFFFFu)
      : std::runtime_error(message), code_(code), device_ticks_(device_ticks), fault_register_(fault_register) {}

  /// Status of the failure; device time in ticks when it was met, as far as known; offset of the register at
  /// fault, 0xFFFFFFFF: none.
  hb_status_t code() const noexcept { return code_; }
  std::uint64_t device_ticks() const noexcept { return device_ticks_; }
  std::uint32_t fault_register() const noexcept { return fault_register_; }

 private:
  hb_status_t code_;
  std::uint64_t device_ticks_;
  std::uint32_t fault_register_;
};

}  // namespace heatbath
