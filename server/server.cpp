// Server: one device, one client at a time.

#include "heatbath/server.hpp"

#include <atomic>
#include <utility>
#include <variant>

#include "heatbath/error.hpp"
#include "link/scheme.hpp"
#include "server/etherbone_service.hpp"
#include "server/session_service.hpp"
#include "server/stand_in.hpp"
#include "sim/src/open_transport.hpp"

namespace heatbath {
namespace {

/// A file that stands in for a device on a bus: it has no sessions, so nothing is counted.
class StandInService {
 public:
  StandInService(const ServerOptions& options, const Uri& listen)
      : uri_(listen.text), device_(uri_or_default(options.device), listen.address, options.force, stop_) {}

  std::string uri() const { return uri_; }
  void run() { device_.run(); }
  void stop() noexcept { stop_.store(true, std::memory_order_relaxed); }
  ServerCounters counters() const { return {}; }

 private:
  std::string uri_;
  std::atomic<bool> stop_{false};
  StandIn device_;
};

/// The ways of serving, by the scheme of the listening URI.
using Service = std::variant<std::unique_ptr<SessionService>, std::unique_ptr<EtherboneService>,
                             std::unique_ptr<StandInService>>;

void refuse_token_and_realtime(const ServerOptions& options, const char* why) {
  if (!options.token_file.empty() || options.realtime)
    throw Error(HB_BAD_ARG, "listen '" + options.listen + "': " + why);
}

Service service_of(const ServerOptions& options) {
  if (options.listen == "systemd") return std::make_unique<SessionService>(options, Uri{.what = "listen", .text = "systemd", .scheme = "systemd", .address = {}, .keys = {}});
  const Scheme* const scheme = find_scheme(link_schemes(), scheme_of(options.listen));
  if (scheme != nullptr) {
    const Uri listen = parse_uri(options.listen, scheme->address, {}, "listen");
    if (listen.scheme == "uio") {
      refuse_token_and_realtime(options, "a file that stands in for a device takes neither token nor realtime");
      return std::make_unique<StandInService>(options, listen);
    }
    if (listen.scheme == "etherbone") {
      refuse_token_and_realtime(options, "Etherbone has neither token nor realtime");
      return std::make_unique<EtherboneService>(options, listen.address);
    }
    if (listen.scheme == "tcp" || listen.scheme == "unix" || listen.scheme == "shm")
      return std::make_unique<SessionService>(options, listen);
  }
  throw Error(HB_BAD_ARG, "listen '" + options.listen +
                              "': a device is served at tcp://host:port, unix:/path, shm:/name, etherbone://host:port, "
                              "uio:FILE or systemd");
}

}  // namespace

struct Server::Impl {
  explicit Impl(ServerOptions given) : options(std::move(given)), service(service_of(options)) {}

  ServerOptions options;  // the service refers to it
  Service service;
};

Server::Server(ServerOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}

Server::~Server() = default;

std::string Server::uri() const {
  return std::visit([](const auto& service) { return service->uri(); }, impl_->service);
}

void Server::run() {
  std::visit([](const auto& service) { service->run(); }, impl_->service);
}

void Server::stop() noexcept {
  std::visit([](const auto& service) { service->stop(); }, impl_->service);
}

ServerCounters Server::counters() const {
  return std::visit([](const auto& service) { return service->counters(); }, impl_->service);
}

}  // namespace heatbath
