#include "heatbath/solvers/cycles.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "heatbath/error.hpp"
#include "heatbath/numerics/random.hpp"
#include "heatbath/numerics/text.hpp"
#include "solvers/src/ladder.hpp"
#include "solvers/src/spin_graph.hpp"
#include "solvers/src/spin_runs.hpp"

namespace heatbath::solvers {

namespace {

constexpr std::uint32_t levels = 4;  // of the warm ends of cycles

void check(const CyclesOptions& options) {
  const auto refuse = [](const std::string& what) { throw Error(HB_BAD_ARG, "cycles: " + what); };
  if (options.reads == 0 || options.sweeps == 0 || options.cycle_sweeps == 0) refuse("0 reads or sweeps; at least 1 of each");
  if (options.families == 0 || options.families > options.reads)
    refuse(std::to_string(options.families) + " families of " + std::to_string(options.reads) + " reads; each has one read at least");
}

/// The warm ends, warmest first.
std::vector<double> warm_ends(const SpinGraph& graph, const TemperatureRange& range, const CyclesOptions& options) {
  const double warmest = options.warmest != 0 ? options.warmest : std::max(range.coldest, graph.typical_field());
  const double mildest = options.mildest != 0 ? options.mildest : std::max(range.coldest, 0.5 * warmest);
  if (!(mildest >= range.coldest) || !(warmest >= mildest) || !std::isfinite(warmest))
    throw Error(HB_BAD_ARG, "cycles: they begin at temperatures from " + numerics::general(warmest, 4) + " to " + numerics::general(mildest, 4) +
                                "; warmest is no colder than mildest, and that no colder than the coldest, " + numerics::general(range.coldest, 4));
  std::vector<double> ends;
  for (std::uint32_t k = 0; k < levels; ++k) ends.push_back(warmest * std::pow(mildest / warmest, static_cast<double>(k) / (levels - 1)));
  return ends;
}

}  // namespace

CyclesResult cycle(Device& device, const network::Network& network, const CyclesOptions& options) {
  check(options);
  const SpinGraph graph(network);
  const TemperatureRange range = chosen_range(graph, options.coldest, options.hottest);
  const std::vector<double> ends = warm_ends(graph, range, options);
  const bool ramps = device.capabilities().kT_programmable;
  const std::uint32_t cells = network.cells(), reads = options.reads;
  SpinRuns runs(device, network, range.coldest, std::max(range.hottest, ends.front()), {.seed_where_taken = options.seed});
  numerics::RandomStream random(numerics::split_mix(options.seed ^ 0xC7C1E5u));
  std::vector<float> states = random_spins(numerics::split_mix(options.seed ^ 0x5EED0F57A7E5u), std::size_t{reads} * cells);
  std::vector<double> energies(reads);
  const auto first_of = [&](std::uint32_t family) { return static_cast<std::uint32_t>(std::uint64_t{reads} * family / options.families); };
  const auto row = [&](std::uint32_t read) { return std::span(states.data() + std::size_t{read} * cells, cells); };
  std::vector<float> best(std::size_t{options.families} * cells);
  std::vector<double> best_energy(options.families, INFINITY);
  const auto state_of = [&](std::uint32_t family) { return std::span(best.data() + std::size_t{family} * cells, cells); };
  GroupSearch groups(cells);

  CyclesResult result;
  const double all = options.sweeps + static_cast<double>(options.cycles) * options.cycle_sweeps;
  for (std::uint32_t turn = 0; turn <= options.cycles; ++turn) {
    const double done = turn == 0 ? 0 : options.sweeps + (turn - 1.0) * options.cycle_sweeps;
    const std::uint32_t sweeps = turn == 0 ? options.sweeps : options.cycle_sweeps;
    const TemperatureRange from{range.coldest, turn == 0 ? range.hottest : ends[(turn - 1) % levels]};
    if (options.progress) runs.set_progress([&](double part) { return options.progress((done + part * sweeps) / all); });
    try {
      runs.anneal(states, cooling_schedule(from, sweeps, Cooling::ratio, ramps));
    } catch (const Error& error) {
      if (error.code() != HB_ABORTED || turn == 0) throw;
      result.interrupted = true;
      break;
    }
    graph.energies(states, energies);
    for (std::uint32_t family = 0; family < options.families; ++family) {
      const std::uint32_t first = first_of(family), last = first_of(family + 1);
      const std::span state = state_of(family);
      const auto lowest = static_cast<std::uint32_t>(std::min_element(energies.begin() + first, energies.begin() + last) - energies.begin());
      if (energies[lowest] < best_energy[family]) {
        std::ranges::copy(row(lowest), state.begin());
        best_energy[family] = energies[lowest];
      }
      for (std::uint32_t read = first; read < last && options.merge; ++read) graph.take_better_groups(state, row(read), random, groups);
    }
    for (std::uint32_t family = 0; family < options.families; ++family) {
      const std::span state = state_of(family);
      for (std::uint32_t other = 0; other < options.families && options.merge; ++other)
        if (other != family) graph.take_better_groups(state, state_of(other), random, groups, true);
      if (options.merge) best_energy[family] = graph.energy(state);
      for (std::uint32_t read = first_of(family); read < first_of(family + 1) && turn < options.cycles; ++read)
        std::ranges::copy(state, row(read).begin());
    }
    const double lowest = std::ranges::min(best_energy);
    if (result.lowest.empty() || lowest < result.lowest.back()) result.best_updates = runs.updates();
    result.lowest.push_back(lowest);
    if (options.target && lowest <= *options.target) break;
  }
  if (groups.looked_at > 0) result.mean_group = static_cast<double>(groups.in_them) / static_cast<double>(groups.looked_at);

  result.best = SampleSet(cells, Origin::search);
  for (std::uint32_t family = 0; family < options.families; ++family) {
    const std::span state = state_of(family);
    if (options.polish) best_energy[family] = graph.descend(state, best_energy[family]);
    result.best.add(state, best_energy[family], 1, family);
  }
  result.best.kT = range.coldest;
  result.best.device_ticks = runs.ticks();
  result.best.device_seconds = static_cast<double>(runs.ticks().count) * device.capabilities().tick_seconds();
  result.best.updates = runs.updates();
  result.best.notes = runs.notes();
  if (options.merge) result.best.notes.push_back("merged: between cycles the host took connected groups of cells over from other reads where that did not raise the energy");
  if (options.polish) result.best.notes.push_back(polish_note);
  return result;
}

}  // namespace heatbath::solvers
