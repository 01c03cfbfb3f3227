// Steps of p-bits: one by one, or as bits on lattices of signs.
#include <algorithm>
#include <cmath>
#include <utility>

#include "heatbath/cells/spin.hpp"
#include "hw_model/physics/general_array_impl.hpp"
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
      kernels.words(address(t, origin, number, Purpose::flip, ordinal), shape(t, count), t.words.data());
      if (cell_meters.of_states()) {
        for (std::uint32_t n = 0; n < count; ++n) watched_update(t, s, std::size_t{n} * t.lanes);
      } else {
        kernels.update_chosen_spins(s, count, t.site_words.data(), t.words.data());
      }
    }
  } else {
    t.words.resize(std::size_t{cells} * t.lanes);
    kernels.words(own_address(t, origin, number, Purpose::flip), own_shape(t), own_part(t, t.words.data()));
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

void GeneralArray::Impl::integer_spin_step(LaneTile& t, const StepTable& p, const NoiseOrigin& origin,
                                           std::uint64_t number) {
  t.words.resize(std::size_t{cells} * t.lanes);
  general_kernels().words(own_address(t, origin, number, Purpose::flip), own_shape(t), own_part(t, t.words.data()));
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
  if (exchange || !rule(spec).by_colour || metered || p.integers || !p.couplings_a || p.couplings_b || p.lane_bias ||
      !uniform(p.bias) || !uniform(p.two_over_kT))
    return nullptr;
  if (signs_of != p.couplings_a) signs_of = p.couplings_a, signs = SignLattice::of(*signs_of);
  return signs.get();
}

}  // namespace heatbath::physics
