#include "heatbath/trainers/graph_machine.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "heatbath/error.hpp"
#include "heatbath/numerics/random.hpp"
#include "heatbath/numerics/text.hpp"
#include "learning_step.hpp"

namespace heatbath::trainers {
namespace {

/// What the host draws: the last word of an address.
constexpr std::uint32_t kFirstCouplings = 12;

void check(const GraphMachine& machine) {
  const auto need = [](bool good, const std::string& what) {
    if (!good) throw Error(HB_BAD_ARG, "a machine on a graph: " + what);
  };
  need(machine.cells > 0 && machine.field.size() == machine.cells, "one field for each of its cells is needed");
  need(machine.coupling.size() == machine.edges.size(), "one coupling for each of its edges is needed");
  for (std::size_t e = 0; e < machine.edges.size(); ++e) {
    const Coupler edge = machine.edges[e];
    const bool behind = e == 0 || machine.edges[e - 1].i < edge.i || (machine.edges[e - 1].i == edge.i && machine.edges[e - 1].j < edge.j);
    need(edge.i < edge.j && edge.j < machine.cells && behind,
         "edge " + std::to_string(e) + " is (" + std::to_string(edge.i) + ", " + std::to_string(edge.j) + "); i < j, sorted, each once");
  }
  need(!machine.visible.empty(), "visible cells are needed");
  for (std::size_t k = 0; k < machine.visible.size(); ++k)
    need(machine.visible[k] < machine.cells && (k == 0 || machine.visible[k - 1] < machine.visible[k]),
         "visible cell " + std::to_string(machine.visible[k]) + " is not one of its cells, rising, each once");
}

void check(const Patterns& data, const GraphMachine& machine) {
  if (data.size() == 0 || data.cells != machine.visible.size())
    throw Error(HB_BAD_ARG, std::to_string(data.size()) + " patterns of " + std::to_string(data.cells) + " cells for a machine of " +
                                std::to_string(machine.visible.size()) + " visible cells");
}

/// Means <s_i> of cells and <s_i s_j> of edges.
struct EdgeMoments {
  std::vector<double> mean, pair;
  explicit EdgeMoments(const GraphMachine& machine) : mean(machine.cells, 0.0), pair(machine.edges.size(), 0.0) {}

