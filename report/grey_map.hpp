#pragma once
// From cell states to shades.

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace heatbath::apps {

/// Shade of a visible cell, 0 black … 255 white: clip(0.5 + v) for |v| < 1, else 0.5 + 0.5 tanh(2 v)
/// (Whitelam, arXiv:2506.15121).
inline std::uint8_t grey(float v) {
  const float shade = std::fabs(v) < 1 ? std::clamp(0.5f + v, 0.0f, 1.0f) : 0.5f + 0.5f * std::tanh(2 * v);
  return static_cast<std::uint8_t>(std::lround(255 * shade));
}

struct Colour {
  std::uint8_t red = 0, green = 0, blue = 0;
};

/// Signed value in [-1, 1] (clipped): blue below zero, white at zero, red above.
inline Colour blue_white_red(float v) {
  constexpr float kBlue[3] = {33, 83, 156}, kRed[3] = {178, 34, 40};
  const float strength = std::sqrt(std::min(1.0f, std::fabs(v)));
  const float* end = v < 0 ? kBlue : kRed;
  const auto mix = [&](int i) { return static_cast<std::uint8_t>(std::lround(255 + strength * (end[i] - 255))); };
  return {mix(0), mix(1), mix(2)};
}

}  // namespace heatbath::apps
