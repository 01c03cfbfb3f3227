#include "hw_model/physics/quartic_array.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "heatbath/cells/quartic.hpp"
#include "heatbath/numerics/cache_line.hpp"
#include "hw_model/physics/cell_meters.hpp"
#include "hw_model/physics/code_products.hpp"
#include "hw_model/physics/exchange.hpp"
#include "hw_model/physics/graph.hpp"
#include "hw_model/physics/lane_exchange.hpp"
#include "hw_model/physics/lane_tiles.hpp"
#include "hw_model/physics/packed_couplings.hpp"
#include "hw_model/physics/ramp.hpp"
#include "hw_model/physics/step_kernels.hpp"
#include "hw_model/physics/steppers/stepper_rule.hpp"

namespace heatbath::physics {
namespace {

using numerics::CacheLines;

constexpr std::uint64_t scalars_block = 4096;

// Lanes first..first+count-1 with their own state, meters and per-lane biases.
struct LaneTile : LaneRange, Rails {
  CacheLines<float> state, next;
  std::vector<double> twice_heat, work;
  CellSums cell_sums;
  std::vector<float> cell_before, cell_gradient;   // for it: state and dV/dx at the start of the step
  CacheLines<float> bias, change_bias;
  CacheLines<std::int16_t> quantised;  // where couplings are summed in integers
  CacheLines<float> code_fields;       // for one lane

  bool many() const { return lanes > 1; }
  std::size_t at(std::uint32_t cell, std::uint32_t lane) const { return std::size_t{cell} * lanes + lane; }
};

Couplings::PackedFor use_of(const LaneTile& tile) {
  return tile.many() ? Couplings::PackedFor::many_lanes : Couplings::PackedFor::one_lane;
}

}  // namespace

struct QuarticArray::Impl {
  std::uint32_t cells, lanes, groups, padded;
  float mobility, rail;
  numerics::ThreadTeam* team;
  Exchange* exchange = nullptr;  // null: the array is whole
  OwnRows own_rows{nullptr, 0};
  std::vector<LaneTile> tiles;
  std::vector<std::uint8_t> free;         // of each cell: 0 is clamped
  std::vector<std::uint32_t> free_cells;  // of each group
  bool metered = false;
  CellMeterSet cell_meters;
  // The path heat of the last step still lacks the force at the present state, under the parameters of that step.
  bool open = false;
  float open_mu_dt = 0;
  CacheLines<GroupParameters> live, changes;
  std::vector<std::uint32_t> own_group;  // of each group: its place in `live`

  LaneTile& tile_of(std::uint32_t lane) { return tile_of_lane(tiles, lane, lanes); }
  const LaneTile& tile_of(std::uint32_t lane) const { return tile_of_lane(tiles, lane, lanes); }

  template <class Piece>
  void for_each_tile(const Piece& piece) {
    for_tiles(tiles, team, piece);
  }

  // What `value` of a cell and `free` are in the cells of a group; 0 beyond the last cell.
  template <class Value>
  GroupParameters parameters_of(std::uint32_t group, const Value& value) const {
    GroupParameters of{};
    const std::uint32_t first = group * group_cells, count = std::min(group_cells, cells - first);
    for (std::uint32_t i = 0; i < count; ++i) {
      value(first + i, of.two_j2[i], of.four_j4[i], of.bias[i]);
      of.free[i] = free[first + i] != 0 ? ~0u : 0u;
    }
    return of;
  }

  // Cells of two whole groups have the same parameters and are free or clamped alike.
  bool alike(const Parameters& p, std::uint32_t group, std::uint32_t other) const {
    const std::size_t first = std::size_t{group} * group_cells, to = std::size_t{other} * group_cells;
    const auto same = [&](const ValueList& values) {
      if (values.one_value()) return true;
      for (std::uint32_t i = 0; i < group_cells; ++i)
        if (std::bit_cast<std::uint32_t>(values[first + i]) != std::bit_cast<std::uint32_t>(values[to + i])) return false;
      return true;
    };
    const bool all_free = free_cells[group] == group_cells && free_cells[other] == group_cells;
    return same(p.j2) && same(p.j4) && (p.bias_per_lane || same(p.bias)) &&
           (all_free || std::memcmp(free.data() + first, free.data() + to, group_cells) == 0);
  }

