#include "heatbath/trainers/equilibrium_propagation.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "heatbath/error.hpp"
#include "heatbath/network/network.hpp"
#include "heatbath/network/scaling.hpp"
#include "heatbath/network/shots.hpp"
#include "heatbath/numerics/random.hpp"
#include "heatbath/numerics/text.hpp"

namespace heatbath::trainers {
namespace {

using network::Edge;
using network::Network;
using network::Scaling;

constexpr std::uint32_t kFirstWeights = 10;  // last word of the addresses of what is drawn here

[[noreturn]] void refuse_map(const std::string& what) { throw Error(HB_BAD_ARG, "equilibrium propagation: " + what); }

void check_map(const QuarticNet& net, const MapExamples& examples, const EquilibriumOptions& o) {
  if (net.outputs == 0 || net.inputs == 0) refuse_map("inputs and outputs are needed");
  if (examples.inputs != net.inputs || examples.outputs != net.outputs || examples.size() == 0 ||
      examples.input.size() != examples.size() * net.inputs || examples.target.size() != examples.size() * net.outputs)
    refuse_map("examples of " + std::to_string(examples.inputs) + " inputs and " + std::to_string(examples.outputs) + " outputs for a net of " +
               std::to_string(net.inputs) + " and " + std::to_string(net.outputs));
  if (net.bias.size() != net.hidden + net.outputs || net.couplings.size() != net.pairs().size()) refuse_map("a net of another shape");
  if (!(net.j4 > 0)) refuse_map("J4 is " + numerics::general(net.j4) + "; above 0");
  if (!(o.kT > 0) || !(o.nudge > 0) || o.records == 0 || !(o.relax > 0) || !(o.interval > 0) || !(o.rate > 0))
    refuse_map("kT, nudge, records, relax, interval and rate must be above 0");
  if (o.repeats < 2) refuse_map("1 shot of each example; 2 or more are needed for an error");
}

/// On the device: inputs, targets, hidden, outputs. A target is a clamped cell whose coupling -beta to its output, with
/// beta/2 more stiffness of that output, is beta (output - target)^2/2.
std::uint32_t place_of(const QuarticNet& net, std::uint32_t cell) { return cell < net.inputs ? cell : cell + net.outputs; }

Network nudged(const QuarticNet& net, double beta) {
  const std::uint32_t clamped = net.inputs + net.outputs, all = clamped + net.hidden + net.outputs;
  Network network(CellKind::overdamped, all);
  std::vector<double> j2(all, net.j2), bias(all, 0.0);
  std::vector<Edge> edges;
  std::ranges::copy(net.bias, bias.begin() + clamped);
  const std::vector<QuarticNet::Pair> pairs = net.pairs();
  for (std::size_t k = 0; k < pairs.size(); ++k)
    edges.push_back({place_of(net, pairs[k].i), place_of(net, pairs[k].j), net.couplings[k]});
  for (std::uint32_t o = 0; o < net.outputs; ++o) {
    j2[clamped + net.hidden + o] += beta / 2;
    edges.push_back({net.inputs + o, clamped + net.hidden + o, -beta});
  }
  network.set(CellSection::j2, j2).set(CellSection::j4, net.j4).set(CellSection::bias, bias).set_couplings(edges);
  return network;
}

/// Runs all examples and calls `take` with the shot and each recorded state, in the net's order and units.
template <class Take>
void run_map(Device& device, const QuarticNet& net, const MapExamples& examples, const EquilibriumOptions& o, double beta,
             std::uint32_t first_shot, const Take& take) {
  // One scaling for both signs: of the stiffer one.
  double reach = 0;
  for (const double x : examples.input) reach = std::max(reach, std::abs(x));
  for (const double x : examples.target) reach = std::max(reach, std::abs(x));
  const Network wide = nudged(net, o.nudge);
  const Scaling estimate(wide, device.capabilities(), {.kT = o.kT, .stiffness = o.stiffness});
  const Scaling scaling(wide, device.capabilities(), {.kT = o.kT, .reach = std::max(estimate.reach(), 1.05 * reach), .stiffness = o.stiffness});
  scaling.set_step(device);
  const std::uint32_t clamped = net.inputs + net.outputs, moving = net.hidden + net.outputs;
  const auto total = static_cast<std::uint32_t>(examples.size() * o.repeats);
  const Network network = nudged(net, beta);
  network::Shots shots(device, {.seed_where_taken = o.seed, .first_shot = first_shot, .progress = o.progress});
  std::vector<double> state(net.cells());
  const auto program_of = [&](std::uint32_t first, std::uint32_t count) {
    std::vector<double> held;
    for (std::uint32_t shot = first; shot < first + count; ++shot) {
      const std::size_t example = shot % examples.size();
      held.insert(held.end(), examples.input.begin() + static_cast<std::ptrdiff_t>(example * net.inputs),
                  examples.input.begin() + static_cast<std::ptrdiff_t>((example + 1) * net.inputs));
      held.insert(held.end(), examples.target.begin() + static_cast<std::ptrdiff_t>(example * net.outputs),
                  examples.target.begin() + static_cast<std::ptrdiff_t>((example + 1) * net.outputs));
    }
    Program program(device.capabilities(), clamped + moving);
    scaling.load_into(program, network);
    program.commit().clamp_per_shot(0, clamped, scaling.to_device(held), count).clamp(clamped, moving, 0.0f).release(clamped, moving);
    program.evolve(scaling.ticks(device, o.relax)).sample();
    if (o.records > 1) program.loop_begin(o.records - 1).evolve(scaling.ticks(device, o.interval)).sample().loop_end();
    return program;
  };
  shots.run(total, std::uint64_t{o.records} * (clamped + moving) * sizeof(float), program_of, [&](std::uint32_t first, Result&& result) {
    for (std::uint32_t k = 0; k < result.capture.shots(); ++k) {
      for (std::uint32_t record = 0; record < o.records; ++record) {
        const std::span<const float> of_device = result.capture.state(k, record);
        for (std::uint32_t i = 0; i < net.cells(); ++i) state[i] = scaling.state(static_cast<double>(of_device[place_of(net, i)]));
        take(first + k, std::span<const double>(state));
      }
    }
  });
}

}  // namespace

QuarticNet QuarticNet::random(std::uint32_t inputs, std::uint32_t hidden, std::uint32_t outputs, double width, std::uint64_t seed) {
  QuarticNet net;
  net.inputs = inputs;
  net.hidden = hidden;
  net.outputs = outputs;
  net.bias.assign(hidden + outputs, 0.0);
  for (const Pair pair : net.pairs()) {
    const auto words = numerics::random_words(seed, numerics::HostPurpose::ergodicity, pair.i, pair.j, kFirstWeights);
    net.couplings.push_back(width / std::sqrt(static_cast<double>(net.cells())) * numerics::standard_normal(words[0], words[1]));
  }
  return net;
}

std::vector<QuarticNet::Pair> QuarticNet::pairs() const {
  std::vector<Pair> pairs;
  for (std::uint32_t i = 0; i < cells(); ++i)
    for (std::uint32_t j = i + 1; j < cells(); ++j)
      if (j >= inputs && i < inputs + hidden) pairs.push_back({i, j});
  return pairs;
}

EquilibriumGradient equilibrium_gradient(Device& device, const QuarticNet& net, const MapExamples& examples,
                                         const EquilibriumOptions& options, std::uint32_t first_shot) {
  check_map(net, examples, options);
  const std::vector<QuarticNet::Pair> pairs = net.pairs();
  const std::size_t parameters = net.bias.size() + pairs.size(), count = examples.size();
  // Of each repeat of all examples, which are independent of one another.
  std::vector<std::vector<double>> slopes(parameters, std::vector<double>(options.repeats, 0.0));
  EquilibriumGradient gradient;
  for (const double sign : {1.0, -1.0}) {
    const double weight = sign / (2 * options.nudge * options.records * static_cast<double>(count));
    run_map(device, net, examples, options, sign * options.nudge, first_shot, [&](std::uint32_t shot, std::span<const double> x) {
      for (std::size_t k = 0; k < net.bias.size(); ++k) slopes[k][shot / count] += weight * x[net.inputs + k];
      for (std::size_t k = 0; k < pairs.size(); ++k) slopes[net.bias.size() + k][shot / count] += weight * x[pairs[k].i] * x[pairs[k].j];
      const std::size_t example = shot % count;
      for (std::uint32_t o = 0; o < net.outputs; ++o) {
        const double miss = x[net.inputs + net.hidden + o] - examples.target[example * net.outputs + o];
        gradient.cost += miss * miss / (4.0 * static_cast<double>(count) * options.repeats * options.records);
      }
    });
  }
  for (const std::vector<double>& slope : slopes) gradient.derivatives.push_back(measure::mean_of_independent(slope));
  return gradient;
}

std::vector<double> equilibrium_outputs(Device& device, const QuarticNet& net, const MapExamples& examples,
                                        const EquilibriumOptions& options, std::uint32_t first_shot) {
  check_map(net, examples, options);
  std::vector<double> outputs(examples.size() * net.outputs, 0.0);
  run_map(device, net, examples, options, 0, first_shot, [&](std::uint32_t shot, std::span<const double> x) {
    for (std::uint32_t o = 0; o < net.outputs; ++o)
      outputs[shot % examples.size() * net.outputs + o] += x[net.inputs + net.hidden + o] / (static_cast<double>(options.repeats) * options.records);
  });
  return outputs;
}

void train_equilibrium(Device& device, const MapExamples& examples, const EquilibriumOptions& options, std::uint32_t until,
                       EquilibriumTraining& training, const std::function<bool()>& after) {
  check_map(training.net, examples, options);
  const std::uint64_t shots = examples.size() * options.repeats;
  if (shots * until > 0xC0000000u) refuse_map("updates times examples times repeats must be at most 3 * 2^30");
  while (training.updates < until) {
    const EquilibriumGradient gradient =
        equilibrium_gradient(device, training.net, examples, options, static_cast<std::uint32_t>(training.updates * shots));
    QuarticNet& net = training.net;
    for (std::size_t k = 0; k < net.bias.size(); ++k) net.bias[k] -= options.rate * gradient.derivatives[k].value;
    for (std::size_t k = 0; k < net.couplings.size(); ++k) net.couplings[k] -= options.rate * gradient.derivatives[net.bias.size() + k].value;
    training.costs.push_back(gradient.cost);
    ++training.updates;
    if (after && !after()) return;
  }
}

}  // namespace heatbath::trainers
