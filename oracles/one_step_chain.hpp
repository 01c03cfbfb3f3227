#pragma once
// What a stepper's finite step does to one cell: the law and the relaxation of the chain it makes, without sampling.

#include <Eigen/Core>
#include <functional>
#include <memory>

#include "oracles/boltzmann_cell.hpp"
#include "oracles/quadrature.hpp"

namespace heatbath::reference {

/// Rules for dx = f(x) dt + sqrt(2T) dW with n, n' standard normal and s = sqrt(2T dt):
/// euler_maruyama x' = x + f(x) dt + s n; heun x' = x + (f(x) + f(x + f(x) dt + s n)) dt/2 + s n;
/// leimkuhler_matthews x' = x + f(x) dt + s (n + n')/2, where n' is the n of the next step (Leimkuhler & Matthews
/// 2013).
enum class StepRule { euler_maruyama, heun, leimkuhler_matthews };

/// The Markov chain of one step. Its backward operator (P g)(x) = E g(x'(x, n)) stands on Chebyshev points of an
/// interval, or on equal points of a circle, with Gauss–Hermite quadrature over n. Leimkuhler–Matthews is a chain in
/// y = x - s n/2 with y' = y + f(y + s n/2) dt + s n.
class OneStepChain {
 public:
  /// Where the chain lives. `circle`: force and observables are periodic in upper - lower; `line`: the ends must lie
  /// where the law is negligible.
  enum class Domain { line, circle };

  /// `temperature` > 0 at mobility 1, step `dt` > 0 in time units, at least 8 `points`; else std::invalid_argument.
  OneStepChain(Function force, double temperature, double dt, StepRule rule, Domain domain, double lower, double upper,
               int points = 128);
  OneStepChain(OneStepChain&&) noexcept;
  ~OneStepChain();

  /// Stationary <f(x)>. `f` must be smooth.
  double average(const Function& f) const;

  /// Rate lambda of the slowest decay (1 - nu)^(t/dt) = exp(-lambda t) in which the observable f takes part by
  /// symmetry, f itself need not be smooth.
  double relaxation_rate(const Function& f) const;

  /// Mean of x' - x per unit of time: the velocity of a chain on a circle, turns counted.
  double velocity() const;

 private:
  struct Solved;
  Function force_;
  double dt_, scale_;
  StepRule rule_;
  Eigen::VectorXd points_;
  Eigen::VectorXd law_;  // weights: the stationary mean of g is law_ . g(points_)
  std::unique_ptr<Solved> solved_;

  double step(double x, double noise) const;
};

/// <exp(-W/T)> of the plain work W of a chain of steps that starts in `start` while s goes from 0 to 1 in equal parts
/// after each step: W = sum of V(x, s') - V(x, s). In continuous time it is exp(-dF/T); the difference is the bias of
/// Jarzynski's estimate. `energy` and `force` take x and s. Backward in time, on the interval of `start`.
double stepped_work_average(const std::function<double(double x, double s)>& energy,
                            const std::function<double(double x, double s)>& force, const BoltzmannLaw& start,
                            double dt, int steps, StepRule rule);

}  // namespace heatbath::reference
