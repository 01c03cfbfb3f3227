#include "heatbath/solvers/sample.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "heatbath/error.hpp"
#include "heatbath/measure/estimate.hpp"
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

// Pilot runs: so many chains and records, what is watched besides the energy, rounds with four times the spacing, and the
// longest autocorrelation time in records that so few records show well.
constexpr std::uint32_t pilot_chains = 64, pilot_records = 256, pilot_cells = 16, pilot_rounds = 9;
constexpr double most_pilot_time = 12;
constexpr double most_pilot_updates = 1e9;  // of cells, in a round: about a second
constexpr std::uint64_t pilot_seed = 0x9110700F57A7E5u;

/// Spins at random where the array does not begin with them.
void start_at_random(Program& program, const network::Network& network, std::uint64_t seed, std::uint32_t chains,
                     std::vector<float>& start) {
  if (network.kind() != CellKind::pbit) return;
  start = random_spins(numerics::split_mix(seed ^ 0x5EED0F57A7E5u), std::size_t{chains} * network.cells());
  program.clamp_per_shot(0, network.cells(), start, chains).release(0, network.cells());
}

/// The longest autocorrelation time, in network time units, of the energy and of some cells, by pilot runs whose spacing
/// grows until they resolve it. None where the last of them still does not.
std::optional<double> measured_relaxation_time(Device& device, const network::Network& network,
                                               const network::Scaling& scaling, const SampleOptions& options) {
  const std::uint64_t seed = options.seed;
  const std::uint32_t watched = std::min(network.cells(), pilot_cells), stride = network.cells() / watched;
  std::uint32_t first_shot = 0;
  Ticks spacing = device.capture_period(device.step());
  for (std::uint32_t round = 0; round < pilot_rounds; ++round, spacing = device.capture_period(spacing * 4)) {
    const double steps = static_cast<double>(spacing.count) / static_cast<double>(std::max<std::uint64_t>(1, device.step().count));
    if (steps * (pilot_records + 64) * pilot_chains * network.cells() > most_pilot_updates) break;
    network::ShotOptions how{.seed_where_taken = seed ^ pilot_seed, .first_shot = first_shot};
    if (options.progress) how.progress = [&](double) { return options.progress(0); };
    network::Shots shots(device, how);
    first_shot += pilot_chains;
    Program program = scaling.program();
    std::vector<float> start;
    start_at_random(program, network, seed ^ pilot_seed ^ round, pilot_chains, start);
    program.evolve(spacing * 64).loop_begin(pilot_records).evolve(spacing).sample().loop_end();
    JobOptions job;
    job.capture_cells = network.cells();
    const Capture capture = shots.run(program, pilot_chains, job).capture;
    const std::size_t records = capture.records();
    double longest = measure::autocorrelation_time(network.energies(capture), pilot_chains);
    std::vector<double> values(records * pilot_chains);
    for (std::uint32_t k = 0; k < watched; ++k) {
      const StridedValues column = capture.column(k * stride);
      for (std::size_t n = 0; n < values.size(); ++n) values[n] = static_cast<double>(column[n]);
      if (network.kind() == CellKind::phase)
        for (double& angle : values) angle = std::cos(angle);
      // A cell that never moves is held by its field, or stands where it began: chains that differ tell which.
      if (std::ranges::all_of(values, [&](double value) { return value == values.front(); })) continue;
      longest = std::max(longest, measure::autocorrelation_time(values, pilot_chains));
    }
    if (longest <= most_pilot_time) return longest * scaling.time(device, spacing);
  }
  return std::nullopt;
}

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
  scaling.set_step(device);
  std::optional<double> measured;
  if (!scaling.relaxation_time() && (options.burn_in == 0 || options.spacing == 0)) {
    measured = measured_relaxation_time(device, network, scaling, options);
    if (!measured)
      throw Error(HB_UNSUPPORTED, "sample: pilot runs are too short to show how long these cells remember; give burn-in and "
                                  "spacing, or a higher temperature");
  }
  const auto times = [&](double wanted, double relaxations) {
    if (wanted > 0) return scaling.ticks(device, wanted);
    return measured ? scaling.ticks(device, relaxations * *measured) : scaling.burn_in(device, relaxations);
  };
  const Ticks burn_in = times(options.burn_in, measured ? 20 : 8), spacing = device.capture_period(times(options.spacing, 1));

  Sampling sampling;
  sampling.burn_in = scaling.time(device, burn_in);
  sampling.spacing = scaling.time(device, spacing);
  if (options.statistics.any()) sampling.statistics.emplace(network, options.chains, options.records, sampling.spacing, options.statistics);

  network::ShotOptions how{.seed_where_taken = options.seed};
  how.progress = options.progress;
  network::Shots shots(device, how);
  Program program = scaling.program();
  std::vector<float> start;  // which the program refers to
  start_at_random(program, network, options.seed, options.chains, start);
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
  if (measured)
    samples.notes.push_back("no bound on the relaxation time is known; pilot runs found states to be forgotten in " +
                            numerics::general(*measured, 3) + " time units");
  if (result.rails > 0) samples.notes.push_back("states were held at a rail " + std::to_string(result.rails) + " times");
  return sampling;
}

}  // namespace heatbath::solvers
