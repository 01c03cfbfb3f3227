#pragma once
// What the oracles and the tests want of Eigen's dense algebra, compiled once: its templates take seconds in every file
// that uses them.

#include <Eigen/Core>

namespace heatbath::reference {

/// Of a square matrix of full rank, by partial pivoting.
Eigen::MatrixXd inverse_of(const Eigen::MatrixXd& a);
/// x of a x = b, by partial pivoting.
Eigen::VectorXd solution_of(const Eigen::MatrixXd& a, const Eigen::VectorXd& b);
/// e^a, by scaling and squaring.
Eigen::MatrixXd exponential_of(const Eigen::MatrixXd& a);
/// Eigenvalues of a square matrix.
Eigen::VectorXcd eigenvalues_of(const Eigen::MatrixXd& a);

/// Eigenvalues in rising order, and their vectors as columns.
struct Modes {
  Eigen::VectorXd values;
  Eigen::MatrixXd vectors;
};
/// Of a symmetric matrix: orthonormal vectors.
Modes modes_of(const Eigen::MatrixXd& a);
/// a v = value b v of symmetric a and positive b: v^T b v = 1.
Modes modes_of(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b);

}  // namespace heatbath::reference
