#pragma once
// Random numbers of the host side: pure functions of a seed and an address, like the noise of the device.

#include <Random123/philox.h>

#include <cmath>
#include <cstdint>
#include <numbers>

namespace heatbath::trainers {

/// What the host draws; bits 31:24 of the counter's last word. Devices use the purposes below 0x80, so that one seed
/// serves both sides without sharing a number.
enum class HostPurpose : std::uint32_t {
  drawn_digit = 0x80,
  projection = 0x81,
  data_law = 0x82,
  capture_dither = 0x83,
  classifier = 0x84,
  rounding = 0x85,
  ergodicity = 0x90
};

/// Four random words of address (a, b, c) for one purpose: Philox4x32-10, the seed as key, low word first.
inline r123::Philox4x32::ctr_type random_words(std::uint64_t seed, HostPurpose purpose, std::uint32_t a, std::uint32_t b,
                                               std::uint32_t c = 0) {
  const r123::Philox4x32::key_type key{
      {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}};
  const r123::Philox4x32::ctr_type counter{{a, b, c, static_cast<std::uint32_t>(purpose) << 24}};
  return r123::Philox4x32{}(counter, key);
}

/// Uniform in (0, 1), never either end.
inline double unit_interval(std::uint32_t word) { return (static_cast<double>(word) + 0.5) * 0x1p-32; }

/// One standard normal from two words (Box–Muller).
inline double standard_normal(std::uint32_t radius_word, std::uint32_t angle_word) {
  return std::sqrt(-2.0 * std::log(unit_interval(radius_word))) *
         std::cos(2.0 * std::numbers::pi * unit_interval(angle_word));
}

}  // namespace heatbath::trainers
