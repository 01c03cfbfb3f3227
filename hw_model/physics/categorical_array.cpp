#include "hw_model/physics/categorical_array.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "heatbath/numerics/cache_line.hpp"
#include "hw_model/physics/active_kernels.hpp"
#include "hw_model/physics/categorical_kernels.hpp"
#include "hw_model/physics/cell_meters.hpp"
#include "hw_model/physics/exchange.hpp"
#include "hw_model/physics/graph.hpp"
#include "hw_model/physics/lane_exchange.hpp"
#include "hw_model/physics/lane_tiles.hpp"
#include "hw_model/physics/noise_address.hpp"
#include "hw_model/physics/ramp.hpp"
#include "hw_model/physics/ramped_couplings.hpp"
#include "hw_model/physics/steppers/stepper_rule.hpp"

namespace heatbath::physics {

const CategoricalKernels& categorical_kernels() {
  return of_active_isa(portable::categorical_kernels, avx2::categorical_kernels, avx512::categorical_kernels);
}

namespace {

using numerics::CacheLines;

/// What an update reads: parameters between two sets.
struct Table : RampedCouplings {
  std::uint32_t biases;  ///< of a lane: cells x states
  bool lane_bias;
  std::vector<float> bias, one_over_kT;
  const Parameters &from, &to;
  float position;

  Table(const ArraySpec& spec, const Parameters& first, const Parameters& last, double at)
      : RampedCouplings(first, last, at),
        biases(spec.cells * spec.states),
        lane_bias(first.bias_per_lane || last.bias_per_lane),
        one_over_kT(spec.cells),
        from(first),
        to(last),
        position(static_cast<float>(at)) {
    if (spec.exchange) potential = !spec.exchange->any(!potential);
    for (std::uint32_t i = 0; i < spec.cells; ++i) {
      const double kT = ramp::scalar_between(from.kT_of(i), to.kT_of(i), at);
      one_over_kT[i] = kT > 0 ? static_cast<float>(std::min(1.0 / kT, 1e38)) : std::numeric_limits<float>::infinity();
    }
    if (lane_bias) return;
    bias.resize(biases);
    for (std::uint32_t n = 0; n < biases; ++n) bias[n] = bias_of(0, n);
  }
  float bias_of(std::uint32_t lane, std::uint32_t n) const {
    const auto at = [&](const Parameters& p) {
      return p.bias_per_lane ? p.bias[std::size_t{lane} * biases + n] : p.bias[n];
    };
    return ramp::between(at(from), at(to), position);
  }
};

}  // namespace

struct CategoricalArray::Impl {
  // Fields are [row][lane].
  struct Tile : LaneRange {
    CacheLines<float> values;
    CacheLines<float> bias;  // [cell][state][lane], when lanes differ
    CacheLines<std::uint32_t> words;
    std::vector<double> work, heat, released, energy_before;  // per lane
    std::vector<double> released_here;  // of a rank, metered: heat of a step, as [cell][lane]
    CellSums cell_sums;

    std::size_t at(std::uint32_t row, std::uint32_t lane) const { return std::size_t{row} * lanes + lane; }
  };

  const ArraySpec& spec;
  numerics::ThreadTeam* team;
  Exchange* const exchange;  // null: the array is whole
  const OwnRows own_rows;
  std::vector<Tile> tiles;
  std::vector<std::uint32_t> free;
  std::vector<std::uint32_t> order[2];  // cells in the order of their update: colour 0, colour 1; sequential: order[0]
  bool metered = false;
  CellMeterSet cell_meters;

  Impl(const ArraySpec& made, numerics::ThreadTeam* workers)
      : spec(made), team(workers), exchange(made.exchange.get()), own_rows(exchange, made.cells), free(made.cells, ~0u) {
    const bool by_colour = rule(spec).by_colour;
    // Cells of one lane are vectors only where cells may be updated at once.
    for (const LaneRange& range : ranges_of_lanes(spec.lanes, team, by_colour)) {
      Tile t;
      static_cast<LaneRange&>(t) = range;
      t.values.assign(std::size_t{spec.cells} * t.lanes, 0.0f);
      t.words.assign(std::size_t{spec.cells} * t.lanes, 0u);
      t.work.assign(t.lanes, 0.0);
      t.heat = t.released = t.energy_before = t.work;
      tiles.push_back(std::move(t));
    }
    const auto colour = [&](std::uint32_t i) { return exchange ? exchange->cut().colours[i] : spec.graph->colours()[i]; };
    for (std::uint32_t i = own_rows.begin; i < own_rows.end; ++i) order[by_colour ? colour(i) : 0].push_back(i);
  }

