#pragma once
// The law that a stepper's finite steps give to linear cells, of every kind, with held cells, parameters that move and
// noise with a memory: means and covariances after any number of steps, without sampling.

#include <Eigen/Core>
#include <functional>
#include <vector>

namespace heatbath::reference {

/// n linear cells. Forces are -(stiffness x + bias); `stiffness` (n x n, 2 J2 on the diagonal, couplings beside it)
/// need not be symmetric. `mass` is n x n, symmetric positive definite: a diagonal of masses, or the capacitances of a
/// board.
struct LinearCells {
  Eigen::MatrixXd stiffness, mass;
  Eigen::VectorXd bias, damping, temperature;
  /// What both change by over the step, linearly, where they are those of its middle; empty: nothing. Exact steps take
  /// it for forces that do not depend on the state (biases, and the pull of held cells); no other rule looks at it.
  Eigen::MatrixXd stiffness_change = {};
  Eigen::VectorXd bias_change = {};
  double mobility = 1;
  /// dx = v dt, mass dv = (force - damping v) dt + sqrt(2 damping T) dW; else dx = mobility force …
  bool inertia = false;
};

/// lattice_walk, without inertia: up or down by (2 mu T dt)^(1/2), with the mean and the mean square of the equation's
/// increment, of cells that never saturate. Its law is not Gaussian: mean and covariance are right.
enum class LinearRule { euler_maruyama, heun, leimkuhler_matthews, baoab, exact, lattice_walk };

/// Gaussian law of the state (x, and v with inertia) of cells that began at one point.
class SteppedLinearLaw {
 public:
  /// `start`: n entries, or 2n with inertia. `correlation(lag)`: of the numbers that drive one cell in steps `lag`
  /// apart, 1 at lag 0 but for noise whose intensity is spread over steps; `common`: the part of their variance that
  /// all cells share.
  explicit SteppedLinearLaw(Eigen::VectorXd start, std::function<double(int lag)> correlation = {}, double common = 0)
      : mean_(std::move(start)), correlation_(std::move(correlation)), common_(common) {}

  /// One step of dt. `held`: cells that stand where their mean is, their velocities 0.
  void step(const LinearCells& cells, LinearRule rule, double dt, const std::vector<bool>& held);

  /// Puts one entry of the state to a value, whatever it was.
  void put(Eigen::Index entry, double value);

  const Eigen::VectorXd& mean() const { return mean_; }
  /// For Leimkuhler–Matthews the numbers of neighbouring steps are the halves of (n + n')/2, whatever `correlation` is.
  Eigen::MatrixXd covariance() const;

 private:
  Eigen::VectorXd mean_;
  std::function<double(int lag)> correlation_;
  double common_;
  bool halves_ = false;                    // Leimkuhler–Matthews
  std::vector<Eigen::MatrixXd> response_;  // of the state to the numbers of each step so far
};

}  // namespace heatbath::reference