  // A group like the one before shares its parameters, so that a large uniform array is not bound by reading them.
  void tabulate(const Parameters& p) {
    live.clear();
    own_group.clear();
    for (std::uint32_t group = 0, kept = 0; group < groups; ++group) {
      const bool whole = (group + 1) * group_cells <= cells;
      if (group == 0 || !whole || !alike(p, group, kept)) {
        kept = group;
        live.push_back(parameters_of(group, [&](std::uint32_t i, float& two_j2, float& four_j4, float& bias) {
          two_j2 = 2.0f * p.j2[i];
          four_j4 = 4.0f * p.j4[i];
          if (!p.bias_per_lane) bias = p.bias[i];
        }));
      }
      own_group.push_back(static_cast<std::uint32_t>(live.size() - 1));
    }
  }

  void tabulate_changes(const Parameters& from, const Parameters& to) {
    changes.clear();
    for (std::uint32_t group = 0; group < groups; ++group)
      changes.push_back(parameters_of(group, [&](std::uint32_t i, float& two_j2, float& four_j4, float& bias) {
        two_j2 = 2.0f * to.j2[i] - 2.0f * from.j2[i];
        four_j4 = 4.0f * to.j4[i] - 4.0f * from.j4[i];
        if (!from.bias_per_lane && !to.bias_per_lane) bias = to.bias[i] - from.bias[i];
      }));
  }

  void count_free_cells() {
    free_cells.assign(groups, 0u);
    for (std::uint32_t i = 0; i < cells; ++i) free_cells[i / group_cells] += free[i] != 0;
  }

  static float bias_of(const Parameters& p, std::uint32_t cells, std::uint32_t lane, std::uint32_t cell) {
    return p.bias_per_lane ? p.bias[std::size_t{lane} * cells + cell] : p.bias[cell];
  }

  // sqrt(2 mu kT_i dt) per cell at a position between two sets of parameters.
  void tabulate_sigma(const Parameters& from, const Parameters& to, double position, double mu_dt,
                      CacheLines<float>& sigma) const {
    sigma.assign(padded, 0.0f);
    for (std::uint32_t i = 0; i < cells; ++i) {
      const double kT = ramp::scalar_between(from.kT_of(i), to.kT_of(i), position);
      sigma[i] = static_cast<float>(std::sqrt(2.0 * mu_dt * kT));
    }
  }

  // Per-lane biases of a tile in the layout of its state.
  void tabulate_lane_bias(const LaneTile& tile, const Parameters& p, CacheLines<float>& out) const {
    out.assign(std::size_t{padded} * tile.lanes, 0.0f);
    for (std::uint32_t lane = 0; lane < tile.count; ++lane)
      for (std::uint32_t cell = 0; cell < cells; ++cell) out[tile.at(cell, lane)] = bias_of(p, cells, tile.first + lane, cell);
  }

  void make_room(LaneTile& tile, const Couplings& couplings) const {
    if (!couplings.code_grid()) return;
    tile.quantised.resize(std::size_t{padded} * (tile.many() ? tile.lanes : code_room));
    if (!tile.many()) tile.code_fields.resize(std::size_t{2} * padded);
  }

