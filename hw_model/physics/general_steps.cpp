// Forces, steps and their meters of the general array.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "heatbath/cells/phase.hpp"
#include "heatbath/cells/quartic.hpp"
#include "heatbath/physics/schemes.hpp"
#include "hw_model/physics/general_array_impl.hpp"
#include "hw_model/physics/graph.hpp"
#include "hw_model/physics/packed_couplings.hpp"
#include "hw_model/physics/step_kernels.hpp"

namespace heatbath::physics {

void GeneralArray::Impl::product(const LaneTile& t, const Couplings& j, const float* u, float* y) const {
  if (j.zero()) {
    std::fill_n(y, std::size_t{j.cells()} * t.lanes, 0.0f);
  } else if (j.graph() && t.lanes > 1) {
    general_kernels().sparse_product(rows_of(&j), t.lanes, u, y);
  } else {
    Tile k{};
    k.groups = (j.cells() + group_cells - 1) / group_cells;
    k.lanes = t.lanes;
    k.state = const_cast<float*>(u);
    const auto use = t.lanes > 1 ? Couplings::PackedFor::many_lanes : Couplings::PackedFor::one_lane;
    step_kernels().coupling_field(k, j.packed(use).view, y);
  }
}

void GeneralArray::Impl::fields(const LaneTile& t, const StepTable& p, const float* u, CacheLines<float>& a,
                                CacheLines<float>& b) const {
  if (p.couplings_a) product(t, *p.couplings_a, u, a.data());
  if (p.couplings_b) product(t, *p.couplings_b, u, b.data());
}

void GeneralArray::Impl::trigonometry(LaneTile& t, const float* x) const {
  general_kernels().cosine_sine(shape(t, cells), x, t.cosine.data(), t.sine.data());
}

void GeneralArray::Impl::gradient(LaneTile& t, const StepTable& p, const float* x, float* out, bool at_rest) const {
  const auto& kernels = general_kernels();
  const float* lane_bias = p.lane_bias ? t.bias.data() : nullptr;
  const auto pair = [&](const CacheLines<float>& a, const CacheLines<float>& b) {
    return FieldPair{p.couplings_a ? a.data() : nullptr, p.couplings_b ? b.data() : nullptr, p.gain_a, p.gain_b};
  };
  if (phases) {
    trigonometry(t, x);
    fields(t, p, t.cosine.data(), t.field_a, t.field_b);
    fields(t, p, t.sine.data(), t.field_c, t.field_d);
    kernels.phase(shape(t, cells), {p.four_j2.data(), at_rest ? p.no_pull.data() : p.minus_pull.data(), p.bias.data(), lane_bias},
                  pair(t.field_a, t.field_b), pair(t.field_c, t.field_d), t.cosine.data(), t.sine.data(), out);
    return;
  }
  const bool coupled = spec.kind != CellKind::rlc;  // couplings of rlc nodes are capacitances
  if (coupled) fields(t, p, x, t.field_a, t.field_b);
  kernels.quartic(shape(t, cells), {p.two_j2.data(), p.four_j4.data(), p.bias.data(), lane_bias},
                  coupled ? pair(t.field_a, t.field_b) : FieldPair{}, x, out);
}

void GeneralArray::Impl::curvatures(const LaneTile& t, const StepTable& p, std::vector<double>& out) const {
  out.assign(std::size_t{cells} * t.lanes, 0.0);
  for (std::uint32_t i = 0; i < cells; ++i)
    for (std::uint32_t l = 0; l < t.lanes; ++l) {
      const std::size_t at = t.at(i, l);
      const double x = t.state[at];
      if (!phases) {
        out[at] = cells::quartic_curvature<double>(p.two_j2[i], p.four_j4[i], x);
        continue;
      }
      const double c = t.cosine[at], s = t.sine[at];
      double along = p.lane_bias ? t.bias[at] : p.bias[i], across = 0;
      if (p.couplings_a) along += double{p.gain_a} * t.field_a[at], across += double{p.gain_a} * t.field_c[at];
      if (p.couplings_b) along += double{p.gain_b} * t.field_b[at], across += double{p.gain_b} * t.field_d[at];
      out[at] = cells::phase_curvature<double>(p.four_j2[i], along, across, c, s);
    }
}

struct GeneralArray::Impl::Space {
  Impl& a;
  LaneTile& t;
  const StepTable& p;
  const NoiseOrigin& origin;
  std::uint64_t number;
  float *state, *guess, *k1, *k2, *n1, *n2;

