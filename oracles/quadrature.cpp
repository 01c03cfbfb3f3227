#include "oracles/quadrature.hpp"

#include <boost/math/quadrature/gauss.hpp>
#include <boost/math/quadrature/gauss_kronrod.hpp>
#include <cmath>
#include <stdexcept>
#include <string>

namespace heatbath::reference {

double integrate(const Function& f, double lower, double upper, double relative_tolerance) {
  if (!std::isfinite(lower) || !std::isfinite(upper)) {
    throw std::invalid_argument("integrate: the limits " + std::to_string(lower) + " and " + std::to_string(upper) +
                                " must be finite");
  }
  return boost::math::quadrature::gauss_kronrod<double, 31>::integrate(f, lower, upper, 15, relative_tolerance);
}

QuadratureRule gauss_rule(double lower, double upper, int panels) {
  if (panels < 1 || !(lower < upper)) {
    throw std::invalid_argument("gauss_rule: wants lower < upper and at least one panel");
  }
  using Gauss = boost::math::quadrature::gauss<double, 15>;
  QuadratureRule rule;
  const double half = 0.5 * (upper - lower) / panels;
  for (int panel = 0; panel < panels; ++panel) {
    const double centre = lower + (2 * panel + 1) * half;
    for (std::size_t k = Gauss::abscissa().size(); k-- > 1;) {
      rule.nodes.push_back(centre - half * Gauss::abscissa()[k]);
      rule.weights.push_back(half * Gauss::weights()[k]);
    }
    for (std::size_t k = 0; k < Gauss::abscissa().size(); ++k) {
      rule.nodes.push_back(centre + half * Gauss::abscissa()[k]);
      rule.weights.push_back(half * Gauss::weights()[k]);
    }
  }
  return rule;
}

}  // namespace heatbath::reference
