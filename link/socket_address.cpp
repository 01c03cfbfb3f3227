#include "heatbath/numerics/text.hpp"
#include "link/socket_address.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <system_error>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace heatbath {
namespace {

std::system_error failure(int number, const std::string& what) { return {number, std::generic_category(), what}; }

struct Resolved {
  addrinfo* first = nullptr;
  Resolved(const SocketAddress& address, bool passive, int type) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = type;
    hints.ai_flags = passive ? AI_PASSIVE : 0;
    const int status = getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &first);
    if (status != 0)
      throw std::invalid_argument("host '" + address.host + "', port '" + address.port + "': " + gai_strerror(status));
  }
  Resolved(const Resolved&) = delete;
  Resolved& operator=(const Resolved&) = delete;
  ~Resolved() { freeaddrinfo(first); }
};

bool is_loopback(const sockaddr* address) {
  if (address->sa_family == AF_INET)
    return ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr) >> 24 == 127;
  const in6_addr& v6 = reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
  return IN6_IS_ADDR_LOOPBACK(&v6);
}

sockaddr_un path_address(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.size() >= sizeof name.sun_path)
    throw std::invalid_argument("path '" + path + "' has " + std::to_string(path.size()) + " bytes; a socket's has at most " +
                                std::to_string(sizeof name.sun_path - 1));
  std::memcpy(name.sun_path, path.data(), path.size());
  return name;
}

FileDescriptor new_socket(int family, int type) {
  FileDescriptor socket(::socket(family, type | SOCK_CLOEXEC, 0));
  if (!socket) throw failure(errno, "socket");
  return socket;
}

/// connect() that gives up after `patience`.
int connect_within(int socket, const sockaddr* to, socklen_t bytes, std::chrono::milliseconds patience) {
  const int flags = fcntl(socket, F_GETFL);
  fcntl(socket, F_SETFL, flags | O_NONBLOCK);
  int error = ::connect(socket, to, bytes) == 0 ? 0 : errno;
  if (error == EINPROGRESS || error == EAGAIN) {
    pollfd ask{socket, POLLOUT, 0};
    error = ETIMEDOUT;
    if (::poll(&ask, 1, static_cast<int>(patience.count())) > 0) {
      socklen_t size = sizeof error;
      getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size);
    }
  }
  fcntl(socket, F_SETFL, flags);
  return error;
}

void prefer_latency(int socket) {
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

/// Room for several pieces of a block in flight.
void widen(int socket) {
  const int bytes = 4 << 20;
  setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

/// The port of an internet address.
std::uint16_t port_of(const sockaddr& address) {
  return ntohs(address.sa_family == AF_INET ? reinterpret_cast<const sockaddr_in&>(address).sin_port
                                            : reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
}
void set_port(sockaddr_storage& address, std::uint16_t port) {
  in_port_t& field = address.ss_family == AF_INET ? reinterpret_cast<sockaddr_in&>(address).sin_port
                                                  : reinterpret_cast<sockaddr_in6&>(address).sin6_port;
  field = htons(port);
}

constexpr int backlog = 128;

/// A socket of that type at an address of the internet; sets the port that was chosen. `loopback_only`: another address
/// is refused for the reason that ends in "only".
FileDescriptor bound(SocketAddress& address, int type, bool loopback_only, const char* only) {
  const Resolved resolved(address, true, type);
  if (loopback_only)
    for (const addrinfo* at = resolved.first; at != nullptr; at = at->ai_next)
      if (!is_loopback(at->ai_addr))
        throw std::invalid_argument("'" + address.host + "' is not a loopback address; " + only +
                                    " 127.0.0.1 and [::1] are served");
  int error = EADDRNOTAVAIL;
  for (const addrinfo* at = resolved.first; at != nullptr; at = at->ai_next) {
    FileDescriptor socket = new_socket(at->ai_family, type);
    if (type == SOCK_STREAM) {
      const int on = 1;
      setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
      prefer_latency(socket.get());
    }
    if (::bind(socket.get(), at->ai_addr, at->ai_addrlen) != 0 ||
        (type == SOCK_STREAM && ::listen(socket.get(), backlog) != 0)) {
      error = errno;
      continue;
    }
    sockaddr_storage there{};
    socklen_t bytes = sizeof there;
    getsockname(socket.get(), reinterpret_cast<sockaddr*>(&there), &bytes);
    address.port = std::to_string(port_of(reinterpret_cast<const sockaddr&>(there)));
    return socket;
  }
  throw failure(error, address.host + ":" + address.port);
}

}  // namespace

SocketAddress socket_address(const std::string& scheme, const std::string& address) {
  SocketAddress result;
  if (scheme == "unix") {
    result.path = address;
    path_address(result.path);
    return result;
  }
  if (scheme == "shm") {
    const std::string name = address.substr(std::min<std::size_t>(1, address.size()));
    if (!address.starts_with('/') || name.empty() || name.find('/') != std::string::npos)
      throw std::invalid_argument("write it as shm:/name, without another '/'");
    result.path = "/dev/shm/heatbath-" + name;
    path_address(result.path);
    return result;
  }
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == address.size())
    throw std::invalid_argument("write it as " + scheme + "://host:port");
  result.host = address.substr(0, colon);
  if (result.host.size() > 2 && result.host.front() == '[' && result.host.back() == ']')
    result.host = result.host.substr(1, result.host.size() - 2);
  result.port = address.substr(colon + 1);
  const auto port = numerics::parse_number<std::uint16_t>(result.port);
  if (!port) throw std::invalid_argument("port " + numerics::quoted(result.port) + " is not a whole number in 0..65535");
  result.port = std::to_string(*port);
  return result;
}

std::string uri_of(const std::string& scheme, const SocketAddress& address) {
  const bool v6 = address.host.find(':') != std::string::npos;
  return scheme + "://" + (v6 ? "[" + address.host + "]" : address.host) + ":" + address.port;
}

FileDescriptor connect_to(const SocketAddress& address, std::chrono::milliseconds patience) {
  if (!address.path.empty()) {
    FileDescriptor socket = new_socket(AF_UNIX, SOCK_STREAM);
    const sockaddr_un name = path_address(address.path);
    // A full backlog answers EAGAIN; it empties as fast as the server accepts.
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (;;) {
      if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0) break;
      if ((errno != EAGAIN && errno != EINTR) || std::chrono::steady_clock::now() > deadline)
        throw failure(errno, address.path);
      if (errno == EAGAIN) usleep(1000);
    }
    widen(socket.get());
    return socket;
  }
  const Resolved resolved(address, false, SOCK_STREAM);
  int error = ECONNREFUSED;
  for (const addrinfo* at = resolved.first; at != nullptr; at = at->ai_next) {
    FileDescriptor socket = new_socket(at->ai_family, SOCK_STREAM);
    error = connect_within(socket.get(), at->ai_addr, at->ai_addrlen, patience);
    if (error != 0) continue;
    prefer_latency(socket.get());
    return socket;
  }
  throw failure(error, address.host + ":" + address.port);
}

