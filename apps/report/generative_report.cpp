#include "apps/report/generative_report.hpp"

#include <cmath>
#include <limits>

namespace heatbath::apps {

Moments moments(const std::vector<double>& energies, double kT) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  const auto count = static_cast<double>(energies.size());
  if (energies.empty()) return {kNone, kNone};
  double sum = 0, squares = 0;
  for (const double energy : energies) sum += energy / kT;
  const double mean = sum / count;
  for (const double energy : energies) squares += (energy / kT - mean) * (energy / kT - mean);
  return {mean, energies.size() > 1 ? std::sqrt(squares / (count - 1)) : kNone};
}

}  // namespace heatbath::apps
