#pragma once
// Long work that can be asked to stop: one budget between two looks at the question, whatever a piece of it costs.

#include <cstdint>
#include <exception>
#include <functional>

namespace heatbath::numerics {

/// Thrown by spend() in work that is given up half-way. What threw it changed nothing that a caller sees.
struct WorkStopped : std::exception {
  const char* what() const noexcept override { return "the work was asked to stop"; }
};

/// While one lives, work of the calling thread is counted against it, and `stop` is asked each time the budget is used
/// up. Work without a watch is never stopped. Results never depend on a watch that does not stop. Watches nest: the
/// inner one counts, and the answer of the outer one counts, too.
class WorkWatch {
 public:
  /// Units of work between two looks. A unit is about a nanosecond of one processor.
  static constexpr std::uint64_t usual_budget = std::uint64_t{1} << 23;

  /// `stop` must outlive the watch, and is called in the thread that made it.
  explicit WorkWatch(const std::function<bool()>& stop, std::uint64_t budget = usual_budget)
      : stop_(stop), outer_(current_), budget_(budget) {
    current_ = this;
  }
  ~WorkWatch() { current_ = outer_; }
  WorkWatch(const WorkWatch&) = delete;
  WorkWatch& operator=(const WorkWatch&) = delete;

  /// The innermost one of this thread, or null.
  static WorkWatch* current() { return current_; }

  /// Counts work that is done. True from the time on that the answer was to stop.
  bool spend(std::uint64_t units) {
    spent_ += units;
    if (spent_ >= budget_) ask();
    return stopped_;
  }
  bool stopped() const { return stopped_; }
  std::uint64_t budget() const { return budget_; }

 private:
  void ask() {
    spent_ = 0;
    if (!stopped_) stopped_ = (stop_ && stop_()) || (outer_ != nullptr && outer_->spend(outer_->budget()));
  }

  static inline constinit thread_local WorkWatch* current_ = nullptr;
  const std::function<bool()>& stop_;
  WorkWatch* const outer_;
  const std::uint64_t budget_;
  std::uint64_t spent_ = 0;
  bool stopped_ = false;
};

/// Counts work in the middle of something that can be given up without a trace. Throws WorkStopped.
inline void spend(std::uint64_t units) {
  WorkWatch* const watch = WorkWatch::current();
  if (watch != nullptr && watch->spend(units)) throw WorkStopped();
}

}  // namespace heatbath::numerics
