#include "normal_rows.hpp"

#include <bit>
#include <cmath>
#include <cstddef>

#include "heatbath/numerics/random.hpp"

namespace heatbath::trainers {
namespace {

// lowbias32 (Wellons): a bijection of 32 bits with an avalanche bias of 0.17.
inline std::uint32_t mixed(std::uint32_t x) {
  x ^= x >> 16;
  x *= 0x7feb352dU;
  x ^= x >> 15;
  x *= 0x846ca68bU;
  x ^= x >> 16;
  return x;
}

/// ln of a float in (0, 1]: exponent and an odd series in (f - 1)/(f + 1), f in [0.7, 1.42).
inline float logarithm(float v) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(v);
  const std::uint32_t shifted = bits - 0x3f3504f3U;  // about sqrt(1/2)
  const auto exponent = static_cast<float>(static_cast<std::int32_t>(shifted) >> 23);
  const float f = std::bit_cast<float>((shifted & 0x007fffffU) + 0x3f3504f3U);
  const float z = (f - 1.0f) / (f + 1.0f), w = z * z;
  const float series = 2.0f + w * (0.66666667f + w * (0.4f + w * (0.28571429f + w * 0.22222222f)));
  return exponent * 0.69314718f + z * series;
}

/// sin(pi/2 t) for t in [-1, 1].
inline float quarter_sine(float t) {
  const float w = t * t;
  return t * (1.5707963f + w * (-0.64596409f + w * (0.079692626f + w * (-0.0046817541f + w * 0.00016044118f))));
}

}  // namespace

void normal_row(std::uint64_t key, std::span<float> out) {
  const std::uint64_t a = numerics::split_mix(key), b = numerics::split_mix(a);
  const auto k0 = static_cast<std::uint32_t>(a), k1 = static_cast<std::uint32_t>(a >> 32), k2 = static_cast<std::uint32_t>(b),
             k3 = static_cast<std::uint32_t>(b >> 32);
  const std::size_t pairs = (out.size() + 1) / 2, whole = out.size() / 2;
  float* first = out.data();
  float* second = out.data() + pairs;
  const auto both = [=](std::uint32_t i, float& cosine, float& sine) {
    const std::uint32_t radius_word = mixed(mixed(i + k0) ^ k1), angle_word = mixed(mixed(i + k2) ^ k3);
    // (0, 1]: 24 bits for the radius, so that it is exact in float32.
    const float u = (static_cast<float>(static_cast<std::int32_t>(radius_word >> 8)) + 1.0f) * 0x1p-24f;
    const float radius = std::sqrt(-2.0f * logarithm(u) + 0.0f);
    // A turn in [-2, 2) quarter turns; sine and cosine by reflection at the quarter.
    const float t = static_cast<float>(static_cast<std::int32_t>(angle_word)) * 0x1p-30f;
    const float magnitude = std::fabs(t), reflected = 1.0f - magnitude;  // cos(pi/2 t) = sin(pi/2 (1 - |t|))
    const float s = magnitude > 1.0f ? std::copysign(2.0f - magnitude, t) : t;
    cosine = radius * quarter_sine(reflected);
    sine = radius * quarter_sine(s);
  };
  for (std::size_t i = 0; i < whole; ++i) both(static_cast<std::uint32_t>(i), first[i], second[i]);
  float lost = 0;
  if (whole < pairs) both(static_cast<std::uint32_t>(whole), first[whole], lost);
}

}  // namespace heatbath::trainers
