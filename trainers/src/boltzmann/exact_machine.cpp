#include "heatbath/trainers/exact_machine.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "heatbath/error.hpp"
#include "heatbath/numerics/random.hpp"
#include "heatbath/trainers/ergodicity/training_potential.hpp"
#include "hidden_means.hpp"
#include "spin_moments.hpp"

namespace heatbath::trainers {
namespace {

void need_enumerable(const SpinMachine& machine) {
  if (enumerable(machine)) return;
  throw Error(HB_BAD_ARG, "the states of a machine of " + std::to_string(machine.visible) + " visible of " +
                              std::to_string(machine.cells) + " cells are not counted: at most " +
                              std::to_string(kEnumerableCells) + " visible, or in all where hidden cells couple");
}

/// States that are counted: all cells where hidden ones couple, else the visible ones, hidden cells summed over.
std::uint32_t counted_cells(const SpinMachine& machine) { return machine.hidden_coupled ? machine.cells : machine.visible; }

std::vector<double> counted_law(const SpinMachine& machine, double kT) {
  const std::uint32_t cells = counted_cells(machine);
  std::vector<double> energies(std::size_t{1} << cells);
  for (std::uint32_t state = 0; state < energies.size(); ++state) {
    const std::vector<Spin> spins = spins_of(state, cells);
    energies[state] = machine.hidden_coupled ? machine.energy(spins) : machine.visible_energy(spins, kT);
  }
  return boltzmann_weights(energies, kT);
}

std::vector<double> law_of_visible(const SpinMachine& machine, const std::vector<double>& counted) {
  std::vector<double> law(std::size_t{1} << machine.visible, 0.0);
  for (std::size_t state = 0; state < counted.size(); ++state) law[state & (law.size() - 1)] += counted[state];
  return law;
}

}  // namespace

bool enumerable(const SpinMachine& machine) { return counted_cells(machine) <= kEnumerableCells; }

std::vector<double> visible_law(const SpinMachine& machine, double kT) {
  need_enumerable(machine);
  return law_of_visible(machine, counted_law(machine, kT));
}

std::vector<Spin> exact_states(const SpinMachine& machine, double kT, std::uint32_t shots, std::uint64_t seed) {
  constexpr std::uint32_t kExactStates = 11;  // last word of the addresses of what is drawn here
  need_enumerable(machine);
  const std::uint32_t cells = counted_cells(machine);
  std::vector<double> upto = counted_law(machine, kT);
  for (std::size_t state = 1; state < upto.size(); ++state) upto[state] += upto[state - 1];
  std::vector<Spin> states;
  states.reserve(std::size_t{shots} * machine.cells);
  std::vector<double> values(machine.cells);
  for (std::uint32_t shot = 0; shot < shots; ++shot) {
    const auto uniform = [&](std::uint32_t cell) {
      return numerics::unit_interval(numerics::random_words(seed, numerics::HostPurpose::ergodicity, shot, cell, kExactStates)[0]);
    };
    const auto at = std::min<std::size_t>(upto.size() - 1, static_cast<std::size_t>(std::ranges::upper_bound(upto, uniform(0)) - upto.begin()));
    const std::vector<Spin> counted = spins_of(static_cast<std::uint32_t>(at), cells);
    states.insert(states.end(), counted.begin(), counted.end());
    if (cells == machine.cells) continue;
    std::ranges::copy(counted, values.begin());
    set_hidden_means(machine, kT, values);
    for (std::uint32_t h = cells; h < machine.cells; ++h) states.push_back(2 * uniform(h) - 1 < values[h] ? Spin{1} : Spin{-1});
  }
  return states;
}

double exact_divergence(const Patterns& data, const SpinMachine& machine, double kT) {
  return divergence(state_weights(data), visible_law(machine, kT));
}

std::vector<double> exact_gradient(const Patterns& data, const SpinMachine& machine, double kT) {
  need_enumerable(machine);
  const std::uint32_t cells = counted_cells(machine);
  const std::vector<double> counted = counted_law(machine, kT), visible = law_of_visible(machine, counted);
  const std::vector<double> wanted = state_weights(data);
  SpinMoments clamped(machine.cells), model(machine.cells);
  std::vector<double> values(machine.cells);
  for (std::uint32_t state = 0; state < counted.size(); ++state) {
    const std::vector<Spin> spins = spins_of(state, cells);
    std::ranges::copy(spins, values.begin());
    if (!machine.hidden_coupled) set_hidden_means(machine, kT, values);
    model.add<double>(values, counted[state]);
    // Given the visible cells, hidden ones have the machine's law.
    const std::size_t seen = state & (visible.size() - 1);
    if (wanted[seen] > 0) clamped.add<double>(values, wanted[seen] * (visible[seen] > 0 ? counted[state] / visible[seen] : 0));
  }
  std::vector<double> gradient;
  for (const auto [i, j] : machine_parameters(machine)) gradient.push_back(clamped.of(i, j) - model.of(i, j));
  return gradient;
}

}  // namespace heatbath::trainers
