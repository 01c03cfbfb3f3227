#pragma once
// The chip in SystemC, for programs that have it: only those need libsystemc at run time.

#include <cstdint>
#include <string>

#include "heatbath/transport.hpp"
#include "hw_model/device/chip.hpp"

namespace heatbath {

/// The chip that a tlm: URI describes.
struct TlmChip {
  std::string profile;  ///< name or file
  model::ChipOptions options;
  bool approximate = false;  ///< timing=at
  model::Choices choices;
  std::uint64_t memory_bytes = 0;  ///< of device memory
  std::string uri;                 ///< with all keys; what LinkInfo reports
};

}  // namespace heatbath

/// Opens the chip in SystemC; the caller owns the transport. Throws as TlmTransport. Null in a program that does not
/// link heatbath::tlm, which defines it.
extern "C" [[gnu::weak, gnu::visibility("hidden")]] heatbath::Transport* heatbath_open_tlm(const heatbath::TlmChip& chip);
