#pragma once
// One processor for all programs that are compared.

#include <functional>
#include <memory>

namespace heatbath::bench {

/// While it exists, the calling thread and the programs and threads it starts run on one processor: of those the thread
/// may use (the first 64), the one on which `probe`, a short piece of work, was fastest. A program on the other thread
/// of a core slows a processor to two thirds; so both sides of a comparison run on the same, least busy processor.
/// Linux; does nothing elsewhere, or where the thread may use only one processor.
class OnOneProcessor {
 public:
  explicit OnOneProcessor(const std::function<void()>& probe);
  ~OnOneProcessor();
  OnOneProcessor(const OnOneProcessor&) = delete;
  OnOneProcessor& operator=(const OnOneProcessor&) = delete;

 private:
  struct Allowed;
  std::unique_ptr<Allowed> before_;  ///< null: nothing was changed
};

}  // namespace heatbath::bench
