#pragma once
// The listening thread: accepts clients, checks their hello, queues them and starts their sessions one by one.

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <poll.h>

#include "heatbath/server.hpp"
#include "heatbath/status.h"
#include "heatbath/wire_protocol.hpp"
#include "link/channel.hpp"
#include "link/socket_address.hpp"
#include "server/audit.hpp"
#include "server/journal.hpp"
#include "server/session_control.hpp"
#include "server/view_desk.hpp"

namespace heatbath {

/// Accepts connections, checks their hello, keeps the queue, and monitors the running session: whether its client is
/// connected, its limits, and the keep-alive frames to the client. It never waits for a client.
///
/// With too many silent connections, the oldest one of the peer that has most of them is closed; where the queue is
/// full, a client of a peer with fewer places in it takes the last place of the peer with most. A peer is an address of
/// the internet, or a process of this computer.
///
/// Viewers are welcome while there is room for them. It hands their looks to the running session one at a time, in turn,
/// and answers them itself while no session runs.
class Reception {
 public:
  /// What a client learns of the device, and what viewers see of it while no session runs (ServedDevice::registers).
  struct Facts {
    wire::Welcome welcome;
    std::string device;
    std::span<const std::uint32_t> registers;
  };
  /// Takes the listening socket. `token` empty: none is asked for.
  Reception(FileDescriptor listener, const ServerOptions& options, const Facts& facts, std::string token);
  ~Reception();

  /// The client whose turn it is, when there is one; nothing after stop(). Waits for it. Until the next call the device
  /// is taken.
  std::optional<FileDescriptor> next();
  /// The session of that client runs from `begin` to `end`. `end` takes the socket, if it is still open, and closes it
  /// when its last words have been read.
  void begin(SessionControl& session);
  void end(FileDescriptor socket);
  /// What the audit says of the session that next() began.
  void note_end(const std::string& reason, bool by_server, std::uint64_t requests, std::optional<std::uint64_t> ticks);
  /// Sends a client that was called away after all.
  void refuse(FileDescriptor socket, hb_status_t code, const std::string& reason);

  void stop() noexcept;
  bool stopping() const { return stop_.load(std::memory_order_relaxed); }
  /// What a session rings when it has answered a look.
  int bell() const { return wake_.get(); }
  /// sessions, refused, longest_wait_ms, busy, viewers, looks.
  ServerCounters counters() const;
  Journal& journal() { return journal_; }

 private:
  using Clock = std::chrono::steady_clock;
  enum class Stage : std::uint8_t { greeting, waiting, viewing, leaving };
  struct Visitor {
    FileDescriptor socket;
    Stage stage = Stage::greeting;
    Clock::time_point since;
    std::vector<std::byte> heard;  ///< a hello, or a look, as far as it has come
    std::string peer;              ///< for people, and for fairness
    std::string origin;            ///< whose wrong tokens are counted together
    wire::Hello hello;             ///< once the challenge went out
    std::optional<wire::Nonce> nonce;  ///< of the challenge that waits for its proof
    bool proved = false;
    std::chrono::system_clock::time_point came = std::chrono::system_clock::now();
    std::string reason;            ///< why it was sent away
    std::uint64_t looks = 0;
    std::uint64_t number = 0;      ///< of a viewer, from 1 on
    std::uint32_t looked = 0;      ///< number of its last look
    bool asks = false;             ///< heard is a whole look that waits for its answer
  };
  using Visitors = std::list<Visitor>;

  void listen();
  void look_around(std::vector<pollfd>& asked);
  std::size_t count(Stage stage, const std::string* peer = nullptr) const;
  Visitors::iterator from_largest_peer(Stage stage, bool last);
  bool make_room_in_line(Visitor& visitor);
  void accept_all();
  static std::size_t missing_of_frame(std::span<const std::byte> heard);
  void hear(Visitor& visitor);
  void judge(Visitor& visitor);
  void judge_proof(Visitor& visitor);
  void admit(Visitor& visitor);
  void tell_audit(const Audit::Entry& entry);
  void say_goodbye(const Visitor& visitor);
  struct Tries {
    std::uint32_t wrong = 0;
    Clock::time_point since;
  };
  Tries& tries_of(const std::string& origin);
  void let_look_on(Visitor& visitor);
  void hear_look(Visitor& visitor);
  void serve_viewers();
  bool show(Visitor& visitor, const ViewDesk& answer, std::uint64_t session);
  void tell_position();
  void watch_session();
  void send_away(Visitor& visitor, hb_status_t code, const std::string& reason);

  FileDescriptor listener_, wake_;
  const ServerOptions& options_;
  const Facts facts_;
  std::string token_;
  std::atomic<bool> stop_{false};

  mutable std::mutex mutex_;  // over all below
  std::condition_variable called_;
  Visitors visitors_;  // in order of arrival
  bool taken_ = false;     // a client was called, and the device is not yet ready for the next
  SessionControl* session_ = nullptr;
  Clock::time_point session_began_, last_work_;
  std::uint64_t seen_work_ = 0;
  std::uint64_t viewers_ = 0;                // that ever came
  std::uint64_t looking_ = 0;                // number of the viewer whose look is on the session's desk; 0: none
  std::unique_ptr<ViewDesk> own_desk_;       // for looks while no session runs
  ServerCounters counters_;
  std::map<std::string, Tries> tries_;
  Audit audit_;
  Audit::Entry session_entry_;
  Clock::time_point accept_from_ = Clock::time_point::min();  // no descriptors before
  Clock::time_point next_round_;
  Journal journal_;

  std::thread thread_;
};

}  // namespace heatbath
