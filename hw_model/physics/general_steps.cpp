// Forces, steps and their meters of the general array.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "heatbath/cells/phase.hpp"
#include "heatbath/cells/quartic.hpp"
#include "hw_model/physics/cell_law.hpp"
#include "hw_model/physics/general_space.hpp"
#include "hw_model/physics/graph.hpp"
#include "hw_model/physics/packed_couplings.hpp"
#include "hw_model/physics/step_kernels.hpp"
#include "hw_model/physics/steppers/stepper_rule.hpp"

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
  refresh(t, x);
  if (phases) {
    trigonometry(t, x);
    fields(t, p, t.cosine.data(), t.field_a, t.field_b);
    fields(t, p, t.sine.data(), t.field_c, t.field_d);
    kernels.phase(shape(t, cells), {p.four_j2.data(), at_rest ? p.no_pull.data() : p.minus_pull.data(), p.bias.data(), lane_bias},
                  pair(t.field_a, t.field_b), pair(t.field_c, t.field_d), t.cosine.data(), t.sine.data(), out);
    return;
  }
  const bool coupled = !law(spec.kind).capacitive;  // couplings of rlc nodes are capacitances
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

void GeneralArray::Impl::scheme(StepSpace& s) const {
  rule(spec).step(s);
  if (phases)
    general_kernels().wrap(shape(s.t, cells), s.limits(turns_limit, s.state), s.state,
                           s.p.split ? s.t.low.data() : nullptr, s.state + s.second(), s.t.counts.data());
  if (s.p.drifts()) s.count_drift();
}

void GeneralArray::Impl::add_node_heat(StepSpace& s, std::vector<double>& heat) const {
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
      if (by_cell) t.cell_sums.of(CellMeter::heat)[at] += released;
    }
  }
}

// One step with its meters.
void GeneralArray::Impl::metered_step(StepSpace& s) {
  LaneTile& t = s.t;
  const StepTable& p = s.p;
  const StepperRule& by = rule(spec);
  const HeatFrom from = by.heat(spec, p.potential);
  std::vector<double> heat(t.lanes, 0.0);
  std::fill(t.thermal.begin(), t.thermal.end(), 0.0);
  const bool by_energy = from == HeatFrom::energy, by_bath = from == HeatFrom::bath;
  const bool by_nodes = from == HeatFrom::nodes, by_guess = from == HeatFrom::guess;
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
      if (by_guess) curvatures(t, p, t.curvature);
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
    if (by_guess) curvatures(t, p, t.curvature_after);
    const double quarter = from == HeatFrom::noises ? 0.25 * spec.mobility * p.dt : 0.0;
    OrderedSums ordered(exchange, heat);
    for (std::uint32_t i = 0; i < cells; ++i) {
      if (free[i] == 0) continue;
      for (std::uint32_t l = 0; l < t.lanes; ++l) {
        const std::size_t at = t.at(i, l);
        const double g0 = t.force[at], g1 = t.force_after[at];
        const bool held = !phases && !(std::abs(t.state[at]) < spec.rail);  // a step cut short at the rail
        double released = 0;
        if (from == HeatFrom::odds && !held) {
          released = by.released(s, i, at, g0, g1);
        } else if (by_guess && !held) {
          // F o dx = mu F^2 dt + F o noise, the noise with the force at the predicted state, whose mean is kT dF/dx mu dt
          // there; the last term brings that to the mean of both ends.
          const double sigma = p.sigma[i], ahead = s.k2[at] + (p.drifts() ? p.minus_pull[i] : 0.0);
          released = -0.5 * p.step[i] * (g0 * g0 + g1 * g1) - 0.5 * (g0 + ahead) * sigma * s.n1[at] +
                     0.25 * sigma * sigma * (t.curvature_after[at] - t.curvature[at]);
        } else {
          double moved = static_cast<double>(t.state[at]) - t.before[at];
          if (phases)
            moved += 2.0 * std::numbers::pi * static_cast<std::int32_t>(t.counts[at] - t.counts_before[at]);
          released = released_between(quarter, g0, g1, moved);
          if (!missing.empty()) released += missing[at];
        }
        if (by_path) ordered.add(l, released);
        if (by_cell) t.cell_sums.of(CellMeter::heat)[at] += released;
      }
    }
    ordered.finish();
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
  StepSpace space(*this, t, p, origin, number);
  if (metered) {
    metered_step(space);
  } else {
    scheme(space);
  }
}

}  // namespace heatbath::physics
