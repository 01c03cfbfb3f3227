#include "heatbath/trainers/ergodicity/experts.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "heatbath/numerics/random.hpp"
#include "heatbath/error.hpp"
#include "heatbath/trainers/ergodicity/training_potential.hpp"

namespace heatbath::trainers {
namespace {

Patterns weighted(const Patterns& data, std::span<const double> weights) {
  Patterns part = data;
  part.weights.assign(weights.begin(), weights.end());
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  if (sum > 0)
    for (double& weight : part.weights) weight /= sum;
  return part;
}

/// What expert k answers for: w_n r_nk, sum pi_k.
std::vector<double> share_of(const Experts& experts, const Patterns& data, std::size_t k) {
  std::vector<double> weights(data.size());
  for (std::size_t n = 0; n < data.size(); ++n)
    weights[n] = data.weights[n] * experts.responsibilities[n * experts.size() + k];
  return weights;
}

void set_shares(Experts& experts, const Patterns& data) {
  for (std::size_t k = 0; k < experts.size(); ++k) {
    const std::vector<double> weights = share_of(experts, data, k);
    experts.shares[k] = std::accumulate(weights.begin(), weights.end(), 0.0);
  }
}

}  // namespace

double Experts::log_likelihood(std::span<const Spin> spins, double kT) const {
  std::vector<double> terms;
  for (std::size_t k = 0; k < size(); ++k)
    if (shares[k] > 0)
      terms.push_back(std::log(shares[k]) + (free_energies[k].value - machines[k].machine.energy(spins)) / kT);
  const double highest = *std::ranges::max_element(terms);
  double sum = 0;
  for (const double term : terms) sum += std::exp(term - highest);
  return highest + std::log(sum);
}

Experts begin_experts(const Patterns& data, std::uint32_t count, std::uint64_t seed, double limit) {
  if (count == 0 || count > data.size())
    throw Error(HB_BAD_ARG, std::to_string(count) + " experts for " + std::to_string(data.size()) +
                                " patterns; at least one pattern is needed for each");
  const std::size_t cells = data.cells;
  const auto distance = [&](std::size_t n, const std::vector<double>& centre) {
    const std::span<const Spin> spins = data.pattern(n);
    double sum = 0;
    for (std::size_t i = 0; i < cells; ++i) sum += (spins[i] - centre[i]) * (spins[i] - centre[i]);
    return sum;
  };
  const auto as_centre = [&](std::size_t n) {
    const std::span<const Spin> spins = data.pattern(n);
    return std::vector<double>(spins.begin(), spins.end());
  };
  std::vector<std::vector<double>> centres;
  centres.push_back(as_centre(static_cast<std::size_t>(std::ranges::max_element(data.weights) - data.weights.begin())));
  while (centres.size() < count) {
    std::size_t farthest = 0;
    double best = -1;
    for (std::size_t n = 0; n < data.size(); ++n) {
      double nearest = std::numeric_limits<double>::infinity();
      for (const auto& centre : centres) nearest = std::min(nearest, distance(n, centre));
      if (nearest > best) {
        best = nearest;
        farthest = n;
      }
    }
    centres.push_back(as_centre(farthest));
  }
  std::vector<std::size_t> chosen(data.size(), 0);
  for (int round = 0; round < 30; ++round) {
    std::vector<double> load(count, 0.0);
    std::vector<std::vector<double>> sums(count, std::vector<double>(cells, 0.0));
    for (std::size_t n = 0; n < data.size(); ++n) {
      double best = std::numeric_limits<double>::infinity();
      for (std::size_t k = 0; k < count; ++k) {
        const double now = distance(n, centres[k]);
        const bool tie = std::abs(now - best) < 1e-9;
        if (tie ? load[k] < load[chosen[n]] : now < best) {
          chosen[n] = k;
          best = now;
        }
      }
      load[chosen[n]] += data.weights[n];
      const std::span<const Spin> spins = data.pattern(n);
      for (std::size_t i = 0; i < cells; ++i) sums[chosen[n]][i] += data.weights[n] * spins[i];
    }
    for (std::size_t k = 0; k < count; ++k)
      if (load[k] > 0)
        for (std::size_t i = 0; i < cells; ++i) centres[k][i] = sums[k][i] / load[k];
  }
  Experts experts;
  experts.machines.resize(count);
  experts.shares.assign(count, 0.0);
  experts.free_energies.resize(count);
  experts.responsibilities.assign(data.size() * count, 0.0);
  for (std::size_t n = 0; n < data.size(); ++n) experts.responsibilities[n * count + chosen[n]] = 1;
  set_shares(experts, data);
  for (std::uint32_t k = 0; k < count; ++k) {
    if (experts.shares[k] <= 0)
      throw Error(HB_BAD_ARG, std::to_string(count) + " experts: the patterns fall into fewer groups; ask for fewer");
    const auto words = numerics::random_words(seed, numerics::HostPurpose::ergodicity, k, 0, 4);
    experts.machines[k] =
        begin_training(weighted(data, share_of(experts, data, k)), 0, std::uint64_t{words[0]} << 32 | words[1], limit);
  }
  return experts;
}

bool train_experts(SpinDevice& device, const Patterns& data, const ExpertOptions& options, Experts& experts,
                   const std::function<bool()>& after) {
  const std::size_t count = experts.size();
  bool stopped = false;
  while (experts.rounds < options.rounds) {
    const auto until =
        static_cast<std::uint32_t>(std::uint64_t{options.machine.updates} * (experts.rounds + 1) / options.rounds);
    for (std::size_t k = 0; k < count; ++k) {
      if (experts.shares[k] <= 0) continue;
      train_machine(device, weighted(data, share_of(experts, data, k)), options.machine, until, experts.machines[k],
                    [&] {
                      stopped = after && !after();
                      return !stopped;
                    });
      if (stopped) return false;
    }
    for (std::size_t k = 0; k < count; ++k) {
      device.seek(experts.machines[k].seed, 0xC0000000u + experts.rounds * options.ramps);
      experts.free_energies[k] =
          device.free_energy(experts.machines[k].machine, options.machine.kT, options.ramps, options.ramp_sweeps);
    }
    for (std::size_t n = 0; n < data.size(); ++n) {
      double highest = -std::numeric_limits<double>::infinity(), sum = 0;
      std::vector<double> terms(count, highest);
      for (std::size_t k = 0; k < count; ++k) {
        if (experts.shares[k] <= 0) continue;
        terms[k] =
            std::log(experts.shares[k]) +
            (experts.free_energies[k].value - experts.machines[k].machine.energy(data.pattern(n))) / options.machine.kT;
        highest = std::max(highest, terms[k]);
      }
      for (const double term : terms) sum += std::exp(term - highest);
      for (std::size_t k = 0; k < count; ++k)
        experts.responsibilities[n * count + k] = std::exp(terms[k] - highest) / sum;
    }
    set_shares(experts, data);
    ++experts.rounds;
    if (after && !after()) return false;
  }
  return true;
}

SpinRecords retrieve(SpinDevice& device, const Experts& experts, const Patterns& data, double kT, std::uint32_t shots,
                     double sweeps, std::uint32_t records, double interval) {
  SpinRecords all{shots, records, data.cells, {}};
  std::uint32_t done = 0;
  double sum = 0;
  for (std::size_t k = 0; k < experts.size(); ++k) {
    // Shares of equal parts of the unit interval: never more than one shot from pi_k times the number of shots.
    sum += experts.shares[k];
    const auto last =
        k + 1 == experts.size() ? shots : static_cast<std::uint32_t>(std::lround(std::min(sum, 1.0) * shots));
    if (last <= done) continue;
    const std::vector<double> share = weighted(data, share_of(experts, data, k)).weights;
    const std::vector<Spin> starts = pattern_starts(data, share, last - done, data.cells);
    SpinDevice::Run run;
    run.shots = last - done;
    run.starts = starts;
    run.burn = sweeps;
    run.records = records;
    run.interval = interval;
    const SpinRecords part = device.run(experts.machines[k].machine, kT, run);
    all.spins.insert(all.spins.end(), part.spins.begin(), part.spins.end());
    done = last;
  }
  return all;
}

measure::Estimate sampled_divergence(std::span<const double> data, const SpinRecords& records) {
  if (data.size() != std::size_t{1} << records.cells || records.cells > kEnumerableCells)
    throw Error(HB_BAD_ARG, "a divergence from frequencies: " + std::to_string(data.size()) + " weights for " +
                                std::to_string(records.cells) + " cells");
  const std::uint32_t groups = std::min<std::uint32_t>(64, records.shots);
  if (groups < 2) throw Error(HB_BAD_ARG, "a divergence from frequencies needs two shots at least");
  std::vector<std::vector<double>> counts(groups, std::vector<double>(data.size(), 0.0));
  std::vector<double> sizes(groups, 0.0), total(data.size(), 0.0);
  for (std::uint32_t shot = 0; shot < records.shots; ++shot) {
    // Shots of one expert are together: dealt out in turn, every group has its share of each.
    const std::uint32_t group = shot % groups;
    for (std::uint32_t record = 0; record < records.records; ++record) {
      const std::uint32_t state = state_of(records.state(shot, record));
      ++counts[group][state];
      ++sizes[group];
      ++total[state];
    }
  }
  const double size = std::accumulate(sizes.begin(), sizes.end(), 0.0);
  const auto value_of = [&](const std::vector<double>* without, double left) {
    double sum = 0;
    for (std::size_t i = 0; i < data.size(); ++i) {
      if (data[i] <= 0) continue;
      const double count = total[i] - (without ? (*without)[i] : 0.0);
      if (count <= 0) return std::numeric_limits<double>::infinity();
      sum += data[i] * std::log(data[i] * left / count);
    }
    return sum;
  };
  const double whole = value_of(nullptr, size);
  double mean = 0;
  std::vector<double> values;
  for (std::uint32_t group = 0; group < groups; ++group) {
    values.push_back(value_of(&counts[group], size - sizes[group]));
    mean += values.back() / groups;
  }
  if (!std::isfinite(mean)) return {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity()};
  double variance = 0;
  for (const double value : values) variance += (value - mean) * (value - mean);
  return {groups * whole - (groups - 1.0) * mean, std::sqrt(variance * (groups - 1.0) / groups)};
}

measure::Estimate ramp_divergence(const Patterns& data, const SpinMachine& machine, const SpinDevice::FreeEnergy& free_energy,
                         double kT) {
  double sum = legendre_transform(data.weights, 1);
  for (std::size_t n = 0; n < data.size(); ++n)
    sum += data.weights[n] * (machine.visible_energy(data.pattern(n), kT) - free_energy.value) / kT;
  return {sum, free_energy.standard_error / kT};
}

measure::Estimate ramp_divergence(const Patterns& data, const Experts& experts, double kT) {
  measure::Estimate result{legendre_transform(data.weights, 1), 0};
  for (std::size_t n = 0; n < data.size(); ++n)
    result.value -= data.weights[n] * experts.log_likelihood(data.pattern(n), kT);
  double variance = 0;
  for (std::size_t k = 0; k < experts.size(); ++k) {
    const double part = experts.shares[k] * experts.free_energies[k].standard_error / kT;
    variance += part * part;
  }
  result.standard_error = std::sqrt(variance);
  return result;
}

Experts parity_experts(double strength) {
  const Patterns library = parity_patterns();
  Experts experts;
  experts.shares = {0.5, 0.5};
  experts.free_energies.resize(2);
  for (const float sign : {1.0f, -1.0f}) {
    MachineTraining expert;
    expert.machine = SpinMachine(3);
    expert.machine.field[0] = sign * static_cast<float>(strength);
    expert.machine.couple(1, 2, sign * static_cast<float>(strength));
    experts.machines.push_back(std::move(expert));
  }
  for (std::size_t n = 0; n < library.size(); ++n) {
    const bool up = library.pattern(n)[0] > 0;
    experts.responsibilities.insert(experts.responsibilities.end(), {up ? 1.0 : 0.0, up ? 0.0 : 1.0});
  }
  for (std::size_t k = 0; k < 2; ++k)
    experts.free_energies[k].value = conjoint_free_energy(machine_energies(experts.machines[k].machine), 1);
  return experts;
}

std::vector<double> mixture_weights(const Experts& experts, double kT) {
  std::vector<double> mixture;
  for (std::size_t k = 0; k < experts.size(); ++k) {
    const std::vector<double> weights = boltzmann_weights(machine_energies(experts.machines[k].machine), kT);
    mixture.resize(weights.size(), 0.0);
    for (std::size_t i = 0; i < weights.size(); ++i) mixture[i] += experts.shares[k] * weights[i];
  }
  return mixture;
}

}  // namespace heatbath::trainers
