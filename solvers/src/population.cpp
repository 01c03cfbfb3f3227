#include "heatbath/solvers/population.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "heatbath/error.hpp"
#include "heatbath/numerics/random.hpp"
#include "solvers/src/ladder.hpp"
#include "solvers/src/spin_graph.hpp"
#include "solvers/src/spin_runs.hpp"

namespace heatbath::solvers {

namespace {

/// ln of the mean of exp(values).
double log_mean_exp(std::span<const double> values) {
  const double largest = std::ranges::max(values);
  double sum = 0;
  for (const double v : values) sum += std::exp(v - largest);
  return largest + std::log(sum / static_cast<double>(values.size()));
}

/// A statistic of all populations, with the error of the jackknife over them.
template <class Statistic>
measure::Estimate jackknife(std::size_t populations, Statistic of_all_but) {
  measure::Estimate estimate;
  estimate.value = of_all_but(populations);  // none left out
  std::vector<double> left(populations);
  for (std::size_t p = 0; p < populations; ++p) left[p] = of_all_but(p);
  const double n = static_cast<double>(populations), mean = std::accumulate(left.begin(), left.end(), 0.0) / n;
  double square = 0;
  for (const double v : left) square += (v - mean) * (v - mean);
  estimate.standard_error = std::sqrt((n - 1) / n * square);
  estimate.effective_samples = n;
  return estimate;
}

/// One population's share of the run: where its rows begin, and its estimate of ln Z.
class Population {
 public:
  Population(std::uint32_t first, std::uint32_t replicas) : first_(first), family_(replicas), log_partition_(0) {
    std::iota(family_.begin(), family_.end(), 0u);
  }

  /// Copies rows in proportion to exp(-colder V).
  void resample(double colder, std::span<float> states, std::span<double> energies, std::uint32_t cells, numerics::RandomStream& random) {
    const auto count = static_cast<std::uint32_t>(family_.size());
    const std::span own = energies.subspan(first_, count);
    const double lowest = std::ranges::min(own);
    std::vector<double> weight(count);
    double sum = 0;
    for (std::uint32_t r = 0; r < count; ++r) sum += weight[r] = std::exp(-colder * (own[r] - lowest));
    log_partition_ += std::log(sum / count) - colder * lowest;
    // Row r is wanted copies[r] times; those that are wanted stay where they are.
    std::vector<std::uint32_t> copies(count, 0), spare;
    double reached = 0, tick = random.uniform();
    for (std::uint32_t r = 0; r < count; ++r) {
      reached += weight[r] * count / sum;
      for (; tick < reached; tick += 1) ++copies[r];
    }
    for (std::uint32_t left = count - std::accumulate(copies.begin(), copies.end(), 0u); left > 0; --left) ++copies[count - 1];
    for (std::uint32_t r = 0; r < count; ++r)
      if (copies[r] == 0) spare.push_back(r);
    for (std::uint32_t r = 0; r < count; ++r)
      for (; copies[r] > 1; --copies[r]) {
        const std::uint32_t to = spare.back();
        spare.pop_back();
        const auto row = [&](std::uint32_t at) { return states.begin() + static_cast<std::ptrdiff_t>((std::size_t{first_} + at) * cells); };
        std::copy_n(row(r), cells, row(to));
        own[to] = own[r];
        family_[to] = family_[r];
      }
  }

  double log_partition() const { return log_partition_; }
  double mean_energy(std::span<const double> energies) const {
    const std::span own = energies.subspan(first_, family_.size());
    return std::accumulate(own.begin(), own.end(), 0.0) / static_cast<double>(own.size());
  }
  /// 1 / sum of squared shares of the families.
  double families() const {
    std::vector<double> share(family_.size(), 0.0);
    double squares = 0;
    for (const std::uint32_t f : family_) share[f] += 1 / static_cast<double>(family_.size());
    for (const double s : share) squares += s * s;
    return 1 / squares;
  }