  Tile kernel_tile(LaneTile& tile) const {
    Tile t{};
    t.cells = cells;
    t.groups = groups;
    if (exchange) t.first_group = (exchange->cut().first_cell - exchange->cut().first_row) / group_cells;
    t.lanes = tile.lanes;
    t.active_lanes = tile.count;
    t.state = tile.state.data();
    t.next = tile.next.data();
    t.free_cells = free_cells.data();
    t.code_products = &code_products();
    t.quantised = tile.quantised.data();
    t.code_fields[0] = tile.code_fields.data();
    t.code_fields[1] = tile.code_fields.data() + tile.code_fields.size() / 2;
    t.quantum = rail / static_cast<float>(state_code_max);
    t.rail = rail;
    t.twice_heat = tile.twice_heat.data();
    t.work = tile.work.data();
    t.rail_count = tile.rail_count;
    t.rail_cell = tile.rail_cell;
    return t;
  }

  // y = J x for all lanes of a tile; empty when J is zero.
  CacheLines<float> field(const LaneTile& tile, const Couplings& couplings) const {
    if (couplings.zero()) return {};
    CacheLines<float> y(std::size_t{padded} * tile.lanes);
    LaneTile& buffers = const_cast<LaneTile&>(tile);
    make_room(buffers, couplings);
    const Tile t = kernel_tile(buffers);
    step_kernels().coupling_field(t, couplings.packed(use_of(tile)).view, y.data());
    return y;
  }

  float gradient(const LaneTile& tile, const Parameters& p, const CacheLines<float>& y, std::uint32_t cell,
                 std::uint32_t lane) const {
    const float x = tile.state[tile.at(cell, lane)];
    const auto fused = [](float a, float b, float c) { return std::fma(a, b, c); };
    const float own = cells::quartic_gradient(fused, 2.0f * p.j2[cell], 4.0f * p.j4[cell],
                                              bias_of(p, cells, tile.first + lane, cell), x);
    return y.empty() ? own : cells::linear_coupling(fused, p.gain, y[tile.at(cell, lane)], own);
  }

  double energy(const LaneTile& tile, const Parameters& p, const CacheLines<float>& y, std::uint32_t lane) const {
    double sum = 0;
    OrderedSums ordered(exchange, {&sum, 1});
    for (std::uint32_t cell = own_rows.begin; cell < own_rows.end; ++cell) {
      const double x = tile.state[tile.at(cell, lane)];
      const double coupled = y.empty() ? 0.0 : 0.5 * p.gain * y[tile.at(cell, lane)];
      const double bias = bias_of(p, cells, tile.first + lane, cell) + coupled;
      ordered.add(0, cells::quartic_energy<double>(p.j2[cell], p.j4[cell], bias, x));
    }
    ordered.finish();
    return sum;
  }

  // Twice the boundary term of the path heat at the present state: f·(x - before) + (mu dt / 2) |f|^2, over free cells.
  double twice_boundary(const LaneTile& tile, const Parameters& p, const CacheLines<float>& y, std::uint32_t lane,
                        double mu_dt, bool with_increment) const {
    double sum = 0;
    OrderedSums ordered(exchange, {&sum, 1});
    for (std::uint32_t cell = own_rows.begin; cell < own_rows.end; ++cell) {
      if (free[cell] == 0) continue;
      const std::size_t at = tile.at(cell, lane);
      const double f = -static_cast<double>(gradient(tile, p, y, cell, lane));
      ordered.add(0, 0.5 * mu_dt * f * f);
      if (with_increment) ordered.add(0, f * (static_cast<double>(tile.state[at]) - tile.next[at]));
    }
    ordered.finish();
    return sum;
  }

  // Ends the path heat of the last step, whose parameters were p.
  void close(const Parameters& p) {
    if (!open) return;
    open = false;
    for_each_tile([&](LaneTile& tile) {
      const auto y = field(tile, *p.couplings);
      for (std::uint32_t lane = 0; lane < tile.count; ++lane)
        tile.twice_heat[lane] += twice_boundary(tile, p, y, lane, open_mu_dt, true);
    });
  }

