#include "oracles/exact_ou.hpp"

#include <Eigen/LU>
#include <cmath>
#include <stdexcept>
#include <string>

#include "oracles/dense_algebra.hpp"

namespace heatbath::reference {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

void check_sizes(const LinearNetwork& network) {
  const Index n = network.stiffness.rows();
  if (network.stiffness.cols() != n || network.diffusion.rows() != n || network.diffusion.cols() != n ||
      network.force.size() != n) {
    throw std::invalid_argument("LinearNetwork: stiffness and diffusion must be n x n and force n, with n = " +
                                std::to_string(n) + " rows of stiffness");
  }
}

// The sum over k of F^k C (F^k)^T by squaring (Smith 1968): S = F S F^T + C. Needs no Schur form, whose iteration in
// Eigen does not converge for a ring.
MatrixXd stationary_of_chain(MatrixXd propagator, MatrixXd covariance) {
  constexpr int most_squarings = 100;  // a slowest mode of 2^100 steps is none
  for (int i = 0; i < most_squarings; ++i) {
    covariance += (propagator * covariance * propagator.transpose()).eval();
    propagator = (propagator * propagator).eval();
    const double size = propagator.norm();
    if (size < 1e-10) {  // what is left is smaller by its square
      return 0.5 * (covariance + covariance.transpose());
    }
    if (!(size < 1e100)) {
      break;
    }
  }
  throw std::invalid_argument(
      "LinearNetwork: no stationary law: deviations do not decay; every eigenvalue of the "
      "stiffness wants a positive real part (and a step below 2 Re/|.|^2 of each)");
}

}  // namespace

LinearNetwork linear_network(const MatrixXd& stiffness, double temperature) {
  const Index n = stiffness.rows();
  return {stiffness, temperature * MatrixXd::Identity(n, n), VectorXd::Zero(n)};
}

LinearNetwork underdamped_cell(double stiffness, double mass, double damping, double temperature) {
  return underdamped_network(MatrixXd::Constant(1, 1, stiffness), MatrixXd::Constant(1, 1, mass),
                             VectorXd::Constant(1, damping), VectorXd::Constant(1, temperature));
}

LinearNetwork underdamped_network(const MatrixXd& stiffness, const MatrixXd& mass, const VectorXd& damping,
                                  const VectorXd& temperature) {
  const Index n = stiffness.rows();
  const MatrixXd inverse_mass = inverse_of(mass);
  LinearNetwork network{MatrixXd::Zero(2 * n, 2 * n), MatrixXd::Zero(2 * n, 2 * n), VectorXd::Zero(2 * n)};
  network.stiffness.topRightCorner(n, n) = -MatrixXd::Identity(n, n);
  network.stiffness.bottomLeftCorner(n, n) = inverse_mass * stiffness;
  network.stiffness.bottomRightCorner(n, n) = inverse_mass * damping.asDiagonal();
  const VectorXd power = damping.cwiseProduct(temperature);
  network.diffusion.bottomRightCorner(n, n) = inverse_mass * power.asDiagonal() * inverse_mass.transpose();
  return network;
}

LinearNetwork band_limited_cell(double stiffness, double correlation_time, double temperature) {
  LinearNetwork network{MatrixXd::Zero(2, 2), MatrixXd::Zero(2, 2), VectorXd::Zero(2)};
  network.stiffness << stiffness, -1, 0, 1 / correlation_time;
  network.diffusion(1, 1) = temperature / (correlation_time * correlation_time);
  return network;
}

