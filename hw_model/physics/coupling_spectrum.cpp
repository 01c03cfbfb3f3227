#include "hw_model/physics/coupling_spectrum.hpp"

#include <Eigen/Core>
#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>

#include "heatbath/numerics/work_watch.hpp"

namespace heatbath::physics {
namespace {

constexpr Eigen::Index krylov_size = 96;

/// y = (J + J^T) x / 2.
Eigen::VectorXd symmetric_product(const Couplings::Rows& rows, const Eigen::VectorXd& x) {
  Eigen::VectorXd y = Eigen::VectorXd::Zero(x.size());
  for (std::uint32_t i = 0; i < rows.cells; ++i) {
    const std::uint32_t begin = rows.columns != nullptr ? rows.begin[i] : 0;
    const std::uint32_t end = rows.columns != nullptr ? rows.begin[i + 1] : rows.cells;
    const float* values = rows.columns != nullptr ? rows.values : rows.values + std::size_t{i} * rows.cells;
    double sum = 0;
    for (std::uint32_t n = begin; n < end; ++n) {
      const std::uint32_t k = rows.columns != nullptr ? rows.columns[n] : n;
      const double half = 0.5 * static_cast<double>(values[n]);
      sum += half * x[k];
      y[k] += half * x[i];
    }
    y[i] += sum;
    numerics::spend(2 * (end - begin));
  }
  return y;
}

}  // namespace

double largest_eigenvalue(const Couplings& couplings, double gain) {
  if (couplings.zero() || gain == 0) return 0;
  const Couplings::Rows rows = couplings.rows();
  const Eigen::Index n = couplings.cells(), size = std::min(n, krylov_size);
  // Lanczos with full orthogonalisation; the start has a component along every eigenvector but for chance.
  Eigen::MatrixXd basis(n, size);
  Eigen::VectorXd diagonal(size), below(size);
  Eigen::VectorXd next(n);
  for (Eigen::Index i = 0; i < n; ++i) next[i] = 1.0 + 0.5 * std::sin(1.0 + 12.9898 * static_cast<double>(i));
  const double nothing = 1e-13 * static_cast<double>(couplings.largest_row_sum());
  Eigen::Index made = 0;
  for (double norm = next.norm(); made < size && (made == 0 || norm > nothing); ++made) {
    basis.col(made) = next / norm;
    below[made] = norm;
    next = symmetric_product(rows, basis.col(made));
    diagonal[made] = basis.col(made).dot(next);
    numerics::spend(static_cast<std::uint64_t>(n * (made + 1)));
    for (int twice = 0; twice < 2; ++twice)
      next -= basis.leftCols(made + 1) * (basis.leftCols(made + 1).transpose() * next);
    norm = next.norm();
  }
  Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver;
  solver.computeFromTridiagonal(diagonal.head(made), below.segment(1, made - 1), Eigen::EigenvaluesOnly);
  return gain > 0 ? gain * solver.eigenvalues().maxCoeff() : gain * solver.eigenvalues().minCoeff();
}

}  // namespace heatbath::physics
