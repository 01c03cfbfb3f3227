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
#include "server/journal.hpp"
#include "server/passing_time.hpp"
#include "server/served_device.hpp"

namespace heatbath {

/// Carries out packets in the thread of run(), in the order they come, each one wholly or not at all; device time
/// passes by itself between them. What it holds does not grow with what comes in.
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
  void stop() noexcept { stop_.store(true, std::memory_order_relaxed); }
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

  bool serve_packet(bool wait);
  void answer_probe(const Host& from, std::uint32_t id);
  void carry_out(const Host& from);
  bool has_session(const Host& host) const { return session_ && session_->host == host; }
  bool begin_session(const Host& host, std::optional<std::uint32_t> name);
  void end_session(const char* why);
  void open_device();
  Novelty note_number(std::uint32_t number);
  void write(const etherbone::Record& record);
  void read(const etherbone::Record& record);
  std::size_t memory_run(std::span<const std::byte> addresses, std::size_t begin) const;
  void reply(const Host& to);
  void drop(etherbone::Fault fault, const Host& from);

  const ServerOptions& options_;
  Journal journal_;
  SocketAddress address_;
  ServedDevice device_;
  std::uint64_t memory_end_;
  FileDescriptor socket_;
  bool open_ = false;
  std::optional<PassingTime> time_;
  std::optional<Session> session_;
  std::vector<std::byte> datagram_, staging_;
  etherbone::Packet packet_;
  etherbone::PacketWriter answer_;
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> sessions_{0}, refused_{0}, ended_here_{0}, repeated_{0}, strangers_{0}, busy_{0};
  std::array<std::atomic<std::uint64_t>, etherbone::fault_count> faults_{};
};

}  // namespace heatbath
