#include "hw_model/physics/step_table.hpp"

#include <Eigen/Core>
#include <cmath>
#include <numbers>
#include <limits>

#include "hw_model/physics/cell_law.hpp"
#include "hw_model/physics/exchange.hpp"
#include "hw_model/physics/graph.hpp"
#include "hw_model/physics/linear_step.hpp"
#include "hw_model/physics/ramp.hpp"
#include "hw_model/physics/small_increments.hpp"
#include "hw_model/physics/steppers/stepper_rule.hpp"

namespace heatbath::physics {
namespace {

using Eigen::MatrixXd;

std::shared_ptr<const Couplings> as_couplings(const MatrixXd& m) {
  const auto n = static_cast<std::uint32_t>(m.rows());
  std::vector<float> values(std::size_t{n} * n);
  for (std::uint32_t i = 0; i < n; ++i)
    for (std::uint32_t k = 0; k < n; ++k) values[std::size_t{i} * n + k] = static_cast<float>(m(i, k));
  return std::make_shared<const Couplings>(n, std::move(values));
}

void add_couplings(MatrixXd& m, const Couplings* j, double gain) {
  if (!j) return;
  if (j->graph()) {
    for (const Coupler& c : j->graph()->couplers()) {
      m(c.i, c.j) += gain * j->at(c.i, c.j);
      m(c.j, c.i) += gain * j->at(c.j, c.i);
    }
    return;
  }
  for (std::uint32_t k = 0; k < j->cells(); ++k)
    for (std::uint32_t i = 0; i < j->cells(); ++i) m(i, k) += gain * j->at(i, k);
}

}  // namespace

float StepTable::two_over(double kT) {
  return kT > 0 ? static_cast<float>(std::min(2.0 / kT, 1e38)) : std::numeric_limits<float>::infinity();
}

float StepTable::bias_of(const Parameters& from, const Parameters& to, float position, std::uint32_t cells,
                         std::uint32_t lane, std::uint32_t cell) {
  const auto at = [&](const Parameters& p) {
    return p.bias_per_lane ? p.bias[std::size_t{lane} * cells + cell] : p.bias[cell];
  };
  return ramp::between(at(from), at(to), position);
}

namespace {

// Inverse of the rows and columns that are free, in their places; 0 elsewhere.
MatrixXd inverse_of_free(const MatrixXd& m, std::span<const std::uint32_t> free) {
  std::vector<Eigen::Index> at;
  for (std::size_t i = 0; i < free.size(); ++i)
    if (free[i] != 0) at.push_back(static_cast<Eigen::Index>(i));
  MatrixXd whole = MatrixXd::Zero(m.rows(), m.cols());
  if (!at.empty()) whole(at, at) = positive_inverse(m(at, at));
  return whole;
}

}  // namespace

std::vector<double> capacitances(const Parameters& p) {
  const std::uint32_t n = p.couplings->cells();
  std::vector<double> c(std::size_t{n} * n, 0.0);
  Eigen::Map<MatrixXd> view(c.data(), n, n);
  MatrixXd m = MatrixXd::Zero(n, n);
  for (std::uint32_t i = 0; i < n; ++i) m(i, i) = p.mass_of(i);
  if (!p.couplings->zero()) add_couplings(m, p.couplings.get(), p.gain);
  view = m;
  return c;
}

StepTable::StepTable(const ArraySpec& spec, const Parameters& from, const Parameters& to, double at, double dt_,
                     std::span<const std::uint32_t> free, double advance, bool wants_heat)
    : RampedCouplings(from, to, at), dt(dt_), position(static_cast<float>(at)), lane_bias(from.bias_per_lane || to.bias_per_lane) {
  const std::uint32_t n = spec.cells;
  const CellLaw& cell = law(spec.kind);
  const StepperRule& by = rule(spec);
  const bool inertia = cell.inertia, phases = cell.periodic;
  const double mobility = spec.mobility;
  for (auto* table : {&two_j2, &four_j4, &bias}) table->assign(n, 0.0f);
  for (std::uint32_t i = 0; i < n; ++i) {
    two_j2[i] = ramp::between(2.0f * from.j2[i], 2.0f * to.j2[i], position);
    four_j4[i] = ramp::between(4.0f * from.j4[i], 4.0f * to.j4[i], position);
    if (!lane_bias) bias[i] = ramp::between(from.bias[i], to.bias[i], position);
  }
  if (cell.spins) {
    if (spec.exchange) potential = !spec.exchange->any(!potential);
    two_over_kT.resize(n);
    for (std::uint32_t i = 0; i < n; ++i) two_over_kT[i] = two_over(ramp::scalar_between(from.kT_of(i), to.kT_of(i), at));
    if (spec.spin_codes.bits != 0 && dt != 0) integers.emplace(spec.spin_codes, from, to, at);
    return;
  }
  for (auto* table : {&mass, &damping, &step, &sigma}) table->assign(n, 0.0f);
  if (phases) four_j2.assign(n, 0.0f), minus_pull.assign(n, 0.0f);
  std::vector<double> rate(n);
  kT.resize(n);
  for (std::uint32_t i = 0; i < n; ++i) {
    mass[i] = ramp::between(from.mass_of(i), to.mass_of(i), position);
    damping[i] = ramp::between(from.damping_of(i), to.damping_of(i), position);
    kT[i] = ramp::scalar_between(from.kT_of(i), to.kT_of(i), at);
    if (phases) {
      const float omega = ramp::between(from.frequency_of(i), to.frequency_of(i), position);
      if (omega != 0.0f) potential = false;
      four_j2[i] = 2.0f * two_j2[i];
      minus_pull[i] = static_cast<float>(-static_cast<double>(omega) / mobility);
    }
    // Overdamped: dx = -mu slope dt + sqrt(2 mu kT) dW. With inertia: dv = -(slope / m) dt + sqrt(2 gamma kT) / m dW.
    rate[i] = 2.0 * (inertia ? damping[i] : mobility) * kT[i];
    step[i] = static_cast<float>(inertia ? -dt / mass[i] : -(mobility * dt));
    sigma[i] =
        static_cast<float>(inertia ? std::sqrt(rate[i] * dt) / mass[i] : std::sqrt(2.0 * (mobility * dt) * kT[i]));
  }
  if (spec.exchange) potential = !spec.exchange->any(!potential);
  if (inertia) {
    whole_dt.assign(n, static_cast<float>(dt));
    half_dt.assign(n, static_cast<float>(0.5 * dt));
    half_kick.resize(n), keep.resize(n), kick.resize(n);
    for (std::uint32_t i = 0; i < n; ++i) {
      const double c = decay(damping[i] * dt / mass[i]);
      half_kick[i] = static_cast<float>(cell.capacitive ? -0.5 * dt : -0.5 * dt / mass[i]);
      keep[i] = static_cast<float>(c);
      kick[i] = static_cast<float>(std::sqrt(kT[i] / mass[i] * (1.0 - c * c)));
    }
  }
  if (dt != 0) {
    split = loses_increments(spec, from, dt, free) && loses_increments(spec, to, dt, free);
    if (by.exact == Exact::velocities && !cell.capacitive) keep_small_losses(spec.exchange.get(), free);
    if (phases) set_drift(spec.exchange.get(), from, to, at, free);
  }
  if (dt == 0 || (by.exact != Exact::whole && !cell.capacitive)) return;
  make_matrices(spec, rate, free, advance != 0, wants_heat);
  if (lane_bias || !respond) return;
  // The chains over the biases that the kernels make where lanes differ.
  shift.assign(respond->cells(), 0.0f);
  for (std::uint32_t c = 0; c < n; ++c)
    for (std::uint32_t i = 0; i < respond->cells(); ++i) shift[i] = std::fma(respond->at(i, c), bias[c], shift[i]);
  if (!lean) return;
  std::vector<float> leaning(lean->cells(), 0.0f);
  for (std::uint32_t c = 0; c < n; ++c) {
    const auto change = static_cast<float>(advance * (static_cast<double>(to.bias[c]) - from.bias[c]));
    for (std::uint32_t i = 0; i < lean->cells(); ++i) leaning[i] = std::fma(lean->at(i, c), change, leaning[i]);
  }
  for (std::uint32_t i = 0; i < lean->cells(); ++i) shift[i] += leaning[i];
}

void StepTable::set_drift(Exchange* exchange, const Parameters& from, const Parameters& to, double at,
                          std::span<const std::uint32_t> free) {
  const auto omega = [&](std::uint32_t i) {
    const double a = from.frequency_of(i), b = to.frequency_of(i);
    return a + at * (b - a);
  };
  bool fast = false;
  for (std::uint32_t i = 0; i < free.size(); ++i) fast = fast || (free[i] != 0 && std::abs(omega(i)) * dt >= fast_phase);
  if (exchange) fast = exchange->any(fast);
  if (!fast) return;
  split = true;
  no_pull.assign(free.size(), 0.0f);
  for (std::uint32_t i = 0; i < free.size(); ++i) {
    constexpr double turn = 2 * std::numbers::pi;
    const double angle = omega(i) * dt, whole = std::nearbyint(angle / turn);
    const double rest = std::fma(-whole, turn, angle) - whole * 2.4492935982947064e-16;  // 2 pi less `turn`
    drift_turns.push_back(static_cast<std::int64_t>(whole));
    drift_high.push_back(static_cast<float>(rest));
    drift_low.push_back(static_cast<float>(rest - static_cast<double>(drift_high.back())));
  }
}

void StepTable::keep_small_losses(Exchange* exchange, std::span<const std::uint32_t> free) {
  const auto lost = [&](std::size_t i) { return loss(damping[i] * dt / mass[i]); };
  for (std::size_t i = 0; i < keep.size(); ++i)
    if (free[i] != 0 && std::abs((1.0 - keep[i]) - lost(i)) > rate_error_max * lost(i)) by_change = true;
  if (exchange) by_change = exchange->any(by_change);
  for (std::size_t i = 0; by_change && i < keep.size(); ++i) {
    const double l = lost(i);
    keep[i] = static_cast<float>(-l);
    kick[i] = static_cast<float>(std::sqrt(kT[i] / mass[i] * (l * (2.0 - l))));
    split = split || (free[i] != 0 && l > 0 && kick[i] < noise_that_rounds);
  }
  if (exchange && by_change) split = exchange->any(split);
}

void StepTable::set_transition(const LinearStep& exact, const std::vector<Eigen::Index>& moving, double decay) {
  by_change = rounding_spoils(exact.change, moving, decay);
  propagate = as_couplings(by_change ? exact.change : exact.propagate);
  spread = as_couplings(exact.spread);
  if (!by_change) return;
  for (const Eigen::Index i : moving) split = split || exact.spread.row(i).norm() < noise_that_rounds;
}

void StepTable::make_matrices(const ArraySpec& spec, const std::vector<double>& rate,
                              std::span<const std::uint32_t> free, bool ramped, bool wants_heat) {
  const std::uint32_t n = spec.cells;
  const CellLaw& cell = law(spec.kind);
  const Exact exact = rule(spec).exact;
  const bool inertia = cell.inertia;
  const double mobility = spec.mobility;
  const auto ni = static_cast<Eigen::Index>(n);
  std::vector<Eigen::Index> moving;
  for (std::uint32_t i = 0; i < n; ++i)
    if (free[i] != 0) moving.push_back(i);
  MatrixXd pairs = MatrixXd::Zero(ni, ni);
  add_couplings(pairs, couplings_a.get(), gain_a);
  add_couplings(pairs, couplings_b.get(), gain_b);
  const Eigen::Map<const Eigen::VectorXf> stiffness(two_j2.data(), ni), masses(mass.data(), ni),
      dampings(damping.data(), ni);
  MatrixXd inverse_mass, k = stiffness.cast<double>().asDiagonal();
  if (cell.capacitive) {
    MatrixXd c = pairs;
    c.diagonal() += masses.cast<double>();
    inverse_mass = inverse_of_free(c, free);
    inverse_capacitance = as_couplings(inverse_mass);
    step.assign(n, static_cast<float>(-dt));
    sigma.assign(n, 1.0f);
  } else {
    inverse_mass = masses.cast<double>().cwiseInverse().asDiagonal();
    for (std::uint32_t i = 0; i < n; ++i)
      if (free[i] == 0) inverse_mass(i, i) = 0;
    k += pairs;
  }
  const Eigen::Map<const Eigen::VectorXd> intensity(rate.data(), ni);
  const MatrixXd damp = inverse_mass * dampings.cast<double>().asDiagonal();
  const MatrixXd diffusion = ordered_product(inverse_mass * intensity.asDiagonal(), inverse_mass.transpose());
  if (exact == Exact::nothing) {
    noise_mix = as_couplings(inverse_mass * (intensity * dt).cwiseSqrt().asDiagonal());
    return;
  }
  LinearHeat law;
  law.weight = law.rest = Eigen::VectorXd::Zero(ni);
  for (const Eigen::Index i : moving) {
    law.weight(i) = inertia ? static_cast<double>(dampings(i)) : mobility;
    law.rest(i) = 0.5 * intensity(i) * (inertia ? inverse_mass(i, i) : k(i, i));
  }
  const MatrixXd one = MatrixXd::Identity(ni, ni), stiff = k;
  MatrixXd whole_mass = masses.cast<double>().asDiagonal();
  if (cell.capacitive) whole_mass += pairs;
  const auto keep_heat = [&](const MatrixXd& a, const MatrixXd& q, const MatrixXd& drive) {
    if (!wants_heat) return;
    law.a = a, law.q = q, law.drive = drive;
    heat = std::make_shared<const ExactHeat>(law, dt);
  };
  if (exact == Exact::velocities) {  // of rlc nodes
    law.lost = one;
    law.parts = {{one, whole_mass}};
    keep_heat(damp, diffusion, MatrixXd::Zero(ni, ni));
    set_transition(linear_step(damp, diffusion, dt), moving, -1);
    return;
  }
  if (!inertia) {
    MatrixXd q = intensity.asDiagonal();
    Eigen::VectorXd drive = Eigen::VectorXd::Constant(ni, -mobility);
    for (std::uint32_t i = 0; i < n; ++i) {
      if (free[i] != 0) continue;
      k.row(i).setZero();
      drive(i) = q(i, i) = 0;
    }
    const LinearStep s = linear_step(mobility * k, q, dt, ramped);
    set_transition(s, moving, -1);
    respond = as_couplings(s.respond * drive.asDiagonal());
    if (ramped) lean = as_couplings(s.lean * drive.asDiagonal());
    law.lost = stiff, law.lost_bias = 1;
    law.parts = {{stiff, one, 1}};
    keep_heat(mobility * k, q, drive.asDiagonal());
    return;
  }
  MatrixXd a = MatrixXd::Zero(2 * ni, 2 * ni), q = a, drive = a;
  for (std::uint32_t i = 0; i < n; ++i)
    if (free[i] != 0) a(i, ni + i) = -1;
  a.bottomLeftCorner(ni, ni) = ordered_product(inverse_mass, k);
  a.bottomRightCorner(ni, ni) = damp;
  q.bottomRightCorner(ni, ni) = diffusion;
  drive.bottomLeftCorner(ni, ni) = -inverse_mass;
  const LinearStep s = linear_step(a, q, dt, ramped);
  double decay = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0, cells = moving.size(); i < cells; ++i) {
    const auto at = static_cast<std::size_t>(moving[i]);
    decay = std::min(decay, damping[at] * dt / (2.0 * mass[at]));
    moving.push_back(ni + moving[i]);
  }
  set_transition(s, moving, decay);
  respond = as_couplings(ordered_product(s.respond, drive));
  if (ramped) lean = as_couplings(ordered_product(s.lean, drive));
  const MatrixXd none = MatrixXd::Zero(ni, ni);
  const auto beside = [&](const MatrixXd& positions, const MatrixXd& velocities) {
    MatrixXd both(ni, 2 * ni);
    both << positions, velocities;
    return both;
  };
  law.lost = beside(none, one);
  law.parts = {{beside(stiff, none), beside(one, none), 1}, {beside(none, one), beside(none, whole_mass)}};
  keep_heat(a, q, drive.leftCols(ni));
}

}  // namespace heatbath::physics