SocketFile::SocketFile(std::string path) : path_(std::move(path)) {
  const std::string name = path_ + ".lock";
  for (;;) {
    lock_ = FileDescriptor(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock_) throw failure(errno, name);
    if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) throw failure(EADDRINUSE, path_);
    // A server that ended meanwhile has removed the file that is locked here: then it says nothing.
    struct stat mine {}, there {};
    if (::fstat(lock_.get(), &mine) == 0 && ::stat(name.c_str(), &there) == 0 && mine.st_dev == there.st_dev &&
        mine.st_ino == there.st_ino)
      return;
  }
}

SocketFile::SocketFile(SocketFile&& other) noexcept
    : path_(std::exchange(other.path_, {})),
      lock_(std::move(other.lock_)),
      device_(other.device_),
      number_(other.number_),
      bound_(other.bound_) {}

void SocketFile::bound() {
  struct stat status {};
  if (::lstat(path_.c_str(), &status) != 0) throw failure(errno, path_);
  device_ = status.st_dev;
  number_ = status.st_ino;
  bound_ = true;
}

SocketFile::~SocketFile() {
  if (path_.empty()) return;
  struct stat status {};
  if (bound_ && ::lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == number_)
    ::unlink(path_.c_str());
  ::unlink((path_ + ".lock").c_str());
}

namespace {

/// Whether no program listens at a socket's path, checked for a while: one may have bound it just now.
bool is_dead(const sockaddr_un& name) {
  constexpr int looks = 10;
  constexpr useconds_t between = 20'000;
  for (int k = 0; k < looks; ++k) {
    const FileDescriptor socket = new_socket(AF_UNIX, SOCK_STREAM);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0 || errno != ECONNREFUSED)
      return false;
    usleep(between);
  }
  return true;
}

}  // namespace

Listener listen_at(SocketAddress& address, bool loopback_only) {
  if (address.path.empty()) return {bound(address, SOCK_STREAM, loopback_only, "without a token file only"), {}};
  const sockaddr_un name = path_address(address.path);
  SocketFile file(address.path);
  struct stat status {};
  if (::lstat(address.path.c_str(), &status) == 0) {
    if (!S_ISSOCK(status.st_mode) || !is_dead(name)) throw failure(EADDRINUSE, address.path);
    ::unlink(address.path.c_str());
  }
  FileDescriptor socket = new_socket(AF_UNIX, SOCK_STREAM);
  // The mode is set before the socket listens, so that no other user can connect.
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) throw failure(errno, address.path);
  file.bound();
  if (::chmod(address.path.c_str(), 0600) != 0) throw failure(errno, address.path);
  widen(socket.get());
  if (::listen(socket.get(), backlog) != 0) throw failure(errno, address.path);
  return {std::move(socket), std::move(file)};
}

