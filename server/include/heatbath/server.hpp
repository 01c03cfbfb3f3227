#pragma once
// Serving a device to host programs in other processes.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace heatbath {

/// Which device is served, to whom, and what one client may take.
struct ServerOptions {
  std::string device;      ///< URI of the device, as for open()
  /// tcp://host:port (port 0: any free one), unix:/path, shm:/name; etherbone://host:port; uio:FILE (a stand-in);
  /// systemd: the socket that systemd hands over (socket activation), of tcp or unix
  std::string listen;
  /// Holds the token that clients must prove to have, in its first line; empty: none. It does not travel (HMAC-SHA256 of a
  /// challenge).
  std::string token_file = {};
  /// After so many wrong proofs from an address, or a user of this computer, within the time, nobody from there is heard
  /// until it has passed.
  std::uint32_t wrong_tokens = 5;
  std::chrono::milliseconds wrong_token_time{60000};
  std::string audit_file = {};  ///< gets a line of JSON for each session, viewer and wrong token; empty: none
  bool realtime = false;   ///< device time keeps to the wall clock: see Server
  double slowdown = 1;     ///< with realtime: seconds of the wall clock in a second of device time
  /// Longest a session lasts while others wait, and longest it may then be idle; 0: no bound.
  std::chrono::milliseconds session_limit{60000};
  std::chrono::milliseconds idle_limit{10000};
  /// Longest a client may take from connecting to the end of its hello.
  std::chrono::milliseconds handshake_limit{5000};
  /// Clients that may wait while a session runs; more are refused. 0: all clients are refused while a session runs.
  std::uint32_t queue_limit = 64;
  std::uint32_t viewer_limit = 8;  ///< clients that may look on at a time; more are refused. 0: none may
  bool force = false;  ///< uio: replaces a FILE that is there, whatever it is
  /// Called with a line for each session and each refusal, from the server's threads, one at a time; of many alike the
  /// first ones in a minute, and then how many more there were. What it throws is dropped. Empty: none.
  std::function<void(const std::string&)> log = {};
};

/// What a server has done so far.
struct ServerCounters {
  std::uint64_t sessions = 0;         ///< begun
  std::uint64_t refused = 0;          ///< clients sent away before a session
  std::uint64_t ended_by_server = 0;  ///< sessions ended for a limit or a malformed frame
  std::uint64_t longest_wait_ms = 0;  ///< of a client in the queue
  std::uint64_t busy = 0;             ///< 1 while a session runs
  std::uint64_t viewers = 0;          ///< that look on now
  std::uint64_t looks = 0;            ///< of viewers, answered
  // at etherbone:
  std::uint64_t malformed = 0;  ///< packets that are none, dropped
  std::uint64_t repeated = 0;   ///< packets whose writes were carried out before, and are not again
  std::uint64_t strangers = 0;  ///< packets of hosts that do not have the device, dropped
  // with realtime
  std::uint64_t paced = 0;            ///< times the device was held until the wall clock had caught up
  /// times the device was later than the wall clock by more than a period of pacing
  std::uint64_t overruns = 0;
  double jitter_mean_us = 0, jitter_worst_us = 0;  ///< by how much a hold ended late
  double lag_worst_us = 0;            ///< by how much device time was behind the wall clock
};

/// Serves one device to one client at a time; others wait in line. A session ends when its client leaves or dies, at a
/// malformed frame, or when it passes session_limit or idle_limit while others wait: so nobody waits longer than
/// (clients before it) x (session_limit + the time of a reset). After a session the device is as after power-on where
/// it is an emulator in this process (func:), else reset with its memory cleared: no session sees another's data.
///
/// Viewers look on beside the session (heatbath/view.hpp): registers and device memory of an emulator in this process, read
/// between the requests of the session without an access, so that they change neither bits nor device time. All looks
/// together take a twentieth of the session's time at most. Viewers have no turn and cannot write.
///
/// With `realtime` the device does not run ahead of the wall clock, and while the host does nothing device time goes on
/// (until an enabled interrupt is pending). It needs a device whose time the server sees: an emulator in this process.
///
/// Listening at etherbone://host:port, a loopback address, time passes by itself, as on a board. A session belongs to
/// an address: it begins with the driver's greeting or the first write, and ends with the driver's farewell, or at the
/// limits above when another host asks for the device; there is no queue. Hosts without a session may read. There is
/// neither token nor realtime.
///
/// Listening at uio:FILE there are no sessions: the file stands in for a device on a bus, registers and memory in its
/// bytes, for hosts that open uio:FILE; the device is then a func: URI, and nothing above applies. A FILE that is there
/// is refused, unless a stand-in that was killed left it, or with `force`.
///
/// What fails for one client (memory, threads, descriptors, an exception) ends that client's session. A device that is
/// itself recorded (record:) is refused: each session would open its file again.
///
/// Defined in the umbrella library (heatbath::heatbath).
class Server {
 public:
  /// Opens the device once to learn what it is, and listens: clients may connect from here on. Throws Error(BAD_ARG,
  /// IO, ...) in one line; a tcp address that is not loopback without a token is BAD_ARG.
  explicit Server(ServerOptions options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// What clients open: the listening URI with the port that was chosen.
  std::string uri() const;
  /// Serves in this thread, which owns the device, and one more, which listens; until stop(). Call once.
  void run();
  /// Ends run() soon, with its session. Safe from a signal handler and other threads.
  void stop() noexcept;
  ServerCounters counters() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace heatbath
