#include "oracles/one_step_chain.hpp"

#include <Eigen/LU>
#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>
#include <utility>
#include <vector>

#include "oracles/dense_algebra.hpp"

namespace heatbath::reference {
namespace {

constexpr int kNoisePoints = 32;

// Points and weights of the standard normal law: eigenvalues of the Jacobi matrix of Hermite polynomials (Golub &
// Welsch 1969).
QuadratureRule normal_rule(int points) {
  Eigen::MatrixXd jacobi = Eigen::MatrixXd::Zero(points, points);
  for (int k = 1; k < points; ++k) {
    jacobi(k, k - 1) = jacobi(k - 1, k) = std::sqrt(static_cast<double>(k));
  }
  const Modes modes = modes_of(jacobi);
  QuadratureRule rule;
  for (int k = 0; k < points; ++k) {
    rule.nodes.push_back(modes.values(k));
    rule.weights.push_back(modes.vectors(0, k) * modes.vectors(0, k));
  }
  return rule;
}

const QuadratureRule& noise() {
  static const QuadratureRule rule = normal_rule(kNoisePoints);
  return rule;
}

double advance(StepRule rule, const Function& force, double dt, double scale, double x, double n) {
  switch (rule) {
    case StepRule::heun: {
      const double start = force(x), predicted = x + start * dt + scale * n;
      return x + (start + force(predicted)) * dt / 2 + scale * n;
    }
    case StepRule::leimkuhler_matthews: return x + force(x + scale * n / 2) * dt + scale * n;
    default: return x + force(x) * dt + scale * n;
  }
}

}  // namespace

// (1 - P) g = f with <g> = 0, bordered by the constant function and the stationary law.
struct OneStepChain::Solved {
  Eigen::PartialPivLU<Eigen::MatrixXd> lu;
};

OneStepChain::OneStepChain(Function force, double temperature, double dt, StepRule rule, Domain domain, double lower,
                           double upper, int points)
    : force_(std::move(force)), dt_(dt), scale_(std::sqrt(2 * temperature * dt)), rule_(rule) {
  if (!(temperature > 0) || !(dt > 0) || !(upper > lower) || points < 8) {
    throw std::invalid_argument("OneStepChain: wants temperature and dt above 0, lower < upper and 8 points");
  }
  const bool circle = domain == Domain::circle;
  const int n = circle ? points | 1 : points;  // an odd number of trigonometric functions
  points_.resize(n);
  Eigen::VectorXd barycentric(n);
  for (int k = 0; k < n; ++k) {
    const double angle = (2 * k + 1) * std::numbers::pi / (2 * n);
    points_(k) = circle ? lower + (upper - lower) * k / n : (lower + upper) / 2 - (upper - lower) / 2 * std::cos(angle);
    barycentric(k) = (k % 2 == 0 ? 1 : -1) * (circle ? 1.0 : std::sin(angle));
  }
  Eigen::MatrixXd operator_matrix = Eigen::MatrixXd::Zero(n, n);
  Eigen::RowVectorXd row(n);
  for (int i = 0; i < n; ++i) {
    for (int q = 0; q < kNoisePoints; ++q) {
      double y = step(points_(i), noise().nodes[static_cast<std::size_t>(q)]);
      if (!circle) {
        y = std::clamp(y, lower, upper);
      }
      Eigen::Index hit = -1;
      for (int k = 0; k < n; ++k) {
        const double distance = circle ? std::sin(std::numbers::pi * (y - points_(k)) / (upper - lower)) : y - points_(k);
        if (std::fabs(distance) < 1e-14 * (upper - lower)) {
          hit = k;
        }
        row(k) = barycentric(k) / distance;
      }
      const double weight = noise().weights[static_cast<std::size_t>(q)];
      if (hit >= 0) {
        operator_matrix(i, hit) += weight;
      } else {
        operator_matrix.row(i) += weight / row.sum() * row;
      }
    }
  }
  const Eigen::MatrixXd generator = Eigen::MatrixXd::Identity(n, n) - operator_matrix;
  // law (1 - P) = 0 with sum 1: the columns of 1 - P are linearly dependent, so the matrix is bordered by
  // the normalisation.
  Eigen::MatrixXd bordered(n + 1, n + 1);
  bordered << generator, Eigen::VectorXd::Ones(n), Eigen::RowVectorXd::Ones(n), 0;
  const Eigen::PartialPivLU<Eigen::MatrixXd> first(bordered.transpose());
  Eigen::VectorXd unit = Eigen::VectorXd::Zero(n + 1);
  unit(n) = 1;
  law_ = first.solve(unit).head(n);
  bordered << generator, Eigen::VectorXd::Ones(n), law_.transpose(), 0;
  solved_ = std::make_unique<Solved>(Solved{bordered.partialPivLu()});
}

OneStepChain::OneStepChain(OneStepChain&&) noexcept = default;
OneStepChain::~OneStepChain() = default;

double OneStepChain::step(double x, double n) const { return advance(rule_, force_, dt_, scale_, x, n); }

double OneStepChain::average(const Function& f) const {
  double sum = 0;
  for (Eigen::Index i = 0; i < points_.size(); ++i) {
    if (rule_ != StepRule::leimkuhler_matthews) {
      sum += law_(i) * f(points_(i));
      continue;
    }
    for (std::size_t q = 0; q < noise().nodes.size(); ++q) {
      sum += law_(i) * noise().weights[q] * f(points_(i) + scale_ * noise().nodes[q] / 2);
    }
  }
  return sum;
}

double OneStepChain::relaxation_rate(const Function& f) const {
  const Eigen::Index n = points_.size();
  Eigen::VectorXd right = Eigen::VectorXd::Zero(n + 1);
  for (Eigen::Index i = 0; i < n; ++i) {
    right(i) = f(points_(i));
  }
  double eigenvalue = 0;
  for (int turn = 0; turn < 500; ++turn) {
    right.head(n).array() -= law_.dot(right.head(n));
    right(n) = 0;
    right /= right.head(n).norm();
    const Eigen::VectorXd solution = solved_->lu.solve(right);
    const double before = eigenvalue;
    eigenvalue = 1 / right.head(n).dot(solution.head(n));
    right.head(n) = solution.head(n);
    if (turn > 3 && std::fabs(eigenvalue - before) < 1e-10 * std::fabs(eigenvalue)) {
      return -std::log1p(-eigenvalue) / dt_;
    }
  }
  throw std::runtime_error("OneStepChain: the slowest mode did not settle");
}

double OneStepChain::velocity() const {
  double sum = 0;
  for (Eigen::Index i = 0; i < points_.size(); ++i) {
    for (std::size_t q = 0; q < noise().nodes.size(); ++q) {
      sum += law_(i) * noise().weights[q] * (step(points_(i), noise().nodes[q]) - points_(i));
    }
  }
  return sum / dt_;
}

double stepped_work_average(const std::function<double(double x, double s)>& energy,
                            const std::function<double(double x, double s)>& force, const BoltzmannLaw& start,
                            double dt, int steps, StepRule rule) {
  constexpr int kPoints = 96, kFewNoisePoints = 10;
  constexpr double kOutside = 1e-12;
  const QuadratureRule few = normal_rule(kFewNoisePoints);
  const double lower = start.quantile(kOutside), upper = start.quantile(1 - kOutside);
  const double scale = std::sqrt(2 * start.temperature() * dt);
  std::vector<double> x(kPoints), barycentric(kPoints), later(kPoints, 1.0), now(kPoints);
  for (int k = 0; k < kPoints; ++k) {
    const double angle = (2 * k + 1) * std::numbers::pi / (2 * kPoints);
    x[k] = (lower + upper) / 2 - (upper - lower) / 2 * std::cos(angle);
    barycentric[k] = (k % 2 == 0 ? 1 : -1) * std::sin(angle);
  }
  const auto interpolate = [&](double y) {
    double above = 0, below = 0;
    for (int k = 0; k < kPoints; ++k) {
      const double distance = y - x[k];
      if (distance == 0) return later[k];
      above += barycentric[k] / distance * later[k];
      below += barycentric[k] / distance;
    }
    return above / below;
  };
  for (int step = steps - 1; step >= 0; --step) {
    const double s = static_cast<double>(step) / steps, next = static_cast<double>(step + 1) / steps;
    const Function f = [&](double y) { return force(y, s); };
    for (int k = 0; k < kPoints; ++k) {
      now[k] = 0;
      for (std::size_t q = 0; q < few.nodes.size(); ++q) {
        const double y = std::clamp(advance(rule, f, dt, scale, x[k], few.nodes[q]), lower, upper);
        now[k] += few.weights[q] * std::exp(-(energy(y, next) - energy(y, s)) / start.temperature()) * interpolate(y);
      }
    }
    later = now;
  }
  return start.average([&](double y) { return interpolate(std::clamp(y, lower, upper)); });
}

}  // namespace heatbath::reference
