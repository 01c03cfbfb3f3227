#pragma once
// A measured number in a summary.

#include <string>

#include <fmt/format.h>

#include "heatbath/measure/estimate.hpp"

namespace heatbath::apps {

/// "1.234 +- 0.005".
inline std::string plus_minus(const measure::Estimate& m, int decimals) {
  return fmt::format("{:.{}f} +- {:.{}f}", m.value, decimals, m.standard_error, decimals);
}

}  // namespace heatbath::apps
