#include "hw_model/physics/integer_spins.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "hw_model/physics/graph.hpp"

namespace heatbath::physics {
namespace {

constexpr std::int64_t whole = 4096;  // of a ramp
constexpr std::uint32_t field_bits = 24;
constexpr std::uint32_t x_max = (1u << 17) - 1;
constexpr int widest = 8;  // log2 of the ratio of two ranges

constexpr std::uint32_t thresholds[] = {
#include "hw_model/physics/sigmoid_thresholds.inc"
};
static_assert(std::size(thresholds) == (x_max >> 8) + 1);

/// log2 of a power of two; nothing for another number.
std::optional<int> power_of_two(float value) {
  int exponent = 0;
  if (!(value > 0) || std::frexp(value, &exponent) != 0.5f) return std::nullopt;
  return exponent - 1;
}

std::int32_t code(float value, float range, std::uint32_t bits) {
  return static_cast<std::int32_t>(std::lround(std::ldexp(static_cast<double>(value) / range, static_cast<int>(bits) - 1)));
}

}  // namespace

bool IntegerSpins::fits(const SpinCodes& codes) {
  const auto coupling = power_of_two(codes.range_coupling), bias = power_of_two(codes.range_bias);
  if (!coupling || !bias || std::abs(*bias - *coupling) > widest) return false;
  // |H| >> shift must have a shift: 2 h / kT in steps of 1 / 4096 is H coupling 2 / T.
  const int step = *coupling - static_cast<int>(codes.bits) + 1;
  return step + 1 <= 0 && -step <= static_cast<int>(field_bits);
}

IntegerSpins::IntegerSpins(const SpinCodes& codes, const Parameters& from, const Parameters& to, double at)
    : fraction_(static_cast<std::int64_t>(std::floor(at * static_cast<double>(whole)))) {
  const int step = *power_of_two(codes.range_coupling) - static_cast<int>(codes.bits) + 1;
  const int ratio = *power_of_two(codes.range_bias) - *power_of_two(codes.range_coupling);
  shift_ = static_cast<std::uint32_t>(-step - 1);
  field_unit_ = std::ldexp(1.0, step - static_cast<int>(field_bits));
  const std::int64_t rest = whole - fraction_;
  gain_ = (rest * code(from.gain, gain_range, gain_bits) + fraction_ * code(to.gain, gain_range, gain_bits)) >> 8;

  const auto cells = static_cast<std::uint32_t>(from.j2.size());
  bias_.resize(cells);
  temperature_.resize(cells);
  for (std::uint32_t i = 0; i < cells; ++i) {
    const std::int64_t b = rest * code(from.bias[i], codes.range_bias, codes.bits) +
                           fraction_ * code(to.bias[i], codes.range_bias, codes.bits);
    bias_[i] = b * (std::int64_t{1} << (12 + ratio));
    temperature_[i] = static_cast<std::uint32_t>(
        (rest * code(from.kT_of(i), kT_range, kT_bits) + fraction_ * code(to.kT_of(i), kT_range, kT_bits)) >> 12);
  }
  const Couplings& a = *from.couplings;
  const Couplings& b = *to.couplings;
  const auto add = [&](std::uint32_t i, std::uint32_t k) {
    const std::int32_t first = code(a.at(i, k), codes.range_coupling, codes.bits);
    const std::int32_t second = code(b.at(i, k), codes.range_coupling, codes.bits);
    if (first != 0 || second != 0) entries_.push_back({k, first, second});
  };
  for (std::uint32_t i = 0; i < cells; ++i) {
    const auto begin = static_cast<std::uint32_t>(entries_.size());
    if (const auto& graph = a.graph())
      for (const std::uint32_t k : graph->neighbours(i)) add(i, k);
    else if (!a.zero() || !b.zero())
      for (std::uint32_t k = 0; k < cells; ++k) add(i, k);
    rows_.push_back({begin, static_cast<std::uint32_t>(entries_.size())});
  }
}

std::int64_t IntegerSpins::field(std::uint32_t i, const float* s, std::size_t stride) const {
  std::int64_t from = 0, to = 0;
  for (std::uint32_t e = rows_[i].begin; e < rows_[i].end; ++e) {
    const bool down = s[std::size_t{entries_[e].column} * stride] < 0;
    from += down ? -entries_[e].from : entries_[e].from;
    to += down ? -entries_[e].to : entries_[e].to;
  }
  return gain_ * ((whole - fraction_) * from + fraction_ * to) + bias_[i];
}

float IntegerSpins::decided(std::uint32_t i, std::int64_t field, std::uint32_t word, float before) const {
  const float likely = field > 0 ? -1.0f : 1.0f;
  const std::uint32_t kT = temperature_[i];
  if (kT == 0) return field == 0 ? before : likely;
  const std::uint64_t size = static_cast<std::uint64_t>(std::abs(field)) >> shift_;
  const auto x = static_cast<std::uint32_t>(std::min<std::uint64_t>(size / kT, x_max));
  const std::uint32_t at = x >> 8, t = thresholds[at], next = at + 1 < std::size(thresholds) ? thresholds[at + 1] : 0;
  const std::uint32_t p = t - static_cast<std::uint32_t>((std::uint64_t{t - next} * (x & 255u)) >> 8);
  return word >> 1 < p ? -likely : likely;
}

}  // namespace heatbath::physics
