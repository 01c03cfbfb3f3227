#include "validate/check.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include <fmt/format.h>

namespace heatbath::validation {
namespace {

/// Of one check alone: two-sided, or of the side that the inequality forbids.
double raw_probability(const Check& check) {
  if (check.bound == Bound::exact) return 1;
  if (std::isnan(check.z)) return 0;  // infinite: a deviation without scatter, which an inequality may allow
  if (check.bound == Bound::equal) return std::erfc(std::fabs(check.z) / std::numbers::sqrt2);
  const double allowed = check.bound == Bound::at_least ? check.z : -check.z;
  return std::erfc(-allowed / std::numbers::sqrt2) / 2;
}

}  // namespace

double Check::error_limit() const { return std::max(relative * std::fabs(expected), floor); }

std::size_t Outcome::passed() const {
  return static_cast<std::size_t>(std::ranges::count_if(checks, [](const Check& check) { return check.pass; }));
}

void judge(std::vector<Check>& checks, bool precise) {
  std::vector<double> raw;
  for (Check& check : checks) {
    const double deviation = check.measured - check.expected;
    check.z = check.bound == Bound::exact ? 0 : deviation / check.standard_error;
    if (check.standard_error == 0 && check.bound != Bound::exact && deviation == 0) check.z = 0;
    raw.push_back(raw_probability(check));
  }
  std::vector<std::size_t> order(checks.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t k) { return raw[k]; });
  double corrected = 0;
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    const auto left = static_cast<double>(order.size() - rank);
    corrected = std::max(corrected, std::min(1.0, left * raw[order[rank]]));
    checks[order[rank]].probability = corrected;
  }
  for (Check& check : checks) {
    if (!check.failure.empty()) {
      check.pass = false;
      continue;
    }
    if (!std::isfinite(check.measured)) check.failure = "not a finite number";
    else if (check.bound == Bound::exact && !(std::fabs(check.measured - check.expected) <= check.floor))
      check.failure = fmt::format("differs by more than {:.2g}", check.floor);
    else if (check.probability < kFamilyError)
      check.failure = fmt::format("improbable: z {:.1f}, p {:.1g} among {} checks", check.z, check.probability,
                                  checks.size());
    else if (precise && check.bound == Bound::equal && check.standard_error > (1 + kErrorOfErrors) * check.error_limit())
      check.failure = fmt::format("standard error {:.2g} above {:.2g}", check.standard_error, check.error_limit());
    else if (precise && check.bound == Bound::equal &&
             4 * std::fabs(check.bias) > (1 + kErrorOfErrors) * check.standard_error)
      check.failure = fmt::format("predicted bias {:.2g} above a quarter of the standard error {:.2g}", check.bias,
                                  check.standard_error);
    check.pass = check.failure.empty();
  }
}

}  // namespace heatbath::validation
