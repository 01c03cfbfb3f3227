#pragma once
// A client without manners: bytes to and from a served device.

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "heatbath/regs.h"
#include "heatbath/wire_protocol.hpp"

namespace heatbath::testing {

class RawClient {
 public:
  /// `uri` is unix:/path.
  explicit RawClient(const std::string& uri) : socket_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::strncpy(name.sun_path, uri.c_str() + 5, sizeof name.sun_path - 1);
    if (::connect(socket_, reinterpret_cast<sockaddr*>(&name), sizeof name) != 0) throw std::runtime_error("connect");
  }
  ~RawClient() { ::close(socket_); }
  RawClient(const RawClient&) = delete;

  /// False when the other side has closed.
  bool send(const void* bytes, std::size_t size) {
    return ::send(socket_, bytes, size, MSG_NOSIGNAL) == static_cast<ssize_t>(size);
  }
  bool send(const wire::Header& header) { return send(&header, sizeof header); }

  bool hello(const wire::Hello& hello, std::optional<std::uint32_t> length = {}) {
    wire::Header header;
    header.kind = wire::Kind::hello;
    header.length = length.value_or(static_cast<std::uint32_t>(sizeof hello));
    return send(header) && send(&hello, sizeof hello);
  }
  static wire::Hello right_hello() {
    wire::Hello hello;
    hello.map_major = HB_MAP_MAJOR;
    hello.map_minor = HB_MAP_MINOR;
    return hello;
  }
  /// Says hello and waits for the welcome.
  void begin() {
    hello(right_hello());
    while (const auto frame = receive())
      if (frame->header.kind == wire::Kind::welcome) return;
    throw std::runtime_error("no welcome");
  }

  struct Frame {
    wire::Header header;
    std::string payload;
  };
  /// The next frame; nothing when the other side closed or `limit_ms` passed.
  std::optional<Frame> receive(int limit_ms = 5000) {
    Frame frame;
    if (!take(&frame.header, sizeof frame.header, limit_ms)) return std::nullopt;
    frame.payload.resize(frame.header.length);
    if (!take(frame.payload.data(), frame.payload.size(), limit_ms)) return std::nullopt;
    return frame;
  }
  /// The frame that ends the connection: refused or ended; others before it are dropped.
  std::optional<Frame> last_frame() {
    std::optional<Frame> last;
    while (auto frame = receive())
      if (frame->header.kind == wire::Kind::refused || frame->header.kind == wire::Kind::ended) last = frame;
    return last;
  }
  std::string why_sent_away() {
    const auto last = last_frame();
    return last ? last->payload : "(no reason)";
  }
  int descriptor() const { return socket_; }

 private:
  bool take(void* to, std::size_t size, int limit_ms) {
    auto* at = static_cast<char*>(to);
    while (size > 0) {
      pollfd ask{socket_, POLLIN, 0};
      if (::poll(&ask, 1, limit_ms) <= 0) return false;
      const ssize_t got = ::recv(socket_, at, size, 0);
      if (got <= 0) return false;
      at += got;
      size -= static_cast<std::size_t>(got);
    }
    return true;
  }
  int socket_;
};

}  // namespace heatbath::testing
