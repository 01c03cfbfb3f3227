#pragma once
// Values as the page gets them for its pictures.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string_view>

namespace heatbath::monitor {

/// 64 levels, a character each.
constexpr std::string_view picture_levels = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Of a part of the whole range; beyond its ends the first and the last one.
inline char level_of(double part) {
  return picture_levels[static_cast<std::size_t>(std::clamp(std::lround(63 * part), 0L, 63L))];
}

}  // namespace heatbath::monitor
