#pragma once
// The transport behind any device URI.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "heatbath/transport.hpp"
#include "link/scheme.hpp"

namespace heatbath {

/// The URI itself; when it is empty, the environment's, else `func:`.
std::string uri_or_default(std::string_view uri);

/// All schemes of this program: emulators, then links.
const std::vector<Scheme>& device_schemes();

/// What open() hands to a Device; the same errors. `uri` is not empty.
std::unique_ptr<Transport> open_transport(const std::string& uri);

/// The functional emulator of a func: URI with device memory in a file from `offset` on. Throws Error(BAD_ARG) for
/// another scheme; else as open(). The file must reach EmulatedWindows::memory_bytes beyond it.
std::unique_ptr<Transport> open_with_memory(const std::string& uri, int file, std::uint64_t offset);

/// Bytes of the windows beside the registers.
struct EmulatedWindows {
  std::uint64_t memory_bytes = 0;
  std::uint64_t topology_bytes = 0;  ///< 0: dense
};
/// Of the emulator of a func: URI. Throws the same.
EmulatedWindows emulated_windows(const std::string& uri);

}  // namespace heatbath
