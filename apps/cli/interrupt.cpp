#include "apps/cli/interrupt.hpp"

#include <atomic>
#include <cstdint>

#include <csignal>
#include <ctime>

namespace heatbath::apps {

namespace {

constexpr std::int64_t kOneRequest = 500'000'000;  // ns
std::atomic<std::int64_t> first_seen{0};           // ns of the monotonic clock; 0: none yet
std::atomic<int> noted{0};
static_assert(std::atomic<std::int64_t>::is_always_lock_free && std::atomic<int>::is_always_lock_free,
              "the handler may only touch lock-free atomics");

extern "C" void note_interrupt(int signal) {
  timespec clock{};
  clock_gettime(CLOCK_MONOTONIC, &clock);
  const std::int64_t now = 1'000'000'000 * std::int64_t{clock.tv_sec} + clock.tv_nsec;
  std::int64_t none = 0;
  if (first_seen.compare_exchange_strong(none, now)) {
    noted.store(signal);
  } else if (now - none >= kOneRequest) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);  // delivered when this function returns
  }
}

}  // namespace

void watch_interrupts() {
  first_seen.store(0);
  noted.store(0);
  struct sigaction action {};
  action.sa_handler = note_interrupt;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};
    sigaction(signal, nullptr, &before);
    if (signal != SIGHUP || before.sa_handler != SIG_IGN) sigaction(signal, &action, nullptr);
  }
}

bool interrupted() noexcept { return noted.load(std::memory_order_relaxed) != 0; }

int interrupted_status() noexcept { return 128 + noted.load(); }

}  // namespace heatbath::apps
