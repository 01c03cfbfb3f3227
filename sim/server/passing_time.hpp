#pragma once
// Device time that passes by itself, as a part's does.

#include <chrono>
#include <cstdint>

#include "heatbath/transport.hpp"

namespace heatbath {

/// Lets a device run in small pieces between looks at its hosts. A program runs as fast as the emulator can; otherwise
/// time follows the wall clock, by at most a millisecond in a piece, or lags behind where the emulator is slower.
class PassingTime {
 public:
  /// Time begins to pass now. The device must outlive this object.
  explicit PassingTime(Transport& device);

  /// Lets a piece of time pass: some 100 microseconds of work at most, unless a single step takes longer. True when a
  /// program goes on: there is more to do before a host does anything.
  bool pass();

 private:
  Transport& device_;
  double ticks_per_second_;
  std::uint64_t slice_ = 1;  ///< ticks of a piece
  bool evolved_ = false;     ///< a program ran in the last one
  std::chrono::steady_clock::time_point last_;
};

}  // namespace heatbath
