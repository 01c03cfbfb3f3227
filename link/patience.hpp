#pragma once
// How long a link waits where its URI does not say.

#include <chrono>

namespace heatbath {

/// For the device's answer (key `link_timeout_ms`).
inline constexpr std::chrono::milliseconds usual_patience{10000};
/// For a device that serves another client (key `queue_timeout_ms`).
inline constexpr std::chrono::milliseconds usual_queue_limit{600000};

}  // namespace heatbath
