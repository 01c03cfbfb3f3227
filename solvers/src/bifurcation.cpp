#include "heatbath/solvers/bifurcation.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "heatbath/error.hpp"
#include "heatbath/network/shots.hpp"
#include "heatbath/numerics/random.hpp"
#include "solvers/src/spin_graph.hpp"

namespace heatbath::solvers {

namespace {

double strength_of(const network::Network& network, const BifurcationOptions& options) {
  if (options.strength != 0) return options.strength;
  double squares = 0;
  for (const network::Edge& edge : network.couplings()) squares += 2 * edge.value * edge.value;
  return squares > 0 ? 0.5 * std::sqrt(static_cast<double>(network.cells() - 1) / squares) : 1;
}

void check(const BifurcationOptions& options) {
  const auto refuse = [](const std::string& what) { throw Error(HB_BAD_ARG, "bifurcation: " + what); };
  if (options.reads == 0) refuse("0 reads; at least 1");
  if (!(options.time > 0) || !(options.step > 0) || !std::isfinite(options.time) || !std::isfinite(options.step)) refuse("time and step are above 0");
  if (!(options.friction >= 0) || !std::isfinite(options.friction)) refuse("friction is not below 0");
  if (!(options.strength >= 0) || !std::isfinite(options.strength)) refuse("strength is not below 0");
}

constexpr double start_size = 0.1;  // of positions, as parts of the way to a wall

}  // namespace

network::Network bifurcation_cells(const network::Network& network, const BifurcationOptions& options) {
  check(options);
  const double strength = strength_of(network, options);
  network::Network cells(CellKind::underdamped, network.cells());
  std::vector<network::Edge> edges(network.couplings().begin(), network.couplings().end());
  std::vector<double> fields(network.cells());
  for (network::Edge& edge : edges) edge.value *= strength;
  for (std::uint32_t i = 0; i < network.cells(); ++i) fields[i] = strength * network.value(CellSection::bias, i);
  cells.set(CellSection::j2, 0.5).set(CellSection::damping, options.friction).set(CellSection::bias, fields).set_couplings(edges);
  return cells;
}

SampleSet bifurcate(Device& device, const network::Network& network, const BifurcationOptions& options) {
  const SpinGraph graph(network);
  network::Network held = bifurcation_cells(network, options);
  const Capabilities& capabilities = device.capabilities();
  if (capabilities.cell_kind != CellKind::underdamped)
    throw Error(HB_UNSUPPORTED, "bifurcation needs underdamped cells, and the device has cells of kind " + std::string(name(capabilities.cell_kind)));
  // Positions are in units of the rail; all energies, masses and dampings may be scaled together.
  const auto wall = static_cast<double>(capabilities.range_state);
  std::vector<double> fields(network.cells());
  for (std::uint32_t i = 0; i < network.cells(); ++i) fields[i] = wall * held.value(CellSection::bias, i);
  held.set(CellSection::bias, fields);
  double scale = 1;
  const auto fit = [&](double largest, float range) {
    if (largest * scale > static_cast<double>(range)) scale = static_cast<double>(range) / largest;
  };
  fit(held.largest_coupling(), capabilities.range_coupling);
  fit(held.largest(CellSection::bias), capabilities.range_bias);
  fit(0.5, capabilities.range_j2);
  fit(1, capabilities.range_mass);
  fit(options.friction, capabilities.range_damping);

  if (capabilities.dt_programmable) device.set_step(device.nearest_ticks(options.step));
  const std::uint32_t cells = network.cells();
  std::vector<float> start(std::size_t{options.reads} * cells);
  numerics::RandomStream random(numerics::split_mix(options.seed ^ 0xB1F0C47EULL));
  for (float& x : start) x = static_cast<float>(start_size * wall * (2 * random.uniform() - 1));
  Program program(capabilities, cells);
  held.load_into(program, {.energy = scale});
  program.load_temperature(capabilities.kT_min).commit().clamp_per_shot(0, cells, start, options.reads).release(0, cells);
  const Ticks duration = device.nearest_ticks(options.time);
  program.load(CellSection::j2, 0.0f).ramp(duration).sample();
  network::Shots shots(device, {.seed_where_taken = options.seed});
  if (options.progress) shots.set_progress(options.progress);
  const Result result = shots.run(program, options.reads);

  SampleSet found(cells, Origin::search);
  std::vector<float> state(cells);
  for (std::uint32_t read = 0; read < options.reads; ++read) {
    std::ranges::transform(result.capture.state(read, 0).first(cells), state.begin(), [](float x) { return x < 0 ? -1.0f : 1.0f; });
    double energy = graph.energy(state);
    if (options.polish) energy = graph.descend(state, energy);
    found.add(state, energy, 1, read);
  }
  const std::uint32_t lanes = std::max(1u, capabilities.lanes);
  found.kT = 0;
  found.device_ticks = result.array_ticks * ((options.reads + lanes - 1) / lanes);
  found.device_seconds = static_cast<double>(found.device_ticks.count) * capabilities.tick_seconds();
  if (capabilities.dt_programmable) found.updates = duration.count / std::max<std::uint64_t>(1, device.step().count) * cells * options.reads;
  if (options.polish) found.notes.push_back(polish_note);
  return found;
}

}  // namespace heatbath::solvers
