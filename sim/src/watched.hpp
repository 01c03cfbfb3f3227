#pragma once
// Work of an emulator under the question of its host.

#include <functional>

#include "heatbath/interruptible.hpp"
#include "heatbath/numerics/work_watch.hpp"

namespace heatbath {

/// Runs work(), which may be stopped where `wish` is not empty (Interruptible::ask).
template <typename Work>
auto watched(const std::function<Wish()>& wish, Work&& work) {
  if (!wish) return work();
  const std::function<numerics::Wish()> asked = [&] { return static_cast<numerics::Wish>(wish()); };
  static_assert(static_cast<int>(Wish::pause) == static_cast<int>(numerics::Wish::pause) &&
                static_cast<int>(Wish::stop) == static_cast<int>(numerics::Wish::stop));
  const numerics::WorkWatch watch(asked);
  return work();
}

}  // namespace heatbath
