#pragma once
// The chip in Verilog, for programs that have it: those built where Verilator is.

#include <cstdint>
#include <string>

#include "heatbath/transport.hpp"

namespace heatbath {

/// The chip that an rtl: URI describes.
struct RtlChip {
  std::uint32_t cells = 0;
  std::uint64_t seed = 1, serial = 1;
  std::string uri;  ///< with all keys; what LinkInfo reports
};

}  // namespace heatbath

/// Opens the chip in Verilog; the caller owns the transport. Null in a program that does not link heatbath_rtl, which
/// defines it.
extern "C" [[gnu::weak, gnu::visibility("hidden")]] heatbath::Transport* heatbath_open_rtl(const heatbath::RtlChip& chip);
