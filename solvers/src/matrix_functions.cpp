#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>

#include <Eigen/Core>

#include "heatbath/error.hpp"
#include "heatbath/numerics/random.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/solvers/linear.hpp"
#include "numerics/dense_algebra.hpp"
#include "solvers/src/averages.hpp"
#include "solvers/src/linear_checks.hpp"

namespace heatbath::solvers {

namespace {

using network::Edge;
using network::Network;
using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using View = Eigen::Map<const Matrix>;

constexpr std::size_t most_rows = 512;


std::size_t rows_of(std::span<const double> A, const LinearOptions& options, const char* who) {
  const auto n = static_cast<std::size_t>(std::llround(std::sqrt(static_cast<double>(A.size()))));
  check(options, A.size(), n);
  if (n > most_rows) throw Error(HB_BAD_ARG, std::string(who) + ": " + std::to_string(n) + " rows; at most " + std::to_string(most_rows));
  for (std::size_t k = 0; k < A.size(); ++k)
    if (!std::isfinite(A[k]))
      throw Error(HB_BAD_ARG, std::string(who) + ": entry (" + std::to_string(k / n) + ", " + std::to_string(k % n) + ") is " + numerics::general(A[k], 4) + "; finite numbers are needed");
  return n;
}

/// A network with dx = -M x dt + noise of one strength for all cells; `alike`: M is symmetric.
struct Drift {
  Network network;
  double highest = 0, lowest = 0;  // eigenvalues of the symmetric part
};

Drift drift_of(const Matrix& M, const char* who, const char* where) {
  const auto n = static_cast<std::uint32_t>(M.rows());
  const Matrix part = 0.5 * (M + M.transpose());
  const Eigen::VectorXd modes = numerics::symmetric_eigenvalues(part);
  if (!(modes(0) > 0))
    throw Error(HB_BAD_ARG, std::string(who) + ": the symmetric part of " + where + " has the eigenvalue " + numerics::general(modes(0), 4) + "; above 0 is needed");
  Drift drift{Network(CellKind::overdamped, n), modes(n - 1), modes(0)};
  drift.network.set(CellSection::j4, 0.0);
  std::vector<double> half(n);
  for (std::uint32_t i = 0; i < n; ++i) half[i] = M(i, i) / 2;
  drift.network.set(CellSection::j2, half);
  std::vector<Edge> edges;
  if ((M - M.transpose()).norm() <= 1e-12 * M.norm()) {
    for (std::uint32_t i = 0; i < n; ++i)
      for (std::uint32_t j = i + 1; j < n; ++j)
        if (part(i, j) != 0) edges.push_back({i, j, part(i, j)});
    drift.network.set_couplings(edges);
  } else {
    for (std::uint32_t i = 0; i < n; ++i)
      for (std::uint32_t j = 0; j < n; ++j)
        if (i != j && M(i, j) != 0) edges.push_back({i, j, M(i, j)});
    drift.network.set_directed(edges);
  }
  return drift;
}

/// Nodes and weights of Gauss and Legendre on 0..1 (Golub & Welsch 1969).
struct Rule {
  Eigen::VectorXd nodes, weights;
};
Rule gauss_legendre(int count) {
  Eigen::MatrixXd jacobi = Eigen::MatrixXd::Zero(count, count);
  for (int k = 1; k < count; ++k) jacobi(k, k - 1) = jacobi(k - 1, k) = k / std::sqrt(4.0 * k * k - 1);
  const numerics::Modes modes = numerics::symmetric_modes(jacobi);
  return {(modes.values.array() + 1) / 2, modes.vectors.row(0).array().square().transpose()};
}

/// The integral of mu/(1 + s mu) over s = 0..1 by a rule in v, s = 1 - v^2, which draws nodes together where the slowest
/// mode bends: ln(1 + mu).
double integral_of(const Rule& rule, double mu) {
  double sum = 0;
  for (Eigen::Index k = 0; k < rule.nodes.size(); ++k) {
    const double v = rule.nodes(k);
    sum += rule.weights(k) * 2 * v * mu / (1 + (1 - v * v) * mu);
  }
  return sum;
}

}  // namespace

LinearResult lyapunov(Device& device, std::span<const double> A, std::span<const double> R, const LinearOptions& options) {
  const std::size_t n = rows_of(A, options, "lyapunov");
  if (R.size() != A.size()) throw Error(HB_BAD_ARG, "lyapunov: R has " + std::to_string(R.size()) + " entries; A has " + std::to_string(A.size()));
  rows_of(R, options, "lyapunov");
  const View a(A.data(), static_cast<Eigen::Index>(n), static_cast<Eigen::Index>(n)), r(R.data(), a.rows(), a.cols());
  if ((r - r.transpose()).norm() > 1e-12 * r.norm()) throw Error(HB_BAD_ARG, "lyapunov: R is not symmetric");
  const numerics::Modes of_noise = numerics::symmetric_modes(r);
  if (!(of_noise.values(0) > 0))
    throw Error(HB_BAD_ARG, "lyapunov: R has the eigenvalue " + numerics::general(of_noise.values(0), 4) + "; above 0 is needed");
  // x = L z with L L = R: dz = -L^-1 A L z dt + white noise. At kT = 1 its strength is 2.
  const Matrix L = numerics::root(of_noise), M = numerics::inverse_root(of_noise) * a * L;
  const Drift drift = drift_of(M, "lyapunov", "A, where the noise R is white,");
  Asked asked{Moment::products, 1};
  asked.stiffness = std::min(0.05, options.tolerance * drift.highest / drift.lowest / std::sqrt(static_cast<double>(n)));
  LinearResult result;
  Averages averages(device, drift.network, options, asked, options.seed);
  result.kT = 1;
  average_until(averages, options, 64, result, [&] {
    Matrix z(a.rows(), a.cols());
    averages.fill(n * n, [&](std::span<const double> columns, std::span<double> values) {
      std::size_t at = 0;
      for (Eigen::Index i = 0; i < a.rows(); ++i)
        for (Eigen::Index j = 0; j <= i; ++j) z(i, j) = z(j, i) = columns[at++];
      Eigen::Map<Matrix>(values.data(), a.rows(), a.cols()) = 0.5 * L * z * L;
    }, result.values, result.standard_errors);
    return relative_error(result.values, result.standard_errors);
  });
  describe(averages, device, result);
  return result;
}

LinearResult exponential(Device& device, std::span<const double> A, double time, const LinearOptions& options) {
  const std::size_t n = rows_of(A, options, "exponential");
  if (!(time > 0) || !std::isfinite(time)) throw Error(HB_BAD_ARG, "exponential: a time of " + numerics::general(time, 4) + "; above 0");
  const View a(A.data(), static_cast<Eigen::Index>(n), static_cast<Eigen::Index>(n));
  const Matrix twice = a + a.transpose();
  const Eigen::VectorXd modes = numerics::symmetric_eigenvalues(twice);
  const double largest = std::max(std::abs(modes(0)), std::abs(modes(modes.size() - 1)));
  LinearResult result;
  // Noise of strength A + A' makes the covariance 1. Where that is not positive, or forces are not where that noise is
  // white, A + shift is taken.
  const bool alike = (a - a.transpose()).norm() <= 1e-12 * a.norm();
  double shift = modes(0) > 0.02 * largest ? 0 : largest > 0 ? 0.05 * largest - modes(0) / 2 : 1;
  Matrix L, M;
  for (int attempt = 0;; ++attempt) {
    const Matrix shifted = a + shift * Matrix::Identity(a.rows(), a.cols()), noise = shifted + shifted.transpose();
    const numerics::Modes of_noise = numerics::symmetric_modes(noise);
    L = numerics::root(of_noise);
    M = alike ? Matrix(0.5 * noise) : Matrix(numerics::inverse_root(of_noise) * shifted * L);
    const Eigen::VectorXd forces = numerics::symmetric_eigenvalues(0.5 * (M + M.transpose()));
    if (forces(0) > 0.02 * forces(forces.size() - 1) || attempt == 20) break;
    shift = std::max(1.5 * shift, 0.05 * a.norm());
  }
  if (shift > 0) result.notes.push_back("A + " + numerics::general(shift, 4) + " was taken, whose noise and forces are positive, and the factor exp(" + numerics::general(shift * time, 4) + ") made good for it");
  const Drift drift = drift_of(M, "exponential", "A, where its noise is white,");
  Asked asked{Moment::lagged, 1, std::min(0.05, options.tolerance), time};
  // Its states share noise with the steps that follow: right for averages, off by a step between two times.
  if (device.capabilities().stepper == Stepper::leimkuhler_matthews) asked.stiffness /= 4;
  Averages averages(device, drift.network, options, asked, options.seed);
  result.kT = 1;
  const double factor = 0.5 * std::exp(shift * time);
  average_until(averages, options, 64, result, [&] {
    averages.fill(n * n, [&](std::span<const double> columns, std::span<double> values) {
      Eigen::Map<Matrix>(values.data(), a.rows(), a.cols()) = factor * L * View(columns.data(), a.rows(), a.cols()) * L;
    }, result.values, result.standard_errors);
    return relative_error(result.values, result.standard_errors);
  });
  describe(averages, device, result);
  if (std::abs(averages.lag() - time) > 1e-9 * time)
    result.notes.push_back("the device's step makes the time " + numerics::general(averages.lag(), 6) + ", not " + numerics::general(time, 6));
  return result;
}

LinearResult log_determinant(Device& device, std::span<const double> A, const LinearOptions& options) {
  const std::size_t n = rows_of(A, options, "log-determinant");
  const Network whole = Network::quadratic_form(A, std::vector<double>(n));
  double diagonal = 0;
  std::vector<double> scaled(A.begin(), A.end());
  for (std::size_t i = 0; i < n; ++i) {
    if (!(A[i * n + i] > 0))
      throw Error(HB_BAD_ARG, "log-determinant: entry (" + std::to_string(i) + ", " + std::to_string(i) + ") is " + numerics::general(A[i * n + i], 4) + "; A is not positive definite");
    diagonal += std::log(A[i * n + i]);
  }
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) scaled[i * n + j] = A[i * n + j] / std::sqrt(A[i * n + i] * A[j * n + j]);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < i; ++j) scaled[i * n + j] = scaled[j * n + i];
  const Network::Curvature bend = Network::quadratic_form(scaled, std::vector<double>(n)).curvature(0);
  if (!(bend.lowest > 0)) throw Error(HB_BAD_ARG, "log-determinant: A is not positive definite: with a diagonal of ones its lowest eigenvalue is " + numerics::general(bend.lowest, 4));
  LinearResult result;
  result.values = {diagonal};
  result.standard_errors = {0};
  result.kT = 1;
  result.reached = true;
  if (whole.couplings().empty()) return result;

  // As few nodes as integrate the most bent mode to a tenth of the tolerance for all n of them.
  Rule rule;
  double worst = INFINITY;
  for (int nodes = 4; nodes <= 64 && !(worst * static_cast<double>(n) <= 0.1 * options.tolerance); nodes += 2) {
    rule = gauss_legendre(nodes);
    worst = 0;
    for (const double mode : {bend.lowest, std::sqrt(bend.lowest), std::sqrt(bend.highest), bend.highest})
      worst = std::max(worst, std::abs(integral_of(rule, mode - 1) - std::log(mode)));
  }
  if (worst * static_cast<double>(n) > 0.1 * options.tolerance)
    result.notes.push_back("64 nodes leave up to " + numerics::general(worst * static_cast<double>(n), 4) + " in the logarithm: A is badly conditioned beside its diagonal");

  struct Node {
    std::unique_ptr<Averages> averages;
    double weight = 0, value = 0, error = 0;
    LinearResult spent;
  };
  const auto count = static_cast<std::size_t>(rule.nodes.size());
  std::vector<Node> nodes(count);
  for (std::size_t k = 0; k < count; ++k) {
    const double v = rule.nodes(static_cast<Eigen::Index>(k)), s = 1 - v * v;
    Network network(CellKind::overdamped, static_cast<std::uint32_t>(n));
    std::vector<double> half(n);
    for (std::size_t i = 0; i < n; ++i) half[i] = A[i * n + i] / 2;
    network.set(CellSection::j4, 0.0).set(CellSection::j2, half);
    std::vector<Edge> edges(whole.couplings().begin(), whole.couplings().end());
    for (Edge& edge : edges) edge.value *= s;
    network.set_couplings(edges);
    // The form is that of A - D: 1/s of the couplings of the node.
    nodes[k].averages = std::make_unique<Averages>(device, network, options, Asked{Moment::form, 1}, numerics::split_mix(options.seed + k));
    nodes[k].weight = rule.weights(static_cast<Eigen::Index>(k)) * 2 * v / s;
    result.relaxation_time = std::max(result.relaxation_time, nodes[k].averages->relaxation());
  }
  std::vector<double> next(count, 32.0);
  for (int round = 0;; ++round) {
    for (std::size_t k = 0; k < count; ++k) {
      if (next[k] < 1) continue;
      Node& node = nodes[k];
      if (options.progress)
        node.averages->set_progress([&, k, round](double part) {
          return options.progress(1 - std::pow(0.5, round + (static_cast<double>(k) + part) / static_cast<double>(count)));
        });
      node.averages->run(next[k], node.spent);
      std::vector<double> value, error;
      node.averages->fill(1, [](std::span<const double> columns, std::span<double> values) { values[0] = columns[0]; }, value, error);
      node.value = value[0], node.error = error[0];
    }
    double squares = 0, shares = 0;
    result.values[0] = diagonal;
    for (const Node& node : nodes) {
      result.values[0] += node.weight * node.value;
      squares += node.weight * node.weight * node.error * node.error;
      shares += node.weight * node.error * std::sqrt(node.spent.averaged_time);
    }
    result.standard_errors[0] = result.relative_error = std::sqrt(squares);
    result.reached = result.relative_error <= options.tolerance;
    if (result.reached) break;
    // Time where it helps most: each node's in proportion to its weight times the error of a unit of its time.
    double longest = 0, needed = 0;
    for (std::size_t k = 0; k < count; ++k) {
      const Node& node = nodes[k];
      const double share = node.weight * node.error * std::sqrt(node.spent.averaged_time);
      const double wanted = 1.1 * share * shares / (options.tolerance * options.tolerance) / node.averages->relaxation();
      next[k] = std::max(0.0, wanted - node.spent.averaged_time / node.averages->relaxation());
      longest = std::max(longest, next[k] + node.spent.averaged_time / node.averages->relaxation());
      needed = std::max(needed, wanted);
    }
    if (longest > options.most_time || round == 12) {
      result.notes.push_back("the tolerance of " + numerics::general(options.tolerance, 4) + " was not reached: it needs about " + numerics::general(needed, 4) +
                             " relaxation times of averaging in a node; the limit is " + numerics::general(options.most_time, 4));
      break;
    }
  }
  for (const Node& node : nodes) {
    result.device_ticks = result.device_ticks + node.spent.device_ticks;
    result.averaged_time += node.spent.averaged_time;
    result.burn_in_time += node.spent.burn_in_time;
  }
  describe(*nodes.front().averages, device, result);
  result.notes.push_back(std::to_string(count) + " strengths of the couplings from 0 to 1 were averaged over");
  return result;
}

}  // namespace heatbath::solvers
