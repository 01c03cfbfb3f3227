#pragma once
// Comparison with numbers as they are printed in a table.

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <string>

namespace heatbath::reference {

/// Whether `value` agrees with a printed decimal to half a unit of its last digit (and a little for rounding a half).
inline testing::AssertionResult rounds_to(double value, const std::string& printed) {
  const auto exponent_at = printed.find_first_of("eE");
  const std::string digits = printed.substr(0, exponent_at);
  const int exponent = exponent_at == std::string::npos ? 0 : std::atoi(printed.c_str() + exponent_at + 1);
  const auto point = digits.find('.');
  const int decimals = point == std::string::npos ? 0 : static_cast<int>(digits.size() - point) - 1;
  const double unit = std::pow(10.0, exponent - decimals);
  const double expected = std::strtod(printed.c_str(), nullptr);
  if (std::abs(value - expected) <= 0.5001 * unit) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << testing::PrintToString(value) << " does not round to " << printed << ": off by "
                                     << (value - expected) / unit << " units of the last digit";
}

#define EXPECT_DIGITS(value, printed) EXPECT_TRUE(rounds_to((value), (printed))) << #value

}  // namespace heatbath::reference
