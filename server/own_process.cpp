#include "server/own_process.hpp"

#include <stdlib.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "heatbath/error.hpp"
#include "link/scheme.hpp"
#include "link/uri.hpp"
#include "sim/src/open_transport.hpp"

namespace heatbath {

bool opens_once(const std::string& uri) {
  const Scheme* const scheme = find_scheme(device_schemes(), scheme_of(uri));
  return scheme != nullptr && scheme->reopened == Reopened::once;
}

OwnProcess::OwnProcess(const std::string& device) {
  std::error_code error;
  const std::filesystem::path base = std::filesystem::temp_directory_path(error);
  folder_ = ((error ? std::filesystem::path("/tmp") : base) / "heatbath-served-XXXXXX").string();
  if (::mkdtemp(folder_.data()) == nullptr)
    throw Error(HB_IO, "serving " + device + ": no folder " + folder_ + ": " + std::strerror(errno));
  try {
    server_ = std::make_unique<Server>(ServerOptions{.device = device, .listen = "unix:" + folder_ + "/device"});
    thread_ = std::thread([this] { server_->run(); });
  } catch (...) {
    server_.reset();
    std::filesystem::remove_all(folder_, error);
    throw;
  }
}

OwnProcess::~OwnProcess() {
  server_->stop();
  thread_.join();
  server_.reset();
  std::error_code error;
  std::filesystem::remove_all(folder_, error);
}

}  // namespace heatbath
