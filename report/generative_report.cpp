#include "report/generative_report.hpp"

#include <algorithm>
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

std::vector<double> GenerativeReport::class_shares() const {
  const std::vector<std::uint8_t> classes_of = saved.model.classes();
  std::vector<double> shares(classes_of.size(), 0.0);
  for (std::size_t p = 0; p < classes.fractions.size(); ++p) {
    const auto at = std::find(classes_of.begin(), classes_of.end(), saved.model.prototypes.digits[p]);
    shares[static_cast<std::size_t>(at - classes_of.begin())] += classes.fractions[p];
  }
  return shares;
}

}  // namespace heatbath::apps
