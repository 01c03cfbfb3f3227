#pragma once
// The file that stands in for a device on a bus: what host and server agree on.

#include <atomic>
#include <cstdint>

#include "heatbath/regs.h"

namespace heatbath {

/// Bytes of the file: the register window, device memory, and a page whose first word counts the server's rounds. The
/// count goes up when a round begins to put register values into the window and again when it has put them: what is
/// read between two equal even counts is of one instant. What a host stored before a round began is carried out, and
/// its effects are there, when that round has ended.
constexpr std::uint64_t stand_in_trailer = 4096;

constexpr std::uint64_t stand_in_bytes(std::uint64_t memory_bytes) {
  return HB_WINDOW_BYTES + memory_bytes + stand_in_trailer;
}

}  // namespace heatbath
