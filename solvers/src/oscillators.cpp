#include "heatbath/solvers/oscillators.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "heatbath/error.hpp"
#include "heatbath/network/scaling.hpp"
#include "heatbath/network/shots.hpp"
#include "heatbath/numerics/random.hpp"
#include "solvers/src/scaling_notes.hpp"
#include "solvers/src/spin_graph.hpp"

namespace heatbath::solvers {

namespace {

void check(const OscillatorOptions& options) {
  const auto refuse = [](const std::string& what) { throw Error(HB_BAD_ARG, "oscillators: " + what); };
  if (options.reads == 0) refuse("0 reads; at least 1");
  if (!(options.time > 0) || !std::isfinite(options.time)) refuse("time is above 0");
  if (!(options.injection > 0) || !std::isfinite(options.injection)) refuse("injection is above 0");
  if (!(options.coldest > 0) || !(options.warmest >= options.coldest) || !std::isfinite(options.warmest))
    refuse("the coldest temperature is above 0 and no warmer than the warmest");
}

/// The unit of energies; 1 of a network without couplings and fields.
double unit_of(const SpinGraph& graph) { return graph.typical_field() > 0 ? graph.typical_field() : 1; }

}  // namespace

network::Network oscillator_cells(const network::Network& network, const OscillatorOptions& options) {
  check(options);
  network::Network phases(CellKind::phase, network.cells());
  std::vector<double> fields(network.cells());
  for (std::uint32_t i = 0; i < network.cells(); ++i) fields[i] = network.value(CellSection::bias, i);
  phases.set(CellSection::j2, -options.injection * unit_of(SpinGraph(network))).set(CellSection::bias, fields);
  return phases.set_couplings(std::vector<network::Edge>(network.couplings().begin(), network.couplings().end()));
}

SampleSet oscillate(Device& device, const network::Network& network, const OscillatorOptions& options) {
  const SpinGraph graph(network);
  const network::Network phases = oscillator_cells(network, options);
  const Capabilities& capabilities = device.capabilities();
  if (capabilities.cell_kind != CellKind::phase)
    throw Error(HB_UNSUPPORTED, "oscillators need cells that are phases, and the device has cells of kind " + std::string(name(capabilities.cell_kind)));
  const double unit = unit_of(graph);
  const network::Scaling scaling(phases, capabilities, {.kT = options.warmest * unit});
  scaling.set_step(device);
  const std::uint32_t cells = network.cells();
  std::vector<float> start(std::size_t{options.reads} * cells);
  numerics::RandomStream random(numerics::split_mix(options.seed ^ 0x05C111A7ULL));
  for (float& angle : start) angle = static_cast<float>(std::numbers::pi * (2 * random.uniform() - 1));
  Program program(capabilities, cells);
  scaling.load_into(program);
  program.load(CellSection::j2, 0.0f).commit().clamp_per_shot(0, cells, start, options.reads).release(0, cells);
  program.load(CellSection::j2, static_cast<float>(scaling.factors().of(CellSection::j2) * phases.value(CellSection::j2, 0)));
  if (capabilities.kT_programmable)
    program.load_temperature(std::max(capabilities.kT_min, static_cast<float>(scaling.factors().energy * options.coldest * unit)));
  const Ticks duration = scaling.ticks(device, options.time / unit);
  program.ramp(duration).sample();
  network::Shots shots(device, {.seed_where_taken = options.seed});
  if (options.progress) shots.set_progress(options.progress);
  const Result result = shots.run(program, options.reads);

  SampleSet found(cells, Origin::search);
  std::vector<float> state(cells);
  for (std::uint32_t read = 0; read < options.reads; ++read) {
    std::ranges::transform(result.capture.state(read, 0).first(cells), state.begin(), [](float angle) { return std::cos(angle) < 0 ? -1.0f : 1.0f; });
    double energy = graph.energy(state);
    if (options.polish) energy = graph.descend(state, energy);
    found.add(state, energy, 1, read);
  }
  const std::uint32_t lanes = std::max(1u, capabilities.lanes);
  found.kT = options.coldest * unit;
  found.device_ticks = result.array_ticks * ((options.reads + lanes - 1) / lanes);
  found.device_seconds = static_cast<double>(found.device_ticks.count) * capabilities.tick_seconds();
  if (capabilities.dt_programmable) found.updates = duration.count / std::max<std::uint64_t>(1, device.step().count) * cells * options.reads;
  found.notes = scaling_notes(scaling, "energies are those of the problem as given");
  if (options.polish) found.notes.push_back(polish_note);
  return found;
}

}  // namespace heatbath::solvers
