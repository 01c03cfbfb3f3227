#pragma once
// Random numbers of the host side. Addressed ones are pure functions of a seed and an address, like the noise of a
// device; a stream is for what is drawn one after another and needs no address.

#include <array>
#include <cstdint>
#include <optional>

namespace heatbath::numerics {

/// What the host draws; bits 31:24 of the counter's last word. Devices use the purposes below 0x80, so that one seed
/// serves both sides without sharing a number.
enum class HostPurpose : std::uint32_t {
  drawn_digit = 0x80,
  projection = 0x81,
  data_law = 0x82,
  capture_dither = 0x83,
  classifier = 0x84,
  rounding = 0x85,
  score_noise = 0x86,
  ergodicity = 0x90
};

/// Four random words of address (a, b, c) for one purpose: Philox4x32-10 (Salmon et al. 2011), the seed as key, low
/// word first.
std::array<std::uint32_t, 4> random_words(std::uint64_t seed, HostPurpose purpose, std::uint32_t a, std::uint32_t b,
                                          std::uint32_t c = 0);

/// Uniform in (0, 1), never either end, from the 32 bits of a word.
double unit_interval(std::uint32_t word);

/// One standard normal from two words (Box & Muller 1958).
double standard_normal(std::uint32_t radius_word, std::uint32_t angle_word);

/// What SplitMix64 (Steele, Lea & Flood 2014) gives from this state: a mixer of 64 bits with full avalanche.
std::uint64_t split_mix(std::uint64_t state);

/// The numbers of SplitMix64 from a seed on, the same on every platform.
class RandomStream {
 public:
  explicit RandomStream(std::uint64_t seed) : state_(seed) {}
  std::uint64_t word();
  double uniform();  ///< in (0, 1), of 53 bits
  double normal();   ///< standard; two from two uniform ones (Box & Muller 1958), the second kept for the next call

 private:
  std::uint64_t state_;
  std::optional<double> spare_;
};

}  // namespace heatbath::numerics
