#pragma once
// A device served in this process, for tests of links.

#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "heatbath/server.hpp"

namespace heatbath::testing {

/// A name that no other test, process or repetition has.
inline std::string unique_name() {
  static std::atomic<unsigned> count{0};
  return "hb-" + std::to_string(::getpid()) + "-" + std::to_string(count++);
}

inline std::string listening(const std::string& scheme) {
  if (scheme == "tcp") return "tcp://127.0.0.1:0";
  if (scheme == "etherbone") return "etherbone://127.0.0.1:0";
  if (scheme == "uio") return "uio:/dev/shm/" + unique_name();
  return scheme == "unix" ? "unix:/tmp/" + unique_name() : "shm:/" + unique_name();
}

/// A server and its thread, from construction to destruction.
class Served {
 public:
  Served(const std::string& device, const std::string& scheme, std::function<void(ServerOptions&)> adjust = {}) {
    ServerOptions options;
    options.device = device;
    options.listen = listening(scheme);
    if (adjust) adjust(options);
    server_ = std::make_unique<Server>(std::move(options));
    thread_ = std::thread([this] { server_->run(); });
  }
  ~Served() { stop(); }
  void stop() {
    if (!thread_.joinable()) return;
    server_->stop();
    thread_.join();
  }
  std::string uri() const { return server_->uri(); }
  Server& server() { return *server_; }

 private:
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

}  // namespace heatbath::testing
