#include "server/pacer.hpp"

#include <algorithm>
#include <thread>

namespace heatbath {
namespace {

constexpr std::chrono::milliseconds longest_catch_up = 20 * Pacer::period;

constexpr double longest_seconds = 1e9;  // a clock holds it

double microseconds(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration<double, std::micro>(duration).count();
}

}  // namespace

Pacer::Pacer(Transport& transport, double tick_seconds)
    : transport_(transport),
      tick_seconds_(tick_seconds),
      period_ticks_(static_cast<std::uint64_t>(
          std::clamp(std::chrono::duration<double>(period).count() / tick_seconds, 1.0, 0x1p60))) {
  restart();
}

void Pacer::restart() {
  began_ = Clock::now();
  began_ticks_ = transport_.device_ticks().value_or(0);
}

Pacer::Clock::time_point Pacer::due(std::uint64_t ticks) const {
  const double seconds = std::min(static_cast<double>(ticks - began_ticks_) * tick_seconds_, longest_seconds);
  return began_ + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

void Pacer::hold(const std::function<bool()>& stop) {
  const std::uint64_t ticks = transport_.device_ticks().value_or(0);
  if (ticks < began_ticks_) return restart();  // a reset
  const auto target = due(ticks);
  const auto lag = Clock::now() - target;
  if (lag < Clock::duration::zero()) {
    while (Clock::now() < target) {
      std::this_thread::sleep_until(std::min(target, Clock::now() + 20 * period));
      if (Clock::now() < target && stop()) return;
    }
    const double late = microseconds(Clock::now() - target);
    ++pace_.holds;
    pace_.jitter_sum_us += late;
    pace_.jitter_worst_us = std::max(pace_.jitter_worst_us, late);
  } else if (lag > period) {
    late(lag);
  }
}

void Pacer::catch_up() {
  const auto began = Clock::now();
  for (;;) {
    const std::uint64_t ticks = transport_.device_ticks().value_or(0);
    if (ticks < began_ticks_) return restart();
    const double passed = std::chrono::duration<double>(Clock::now() - began_).count() / tick_seconds_;
    const std::uint64_t target = began_ticks_ + std::min(static_cast<std::uint64_t>(std::min(passed, 0x1p60)), ~began_ticks_);
    if (target <= ticks) return;
    // Held by a pending interrupt the device stands still, which is not lateness.
    if (transport_.wait_irq(std::min(target - ticks, period_ticks_))) return restart();
    if (Clock::now() - began > longest_catch_up) return late(Clock::now() - due(ticks));
  }
}

void Pacer::late(Clock::duration lag) {
  ++pace_.overruns;
  pace_.lag_worst_us = std::max(pace_.lag_worst_us, microseconds(lag));
  restart();
}

}  // namespace heatbath
