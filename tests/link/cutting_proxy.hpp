#pragma once
// A piece of wire that is cut after a given number of bytes.

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <thread>

#include "served.hpp"

namespace heatbath::testing {

/// Forwards one connection after the other between unix sockets. When `budget` bytes have passed, in both directions
/// together, it is cut: closed on both sides, or, with `silent`, everything is swallowed until the client leaves.
class CuttingProxy {
 public:
  CuttingProxy(const std::string& server_uri, bool silent)
      : server_path_(server_uri.substr(5)), path_("/tmp/" + unique_name()), silent_(silent),
        listener_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    const sockaddr_un name = address(path_);
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 || ::listen(listener_, 8) != 0)
      throw std::runtime_error("proxy");
    thread_ = std::thread([this] { run(); });
  }
  ~CuttingProxy() {
    stop_ = true;
    thread_.join();
    ::close(listener_);
    ::unlink(path_.c_str());
  }
  std::string uri() const { return "unix:" + path_; }
  void budget(std::uint64_t bytes) {
    passed_ = 0;
    budget_ = bytes;
  }
  std::uint64_t passed() const { return passed_; }

 private:
  static sockaddr_un address(const std::string& path) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::strncpy(name.sun_path, path.c_str(), sizeof name.sun_path - 1);
    return name;
  }
  void run() {
    while (!stop_) {
      pollfd ask{listener_, POLLIN, 0};
      if (::poll(&ask, 1, 20) <= 0) continue;
      const int client = ::accept(listener_, nullptr, nullptr);
      const int server = ::socket(AF_UNIX, SOCK_STREAM, 0);
      const sockaddr_un name = address(server_path_);
      if (::connect(server, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0) forward(client, server);
      ::close(client);
      ::close(server);
    }
  }
  void forward(int client, int server) {
    static thread_local char buffer[1 << 16];
    for (;;) {
      pollfd ask[2] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
      if (::poll(ask, 2, 20) < 0 || stop_) return;
      for (int side = 0; side < 2; ++side) {
        if (ask[side].revents == 0) continue;
        const bool cut = passed_ >= budget_;
        const ssize_t got = ::recv(ask[side].fd, buffer, sizeof buffer, 0);
        if (got <= 0) return;
        if (cut) continue;
        const std::uint64_t pass = std::min<std::uint64_t>(static_cast<std::uint64_t>(got), budget_ - passed_);
        passed_ += pass;
        for (std::uint64_t at = 0; at < pass;) {
          const ssize_t sent = ::send(ask[1 - side].fd, buffer + at, pass - at, MSG_NOSIGNAL);
          if (sent <= 0) return;
          at += static_cast<std::uint64_t>(sent);
        }
        if (passed_ >= budget_ && !silent_) return;
      }
    }
  }

  std::string server_path_, path_;
  bool silent_;
  int listener_;
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> budget_{~std::uint64_t{0}}, passed_{0};
  std::thread thread_;
};

}  // namespace heatbath::testing
