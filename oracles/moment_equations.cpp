#include "oracles/moment_equations.hpp"

#include <Eigen/LU>
#include <boost/numeric/odeint/integrate/integrate_adaptive.hpp>
#include <boost/numeric/odeint/stepper/controlled_runge_kutta.hpp>
#include <boost/numeric/odeint/stepper/generation.hpp>
#include <boost/numeric/odeint/stepper/runge_kutta_dopri5.hpp>
#include <cmath>
#include <stdexcept>
#include <vector>

namespace heatbath::reference {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using State = std::vector<double>;

// The unknowns as one vector: m, S, u, U, <W>, Var(W).
template <class Vector, class Matrix, class Scalar>
struct Unknowns {
  Vector mean;
  Matrix covariance;
  Vector work_position;
  Matrix work_square;
  Scalar* work;  // <W>, Var(W)
};

std::size_t unknowns(Index n) { return static_cast<std::size_t>(2 * n * n + 2 * n + 2); }

auto view(State& s, Index n) {
  double* p = s.data();
  return Unknowns<Eigen::Map<VectorXd>, Eigen::Map<MatrixXd>, double>{
      {p, n}, {p + n, n, n}, {p + n + n * n, n}, {p + 2 * n + n * n, n, n}, p + 2 * n + 2 * n * n};
}

auto view(const State& s, Index n) {
  const double* p = s.data();
  return Unknowns<Eigen::Map<const VectorXd>, Eigen::Map<const MatrixXd>, const double>{
      {p, n}, {p + n, n, n}, {p + n + n * n, n}, {p + 2 * n + n * n, n, n}, p + 2 * n + 2 * n * n};
}

DrivenMoments equilibrium(double stiffness, double temperature) {
  return {VectorXd::Zero(1), MatrixXd::Constant(1, 1, temperature / stiffness), 0, 0};
}

MatrixXd one(double value) { return MatrixXd::Constant(1, 1, value); }

}  // namespace

DrivenMoments drive_moments(const DrivenNetwork& network, const DrivenMoments& start, double from, double to,
                            double tolerance) {
  const Index n = start.mean.size();
  if (start.covariance.rows() != n || start.covariance.cols() != n || network.temperature.size() != n) {
    throw std::invalid_argument("drive_moments: mean, covariance and temperature must be of one size");
  }
  if (!(to >= from)) {
    throw std::invalid_argument("drive_moments: the end must not lie before the start");
  }
  State state(unknowns(n), 0.0);
  auto begin = view(state, n);
  begin.mean = start.mean;
  begin.covariance = start.covariance;
  begin.work[0] = start.work_mean;
  begin.work[1] = start.work_variance;

  const auto rates = [&](const State& s, State& ds, double time) {
    const QuadraticDrive now = network.drive(time);
    const auto x = view(s, n);
    auto rate = view(ds, n);
    const VectorXd d = x.mean - now.centre;
    const VectorXd g = now.stiffness_rate * d - now.stiffness * now.centre_rate;
    rate.mean.noalias() = -now.stiffness * d;
    rate.covariance.noalias() = -now.stiffness * x.covariance - x.covariance * now.stiffness;
    rate.covariance.diagonal() += 2 * network.temperature;
    rate.work_position.noalias() = -now.stiffness * x.work_position + x.covariance * g;
    rate.work_square.noalias() = -now.stiffness * x.work_square - x.work_square * now.stiffness;
    rate.work_square += x.covariance * now.stiffness_rate * x.covariance;
    rate.work[0] = 0.5 * (now.stiffness_rate * x.covariance).trace() + 0.5 * d.dot(now.stiffness_rate * d) -
                   now.centre_rate.dot(now.stiffness * d);
    rate.work[1] = (now.stiffness_rate * x.work_square).trace() + 2 * g.dot(x.work_position);
  };
  if (to > from) {
    namespace odeint = boost::numeric::odeint;
    odeint::integrate_adaptive(odeint::make_controlled<odeint::runge_kutta_dopri5<State>>(tolerance, tolerance), rates,
                               state, from, to, (to - from) * 1e-3);
  }
  const auto end = view(static_cast<const State&>(state), n);
  return {end.mean, end.covariance, end.work[0], end.work[1]};
}

double quadratic_free_energy_difference(const QuadraticDrive& from, const QuadraticDrive& to, double temperature) {
  return 0.5 * temperature * std::log(to.stiffness.determinant() / from.stiffness.determinant());
}

DrivenMoments linear_stiffness_ramp(double stiffness_from, double stiffness_to, double duration, double temperature) {
  const double rate = (stiffness_to - stiffness_from) / duration;
  const DrivenNetwork network{
      [=](double time) {
        return QuadraticDrive{one(stiffness_from + rate * time), VectorXd::Zero(1), one(rate), VectorXd::Zero(1)};
      },
      VectorXd::Constant(1, temperature)};
  return drive_moments(network, equilibrium(stiffness_from, temperature), 0, duration);
}

DrivenMoments dragged_trap(double stiffness, double speed, double duration, double temperature) {
  const DrivenNetwork network{[=](double time) {
                                return QuadraticDrive{one(stiffness), VectorXd::Constant(1, speed * time), one(0),
                                                      VectorXd::Constant(1, speed)};
                              },
                              VectorXd::Constant(1, temperature)};
  return drive_moments(network, equilibrium(stiffness, temperature), 0, duration);
}

QuenchWork stiffness_quench(double stiffness_from, double stiffness_to, double temperature) {
  const double excess = stiffness_to / stiffness_from - 1;
  return {0.5 * temperature * excess, 0.5 * temperature * temperature * excess * excess,
          std::sqrt(stiffness_from / stiffness_to)};
}

double optimal_stiffness_work(double stiffness_from, double stiffness_to, double duration, double temperature) {
  const double s0 = std::sqrt(temperature / stiffness_from);
  const double quadratic = stiffness_to + 2 / duration;
  const double half_linear = s0 / duration;
  const double s1 = (half_linear + std::sqrt(half_linear * half_linear + quadratic * temperature)) / quadratic;
  return 0.5 * stiffness_to * s1 * s1 - 0.5 * temperature - temperature * std::log(s1 / s0) +
         (s1 - s0) * (s1 - s0) / duration;
}

}  // namespace heatbath::reference
