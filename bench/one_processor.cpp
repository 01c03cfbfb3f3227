#include "bench/one_processor.hpp"

#ifdef __linux__
#include <sched.h>
#endif

#include <chrono>
#include <limits>

namespace heatbath::bench {

#ifdef __linux__

struct OnOneProcessor::Allowed {
  cpu_set_t processors;
};

namespace {

constexpr int most = 64;  // processors tried
constexpr int turns = 5;  // of the probe on each

bool run_on(int processor) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(processor, &one);
  return sched_setaffinity(0, sizeof one, &one) == 0;
}

}  // namespace

OnOneProcessor::OnOneProcessor(const std::function<void()>& probe) {
  Allowed allowed;
  if (sched_getaffinity(0, sizeof allowed.processors, &allowed.processors) != 0 || CPU_COUNT(&allowed.processors) < 2) return;
  before_ = std::make_unique<Allowed>(allowed);
  int quiet = -1;
  double least = std::numeric_limits<double>::max();
  for (int processor = 0, tried = 0; processor < CPU_SETSIZE && tried < most; ++processor) {
    if (!CPU_ISSET(processor, &allowed.processors) || !run_on(processor)) continue;
    ++tried;
    for (int turn = 0; turn < turns; ++turn) {
      const auto begin = std::chrono::steady_clock::now();
      probe();
      const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
      if (seconds < least) least = seconds, quiet = processor;
    }
  }
  if (quiet >= 0) run_on(quiet);
}

OnOneProcessor::~OnOneProcessor() {
  if (before_) sched_setaffinity(0, sizeof before_->processors, &before_->processors);
}

#else

struct OnOneProcessor::Allowed {};
OnOneProcessor::OnOneProcessor(const std::function<void()>&) {}
OnOneProcessor::~OnOneProcessor() = default;

#endif

}  // namespace heatbath::bench
