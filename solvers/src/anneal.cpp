#include "heatbath/solvers/anneal.hpp"

#include <algorithm>

#include "heatbath/error.hpp"
#include "heatbath/numerics/random.hpp"
#include "solvers/src/ladder.hpp"
#include "solvers/src/spin_graph.hpp"
#include "solvers/src/spin_runs.hpp"

namespace heatbath::solvers {

namespace {

/// The network whose spins are those of `network` times `signs`.
network::Network with_turned_spins(const network::Network& network, std::span<const float> signs) {
  network::Network other = network;
  std::vector<network::Edge> edges(network.couplings().begin(), network.couplings().end());
  for (network::Edge& edge : edges) edge.value *= static_cast<double>(signs[edge.i] * signs[edge.j]);
  std::vector<double> fields(network.cells());
  for (std::uint32_t i = 0; i < network.cells(); ++i) fields[i] = static_cast<double>(signs[i]) * network.value(CellSection::bias, i);
  return other.set(CellSection::bias, fields).set_couplings(edges);
}

}  // namespace

SampleSet anneal(Device& device, const network::Network& network, const AnnealOptions& options) {
  if (options.reads == 0 || options.sweeps == 0) throw Error(HB_BAD_ARG, "anneal: 0 reads or sweeps; at least 1 of each");
  if (options.reversals > options.reads)
    throw Error(HB_BAD_ARG, "anneal: " + std::to_string(options.reversals) + " reversals for " + std::to_string(options.reads) + " reads; each has one read at least");
  const SpinGraph graph(network);
  const TemperatureRange range = chosen_range(graph, options.coldest, options.hottest);
  const std::vector<Stretch> schedule = cooling_schedule(range, options.sweeps, options.cooling, device.capabilities().kT_programmable);
  const std::uint64_t seed = options.seed + options.first_run * 0x9E3779B97F4A7C15u;
  const std::uint32_t cells = network.cells(), parts = std::max(1u, options.reversals);
  std::vector<float> states =
      random_spins(numerics::split_mix(options.seed ^ 0x5EED0F57A7E5u) + options.first_run, std::size_t{options.reads} * cells);

  SampleSet found(cells, Origin::search);
  Ticks ticks;
  for (std::uint32_t part = 0; part < parts; ++part) {
    const auto first = static_cast<std::size_t>(std::uint64_t{options.reads} * part / parts);
    const auto last = static_cast<std::size_t>(std::uint64_t{options.reads} * (part + 1) / parts);
    const std::span own(states.data() + first * cells, (last - first) * cells);
    std::vector<float> signs(cells, 1.0f);
    if (options.reversals > 0) signs = random_spins(numerics::split_mix(seed ^ 0x5167E5u) + part, cells);
    const network::Network held = options.reversals > 0 ? with_turned_spins(network, signs) : network;
    SpinRuns runs(device, held, range.coldest, range.hottest, {.seed_where_taken = numerics::split_mix(seed + part * 0xD1B54A32D192ED03u)});
    if (options.progress) runs.set_progress([&](double of_part) { return options.progress((part + of_part) / parts); });
    runs.anneal(own, schedule);
    for (std::size_t k = 0; k < own.size(); ++k) own[k] *= signs[k % cells];
    ticks = ticks + runs.ticks();
    found.updates += runs.updates();
    if (part == 0) found.notes = runs.notes();
  }

  std::vector<double> energies(options.reads);
  graph.energies(states, energies);
  for (std::uint32_t read = 0; read < options.reads; ++read) {
    const std::span row(states.data() + std::size_t{read} * cells, cells);
    if (options.polish) energies[read] = graph.descend(row, energies[read]);
    found.add(row, energies[read], 1, read);
  }
  found.kT = range.coldest;
  found.device_ticks = ticks;
  found.device_seconds = static_cast<double>(ticks.count) * device.capabilities().tick_seconds();
  if (options.polish) found.notes.push_back(polish_note);
  return found;
}

}  // namespace heatbath::solvers
