#pragma once
// Long work that can be stopped: it asks after each budget of work, however large its pieces are.

#include <algorithm>
#include <cstdint>
#include <exception>
#include <functional>
#include <utility>

namespace heatbath::numerics {

/// The caller's wish about work in progress. pause: return at the next point from which the work can continue without
/// loss; stop: return soon; unfinished pieces are done again if the work continues.
enum class Wish : std::uint8_t { go_on, pause, stop };

/// Thrown by work that stops before its end. It has changed nothing, or continues from there when called again.
struct WorkStopped : std::exception {
  const char* what() const noexcept override { return "the work was asked to stop"; }
};

/// While a watch exists, work of the calling thread is counted, and `wish` is called each time the budget is used up.
/// Work without a watch is never stopped. Results never depend on a watch. Watches nest: the inner one counts the work,
/// and the wishes of both are obeyed.
class WorkWatch {
 public:
  /// Units of work between two calls of the wish. A unit is about a nanosecond of one processor.
  static constexpr std::uint64_t usual_budget = std::uint64_t{1} << 23;

  /// `wish`, not empty, must outlive the watch, and is called in the thread that made it.
  explicit WorkWatch(const std::function<Wish()>& wish, std::uint64_t budget = usual_budget)
      : ask_(wish), outer_(current_), budget_(budget) {
    current_ = this;
  }
  ~WorkWatch() { current_ = outer_; }
  WorkWatch(const WorkWatch&) = delete;
  WorkWatch& operator=(const WorkWatch&) = delete;

  /// The innermost one of this thread, or null.
  static WorkWatch* current() { return current_; }

  /// Counts work that was done and returns the wish; an answer other than go_on is kept.
  Wish spend(std::uint64_t units) {
    spent_ += units;
    if (spent_ >= budget_) ask();
    return wish_;
  }
  /// Whether the work is to return.
  bool stopped() const { return wish_ != Wish::go_on; }
  std::uint64_t budget() const { return budget_; }

 private:
  friend class Unwatched;
  void ask() {
    spent_ = 0;
    if (wish_ == Wish::stop) return;
    wish_ = std::max(wish_, ask_());
    if (outer_ != nullptr) wish_ = std::max(wish_, outer_->spend(outer_->budget_));
  }

  static inline constinit thread_local WorkWatch* current_ = nullptr;
  const std::function<Wish()>& ask_;
  WorkWatch* const outer_;
  const std::uint64_t budget_;
  std::uint64_t spent_ = 0;
  Wish wish_ = Wish::go_on;
};

/// While one exists, work of the calling thread has no watch: for work that others wait for, which must not stop alone.
class Unwatched {
 public:
  Unwatched() : outer_(std::exchange(WorkWatch::current_, nullptr)) {}
  ~Unwatched() { WorkWatch::current_ = outer_; }
  Unwatched(const Unwatched&) = delete;
  Unwatched& operator=(const Unwatched&) = delete;

 private:
  WorkWatch* const outer_;
};

/// Counts work in the middle of something that would have to be made again. Throws WorkStopped on a wish to stop.
inline void spend(std::uint64_t units) {
  WorkWatch* const watch = WorkWatch::current();
  if (watch != nullptr && watch->spend(units) == Wish::stop) throw WorkStopped();
}

/// Counts work at a point from which it can go on. Throws WorkStopped on a wish to pause, too.
inline void pause_point(std::uint64_t units) {
  WorkWatch* const watch = WorkWatch::current();
  if (watch != nullptr && watch->spend(units) != Wish::go_on) throw WorkStopped();
}

}  // namespace heatbath::numerics
