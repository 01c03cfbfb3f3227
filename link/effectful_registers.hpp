#pragma once
// Registers whose writes act, as the register map has them.

#include <bitset>
#include <cstdint>

#include "heatbath/register_list.h"
#include "heatbath/regs.h"

namespace heatbath {

/// Whether a write of the register at this byte offset, below HB_WINDOW_BYTES, acts once per sequence number. What it
/// acts on must be there before.
inline bool is_effectful(std::uint32_t offset) {
  enum Rule : std::uint8_t { RO, RW, CMD };
  static const auto set = [] {
    std::bitset<HB_WINDOW_BYTES / 4> commands;
#define HEATBATH_ROW(NAME, offset, ACCESS, RESET, value, mask) commands[(offset) / 4] = ACCESS == CMD;
    HB_REGISTER_LIST(HEATBATH_ROW)
#undef HEATBATH_ROW
    return commands;
  }();
  return set[offset / 4];
}

}  // namespace heatbath