 private:
  std::uint32_t first_;
  std::vector<std::uint32_t> family_;
  double log_partition_;
};

PopulationStep step_of(double kT, std::span<const Population> populations, std::span<const double> energies, std::uint32_t cells) {
  const std::size_t n = populations.size();
  std::vector<double> log_partition, energy;
  PopulationStep step;
  step.kT = kT;
  for (const Population& p : populations) {
    log_partition.push_back(p.log_partition());
    energy.push_back(p.mean_energy(energies));
    step.families += p.families() / static_cast<double>(n);
  }
  const double all_states = cells * std::numbers::ln2, largest = std::ranges::max(log_partition);
  step.log_partition = jackknife(n, [&](std::size_t left_out) {
    std::vector<double> kept;
    for (std::size_t p = 0; p < n; ++p)
      if (p != left_out) kept.push_back(log_partition[p]);
    return all_states + log_mean_exp(kept);
  });
  step.energy = jackknife(n, [&](std::size_t left_out) {
    double sum = 0, weights = 0;
    for (std::size_t p = 0; p < n; ++p) {
      if (p == left_out) continue;
      const double weight = std::exp(log_partition[p] - largest);
      sum += weight * energy[p], weights += weight;
    }
    return sum / weights;
  });
  return step;
}

}  // namespace

PopulationResult anneal_population(Device& device, const network::Network& network, const PopulationOptions& options) {
  const auto refuse = [](const std::string& what) { throw Error(HB_BAD_ARG, "population annealing: " + what); };
  if (options.populations < 4) refuse("fewer than 4 populations, from whose scatter errors come");
  if (options.replicas < 2 || options.temperatures < 2 || options.sweeps == 0) refuse("at least 2 replicas, 2 temperatures and 1 sweep");
  if (std::uint64_t{options.populations} * options.replicas > 1u << 24) refuse("more than 16777216 replicas in all");
  const SpinGraph graph(network);
  const TemperatureRange range = chosen_range(graph, options.coldest, options.hottest);
  SpinRuns runs(device, network, range.coldest, range.hottest, {.seed_where_taken = options.seed});
  numerics::RandomStream random(numerics::split_mix(options.seed ^ 0x90B0147101ULL));
  const std::uint32_t cells = network.cells(), all = options.populations * options.replicas;
  std::vector<float> states = random_spins(numerics::split_mix(options.seed ^ 0x5EED0F57A7E5u), std::size_t{all} * cells);
  std::vector<double> energies(all);
  graph.energies(states, energies);
  std::vector<Population> populations;
  for (std::uint32_t p = 0; p < options.populations; ++p) populations.emplace_back(p * options.replicas, options.replicas);

  PopulationResult result;
  double inverse = 0;  // 1/kT
  for (std::uint32_t t = 0; t < options.temperatures; ++t) {
    const double part = static_cast<double>(t) / (options.temperatures - 1);
    const double next = (1 - part) / range.hottest + part / range.coldest;
    for (Population& p : populations) p.resample(next - inverse, states, energies, cells, random);
    inverse = next;
    const double kT = 1 / next;
    if (options.progress)
      runs.set_progress([&](double of_step) { return options.progress((t + of_step) / options.temperatures); });
    runs.sweep(states, std::span(&kT, 1), all, options.sweeps);
    graph.energies(states, energies);
    result.steps.push_back(step_of(kT, populations, energies, cells));
  }

  result.states = SampleSet(cells, Origin::search);
  for (std::uint32_t r = 0; r < all; ++r) {
    const std::span row(states.data() + std::size_t{r} * cells, cells);
    if (options.polish) energies[r] = graph.descend(row, energies[r]);
    result.states.add(row, energies[r], 1, r / options.replicas);
  }
  result.states.kT = range.coldest;
  result.states.device_ticks = runs.ticks();
  result.states.device_seconds = static_cast<double>(runs.ticks().count) * device.capabilities().tick_seconds();
  result.states.updates = runs.updates();
  result.states.notes = runs.notes();
  if (options.polish) result.states.notes.push_back(polish_note);
  return result;
}

}  // namespace heatbath::solvers
