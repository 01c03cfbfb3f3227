// Claims of the validation ladder: rows that take a second, at a fixed seed and with few samples.

#include <cmath>
#include <cstdio>
#include <string>

#include "conformance/claims.hpp"
#include "conformance/expect.hpp"
#include "heatbath/numerics/text.hpp"
#include "validate/ladder.hpp"

namespace heatbath::conformance::checks {

std::string statistics(Device& device, const char* suite, const char* row, double effort) {
  validation::LadderOptions options;
  options.suites = {std::string(suite) + "/" + row};
  options.seed = 2024;
  options.effort = effort;
  const validation::Outcome outcome = validation::climb(std::span(&device, 1), options);
  if (!outcome.skipped.empty()) throw Skipped("the device lacks " + outcome.skipped.front().missing);
  // A device that hides its step shows mismatch and converters, which no row predicts.
  const double hidden = device.step().count == 0 ? silicon_tolerance : 0;
  for (const validation::Check& check : outcome.checks) {
    expect(std::isfinite(check.measured), check.name + ": " + check.failure);
    const double deviation = check.measured - check.expected;
    const double systematic = std::fabs(check.bias) + hidden * std::max(std::fabs(check.expected), check.floor);
    const double allowed = z_bound * check.standard_error + systematic;
    bool kept = false;
    switch (check.bound) {
      case validation::Bound::equal: kept = std::fabs(deviation) <= allowed; break;
      case validation::Bound::at_least: kept = deviation >= -allowed; break;
      case validation::Bound::at_most: kept = deviation <= allowed; break;
      case validation::Bound::exact: kept = std::fabs(deviation) <= check.floor; break;
    }
    expect(kept, check.name + " is " + numerics::general(check.measured) + ", expected " +
                     numerics::general(check.expected) + " +- " + numerics::general(check.standard_error, 2) + " (z " +
                     numerics::fixed(check.z, 1) + ", bound " + numerics::fixed(z_bound, 1) + ")");
  }
  return {};
}

}  // namespace heatbath::conformance::checks
