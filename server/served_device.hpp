#pragma once
// The device of a server, opened again for each session.

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "heatbath/transport.hpp"
#include "heatbath/wire_protocol.hpp"
#include "link/scheme.hpp"

namespace heatbath {

/// Opens the device of a URI for one session after the other. Each session finds it as it is after opening: a new
/// emulator (func:), a new session (tcp:, unix:, shm:), else reset, with its memory cleared and its counters seen
/// from 0. A device that a process can open only once (tlm:) is opened in a process for each session.
class ServedDevice {
 public:
  /// Opens the device, learns what it is, and closes it. Throws what open() throws.
  explicit ServedDevice(const std::string& uri);
  ~ServedDevice();

  /// URI with defaults filled in.
  const std::string& uri() const { return uri_; }
  /// Facts for the handshake; session_ms is the server's to fill.
  const wire::Welcome& facts() const { return learned_.facts; }
  /// Seconds of a device tick.
  double tick_seconds() const { return learned_.tick_seconds; }

  /// Whether each session wants a process of its own, in which open() is called once.
  bool wants_own_process() const;
  /// Whether device time is seen without an access.
  bool sees_time() const { return learned_.sees_time; }

  /// Opens it for a session. Throws what open() throws.
  void open();
  /// Closes it after a session, so that the next one finds nothing of this one. Throws Error when the device does not
  /// answer; it is closed then, too.
  void close();

  Transport& transport() { return *transport_; }
  /// Every register as a session finds it; empty where the device cannot be looked at (Observable).
  std::span<const std::uint32_t> registers() const { return std::span(learned_.registers).first(learned_.register_count); }

 private:
  struct Learned {
    wire::Welcome facts;
    double tick_seconds = 0;
    bool sees_time = false;
    std::size_t register_count = 0;
    std::array<std::uint32_t, 256> registers{};
  };
  std::string learn(Learned& learned) const;
  std::string learn_in_child(Learned& learned) const;

  std::string given_, uri_;
  Reopened reopened_;
  Learned learned_;
  std::unique_ptr<Transport> transport_;
};

/// Sets all of device memory to zero. Where it is lent, pages that hold zeros already are left alone.
void clear_memory(Transport& transport, std::uint64_t bytes);

}  // namespace heatbath
