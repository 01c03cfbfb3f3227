#pragma once
// A device served over Etherbone (heatbath/etherbone.hpp): packets in, packets out.

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <sys/socket.h>

#include "heatbath/etherbone.hpp"
#include "heatbath/server.hpp"
#include "link/channel.hpp"
#include "link/socket_address.hpp"
#include "server/child_process.hpp"
#include "server/journal.hpp"
#include "server/passing_time.hpp"
#include "server/served_device.hpp"

namespace heatbath {

/// Carries out packets in the thread of run(), in the order they come, each one wholly or not at all; device time
/// passes by itself between them. What it holds does not grow with what comes in. A device that a process can open only
/// once (tlm:) is served by a child process until its session is over, and then by the next one.
///
/// The writes of a numbered packet are carried out once: a repeat is answered with values read again, and writes
/// nothing. Numbers may come out of order within 64.
class EtherboneService {
 public:
  /// Opens the device and listens at `address`, a loopback address. Throws Error(BAD_ARG, IO) and what open() throws.
  EtherboneService(const ServerOptions& options, const std::string& address);

  /// Where it listens, with the port that was chosen.
  std::string uri() const { return uri_of("etherbone", address_); }
  /// Serves until stop(). Logs what was dropped at its end.
  void run();
  /// Safe from a signal handler and other threads.
  void stop() noexcept { shared_->stop.store(true, std::memory_order_relaxed); }
  ServerCounters counters() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Host {
    sockaddr_storage address{};
    socklen_t bytes = 0;
    bool operator==(const Host& other) const;
  };
  struct Session {
    Host host;
    std::optional<std::uint32_t> name;  ///< of a driver; other hosts have none
    Clock::time_point began, last;
    std::optional<std::uint32_t> newest;  ///< number whose writes were carried out
    std::uint64_t done = 0;               ///< bit k: so were those of newest - k
  };
  enum class Novelty : std::uint8_t { fresh, repeat, forgotten };
  enum class Begun : std::uint8_t { yes, refused, later };
  /// A packet that begins a session, kept until the device is opened for it.
  struct Kept {
    Host from;
    std::size_t bytes = 0;  ///< 0: there is none
    std::array<std::byte, 2 * etherbone::longest_packet> datagram;
  };
  /// What a child that serves and its parent both see.
  struct SharedState {
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> sessions{0}, refused{0}, ended_here{0}, repeated{0}, strangers{0}, busy{0};
    std::array<std::atomic<std::uint64_t>, etherbone::fault_count> faults{};
    Kept kept;
    ChildLines lines;
  };

  bool stopped() const { return shared_->stop.load(std::memory_order_relaxed); }
  void serve();
  void serve_in_child();
  void note(Entry kind, const std::string& line);
  bool serve_packet(bool wait);
  void take(const Host& from, std::size_t bytes);
  void answer_probe(const Host& from, std::uint32_t id);
  void carry_out(const Host& from);
  bool has_session(const Host& host) const { return session_ && session_->host == host; }
  Begun begin_session(const Host& host, std::optional<std::uint32_t> name);
  void keep_packet(const Host& from);
  void end_session(const char* why);
  Novelty note_number(std::uint32_t number);
  void write(const etherbone::Record& record);
  void read(const etherbone::Record& record);
  std::size_t memory_run(std::span<const std::byte> addresses, std::size_t begin) const;
  void reply(const Host& to);
  void drop(etherbone::Fault fault, const Host& from);

  const ServerOptions& options_;
  Shared<SharedState> shared_;
  Journal journal_;
  SocketAddress address_;
  ServedDevice device_;
  std::uint64_t memory_end_;
  FileDescriptor socket_;
  bool in_child_ = false;
  bool open_ = false;
  std::optional<PassingTime> time_;
  std::optional<Session> session_;
  std::size_t received_ = 0;  ///< bytes of the packet in datagram_
  std::vector<std::byte> datagram_, staging_;
  etherbone::Packet packet_;
  etherbone::PacketWriter answer_;
};

}  // namespace heatbath
