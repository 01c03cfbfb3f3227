#include "apps/cli/interrupt.hpp"

#include <atomic>

#include <csignal>

namespace heatbath::apps {

namespace {
std::atomic<bool> interrupt_seen{false};
static_assert(std::atomic<bool>::is_always_lock_free, "the handler may only touch lock-free atomics");
extern "C" void note_interrupt(int) { interrupt_seen.store(true, std::memory_order_relaxed); }
}  // namespace

void watch_interrupts() {
  interrupt_seen.store(false, std::memory_order_relaxed);
  struct sigaction action {};
  action.sa_handler = note_interrupt;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESETHAND | SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
}

bool interrupted() noexcept { return interrupt_seen.load(std::memory_order_relaxed); }

}  // namespace heatbath::apps