  Space(Impl& array, LaneTile& tile, const StepTable& table, const NoiseOrigin& noise, std::uint64_t step)
      : a(array),
        t(tile),
        p(table),
        origin(noise),
        number(step),
        state(t.state.data()),
        guess(t.guess.data()),
        k1(t.k1.data()),
        k2(t.k2.data()),
        n1(t.n1.data()),
        n2(t.n2.data()) {}

  std::size_t second() const { return std::size_t{a.cells} * t.lanes; }
  FieldShape shape() const { return a.shape(t, a.cells); }
  // What a predictor does at the rail is not counted.
  MoveLimits limits(float limit, const float* to) const {
    const bool counts = to != guess && to != guess + second();
    return {a.free.data(), limit, counts ? &t.rail_count : &uncounted, counts ? &t.rail_cell : &unnamed};
  }
  MoveLimits position_limits(const float* to) const { return limits(a.phases ? phase_limit : a.spec.rail, to); }
  MoveLimits velocity_limits(const float* to) const { return limits(velocity_limit, to); }
  mutable std::uint64_t uncounted = 0;
  mutable std::uint32_t unnamed = 0;

  MoveLimits no_limits() const {
    return {a.free.data(), std::numeric_limits<float>::max(), &uncounted, &unnamed};
  }

  // Adds `increment` to a component of the state.
  void raise(const MoveLimits& limits, float* component, const float* increment) const {
    general_kernels().raise(shape(), limits, component, p.split ? t.low.data() + (component - state) : nullptr,
                            increment);
  }
  // to += step k + sigma n, n null: without noise.
  void move(const MoveLimits& limits, float* to, const float* from, const std::vector<float>& step, const float* k,
            const float* sigma, const float* n) const {
    if (!p.split || (to != state && to != state + second())) {
      general_kernels().move(shape(), limits, to, from, step.data(), k, sigma, n);
      return;
    }
    float* increment = t.increment.data();
    std::fill_n(increment, second(), 0.0f);
    general_kernels().move(shape(), no_limits(), increment, increment, step.data(), k, sigma, n);
    raise(limits, to, increment);
  }
  // Adds a step's part of a turn to phases: to the state both of its floats, to a predictor the larger.
  void drift_phases(float* to) const {
    float* increment = t.increment.data();
    for (const std::vector<float>* part : {&p.drift_high, &p.drift_low}) {
      if (part == &p.drift_low && to != state) break;
      for (std::uint32_t i = 0; i < a.cells; ++i) std::fill_n(increment + t.at(i, 0), t.lanes, (*part)[i]);
      if (to == state) {
        raise(position_limits(to), to, increment);
      } else {
        general_kernels().raise(shape(), position_limits(to), to, nullptr, increment);
      }
    }
  }
  // A step's whole turns.
  void count_drift() const {
    for (std::uint32_t i = 0; i < a.cells; ++i) {
      if (a.free[i] == 0 || p.drift_turns[i] == 0) continue;
      for (std::uint32_t l = 0; l < t.count; ++l) {
        constexpr auto most = static_cast<std::int64_t>(turns_limit);
        const std::int64_t sum = t.turns(t.at(i, l)) + p.drift_turns[i], held = std::clamp(sum, -most, most);
        if (sum != held) ++t.rail_count, t.rail_cell = std::min(t.rail_cell, i);
        t.counts[t.at(i, l)] = static_cast<std::uint32_t>(static_cast<std::int32_t>(held));
        state[second() + t.at(i, l)] = static_cast<float>(held);
      }
    }
  }
  // component = (p + q) + shift, which by_change are what it changes by.
  void settle(const MoveLimits& limits, float* component, const float* moved, const float* noise, const float* shift,
              const float* lane_shift) const {
    float* const to = p.by_change ? t.increment.data() : component;
    general_kernels().sum(shape(), p.by_change ? no_limits() : limits, to, moved, noise, shift, lane_shift);
    if (p.by_change) raise(limits, component, to);
  }

