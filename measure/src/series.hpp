#pragma once
// Values shifted and scaled so that sums of squares neither overflow nor vanish nor round away.

#include <cmath>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace heatbath::measure {

inline void want(bool have, const std::string& what) {
  if (!have) throw std::invalid_argument(what);
}

/// Throws std::invalid_argument naming `who` unless all values are finite.
inline void want_finite(std::span<const double> values, const char* who) {
  for (const double value : values) want(std::isfinite(value), std::string(who) + ": a value is not a finite number");
}

/// values[i] = origin + unit deviation[i]. The unit is a power of two: deviations are exact where differences are.
struct Deviations {
  double origin = 0, unit = 0;  ///< unit 0: the values do not move
  std::vector<double> values;   ///< magnitudes below 2

  /// Throws std::invalid_argument for values that are not finite or lie further apart than a double reaches.
  Deviations(std::span<const double> of, const char* who) : origin(of.front()), values(of.size()) {
    want_finite(of, who);
    double largest = 0;
    for (const double value : of) largest = std::fmax(largest, std::fabs(value - origin));
    want(std::isfinite(largest), std::string(who) + ": the values lie further apart than a double reaches");
    if (largest == 0) return;
    unit = std::ldexp(1.0, std::ilogb(largest));
    for (std::size_t i = 0; i < of.size(); ++i) values[i] = (of[i] - origin) / unit;
  }

  bool still() const { return unit == 0; }
};

inline double mean_of(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

/// Unbiased.
inline double variance_of(std::span<const double> values, double mean) {
  double sum = 0;
  for (const double value : values) sum += (value - mean) * (value - mean);
  return sum / static_cast<double>(values.size() - 1);
}

}  // namespace heatbath::measure
