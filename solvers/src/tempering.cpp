#include <algorithm>
#include <cmath>
#include <numeric>

#include "heatbath/error.hpp"
#include "heatbath/measure/multistate.hpp"
#include "heatbath/numerics/random.hpp"
#include "heatbath/solvers/anneal.hpp"
#include "solvers/src/ladder.hpp"
#include "solvers/src/spin_graph.hpp"
#include "solvers/src/spin_runs.hpp"

namespace heatbath::solvers {

namespace {

/// Which walker of each ladder is where, and how far it is on its way up and down.
class Walkers {
 public:
  Walkers(std::size_t temperatures, std::uint32_t replicas) : temperatures_(temperatures), at_(temperatures * replicas) {
    for (std::size_t k = 0; k < at_.size(); ++k) at_[k] = static_cast<std::uint32_t>(k / replicas);
    been_.assign(at_.size(), Been::nowhere);
    replicas_ = replicas;
  }
  void exchange(std::size_t t, std::uint32_t replica) { std::swap(at_[t * replicas_ + replica], at_[(t + 1) * replicas_ + replica]); }
  /// Looks at both ends of all ladders; the trips that ended.
  std::uint64_t count() {
    std::uint64_t trips = 0;
    for (std::uint32_t r = 0; r < replicas_; ++r) {
      Been& cold = been_[at_[r] * replicas_ + r];
      if (cold == Been::hot) cold = Been::cold_after_hot;
      Been& hot = been_[at_[(temperatures_ - 1) * replicas_ + r] * replicas_ + r];
      trips += hot == Been::cold_after_hot;
      hot = Been::hot;
    }
    return trips;
  }

