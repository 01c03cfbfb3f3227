#pragma once
// A window that one thread makes frames for, and any number of others look through.

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <future>
#include <mutex>
#include <string>

#include "monitor/event_log.hpp"
#include "monitor/window.hpp"

namespace heatbath::monitor {

/// The newest frame, who waits for one, and who waits for registers. The loop that makes frames waits for `turned_` under
/// `mutex_`, and answers whom it takes out of `register_readers_`.
class FramedWindow : public Window {
 public:
  ~FramedWindow() override;  ///< readers of registers get nothing
  Numbered newer(std::uint64_t after, std::chrono::milliseconds wait) override;
  void add_viewers(int change) override;
  std::string registers(std::chrono::milliseconds wait) override;  ///< read by the loop's thread

 protected:
  /// `time`: of the device, time units.
  void note_event(double time, const char* kind, const std::string& text);

  std::mutex mutex_;
  std::condition_variable turned_, framed_;
  int viewers_ = 0;  // under mutex_, as what follows
  Numbered newest_;
  EventLog events_;
  std::deque<std::promise<std::string>> register_readers_;
};

}  // namespace heatbath::monitor
