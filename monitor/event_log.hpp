#pragma once
// What happened in front of a window, for its log.

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace heatbath::monitor {

/// Newest last. What happens again and again is one entry that says how often. Not for several threads at once.
class EventLog {
 public:
  static constexpr std::size_t most = 200;  ///< that are kept
  static constexpr std::size_t shown = 40;  ///< that json() has

  /// `time`: of the device, time units. `kind` is one word, `text` for people, any bytes.
  void note(double time, std::string_view kind, std::string_view text);
  /// A JSON list of the newest: {"number", "time" (of the last), "times", "kind", "text"}. A number grows with every
  /// call of note().
  std::string json() const;

 private:
  struct Event {
    std::uint64_t number = 0, times = 1;
    double time = 0;
    std::string kind, text;
  };
  std::deque<Event> events_;
  std::uint64_t noted_ = 0;
};

}  // namespace heatbath::monitor
