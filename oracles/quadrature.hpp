#pragma once
// Integrals of one variable in double precision.

#include <functional>
#include <vector>

namespace heatbath::reference {

/// A real function of one variable.
using Function = std::function<double(double)>;

/// Integral of `f` over the finite interval [lower, upper] by adaptive Gauss–Kronrod quadrature with 31 points, to a
/// relative error of about `relative_tolerance`. `f` must be finite; breaks of `f` cost accuracy: split there.
double integrate(const Function& f, double lower, double upper, double relative_tolerance = 1e-12);

/// Points and weights: the integral of f is sum_i weights[i] * f(nodes[i]).
struct QuadratureRule {
  std::vector<double> nodes;
  std::vector<double> weights;
};

/// Gauss–Legendre quadrature with 15 points on each of `panels` >= 1 equal parts of [lower, upper]. A break of the
/// integrand at an edge between two parts costs no accuracy: an even number of panels puts an edge into the middle.
QuadratureRule gauss_rule(double lower, double upper, int panels);

}  // namespace heatbath::reference
