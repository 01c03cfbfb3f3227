#pragma once
// A device behind Etherbone, Wishbone over UDP: etherbone://host:port.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "heatbath/etherbone.hpp"
#include "heatbath/interruptible.hpp"
#include "heatbath/transport.hpp"
#include "link/channel.hpp"
#include "link/uri.hpp"

namespace heatbath {

/// A board with an Etherbone core, or `heatbath serve --listen etherbone:`. Each request carries a number and is sent
/// again until its answer comes, at most for the link's patience. Writes are posted: they travel with the next read, in
/// one packet, and the answer to the read is theirs; a packet ends after an effectful write, so that carrying it out
/// twice leaves what carrying it out once leaves (docs/adr/0003-register-rules.md). Requests with register writes wait
/// for their answer before the next; those of a block travel several at once. Answers to other requests are dropped.
///
/// Time passes by itself: wait_irq polls time and interrupts, all in one packet.
class EtherboneTransport final : public Transport, public Interruptible {
 public:
  /// `uri`: etherbone://host:port with the keys
  ///   base (0)             bus address of the register window; device memory lies where the map has it, from there
  ///   burst (255)          most words in a record
  ///   records (8)          most records in a packet
  ///   in_flight (8)        most packets of a block under way
  ///   local_port           UDP port of this side; without it see connect_datagrams
  ///   link_timeout_ms (10000), queue_timeout_ms (600000)
  /// Throws Error: BAD_ARG (URI), LINK (nobody answers), BUSY (another session has the device for queue_timeout_ms),
  /// DEVICE (the bus has not 32 bits), IO (local_port is taken).
  explicit EtherboneTransport(const Uri& uri);
  ~EtherboneTransport() override;
  EtherboneTransport(const EtherboneTransport&) = delete;
  EtherboneTransport& operator=(const EtherboneTransport&) = delete;

  std::uint32_t read32(std::uint64_t address) override;
  void write32(std::uint64_t address, std::uint32_t value) override;
  void read_block(std::uint64_t address, std::span<std::byte> out) override;
  void write_block(std::uint64_t address, std::span<const std::byte> data) override;
  /// Never lends.
  std::optional<std::span<std::byte>> map(std::uint64_t address, std::uint64_t size) override;
  bool wait_irq(std::uint64_t limit_ticks) override;
  LinkInfo info() const override;
  void ask(std::function<Wish()> wish) override { wish_ = std::move(wish); }

 private:
  using Clock = std::chrono::steady_clock;
  struct Write {
    std::uint32_t address, value;
  };
  struct Request {
    etherbone::PacketWriter packet;
    std::uint32_t number = 0;
    std::size_t words = 0;      ///< that it reads
    std::byte* to = nullptr;    ///< where they go, lowest byte first
    Clock::time_point first, last;  ///< sendings
    unsigned sendings = 0;
    bool open = false;
  };

  void begin_session(std::chrono::milliseconds queue_limit);
  bool greet(std::uint32_t id, std::chrono::milliseconds limit, etherbone::Packet& answer);
  Request& begin_request();
  void add_reads(Request& request, std::uint32_t address, std::size_t words);
  void send(Request& request);
  void send_bytes(const etherbone::PacketWriter& packet);
  std::size_t receive(std::chrono::milliseconds limit);
  void take_answer();
  bool settle_one(const etherbone::Packet& answer);
  void send_again();
  void note_round_trip(Clock::duration took);
  void settle();
  std::size_t run_from(std::size_t begin, std::size_t room) const;
  void transact(std::span<const std::uint32_t> addresses, std::span<std::uint32_t> values);
  std::uint32_t read_word(std::uint32_t address);
  void write_part(std::uint32_t address, std::size_t first, std::span<const std::byte> bytes);
  void check_block(std::uint64_t address, std::uint64_t size, bool reads) const;
  [[noreturn]] void lose(const std::string& why);

  std::function<Wish()> wish_;
  LinkInfo info_;
  std::chrono::milliseconds patience_;
  std::uint32_t base_;
  std::size_t burst_, records_;
  FileDescriptor socket_;
  std::chrono::milliseconds set_limit_{-1};  ///< what the socket waits for a datagram
  std::uint32_t session_;  ///< its name, 24 bits
  std::uint32_t next_number_;
  std::vector<Request> requests_;
  std::vector<Write> posted_;
  std::vector<std::byte> datagram_;
  etherbone::Packet answer_;
  std::chrono::duration<double> smooth_{0}, deviation_{0};  ///< of round trips; 0: none was measured
  std::chrono::milliseconds again_;                         ///< a request without an answer is sent again after so long
  std::uint64_t memory_bytes_ = 0, topology_bytes_ = 0;
  double tick_seconds_ = 0;
  std::string lost_;  ///< why the link is lost; empty while it is not
};

}  // namespace heatbath
