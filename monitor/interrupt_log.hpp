#pragma once
// The interrupts of a device: how often each was raised, and the last of them one by one.

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

namespace heatbath::monitor {

/// Not for several threads at once.
class InterruptLog {
 public:
  static constexpr std::size_t kinds = 6;  ///< bits of INTR_STATE
  static constexpr std::size_t most = 24;  ///< that are kept one by one

  /// The interrupts in `mask`, a bit each as in INTR_STATE, at `ticks` of device time where that is known.
  void note(std::uint32_t mask, std::optional<std::uint64_t> ticks);
  std::uint64_t count(std::size_t kind) const { return counts_[kind]; }
  /// {"counts": [of each kind], "last": [[device time or null, mask], …]}, newest last; device time in ticks times
  /// `time_units_of_tick`.
  std::string json(double time_units_of_tick) const;

 private:
  struct One {
    std::optional<std::uint64_t> ticks;
    std::uint32_t mask = 0;
  };
  std::array<std::uint64_t, kinds> counts_{};
  std::deque<One> last_;
};

}  // namespace heatbath::monitor
