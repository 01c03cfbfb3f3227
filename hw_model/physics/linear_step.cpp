#include "hw_model/physics/linear_step.hpp"

#include <Eigen/Cholesky>
#include <cmath>

namespace heatbath::physics {

double decay(double a) {
  if (a > 745) return 0.0;
  int halvings = 0;
  for (; a > 0.0625; a *= 0.5) ++halvings;
  double sum = 1.0;
  for (int n = 12; n > 0; --n) sum = 1.0 - sum * a / n;
  for (; halvings > 0; --halvings) sum *= sum;
  return sum;
}

LinearStep linear_step(const Eigen::MatrixXd& a, const Eigen::MatrixXd& q, double h) {
  using Eigen::MatrixXd;
  const auto n = a.rows();
  int doublings = 0;
  double piece = h;
  for (const double size = a.cwiseAbs().rowwise().sum().maxCoeff(); piece * size > 0.125; piece *= 0.5) ++doublings;
  // e^(-A s) = sum (-A s)^k / k!, and the integrand of the covariance, S_0 = Q, S_{k+1} = -(A S_k + S_k A^T), likewise.
  MatrixXd power = MatrixXd::Identity(n, n), propagate = power, respond = piece * power;
  MatrixXd source = q, covariance = piece * q;
  double factor = piece;
  for (int k = 1; k <= 14; ++k) {
    power = (-a * power).eval() * (piece / k);
    propagate += power;
    respond += power * (piece / (k + 1));
    source = (-(a * source + source * a.transpose())).eval();
    factor *= piece / (k + 1);
    covariance += factor * source;
  }
  for (; doublings > 0; --doublings) {
    covariance = (covariance + propagate * covariance * propagate.transpose()).eval();
    respond = (respond + propagate * respond).eval();
    propagate = (propagate * propagate).eval();
  }
  const Eigen::LDLT<MatrixXd> factored(covariance);
  MatrixXd root = factored.matrixL();
  const Eigen::VectorXd pivots = factored.vectorD();
  for (Eigen::Index i = 0; i < n; ++i) root.col(i) *= std::sqrt(std::max(0.0, pivots(i)));
  return {propagate, respond, factored.transpositionsP().transpose() * root};
}

std::optional<std::uint32_t> failing_pivot(Eigen::MatrixXd m) {
  for (Eigen::Index k = 0; k < m.rows(); ++k) {
    if (!(m(k, k) > 0)) return static_cast<std::uint32_t>(k);
    for (Eigen::Index i = k + 1; i < m.rows(); ++i) {
      const double l = m(i, k) / m(k, k);
      if (l == 0) continue;
      for (Eigen::Index j = k + 1; j <= i; ++j) m(i, j) -= l * m(j, k);
    }
  }
  return std::nullopt;
}

}  // namespace heatbath::physics
