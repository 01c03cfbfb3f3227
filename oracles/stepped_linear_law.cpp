#include "oracles/stepped_linear_law.hpp"

#include <cmath>

#include "oracles/dense_algebra.hpp"
#include "oracles/exact_ou.hpp"

namespace heatbath::reference {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

/// z' = gain z + shift + noise times standard normal numbers.
struct Map {
  MatrixXd gain, noise;
  VectorXd shift;
};

MatrixXd root(const MatrixXd& covariance) {
  const Modes modes = modes_of(covariance);
  return modes.vectors * modes.values.cwiseMax(0).cwiseSqrt().asDiagonal();
}

/// The cells in `free`, the others standing at x.
LinearCells block(const LinearCells& all, const std::vector<Index>& free, const std::vector<Index>& held,
                  const VectorXd& x) {
  LinearCells part = all;
  part.stiffness = all.stiffness(free, free);
  part.mass = all.inertia ? MatrixXd(all.mass(free, free)) : MatrixXd();
  part.bias = all.bias(free);
  if (!held.empty()) part.bias += all.stiffness(free, held) * x(held);
  if (all.bias_change.size() > 0) {
    part.bias_change = all.bias_change(free);
    if (!held.empty()) part.bias_change += all.stiffness_change(free, held) * x(held);
  }
  if (all.inertia) part.damping = all.damping(free);
  part.temperature = all.temperature(free);
  return part;
}

/// dz = (drift z + shift) dt + noise dW.
Map equation(const LinearCells& c) {
  const Index n = c.stiffness.rows();
  if (!c.inertia) {
    return {-c.mobility * c.stiffness, (2 * c.mobility * c.temperature).cwiseSqrt().asDiagonal(), -c.mobility * c.bias};
  }
  const MatrixXd inverse = inverse_of(c.mass);
  Map map{MatrixXd::Zero(2 * n, 2 * n), MatrixXd::Zero(2 * n, n), VectorXd::Zero(2 * n)};
  map.gain.topRightCorner(n, n).setIdentity();
  map.gain.bottomLeftCorner(n, n) = -inverse * c.stiffness;
  map.gain.bottomRightCorner(n, n) = -inverse * c.damping.asDiagonal();
  map.noise.bottomRows(n) = inverse * (2 * c.damping.cwiseProduct(c.temperature)).cwiseSqrt().asDiagonal();
  map.shift.tail(n) = -inverse * c.bias;
  return map;
}

Map step_of(const LinearCells& c, LinearRule rule, double dt) {
  const Map rate = equation(c);
  const Index size = rate.gain.rows(), n = c.stiffness.rows();
  const MatrixXd one = MatrixXd::Identity(size, size);
  switch (rule) {
    case LinearRule::euler_maruyama:
    case LinearRule::leimkuhler_matthews:
    case LinearRule::lattice_walk:
      return {one + dt * rate.gain, std::sqrt(dt) * rate.noise, dt * rate.shift};
    case LinearRule::heun: {
      const MatrixXd half = one + 0.5 * dt * rate.gain;
      return {one + dt * rate.gain * half, std::sqrt(dt) * half * rate.noise, dt * half * rate.shift};
    }
    case LinearRule::baoab: {
      const MatrixXd inverse = inverse_of(c.mass);
      MatrixXd kick = one, drift = one, damp = one;
      kick.bottomLeftCorner(n, n) = -0.5 * dt * inverse * c.stiffness;
      drift.topRightCorner(n, n).diagonal().setConstant(0.5 * dt);
      VectorXd kicked = VectorXd::Zero(2 * n);
      kicked.tail(n) = -0.5 * dt * inverse * c.bias;
      // The velocities alone, exactly.
      const MatrixXd rates = inverse * c.damping.asDiagonal();
      const LinearNetwork alone{rates, inverse * c.damping.cwiseProduct(c.temperature).asDiagonal() * inverse,
                                VectorXd::Zero(n)};
      const OuTransition velocities = ou_transition(alone, dt);
      damp.bottomRightCorner(n, n) = velocities.propagator;
      MatrixXd noise = MatrixXd::Zero(2 * n, n);
      noise.bottomRows(n) = root(velocities.covariance);
      const MatrixXd after = kick * drift;
      return {after * damp * drift * kick, after * noise, after * damp * drift * kicked + kicked};
    }
    case LinearRule::exact: {
      const OuTransition exact =
          ou_transition({-rate.gain, 0.5 * rate.noise * rate.noise.transpose(), rate.shift}, dt);
      VectorXd shift = exact.shift;
      if (c.bias_change.size() > 0) {
        // Two more variables: 1, and the time from the middle of the step over dt.
        LinearCells changing = c;
        changing.bias = c.bias_change;
        MatrixXd whole = MatrixXd::Zero(size + 2, size + 2);
        whole.topLeftCorner(size, size) = rate.gain;
        whole.col(size).head(size) = rate.shift;
        whole.col(size + 1).head(size) = equation(changing).shift;
        whole(size + 1, size) = 1 / dt;
        const MatrixXd moved = exponential_of(dt * whole);
        shift = moved.col(size).head(size) - 0.5 * moved.col(size + 1).head(size);
      }
      return {exact.propagator, root(exact.covariance), shift};
    }
  }
  return {};
}

}  // namespace

