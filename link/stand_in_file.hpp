#pragma once
// The file that stands in for a device on a bus: what host and server agree on.

#include <atomic>
#include <cstdint>

#include "heatbath/map.h"
#include "heatbath/regs.h"

namespace heatbath {

/// The file: the register window, device memory, the list of couplers (whole pages, none for a dense array), and a page
/// whose first word counts the server's rounds and whose second says how many bytes the list of couplers has. The count
/// goes up when a round begins to put register values into the window and again when it has put them: what is
/// read between two equal even counts is of one instant. What a host stored before a round began is carried out, and
/// its effects are there, when that round has ended.
constexpr std::uint64_t stand_in_trailer = HB_MAP_FILE_TRAILER;

/// Where the last page begins.
constexpr std::uint64_t stand_in_trailer_at(std::uint64_t memory_bytes, std::uint64_t topology_bytes) {
  return HB_WINDOW_BYTES + memory_bytes + (topology_bytes + stand_in_trailer - 1) / stand_in_trailer * stand_in_trailer;
}

constexpr std::uint64_t stand_in_bytes(std::uint64_t memory_bytes, std::uint64_t topology_bytes) {
  return stand_in_trailer_at(memory_bytes, topology_bytes) + stand_in_trailer;
}

}  // namespace heatbath
