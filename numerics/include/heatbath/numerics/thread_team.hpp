#pragma once
// A few threads that share a list of independent pieces of work.

#include <cstddef>
#include <functional>
#include <memory>

namespace heatbath::numerics {

/// Threads kept for the lifetime of the team. Which thread runs which piece is not fixed, so pieces must not depend on
/// each other; then results do not depend on the number of threads.
class ThreadTeam {
 public:
  /// `threads` >= 1, the caller included; 0 means one per processor. Fewer where the system refuses them: size() says.
  explicit ThreadTeam(unsigned threads = 0);
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  unsigned size() const;

  /// Runs piece(0) … piece(count - 1), in any order and at the same time, and returns when all are done. Rethrows the
  /// first exception. Not to be called from inside a piece.
  void run(std::size_t count, const std::function<void(std::size_t)>& piece);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace heatbath::numerics
