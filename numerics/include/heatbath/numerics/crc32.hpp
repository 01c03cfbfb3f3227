#pragma once
// The checksum of records, states and files that hosts keep.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace heatbath::numerics {

/// CRC-32 as zlib, PNG and Ethernet have it (the reflected polynomial 0xEDB88320): a single wrong bit or any burst up
/// to 32 bits changes it. `sum` is that of what came before.
inline std::uint32_t crc32(std::span<const std::byte> bytes, std::uint32_t sum = 0) {
  static constexpr auto table = [] {
    std::array<std::uint32_t, 256> entries{};
    for (std::uint32_t byte = 0; byte < entries.size(); ++byte) {
      std::uint32_t rest = byte;
      for (int bit = 0; bit < 8; ++bit) rest = rest >> 1 ^ ((rest & 1) != 0 ? 0xEDB88320u : 0u);
      entries[byte] = rest;
    }
    return entries;
  }();
  sum = ~sum;
  for (const std::byte byte : bytes) sum = sum >> 8 ^ table[(sum ^ static_cast<std::uint32_t>(byte)) & 0xFF];
  return ~sum;
}

}  // namespace heatbath::numerics
