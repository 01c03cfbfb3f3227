#pragma once
// A wire for datagrams that loses, doubles and swaps some of them.

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace heatbath::testing {

using Datagram = std::vector<unsigned char>;

/// The loopback address with a port.
inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in it{};
  it.sin_family = AF_INET;
  it.sin_port = htons(port);
  it.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return it;
}
/// The port at the end of etherbone://127.0.0.1:PORT.
inline std::uint16_t port_in(const std::string& uri) {
  return static_cast<std::uint16_t>(std::strtoul(uri.c_str() + uri.rfind(':') + 1, nullptr, 10));
}
/// A datagram socket at a free port of the loopback address, and that port.
inline std::pair<int, std::uint16_t> datagram_socket() {
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in here = loopback(0);
  socklen_t size = sizeof here;
  if (::bind(socket, reinterpret_cast<sockaddr*>(&here), size) != 0 ||
      ::getsockname(socket, reinterpret_cast<sockaddr*>(&here), &size) != 0)
    throw std::runtime_error("datagram socket");
  return {socket, ntohs(here.sin_port)};
}

/// What happens to datagrams, in both directions; one in `every` of them each. 0: never.
struct Faults {
  unsigned lost_every = 0, doubled_every = 0;
  unsigned swapped_every = 0;  ///< held until the next one of its direction has passed
  std::uint64_t seed = 1;
};

/// Between a server at etherbone://127.0.0.1:PORT and one client at a time.
class FaultyWire {
 public:
  /// `change` may alter datagrams on their way; its argument says whether they go to the server.
  FaultyWire(const std::string& server_uri, Faults faults, std::function<void(bool to_server, Datagram&)> change = {})
      : faults_(faults), change_(std::move(change)), random_(faults.seed) {
    std::tie(front_, port_) = datagram_socket();
    back_ = datagram_socket().first;
    const sockaddr_in server = loopback(port_in(server_uri));
    if (::connect(back_, reinterpret_cast<const sockaddr*>(&server), sizeof server) != 0) throw std::runtime_error("wire");
    thread_ = std::thread([this] { run(); });
  }
  ~FaultyWire() {
    stop_ = true;
    thread_.join();
    ::close(front_);
    ::close(back_);
  }
  std::string uri() const { return "etherbone://127.0.0.1:" + std::to_string(port_); }
  std::uint64_t passed() const { return passed_; }
  std::uint64_t lost() const { return lost_; }
  std::uint64_t doubled() const { return doubled_; }
  std::uint64_t swapped() const { return swapped_; }

 private:
  bool happens(unsigned every) { return every != 0 && random_() % every == 0; }
  void run() {
    Datagram buffer(65536);
    while (!stop_) {
      pollfd ask[2] = {{front_, POLLIN, 0}, {back_, POLLIN, 0}};
      if (::poll(ask, 2, 20) <= 0) continue;
      for (const bool to_server : {true, false}) {
        if (ask[to_server ? 0 : 1].revents == 0) continue;
        socklen_t size = sizeof client_;
        const ssize_t got = to_server ? ::recvfrom(front_, buffer.data(), buffer.size(), 0,
                                                   reinterpret_cast<sockaddr*>(&client_), &size)
                                      : ::recv(back_, buffer.data(), buffer.size(), 0);
        if (got < 0) continue;
        Datagram datagram(buffer.begin(), buffer.begin() + got);
        if (change_) change_(to_server, datagram);
        ++passed_;
        if (happens(faults_.lost_every)) {
          ++lost_;
          continue;
        }
        Datagram& held = held_[to_server];
        if (held.empty() && happens(faults_.swapped_every)) {
          ++swapped_;
          held = std::move(datagram);
          continue;
        }
        pass(to_server, datagram);
        if (happens(faults_.doubled_every)) {
          ++doubled_;
          pass(to_server, datagram);
        }
        if (!held.empty()) pass(to_server, std::exchange(held, {}));
      }
    }
  }
  void pass(bool to_server, const Datagram& datagram) {
    if (to_server) {
      ::send(back_, datagram.data(), datagram.size(), 0);
    } else {
      ::sendto(front_, datagram.data(), datagram.size(), 0, reinterpret_cast<const sockaddr*>(&client_), sizeof client_);
    }
  }

  Faults faults_;
  std::function<void(bool, Datagram&)> change_;
  std::mt19937_64 random_;
  int front_ = -1, back_ = -1;
  std::uint16_t port_ = 0;
  sockaddr_in client_{};
  Datagram held_[2];
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> passed_{0}, lost_{0}, doubled_{0}, swapped_{0};
  std::thread thread_;
};

}  // namespace heatbath::testing
