#pragma once
// Devices whose state can be kept and put back.

#include <cstddef>
#include <span>
#include <vector>

namespace heatbath {

/// An optional second interface of a transport: that of an emulator in this process. A physical chip has none.
class Restorable {
 public:
  virtual ~Restorable() = default;
  /// Everything that changes in the device, between two calls of the transport, as bytes (docs/checkpoints.md). Device
  /// time does not advance.
  virtual std::vector<std::byte> save() = 0;
  /// Puts the device where the bytes were made, which another emulator of the same chip may have done: with other
  /// threads, on another instruction set, behind another of the emulators' URIs. Buffers of dma_alloc are the host's: a
  /// transfer under way needs the same ones again. Throws Error(BAD_ARG) in one line for bytes of another chip, of a
  /// newer format, or damaged ones: the device is then as it was, or, for contents no device wrote, as powered on.
  virtual void restore(std::span<const std::byte> saved) = 0;
};

}  // namespace heatbath
