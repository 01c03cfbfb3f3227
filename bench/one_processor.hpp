#pragma once
// One processor for what is compared.

#include <functional>
#include <memory>

namespace heatbath::bench {

/// While it lives the calling thread, and programs and threads it starts, run on one processor: the one, of those the
/// thread may use (the first 64 of them), on which `probe`, a short piece of work, took least. A program on the other
/// thread of a core slows a processor to two thirds; so ours and theirs meet the same one, and a quiet one where there
/// is one. Linux; does nothing elsewhere, or where the thread may use one processor only.
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
