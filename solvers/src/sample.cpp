#include "heatbath/solvers/sample.hpp"

#include <cmath>

#include "heatbath/cells/quartic.hpp"
#include "heatbath/error.hpp"
#include "heatbath/network/scaling.hpp"
#include "heatbath/network/shots.hpp"
#include "heatbath/numerics/random.hpp"
#include "heatbath/numerics/text.hpp"
#include "solvers/src/spin_graph.hpp"
#include "solvers/src/spin_runs.hpp"

namespace heatbath::solvers {

namespace {

using network::Network;

std::optional<measure::Certificate> certificate_of(const Network& network, const SampleSet& samples, const SampleOptions& options) {
  measure::EnergyView view;
  view.cells = network.cells();
  const measure::CertificateOptions asked{.kT = options.kT};
  if (samples.size() < 2) return std::nullopt;
  if (network.kind() == CellKind::pbit) {
    const SpinGraph graph(network);
    view.spins = true;
    view.at = [&](std::span<const float> state, std::span<double> slopes) {
      graph.fields(state, slopes);
      return measure::LocalEnergy{graph.energy(state), 0};
    };
    return measure::certify(samples.states(), options.chains, view, asked);
  }
  if (network.kind() != CellKind::overdamped || network.directed()) return std::nullopt;
  view.at = [&](std::span<const float> state, std::span<double> slopes) {
    const std::vector<double> x(state.begin(), state.end()), gradient = network.gradient(x);
    double laplacian = 0;
    for (std::uint32_t i = 0; i < network.cells(); ++i) {
      slopes[i] = gradient[i];
      laplacian += cells::quartic_curvature(2 * network.value(CellSection::j2, i), 4 * network.value(CellSection::j4, i), x[i]);
    }
    return measure::LocalEnergy{network.energy(x), laplacian};
  };
  return measure::certify(samples.states(), options.chains, view, asked);
}

}  // namespace

Sampling sample(Device& device, const Network& network, const SampleOptions& options) {
  const auto refuse = [](const std::string& what) { throw Error(HB_BAD_ARG, "sample: " + what); };
  if (options.chains == 0 || options.records == 0) refuse("0 chains or records; at least 1 of each");
  if (!(options.kT > 0) || !std::isfinite(options.kT)) refuse("kT is " + numerics::general(options.kT, 4) + "; above 0");
  if (!(options.burn_in >= 0) || !(options.spacing >= 0)) refuse("a negative time");
  const Capabilities& capabilities = device.capabilities();
  if (options.meters) require(capabilities.meters, "sample", "METERS");
  const network::Scaling scaling(network, capabilities, {.kT = options.kT});
  scaling.set_step(device);
  const Ticks burn_in = options.burn_in > 0 ? scaling.ticks(device, options.burn_in) : scaling.burn_in(device);
  const Ticks spacing = device.capture_period(options.spacing > 0 ? scaling.ticks(device, options.spacing) : scaling.burn_in(device, 1));

  network::ShotOptions how{.seed_where_taken = options.seed};
  how.progress = options.progress;
  network::Shots shots(device, how);
  Program program = scaling.program();
  if (network.kind() == CellKind::pbit) {
    const std::vector<float> start = random_spins(numerics::split_mix(options.seed ^ 0x5EED0F57A7E5u), std::size_t{options.chains} * network.cells());
    program.clamp_per_shot(0, network.cells(), start, options.chains).release(0, network.cells());
  }
  program.evolve(burn_in);
  if (options.meters) program.meter_clear();
  program.loop_begin(options.records).evolve(spacing).sample().loop_end();
  if (options.meters) program.meter_snapshot();
  JobOptions job;
  job.capture_cells = network.cells();
  const Result result = shots.run(program, options.chains, job);

  Sampling sampling;
  sampling.samples = SampleSet(network.cells(), Origin::law);
  SampleSet& samples = sampling.samples;
  std::vector<float> state(network.cells());
  const bool positions = network.has_positions();
  for (std::uint32_t chain = 0; chain < options.chains; ++chain)
    for (std::uint32_t record = 0; record < options.records; ++record) {
      const auto captured = result.capture.state(chain, record);
      for (std::size_t i = 0; i < state.size(); ++i)
        state[i] = positions ? static_cast<float>(scaling.state(static_cast<double>(captured[i]))) : captured[i];
      samples.add(state, network.energy(std::span<const float>(state)), 1, chain);
    }
  samples.kT = options.kT;
  const std::uint32_t lanes = std::max(1u, capabilities.lanes);
  samples.device_ticks = result.array_ticks * ((options.chains + lanes - 1) / lanes);
  samples.device_seconds = static_cast<double>(samples.device_ticks.count) * capabilities.tick_seconds();
  if (device.step().count > 0) samples.updates = result.array_ticks.count / device.step().count * network.cells() * options.chains;
  if (options.meters) {
    samples.heat_joules = 0;
    for (const hb_meters_t& meters : result.meters.front()) samples.heat_joules += meters.heat * static_cast<double>(capabilities.energy_unit_joules);
  }
  if (const network::Rounding rounding = scaling.rounding(); rounding.worst > 1e-6)
    samples.notes.push_back("the device's converters hold the network with errors of up to " + numerics::general(100 * rounding.worst, 3) +
                            " % of its largest value; the law is that of what is held, energies are those of the network as given");
  if (result.rails > 0) samples.notes.push_back("states were held at a rail " + std::to_string(result.rails) + " times");
  sampling.certificate = certificate_of(network, samples, options);
  return sampling;
}

}  // namespace heatbath::solvers
