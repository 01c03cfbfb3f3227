#pragma once
// Device time as whoever runs the device sees it.

#include <cstdint>
#include <optional>

namespace heatbath {

/// What a transport may be beside a Transport: one that knows device time without an access, which would cost time.
/// For records, logs and pacing; the driver never decides by it.
class DeviceClock {
 public:
  virtual ~DeviceClock() = default;
  /// Device time in ticks since reset, or the last one heard of where the device is elsewhere; nothing when unknown.
  virtual std::optional<std::uint64_t> ticks() const = 0;
};

}  // namespace heatbath