void SteppedLinearLaw::step(const LinearCells& cells, LinearRule rule, double dt, const std::vector<bool>& held) {
  const auto n = static_cast<Index>(held.size());
  std::vector<Index> free_cells, held_cells;
  for (Index i = 0; i < n; ++i) (held[static_cast<std::size_t>(i)] ? held_cells : free_cells).push_back(i);
  Map map = step_of(block(cells, free_cells, held_cells, mean_.head(n)), rule, dt);
  std::vector<Index> entries = free_cells;
  // The mean square of an increment is fixed, so its variance is smaller by the mean square of the drift.
  if (rule == LinearRule::lattice_walk) {
    const MatrixXd pull = map.gain - MatrixXd::Identity(map.gain.rows(), map.gain.cols());
    const VectorXd drift = pull * mean_(free_cells) + map.shift;
    const VectorXd spread = (pull * MatrixXd(covariance()(free_cells, free_cells)) * pull.transpose()).diagonal();
    const VectorXd square = map.noise.diagonal().cwiseAbs2() - drift.cwiseAbs2() - spread;
    map.noise = square.cwiseMax(0).cwiseSqrt().asDiagonal();
  }
  if (cells.inertia) {
    for (const Index i : free_cells) entries.push_back(n + i);
    for (const Index i : held_cells) mean_[n + i] = 0;
  }
  halves_ = rule == LinearRule::leimkuhler_matthews;
  mean_(entries) = (map.gain * mean_(entries) + map.shift).eval();
  for (MatrixXd& response : response_) {
    MatrixXd moved = MatrixXd::Zero(response.rows(), response.cols());
    moved(entries, Eigen::all) = map.gain * response(entries, Eigen::all);
    response = std::move(moved);
  }
  MatrixXd fresh = MatrixXd::Zero(mean_.size(), rule == LinearRule::exact ? map.noise.cols() : n);
  if (rule == LinearRule::exact) {
    fresh(entries, Eigen::all) = map.noise;
  } else {
    fresh(entries, free_cells) = map.noise;
  }
  response_.push_back(std::move(fresh));
}

void SteppedLinearLaw::put(Index entry, double value) {
  mean_[entry] = value;
  for (MatrixXd& response : response_) response.row(entry).setZero();
}

MatrixXd SteppedLinearLaw::covariance() const {
  MatrixXd sum = MatrixXd::Zero(mean_.size(), mean_.size());
  const auto rho = [&](int lag) {
    if (halves_) return lag == 0 ? 0.5 : lag == 1 ? 0.25 : 0.0;
    return correlation_ ? correlation_(lag) : lag == 0 ? 1.0 : 0.0;
  };
  for (std::size_t k = 0; k < response_.size(); ++k) {
    for (std::size_t l = 0; l < response_.size(); ++l) {
      const double weight = rho(static_cast<int>(k > l ? k - l : l - k));
      if (weight == 0) continue;
      sum += weight * (1 - common_) * response_[k] * response_[l].transpose();
      if (common_ > 0) sum += weight * common_ * response_[k].rowwise().sum() * response_[l].rowwise().sum().transpose();
    }
  }
  return sum;
}

}  // namespace heatbath::reference
