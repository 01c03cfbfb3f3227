#include "hw_model/device/stability.hpp"

#include <Eigen/Core>
#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace heatbath::model {
namespace {

constexpr double unbounded = std::numeric_limits<double>::infinity();
constexpr Eigen::Index krylov_size = 96;

/// y = (J + J^T) x / 2.
Eigen::VectorXd symmetric_product(const physics::Couplings::Rows& rows, const Eigen::VectorXd& x) {
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
  }
  return y;
}

bool is_explicit(physics::Stepper stepper) {
  return stepper == physics::Stepper::euler_maruyama || stepper == physics::Stepper::heun ||
         stepper == physics::Stepper::leimkuhler_matthews;
}

double largest(const std::vector<float>& values) {
  return values.empty() ? 0.0 : static_cast<double>(*std::max_element(values.begin(), values.end()));
}

}  // namespace

double largest_eigenvalue(const physics::Couplings& couplings, double gain) {
  if (couplings.zero() || gain == 0) return 0;
  const physics::Couplings::Rows rows = couplings.rows();
  const Eigen::Index n = couplings.cells(), size = std::min(n, krylov_size);
  // Lanczos with full orthogonalisation; the start has a component along every eigenvector but for chance.
  Eigen::MatrixXd basis(n, size);
  Eigen::VectorXd diagonal(size), below(size);
  Eigen::VectorXd next(n);
  for (Eigen::Index i = 0; i < n; ++i) next[i] = 1.0 + 0.5 * std::sin(1.0 + 12.9898 * static_cast<double>(i));
  Eigen::Index made = 0;
  for (double norm = next.norm(); made < size && norm > 1e-12 * std::abs(gain); ++made) {
    basis.col(made) = next / norm;
    below[made] = norm;
    next = gain * symmetric_product(rows, basis.col(made));
    diagonal[made] = basis.col(made).dot(next);
    for (int twice = 0; twice < 2; ++twice)
      next -= basis.leftCols(made + 1) * (basis.leftCols(made + 1).transpose() * next);
    norm = next.norm();
  }
  Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver;
  solver.computeFromTridiagonal(diagonal.head(made), below.segment(1, made - 1), Eigen::EigenvaluesOnly);
  return solver.eigenvalues().maxCoeff();
}

double longest_stable_step(const Profile& profile, const physics::ArraySpec& spec, const physics::Parameters& p,
                           double dt) {
  if (profile.refuse_unstable == Stability::never || spec.kind != physics::CellKind::overdamped ||
      !is_explicit(spec.stepper))
    return unbounded;
  const double x = profile.refuse_unstable == Stability::rail ? static_cast<double>(spec.rail) : 0.0;
  const double own = 2 * largest(p.j2) + 12 * largest(p.j4) * x * x;
  const double mobility = static_cast<double>(spec.mobility), gain = static_cast<double>(p.gain);
  const auto longest = [&](double coupled) {
    const double curvature = mobility * (coupled + own);
    return curvature > 0 ? 2 / curvature : unbounded;
  };
  const double safe = longest(std::abs(gain) * static_cast<double>(p.couplings->largest_row_sum()));
  return dt < safe ? safe : longest(largest_eigenvalue(*p.couplings, gain));
}

}  // namespace heatbath::model
