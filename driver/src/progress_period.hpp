#pragma once

#include <chrono>

namespace heatbath {

/// How often progress is called inside work that lasts.
inline constexpr std::chrono::milliseconds progress_period{100};

}  // namespace heatbath