  Tile& tile_of(std::uint32_t lane) { return tile_of_lane(tiles, lane, spec.lanes); }
  const Tile& tile_of(std::uint32_t lane) const { return tile_of_lane(tiles, lane, spec.lanes); }

  // sums[l] += sign V of lanes first..first+count-1 of a tile, in double.
  void add_energies(const Tile& t, const Table& p, std::uint32_t first, std::uint32_t count, double sign,
                    double* sums) const {
    std::vector<double> own(count);
    const auto add_equal = [&](const Couplings* j, double gain, std::uint32_t i) {
      if (!j) return;
      const auto rows = j->rows();
      const float* value = t.values.data() + t.at(i, first);
      const auto add = [&](double coupling, std::uint32_t k) {
        const float* other = t.values.data() + t.at(k, first);
        for (std::uint32_t l = 0; l < count; ++l) own[l] += value[l] == other[l] ? coupling : 0.0;
      };
      if (rows.columns) {
        for (std::uint32_t e = rows.begin[i]; e < rows.begin[i + 1]; ++e)
          add(0.5 * gain * rows.values[e], rows.columns[e]);
      } else {
        for (std::uint32_t k = 0; k < rows.cells; ++k) add(0.5 * gain * rows.values[std::size_t{i} * rows.cells + k], k);
      }
    };
    OrderedSums ordered(exchange, {sums, count});
    for (std::uint32_t i = own_rows.begin; i < own_rows.end; ++i) {
      for (std::uint32_t l = 0; l < count; ++l) {
        const std::uint32_t n = i * spec.states + static_cast<std::uint32_t>(t.values[t.at(i, first + l)]);
        own[l] = p.lane_bias ? p.bias_of(t.first + first + l, n) : p.bias[n];
      }
      add_equal(p.couplings_a.get(), p.gain_a, i);
      add_equal(p.couplings_b.get(), p.gain_b, i);
      for (std::uint32_t l = 0; l < count; ++l) ordered.add(l, sign * own[l]);
    }
    ordered.finish();
  }
  double energy(const Tile& t, std::uint32_t own, const Parameters& live) const {
    double sum = 0;
    add_energies(t, Table(spec, live, live, 0.0), own, 1, 1.0, &sum);
    return sum;
  }

  void step(Tile& t, const Table& p, const NoiseOrigin& origin, std::uint64_t number) {
    const bool follows = metered && !p.potential;  // work is what keeps the currents going
    if (follows) {
      std::fill(t.energy_before.begin(), t.energy_before.end(), 0.0);
      add_energies(t, p, 0, t.count, 1.0, t.energy_before.data());
    }
    if (metered) std::fill(t.released.begin(), t.released.end(), 0.0);
    const bool by_heat = exchange && metered;  // a rank's heat is added up cell by cell
    const bool kept = metered && cell_meters.has(CellMeter::heat);
    if (by_heat) t.released_here.assign(std::size_t{spec.cells} * t.lanes, 0.0);
    const CategoricalTile s{{spec.cells, t.lanes, t.count},
                            t.values.data(),
                            spec.states,
                            rows_of(p.couplings_a.get()),
                            rows_of(p.couplings_b.get()),
                            p.gain_a,
                            p.gain_b,
                            p.bias.data(),
                            p.lane_bias ? t.bias.data() : nullptr,
                            p.one_over_kT.data(),
                            free.data(),
                            metered ? t.released.data() : nullptr,
                            by_heat ? t.released_here.data()
                            : kept  ? t.cell_sums.of(CellMeter::heat).data()
                                    : nullptr};
    const bool watched = cell_meters.of_states();
    if (watched) t.cell_sums.begin({t.values.data(), t.values.size()});
    general_kernels().words(address_of(origin, t.first, number, Purpose::flip, exchange ? exchange->cut().first_cell : 0),
                            {own_rows.count(), t.lanes, t.count}, t.words.data() + t.at(own_rows.begin, 0));
    in_pieces(exchange, rule(spec).by_colour, order, t.values.data(), t.lanes, [&](const auto& sites) {
      categorical_kernels().update(s, sites.data(), static_cast<std::uint32_t>(sites.size()), t.words.data());
    });
    if (watched) t.cell_sums.end(law(spec.kind), {t.values.data(), t.values.size()});
    if (!metered) return;
    if (by_heat) {
      std::ranges::fill(t.released, 0.0);
      for (const auto& sites : order) {
        OrderedSums ordered(exchange, {t.released.data(), t.lanes});
        for (const std::uint32_t i : sites)
          for (std::uint32_t l = 0; l < t.lanes; ++l) ordered.add(l, t.released_here[t.at(i, l)]);
        ordered.finish();
      }
      auto& sums = t.cell_sums.of(CellMeter::heat);
      for (std::size_t at = 0; at < sums.size(); ++at) sums[at] += t.released_here[at];
    }
    for (std::uint32_t l = 0; l < t.count; ++l) t.heat[l] += t.released[l];
    if (!follows) return;
    for (std::uint32_t l = 0; l < t.count; ++l) t.work[l] += t.released[l] - t.energy_before[l];
    add_energies(t, p, 0, t.count, 1.0, t.work.data());
  }

