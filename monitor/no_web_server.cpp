// In place of web_server.cpp where a build has no HTTP library.

#include "heatbath/error.hpp"
#include "monitor/web_server.hpp"

namespace heatbath::monitor {

struct WebServer::Impl {
  std::string url;
};

WebServer::WebServer(Window&, const std::string&) {
  throw Error(HB_UNSUPPORTED, "monitor: this build has no HTTP library: install libcpp-httplib-dev and libssl-dev (Debian), then configure and build again");
}
WebServer::~WebServer() = default;
const std::string& WebServer::url() const { return impl_->url; }

}  // namespace heatbath::monitor
