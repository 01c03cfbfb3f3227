#pragma once
// Keeps device time to the wall clock.

#include <chrono>
#include <cstdint>
#include <functional>

#include "heatbath/transport.hpp"

namespace heatbath {

/// How well device time kept to the wall clock.
struct Pace {
  std::uint64_t holds = 0;     ///< times the device was held
  std::uint64_t overruns = 0;  ///< times it was late by more than a period
  double jitter_sum_us = 0, jitter_worst_us = 0, lag_worst_us = 0;
};

/// Device time follows the wall clock at a rate: it is held where it would run ahead, advanced where it lags behind. A
/// device that lags by more than a period is late: that is counted, and pacing starts again from there.
class Pacer {
 public:
  static constexpr std::chrono::milliseconds period{1};

  /// `tick_seconds`: wall-clock seconds of a device tick. The transport tells device time (device_ticks()) and must
  /// outlive the pacer.
  Pacer(Transport& transport, double tick_seconds);

  /// Lets device time reach the wall clock, as far as no enabled interrupt is pending. For a host that does nothing.
  void catch_up();
  /// Sleeps until the wall clock has reached device time, or until `stop`, called once a period, returns true.
  void hold(const std::function<bool()>& stop);
  /// Ticks of a period, at least 1.
  std::uint64_t period_ticks() const { return period_ticks_; }
  const Pace& pace() const { return pace_; }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point due(std::uint64_t ticks) const;
  void restart();
  void late(Clock::duration lag);

  Transport& transport_;
  double tick_seconds_;
  std::uint64_t period_ticks_;
  Clock::time_point began_;
  std::uint64_t began_ticks_ = 0;
  Pace pace_;
};

}  // namespace heatbath
