#pragma once
// The listening thread: accepts clients, checks their hello, queues them and starts their sessions one by one.

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <poll.h>

#include "heatbath/server.hpp"
#include "heatbath/status.h"
#include "heatbath/wire_protocol.hpp"
#include "link/channel.hpp"
#include "link/socket_address.hpp"
#include "server/journal.hpp"
#include "server/session_control.hpp"

namespace heatbath {

/// Accepts connections, checks their hello, keeps the queue, and monitors the running session: whether its client is
/// connected, its limits, and the keep-alive frames to the client. It never waits for a client.
///
/// With too many silent connections, the oldest one of the peer that has most of them is closed; where the queue is
/// full, a client of a peer with fewer places in it takes the last place of the peer with most. A peer is an address of
/// the internet, or a process of this computer.
class Reception {
 public:
  /// Takes the listening socket. `facts` go into the handshake; `token` empty: none is asked for.
  Reception(FileDescriptor listener, const ServerOptions& options, const wire::Welcome& facts, std::string token);
  ~Reception();

  /// The client whose turn it is, when there is one; nothing after stop(). Waits for it. Until the next call the device
  /// is taken.
  std::optional<FileDescriptor> next();
  /// The session of that client runs from `begin` to `end`. `end` takes the socket, if it is still open, and closes it
  /// when its last words have been read.
  void begin(SessionControl& session);
  void end(FileDescriptor socket);
  /// Sends a client that was called away after all.
  void refuse(FileDescriptor socket, hb_status_t code, const std::string& reason);

  void stop() noexcept;
  bool stopping() const { return stop_.load(std::memory_order_relaxed); }
  /// sessions, refused, longest_wait_ms, busy.
  ServerCounters counters() const;
  Journal& journal() { return journal_; }

 private:
  using Clock = std::chrono::steady_clock;
  enum class Stage : std::uint8_t { greeting, waiting, leaving };
  struct Visitor {
    FileDescriptor socket;
    Stage stage = Stage::greeting;
    Clock::time_point since;
    std::vector<std::byte> hello;
    std::string peer;
  };
  using Visitors = std::list<Visitor>;

  void listen();
  void look_around(std::vector<pollfd>& asked);
  std::size_t count(Stage stage, const std::string* peer = nullptr) const;
  Visitors::iterator from_largest_peer(Stage stage, bool last);
  bool make_room_in_line(Visitor& visitor);
  void accept_all();
  void hear(Visitor& visitor);
  void judge(Visitor& visitor);
  void tell_position();
  void watch_session();
  void send_away(Visitor& visitor, hb_status_t code, const std::string& reason);
  bool token_matches(std::span<const std::byte> shown) const;

  FileDescriptor listener_, wake_;
  const ServerOptions& options_;
  wire::Welcome facts_;
  std::string token_;
  std::atomic<bool> stop_{false};

  mutable std::mutex mutex_;  // over all below
  std::condition_variable called_;
  Visitors visitors_;  // in order of arrival
  bool taken_ = false;     // a client was called, and the device is not yet ready for the next
  SessionControl* session_ = nullptr;
  Clock::time_point session_began_, last_work_;
  std::uint64_t seen_work_ = 0;
  ServerCounters counters_;
  Clock::time_point accept_from_ = Clock::time_point::min();  // no descriptors before
  Clock::time_point next_round_;
  Journal journal_;

  std::thread thread_;
};

}  // namespace heatbath
