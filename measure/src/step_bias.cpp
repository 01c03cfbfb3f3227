#include "heatbath/measure/step_bias.hpp"

#include <Eigen/LU>
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "heatbath/numerics/lanczos.hpp"
#include "numerics/dense_algebra.hpp"

namespace heatbath::measure {
namespace {

constexpr double unstable = std::numeric_limits<double>::infinity();
constexpr std::uint32_t rlc_nodes_max = 1024;

bool has_inertia(CellKind kind) { return kind == CellKind::underdamped || kind == CellKind::rlc; }

/// z' = map z + noise of this covariance, of z = (x, v).
struct PhaseSpaceStep {
  Eigen::Matrix2d map, noise;
};

/// x' = v, v' = -k x - g v + sqrt(2 g) n at kT = m = 1.
std::optional<PhaseSpaceStep> phase_space_step(Stepper stepper, double k, double g, double h) {
  const Eigen::Matrix2d one = Eigen::Matrix2d::Identity();
  Eigen::Matrix2d flow, noise = Eigen::Matrix2d::Zero();
  flow << 0, 1, -k, -g;
  noise(1, 1) = 2 * g * h;
  if (stepper == Stepper::euler_maruyama) return PhaseSpaceStep{one + h * flow, noise};
  if (stepper == Stepper::heun) {
    const Eigen::Matrix2d spread = one + h / 2 * flow;
    return PhaseSpaceStep{one + h * flow + h * h / 2 * flow * flow, spread * noise * spread.transpose()};
  }
  if (stepper != Stepper::baoab) return std::nullopt;
  const double keep = std::exp(-g * h);
  Eigen::Matrix2d kick = one, drift = one, bath = one;
  kick(1, 0) = -h / 2 * k;
  drift(0, 1) = h / 2;
  bath(1, 1) = keep;
  noise(1, 1) = 1 - keep * keep;
  const Eigen::Matrix2d after = kick * drift;
  return PhaseSpaceStep{after * bath * drift * kick, after * noise * after.transpose()};
}

/// Covariance C = map C map^T + noise, or nothing where the map does not contract.
std::optional<Eigen::Matrix2d> stationary(const PhaseSpaceStep& step) {
  const double trace = step.map.trace(), determinant = step.map.determinant();
  if (!(std::abs(determinant) < 1) || !(std::abs(trace) < 1 + determinant)) return std::nullopt;
  const Eigen::Matrix2d& m = step.map;
  Eigen::Matrix3d system;  // of xx, xv, vv
  system << 1 - m(0, 0) * m(0, 0), -2 * m(0, 0) * m(0, 1), -m(0, 1) * m(0, 1),  //
      -m(0, 0) * m(1, 0), 1 - m(0, 0) * m(1, 1) - m(0, 1) * m(1, 0), -m(0, 1) * m(1, 1),
      -m(1, 0) * m(1, 0), -2 * m(1, 0) * m(1, 1), 1 - m(1, 1) * m(1, 1);
  const Eigen::Vector3d c =
      system.fullPivLu().solve(Eigen::Vector3d(step.noise(0, 0), step.noise(0, 1), step.noise(1, 1)));
  Eigen::Matrix2d covariance;
  covariance << c[0], c[1], c[1], c[2];
  return covariance;
}

double at(std::span<const double> values, std::uint32_t cell, double reset) {
  return values.empty() ? reset : values[values.size() == 1 ? 0 : cell];
}

/// Lowest and highest eigenvalue of M^-1/2 K M^-1/2, K of 2 J2 and the couplings; overdamped: M = 1.
numerics::SpectrumEnds stiffness_ends(const LinearNetwork& n, bool inertia) {
  std::vector<double> scale(n.cells, 1.0);
  if (inertia)
    for (std::uint32_t i = 0; i < n.cells; ++i) scale[i] = 1 / std::sqrt(at(n.mass, i, 1));
  return numerics::spectrum_ends(n.cells, [&](std::span<const double> x, std::span<double> y) {
    for (std::uint32_t i = 0; i < n.cells; ++i) y[i] = scale[i] * scale[i] * 2 * at(n.j2, i, 0) * x[i];
    for (const PairCoupling& c : n.couplings) {
      const double value = n.gain * c.value * scale[c.i] * scale[c.j];
      y[c.i] += value * x[c.j];
      y[c.j] += value * x[c.i];
    }
  });
}

/// Ends of two spectra that are taken by the capacitances: stiffness and conductance.
struct NodeEnds {
  numerics::SpectrumEnds stiffness, damping;
};
NodeEnds node_ends(const LinearNetwork& n) {
  const auto size = static_cast<Eigen::Index>(n.cells);
  Eigen::MatrixXd capacitance = Eigen::MatrixXd::Zero(size, size), stiffness = capacitance, conductance = capacitance;
  for (std::uint32_t i = 0; i < n.cells; ++i) {
    capacitance(i, i) = at(n.mass, i, 1);
    stiffness(i, i) = 2 * at(n.j2, i, 0);
    conductance(i, i) = at(n.damping, i, 1);
  }
  for (const PairCoupling& c : n.couplings) {
    capacitance(c.i, c.j) += n.gain * c.value;
    capacitance(c.j, c.i) += n.gain * c.value;
  }
  const auto ends = [&](const Eigen::MatrixXd& matrix) {
    const Eigen::VectorXd values = numerics::symmetric_eigenvalues(matrix, capacitance);
    return numerics::SpectrumEnds{values.minCoeff(), values.maxCoeff()};
  };
  return {ends(stiffness), ends(conductance)};
}

double locked_stiffness(const LinearNetwork& n) {
  std::vector<double> stiffness(n.cells);
  for (std::uint32_t i = 0; i < n.cells; ++i) stiffness[i] = std::abs(at(n.bias, i, 0)) + 4 * std::abs(at(n.j2, i, 0));
  for (const PairCoupling& c : n.couplings) {
    stiffness[c.i] += 2 * std::abs(n.gain * c.value);
    stiffness[c.j] += 2 * std::abs(n.gain * c.value);
  }
  return *std::max_element(stiffness.begin(), stiffness.end());
}

double larger(double a, double b) { return std::abs(b) > std::abs(a) ? b : a; }

}  // namespace

double VarianceBias::worst() const { return larger(position, velocity); }

LinearStep linear_step(Stepper stepper, double stiffness, double dt) {
  const double a = stiffness * dt, half = (1 - a / 2) * (1 - a / 2);
  if (stepper == Stepper::euler_maruyama) return {1 - a, 2 * dt, 0};
  if (stepper == Stepper::heun) return {1 - a + a * a / 2, 2 * dt * half, 0};
  if (stepper == Stepper::leimkuhler_matthews) return {1 - a, 2 * dt * half, dt / 2};
  // The mean square of an increment is 2 dt whatever the force: <x^2> = 1/k at any step.
  if (stepper == Stepper::lattice_walk) return {1 - a, 2 * dt - a * dt, 0};
  const double gain = std::exp(-a);
  return {gain, stiffness != 0 ? (1 - gain * gain) / stiffness : 2 * dt, 0};
}

VarianceBias variance_bias(CellKind kind, Stepper stepper, const LinearMode& mode, double dt) {
  if (!(mode.stiffness > 0) || !(dt > 0) || is_discrete(kind)) return {};
  if (!has_inertia(kind)) {
    const LinearStep step = linear_step(stepper, mode.stiffness, dt);
    if (!(std::abs(step.gain) < 1)) return {std::exp(-mode.stiffness * dt) < 1 ? unstable : 0, 0};
    return {step.stationary_variance() * mode.stiffness - 1, 0};
  }
  if (!(mode.damping > 0)) return {};
  const double k = mode.stiffness / mode.mass;
  const auto step = phase_space_step(stepper, k, mode.damping / mode.mass, dt);
  if (!step) return {};
  const auto covariance = stationary(*step);
  if (!covariance) return {unstable, unstable};
  return {(*covariance)(0, 0) * k - 1, (*covariance)(1, 1) - 1};
}

std::optional<VarianceBias> predicted_bias(CellKind kind, Stepper stepper, const LinearNetwork& network,
                                           double dt) {
  if (network.cells == 0 || is_discrete(kind) || stepper == Stepper::exact_ou) return VarianceBias{};
  // Of coupled walkers the covariances are biased, by less than Euler–Maruyama's.
  if (stepper == Stepper::lattice_walk && !network.couplings.empty()) stepper = Stepper::euler_maruyama;
  if (kind == CellKind::phase)
    return variance_bias(kind, stepper, {network.mobility * locked_stiffness(network)}, dt);
  if (!has_inertia(kind))
    return variance_bias(kind, stepper, {network.mobility * stiffness_ends(network, false).highest}, dt);
  NodeEnds ends;
  if (kind == CellKind::rlc && !network.couplings.empty()) {
    if (network.cells > rlc_nodes_max) return std::nullopt;
    ends = node_ends(network);
  } else {
    LinearNetwork coupled = network;
    if (kind == CellKind::rlc) coupled.couplings = {};
    ends.stiffness = stiffness_ends(coupled, true);
    ends.damping = {unstable, 0};
    for (std::uint32_t i = 0; i < network.cells; ++i) {
      const double rate = at(network.damping, i, 1) / at(network.mass, i, 1);
      ends.damping = {std::min(ends.damping.lowest, rate), std::max(ends.damping.highest, rate)};
    }
  }
  VarianceBias worst;
  for (const double stiffness : {ends.stiffness.lowest, ends.stiffness.highest})
    for (const double damping : {ends.damping.lowest, ends.damping.highest}) {
      const VarianceBias bias = variance_bias(kind, stepper, {stiffness, 1, damping}, dt);
      worst = {larger(worst.position, bias.position), larger(worst.velocity, bias.velocity)};
    }
  return worst;
}

}  // namespace heatbath::measure
