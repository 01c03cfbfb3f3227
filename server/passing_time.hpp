#pragma once
// Device time that advances without requests of a host, as that of a physical part does.

#include <atomic>
#include <chrono>
#include <cstdint>

#include "heatbath/interruptible.hpp"
#include "heatbath/transport.hpp"

namespace heatbath {

/// Runs a device in small slices, between which its hosts are served. A program runs as fast as the emulator can;
/// otherwise time follows the wall clock, by at most a millisecond in a piece, or lags behind where the emulator is
/// slower.
class PassingTime {
 public:
  /// Time begins to pass now. The device and `stop` must outlive this object. Calls of the device that last come back
  /// early (Interruptible) when `stop` is set or a look is due: what is left of the work follows in later ones.
  PassingTime(Transport& device, const std::atomic<bool>& stop);
  ~PassingTime();
  PassingTime(const PassingTime&) = delete;

  /// Lets a piece of time pass: some 100 microseconds of work at most, unless a single step takes longer. True when a
  /// program goes on: there is more to do before a host does anything.
  bool pass();
  /// To be called after hosts were served: accesses may again take some milliseconds.
  void looked() { looked_ = std::chrono::steady_clock::now(); }

 private:
  Interruptible* interruptible_;  ///< the device; null: its calls last as long as they last
  std::chrono::steady_clock::time_point looked_;
  Transport& device_;
  double ticks_per_second_;
  std::uint64_t slice_ = 1;  ///< ticks of a piece
  bool evolved_ = false;     ///< a program ran in the last one
  std::chrono::steady_clock::time_point last_;
};

}  // namespace heatbath
