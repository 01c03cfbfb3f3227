#pragma once
// What the project wants of Eigen's decompositions, compiled once: their templates take tens of seconds in every file that
// uses them. Oracles and tests have their own (oracles/dense_algebra.hpp), as an oracle shares no code with the product.
// Not installed. All matrices are square and real unless said.

#include <Eigen/Core>

namespace heatbath::numerics {

/// Eigenvalues in rising order, and orthonormal vectors as columns.
struct Modes {
  Eigen::VectorXd values;
  Eigen::MatrixXd vectors;
};
/// Of a symmetric matrix, of which the lower half is read.
Modes symmetric_modes(const Eigen::MatrixXd& a);
/// The values alone, in rising order.
Eigen::VectorXd symmetric_eigenvalues(const Eigen::MatrixXd& a);
/// Values of a v = value b v in rising order; `a` symmetric, `b` symmetric and positive definite.
Eigen::VectorXd symmetric_eigenvalues(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b);
/// Root of a symmetric positive definite matrix by its modes, and the inverse of the root.
Eigen::MatrixXd root(const Modes& of);
Eigen::MatrixXd inverse_root(const Modes& of);

/// Of any matrix; `vectors` (as columns, of length 1) only if asked for.
struct ComplexModes {
  Eigen::VectorXcd values;
  Eigen::MatrixXcd vectors;
};
enum class Vectors { wanted, not_wanted };
ComplexModes modes(const Eigen::MatrixXd& a, Vectors vectors);

/// By partial pivoting.
Eigen::MatrixXd inverse(const Eigen::MatrixXd& a);
Eigen::MatrixXd solution(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b);

/// a = P' L D L' P of a symmetric matrix, of which the lower half is read.
struct SymmetricSolution {
  Eigen::MatrixXd x;          ///< of a x = b
  bool semidefinite = false;  ///< no entry of D is below 0
  double least = 0;           ///< the smallest entry of D
};
SymmetricSolution symmetric_solution(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b);

/// a = L L' of a symmetric matrix that the caller knows to be positive definite, of which the lower half is read.
class Cholesky {
 public:
  explicit Cholesky(const Eigen::MatrixXd& a);
  /// x <- L^-1 x and x <- L'^-1 x.
  void solve_lower(Eigen::VectorXd& x) const;
  void solve_upper(Eigen::VectorXd& x) const;

 private:
  Eigen::MatrixXd lower_;
};

}  // namespace heatbath::numerics
