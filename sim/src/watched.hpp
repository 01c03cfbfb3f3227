#pragma once
// Work of an emulator under the question of its host.

#include <functional>

#include "heatbath/numerics/work_watch.hpp"

namespace heatbath {

/// Runs work(), which may be stopped where `stop` is not empty (Interruptible::stop_when).
template <typename Work>
auto watched(const std::function<bool()>& stop, Work&& work) {
  if (!stop) return work();
  const numerics::WorkWatch watch(stop);
  return work();
}

}  // namespace heatbath
