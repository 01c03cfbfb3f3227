#pragma once
// Device time: the only quantity that has a type of its own.

#include <compare>
#include <cstdint>

namespace heatbath {

/// A number of device ticks (a duration, or a time since reset). CAPS_TICK_PS gives its length in picoseconds,
/// CAPS_TIME_UNIT_TICKS the ticks in one dimensionless time unit; Device::ticks converts.
struct Ticks {
  std::uint64_t count = 0;  ///< ticks

  friend constexpr auto operator<=>(Ticks, Ticks) = default;
  friend constexpr Ticks operator+(Ticks a, Ticks b) { return {a.count + b.count}; }
  friend constexpr Ticks operator-(Ticks a, Ticks b) { return {a.count - b.count}; }
  friend constexpr Ticks operator*(Ticks a, std::uint64_t n) { return {a.count * n}; }
};

}  // namespace heatbath