  // Begins the path heat of a step with parameters p.
  void begin(const Parameters& p, float mu_dt) {
    open = true;
    open_mu_dt = mu_dt;
    for_each_tile([&](LaneTile& tile) {
      const auto y = field(tile, *p.couplings);
      for (std::uint32_t lane = 0; lane < tile.count; ++lane)
        tile.twice_heat[lane] -= twice_boundary(tile, p, y, lane, mu_dt, false);
      tile.next = tile.state;
    });
  }

  // Heat of cells: keeps the state and the forces at it, which begin a step; adds what a step has released.
  void begin_cell_heat(const Parameters& p) {
    for_each_tile([&](LaneTile& tile) {
      const auto y = field(tile, *p.couplings);
      tile.cell_before.assign(tile.state.begin(), tile.state.end());
      tile.cell_gradient.resize(tile.state.size());
      for (std::uint32_t cell = 0; cell < cells; ++cell)
        for (std::uint32_t lane = 0; lane < tile.count; ++lane)
          tile.cell_gradient[tile.at(cell, lane)] = gradient(tile, p, y, cell, lane);
    });
  }
  void add_cell_heat(const Parameters& p, double mu_dt) {
    for_each_tile([&](LaneTile& tile) {
      const auto y = field(tile, *p.couplings);
      for (std::uint32_t cell = 0; cell < cells; ++cell) {
        if (free[cell] == 0) continue;
        for (std::uint32_t lane = 0; lane < tile.count; ++lane) {
          const std::size_t at = tile.at(cell, lane);
          const double moved = static_cast<double>(tile.state[at]) - tile.cell_before[at];
          tile.cell_sums.of(CellMeter::heat)[at] +=
              released_between(0.25 * mu_dt, tile.cell_gradient[at], gradient(tile, p, y, cell, lane), moved);
        }
      }
    });
  }

  // One step of a rank's part, whose meters add up over all ranks as the kernels add them up in a whole array.
  void advance_part(Tile& t, const LaneTile& tile, const StepScalars* scalars, bool ramped, bool backwards) {
    const std::uint64_t together = std::uint64_t{16} * t.lanes;
    double *const twice_heat = t.twice_heat, *const work = t.work;
    const bool turned = backwards && (t.step & 1u) != 0;
    std::vector<double> terms[2];
    if (metered) {
      for (auto& of : terms) of.assign(groups * together, 0.0);
      t.meter_stride = together;
      t.twice_heat = terms[0].data();
      t.work = terms[1].data();
    }
    step_kernels().advance(t, 1, scalars, metered, ramped);
    exchange->refresh(t.state, tile.lanes);
    if (!metered) return;
    t.meter_stride = 0;
    t.twice_heat = twice_heat;
    t.work = work;
    const std::uint64_t begin = own_rows.begin / group_cells * together;
    const std::uint64_t count = (own_rows.count() + group_cells - 1) / group_cells * together;
    for (const bool of_work : {false, true}) {
      if (of_work && !ramped) break;
      const std::vector<double> all = exchange->gather(std::span<const double>(terms[of_work]).subspan(begin, count));
      double* const sums = of_work ? work : twice_heat;
      const std::uint64_t places = all.size() / together, paired = turned ? places / 2 * 2 : 0;
      for (std::uint64_t place = 0; place < places; ++place) {
        const std::uint64_t group = place < paired ? paired - 2 - place / 2 * 2 + place % 2 : place;
        for (std::uint64_t n = 0; n < together; ++n) sums[n] += all[group * together + n];
      }
    }
  }

  void add_work(const Parameters& p, double sign) {
    for_each_tile([&](LaneTile& tile) {
      const auto y = field(tile, *p.couplings);
      for (std::uint32_t lane = 0; lane < tile.count; ++lane) tile.work[lane] += sign * energy(tile, p, y, lane);
    });
  }

