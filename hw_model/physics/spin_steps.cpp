// Steps of p-bits: one by one, or as bits on lattices of signs.
#include <algorithm>
#include <cmath>
#include <utility>

#include "heatbath/cells/spin.hpp"
#include "hw_model/physics/general_array_impl.hpp"
#include "hw_model/physics/graph.hpp"
#include "hw_model/physics/steppers/stepper_rule.hpp"

namespace heatbath::physics {
namespace {

constexpr std::uint32_t chosen_block = 64;  // random-sequential updates whose words are drawn at once

}  // namespace

void GeneralArray::Impl::spin_step(LaneTile& t, const StepTable& p, const NoiseOrigin& origin, std::uint64_t number) {
  if (p.integers) return integer_spin_step(t, p, origin, number);
  const auto& kernels = general_kernels();
  std::vector<double> change(metered && !p.potential ? t.lanes : 0, 0.0), heat(metered ? t.lanes : 0, 0.0);
  if (!change.empty()) energies(t, p, -1.0, change);
  const bool by_heat = exchange && metered;  // a rank's heat is added up cell by cell
  if (by_heat) t.released.assign(std::size_t{cells} * t.lanes, 0.0);
  SpinTile s{shape(t, cells),
             t.state.data(),
             rows_of(p.couplings_a.get()),
             rows_of(p.couplings_b.get()),
             p.gain_a,
             p.gain_b,
             p.bias.data(),
             p.lane_bias ? t.bias.data() : nullptr,
             p.two_over_kT.data(),
             free.data(),
             metered ? heat.data() : nullptr,
             by_heat   ? t.released.data()
             : by_cell ? t.cell_sums.of(CellMeter::heat).data()
                       : nullptr};
  if (rule(spec).at_random) {
    const auto updates = static_cast<std::uint64_t>(std::llround(p.dt * cells));
    t.words.resize(std::size_t{chosen_block} * t.lanes);
    t.site_words.resize(t.words.size());
    for (std::uint64_t done = 0; done < updates; done += chosen_block) {
      const auto count = static_cast<std::uint32_t>(std::min<std::uint64_t>(chosen_block, updates - done));
      const auto ordinal = static_cast<std::uint32_t>(done);
      kernels.words(address(t, origin, number, Purpose::site, ordinal), shape(t, count), t.site_words.data());
      flip_words(address(t, origin, number, Purpose::flip, ordinal), shape(t, count), t.words.data());
      if (cell_meters.of_states()) {
        for (std::uint32_t n = 0; n < count; ++n) watched_update(t, s, std::size_t{n} * t.lanes);
      } else {
        kernels.update_chosen_spins(s, count, t.site_words.data(), t.words.data());
      }
    }
  } else {
    t.words.resize(std::size_t{cells} * t.lanes);
    flip_words(own_address(t, origin, number, Purpose::flip), own_shape(t), own_part(t, t.words.data()));
    in_pieces(exchange, rule(spec).by_colour, order, t.state.data(), t.lanes, [&](const auto& sites) {
      kernels.update_spins(s, sites.data(), static_cast<std::uint32_t>(sites.size()), t.words.data());
    });
    if (by_heat) {
      std::ranges::fill(heat, 0.0);
      add_released(t, heat);
    }
  }
  if (!metered) return;
  for (std::uint32_t l = 0; l < t.lanes; ++l) t.heat[l] += heat[l];
  if (change.empty()) return;
  energies(t, p, 1.0, change);
  for (std::uint32_t l = 0; l < t.lanes; ++l) t.work[l] += change[l] + heat[l];
}

void GeneralArray::Impl::flip_words(NoiseAddress at, FieldShape shape, std::uint32_t* out) const {
  const auto& kernels = general_kernels();
  if (spec.spin_noise == SpinNoise::planes) {
    at.purpose = static_cast<std::uint32_t>(Purpose::flip_planes);
    kernels.plane_words(at, shape, out);
  } else {
    kernels.words(at, shape, out);
  }
}

void GeneralArray::Impl::integer_spin_step(LaneTile& t, const StepTable& p, const NoiseOrigin& origin,
                                           std::uint64_t number) {
  t.words.resize(std::size_t{cells} * t.lanes);
  flip_words(own_address(t, origin, number, Purpose::flip), own_shape(t), own_part(t, t.words.data()));
  const bool by_heat = exchange && metered;
  if (by_heat) t.released.assign(std::size_t{cells} * t.lanes, 0.0);
  in_pieces(exchange, rule(spec).by_colour, order, t.state.data(), t.lanes, [&](const auto& sites) {
    for (const std::uint32_t i : sites) {
      if (free[i] == 0) continue;
      for (std::uint32_t l = 0; l < t.count; ++l) {
        float& spin = t.state[t.at(i, l)];
        const std::int64_t field = p.integers->field(i, t.state.data() + l, t.lanes);
        const float before = std::exchange(spin, p.integers->decided(i, field, t.words[t.at(i, l)], spin));
        if (!metered) continue;
        const double released = cells::spin_release<double>(before, spin, p.integers->energy(field));
        (by_heat ? t.released[t.at(i, l)] : t.heat[l]) += released;
        if (by_cell && !by_heat) t.cell_sums.of(CellMeter::heat)[t.at(i, l)] += released;
      }
    }
  });
  if (by_heat) add_released(t, t.heat);
}

void GeneralArray::Impl::add_released(LaneTile& t, std::vector<double>& heat) {
  for (const auto& sites : order) {
    OrderedSums ordered(exchange, {heat.data(), t.lanes});
    for (const std::uint32_t i : sites)
      for (std::uint32_t l = 0; l < t.lanes; ++l) ordered.add(l, t.released[t.at(i, l)]);
    ordered.finish();
  }
  if (!by_cell) return;
  auto& sums = t.cell_sums.of(CellMeter::heat);
  for (std::size_t at = 0; at < sums.size(); ++at) sums[at] += t.released[at];
}

void GeneralArray::Impl::watched_update(LaneTile& t, const SpinTile& s, std::size_t word) {
  std::vector<std::size_t> chosen(t.lanes);
  std::vector<float> before(t.lanes);
  for (std::uint32_t l = 0; l < t.lanes; ++l) {
    chosen[l] = t.at(chosen_site(t.site_words[word + l], cells), l);
    before[l] = t.state[chosen[l]];
  }
  general_kernels().update_chosen_spins(s, 1, t.site_words.data() + word, t.words.data() + word);
  for (std::uint32_t l = 0; l < t.lanes; ++l) t.cell_sums.change(law(spec.kind), chosen[l], before[l], t.state[chosen[l]]);
}

void GeneralArray::Impl::pack(const Slab& slab, std::uint32_t groups, std::uint32_t bit, std::vector<std::uint32_t>& bits) const {
  const auto& kernels = general_kernels();
  for (const LaneTile& t : tiles) {
    const std::uint32_t from = std::max(slab.first, t.first), to = std::min(slab.first + slab.count, t.first + t.count);
    for (std::uint32_t i = 0; i < cells && from < to; ++i)
      kernels.pack_lanes(t.state.data() + t.at(i, from - t.first), to - from, bits.data() + std::size_t{i} * groups,
                         bit + from - slab.first);
  }
}

void GeneralArray::Impl::unpack(const Slab& slab, std::uint32_t groups, std::uint32_t bit,
                                const std::vector<std::uint32_t>& bits) {
  const auto& kernels = general_kernels();
  for (LaneTile& t : tiles) {
    const std::uint32_t from = std::max(slab.first, t.first), to = std::min(slab.first + slab.count, t.first + t.count);
    for (std::uint32_t i = 0; i < cells && from < to; ++i)
      kernels.unpack_lanes(bits.data() + std::size_t{i} * groups, bit + from - slab.first, to - from,
                           t.state.data() + t.at(i, from - t.first));
  }
}

void GeneralArray::Impl::settle() {
  if (!in_planes.current) return;
  in_planes.current = false;
  for_tiles(in_planes.parts, team, [&](InPlanes::Part& part) { unpack(part.slab, in_planes.groups, part.bit, part.up); });
}

GeneralArray::Impl::LaneInPlanes GeneralArray::Impl::lane_in_planes(std::uint32_t lane) {
  const std::uint32_t word = (in_planes.before + lane) / 32;
  return {in_planes.parts[word / in_planes.groups].up.data() + word % in_planes.groups, in_planes.groups, (in_planes.before + lane) % 32};
}

const PlaneKinds& GeneralArray::Impl::kinds(const Parameters& from, const Parameters& to) {
  const bool ramped = &from != &to;
  if (!kept_kinds || kept_kinds->planes != planes || kept_kinds->free != free || !same_parameters(kept_kinds->from, from) ||
      !same_parameters(kept_kinds->to, ramped ? to : from)) {
    kept_kinds = KeptKinds{planes, from, to, free, nullptr};
    kept_kinds->kinds = std::make_unique<const PlaneKinds>(*planes, kept_kinds->from, kept_kinds->to, order, free);
  }
  return *kept_kinds->kinds;
}

bool GeneralArray::Impl::advance_planes(const Run& run, const Parameters& live, const Parameters& target) {
  if (exchange || !spins || spec.spin_noise != SpinNoise::planes || spec.spin_codes.bits != 0 || rule(spec).at_random ||
      live.couplings != target.couplings || live.bias_per_lane || target.bias_per_lane || cell_meters.any())
    return false;
  if (planes_of != live.couplings) planes_of = live.couplings, planes = SpinPlanes::of(*planes_of);
  if (!planes) return false;
  const bool ramped = &live != &target;
  // Meters: heat is what the energy loses as long as nothing but temperatures changes, and work is 0.
  if (metered && (!live.couplings->symmetric() || !exact_energies(*planes, live) || live.gain != target.gain ||
                  live.bias != target.bias || live.j2 != target.j2 || live.j4 != target.j4))
    return false;
  make_order();
  const PlaneKinds& kinds = this->kinds(live, target);
  if (!kinds.few()) return false;

  const auto add_energies = [&](double sign) {
    settle();
    const StepTable p(spec, live, live, 0.0, 0.0, free);
    for_each_tile([&](LaneTile& t) { energies(t, p, sign, t.heat); });
  };
  if (metered) add_energies(1.0);
  const std::uint32_t shot0 = run.noise.shot0;
  const Slabs cut(spec.lanes, shot0, team ? static_cast<std::uint32_t>(team->size()) : 1, general_kernels().plane_groups);
  using Part = InPlanes::Part;
  if (!in_planes.current || in_planes.groups != cut.groups || in_planes.before != shot0 % 32) {
    settle();
    in_planes.groups = cut.groups, in_planes.before = shot0 % 32;
    in_planes.parts.clear();
    for (const Slab& slab : cut.slabs) in_planes.parts.push_back({slab, (shot0 + slab.first) % 32, 0, {}});
    for_tiles(in_planes.parts, team, [&](Part& w) {
      w.up.assign(std::size_t{cells} * cut.groups + 1, 0u);
      pack(w.slab, cut.groups, w.bit, w.up);
    });
    in_planes.current = true;
  }
  for (Part& w : in_planes.parts) w.records = 0;

  constexpr std::uint64_t most_rules = 64;  // steps of a ramp whose rules are made at once
  const auto records = [&](Part& w, std::uint64_t step) {
    if (run.record_period == 0 || step != run.record_first + w.records * run.record_period) return;
    std::vector<float> values(cells);
    for (std::uint32_t l = 0; l < w.slab.count; ++l) {
      const std::uint32_t word = (w.bit + l) / 32, shift = (w.bit + l) % 32;
      for (std::uint32_t i = 0; i < cells; ++i)
        values[i] = w.up[std::size_t{i} * cut.groups + word] >> shift & 1u ? 1.0f : -1.0f;
      run.record(w.records, w.slab.first + l, values);
    }
    ++w.records;
  };
  for (std::uint64_t done = 0; done < run.steps;) {
    const std::uint64_t count = ramped ? std::min(most_rules, run.steps - done) : run.steps;
    std::vector<PlaneRules> rules;
    for (std::uint64_t r = 0; r < (ramped ? count : 1); ++r)
      rules.push_back(kinds.rules(ramped ? static_cast<double>(run.ramp_first + done + r) / static_cast<double>(run.ramp_steps) : 0.0));
    for_tiles(in_planes.parts, team, [&](Part& w) {
      PlaneSweep sweep{};
      sweep.up = w.up.data();
      sweep.groups = cut.groups;
      for (std::uint32_t l = 0; l < w.slab.count; ++l) sweep.live[(w.bit + l) / 32] |= 1u << (w.bit + l) % 32;
      sweep.cells = kinds.cells().data();
      sweep.count = static_cast<std::uint32_t>(kinds.cells().size());
      sweep.inputs = planes->inputs().data();
      for (std::uint64_t s = done; s < done + count; s += sweep.steps) {
        const PlaneRules& own = rules[ramped ? s - done : 0];
        sweep.rules = own.rules.data(), sweep.values = own.values.data(), sweep.threshold_of = own.threshold_of.data(), sweep.lists = own.lists.data(), sweep.tables = own.tables.data();
        const std::uint64_t due = run.record_period > 0 ? run.record_first + w.records * run.record_period : done + count;
        sweep.steps = ramped ? 1 : std::max(s + 1, std::min(due, done + count)) - s;
        sweep.noise = address_of(run.noise, w.slab.first - w.bit, run.noise.step + s, Purpose::flip_planes);
        general_kernels().sweep_planes(sweep);
        records(w, s + sweep.steps);
      }
    });
    done += count;
  }
  if (metered) add_energies(-1.0);
  return true;
}

void GeneralArray::Impl::sweep_signs(LaneTile& t, const SignLattice& lattice, const StepTable& p,
                                     const NoiseOrigin& origin, std::uint64_t number, std::uint64_t steps) const {
  const SignLattice::Climate climate{p.gain_a, p.bias.front(), p.two_over_kT.front()};
  NoiseAddress noise = address(t, origin, number, Purpose::flip);
  if (t.lanes == 1) return lattice.sweep(t.state.data(), steps, climate, noise, free.data());
  std::vector<float> own(cells);
  for (std::uint32_t l = 0; l < t.count; ++l, ++noise.shot) {
    for (std::uint32_t i = 0; i < cells; ++i) own[i] = t.state[t.at(i, l)];
    lattice.sweep(own.data(), steps, climate, noise, free.data());
    for (std::uint32_t i = 0; i < cells; ++i) t.state[t.at(i, l)] = own[i];
  }
}

const SignLattice* GeneralArray::Impl::lattice(const StepTable& p) {
  const auto uniform = [](const std::vector<float>& values) {
    return std::ranges::all_of(values, [&](float v) { return v == values.front(); });
  };
  if (!rule(spec).by_colour || spec.spin_noise != SpinNoise::words || metered || p.integers || p.lane_bias) return nullptr;
  if (!exchange) {
    if (!p.couplings_a || p.couplings_b || !uniform(p.bias) || !uniform(p.two_over_kT)) return nullptr;
    if (signs_of != p.couplings_a) signs_of = p.couplings_a, signs = SignLattice::of(*signs_of, nullptr);
    return signs.get();
  }
  const bool none = own_rows.count() == 0;
  if (none && !no_couplings)
    no_couplings = std::make_shared<const Couplings>(spec.graph, ValueList(spec.graph->couplers().size(), 0.0f));
  const std::shared_ptr<const Couplings>& couplings = none ? no_couplings : p.couplings_a;
  bool fits = none || (p.couplings_a && !p.couplings_b && uniform(p.bias) && uniform(p.two_over_kT));
  if (fits && signs_of != couplings) signs_of = couplings, signs = SignLattice::of(*couplings, exchange);
  fits = !exchange->any(!fits || !signs);
  return fits ? signs.get() : nullptr;
}

}  // namespace heatbath::physics
