#pragma once
// When a training that goes on is saved.

#include <algorithm>
#include <chrono>

namespace heatbath::apps {

/// Saves now and then, for no more than a twentieth of the time.
class SaveSchedule {
 public:
  /// The first time `every` from now on.
  explicit SaveSchedule(std::chrono::seconds every) : every_(every), next_(Clock::now() + every) {}

  /// Calls `save` where its time has come.
  template <class Save>
  void look(const Save& save) {
    const auto began = Clock::now();
    if (began < next_) return;
    save();
    const auto done = Clock::now();
    next_ = done + std::max<Clock::duration>(every_, 20 * (done - began));
  }

 private:
  using Clock = std::chrono::steady_clock;
  std::chrono::seconds every_;
  Clock::time_point next_;
};

}  // namespace heatbath::apps
