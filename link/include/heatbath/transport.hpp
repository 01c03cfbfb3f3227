#pragma once
// The seam between the driver and whatever runs the chip.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace heatbath {

/// What a link says of itself. Informative: no decision may depend on it.
struct LinkInfo {
  std::string uri;          ///< the URI it was opened with, defaults filled in
  std::string description;  ///< one line for a person
};

/// Memory of the host that the device reaches by itself.
struct DmaBuffer {
  std::uint64_t address = 0;   ///< on the device's bus, for DMA_HOST
  std::span<std::byte> bytes;  ///< the same memory in this process
};

/// A link to one device. One owner thread. Contract (checked by conformance):
/// accesses are ordered and a read sees earlier writes; a posted write reports its error at the next read or wait;
/// register semantics never throw (the device counts wrong accesses); a lost link throws Error(LINK).
/// Addresses: registers from 0 (heatbath/regs.h), the list of couplers of a sparse device from HB_TOPOLOGY_BASE, device
/// memory from HB_MEMORY_BASE.
/// Every register access costs at least one device tick; block transfers may cost time on a link.
class Transport {
 public:
  virtual ~Transport() = default;

  /// Reads or writes the register at byte address `address` (a multiple of 4).
  virtual std::uint32_t read32(std::uint64_t address) = 0;
  virtual void write32(std::uint64_t address, std::uint32_t value) = 0;

  /// Copies a block of device memory out of or into the device; read_block reads the topology window, too. Throws
  /// Error(BAD_ARG) when the block leaves them.
  virtual void read_block(std::uint64_t address, std::span<std::byte> out) = 0;
  virtual void write_block(std::uint64_t address, std::span<const std::byte> data) = 0;

  /// Lends device memory without a copy, or nothing where the link cannot. Valid as long as the transport.
  /// The device changes it only while time advances, that is inside a call of this transport.
  virtual std::optional<std::span<std::byte>> map(std::uint64_t address, std::uint64_t size) = 0;

  /// Lets device time advance until INTR_STATE & INTR_ENABLE is non-zero or `limit_ticks` have passed.
  /// Returns at once if an enabled interrupt is pending. True when one is. Captures are complete after it.
  virtual bool wait_irq(std::uint64_t limit_ticks) = 0;

  /// A zero-filled buffer for the DMA engine of a device with CAPS.DMA, or nothing where the link has none to lend.
  /// Valid until dma_free or the end of the transport; the device reads and changes it only while time advances.
  virtual std::optional<DmaBuffer> dma_alloc([[maybe_unused]] std::uint64_t bytes) { return std::nullopt; }
  /// Gives a buffer back, by its address; a transfer that still uses it ends with HB_LINK.
  virtual void dma_free([[maybe_unused]] std::uint64_t address) {}

  /// Device time in ticks since reset as this side knows it without an access, which would cost time: exact where the
  /// device is in this process, else the last one heard of; nothing when unknown. For records, logs and pacing; the
  /// driver never decides by it.
  virtual std::optional<std::uint64_t> device_ticks() const { return std::nullopt; }

  /// What the link says of itself; no access.
  virtual LinkInfo info() const = 0;
};

}  // namespace heatbath