 private:
  enum class Been : std::uint8_t { nowhere, hot, cold_after_hot };
  std::size_t temperatures_;
  std::uint32_t replicas_ = 0;
  std::vector<std::uint32_t> at_;  // temperatures x replicas: the walker there
  std::vector<Been> been_;         // walkers x replicas
};

void check(const TemperingOptions& options) {
  const auto refuse = [](const std::string& what) { throw Error(HB_BAD_ARG, "tempering: " + what); };
  if (options.replicas == 0 || options.sweeps == 0) refuse("0 replicas or sweeps; at least 1 of each");
  if (options.ladder.empty() ? options.temperatures < 2 : options.ladder.size() < 2) refuse("a ladder of fewer than 2 temperatures");
  for (std::size_t t = 0; t < options.ladder.size(); ++t)
    if (!(options.ladder[t] > (t > 0 ? options.ladder[t - 1] : 0.0)) || !std::isfinite(options.ladder[t]))
      refuse("temperature " + std::to_string(t) + " of the ladder is " + std::to_string(options.ladder[t]) +
             "; temperatures rise, from above 0");
  if (options.clusters && options.replicas < 2) refuse("cluster moves are between two replicas of one temperature; it has 1");
}

}  // namespace

TemperingResult temper(Device& device, const network::Network& network, const TemperingOptions& options) {
  check(options);
  const SpinGraph graph(network);
  const std::uint32_t cells = network.cells(), replicas = options.replicas;
  TemperatureRange range{};
  std::vector<double> ladder = options.ladder;
  if (ladder.empty()) {
    range = chosen_range(graph, options.coldest, options.hottest);
    if (range.hottest == range.coldest) range.hottest = 2 * range.coldest;
    for (std::uint32_t t = 0; t < options.temperatures; ++t)
      ladder.push_back(range.coldest * std::pow(range.hottest / range.coldest, static_cast<double>(t) / (options.temperatures - 1)));
  } else {
    range = {ladder.front(), ladder.back()};
  }
  const std::size_t temperatures = ladder.size(), row = std::size_t{replicas} * cells;
  SpinRuns runs(device, network, range.coldest, range.hottest, {.seed_where_taken = options.seed});
  numerics::RandomStream random(numerics::split_mix(options.seed ^ 0x7E49E4A7u));
  std::vector<float> states = random_spins(numerics::split_mix(options.seed ^ 0x5EED0F57A7E5u), temperatures * row);
  std::vector<double> energies(temperatures * replicas), best_energy(replicas, INFINITY);
  std::vector<float> best(row);
  std::vector<std::uint32_t> memory;

  TemperingResult result;
  result.best = SampleSet(cells, Origin::search);
  result.ladder = ladder;
  result.refused.assign(temperatures - 1, 0.0);
  Walkers walkers(temperatures, replicas);
  std::vector<double> refused(temperatures - 1, 0.0);
  std::vector<std::uint64_t> tried(temperatures - 1, 0);
  std::vector<std::vector<double>> series(temperatures);  // measured rounds x replicas
  double lowest = INFINITY, clusters = 0;
  std::uint64_t cluster_moves = 0;
  const std::uint64_t all = std::uint64_t{options.settle} + options.rounds;
  const std::size_t with_clusters =
      !options.clusters ? 0 : options.cluster_temperatures == 0 ? temperatures : std::min<std::size_t>(options.cluster_temperatures, temperatures);
  std::uint64_t next_change = 8;  // of a ladder that is found: after 8, 16, 32, … rounds
  std::vector<std::uint32_t> pairing(replicas);
  std::iota(pairing.begin(), pairing.end(), 0u);

  for (std::uint64_t round = 0; round < all; ++round) {
    const bool measured = round >= options.settle;
    if (options.progress) {
      if (!options.progress(static_cast<double>(round) / static_cast<double>(all))) {
        if (round == 0) throw Error(HB_ABORTED, "tempering: ended before its first round");
        result.interrupted = true;
        break;
      }
      runs.set_progress([&](double part) { return options.progress((static_cast<double>(round) + part) / static_cast<double>(all)); });
    }
    try {
      runs.sweep(states, result.ladder, replicas, options.sweeps);
    } catch (const Error& error) {
      if (error.code() != HB_ABORTED || round == 0) throw;
      result.interrupted = true;
      break;
    }
    graph.energies(states, energies);
    ++result.rounds;
    for (std::size_t k = 0; k < energies.size(); ++k) {
      const auto replica = static_cast<std::uint32_t>(k % replicas);
      const std::span state(states.data() + k * cells, cells);
      if (energies[k] < best_energy[replica]) {
        best_energy[replica] = energies[k];
        std::ranges::copy(state, best.begin() + static_cast<std::ptrdiff_t>(std::size_t{replica} * cells));
        if (energies[k] < lowest) lowest = energies[k], result.best_round = round, result.best_updates = runs.updates();
      }
      if (!measured) continue;
      series[k / replicas].push_back(energies[k]);
      if (options.observe) options.observe({round - options.settle, k / replicas, replica, state, energies[k]});
    }
    if (options.target && lowest <= *options.target) break;

    for (std::size_t t = 0; t < with_clusters; ++t) {
      for (std::uint32_t k = replicas - 1; k > 0; --k)  // a pairing at random
        std::swap(pairing[k], pairing[static_cast<std::uint32_t>(random.uniform() * (k + 1))]);
      for (std::uint32_t k = 0; k + 1 < replicas; k += 2) {
        const std::size_t a = t * replicas + pairing[k], b = t * replicas + pairing[k + 1];
        clusters += graph.exchange_cluster({states.data() + a * cells, cells}, {states.data() + b * cells, cells},
                                           energies[a], energies[b], random, memory);
        ++cluster_moves;
      }
    }

    for (std::size_t t = round % 2; t + 1 < temperatures; t += 2) {
      const double colder = 1 / result.ladder[t] - 1 / result.ladder[t + 1];
      for (std::uint32_t replica = 0; replica < replicas; ++replica) {
        const std::size_t low = t * replicas + replica, high = low + replicas;
        const double accept = std::min(1.0, std::exp(colder * (energies[low] - energies[high])));
        refused[t] += 1 - accept;
        ++tried[t];
        if (random.uniform() >= accept) continue;
        std::swap(energies[low], energies[high]);
        std::swap_ranges(states.begin() + static_cast<std::ptrdiff_t>(low * cells),
                         states.begin() + static_cast<std::ptrdiff_t>((low + 1) * cells),
                         states.begin() + static_cast<std::ptrdiff_t>(high * cells));
        walkers.exchange(t, replica);
      }
    }
    if (measured) result.round_trips += walkers.count();
    else walkers.count();

    const bool settled = round + 1 == options.settle;
    if (!measured && (round + 1 == next_change || settled)) {
      next_change *= 2;
      if (options.ladder.empty() && temperatures > 2 && !settled && next_change <= 2 * options.settle) {
        std::vector<double> rates(temperatures - 1);
        for (std::size_t t = 0; t + 1 < temperatures; ++t) rates[t] = tried[t] > 0 ? refused[t] / static_cast<double>(tried[t]) : 0;
        result.ladder = equal_refusal(result.ladder, rates);
      }
      std::ranges::fill(refused, 0.0);
      std::ranges::fill(tried, 0u);
    }
  }

  double odds = 0;
  for (std::size_t t = 0; t + 1 < temperatures; ++t) {
    const double rate = tried[t] > 0 ? refused[t] / static_cast<double>(tried[t]) : 0;
    result.refused[t] = rate;
    result.barrier += rate;
    odds += rate < 1 ? rate / (1 - rate) : INFINITY;
  }
  const std::uint64_t measured = result.rounds > options.settle ? result.rounds - options.settle : 0;
  result.predicted_round_trips = static_cast<double>(measured) * replicas / (2 + 2 * odds);
  for (const std::vector<double>& of : series) {
    measure::Estimate mean;
    const std::size_t rounds = of.size() / replicas;
    if (rounds >= 4 && options.clusters) {  // which make replicas depend on each other: their mean of a round is one value
      std::vector<double> means(rounds, 0.0);
      for (std::size_t k = 0; k < rounds * replicas; ++k) means[k / replicas] += of[k] / replicas;
      mean = measure::mean_of_chains(means, 1);
    } else if (rounds >= 4) {
      std::vector<double> chains(rounds * replicas);
      for (std::size_t k = 0; k < chains.size(); ++k) chains[k] = of[k % rounds * replicas + k / rounds];
      mean = measure::mean_of_chains(chains, replicas);
    }
    result.energy.push_back(mean);
  }
  constexpr std::size_t stretches = 16;  // of rounds, from whose scatter errors come
  if (options.partition_functions && measured >= stretches) result.log_partition = measure::log_partitions(result.ladder, series, stretches);
  if (cluster_moves > 0) result.mean_cluster = clusters / static_cast<double>(cluster_moves);
  for (std::uint32_t replica = 0; replica < replicas && result.rounds > 0; ++replica) {
    const std::span state(best.data() + std::size_t{replica} * cells, cells);
    if (options.polish) best_energy[replica] = graph.descend(state, best_energy[replica]);
    result.best.add(state, best_energy[replica], 1, replica);
  }
  result.best.kT = result.ladder.front();
  result.best.device_ticks = runs.ticks();
  result.best.device_seconds = static_cast<double>(runs.ticks().count) * device.capabilities().tick_seconds();
  result.best.updates = runs.updates();
  result.best.notes = runs.notes();
  if (options.polish) result.best.notes.push_back(polish_note);
  return result;
}

}  // namespace heatbath::solvers