  void slope(const float* at, float* k) const {
    if (!a.inertia) {
      a.gradient(t, p, at, k, p.drifts());
      return;
    }
    const float* v = at + second();
    float* force = a.spec.kind == CellKind::rlc ? t.field_a.data() : k + second();
    a.gradient(t, p, at, force);
    general_kernels().add(shape(), force, p.damping.data(), v);
    if (a.spec.kind == CellKind::rlc) a.product(t, *p.inverse_capacitance, force, k + second());
    std::copy_n(v, second(), k);
  }
  void draw(float* n, std::uint64_t ahead) const {
    if (!p.noise_mix) {
      a.draw(t, p, origin, number + ahead, n);
      return;
    }
    a.draw(t, p, origin, number + ahead, t.field_a.data());
    a.product(t, *p.noise_mix, t.field_a.data(), n);
  }
  void move(float* to, const float* from, const float* k, const float* n) const {
    if (!a.inertia) {
      move(position_limits(to), to, from, p.step, k, p.sigma.data(), n);
      if (p.drifts()) drift_phases(to);
      return;
    }
    move(position_limits(to), to, from, p.whole_dt, k, nullptr, nullptr);
    move(velocity_limits(to + second()), to + second(), from + second(), p.step, k + second(), p.sigma.data(), n);
  }
  void mean(float* out, const float* x, const float* y) const {
    general_kernels().mean(a.shape(t, a.inertia ? 2 * a.cells : a.cells), out, x, y);
  }

  void force() const {
    if (t.fresh_force) return;
    if (a.spec.kind == CellKind::rlc) {
      a.gradient(t, p, state, k2);
      a.product(t, *p.inverse_capacitance, k2, k1);
    } else {
      a.gradient(t, p, state, k1);
    }
    t.fresh_force = true;
  }
  void kick() const {
    float* v = state + second();
    move(velocity_limits(v), v, v, p.half_kick, k1, nullptr, nullptr);
  }
  void drift() const {
    move(position_limits(state), state, state, p.half_dt, state + second(), nullptr, nullptr);
    t.fresh_force = false;
  }
  void bath() const {
    const auto& kernels = general_kernels();
    float* v = state + second();
    if (a.metered) a.kinetic(t, p, 1.0, t.thermal);
    if (a.by_cell) {
      t.momentum.clear();
      a.momenta(t, p, t.momentum);
      t.before.assign(v, v + second());
    }
    a.draw(t, p, origin, number, n1);
    if (a.spec.kind == CellKind::rlc) {
      a.product(t, *p.propagate, v, guess);
      a.product(t, *p.spread, n1, k2);
      const std::vector<float> none(a.cells, 0.0f);
      settle(velocity_limits(v), v, guess, k2, none.data(), nullptr);
    } else if (p.by_change) {
      float* increment = t.increment.data();
      std::copy_n(v, second(), increment);
      kernels.damp(shape(), no_limits(), increment, p.keep.data(), p.kick.data(), n1);
      raise(velocity_limits(v), v, increment);
    } else {
      kernels.damp(shape(), velocity_limits(state + second()), v, p.keep.data(), p.kick.data(), n1);
    }
    if (a.metered) a.kinetic(t, p, -1.0, t.thermal);
    if (a.by_cell) a.add_kinetic_heat(t, p, t.before.data());
    if (p.heat && a.by_cell) p.heat->add_missing(t.lanes, t.before.data(), {}, nullptr, t.cell_heat.data());
  }

