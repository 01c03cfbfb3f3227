#pragma once
// A device that a process can open only once, for a service that opens it repeatedly.

#include <memory>
#include <string>
#include <thread>

#include "heatbath/server.hpp"

namespace heatbath {

/// Whether a process can open the device of this URI once only (tlm:).
bool opens_once(const std::string& uri);

/// Serves such a device on a private socket, with a process for each session. Each opening of uri() finds the device as
/// after power-on, simulated time included.
class OwnProcess {
 public:
  /// Throws what Server's constructor throws, and Error(IO) where no folder can be made for the socket.
  explicit OwnProcess(const std::string& device);
  /// Ends its session, and removes the socket.
  ~OwnProcess();
  OwnProcess(const OwnProcess&) = delete;
  OwnProcess& operator=(const OwnProcess&) = delete;

  std::string uri() const { return server_->uri(); }

 private:
  std::string folder_;
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

}  // namespace heatbath
