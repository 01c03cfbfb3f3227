#include "hw_model/physics/general_array.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>

#include "heatbath/numerics/work_watch.hpp"
#include "hw_model/physics/active_kernels.hpp"
#include "hw_model/physics/cell_law.hpp"
#include "hw_model/physics/general_array_impl.hpp"
#include "hw_model/physics/graph.hpp"
#include "hw_model/physics/lane_exchange.hpp"
#include "hw_model/physics/ramp.hpp"
#include "hw_model/physics/step_kernels.hpp"
#include "hw_model/physics/steppers/stepper_rule.hpp"

namespace heatbath::physics {

const GeneralKernels& general_kernels() {
  return of_active_isa(portable::general_kernels, avx2::general_kernels, avx512::general_kernels);
}

namespace {

constexpr std::uint64_t sweeps_of_bits = 8;   // of many lanes at least, for turning spins into bits and back to pay

}  // namespace

bool same_parameters(const Parameters& a, const Parameters& b) {
  return a.couplings == b.couplings && a.gain == b.gain && a.kT == b.kT && a.bias_per_lane == b.bias_per_lane &&
         a.j2 == b.j2 && a.j4 == b.j4 && a.bias == b.bias && a.kT_cell == b.kT_cell && a.mass == b.mass &&
         a.damping == b.damping && a.frequency == b.frequency;
}

GeneralArray::Impl::Impl(const ArraySpec& spec_, numerics::ThreadTeam* team_)
    : spec(spec_),
      team(team_),
      exchange(spec_.exchange.get()),
      own_rows(exchange, spec_.cells),
      cells(spec_.cells),
      variables(components(spec_.kind) * spec_.cells),
      inertia(law(spec_.kind).inertia),
      phases(law(spec_.kind).periodic),
      spins(law(spec_.kind).spins),
      capacitive(law(spec_.kind).capacitive),
      free(spec_.cells, ~0u) {
  const bool by_colour = rule(spec).by_colour;
  // Spins of one lane are vectors of cells only where cells may turn at once.
  for (const LaneRange& range : ranges_of_lanes(spec.lanes, team, !spins || by_colour)) {
    LaneTile t;
    static_cast<LaneRange&>(t) = range;
    // Products write whole groups of rows beyond the last one.
    const std::size_t size = std::size_t{variables + group_cells} * t.lanes;
    t.state.assign(size, spins ? 1.0f : 0.0f);
    if (!spins)
      for (auto* field : {&t.guess, &t.k1, &t.k2, &t.n1, &t.n2, &t.field_a, &t.field_b}) field->assign(size, 0.0f);
    if (phases) t.counts.assign(size, 0u);
    if (phases)
      for (auto* field : {&t.cosine, &t.sine, &t.field_c, &t.field_d}) field->assign(size, 0.0f);
    t.heat.assign(t.lanes, 0.0);
    t.work = t.thermal = t.heat;
    tiles.push_back(std::move(t));
  }
}

void GeneralArray::Impl::make_order() {
  if (!order[0].empty() || !order[1].empty()) return;
  const bool by_colour = rule(spec).by_colour;
  const auto colour = [&](std::uint32_t i) { return exchange ? exchange->cut().colours[i] : spec.graph->colours()[i]; };
  for (auto& sites : order) sites.reserve(by_colour ? own_rows.count() / 2 + 1 : 0);
  for (std::uint32_t i = own_rows.begin; i < own_rows.end; ++i) order[by_colour ? colour(i) : 0].push_back(i);
}

void GeneralArray::Impl::for_each_tile(const std::function<void(LaneTile&)>& piece) {
  for_tiles(tiles, team, piece);
}

bool GeneralArray::Impl::wants_heat(const Parameters& live) const {
  if (!metered) return false;
  const Exact exact = rule(spec).exact;
  if (exact == Exact::whole) return by_cell || !live.couplings->symmetric();
  return by_cell && capacitive && exact == Exact::velocities;
}

std::shared_ptr<const StepTable> GeneralArray::Impl::table(const Parameters& live, double dt) {
  const bool heat = wants_heat(live);
  const bool changed = !kept || kept->dt != dt || kept->clamps != clamps || (heat && !kept->heat) || !same_parameters(kept->parameters, live);
  if (exchange ? exchange->any(changed) : changed)
    kept = Kept{live, dt, clamps, heat, std::make_shared<const StepTable>(spec, live, live, 0.0, dt, free, 0.0, heat)};
  return kept->table;
}

void GeneralArray::Impl::tabulate_bias(LaneTile& t, const StepTable& p, const Parameters& from, const Parameters& to,
                                       double advance) const {
  if (!p.lane_bias) return;
  t.bias.assign(std::size_t{cells} * t.lanes, 0.0f);
  for (std::uint32_t l = 0; l < t.count; ++l)
    for (std::uint32_t i = 0; i < cells; ++i)
      t.bias[t.at(i, l)] = StepTable::bias_of(from, to, p.position, cells, t.first + l, i);
  if (!p.lean) return;
  t.bias_change.assign(std::size_t{cells} * t.lanes, 0.0f);
  const auto bias = [&](const Parameters& of, std::uint32_t l, std::uint32_t i) -> double {
    return StepTable::bias_of(of, of, 0.0f, cells, t.first + l, i);
  };
  for (std::uint32_t l = 0; l < t.count; ++l)
    for (std::uint32_t i = 0; i < cells; ++i)
      t.bias_change[t.at(i, l)] = static_cast<float>(advance * (bias(to, l, i) - bias(from, l, i)));
}

void GeneralArray::Impl::make_room(LaneTile& t, const StepTable& p) const {
  if (p.split || p.by_change) t.increment.resize(t.state.size());
  if (!p.split) {
    t.low.clear();
  } else if (t.low.empty()) {
    t.low.assign(t.state.size(), 0.0f);
  }
}

void GeneralArray::Impl::record(LaneTile& t, const Run& run, std::uint64_t ordinal) const {
  std::vector<float> values(variables);
  for (std::uint32_t l = 0; l < t.count; ++l) {
    for (std::uint32_t v = 0; v < variables; ++v) values[v] = t.state[t.at(v, l)];
    run.record(ordinal, t.first + l, values);
  }
}

GeneralArray::GeneralArray(ArraySpec spec, numerics::ThreadTeam* team)
    : Array(std::move(spec)), impl_(std::make_unique<Impl>(Array::spec(), team)) {}

GeneralArray::~GeneralArray() = default;

void GeneralArray::read(std::uint32_t lane, std::span<float> out) const {
  if (impl_->in_planes.current) {
    const Impl::LaneInPlanes own = impl_->lane_in_planes(lane);
    for (std::uint32_t i = 0; i < impl_->cells; ++i) out[i] = own.spin(i);
    return;
  }
  const Impl::LaneTile& t = impl_->tile_of(lane);
  for (std::uint32_t v = 0; v < impl_->variables; ++v) out[v] = t.state[t.at(v, lane - t.first)];
}

std::int32_t GeneralArray::turns(std::uint32_t lane, std::uint32_t cell) const {
  const Impl::LaneTile& t = impl_->tile_of(lane);
  return impl_->phases ? t.turns(t.at(cell, lane - t.first)) : 0;
}

float GeneralArray::state(std::uint32_t lane, std::uint32_t variable) const {
  if (impl_->in_planes.current) return impl_->lane_in_planes(lane).spin(variable);
  const Impl::LaneTile& t = impl_->tile_of(lane);
  return t.state[t.at(variable, lane - t.first)];
}

void GeneralArray::write(std::uint32_t lane, std::uint32_t first, std::span<const float> values,
                         const Parameters& live) {
  Impl& a = *impl_;
  if (a.in_planes.current && !a.metered) {
    const Impl::LaneInPlanes spins = a.lane_in_planes(lane);
    for (std::uint32_t n = 0; n < values.size(); ++n) {
      std::uint32_t& word = spins.words[(first + n) * spins.groups];
      word = (word & ~(1u << spins.bit)) | (values[n] < 0 ? 0u : 1u << spins.bit);
    }
    return;
  }
  a.settle();
  Impl::LaneTile& t = a.tile_of(lane);
  const std::uint32_t own = lane - t.first;
  if (a.metered) t.work[own] -= a.energy(t, own, live);
  const auto set_turns = [&](std::uint32_t cell, double turns) {
    constexpr double most = turns_limit;
    const auto count = static_cast<std::int32_t>(std::clamp(turns, -most, most));
    t.counts[t.at(cell, own)] = static_cast<std::uint32_t>(count);
    t.state[t.at(a.cells + cell, own)] = static_cast<float>(count);
  };
  for (std::uint32_t n = 0; n < values.size(); ++n) {
    const std::uint32_t variable = first + n, cell = variable % a.cells;
    const float value = values[n];
    float& x = t.state[t.at(variable, own)];
    if (a.spins) {
      x = value < 0 ? -1.0f : 1.0f;
    } else if (a.phases && variable >= a.cells) {
      set_turns(cell, std::nearbyint(value));
    } else if (a.phases) {
      const float held = std::clamp(value, -phase_limit, phase_limit);
      double turns = std::nearbyint(held / (2.0 * std::numbers::pi));
      auto angle = static_cast<float>(held - turns * 2.0 * std::numbers::pi);
      constexpr auto pi = std::numbers::pi_v<float>;
      if (angle >= pi) angle -= 2.0f * pi, turns += 1;
      if (angle < -pi) angle += 2.0f * pi, turns -= 1;
      x = angle;
      set_turns(cell, t.turns(t.at(cell, own)) + turns);
    } else if (variable >= a.cells) {
      x = a.free[cell] == 0 ? 0.0f : std::clamp(value, -velocity_limit, velocity_limit);
    } else {
      x = std::clamp(value, -spec().rail, spec().rail);
    }
  }
  if (!t.low.empty())
    for (std::uint32_t n = 0; n < values.size(); ++n) t.low[t.at(first + n, own)] = 0.0f;
  t.fresh_force = false;
  if (a.metered) t.work[own] += a.energy(t, own, live);
}

void GeneralArray::set_clamped(std::span<const std::uint8_t> clamped, const Parameters& live) {
  Impl& a = *impl_;
  ++a.clamps;
  for (std::uint32_t i = 0; i < a.cells; ++i) a.free[i] = clamped[i] ? 0u : ~0u;
  if (!a.inertia) return;
  for (auto& t : a.tiles)
    for (std::uint32_t l = 0; l < t.count; ++l) {
      bool moving = false;
      for (std::uint32_t i = 0; i < a.cells; ++i)
        moving = moving || (clamped[i] && t.state[t.at(a.cells + i, l)] != 0.0f);
      if (a.exchange) moving = a.exchange->any(moving);
      if (!moving) continue;
      if (a.metered) t.work[l] -= a.energy(t, l, live);
      for (std::uint32_t i = 0; i < a.cells; ++i)
        if (clamped[i]) {
          t.state[t.at(a.cells + i, l)] = 0.0f;
          if (!t.low.empty()) t.low[t.at(a.cells + i, l)] = 0.0f;
        }
      if (a.metered) t.work[l] += a.energy(t, l, live);
    }
}

void GeneralArray::change_parameters(const Parameters& from, const Parameters& to) {
  Impl& a = *impl_;
  for (auto& t : a.tiles) t.fresh_force = false;
  if (!a.metered) return;
  a.settle();
  const StepTable before(spec(), from, from, 0.0, 0.0, a.free), after(spec(), to, to, 0.0, 0.0, a.free);
  a.for_each_tile([&](Impl::LaneTile& t) {
    for (std::uint32_t l = 0; l < t.count; ++l)
      t.work[l] += a.energy(t, l, after, to, to) - a.energy(t, l, before, from, from);
  });
}

void GeneralArray::change_ramp(const Ramp& from, const Ramp& to, std::uint64_t ramp_first, std::uint64_t ramp_steps) {
  if (!impl_->metered) {
    for (auto& t : impl_->tiles) t.fresh_force = false;
    return;
  }
  const double position = static_cast<double>(ramp_first) / static_cast<double>(ramp_steps);
  change_parameters(ramp::between(from.live, from.target, position, lanes()),
                    ramp::between(to.live, to.target, position, lanes()));
}

std::uint64_t GeneralArray::advance(const Run& run, const Parameters& live) {
  Impl& a = *impl_;
  if (run.steps == 0) return 0;
  check_run(spec(), run);
  const bool ramped = run.target != nullptr && run.ramp_steps > 0;
  const Parameters& target = ramped ? *run.target : live;
  if (a.advance_planes(run, live, target)) return run.steps;
  a.settle();
  // Parameters at a number of half steps of the ramp; dt = 0: for energies only.
  const bool midway = ramped && takes_middle(spec().stepper);
  const double advance = midway ? 1.0 / static_cast<double>(run.ramp_steps) : 0.0;
  const auto table_at = [&](std::uint64_t halves, double dt) -> std::shared_ptr<const StepTable> {
    if (halves == 2 * run.ramp_steps) return std::make_shared<const StepTable>(spec(), target, target, 0.0, dt, a.free);
    const double position = static_cast<double>(halves) / static_cast<double>(2 * run.ramp_steps);
    const bool heat = dt > 0 && (a.wants_heat(live) || a.wants_heat(target));
    return std::make_shared<const StepTable>(spec(), live, target, position, dt, a.free, dt > 0 ? advance : 0.0,
                                             heat);
  };
  // Adds the change of V from one set of parameters to another. Leaves the second one's biases in the tile.
  const auto change = [&](Impl::LaneTile& t, const StepTable& from, const StepTable& to, bool last) {
    a.energies(t, from, -1.0, t.work);
    a.tabulate_bias(t, to, last ? target : live, target, advance);
    a.energies(t, to, 1.0, t.work);
  };
  std::shared_ptr<const StepTable> table = ramped ? table_at(2 * run.ramp_first + midway, run.dt) : a.table(live, run.dt);
  std::shared_ptr<const StepTable> begin = midway && a.metered ? table_at(2 * run.ramp_first, 0.0) : nullptr;
  std::vector<std::uint64_t> ordinal(a.tiles.size(), 0);
  const bool watched = a.cell_meters.of_states() && !rule(spec()).at_random;  // those are watched update by update

  for (std::uint64_t done = 0; done < run.steps;) {
    const std::uint64_t count = ramped ? 1 : run.steps - done;
    const std::uint64_t next = run.ramp_first + done + 1;
    std::shared_ptr<const StepTable> after, end;  // of the next step; at the end of this one
    try {
      if (ramped && (midway ? done + 1 < run.steps : a.metered || done + 1 < run.steps))
        after = table_at(2 * next + midway, run.dt);
      if (ramped && a.metered) end = midway ? table_at(2 * next, 0.0) : after;
    } catch (const numerics::WorkStopped&) {
      if (done == 0) throw;
      return done;
    }
    const SignLattice* const lattice = a.lattice(*table);
    if (a.spins && !(lattice && lanes() == 1)) a.make_order();
    a.for_each_tile([&](Impl::LaneTile& t) {
      std::uint64_t& records = ordinal[static_cast<std::size_t>(&t - a.tiles.data())];
      if (begin) {
        a.tabulate_bias(t, *begin, live, target);
        change(t, *begin, *table, false);
      } else {
        a.tabulate_bias(t, *table, live, target, advance);
      }
      t.fresh_force = t.known_force = false;
      a.make_room(t, *table);
      for (std::uint64_t s = done, together = 1; s < done + count; s += together) {
        const std::uint64_t number = run.noise.step + s;
        const std::uint64_t due =
            run.record_period > 0 ? run.record_first + records * run.record_period : done + count;
        const std::uint64_t alike = std::max(s + 1, std::min(due, done + count)) - s;  // steps up to the next record
        together = 1;
        if (lattice && (t.lanes == 1 || alike >= sweeps_of_bits)) {
          together = alike;
          a.sweep_signs(t, *lattice, *table, run.noise, number, alike);
        } else {
          if (watched) t.cell_sums.begin(a.positions(t));
          if (a.spins) {
            a.spin_step(t, *table, run.noise, number);
          } else {
            a.step(t, *table, run.noise, number);
          }
          if (watched) t.cell_sums.end(law(spec().kind), a.positions(t));
        }
        if (end) change(t, *table, *end, next == run.ramp_steps);
        if (run.record_period > 0 && s + together == due) a.record(t, run, records++);
      }
    });
    done += count;
    table = after;
    if (midway) begin = end;
  }
  for (const auto& t : a.tiles) a.refresh(t, t.state.data());
  return run.steps;
}

void GeneralArray::restart() {
  for (auto& t : impl_->tiles) t.filters.clear();
}

void GeneralArray::enable_meters(bool on) {
  impl_->metered = on;
  impl_->by_cell = false;
  impl_->cell_meters = {};
  clear_meters();
}

void GeneralArray::enable_cell_meter(CellMeter meter) {
  impl_->cell_meters.add(meter);
  impl_->by_cell = impl_->cell_meters.has(CellMeter::heat);
  clear_meters();
}

void GeneralArray::clear_meters() {
  for (auto& t : impl_->tiles) {
    std::fill(t.heat.begin(), t.heat.end(), 0.0);
    std::fill(t.work.begin(), t.work.end(), 0.0);
    t.cell_sums.clear(impl_->cell_meters, std::size_t{impl_->cells} * t.lanes);
  }
}

void GeneralArray::cell_meter(CellMeter meter, std::uint32_t lane, std::span<double> out) const {
  const Impl::LaneTile& t = impl_->tile_of(lane);
  for (std::uint32_t i = 0; i < impl_->cells; ++i) out[i] = t.cell_sums.at(meter, t.at(i, lane - t.first));
}

LaneMeters GeneralArray::meters(std::uint32_t lane, const Parameters&) const {
  const Impl::LaneTile& t = impl_->tile_of(lane);
  return {t.work[lane - t.first], t.heat[lane - t.first]};
}

double GeneralArray::energy(std::uint32_t lane, const Parameters& live) const {
  impl_->settle();
  const Impl::LaneTile& t = impl_->tile_of(lane);
  return impl_->energy(t, lane - t.first, live);
}

std::uint64_t GeneralArray::rail_count() const {
  return rails_of(impl_->tiles).rail_count;
}

std::uint32_t GeneralArray::rail_cell() const { return rails_of(impl_->tiles).rail_cell; }

void GeneralArray::clear_rails() { clear_rails_of(impl_->tiles); }

void GeneralArray::exchange(numerics::Archive& archive) {
  Impl& a = *impl_;
  a.settle();
  archive.section("general");
  archive(a.metered, a.cell_meters);
  archive.check(a.metered || !a.cell_meters.any(), "meters");
  a.by_cell = a.cell_meters.has(CellMeter::heat);
  exchange_free(archive, std::span(a.free), a.exchange);
  exchange_rails(archive, a.tiles, a.exchange);
  bool split = std::ranges::any_of(a.tiles, [](const Impl::LaneTile& t) { return !t.low.empty(); });
  std::uint32_t filters = static_cast<std::uint32_t>(a.tiles.front().filters.size());
  archive(split, filters);
  archive.check(!(split && a.spins) && filters <= Impl::most_filters && (filters == 0 || !spec().colour.white()),
                "split states and filters");
  if (archive.reads()) {
    clear_meters();
    a.kept.reset();
    for (Impl::LaneTile& t : a.tiles) {
      t.fresh_force = t.known_force = false;
      t.low.assign(split ? t.state.size() : 0, 0.0f);
      t.filters.assign(filters, CacheLines<float>(std::size_t{a.cells + 1 + group_cells} * t.lanes));
    }
  }
  for (std::uint32_t lane = 0; lane < lanes(); ++lane) {
    Impl::LaneTile& t = a.tile_of(lane);
    const std::uint32_t own = lane - t.first;
    exchange_lane_of_cells(archive, t.state, a.cells, a.variables, t.lanes, own, a.exchange);
    if (split) exchange_lane_of_cells(archive, t.low, a.cells, a.variables, t.lanes, own, a.exchange);
    if (a.phases) exchange_lane_of_cells(archive, t.counts, a.cells, a.cells, t.lanes, own, a.exchange);
    for (auto& filter : t.filters) exchange_lane(archive, filter, a.cells + 1, t.lanes, own);
    bool right = true;
    for (std::uint32_t i = 0; i < a.cells && a.spins; ++i) right = right && std::abs(t.state[t.at(i, own)]) == 1.0f;
    check_everywhere(archive, right, "spins", a.exchange);
    if (!a.metered) continue;
    archive(t.heat[own], t.work[own]);
    exchange_lane(archive, t.cell_sums, a.cell_meters, a.cells, t.lanes, own, a.exchange);
  }
  for (const auto& t : a.tiles) a.refresh(t, t.state.data());
}

}  // namespace heatbath::physics
