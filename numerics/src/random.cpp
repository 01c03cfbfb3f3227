#include "heatbath/numerics/random.hpp"

#include <cmath>
#include <numbers>

#include <Random123/philox.h>

namespace heatbath::numerics {
namespace {

constexpr std::uint64_t golden = 0x9E3779B97F4A7C15u;  // of SplitMix64: 2^64 over the golden ratio

}  // namespace

std::array<std::uint32_t, 4> random_words(std::uint64_t seed, HostPurpose purpose, std::uint32_t a, std::uint32_t b,
                                          std::uint32_t c) {
  const r123::Philox4x32::key_type key{{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}};
  const r123::Philox4x32::ctr_type counter{{a, b, c, static_cast<std::uint32_t>(purpose) << 24}};
  const auto words = r123::Philox4x32{}(counter, key);
  return {words[0], words[1], words[2], words[3]};
}

double unit_interval(std::uint32_t word) { return (static_cast<double>(word) + 0.5) * 0x1p-32; }

double standard_normal(std::uint32_t radius_word, std::uint32_t angle_word) {
  return std::sqrt(-2.0 * std::log(unit_interval(radius_word))) *
         std::cos(2.0 * std::numbers::pi * unit_interval(angle_word));
}

std::uint64_t split_mix(std::uint64_t state) {
  state += golden;
  state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9u;
  state = (state ^ state >> 27) * 0x94D049BB133111EBu;
  return state ^ state >> 31;
}

std::uint64_t RandomStream::word() {
  const std::uint64_t mixed = split_mix(state_);
  state_ += golden;
  return mixed;
}

double RandomStream::uniform() { return (static_cast<double>(word() >> 11) + 0.5) * 0x1p-53; }

double RandomStream::normal() {
  if (spare_) {
    const double value = *spare_;
    spare_.reset();
    return value;
  }
  const double radius = std::sqrt(-2 * std::log(uniform())), angle = 2 * std::numbers::pi * uniform();
  spare_ = radius * std::sin(angle);
  return radius * std::cos(angle);
}

}  // namespace heatbath::numerics
