#pragma once
// The step of p-bits in integers, as digital logic makes it (ADR 0052).

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "hw_model/physics/array.hpp"
#include "hw_model/physics/parameters.hpp"

namespace heatbath::physics {

/// What p-bits in integers take from two sets of parameters and a point between them. Codes: couplings in steps of
/// `coupling`, biases of `bias`, gains and temperatures of the steps below; parameters must be whole numbers of them.
///
/// Of cell i, with f = floor(4096 s) at position s of a ramp (0 outside of one), everything in integers:
///   gain   g = ((4096 - f) g_from + f g_to) >> 8
///   sum    S = (4096 - f) sum_k c_from_ik s_k + f sum_k c_to_ik s_k
///   field  H = g S + (((4096 - f) b_from + f b_to) << (12 + log2(bias / coupling)))    in steps of coupling / 2^24
///   kT     T = ((4096 - f) T_from + f T_to) >> 12                                       in steps of 1 / 4096
///   x        = min(2^17 - 1, floor((|H| >> shift) / T)),  2 |h| / kT in steps of 1 / 4096
///   p        = t - (((t - t') (x mod 256)) >> 8), t and t' the thresholds of x / 256 and x / 256 + 1, t' = 0 at the end
/// The spin takes the value that H does not favour when the upper 31 bits of its random word are below p, else -1 where
/// H > 0 and +1 elsewhere. At T = 0 the field decides, and without a field the spin stays. The thresholds are
/// round(2^31 / (1 + e^(i / 16))), Glauber's rule, and so p within 1.1e-4 of it.
class IntegerSpins {
 public:
  static constexpr float gain_range = 8.0f;         ///< a gain is a code of 12 bits: steps of 1 / 256
  static constexpr std::uint32_t gain_bits = 12;
  static constexpr float kT_range = 8.0f;           ///< a temperature is a code of 16 bits: steps of 1 / 4096
  static constexpr std::uint32_t kT_bits = 16;

  /// What an array of such cells needs of its codes: ranges that are powers of two, 2^-8..2^8 times as wide for biases.
  static bool fits(const SpinCodes& codes);

  /// `at`: 0 at `from`, 1 at `to`. Parameters must be codes; biases must not differ between lanes.
  IntegerSpins(const SpinCodes& codes, const Parameters& from, const Parameters& to, double at);

  /// What cell `i` feels among spins s[k * stride] = +1 or -1.
  std::int64_t field(std::uint32_t i, const float* s, std::size_t stride) const;
  /// A field in energy units.
  double energy(std::int64_t field) const { return static_cast<double>(field) * field_unit_; }
  /// The new value of cell `i` that was `before`, by its random word.
  float decided(std::uint32_t i, std::int64_t field, std::uint32_t word, float before) const;

 private:
  struct Row {
    std::uint32_t begin, end;
  };
  struct Entry {
    std::uint32_t column;
    std::int32_t from, to;  // codes
  };
  std::vector<Row> rows_;
  std::vector<Entry> entries_;
  std::vector<std::int64_t> bias_;          // in the unit of fields
  std::vector<std::uint32_t> temperature_;  // of each cell
  std::int64_t fraction_, gain_;
  std::uint32_t shift_;
  double field_unit_;
};

}  // namespace heatbath::physics
