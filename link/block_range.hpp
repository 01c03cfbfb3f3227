#pragma once
// Which blocks a device's windows hold: the same answer from every transport that reaches a window itself.

#include <cstdint>
#include <string>

#include "heatbath/error.hpp"
#include "heatbath/regs.h"

namespace heatbath {

/// True when [address, address + size) lies in the window of `bytes` bytes at `base`.
constexpr bool lies_in(std::uint64_t address, std::uint64_t size, std::uint64_t base, std::uint64_t bytes) {
  return address >= base && address - base <= bytes && size <= bytes - (address - base);
}

/// Throws Error(BAD_ARG) with the device time when a block leaves device memory.
inline void check_memory_block(std::uint64_t address, std::uint64_t size, std::uint64_t memory_bytes,
                               std::uint64_t device_ticks = 0) {
  if (lies_in(address, size, HB_MEMORY_BASE, memory_bytes)) return;
  throw Error(HB_BAD_ARG,
              "block of " + std::to_string(size) + " bytes at address " + std::to_string(address) +
                  " leaves device memory, which is " + std::to_string(memory_bytes) + " bytes from address " +
                  std::to_string(HB_MEMORY_BASE) + " on",
              device_ticks);
}

}  // namespace heatbath
