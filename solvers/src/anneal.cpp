#include "heatbath/solvers/anneal.hpp"

#include <algorithm>
#include <cmath>

#include "heatbath/error.hpp"
#include "heatbath/numerics/random.hpp"
#include "solvers/src/ladder.hpp"
#include "solvers/src/spin_graph.hpp"
#include "solvers/src/spin_runs.hpp"

namespace heatbath::solvers {

SampleSet anneal(Device& device, const network::Network& network, const AnnealOptions& options) {
  if (options.reads == 0 || options.sweeps == 0) throw Error(HB_BAD_ARG, "anneal: 0 reads or sweeps; at least 1 of each");
  const SpinGraph graph(network);
  const TemperatureRange range = chosen_range(graph, options.coldest, options.hottest);
  SpinRuns runs(device, network, range.coldest, range.hottest,
                {.seed_where_taken = numerics::split_mix(options.seed + options.first_run * 0x9E3779B97F4A7C15u)});
  if (options.progress) runs.set_progress(options.progress);
  std::vector<float> states =
      random_spins(numerics::split_mix(options.seed ^ 0x5EED0F57A7E5u) + options.first_run, std::size_t{options.reads} * network.cells());

  // A temperature for every sweep, or for a few of them.
  constexpr std::uint32_t levels = 1000;
  const std::uint32_t count = std::min(options.sweeps, levels);
  std::vector<Stretch> schedule;
  for (std::uint32_t k = 0; k < count; ++k) {
    const double part = count == 1 ? 1 : static_cast<double>(k) / (count - 1);
    const auto first = static_cast<std::uint32_t>(std::uint64_t{options.sweeps} * k / count);
    const auto last = static_cast<std::uint32_t>(std::uint64_t{options.sweeps} * (k + 1) / count);
    schedule.push_back({1 / ((1 - part) / range.hottest + part / range.coldest), last - first});
  }
  runs.anneal(states, schedule);

  SampleSet found(network.cells(), Origin::search);
  std::vector<double> energies(options.reads);
  graph.energies(states, energies);
  for (std::uint32_t read = 0; read < options.reads; ++read) {
    const std::span row(states.data() + std::size_t{read} * network.cells(), network.cells());
    if (options.polish) energies[read] = graph.descend(row, energies[read]);
    found.add(row, energies[read], 1, read);
  }
  found.kT = range.coldest;
  found.device_ticks = runs.ticks();
  found.device_seconds = static_cast<double>(runs.ticks().count) * device.capabilities().tick_seconds();
  found.updates = runs.updates();
  found.notes = runs.notes();
  if (options.polish) found.notes.push_back("polished: the host flipped single spins as long as that lowered an energy");
  return found;
}

}  // namespace heatbath::solvers
