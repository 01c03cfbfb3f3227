#pragma once
// Sizes of a part, from its capability registers.

#include <cstdint>

#include "heatbath/regs.h"
#include "heatbath/topology.h"

namespace heatbath {

/// Bytes of device memory. `read(offset)` gives the register there.
template <class Read>
std::uint64_t memory_bytes_of(const Read& read) {
  const std::uint64_t low = read(HB_CAPS_MEMORY_LO_OFFSET);
  return std::uint64_t{read(HB_CAPS_MEMORY_HI_OFFSET)} << 32 | low;
}

/// Bytes of the list of couplers; 0 of a part whose cells all couple.
template <class Read>
std::uint64_t topology_bytes_of(const Read& read) {
  const std::uint32_t couplers = read(HB_CAPS_COUPLERS_OFFSET), caps = read(HB_CAPS_OFFSET), format = read(HB_CAPS_PARAM_FORMAT_OFFSET);
  const bool full = (format & HB_CAPS_PARAM_FORMAT_LAYOUT_MASK) >> HB_CAPS_PARAM_FORMAT_LAYOUT_SHIFT == HB_CAPS_PARAM_FORMAT_LAYOUT_FULL;
  return hb_topology_bytes(couplers, (caps & HB_CAPS_GRAPH_COUPLINGS_MASK) != 0, full);
}

}  // namespace heatbath
