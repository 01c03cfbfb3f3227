#include "numerics/dense_algebra.hpp"

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <Eigen/LU>

namespace heatbath::numerics {

using Eigen::MatrixXd;
using Eigen::VectorXd;

Modes symmetric_modes(const MatrixXd& a) {
  const Eigen::SelfAdjointEigenSolver<MatrixXd> of(a);
  return {of.eigenvalues(), of.eigenvectors()};
}

VectorXd symmetric_eigenvalues(const MatrixXd& a) {
  return Eigen::SelfAdjointEigenSolver<MatrixXd>(a, Eigen::EigenvaluesOnly).eigenvalues();
}

VectorXd symmetric_eigenvalues(const MatrixXd& a, const MatrixXd& b) {
  return Eigen::GeneralizedSelfAdjointEigenSolver<MatrixXd>(a, b, Eigen::EigenvaluesOnly).eigenvalues();
}

MatrixXd root(const Modes& of) { return of.vectors * of.values.cwiseSqrt().asDiagonal() * of.vectors.transpose(); }

MatrixXd inverse_root(const Modes& of) {
  return of.vectors * of.values.cwiseInverse().cwiseSqrt().asDiagonal() * of.vectors.transpose();
}

ComplexModes modes(const MatrixXd& a, Vectors vectors) {
  const bool wanted = vectors == Vectors::wanted;
  const Eigen::EigenSolver<MatrixXd> of(a, wanted);
  return {of.eigenvalues(), wanted ? Eigen::MatrixXcd(of.eigenvectors()) : Eigen::MatrixXcd()};
}

MatrixXd inverse(const MatrixXd& a) { return a.inverse(); }

MatrixXd solution(const MatrixXd& a, const MatrixXd& b) { return a.partialPivLu().solve(b); }

SymmetricSolution symmetric_solution(const MatrixXd& a, const MatrixXd& b) {
  const Eigen::LDLT<MatrixXd> of(a);
  return {of.solve(b), of.isPositive(), of.vectorD().minCoeff()};
}

Cholesky::Cholesky(const MatrixXd& a) : lower_(Eigen::LLT<MatrixXd>(a).matrixL()) {}

void Cholesky::solve_lower(VectorXd& x) const { lower_.triangularView<Eigen::Lower>().solveInPlace(x); }

void Cholesky::solve_upper(VectorXd& x) const { lower_.transpose().triangularView<Eigen::Upper>().solveInPlace(x); }

}  // namespace heatbath::numerics
