#pragma once
// A device that another process serves: tcp:, unix:, shm:.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "heatbath/interruptible.hpp"
#include "heatbath/transport.hpp"
#include "heatbath/wire_protocol.hpp"
#include "link/channel.hpp"
#include "link/uri.hpp"

namespace heatbath {

/// A session with a server (wire_protocol.hpp). Writes are posted: they are gathered and sent with the next read, wait
/// or when much has gathered; an error the device's link reports of them is thrown at the next read or wait. Blocks are
/// pieces in flight. Every wait for the server is bounded by the link's watchdog in wall-clock time; a server at work
/// shows signs of life. After Error(LINK) every access throws the same again.
class RemoteTransport final : public Transport, public Interruptible {
 public:
  /// Connects, waits for its turn and begins the session. `uri`: tcp://host:port, unix:/path or shm:/name, with the
  /// keys token_file, link_timeout_ms and queue_timeout_ms. Throws Error: BAD_ARG (URI, token), LINK (nobody answers),
  /// DEVICE (another protocol or register map), BUSY (the queue is full, or too long for queue_timeout_ms), IO (token
  /// file); a server's refusal carries its code and reason.
  /// As a viewer there is no turn to wait for, and look() is the one request the server takes.
  explicit RemoteTransport(const Uri& uri, wire::Role role = wire::Role::owner);
  ~RemoteTransport() override;

  std::uint32_t read32(std::uint64_t address) override;
  void write32(std::uint64_t address, std::uint32_t value) override;
  void read_block(std::uint64_t address, std::span<std::byte> out) override;
  void write_block(std::uint64_t address, std::span<const std::byte> data) override;
  std::optional<std::span<std::byte>> map(std::uint64_t address, std::uint64_t size) override;
  bool wait_irq(std::uint64_t limit_ticks) override;
  LinkInfo info() const override;
  std::optional<std::uint64_t> device_ticks() const override;
  /// Of a viewer: the bytes of `glances` one after the other, all of one moment, in `out`, which has their size; the number
  /// of the session, 0 while none runs. Error with the server's code where it cannot show them.
  std::uint64_t look(std::span<const wire::Glance> glances, std::span<std::byte> out);
  std::uint64_t memory_bytes() const { return welcome_.memory_bytes; }
  /// A server that does not come back within a second is given up: Error(LINK).
  void ask(std::function<Wish()> wish) override;

 private:
  struct Reply {
    std::uint16_t status = 0;
    std::uint64_t value = 0;
    std::string message;
  };

  void begin_session(FileDescriptor socket, wire::Role role, const std::string& token, std::chrono::milliseconds queue_limit);
  void post(const wire::Header& header);
  std::uint32_t request(wire::Header header);
  void flush(std::span<const std::byte> body = {});
  Reply receive_reply(std::uint32_t id, std::span<std::byte> out);
  wire::Header receive_header();
  void receive_exactly(std::span<std::byte> out);
  std::string receive_text(std::uint32_t length);
  std::uint64_t value_of(wire::Header request_header);
  void check_block(std::uint64_t address, std::uint64_t size) const;
  void look();
  [[noreturn]] void lose(const std::string& why);
  [[noreturn]] void send_failed(const std::string& why);

  std::string uri_;
  std::chrono::milliseconds patience_;
  std::unique_ptr<Channel> channel_;
  wire::Welcome welcome_;
  std::string served_;  ///< URI of the device at the server
  std::vector<std::byte> out_;  ///< frames not yet sent
  std::uint32_t next_id_ = 1;
  std::uint64_t ticks_ = wire::unknown_ticks;
  std::function<Wish()> wish_;
  bool awaits_reply_ = false;  ///< all requests are sent
  std::optional<std::chrono::steady_clock::time_point> stopped_at_;  ///< when it was asked to stop, in this request
  std::string lost_;  ///< why the link is lost; empty while it is not
};

/// The token in a file: its first line. Throws Error(IO) when it cannot be read, Error(BAD_ARG) when its length is
/// wrong or others may read the file.
std::string read_token(const std::string& file);

}  // namespace heatbath
