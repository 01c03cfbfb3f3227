#pragma once
// Where a served device listens: addresses of sockets, connecting, listening, handing over descriptors.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "link/channel.hpp"

namespace heatbath {

/// An address a device is served at.
struct SocketAddress {
  std::string host, port;  ///< tcp, etherbone; port 0: any free one
  std::string path;        ///< unix, and the socket of a shm session; empty for tcp
};

/// The address of tcp://host:port or etherbone://host:port (host may be [v6]), unix:/path, or shm:/name, whose socket
/// is /dev/shm/heatbath-name. Throws std::invalid_argument that shows the right form.
SocketAddress socket_address(const std::string& scheme, const std::string& address);

/// "tcp://host:port" of an address with host and port, [v6] in brackets.
std::string uri_of(const std::string& scheme, const SocketAddress& address);

/// A connected socket. Throws std::system_error; std::invalid_argument when a host has no address.
FileDescriptor connect_to(const SocketAddress& address, std::chrono::milliseconds patience);

/// The file of a socket at a path, owned: PATH.lock beside it is locked for as long as this lives. Removes both at its
/// end, the socket only where it is still the one that was bound.
class SocketFile {
 public:
  SocketFile() = default;
  /// Locks the path. Throws std::system_error, with EADDRINUSE where another process has it.
  explicit SocketFile(std::string path);
  SocketFile(SocketFile&& other) noexcept;
  SocketFile& operator=(SocketFile&&) = delete;
  ~SocketFile();
  /// The socket at the path is the one that was just bound.
  void bound();

 private:
  std::string path_;  // empty: none
  FileDescriptor lock_;
  std::uint64_t device_ = 0, number_ = 0;
  bool bound_ = false;
};

struct Listener {
  FileDescriptor socket;
  SocketFile file;  ///< of unix and shm
};

/// A socket that listens; sets the port that was chosen. A socket that a dead server left at the path is replaced; only
/// the owner may connect to a path. `loopback_only`: throws std::invalid_argument when the host has another address.
/// Throws std::system_error, with EADDRINUSE also where a server lives at the path, or something that is no socket lies
/// there.
Listener listen_at(SocketAddress& address, bool loopback_only);

/// The listening socket that systemd opened for this process (sd_listen_fds(3)): of a stream, tcp or unix, and one alone.
/// `scheme` and `address` become those that clients use. Throws as listen_at; std::invalid_argument where there is none.
Listener adopt_listener(std::string& scheme, SocketAddress& address, bool loopback_only);

/// A socket for datagrams to and from one address. Without `local_port` its own port is that of the other side, where
/// the core of a LiteX board answers to, unless that side is this computer or the port is taken. Throws
/// std::system_error; std::invalid_argument when a host has no address.
FileDescriptor connect_datagrams(const SocketAddress& address, std::optional<std::uint16_t> local_port);
/// A socket for datagrams at a loopback address; sets the port that was chosen. Throws as listen_at.
FileDescriptor listen_for_datagrams(SocketAddress& address);

/// Receives all of `payload`, of which the first byte comes with a descriptor. Throws std::system_error or
/// Channel::Lost.
FileDescriptor receive_descriptor(int socket, std::span<std::byte> payload);
/// Sends all of `payload`, the first byte with `descriptor`. Throws the same.
void send_descriptor(int socket, std::span<const std::byte> payload, int descriptor);

/// Another descriptor of the same socket. Throws std::system_error.
FileDescriptor duplicate(int descriptor);

}  // namespace heatbath
