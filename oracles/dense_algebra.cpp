#include "oracles/dense_algebra.hpp"

#include <Eigen/Eigenvalues>
#include <Eigen/LU>
#include <unsupported/Eigen/MatrixFunctions>

namespace heatbath::reference {

using Eigen::MatrixXd;

MatrixXd inverse_of(const MatrixXd& a) { return a.inverse(); }

Eigen::VectorXd solution_of(const MatrixXd& a, const Eigen::VectorXd& b) { return a.partialPivLu().solve(b); }

MatrixXd exponential_of(const MatrixXd& a) { return a.exp(); }

Eigen::VectorXcd eigenvalues_of(const MatrixXd& a) { return a.eigenvalues(); }

Modes modes_of(const MatrixXd& a) {
  const Eigen::SelfAdjointEigenSolver<MatrixXd> solver(a);
  return {solver.eigenvalues(), solver.eigenvectors()};
}

Modes modes_of(const MatrixXd& a, const MatrixXd& b) {
  const Eigen::GeneralizedSelfAdjointEigenSolver<MatrixXd> solver(a, b);
  return {solver.eigenvalues(), solver.eigenvectors()};
}

}  // namespace heatbath::reference
