#include "server/passing_time.hpp"

#include <algorithm>

#include "heatbath/regs.h"

namespace heatbath {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::microseconds short_work{30}, long_work{120};
/// Work of a slice, after which hosts are served.
constexpr std::chrono::milliseconds longest_piece{20};
constexpr std::uint64_t longest_slice = std::uint64_t{1} << 60;
/// What the wall clock was ahead by more is forgotten: an array that evolves while it is idle may be slower than that,
/// and a host that reads both words of a time, of ticks as short as a picosecond, sees the high one stand still.
constexpr std::chrono::milliseconds longest_idle{1};

}  // namespace

PassingTime::PassingTime(Transport& device, const std::atomic<bool>& stop)
    : interruptible_(dynamic_cast<Interruptible*>(&device)),
      looked_(Clock::now()),
      device_(device),
      ticks_per_second_(1e12 / device.read32(HB_CAPS_TICK_PS_OFFSET)),
      last_(Clock::now()) {
  if (interruptible_ == nullptr) return;
  interruptible_->ask([this, &stop] {
    return stop.load(std::memory_order_relaxed)           ? Wish::stop
           : Clock::now() - looked_ > longest_piece ? Wish::pause
                                                    : Wish::go_on;
  });
}

PassingTime::~PassingTime() {
  if (interruptible_ != nullptr) interruptible_->ask({});
}

bool PassingTime::pass() {
  looked();
  const auto now = looked_;
  const std::uint32_t status = device_.read32(HB_STATUS_OFFSET);
  const bool evolves = (status & (HB_STATUS_RUNNING_MASK | HB_STATUS_STALLED_MASK)) == HB_STATUS_RUNNING_MASK;
  if (evolves != evolved_) slice_ = 1;  // how long the next step takes is not known
  evolved_ = evolves;
  std::uint64_t ticks = slice_;
  if (!evolves) {
    const std::chrono::duration<double> passed = std::min<Clock::duration>(now - last_, longest_idle);
    ticks = std::min(ticks, static_cast<std::uint64_t>(passed.count() * ticks_per_second_));
  }
  last_ = now;
  const bool held = device_.wait_irq(ticks);
  const auto took = Clock::now() - now;
  if (took < short_work && ticks == slice_ && slice_ < longest_slice) slice_ *= 2;
  if (took > long_work) {
    const double part = short_work / std::chrono::duration<double>(took);
    slice_ = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(static_cast<double>(ticks) * part));
  }
  return evolves && !held;
}

}  // namespace heatbath
