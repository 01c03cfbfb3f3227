#pragma once
// The device a server serves: opened anew for each session.

#include <cstdint>
#include <memory>
#include <string>

#include "heatbath/device_clock.hpp"
#include "heatbath/transport.hpp"
#include "heatbath/wire_protocol.hpp"

namespace heatbath {

/// Opens the device of a URI for one session after the other. Each session finds it as it is after opening: a new
/// emulator (func:), a new session (tcp:, unix:, shm:), else reset and with its memory cleared.
class ServedDevice {
 public:
  /// Opens the device, learns what it is, and closes it. Throws what open() throws.
  explicit ServedDevice(const std::string& uri);
  ~ServedDevice();

  /// URI with defaults filled in.
  const std::string& uri() const { return uri_; }
  /// Facts for the handshake; session_ms is the server's to fill.
  const wire::Welcome& facts() const { return facts_; }
  /// Seconds of a device tick.
  double tick_seconds() const { return tick_seconds_; }

  /// Opens it for a session. Throws what open() throws.
  void open();
  /// Closes it after a session, so that the next one finds nothing of this one. Throws Error when the device does not
  /// answer; it is closed then, too.
  void close();

  Transport& transport() { return *transport_; }
  /// Null where device time is not seen without an access.
  const DeviceClock* clock() const { return clock_; }

 private:
  std::string given_, uri_;
  wire::Welcome facts_;
  double tick_seconds_ = 0;
  std::unique_ptr<Transport> transport_;
  const DeviceClock* clock_ = nullptr;
};

/// Sets all of device memory to zero. Where it is lent, pages that hold zeros already are left alone.
void clear_memory(Transport& transport, std::uint64_t bytes);

}  // namespace heatbath
