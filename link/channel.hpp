#pragma once
// Bytes to and from the other end of a served device: over a socket, or through rings in shared memory.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

#include "heatbath/wire_protocol.hpp"

namespace heatbath {

/// A file descriptor that closes itself.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor();
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

/// Ordered bytes in both directions. One thread reads; writers take turns.
class Channel {
 public:
  /// The other end is gone.
  struct Lost : std::runtime_error {
    using std::runtime_error::runtime_error;
  };

  virtual ~Channel() = default;
  /// Receives 1 to out.size() bytes: what is there. 0 when nothing came for as long as patience is. Throws Lost
  /// when the other end is gone and nothing it sent is left.
  virtual std::size_t receive(std::span<std::byte> out) = 0;
  /// Sends bytes of head, then of body, and returns how many it took; 0 when there was no room for as long as patience
  /// is, or at once without `wait`. Throws Lost.
  virtual std::size_t send(std::span<const std::byte> head, std::span<const std::byte> body, bool wait = true) = 0;
  /// True when receive would return bytes, or throw, at once.
  virtual bool readable() = 0;
  /// `look` is called about ten times a second while receive or send waits; it may send, and throw Lost. Empty:
  /// nothing.
  void look_while_waiting(std::function<void()> look) { look_ = std::move(look); }

 protected:
  void look() const {
    if (look_) look_();
  }

 private:
  std::function<void()> look_;
};

/// A connected stream socket. `patience`, above 0, bounds every wait.
class SocketChannel final : public Channel {
 public:
  SocketChannel(FileDescriptor socket, std::chrono::milliseconds patience);
  std::size_t receive(std::span<std::byte> out) override;
  std::size_t send(std::span<const std::byte> head, std::span<const std::byte> body, bool wait) override;
  bool readable() override;
  int descriptor() const { return socket_.get(); }

 private:
  template <typename Try>
  std::size_t in_time(Try&& attempt);

  FileDescriptor socket_;
  std::chrono::milliseconds patience_;
};

/// The rings of a session, mapped.
class RingMemory {
 public:
  /// Makes rings in memory of their own, which no side can shrink. Throws std::system_error.
  static RingMemory make();
  /// Maps the rings behind a descriptor. Throws std::system_error, or Channel::Lost when it holds no rings.
  static RingMemory map(FileDescriptor file);
  RingMemory(RingMemory&& other) noexcept;
  RingMemory& operator=(RingMemory&&) = delete;
  ~RingMemory();

  wire::RingPage& page() const { return *static_cast<wire::RingPage*>(start_); }
  std::byte* bytes(bool to_client) const;
  int descriptor() const { return file_.get(); }

 private:
  RingMemory(FileDescriptor file, void* start) : file_(std::move(file)), start_(start) {}
  FileDescriptor file_;
  void* start_;
};

/// One side of the rings. Waiting spins for some microseconds, then sleeps on a futex. The socket tells that the other
/// side is gone; on the client's side the time limit starts again whenever the server's pulse is seen.
class RingChannel final : public Channel {
 public:
  RingChannel(RingMemory memory, FileDescriptor socket, bool server, std::chrono::milliseconds patience);
  std::size_t receive(std::span<std::byte> out) override;
  std::size_t send(std::span<const std::byte> head, std::span<const std::byte> body, bool wait) override;
  bool readable() override;

 private:
  std::uint64_t wait_for_data();
  std::uint64_t wait_for_room(bool wait);
  void tell_read();
  void publish_read();
  template <typename Ready>
  bool wait_until(std::atomic<std::uint32_t>& bell, std::atomic<std::uint32_t>& sleeper, Ready&& ready);
  bool hung_up() const;

  RingMemory memory_;
  FileDescriptor socket_;
  wire::RingSide* mine_;
  const wire::RingSide* theirs_;
  wire::RingBells* in_;
  wire::RingBells* out_;
  const std::byte* in_bytes_;
  std::byte* out_bytes_;
  std::chrono::milliseconds patience_;
  std::chrono::nanoseconds spin_;
  bool watches_pulse_;
  std::uint64_t written_ = 0, read_ = 0;  ///< bytes of the two streams
  std::uint64_t told_read_ = 0;           ///< of read_, what the other side was told
};

}  // namespace heatbath