Listener adopt_listener(std::string& scheme, SocketAddress& address, bool loopback_only) {
  constexpr int first = 3;  // SD_LISTEN_FDS_START
  const auto number = [](const char* variable) {
    const char* const text = std::getenv(variable);
    return text == nullptr ? std::nullopt : numerics::parse_number<std::uint32_t>(text);
  };
  if (number("LISTEN_PID") != static_cast<std::uint32_t>(::getpid()))
    throw std::invalid_argument("systemd gave this process no socket; a .socket unit does (LISTEN_PID, LISTEN_FDS)");
  if (const auto count = number("LISTEN_FDS"); count != 1u)
    throw std::invalid_argument("systemd gave " + std::to_string(count.value_or(0)) + " sockets; a device is served at one");
  Listener listener;
  listener.socket = FileDescriptor(first);
  int listens = 0, type = 0;
  socklen_t size = sizeof listens;
  getsockopt(first, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size);
  size = sizeof type;
  getsockopt(first, SOL_SOCKET, SO_TYPE, &type, &size);
  sockaddr_storage there{};
  size = sizeof there;
  if (getsockname(first, reinterpret_cast<sockaddr*>(&there), &size) != 0) throw failure(errno, "the socket of systemd");
  const bool internet = there.ss_family == AF_INET || there.ss_family == AF_INET6;
  if (listens == 0 || type != SOCK_STREAM || (!internet && there.ss_family != AF_UNIX))
    throw std::invalid_argument("systemd's socket is none that listens for streams: ListenStream= in the .socket unit");
  fcntl(first, F_SETFD, FD_CLOEXEC);
  if (!internet) {
    scheme = "unix";
    const auto& name = reinterpret_cast<const sockaddr_un&>(there);
    address.path.assign(name.sun_path, strnlen(name.sun_path, sizeof name.sun_path));
    return listener;
  }
  if (loopback_only && !is_loopback(reinterpret_cast<const sockaddr*>(&there)))
    throw std::invalid_argument("systemd's socket is not at a loopback address; without a token only those are served");
  scheme = "tcp";
  char host[INET6_ADDRSTRLEN] = "";
  inet_ntop(there.ss_family,
            there.ss_family == AF_INET ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in&>(there).sin_addr)
                                       : static_cast<const void*>(&reinterpret_cast<const sockaddr_in6&>(there).sin6_addr),
            host, sizeof host);
  address.host = host;
  address.port = std::to_string(port_of(reinterpret_cast<const sockaddr&>(there)));
  prefer_latency(first);
  return listener;
}

FileDescriptor connect_datagrams(const SocketAddress& address, std::optional<std::uint16_t> local_port) {
  const Resolved resolved(address, false, SOCK_DGRAM);
  // Boards have IPv4 addresses; a name may have others, too.
  const addrinfo* four = resolved.first;
  while (four != nullptr && four->ai_family != AF_INET) four = four->ai_next;
  const addrinfo& to = four != nullptr ? *four : *resolved.first;
  FileDescriptor socket = new_socket(to.ai_family, SOCK_DGRAM);
  const std::uint16_t port = local_port.value_or(is_loopback(to.ai_addr) ? 0 : port_of(*to.ai_addr));
  if (port != 0) {
    sockaddr_storage here{};
    here.ss_family = static_cast<sa_family_t>(to.ai_family);
    set_port(here, port);
    const bool free = ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&here), to.ai_addrlen) == 0;
    if (!free && local_port) throw failure(errno, "port " + std::to_string(port));
  }
  if (::connect(socket.get(), to.ai_addr, to.ai_addrlen) != 0) throw failure(errno, address.host + ":" + address.port);
  return socket;
}

FileDescriptor listen_for_datagrams(SocketAddress& address) {
  FileDescriptor socket = bound(address, SOCK_DGRAM, true, "Etherbone has no way to show a token, so only");
  const int bytes = 4 << 20;
  setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  return socket;
}

FileDescriptor receive_descriptor(int socket, std::span<std::byte> payload) {
  FileDescriptor received;
  std::size_t got = 0;
  while (got < payload.size()) {
    iovec part{payload.data() + got, payload.size() - got};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t count = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw failure(errno, "receiving the session's shared memory");
    if (count == 0) throw Channel::Lost("the other side closed the connection");
    const cmsghdr* head = CMSG_FIRSTHDR(&message);
    if (head != nullptr && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS) {
      int descriptor = -1;
      std::memcpy(&descriptor, CMSG_DATA(head), sizeof descriptor);
      received = FileDescriptor(descriptor);
    }
    got += static_cast<std::size_t>(count);
  }
  if (!received) throw Channel::Lost("no shared memory came with the session");
  return received;
}

void send_descriptor(int socket, std::span<const std::byte> payload, int descriptor) {
  iovec part{const_cast<std::byte*>(payload.data()), payload.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(sizeof descriptor);
  std::memcpy(CMSG_DATA(head), &descriptor, sizeof descriptor);
  const ssize_t sent = ::sendmsg(socket, &message, MSG_NOSIGNAL);
  if (sent < 0) throw failure(errno, "handing over the session's shared memory");
  if (static_cast<std::size_t>(sent) != payload.size()) throw Channel::Lost("the client took part of its welcome only");
}

FileDescriptor duplicate(int descriptor) {
  FileDescriptor copy(fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
  if (!copy) throw failure(errno, "dup");
  return copy;
}

}  // namespace heatbath
