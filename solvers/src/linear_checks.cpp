#include "solvers/src/linear_checks.hpp"

#include <cmath>
#include <string>

#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"

namespace heatbath::solvers {

void check(const LinearOptions& options, std::size_t entries, std::size_t n) {
  const auto text = [](double value) { return numerics::general(value, 3); };
  const auto refuse = [](const std::string& what) { throw Error(HB_BAD_ARG, "solve: " + what); };
  if (n == 0 || entries != n * n) refuse("a matrix of " + std::to_string(entries) + " entries; n x n are needed for " + std::to_string(n) + " unknowns");
  if (!(options.tolerance > 0) || !std::isfinite(options.tolerance)) refuse("a tolerance of " + text(options.tolerance) + "; above 0");
  if (options.shots < 16) refuse(std::to_string(options.shots) + " shots; errors from their scatter need 16 or more");
  if (!(options.kT >= 0) || !std::isfinite(options.kT)) refuse("kT is " + text(options.kT) + "; above 0, or 0 for a choice that suits");
  if (!(options.most_time >= 4)) refuse("a limit of " + text(options.most_time) + " relaxation times; 4 or more");
}

}  // namespace heatbath::solvers
