#include "hw_model/physics/linear_step.hpp"

#include <algorithm>
#include <cmath>

#include "heatbath/numerics/work_watch.hpp"

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

double loss(double a) {
  if (a > 0.0625) return 1.0 - decay(a);
  double sum = 1.0;
  for (int n = 12; n > 1; --n) sum = 1.0 - sum * a / n;
  return sum * a;
}

Eigen::MatrixXd ordered_product(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b) {
  Eigen::MatrixXd c = Eigen::MatrixXd::Zero(a.rows(), b.cols());
  for (Eigen::Index j = 0; j < b.cols(); ++j) {
    numerics::spend(static_cast<std::uint64_t>(a.size()));
    for (Eigen::Index k = 0; k < b.rows(); ++k)
      if (b(k, j) != 0) c.col(j) += b(k, j) * a.col(k);
  }
  return c;
}

namespace {

// L with L L^T = m, lower triangular. `pivot` makes the root's diagonal from what is left of a diagonal entry and its
// row; 0 leaves the column empty.
template <class Pivot>
Eigen::MatrixXd lower_root(Eigen::MatrixXd m, Pivot pivot) {
  const Eigen::Index n = m.rows();
  Eigen::MatrixXd root = Eigen::MatrixXd::Zero(n, n);
  for (Eigen::Index k = 0; k < n; ++k) {
    numerics::spend(static_cast<std::uint64_t>((n - k) * (n - k)));
    root(k, k) = std::sqrt(pivot(m(k, k), k));
    if (root(k, k) == 0) continue;
    const Eigen::Index below = n - k - 1;
    root.col(k).tail(below) = m.col(k).tail(below) / root(k, k);
    for (Eigen::Index j = k + 1; j < n; ++j) m.col(j).tail(n - j) -= root(j, k) * root.col(k).tail(n - j);
  }
  return root;
}

}  // namespace

Eigen::MatrixXd positive_inverse(Eigen::MatrixXd m) {
  const double floor = 1e-12 * m.diagonal().maxCoeff();
  const Eigen::MatrixXd root =
      lower_root(std::move(m), [&](double left, Eigen::Index) { return std::max(left, floor); });
  const Eigen::Index n = root.rows();
  Eigen::MatrixXd inverse = Eigen::MatrixXd::Identity(n, n);  // of the root
  for (Eigen::Index k = 0; k < n; ++k) {
    numerics::spend(static_cast<std::uint64_t>(2 * n * (n - k)));
    inverse.row(k) /= root(k, k);
    for (Eigen::Index i = k + 1; i < n; ++i)
      if (root(i, k) != 0) inverse.row(i) -= root(i, k) * inverse.row(k);
  }
  return ordered_product(inverse.transpose(), inverse);
}

LinearStep linear_step(const Eigen::MatrixXd& a, const Eigen::MatrixXd& q, double h, bool lean) {
  using Eigen::MatrixXd;
  const auto n = a.rows();
  int doublings = 0;
  double piece = h;
  for (const double size = a.cwiseAbs().rowwise().sum().maxCoeff(); piece * size > 0.125; piece *= 0.5) ++doublings;
  // e^(-A s) = sum (-A s)^k / k!, and the integrand of the covariance, S_0 = Q, S_{k+1} = -(A S_k + S_k A^T), likewise.
  MatrixXd power = MatrixXd::Identity(n, n), propagate = power, respond = piece * power;
  MatrixXd source = q, covariance = piece * q, change = MatrixXd::Zero(n, n);
  MatrixXd moment = 0.5 * piece * piece * power;  // int_0^h e^(-A s) s ds
  double factor = piece;
  for (int k = 1; k <= 14; ++k) {
    power = ordered_product(a, power) * (-piece / k);
    propagate += power;
    change += power;
    respond += power * (piece / (k + 1));
    if (lean) moment += power * (piece * piece / (k + 2));
    const MatrixXd half = ordered_product(a, source);  // source stays symmetric
    source = -(half + half.transpose());
    factor *= piece / (k + 1);
    covariance += factor * source;
  }
  for (; doublings > 0; --doublings, piece *= 2) {
    if (lean) moment += ordered_product(propagate, moment + piece * respond);
    covariance += ordered_product(ordered_product(propagate, covariance), propagate.transpose());
    respond += ordered_product(propagate, respond);
    propagate = ordered_product(propagate, propagate);
    change = 2 * change + ordered_product(change, change);
  }
  // A covariance may be singular: without noise, or with more variables than noises.
  const Eigen::VectorXd diagonal = covariance.diagonal();
  return {propagate, respond,
          lower_root(covariance, [&](double left, Eigen::Index k) { return left > 1e-13 * diagonal(k) ? left : 0.0; }),
          lean ? MatrixXd(0.5 * respond - moment / h) : MatrixXd(), change};
}

std::optional<std::uint32_t> failing_pivot(Eigen::MatrixXd m) {
  for (Eigen::Index k = 0; k < m.rows(); ++k) {
    if (!(m(k, k) > 0)) return static_cast<std::uint32_t>(k);
    numerics::spend(static_cast<std::uint64_t>((m.rows() - k) * (m.rows() - k)));
    for (Eigen::Index i = k + 1; i < m.rows(); ++i) {
      const double l = m(i, k) / m(k, k);
      if (l == 0) continue;
      for (Eigen::Index j = k + 1; j <= i; ++j) m(i, j) -= l * m(j, k);
    }
  }
  return std::nullopt;
}

}  // namespace heatbath::physics
