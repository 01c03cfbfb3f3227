#pragma once
// Exact steps of linear stochastic equations; made when parameters change, outside of the steps.
//
// Eigen keeps the matrices; products and factorisations are written out in a fixed order, for Eigen's own depend on the
// processor's caches and vector width, and with them the bits of every step that follows.

#include <Eigen/Core>
#include <cstdint>
#include <optional>

namespace heatbath::physics {

/// e^-a for a >= 0, in arithmetic that gives the same bits everywhere.
double decay(double a);
/// 1 - e^-a for a >= 0, to the last digits however small a is, likewise.
double loss(double a);

/// One step of dz = (-A z + c) dt + noise of diffusion Q (<noise noise^T> = Q dt):
///   z' = propagate z + respond c + spread n, n standard normal.
struct LinearStep {
  Eigen::MatrixXd propagate;  ///< e^(-A h)
  Eigen::MatrixXd respond;    ///< int_0^h e^(-A s) ds; A may be singular
  Eigen::MatrixXd spread;     ///< a square root of int_0^h e^(-A s) Q e^(-A^T s) ds
  /// int_0^h e^(-A s) (1/2 - s/h) ds: times the change of c over the step, added when c changes linearly and its value
  /// in the middle of the step is used; empty unless asked for.
  Eigen::MatrixXd lean;
  Eigen::MatrixXd change;     ///< e^(-A h) - 1, to the last digits however small A h is
};

/// Taylor series over a short piece of h, doubled up to h. Cost: O(n^3 log(h |A|)).
LinearStep linear_step(const Eigen::MatrixXd& a, const Eigen::MatrixXd& q, double h, bool lean = false);

/// a b, one chain per element over the inner index ascending.
Eigen::MatrixXd ordered_product(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b);

/// Inverse of a symmetric positive definite matrix. Pivots are held above 1e-12 of the largest diagonal entry, so that
/// the result is finite for any matrix with a positive diagonal entry.
Eigen::MatrixXd positive_inverse(Eigen::MatrixXd matrix);

/// The first row at which the Cholesky factorisation of a symmetric matrix meets a pivot that is not positive; nothing
/// for a positive definite matrix.
std::optional<std::uint32_t> failing_pivot(Eigen::MatrixXd matrix);

}  // namespace heatbath::physics
