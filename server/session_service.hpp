#pragma once
// A device served in sessions, over a socket or rings in shared memory: one client at a time, others in line.

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "heatbath/server.hpp"
#include "link/channel.hpp"
#include "link/socket_address.hpp"
#include "link/uri.hpp"
#include "server/pacer.hpp"
#include "server/reception.hpp"
#include "server/served_device.hpp"
#include "server/session_control.hpp"

namespace heatbath {

/// Serves tcp://host:port, unix:/path and shm:/name (heatbath/wire_protocol.hpp): what Server says of sessions.
class SessionService {
 public:
  /// Opens the device once to learn what it is, and listens. `options` must outlive the service. Throws Error(BAD_ARG,
  /// UNSUPPORTED, IO) and what open() throws.
  SessionService(const ServerOptions& options, const Uri& listen);
  ~SessionService();

  /// What clients open: the listening URI with the port that was chosen.
  std::string uri() const;
  /// Serves in this thread, which owns the device, and one more, which listens; until stop().
  void run();
  /// Safe from a signal handler and other threads.
  void stop() noexcept;
  ServerCounters counters() const;

 private:
  /// How a session went.
  struct Attendance {
    std::string reason;
    bool ended_by_server = false;
    Pace pace;
  };

  void serve(FileDescriptor socket);
  void serve_in_child(FileDescriptor socket);
  void attend(FileDescriptor socket, SessionControl& control, Attendance& attendance,
              const std::function<void(Channel&)>& begins, const std::function<void(FileDescriptor)>& ends);
  void note(const Attendance& attendance, const SessionControl& control);
  std::unique_ptr<Channel> welcome(FileDescriptor socket, SessionControl& control);
  void note_pace(const Pace& pace);

  const ServerOptions& options_;
  Uri listen_;
  SocketAddress address_;
  std::optional<SocketFile> socket_file_;
  ServedDevice device_;
  std::optional<Reception> reception_;
  mutable std::mutex pace_mutex_;
  Pace pace_;
  std::uint64_t ended_by_server_ = 0;
};

}  // namespace heatbath
