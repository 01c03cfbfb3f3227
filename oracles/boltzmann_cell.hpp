#pragma once
// Boltzmann laws of one cell and of a coupled pair, by quadrature.

#include <functional>
#include <vector>

#include "oracles/quadrature.hpp"

namespace heatbath::reference {

/// The law p(x) = exp(-V(x)/T)/Z on [lower, upper], which must hold all but a negligible part of it.
class BoltzmannLaw {
 public:
  /// `energy` V and `temperature` T > 0 in the same unit. `panels` parts of 15 points each, so V must vary by no more
  /// than a few T within (upper - lower)/panels. Throws std::invalid_argument when T or the limits are wrong.
  BoltzmannLaw(Function energy, double temperature, double lower, double upper, int panels = 256);

  double temperature() const { return temperature_; }
  double lower() const { return lower_; }
  double upper() const { return upper_; }

  /// ln Z, Z = integral of exp(-V/T).
  double log_partition() const { return log_partition_; }
  /// F = -T ln Z.
  double free_energy() const { return -temperature_ * log_partition_; }
  /// p(x), of unit integral.
  double density(double x) const;
  /// <f>. `f` may have breaks at the edges of the panels; an even number of panels has one in the middle.
  double average(const Function& f) const;
  /// Probability of (lower, x).
  double cumulative(double x) const;
  /// The x with cumulative(x) = probability, for a probability in [0, 1].
  double quantile(double probability) const;

 private:
  double partial(double from, double to) const;  // integral of the density, on at most one panel

  Function energy_;
  double temperature_;
  double lower_;
  double upper_;
  int panels_;
  double lowest_energy_ = 0;
  double log_partition_ = 0;
  QuadratureRule rule_;
  std::vector<double> probability_;  // of each node, summing to 1
  std::vector<double> edges_;        // cumulative probability at the edges of the panels
};

/// V(x) = j2 x^2 + j4 x^4 + bias x, in the device's signs.
struct QuarticCell {
  double j2 = 0;
  double j4 = 0;
  double bias = 0;

  double energy(double x) const { return ((j4 * x * x + j2) * x + bias) * x; }
  /// -V'(x).
  double force(double x) const { return -((4 * j4 * x * x + 2 * j2) * x + bias); }
  /// V''(x).
  double curvature(double x) const { return 12 * j4 * x * x + 2 * j2; }
  /// Its Boltzmann law on a symmetric interval whose ends lie 60 T above the lowest energy. Throws
  /// std::invalid_argument when the energy has no lower bound or T <= 0.
  BoltzmannLaw law(double temperature) const;
};

/// The cell of V = height (x^2 - 1)^2 - field x, less the constant `height`: j4 = height, j2 = -2 height,
/// bias = -field. Papers write ln Z with the constant: ln Z_paper = ln Z_cell - height/T.
QuarticCell double_well(double height, double field = 0);

/// The linear cell of V = stiffness x^2/2 - field x: j2 = stiffness/2, bias = -field.
QuarticCell linear_cell(double stiffness, double field = 0);

/// <f(x, y)> of two cells with energy V_a(x) + V_b(y) + coupling x y, in the device's sign (a negative coupling
/// aligns). `f` may have breaks at x = 0 and y = 0.
double pair_average(const QuarticCell& a, const QuarticCell& b, double coupling, double temperature,
                    const std::function<double(double, double)>& f);

/// The coupling of two binary cells +-1 that gives the <sgn x sgn y> of two equal soft cells:
/// -T artanh <sgn x sgn y>. Soft cells couple more weakly than spins: calibrate, then measure again.
double effective_sign_coupling(const QuarticCell& cell, double coupling, double temperature);

/// The bias of a binary cell +-1 that gives the <sgn x> of a soft cell: -T artanh <sgn x>.
double effective_sign_bias(const QuarticCell& cell, double temperature);

}  // namespace heatbath::reference