  void tabulate_bias(Tile& t, const Table& p) const {
    if (!p.lane_bias) return;
    t.bias.assign(std::size_t{p.biases} * t.lanes, 0.0f);
    for (std::uint32_t n = 0; n < p.biases; ++n)
      for (std::uint32_t l = 0; l < t.count; ++l) t.bias[t.at(n, l)] = p.bias_of(t.first + l, n);
  }

  void record(const Tile& t, const Run& run, std::uint64_t ordinal) const {
    std::vector<float> values(spec.cells);
    for (std::uint32_t l = 0; l < t.count; ++l) {
      for (std::uint32_t i = 0; i < spec.cells; ++i) values[i] = t.values[t.at(i, l)];
      run.record(ordinal, t.first + l, values);
    }
  }
};

CategoricalArray::CategoricalArray(ArraySpec spec, numerics::ThreadTeam* team)
    : Array(std::move(spec)), impl_(std::make_unique<Impl>(Array::spec(), team)) {}

CategoricalArray::~CategoricalArray() = default;

void CategoricalArray::read(std::uint32_t lane, std::span<float> out) const {
  for (std::uint32_t i = 0; i < cells(); ++i) out[i] = state(lane, i);
}

float CategoricalArray::state(std::uint32_t lane, std::uint32_t variable) const {
  const Impl::Tile& t = impl_->tile_of(lane);
  return t.values[t.at(variable, lane - t.first)];
}

void CategoricalArray::write(std::uint32_t lane, std::uint32_t first, std::span<const float> values,
                             const Parameters& live) {
  Impl& a = *impl_;
  Impl::Tile& t = a.tile_of(lane);
  const std::uint32_t own = lane - t.first;
  if (a.metered) t.work[own] -= a.energy(t, own, live);
  for (std::uint32_t n = 0; n < values.size(); ++n) {
    const float last = static_cast<float>(spec().states - 1), rounded = std::nearbyint(values[n]);
    t.values[t.at(first + n, own)] = rounded > 0 ? std::min(rounded, last) : 0.0f;
  }
  if (a.metered) t.work[own] += a.energy(t, own, live);
}

void CategoricalArray::set_clamped(std::span<const std::uint8_t> clamped, const Parameters&) {
  for (std::uint32_t i = 0; i < cells(); ++i) impl_->free[i] = clamped[i] != 0 ? 0u : ~0u;
}

void CategoricalArray::change_parameters(const Parameters& from, const Parameters& to) {
  Impl& a = *impl_;
  if (!a.metered) return;
  const Table before(spec(), from, from, 0.0), after(spec(), to, to, 0.0);
  for_tiles(a.tiles, a.team, [&](Impl::Tile& t) {
    a.add_energies(t, before, 0, t.count, -1.0, t.work.data());
    a.add_energies(t, after, 0, t.count, 1.0, t.work.data());
  });
}

void CategoricalArray::change_ramp(const Ramp& from, const Ramp& to, std::uint64_t ramp_first, std::uint64_t ramp_steps) {
  if (!impl_->metered) return;
  const double position = static_cast<double>(ramp_first) / static_cast<double>(ramp_steps);
  change_parameters(ramp::between(from.live, from.target, position, lanes()),
                    ramp::between(to.live, to.target, position, lanes()));
}

std::uint64_t CategoricalArray::advance(const Run& run, const Parameters& live) {
  Impl& a = *impl_;
  if (run.steps == 0) return 0;
  check_run(spec(), run);
  const bool ramped = run.target != nullptr && run.ramp_steps > 0;
  const auto table_at = [&](std::uint64_t step) {
    if (!ramped) return std::make_unique<const Table>(spec(), live, live, 0.0);
    if (step == run.ramp_steps) return std::make_unique<const Table>(spec(), *run.target, *run.target, 0.0);
    return std::make_unique<const Table>(spec(), live, *run.target,
                                         static_cast<double>(step) / static_cast<double>(run.ramp_steps));
  };
  std::unique_ptr<const Table> table = table_at(run.ramp_first);
  std::vector<std::uint64_t> records(a.tiles.size(), 0);
  for (std::uint64_t done = 0; done < run.steps;) {
    const std::uint64_t count = ramped ? 1 : run.steps - done;
    std::unique_ptr<const Table> after;  // of the next step
    if (ramped && (a.metered || done + 1 < run.steps)) after = table_at(run.ramp_first + done + 1);
    for_tiles(a.tiles, a.team, [&](Impl::Tile& t) {
      std::uint64_t& ordinal = records[static_cast<std::size_t>(&t - a.tiles.data())];
      a.tabulate_bias(t, *table);
      for (std::uint64_t s = done; s < done + count; ++s) {
        a.step(t, *table, run.noise, run.noise.step + s);
        if (ramped && a.metered) {
          a.add_energies(t, *table, 0, t.count, -1.0, t.work.data());
          a.add_energies(t, *after, 0, t.count, 1.0, t.work.data());
        }
        if (run.record_period > 0 && s + 1 == run.record_first + ordinal * run.record_period)
          a.record(t, run, ordinal++);
      }
    });
    done += count;
    if (ramped) table = std::move(after);
  }
  return run.steps;
}

void CategoricalArray::enable_meters(bool on) {
  impl_->metered = on;
  impl_->cell_meters = {};
  clear_meters();
}

void CategoricalArray::enable_cell_meter(CellMeter meter) {
  impl_->cell_meters.add(meter);
  clear_meters();
}

void CategoricalArray::clear_meters() {
  for (auto& t : impl_->tiles) {
    std::fill(t.heat.begin(), t.heat.end(), 0.0);
    std::fill(t.work.begin(), t.work.end(), 0.0);
    t.cell_sums.clear(impl_->cell_meters, std::size_t{cells()} * t.lanes);
  }
}

LaneMeters CategoricalArray::meters(std::uint32_t lane, const Parameters&) const {
  const Impl::Tile& t = impl_->tile_of(lane);
  return {t.work[lane - t.first], t.heat[lane - t.first]};
}

void CategoricalArray::cell_meter(CellMeter meter, std::uint32_t lane, std::span<double> out) const {
  const Impl::Tile& t = impl_->tile_of(lane);
  for (std::uint32_t i = 0; i < cells(); ++i) out[i] = t.cell_sums.at(meter, t.at(i, lane - t.first));
}

double CategoricalArray::energy(std::uint32_t lane, const Parameters& live) const {
  const Impl::Tile& t = impl_->tile_of(lane);
  return impl_->energy(t, lane - t.first, live);
}

void CategoricalArray::exchange(numerics::Archive& archive) {
  Impl& a = *impl_;
  archive.section("labels");
  archive(a.metered, a.cell_meters);
  archive.check(a.metered || !a.cell_meters.any(), "meters");
  exchange_free(archive, std::span(a.free), a.exchange);
  if (archive.reads()) clear_meters();
  for (std::uint32_t lane = 0; lane < lanes(); ++lane) {
    Impl::Tile& t = a.tile_of(lane);
    const std::uint32_t own = lane - t.first;
    exchange_lane_of_cells(archive, t.values, cells(), cells(), t.lanes, own, a.exchange);
    bool right = true;
    for (std::uint32_t i = 0; i < cells(); ++i) {
      const float label = t.values[t.at(i, own)];
      right = right && label >= 0 && label < static_cast<float>(spec().states) && label == std::floor(label);
    }
    check_everywhere(archive, right, "states of cells", a.exchange);
    if (!a.metered) continue;
    archive(t.heat[own], t.work[own]);
    exchange_lane(archive, t.cell_sums, a.cell_meters, cells(), t.lanes, own, a.exchange);
  }
  for (Impl::Tile& t : a.tiles)
    if (a.exchange) a.exchange->refresh(t.values.data(), t.lanes);
}

}  // namespace heatbath::physics
