#pragma once
// Device memory: a window that costs only what is touched.

#include <cstddef>
#include <cstdint>
#include <span>

namespace heatbath::numerics {
class Archive;
}

namespace heatbath::model {

/// Zero-filled memory of the chip, mapped lazily: pages that were never touched take no memory of the host.
class DeviceMemory {
 public:
  /// Throws std::system_error when the address space cannot hold it.
  explicit DeviceMemory(std::uint64_t bytes);
  /// Shares the bytes of a file from `offset` on, a multiple of the page size, instead. Throws std::system_error.
  DeviceMemory(std::uint64_t bytes, int file, std::uint64_t offset);
  ~DeviceMemory();
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  std::span<std::byte> bytes() { return bytes_; }
  /// All zero again, at the same address.
  void clear();
  /// Writes or reads the pages that are not all zero. Throws Archive::Refused.
  void exchange(numerics::Archive& archive);

 private:
  std::span<std::byte> bytes_;
  bool shared_ = false;
};

}  // namespace heatbath::model
