#include "solvers/src/scaling_notes.hpp"

#include <cmath>

#include "heatbath/numerics/text.hpp"

namespace heatbath::solvers {

std::vector<std::string> scaling_notes(const network::Scaling& scaling, const std::string& what_is_what) {
  std::vector<std::string> notes;
  const double factor = scaling.factors().energy;
  if (std::abs(factor - 1) > 1e-12)
    notes.push_back("energies on the device are " + numerics::general(factor, 4) + " of the problem's, its temperature with them");
  if (const network::Rounding rounding = scaling.rounding(); rounding.worst > 1e-6)
    notes.push_back("the device's converters hold the problem with errors of up to " + numerics::general(100 * rounding.worst, 3) +
                    " % of its largest value" +
                    (rounding.lost > 0 ? "; " + std::to_string(rounding.lost) + " values are held as 0" : "") + "; " + what_is_what);
  return notes;
}

}  // namespace heatbath::solvers
