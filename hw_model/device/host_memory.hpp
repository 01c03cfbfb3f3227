#pragma once
// Buffers of a host process that an emulated DMA engine reaches by bus address.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>

#include "hw_model/device/dma.hpp"

namespace heatbath::model {

/// Memory of the host as an input–output unit maps it: only the buffers allotted here answer, each at a bus address of
/// its own with unmapped space behind it, so that a transfer past the end of a buffer fails.
class HostMemory : public HostPort {
 public:
  struct Buffer {
    std::uint64_t address = 0;
    std::span<std::byte> bytes;
  };

  /// A zero-filled buffer, stable until it is released. Throws std::bad_alloc.
  Buffer allot(std::uint64_t bytes);
  /// Releases a buffer by its address; another address is ignored. Transfers to it fail from here on.
  void release(std::uint64_t address) { buffers_.erase(address); }

  Answer read(std::uint64_t address, std::span<std::byte> data) override;
  Answer write(std::uint64_t address, std::span<const std::byte> data) override;

 private:
  struct Block {
    std::unique_ptr<std::byte[]> bytes;
    std::uint64_t size;
  };
  /// `size` bytes at `address`, or null where no buffer holds them all.
  std::byte* find(std::uint64_t address, std::uint64_t size);

  std::map<std::uint64_t, Block> buffers_;  // by address
  std::uint64_t next_ = std::uint64_t{1} << 32;
};

}  // namespace heatbath::model