  void change(const Parameters& from, const Parameters& to) {
    // Here and not by a thread of the team: this thread can be asked to stop.
    if (to.couplings->graph() && !to.couplings->zero())
      for (const LaneTile& tile : tiles) to.couplings->packed(use_of(tile));
    if (!metered) return;
    close(from);
    add_work(from, -1.0);
    add_work(to, 1.0);
  }
};

namespace {

// Parameters at ramp step r of R; the values the kernels compute.
Parameters at_step(const Parameters& from, const Parameters& to, std::uint64_t r, std::uint64_t steps, std::uint32_t lanes) {
  return ramp::between(from, to, static_cast<double>(r) / static_cast<double>(steps), lanes);
}

}  // namespace

QuarticArray::QuarticArray(const ArraySpec& spec, numerics::ThreadTeam* team)
    : Array(spec), impl_(std::make_unique<Impl>()) {
  auto& a = *impl_;
  const std::uint32_t cells = spec.cells, lanes = spec.lanes;
  a.cells = cells;
  a.lanes = lanes;
  a.groups = (cells + group_cells - 1) / group_cells;
  a.padded = a.groups * group_cells;
  a.mobility = spec.mobility;
  a.rail = spec.rail;
  a.team = team;
  a.exchange = spec.exchange.get();
  a.own_rows = OwnRows(a.exchange, cells);
  a.free.assign(a.padded, std::uint8_t{0});
  std::fill_n(a.free.begin(), cells, std::uint8_t{0xFF});
  a.count_free_cells();
  for (const LaneRange& range : ranges_of_lanes(lanes, team, true)) {
    LaneTile tile;
    static_cast<LaneRange&>(tile) = range;
    tile.state.assign(std::size_t{a.padded} * tile.lanes, 0.0f);
    tile.next = tile.state;
    tile.twice_heat.assign(16 * std::size_t{tile.lanes}, 0.0);
    tile.work = tile.twice_heat;
    a.tiles.push_back(std::move(tile));
  }
}

QuarticArray::QuarticArray(std::uint32_t cells, std::uint32_t lanes, float mobility, float rail,
                           numerics::ThreadTeam* team)
    : QuarticArray(
          [&] {
            ArraySpec spec;
            spec.cells = cells;
            spec.lanes = lanes;
            spec.mobility = mobility;
            spec.rail = rail;
            return spec;
          }(),
          team) {}

QuarticArray::~QuarticArray() = default;

void QuarticArray::read(std::uint32_t lane, std::span<float> out) const {
  const auto& tile = impl_->tile_of(lane);
  for (std::uint32_t cell = 0; cell < impl_->cells; ++cell) out[cell] = tile.state[tile.at(cell, lane - tile.first)];
}

float QuarticArray::state(std::uint32_t lane, std::uint32_t cell) const {
  const auto& tile = impl_->tile_of(lane);
  return tile.state[tile.at(cell, lane - tile.first)];
}

void QuarticArray::write(std::uint32_t lane, std::uint32_t first, std::span<const float> values, const Parameters& live) {
  auto& a = *impl_;
  if (a.metered) a.close(live);
  auto& tile = a.tile_of(lane);
  const std::uint32_t own = lane - tile.first;
  if (a.metered) tile.work[own] -= a.energy(tile, live, a.field(tile, *live.couplings), own);
  for (std::uint32_t i = 0; i < values.size(); ++i)
    tile.state[tile.at(first + i, own)] = std::clamp(values[i], -a.rail, a.rail);
  if (a.metered) tile.work[own] += a.energy(tile, live, a.field(tile, *live.couplings), own);
}

void QuarticArray::set_clamped(std::span<const std::uint8_t> clamped, const Parameters& live) {
  if (impl_->metered) impl_->close(live);
  for (std::uint32_t i = 0; i < impl_->cells; ++i) impl_->free[i] = clamped[i] ? std::uint8_t{0} : std::uint8_t{0xFF};
  impl_->count_free_cells();
}

void QuarticArray::change_parameters(const Parameters& from, const Parameters& to) { impl_->change(from, to); }

// Work of the change to a step's parameters is counted by that step: the array is at those of the step before.
void QuarticArray::change_ramp(const Ramp& from, const Ramp& to, std::uint64_t ramp_first, std::uint64_t ramp_steps) {
  if (!impl_->metered) return;
  const std::uint64_t at = ramp_first == 0 ? 0 : ramp_first - 1;
  impl_->change(at_step(from.live, from.target, at, ramp_steps, impl_->lanes),
                at_step(to.live, to.target, at, ramp_steps, impl_->lanes));
}

std::uint64_t QuarticArray::advance(const Run& run, const Parameters& live) {
  auto& a = *impl_;
  if (!a.cell_meters.any()) {
    advance_fused(run, live);
    return run.steps;
  }
  const bool ramped = run.target != nullptr && run.ramp_steps > 0;
  const double mu_dt = static_cast<double>(a.mobility) * run.dt;
  const bool heated = a.cell_meters.has(CellMeter::heat), watched = a.cell_meters.of_states();
  std::uint64_t ordinal = 0;
  for (std::uint64_t s = 0; s < run.steps; ++s) {
    Run one = run;
    one.steps = 1;
    one.noise.step += s;
    one.ramp_first += s;
    one.record_period = 0;
    if (run.record_period > 0 && s + 1 == run.record_first + ordinal * run.record_period) {
      one.record_period = one.record_first = 1;
      one.record = [&run, ordinal](std::uint64_t, std::uint32_t lane, std::span<const float> state) {
        run.record(ordinal, lane, state);
      };
      ++ordinal;
    }
    if (watched) a.for_each_tile([](LaneTile& tile) { tile.cell_sums.begin(tile.state); });
    if (heated) {
      const Parameters p =
          ramped ? at_step(live, *run.target, one.ramp_first, run.ramp_steps, a.lanes) : live;
      a.begin_cell_heat(p);
      advance_fused(one, live);
      a.add_cell_heat(p, mu_dt);
    } else {
      advance_fused(one, live);
    }
    if (watched) a.for_each_tile([&](LaneTile& tile) { tile.cell_sums.end(law(spec().kind), tile.state); });
  }
  return run.steps;
}

void QuarticArray::advance_fused(const Run& run, const Parameters& live) {
  auto& a = *impl_;
  if (run.steps == 0) return;
  const bool ramped = run.target != nullptr && run.ramp_steps > 0;
  const double mu_dt = static_cast<double>(a.mobility) * run.dt;
  const Parameters& target = ramped ? *run.target : live;
  const bool two_couplings = ramped && target.couplings != live.couplings;
  const bool only_scalars = !ramped || (!two_couplings && target.j2 == live.j2 && target.j4 == live.j4 &&
                                        target.bias_per_lane == live.bias_per_lane && target.bias == live.bias);
  a.tabulate(live);
  if (!only_scalars) a.tabulate_changes(live, target);
  const bool own_kT = !live.kT_cell.empty() || !target.kT_cell.empty();

  // Scalars at ramp step r.
  struct Point {
    double position, gain_a, gain_b, kT;
  };
  const auto point = [&](std::uint64_t r) {
    if (!ramped) return Point{0.0, live.gain, 0.0, live.kT};
    const double s = static_cast<double>(r) / static_cast<double>(run.ramp_steps);
    const double gain = live.gain + s * (target.gain - live.gain);
    return Point{s, two_couplings ? gain * (1.0 - s) : gain, two_couplings ? gain * s : 0.0,
                 live.kT + s * (target.kT - live.kT)};
  };
  const auto scalars = [&](std::uint64_t r, bool first) {
    const Point now = point(r), before = first ? now : point(r - 1);
    return StepScalars{static_cast<float>(now.position),
                       static_cast<float>(now.gain_a),
                       static_cast<float>(now.gain_b),
                       static_cast<float>(std::sqrt(2.0 * mu_dt * now.kT)),
                       static_cast<float>(now.position - before.position),
                       static_cast<float>(now.gain_a - before.gain_a),
                       static_cast<float>(now.gain_b - before.gain_b)};
  };
  if (a.metered && !a.open)
    a.begin(ramped && run.ramp_first > 0
                ? at_step(live, target, run.ramp_first, run.ramp_steps, a.lanes)
                : live,
            static_cast<float>(mu_dt));

  const auto& kernels = step_kernels();
  a.for_each_tile([&](LaneTile& tile) {
    a.make_room(tile, *live.couplings);
    a.make_room(tile, *target.couplings);
    Tile t = a.kernel_tile(tile);
    const bool lane_biases = live.bias_per_lane || target.bias_per_lane;
    t.parameters = a.live.data();
    t.own_group = a.own_group.data();
    if (!only_scalars) t.changes = a.changes.data();
    t.mu_dt = static_cast<float>(mu_dt);
    t.key[0] = static_cast<std::uint32_t>(run.noise.seed);
    t.key[1] = static_cast<std::uint32_t>(run.noise.seed >> 32);
    t.shot = run.noise.shot0 + tile.first;
    t.step = run.noise.step;
    t.refinement = run.noise.refinement;
    CacheLines<float> sigma;
    if (own_kT) a.tabulate_sigma(live, target, 0.0, mu_dt, sigma);
    t.sigma = own_kT ? sigma.data() : nullptr;
    if (!live.couplings->zero()) t.couplings_a = &live.couplings->packed(use_of(tile)).view;
    if (two_couplings && !target.couplings->zero()) t.couplings_b = &target.couplings->packed(use_of(tile)).view;
    if (lane_biases) {
      a.tabulate_lane_bias(tile, live, tile.bias);
      t.lane_bias = tile.bias.data();
      if (!only_scalars) {
        a.tabulate_lane_bias(tile, target, tile.change_bias);
        for (std::size_t i = 0; i < tile.bias.size(); ++i) tile.change_bias[i] -= tile.bias[i];
        t.change_lane_bias = tile.change_bias.data();
      }
    }
    std::vector<float> record(run.record_period > 0 ? std::size_t{a.cells} * tile.count : 0);
    std::vector<StepScalars> block;
    // The kernels take sums on a graph from the first group on.
    const bool backwards = a.exchange && a.metered && !a.exchange->any(t.couplings_a != nullptr);
    std::uint64_t done = 0, ordinal = 0;
    while (done < run.steps) {
      const std::uint64_t due = run.record_period > 0 ? run.record_first + ordinal * run.record_period : run.steps + 1;
      std::uint64_t count = std::min(run.steps, due) - done;
      if (ramped) count = std::min(count, own_kT ? 1 : scalars_block);
      if (a.exchange) count = 1;
      block.clear();
      for (std::uint64_t s = 0; s < (ramped ? count : 1); ++s)
        block.push_back(scalars(run.ramp_first + done + s, run.ramp_first + done + s == 0));
      if (ramped && own_kT) a.tabulate_sigma(live, target, point(run.ramp_first + done).position, mu_dt, sigma);
      if (a.exchange) {
        a.advance_part(t, tile, block.data(), ramped, backwards);
      } else {
        kernels.advance(t, count, block.data(), a.metered, ramped);
      }
      done += count;
      if (done != due) continue;
      for (std::uint32_t cell = 0; cell < a.cells; ++cell)
        for (std::uint32_t lane = 0; lane < tile.count; ++lane)
          record[std::size_t{lane} * a.cells + cell] = t.state[tile.at(cell, lane)];
      for (std::uint32_t lane = 0; lane < tile.count; ++lane)
        run.record(ordinal, tile.first + lane, {record.data() + std::size_t{lane} * a.cells, a.cells});
      ++ordinal;
    }
    if (t.state != tile.state.data()) tile.state.swap(tile.next);
    tile.rail_count = t.rail_count;
    tile.rail_cell = t.rail_cell;
  });

  if (ramped && a.metered && run.ramp_first + run.steps == run.ramp_steps)
    a.change(at_step(live, target, run.ramp_steps - 1, run.ramp_steps, a.lanes), target);
}

void QuarticArray::enable_meters(bool on) {
  impl_->metered = on;
  impl_->cell_meters = {};
  clear_meters();
}

void QuarticArray::enable_cell_meter(CellMeter meter) {
  impl_->cell_meters.add(meter);
  clear_meters();
}

void QuarticArray::clear_meters() {
  impl_->open = false;
  for (auto& tile : impl_->tiles) {
    std::fill(tile.twice_heat.begin(), tile.twice_heat.end(), 0.0);
    std::fill(tile.work.begin(), tile.work.end(), 0.0);
    tile.cell_sums.clear(impl_->cell_meters, tile.state.size());
  }
}

void QuarticArray::cell_meter(CellMeter meter, std::uint32_t lane, std::span<double> out) const {
  const auto& tile = impl_->tile_of(lane);
  for (std::uint32_t cell = 0; cell < impl_->cells; ++cell)
    out[cell] = tile.cell_sums.at(meter, tile.at(cell, lane - tile.first));
}

LaneMeters QuarticArray::meters(std::uint32_t lane, const Parameters& live) const {
  const auto& a = *impl_;
  const auto& tile = a.tile_of(lane);
  const std::uint32_t own = lane - tile.first;
  LaneMeters m;
  double twice_heat = 0;
  for (std::uint32_t l = 0; l < 16; ++l) {
    twice_heat += tile.twice_heat[std::size_t{l} * tile.lanes + own];
    m.work += tile.work[std::size_t{l} * tile.lanes + own];
  }
  if (a.open) twice_heat += a.twice_boundary(tile, live, a.field(tile, *live.couplings), own, a.open_mu_dt, true);
  m.heat_path = 0.5 * twice_heat;
  return m;
}

double QuarticArray::energy(std::uint32_t lane, const Parameters& live) const {
  const auto& tile = impl_->tile_of(lane);
  return impl_->energy(tile, live, impl_->field(tile, *live.couplings), lane - tile.first);
}

std::uint64_t QuarticArray::rail_count() const { return rails_of(impl_->tiles).rail_count; }
std::uint32_t QuarticArray::rail_cell() const { return rails_of(impl_->tiles).rail_cell; }
void QuarticArray::clear_rails() { clear_rails_of(impl_->tiles); }

void QuarticArray::exchange(numerics::Archive& archive) {
  auto& a = *impl_;
  archive.section("quartic");
  archive(a.metered, a.cell_meters, a.open, a.open_mu_dt);
  archive.check(std::isfinite(a.open_mu_dt) && (a.metered || (!a.open && !a.cell_meters.any())), "meters");
  exchange_free(archive, std::span(a.free).first(a.cells), a.exchange);
  a.count_free_cells();
  exchange_rails(archive, a.tiles, a.exchange);
  if (archive.reads()) {
    const bool open = a.open;
    clear_meters();
    a.open = open;
  }
  for (std::uint32_t lane = 0; lane < a.lanes; ++lane) {
    LaneTile& tile = a.tile_of(lane);
    const std::uint32_t own = lane - tile.first;
    exchange_lane_of_cells(archive, tile.state, a.cells, a.cells, tile.lanes, own, a.exchange);
    if (a.open) exchange_lane_of_cells(archive, tile.next, a.cells, a.cells, tile.lanes, own, a.exchange);
    if (!a.metered) continue;
    exchange_lane(archive, tile.twice_heat, 16, tile.lanes, own);
    exchange_lane(archive, tile.work, 16, tile.lanes, own);
    exchange_lane(archive, tile.cell_sums, a.cell_meters, a.cells, tile.lanes, own, a.exchange);
  }
  for (LaneTile& tile : a.tiles)
    if (a.exchange) a.exchange->refresh(tile.state.data(), tile.lanes);
}

}  // namespace heatbath::physics
