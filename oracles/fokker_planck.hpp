#pragma once
// The Fokker–Planck equation in one and two dimensions, by the method of lines.

#include <Eigen/Core>
#include <Eigen/SparseCore>
#include <functional>
#include <vector>

#include "oracles/quadrature.hpp"

namespace heatbath::reference {

/// What the ends of an axis do to the probability: keep it, lose it, or join the two ends.
enum class Edge { reflecting, absorbing, periodic };

/// One axis of the grid: `cells` cells of equal width on [lower, upper]. An absorbing edge is Dirichlet, p = 0 at the
/// end.
struct Axis {
  double lower = 0;
  double upper = 1;
  int cells = 1;
  Edge lower_edge = Edge::reflecting;
  Edge upper_edge = Edge::reflecting;

  double width() const { return (upper - lower) / cells; }
  double centre(int i) const { return lower + (i + 0.5) * width(); }
};

/// A function of the position; y is 0 on a line.
using Field = std::function<double(double x, double y)>;

/// The master equation dP/dt = L P of the probabilities P of grid cells for dp/dt = div(D grad p - drift p), with the
/// exponentially fitted fluxes of Scharfetter & Gummel (1969), the full form of Chang & Cooper's (1970): conservative,
/// positive, and second order in the width of a cell. Where D = 0 the flux is upwind and first order. States are
/// vectors of size() probabilities; on a plane the cell (i, j) has the index i + j * x.cells.
class FokkerPlanck {
 public:
  /// A line with drift -V'(x) + force and D = temperature (mobility 1). With force 0 and reflecting edges the
  /// stationary law is exactly proportional to exp(-V/T) at the centres.
  static FokkerPlanck line(const Axis& x, const Function& energy, double temperature, double force = 0);
  /// A plane in the potential V(x, y) with a temperature of each coordinate (mobility 1).
  static FokkerPlanck plane_in_potential(const Axis& x, const Axis& y, const Field& energy, double temperature_x,
                                         double temperature_y);
  /// A plane with any drift, taken at the middle of each face, and a constant diffusion of each coordinate.
  static FokkerPlanck plane(const Axis& x, const Axis& y, const Field& drift_x, const Field& drift_y,
                            double diffusion_x, double diffusion_y);

  Eigen::Index size() const { return generator_.rows(); }
  const Eigen::SparseMatrix<double>& generator() const { return generator_; }

  /// Values of a function at the centres of all cells.
  Eigen::VectorXd sample(const Field& f) const;
  /// Probabilities of a law with this density, up to its norm.
  Eigen::VectorXd law(const Field& density) const;
  /// A start at one point: shared linearly between neighbouring cells, so that the mean is the point.
  Eigen::VectorXd point(double x, double y = 0) const;
  /// sum_i P_i f_i.
  double average(const Eigen::VectorXd& probability, const Field& f) const;

  /// The law after `time` >= 0, by Boost.Odeint's integrate_adaptive with an implicit stepper for stiff linear
  /// equations (SDIRK of order 4 with 5 stages, L-stable; Hairer & Wanner II, table IV.6.5). `tolerance` bounds the
  /// estimated error of a step in total probability. Without absorbing edges the sum is kept.
  Eigen::VectorXd evolve(const Eigen::VectorXd& start, double time, double tolerance = 1e-9) const;

  /// The law with L P = 0. Throws std::invalid_argument when an edge absorbs. Rounding, 1e-16 of the hopping rate
  /// 2D/width^2, limits it and relaxation_rate: parts that exchange probability still more slowly have no sure shares.
  Eigen::VectorXd stationary() const;

  /// Stationary <f(0) f(t)> - <f>^2.
  double correlation(const Field& f, double time, double tolerance = 1e-9) const;

  /// Rate lambda of the slowest decay exp(-lambda t) that the observable f takes part in by symmetry: the eigenvalue of
  /// -L next to 0, by inverse iteration from f times the stationary law. For a double well and f = sgn x it is the
  /// decay rate of <sgn x(0) sgn x(t)>. Real eigenvalues only: throws std::runtime_error when the iteration does not
  /// settle.
  double relaxation_rate(const Field& f) const;

  /// Mean time to absorption from each cell: L^T tau = -1. Throws std::invalid_argument when no edge absorbs.
  Eigen::VectorXd mean_absorption_time() const;

  /// Mean velocity <dx/dt> (axis 0) or <dy/dt> (axis 1) in a law: the probability current summed over all faces, so it
  /// counts turns on a periodic axis.
  double mean_velocity(const Eigen::VectorXd& probability, int axis) const;

 private:
  /// Rates of hopping over one face, towards greater and smaller coordinates.
  struct Hop {
    double up;
    double down;
  };
  using Hops = std::function<Hop(int axis, double x, double y)>;  // at the middle of the face

  FokkerPlanck(std::vector<Axis> axes, const Hops& hops);
  Eigen::VectorXd centre(Eigen::Index cell) const;

  std::vector<Axis> axes_;
  Eigen::SparseMatrix<double> generator_;
  std::vector<Eigen::VectorXd> velocity_;  // mean velocity that each cell gives rise to, of each axis
  bool absorbs_ = false;
};

}  // namespace heatbath::reference