  void add(std::span<const Coupler> edges, std::span<const Spin> spins, double weight) {
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += weight * spins[i];
    for (std::size_t e = 0; e < pair.size(); ++e) pair[e] += weight * (spins[edges[e].i] * spins[edges[e].j]);
  }
};

std::vector<SpinDevice::Cells> ranges_of(std::span<const std::uint32_t> cells) {
  std::vector<SpinDevice::Cells> ranges;
  for (const std::uint32_t cell : cells) {
    if (!ranges.empty() && ranges.back().first + ranges.back().count == cell) ++ranges.back().count;
    else ranges.push_back({cell, 1});
  }
  return ranges;
}

void set_visible(const GraphMachine& machine, std::span<const Spin> pattern, std::span<Spin> spins) {
  for (std::size_t k = 0; k < pattern.size(); ++k) spins[machine.visible[k]] = pattern[k];
}

/// States of `shots` chains: patterns in proportion to their weights, hidden cells up.
std::vector<Spin> starts_of(const Patterns& data, const GraphMachine& machine, std::uint32_t shots) {
  std::vector<Spin> starts(std::size_t{shots} * machine.cells, Spin{1});
  for (std::uint32_t shot = 0; shot < shots; ++shot)
    set_visible(machine, data.pattern(pattern_at(data.weights, (shot + 0.5) / shots)),
                std::span(starts).subspan(std::size_t{shot} * machine.cells, machine.cells));
  return starts;
}

/// Averages of all patterns of a machine whose cells are all visible.
EdgeMoments moments_of(const Patterns& data, const GraphMachine& machine) {
  EdgeMoments moments(machine);
  double sum = 0;
  for (std::size_t n = 0; n < data.size(); ++n) {
    if (data.weights[n] <= 0) continue;
    sum += data.weights[n];
    moments.add(machine.edges, data.pattern(n), data.weights[n]);
  }
  if (sum <= 0) throw Error(HB_BAD_ARG, "a machine is trained on patterns whose weights are all 0");
  for (double& value : moments.mean) value /= sum;
  for (double& value : moments.pair) value /= sum;
  return moments;
}

}  // namespace

network::Network network_of(const GraphMachine& machine) {
  std::vector<network::Edge> edges;
  edges.reserve(machine.edges.size());
  for (std::size_t e = 0; e < machine.edges.size(); ++e)
    edges.push_back({machine.edges[e].i, machine.edges[e].j, static_cast<double>(machine.coupling[e])});
  return network::Network::ising(edges, std::vector<double>(machine.field.begin(), machine.field.end()));
}

GraphMachine machine_on(const Capabilities& capabilities) {
  if (!capabilities.sparse())
    throw Error(HB_UNSUPPORTED, "a machine on a graph needs a device with a list of couplers, such as func:cell=pbit&topology=torus:32x32");
  GraphMachine machine;
  machine.cells = capabilities.cells;
  machine.visible.resize(machine.cells);
  for (std::uint32_t i = 0; i < machine.cells; ++i) machine.visible[i] = i;
  machine.edges.assign(capabilities.couplers().begin(), capabilities.couplers().end());
  machine.field.assign(machine.cells, 0.0f);
  machine.coupling.assign(machine.edges.size(), 0.0f);
  return machine;
}

GraphTraining begin_training(const Patterns& data, GraphMachine machine, std::uint64_t seed, double limit) {
  constexpr double kSmall = 0.05;
  check(machine);
  check(data, machine);
  GraphTraining training;
  training.seed = seed;
  std::vector<double> mean(data.cells, 0.0);
  for (std::size_t n = 0; n < data.size(); ++n)
    for (std::uint32_t k = 0; k < data.cells; ++k) mean[k] += data.weights[n] * data.pattern(n)[k];
  std::vector<bool> is_visible(machine.cells, false);
  for (std::uint32_t k = 0; k < data.cells; ++k) {
    is_visible[machine.visible[k]] = true;
    machine.field[machine.visible[k]] = first_field(mean[k], limit);
  }
  for (std::size_t e = 0; e < machine.edges.size(); ++e) {
    const Coupler edge = machine.edges[e];
    if (is_visible[edge.i] && is_visible[edge.j]) continue;
    const auto words = numerics::random_words(seed, numerics::HostPurpose::ergodicity, edge.i, edge.j, kFirstCouplings);
    machine.coupling[e] = limited(kSmall * numerics::standard_normal(words[0], words[1]), limit);
  }
  training.machine = std::move(machine);
  return training;
}

void train_machine(SpinDevice& device, const Patterns& data, const BoltzmannOptions& options, std::uint32_t until,
                   GraphTraining& training, const std::function<bool()>& after) {
  const auto need = [](bool good, const char* what) {
    if (!good) throw Error(HB_BAD_ARG, std::string("training a machine on a graph: ") + what);
  };
  GraphMachine& machine = training.machine;
  check(machine);
  check(data, machine);
  need(options.updates > 0 && options.shots > 0 && options.rate > 0 && options.sweeps > 0,
       "updates, shots, sweeps and rate must be above 0");
  need(until <= options.updates, "more updates than options.updates, from which the rate is told");
  need(options.phase != FreePhase::tempered, "its chains are contrastive or persistent");
  const bool clamps = !machine.all_visible();
  need(!clamps || options.settle > 0, "the clamped phase of hidden cells needs settle above 0");
  const std::uint64_t shots_of_update = std::uint64_t{options.shots} * (clamps ? 2 : 1);
  need(shots_of_update * options.updates <= first_shot_after_training, "updates times shots must be at most 3 * 2^30");

  const bool contrastive = options.phase == FreePhase::contrastive;
  const std::vector<SpinDevice::Cells> held = clamps ? ranges_of(machine.visible) : std::vector<SpinDevice::Cells>();
  const std::size_t states = std::size_t{options.shots} * machine.cells;
  std::vector<Spin> seeds;
  if (contrastive || training.chains.size() != states || (clamps && training.clamped.size() != states))
    seeds = starts_of(data, machine, options.shots);
  if (!contrastive && training.chains.size() != states) training.chains = seeds;
  if (clamps && training.clamped.size() != states) training.clamped = seeds;
  EdgeMoments of_data(machine);
  if (!clamps) of_data = moments_of(data, machine);
  while (training.updates < until) {
    device.seek(training.seed, static_cast<std::uint32_t>(training.updates * shots_of_update));
    const network::Network network = network_of(machine);
    SpinDevice::Run run;
    run.shots = options.shots;
    run.starts = contrastive ? seeds : training.chains;
    if (contrastive && clamps) {
      run.held = held;
      run.settle = options.settle;
    }
    run.burn = options.sweeps;
    SpinRecords free = device.run(network, options.kT, run);
    EdgeMoments model(machine);
    for (std::uint32_t shot = 0; shot < options.shots; ++shot) model.add(machine.edges, free.state(shot, 0), 1.0 / options.shots);
    if (clamps) {
      const HeldPatterns patterns = held_patterns(data, options.shots, training.updates);
      std::vector<Spin> starts = training.clamped;
      for (std::uint32_t shot = 0; shot < options.shots; ++shot)
        set_visible(machine, data.pattern(patterns.index[shot]), std::span(starts).subspan(std::size_t{shot} * machine.cells, machine.cells));
      SpinDevice::Run settling;
      settling.shots = options.shots;
      settling.starts = starts;
      settling.held = held;
      settling.settle = options.settle;
      SpinRecords settled = device.run(network, options.kT, settling);
      of_data = EdgeMoments(machine);
      for (std::uint32_t shot = 0; shot < options.shots; ++shot) of_data.add(machine.edges, settled.state(shot, 0), patterns.weight[shot]);
      training.clamped = std::move(settled.spins);
    }
    // From here on nothing can stop: the training is whole before an update and after it.
    training.chains = std::move(free.spins);
    const LearningStep step(options, training.updates);
    double squares = 0;
    const auto learn = [&](std::vector<float>& parameters, const std::vector<double>& data_means, const std::vector<double>& model_means) {
      for (std::size_t k = 0; k < parameters.size(); ++k) {
        const double gap = data_means[k] - model_means[k];
        squares += gap * gap;
        parameters[k] = step.next(parameters[k], gap, model_means[k]);
      }
    };
    learn(machine.field, of_data.mean, model.mean);
    learn(machine.coupling, of_data.pair, model.pair);
    training.gaps.push_back(std::sqrt(squares / static_cast<double>(machine.cells + machine.edges.size())));
    ++training.updates;
    if (after && !after()) return;
  }
}

double pseudolikelihood(const Patterns& data, const GraphMachine& machine, double kT) {
  check(machine);
  check(data, machine);
  if (!machine.all_visible()) throw Error(HB_BAD_ARG, "the pseudolikelihood of a machine with hidden cells is not known from fields alone");
  if (!(kT > 0) || !std::isfinite(kT)) throw Error(HB_BAD_ARG, "a pseudolikelihood at kT = " + numerics::general(kT) + "; above 0");
  double sum = 0, weights = 0;
  std::vector<double> local(machine.cells);
  for (std::size_t n = 0; n < data.size(); ++n) {
    const std::span<const Spin> s = data.pattern(n);
    std::ranges::copy(machine.field, local.begin());
    for (std::size_t e = 0; e < machine.edges.size(); ++e) {
      const Coupler edge = machine.edges[e];
      const auto J = static_cast<double>(machine.coupling[e]);
      local[edge.i] += J * s[edge.j];
      local[edge.j] += J * s[edge.i];
    }
    double of_pattern = 0;
    for (std::uint32_t i = 0; i < machine.cells; ++i) {
      const double u = -2 * local[i] * s[i] / kT;  // p = 1/(1 + e^u)
      of_pattern -= u > 0 ? u + std::log1p(std::exp(-u)) : std::log1p(std::exp(u));
    }
    sum += data.weights[n] * of_pattern / machine.cells;
    weights += data.weights[n];
  }
  if (!(weights > 0)) throw Error(HB_BAD_ARG, "a pseudolikelihood of patterns whose weights are all 0");
  return sum / weights;
}

}  // namespace heatbath::trainers
