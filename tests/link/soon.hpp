#pragma once
// Waiting for what other threads and processes do.

#include <chrono>
#include <functional>
#include <thread>

namespace heatbath::testing {

/// True as soon as `claim` is; false when it is not within a minute, which no loaded machine takes.
[[nodiscard]] inline bool soon(const std::function<bool()>& claim) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!claim()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace heatbath::testing