  // z = propagate z + spread n + respond b, or that much more.
  void exact() const {
    const auto& kernels = general_kernels();
    a.product(t, *p.propagate, state, guess);
    const auto normals_of = [&](Purpose purpose, float* n) {
      kernels.normals(a.address(t, origin, number, purpose), shape(), n);
    };
    if (a.inertia) normals_of(Purpose::thermal_second, n1);
    normals_of(Purpose::thermal, n1 + (a.inertia ? second() : 0));
    a.product(t, *p.spread, n1, k1);
    if (p.lane_bias) {
      std::copy_n(t.bias.data(), second(), n2);
      if (a.inertia) std::fill_n(n2 + second(), second(), 0.0f);
      a.product(t, *p.respond, n2, k2);
      if (p.lean) {
        std::copy_n(t.bias_change.data(), second(), n2);
        a.product(t, *p.lean, n2, n1);
        const std::size_t size = std::size_t{a.variables} * t.lanes;
        for (std::size_t at = 0; at < size; ++at) k2[at] += n1[at];
      }
    }
    const float* lane_shift = p.lane_bias ? k2 : nullptr;
    settle(position_limits(state), state, guess, k1, p.shift.data(), lane_shift);
    if (a.inertia)
      settle(velocity_limits(state + second()), state + second(), guess + second(), k1 + second(),
             p.lane_bias ? nullptr : p.shift.data() + a.cells, p.lane_bias ? lane_shift + second() : nullptr);
  }
};

void GeneralArray::Impl::scheme(Space& s) const {
  switch (spec.stepper) {
    case Stepper::euler_maruyama:
      schemes::euler_maruyama(s);
      break;
    case Stepper::heun:
      schemes::heun(s);
      break;
    case Stepper::leimkuhler_matthews:
      schemes::leimkuhler_matthews(s);
      break;
    case Stepper::baoab:
      schemes::baoab(s);
      break;
    case Stepper::exact_ou:
      s.exact();
      break;
    default:
      break;
  }
  if (phases)
    general_kernels().wrap(shape(s.t, cells), s.limits(turns_limit, s.state), s.state,
                           s.p.split ? s.t.low.data() : nullptr, s.state + s.second(), s.t.counts.data());
  if (s.p.drifts()) s.count_drift();
}

void GeneralArray::Impl::add_node_heat(Space& s, std::vector<double>& heat) const {
  LaneTile& t = s.t;
  const StepTable& p = s.p;
  fields(t, p, s.n1, t.field_a, t.field_b);  // the noise as currents: C times what it adds to the voltages
  for (std::uint32_t i = 0; i < cells; ++i) {
    if (free[i] == 0) continue;
    const double half_loss = 0.5 * p.dt * p.damping[i];
    for (std::uint32_t l = 0; l < t.lanes; ++l) {
      const std::size_t at = t.at(i, l);
      double noise = static_cast<double>(p.mass[i]) * s.n1[at];
      if (p.couplings_a) noise += static_cast<double>(p.gain_a) * t.field_a[at];
      if (p.couplings_b) noise += static_cast<double>(p.gain_b) * t.field_b[at];
      const double before = t.before[at + s.second()], after = s.state[at + s.second()], guess = s.guess[at + s.second()];
      const double released = half_loss * (before * before + after * after) - 0.5 * (before + guess) * noise;
      heat[l] += released;
      if (by_cell) t.cell_heat[at] += released;
    }
  }
}

// One step with its meters.
void GeneralArray::Impl::metered_step(Space& s) {
  LaneTile& t = s.t;
  const StepTable& p = s.p;
  const Stepper stepper = spec.stepper;
  const bool white = spec.colour.white();
  std::vector<double> heat(t.lanes, 0.0);
  std::fill(t.thermal.begin(), t.thermal.end(), 0.0);
  const bool by_energy = stepper == Stepper::exact_ou && p.potential, by_bath = stepper == Stepper::baoab;
  const bool by_nodes = stepper == Stepper::heun && spec.kind == CellKind::rlc && white;
  const bool by_noise = stepper == Stepper::heun && !inertia && white;
  if (by_energy || !p.potential) energies(t, p, 1.0, heat);
  std::vector<double> change(t.lanes, 0.0);  // of the energy, where there is no potential
  if (!p.potential)
    std::transform(heat.begin(), heat.end(), change.begin(), std::negate<>()), heat.assign(t.lanes, 0.0);
  const bool by_path = !by_energy && !by_bath && !by_nodes;
  const bool by_forces = by_path || (by_cell && by_energy);  // the forces at both ends of the step
  if (by_forces || by_nodes) {
    t.before.assign(t.state.begin(), t.state.begin() + static_cast<std::ptrdiff_t>(std::size_t{variables} * t.lanes));
    if (phases) t.counts_before = t.counts;
  }
  std::vector<double> missing;  // of the trapezoid, per [cell][lane]
  if (by_forces) {
    t.force.resize(t.state.size());
    t.force_after.resize(t.state.size());
    if (!t.known_force) {
      gradient(t, p, t.state.data(), t.force.data());
      if (by_noise) curvatures(t, p, t.curvature);
    }
    if (inertia && by_path) kinetic(t, p, 1.0, heat);
    if (inertia && by_cell) {
      t.momentum.clear();
      momenta(t, p, t.momentum);
    }
    if (p.heat) {
      missing.assign(std::size_t{cells} * t.lanes, 0.0);
      p.heat->add_missing(t.lanes, t.state.data(), p.bias, p.lane_bias ? t.bias.data() : nullptr, missing.data());
    }
  }
  scheme(s);
  if (by_energy) energies(t, p, -1.0, heat);
  if (by_bath)
    for (std::uint32_t l = 0; l < t.lanes; ++l) heat[l] += t.thermal[l];
  if (by_nodes) add_node_heat(s, heat);
  if (by_forces) {
    if (inertia && by_path) kinetic(t, p, -1.0, heat);
    if (inertia && by_cell) add_kinetic_heat(t, p, t.before.data() + s.second());
    gradient(t, p, t.state.data(), t.force_after.data());
    if (by_noise) curvatures(t, p, t.curvature_after);
    const double quarter =
        stepper == Stepper::euler_maruyama && !inertia && white ? 0.25 * spec.mobility * p.dt : 0.0;
    for (std::uint32_t i = 0; i < cells; ++i) {
      if (free[i] == 0) continue;
      for (std::uint32_t l = 0; l < t.lanes; ++l) {
        const std::size_t at = t.at(i, l);
        const double g0 = t.force[at], g1 = t.force_after[at];
        double released = 0;
        if (by_noise && (phases || std::abs(t.state[at]) < spec.rail)) {
          // F o dx = mu F^2 dt + F o noise, the noise with the force at the predicted state, whose mean is kT dF/dx mu dt
          // there; the last term brings that to the mean of both ends.
          const double sigma = p.sigma[i], ahead = s.k2[at] + (p.drifts() ? p.minus_pull[i] : 0.0);
          released = -0.5 * p.step[i] * (g0 * g0 + g1 * g1) - 0.5 * (g0 + ahead) * sigma * s.n1[at] +
                     0.25 * sigma * sigma * (t.curvature_after[at] - t.curvature[at]);
        } else {
          double moved = static_cast<double>(t.state[at]) - t.before[at];
          if (phases)
            moved += 2.0 * std::numbers::pi * static_cast<std::int32_t>(t.counts[at] - t.counts_before[at]);
          released = quarter * (g1 * g1 - g0 * g0) - 0.5 * moved * (g0 + g1);
          if (!missing.empty()) released += missing[at];
        }
        if (by_path) heat[l] += released;
        if (by_cell) t.cell_heat[at] += released;
      }
    }
    t.force.swap(t.force_after);
    t.curvature.swap(t.curvature_after);
    t.known_force = true;
  }
  if (!p.potential) {
    energies(t, p, 1.0, change);
    for (std::uint32_t l = 0; l < t.lanes; ++l) t.work[l] += change[l] + heat[l];
  }
  for (std::uint32_t l = 0; l < t.lanes; ++l) t.heat[l] += heat[l];
}

void GeneralArray::Impl::step(LaneTile& t, const StepTable& p, const NoiseOrigin& origin, std::uint64_t number) {
  Space space(*this, t, p, origin, number);
  if (metered) {
    metered_step(space);
  } else {
    scheme(space);
  }
}

}  // namespace heatbath::physics
