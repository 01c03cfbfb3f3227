#include "heatbath/trainers/machine_training.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <utility>

#include "heatbath/error.hpp"
#include "heatbath/numerics/random.hpp"
#include "hidden_means.hpp"
#include "learning_step.hpp"
#include "spin_moments.hpp"

namespace heatbath::trainers {
namespace {

constexpr std::uint32_t kClampedBatch = 128;
constexpr std::array<const char*, 3> kFreePhases{"contrastive", "persistent", "tempered"};

/// What the host draws for an update: the last word of an address.
enum : std::uint32_t { kFirstCouplings = 3, kExchanges = 7 };

/// The clamped phase at update `update`, on the host: hidden cells do not couple to one another.
void clamped_moments(const Patterns& data, const SpinMachine& machine, double kT, std::uint32_t update,
                     SpinMoments& moments) {
  const std::uint32_t n = machine.cells, v = machine.visible;
  std::vector<double> spins(n);
  const bool batches = n > v && data.size() > kClampedBatch;
  const std::size_t count = batches ? kClampedBatch : data.size();
  double sum = 0;
  for (std::size_t k = 0; k < count; ++k) {
    const std::size_t index = batches ? (std::size_t{update} * kClampedBatch + k) % data.size() : k;
    const double weight = data.weights[index];
    if (weight <= 0) continue;
    sum += weight;
    std::ranges::copy(data.pattern(index), spins.begin());
    set_hidden_means(machine, kT, spins);
    moments.add<double>(spins, weight);
  }
  if (sum <= 0) throw Error(HB_BAD_ARG, "a machine is trained on patterns whose weights are all 0");
  for (double& value : moments.mean) value /= sum;
  for (double& value : moments.pair) value /= sum;
}

/// The clamped phase on the device: `states` are where the hidden cells start, and end.
SpinMoments run_clamped(SpinDevice& device, const Patterns& data, const SpinMachine& machine, double kT, double sweeps,
                        const HeldPatterns& held, std::vector<Spin>& states) {
  const std::uint32_t n = machine.cells;
  for (std::size_t shot = 0; shot < held.index.size(); ++shot)
    std::ranges::copy(data.pattern(held.index[shot]), states.begin() + static_cast<std::ptrdiff_t>(shot * n));
  SpinDevice::Run run;
  run.shots = static_cast<std::uint32_t>(held.index.size());
  run.starts = states;
  run.held = {{0, machine.visible}};
  run.settle = sweeps;
  SpinRecords records = device.run(machine, kT, run);
  SpinMoments moments(n);
  for (std::uint32_t shot = 0; shot < run.shots; ++shot) moments.add<Spin>(records.state(shot, 0), held.weight[shot]);
  states = std::move(records.spins);
  return moments;
}

/// Neighbours of a tempered phase change places with the probability that keeps the law of all of them.
void exchange(const SpinMachine& machine, std::span<const double> inverse_kT, std::uint32_t shots,
              MachineTraining& training) {
  const std::size_t n = machine.cells, block = std::size_t{shots} * n;
  const auto state = [&](std::size_t t, std::uint32_t shot) {
    return std::span(training.chains).subspan(t * block + shot * n, n);
  };
  for (std::size_t t = training.updates % 2; t + 1 < inverse_kT.size(); t += 2) {
    for (std::uint32_t shot = 0; shot < shots; ++shot) {
      const double exponent = (inverse_kT[t] - inverse_kT[t + 1]) *
                              (machine.energy(state(t, shot)) - machine.energy(state(t + 1, shot)));
      const auto words = numerics::random_words(training.seed, numerics::HostPurpose::ergodicity, training.updates,
                                                static_cast<std::uint32_t>(t) * shots + shot, kExchanges);
      ++training.exchanges_tried;
      if (numerics::unit_interval(words[0]) >= std::exp(std::min(0.0, exponent))) continue;
      ++training.exchanges_made;
      std::ranges::swap_ranges(state(t, shot), state(t + 1, shot));
    }
  }
}

}  // namespace

const char* name(FreePhase phase) { return kFreePhases.at(static_cast<std::size_t>(phase)); }

FreePhase free_phase_named(const std::string& text, const char* option) {
  for (std::size_t i = 0; i < kFreePhases.size(); ++i)
    if (text == kFreePhases[i]) return static_cast<FreePhase>(i);
  throw Error(HB_BAD_ARG, std::string(option) + " " + text + ": needs contrastive, persistent or tempered");
}

std::vector<Spin> pattern_starts(const Patterns& data, std::span<const double> weights, std::uint32_t shots,
                                 std::uint32_t cells) {
  std::vector<Spin> starts;
  starts.reserve(std::size_t{shots} * cells);
  for (std::uint32_t shot = 0; shot < shots; ++shot) {
    const std::span<const Spin> pattern = data.pattern(pattern_at(weights, (shot + 0.5) / shots));
    starts.insert(starts.end(), pattern.begin(), pattern.end());
    starts.insert(starts.end(), cells - data.cells, Spin{1});
  }
  return starts;
}

void set_hidden_means(const SpinMachine& machine, double kT, std::span<double> spins) {
  for (std::uint32_t h = machine.visible; h < machine.cells; ++h) {
    double local = static_cast<double>(machine.field[h]);
    for (std::uint32_t i = 0; i < machine.visible; ++i) local += static_cast<double>(machine.coupling(h, i)) * spins[i];
    spins[h] = std::tanh(local / kT);
  }
}

MachineTraining begin_training(const Patterns& data, std::uint32_t hidden, std::uint64_t seed, double limit) {
  constexpr double kSmall = 0.05;
  MachineTraining training;
  training.seed = seed;
  training.machine = SpinMachine(data.cells + hidden);
  training.machine.visible = data.cells;
  SpinMoments moments(data.cells);
  for (std::size_t n = 0; n < data.size(); ++n) moments.add<Spin>(data.pattern(n), data.weights[n]);
  for (std::uint32_t i = 0; i < data.cells; ++i) training.machine.field[i] = first_field(moments.mean[i], limit);
  for (std::uint32_t h = data.cells; h < training.machine.cells; ++h) {
    for (std::uint32_t i = 0; i < data.cells; ++i) {
      const auto words = numerics::random_words(seed, numerics::HostPurpose::ergodicity, h, i, kFirstCouplings);
      training.machine.couple(h, i, static_cast<float>(kSmall * numerics::standard_normal(words[0], words[1])));
    }
  }
  return training;
}

void train_machine(SpinDevice& device, const Patterns& data, const BoltzmannOptions& options, std::uint32_t until,
                   MachineTraining& training, const std::function<bool()>& after) {
  const auto need = [](bool good, const char* what) {
    if (!good) throw Error(HB_BAD_ARG, std::string("training a machine: ") + what);
  };
  need(options.updates > 0 && options.shots > 0 && options.rate > 0 && options.sweeps > 0,
       "updates, shots, sweeps and rate must be above 0");
  need(until <= options.updates, "more updates than options.updates, from which the rate is told");
  const bool tempered = options.phase == FreePhase::tempered;
  const std::uint32_t temperatures = tempered ? options.temperatures : 1;
  need(temperatures > 0 && (!tempered || (options.temperatures > 1 && options.hottest > 1 && std::isfinite(options.hottest))),
       "a tempered phase needs 2 temperatures or more, and the hottest above kT");
  SpinMachine& machine = training.machine;
  const std::uint32_t n = machine.cells, v = machine.visible;
  const bool clamps = machine.hidden_coupled && n > v;
  need(!clamps || options.settle > 0, "the clamped phase of coupled hidden cells needs settle above 0");
  const std::uint64_t shots_of_update = std::uint64_t{options.shots} * (temperatures + (clamps ? 1 : 0));
  need(shots_of_update * options.updates <= first_shot_after_training, "updates times shots (and temperatures) must be at most 3 * 2^30");

  std::vector<double> inverse_kT;
  for (std::uint32_t t = 0; t < temperatures; ++t)
    inverse_kT.push_back((1 - (temperatures > 1 ? (1 - 1 / options.hottest) * t / (temperatures - 1) : 0)) / options.kT);
  const std::vector<Spin> seeds = pattern_starts(data, data.weights, options.shots, n);
  if (options.phase != FreePhase::contrastive && training.chains.size() != seeds.size() * temperatures) {
    training.chains.clear();
    for (std::uint32_t t = 0; t < temperatures; ++t) training.chains.insert(training.chains.end(), seeds.begin(), seeds.end());
  }
  if (clamps && training.clamped.size() != seeds.size()) training.clamped = seeds;
  const std::vector<MachineParameter> parameters = machine_parameters(machine);
  SpinMoments clamped(n);
  if (n == v) clamped_moments(data, machine, options.kT, 0, clamped);  // the same at every update
  while (training.updates < until) {
    device.seek(training.seed, static_cast<std::uint32_t>(training.updates * shots_of_update));
    SpinMoments model(n);
    std::vector<Spin> ends;
    for (std::uint32_t t = 0; t < temperatures; ++t) {
      SpinDevice::Run run;
      run.shots = options.shots;
      run.starts = options.phase == FreePhase::contrastive ? std::span(seeds) : std::span(std::as_const(training.chains)).subspan(t * seeds.size(), seeds.size());
      if (options.phase == FreePhase::contrastive && n > v && options.settle > 0) {
        run.held = {{0, v}};
        run.settle = options.settle;
      }
      run.burn = options.sweeps;
      SpinRecords free = device.run(machine, 1 / inverse_kT[t], run);
      if (t == 0)
        for (std::uint32_t shot = 0; shot < options.shots; ++shot) model.add<Spin>(free.state(shot, 0), 1.0 / options.shots);
      ends.insert(ends.end(), free.spins.begin(), free.spins.end());
    }
    if (clamps) {
      std::vector<Spin> held = training.clamped;
      clamped = run_clamped(device, data, machine, options.kT, options.settle,
                            held_patterns(data, options.shots, training.updates), held);
      training.clamped = std::move(held);
    } else if (n > v) {
      clamped = SpinMoments(n);
      clamped_moments(data, machine, options.kT, training.updates, clamped);
    }
    // From here on nothing can stop: the training is whole before an update and after it.
    training.chains = std::move(ends);
    if (tempered) exchange(machine, inverse_kT, options.shots, training);
    const LearningStep step(options, training.updates);
    double squares = 0;
    for (const auto [i, j] : parameters) {
      const double model_mean = model.of(i, j), gap = clamped.of(i, j) - model_mean;
      squares += gap * gap;
      const float next = step.next(i == j ? machine.field[i] : machine.coupling(i, j), gap, model_mean);
      if (i == j) machine.field[i] = next;
      else machine.couple(i, j, next);
    }
    training.gaps.push_back(std::sqrt(squares / static_cast<double>(parameters.size())));
    ++training.updates;
    if (after && !after()) return;
  }
}

std::vector<MachineParameter> machine_parameters(const SpinMachine& machine) {
  std::vector<MachineParameter> parameters;
  for (std::uint32_t i = 0; i < machine.cells; ++i) parameters.push_back({i, i});
  for (std::uint32_t i = 0; i < machine.cells; ++i)
    for (std::uint32_t j = 0; j < i; ++j)
      if (machine.may_couple(i, j)) parameters.push_back({i, j});
  return parameters;
}

std::vector<measure::Estimate> measured_gradient(SpinDevice& device, const Patterns& data, const SpinMachine& machine,
                                                 double kT, std::uint32_t shots, double sweeps, std::span<const Spin> starts) {
  if (shots < 2) throw Error(HB_BAD_ARG, "a gradient from " + std::to_string(shots) + " shots; at least 2");
  const std::uint32_t n = machine.cells, v = machine.visible;
  const bool clamps = machine.hidden_coupled && n > v;
  SpinMoments clamped(n), model(n);
  HeldPatterns held;
  std::vector<Spin> states;
  double sum_of_squares = 0;  // of what the shots of the clamped phase count
  if (clamps) {
    held = held_patterns(data, shots, 0);
    states = pattern_starts(data, data.weights, shots, n);
    clamped = run_clamped(device, data, machine, kT, sweeps, held, states);
    for (const double weight : held.weight) sum_of_squares += weight * weight;
  } else {
    double sum = std::accumulate(data.weights.begin(), data.weights.end(), 0.0);
    std::vector<double> spins(n);
    for (std::size_t k = 0; k < data.size(); ++k) {
      std::ranges::copy(data.pattern(k), spins.begin());
      set_hidden_means(machine, kT, spins);
      clamped.add<double>(spins, data.weights[k] / sum);
    }
  }
  SpinDevice::Run run;
  run.shots = shots;
  run.starts = starts;
  run.burn = sweeps;
  const SpinRecords free = device.run(machine, kT, run);
  for (std::uint32_t shot = 0; shot < shots; ++shot) model.add<Spin>(free.state(shot, 0), 1.0 / shots);
  std::vector<measure::Estimate> gradient;
  for (const auto [i, j] : machine_parameters(machine)) {
    const double of_data = clamped.of(i, j), of_model = model.of(i, j);
    double variance = (1 - of_model * of_model) / (shots - 1.0);
    // Within a pattern the scatter is at most that of all: an upper bound, exact for what no pattern tells.
    if (clamps && i >= v) variance += (1 - of_data * of_data) * sum_of_squares;
    gradient.push_back({of_data - of_model, std::sqrt(variance), static_cast<double>(shots)});
  }
  return gradient;
}

}  // namespace heatbath::trainers
