#pragma once
// A number with its error.

#include <limits>

namespace heatbath::trainers {

/// A mean and its standard error; NaN where something was not measured.
struct Measured {
  double value = std::numeric_limits<double>::quiet_NaN();
  double error = std::numeric_limits<double>::quiet_NaN();
};

}  // namespace heatbath::trainers