OuTransition ou_transition(const LinearNetwork& network, double time) {
  check_sizes(network);
  if (!(time >= 0)) {
    throw std::invalid_argument("ou_transition: the time must not be negative");
  }
  const Index n = network.stiffness.rows();
  const double size = network.stiffness.cwiseAbs().rowwise().sum().maxCoeff() * time;
  const int doublings = size > 1 ? static_cast<int>(std::ceil(std::log2(size))) : 0;
  const double step = std::ldexp(time, -doublings);

  // exp of [[A, 2D, 0], [0, -A^T, 0], [0, 0, 0]] t holds exp(-A^T t) and exp(At) times the covariance; the force rides
  // on a block of its own.
  MatrixXd block = MatrixXd::Zero(2 * n, 2 * n);
  block.topLeftCorner(n, n) = network.stiffness;
  block.topRightCorner(n, n) = 2 * network.diffusion;
  block.bottomRightCorner(n, n) = -network.stiffness.transpose();
  const MatrixXd exponential = exponential_of(block * step);
  MatrixXd affine = MatrixXd::Zero(n + 1, n + 1);
  affine.topLeftCorner(n, n) = -network.stiffness;
  affine.topRightCorner(n, 1) = network.force;
  const MatrixXd moved = exponential_of(affine * step);

  OuTransition result;
  result.propagator = moved.topLeftCorner(n, n);
  result.shift = moved.topRightCorner(n, 1);
  result.covariance = result.propagator * exponential.topRightCorner(n, n);
  for (int i = 0; i < doublings; ++i) {
    result.covariance += (result.propagator * result.covariance * result.propagator.transpose()).eval();
    result.shift += (result.propagator * result.shift).eval();
    result.propagator = (result.propagator * result.propagator).eval();
  }
  result.covariance = (0.5 * (result.covariance + result.covariance.transpose())).eval();
  return result;
}

VectorXd ou_mean(const LinearNetwork& network, const VectorXd& start, double time) {
  const OuTransition transition = ou_transition(network, time);
  return transition.propagator * start + transition.shift;
}

MatrixXd ou_covariance(const LinearNetwork& network, const MatrixXd& start, double time) {
  const OuTransition transition = ou_transition(network, time);
  return transition.propagator * start * transition.propagator.transpose() + transition.covariance;
}

VectorXd stationary_mean(const LinearNetwork& network) {
  stationary_covariance(network);  // refuses what has no stationary law
  return solution_of(network.stiffness, network.force);
}

MatrixXd stationary_covariance(const LinearNetwork& network) {
  check_sizes(network);
  const double size = network.stiffness.norm();
  const OuTransition transition = ou_transition(network, size > 0 ? 1 / size : 1);
  return stationary_of_chain(transition.propagator, transition.covariance);
}

MatrixXd autocorrelation(const LinearNetwork& network, double time) {
  return ou_transition(network, time).propagator * stationary_covariance(network);
}

MatrixXd euler_maruyama_covariance(const LinearNetwork& network, double dt) {
  if (!(dt >= 0)) {
    throw std::invalid_argument("euler_maruyama_covariance: the step must not be negative");
  }
  check_sizes(network);
  if (dt == 0) {
    return stationary_covariance(network);
  }
  const Index n = network.stiffness.rows();
  return stationary_of_chain(MatrixXd::Identity(n, n) - dt * network.stiffness, 2 * dt * network.diffusion);
}

double entropy_production_rate(const LinearNetwork& network) {
  const MatrixXd covariance = stationary_covariance(network);
  const Eigen::FullPivLU<MatrixXd> diffusion(network.diffusion);
  if (!diffusion.isInvertible()) {
    throw std::invalid_argument("entropy_production_rate: the diffusion must be invertible");
  }
  // Stationary mean velocity -(A - D S^-1) y at deviation y.
  const MatrixXd velocity = network.stiffness - network.diffusion * inverse_of(covariance);
  return diffusion.solve(velocity * covariance * velocity.transpose()).trace();
}

double gaussian_mutual_information(const MatrixXd& covariance, Index i, Index j) {
  const double rho_squared = covariance(i, j) * covariance(i, j) / (covariance(i, i) * covariance(j, j));
  return -0.5 * std::log1p(-rho_squared);
}

}  // namespace heatbath::reference
