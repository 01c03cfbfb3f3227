// heatbath serve: a device for host programs in other processes.

#include <atomic>
#include <csignal>

#include <fmt/format.h>

#include "apps/cli/commands.hpp"
#include "apps/cli/console.hpp"
#include "apps/cli/stopped_by_signals.hpp"
#include "heatbath/device.hpp"
#include "heatbath/server.hpp"

namespace heatbath::apps {
namespace {

std::atomic<Server*> serving{nullptr};

/// Server::stop is safe here.
extern "C" void stop_serving(int) {
  if (Server* server = serving.load()) server->stop();
}

void on_signals(void (*action)(int)) {
  struct sigaction what {};
  what.sa_handler = action;
  sigemptyset(&what.sa_mask);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};
    sigaction(signal, nullptr, &before);
    if (signal != SIGHUP || before.sa_handler != SIG_IGN) sigaction(signal, &what, nullptr);  // as nohup wants it
  }
}

void say(const std::string& line) { remark("heatbath serve: {}\n", line); }

}  // namespace

StoppedBySignals::StoppedBySignals(Server& server) {
  serving.store(&server);
  on_signals(stop_serving);
}

StoppedBySignals::~StoppedBySignals() {
  on_signals(SIG_DFL);
  serving.store(nullptr);
}

int run_serve(const ServerOptions& options) {
  ServerOptions serve = options;
  serve.log = say;
  Server server(serve);
  {
    const StoppedBySignals signals(server);
    put("{}\n", server.uri());
    flush_output();
    server.run();
  }
  {
    const ServerCounters counters = server.counters();
    say(fmt::format("{} sessions, {} of them ended here, {} clients refused, longest wait {} ms", counters.sessions,
                    counters.ended_by_server, counters.refused, counters.longest_wait_ms));
  }
  return 0;
}

}  // namespace heatbath::apps
