#include "heatbath/solvers/sample.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "heatbath/error.hpp"
#include "heatbath/network/certificate.hpp"
#include "heatbath/network/scaling.hpp"
#include "heatbath/network/shots.hpp"
#include "heatbath/numerics/random.hpp"
#include "heatbath/numerics/text.hpp"
#include "solvers/src/scaling_notes.hpp"
#include "solvers/src/spin_runs.hpp"

namespace heatbath::solvers {

namespace {

constexpr double most_state_bytes = 0x1p32;
constexpr std::size_t most_certified_bytes = std::size_t{64} << 20;

}  // namespace

Sampling sample(Device& device, const network::Network& network, const SampleOptions& options) {
  const auto refuse = [](const std::string& what) { throw Error(HB_BAD_ARG, "sample: " + what); };
  if (options.chains == 0 || options.records == 0) refuse("0 chains or records; at least 1 of each");
  if (!(options.kT > 0) || !std::isfinite(options.kT)) refuse("kT is " + numerics::general(options.kT, 4) + "; above 0");
  if (!(options.burn_in >= 0) || !(options.spacing >= 0)) refuse("a negative time");
  if (network.directed()) refuse("couplings that differ in their two directions have no energy to sample");
  if (network.kind() == CellKind::phase && network.largest(CellSection::frequency) > 0)
    refuse("phases with frequencies of their own follow no energy");
  const std::size_t cells = network.cells(), rows = std::size_t{options.chains} * options.records;
  if (options.keep_states && static_cast<double>(rows) * static_cast<double>(cells) * sizeof(float) > most_state_bytes)
    refuse(std::to_string(rows) + " states of " + std::to_string(cells) + " cells take more than 4 GiB; ask for statistics without states");
  const Capabilities& capabilities = device.capabilities();
  if (options.meters) require(capabilities.meters, "sample", "METERS");
  const network::Scaling scaling(network, capabilities, {.kT = options.kT});
  if (!scaling.relaxation_time() && (options.burn_in == 0 || options.spacing == 0)) {
    try {
      scaling.need_relaxation_time();
    } catch (const Error& error) {
      throw Error(error.code(), std::string(error.what()) + "; give burn-in and spacing");
    }
  }
  scaling.set_step(device);
  const Ticks burn_in = options.burn_in > 0 ? scaling.ticks(device, options.burn_in) : scaling.burn_in(device);
  const Ticks spacing = device.capture_period(options.spacing > 0 ? scaling.ticks(device, options.spacing) : scaling.burn_in(device, 1));

  Sampling sampling;
  sampling.burn_in = scaling.time(device, burn_in);
  sampling.spacing = scaling.time(device, spacing);
  if (options.statistics.any()) sampling.statistics.emplace(network, options.chains, options.records, sampling.spacing, options.statistics);

  network::ShotOptions how{.seed_where_taken = options.seed};
  how.progress = options.progress;
  network::Shots shots(device, how);
  Program program = scaling.program();
  std::vector<float> start;  // which the program refers to
  if (network.kind() == CellKind::pbit) {
    start = random_spins(numerics::split_mix(options.seed ^ 0x5EED0F57A7E5u), std::size_t{options.chains} * cells);
    program.clamp_per_shot(0, network.cells(), start, options.chains).release(0, network.cells());
  }
  program.evolve(burn_in);
  if (options.meters) program.meter_clear();
  program.loop_begin(options.records).evolve(spacing).sample().loop_end();
  if (options.meters) program.meter_snapshot();

  const std::size_t in_certificate = std::max<std::size_t>(2, most_certified_bytes / (sizeof(float) * cells * options.chains));
  const auto kept = static_cast<std::uint32_t>(options.keep_states ? options.records : std::min<std::size_t>(options.records, in_certificate));
  std::vector<float> states(std::size_t{options.chains} * kept * cells);
  std::vector<double> energies(options.keep_states ? rows : 0);
  const double factor = network.has_positions() ? scaling.factors().state : 1;
  std::vector<float> turned;
  JobOptions job;
  job.capture_cells = network.cells();
  job.records = [&](const RecordOfPass& record) {
    if (record.record >= options.records) return;  // the final state, once more
    const std::size_t count = record.states.size() / cells;
    turned.assign(record.states.begin(), record.states.end());
    if (factor != 1)
      for (float& x : turned) x = static_cast<float>(factor * static_cast<double>(x));
    const bool keeps = record.record < kept;
    std::vector<double> of_rows;
    if (options.keep_states || sampling.statistics) of_rows = network.energies(turned);
    for (std::size_t k = 0; keeps && k < count; ++k) {
      const std::size_t row = (record.first_shot + k) * kept + record.record;
      std::ranges::copy(std::span(turned).subspan(k * cells, cells), states.begin() + static_cast<std::ptrdiff_t>(row * cells));
      if (options.keep_states) energies[row] = of_rows[k];
    }
    if (sampling.statistics) sampling.statistics->add(record.first_shot, record.record, turned, of_rows);
  };
  const Result result = shots.run(program, options.chains, job);

  if (std::uint64_t{options.chains} * kept >= 2 && network.kind() != CellKind::categorical && network.kind() != CellKind::rlc) {
    sampling.certificate = network::certify(network, options.kT, states, options.chains);
    sampling.certified_records = kept;
  }
  sampling.samples = options.keep_states ? SampleSet::of_chains(network.cells(), options.chains, std::move(states), std::move(energies))
                                         : SampleSet(network.cells(), Origin::law);
  SampleSet& samples = sampling.samples;
  samples.kT = options.kT;
  const std::uint32_t lanes = std::max(1u, capabilities.lanes);
  samples.device_ticks = result.array_ticks * ((options.chains + lanes - 1) / lanes);
  samples.device_seconds = static_cast<double>(samples.device_ticks.count) * capabilities.tick_seconds();
  if (device.step().count > 0) samples.updates = result.array_ticks.count / device.step().count * cells * options.chains;
  sampling.device_heat = std::nan("");
  if (options.meters) {
    sampling.device_heat = 0;
    for (const hb_meters_t& meters : result.meters.front()) sampling.device_heat += meters.heat;
    samples.heat_joules = sampling.device_heat * static_cast<double>(capabilities.energy_unit_joules);
  }
  samples.notes = scaling_notes(scaling, "the law is that of what is held, energies are those of the network as given");
  if (result.rails > 0) samples.notes.push_back("states were held at a rail " + std::to_string(result.rails) + " times");
  return sampling;
}

}  // namespace heatbath::solvers
