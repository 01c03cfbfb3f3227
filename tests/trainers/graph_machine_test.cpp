// Boltzmann machines on graphs, against laws that are enumerated and against machines of all pairs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "heatbath/error.hpp"
#include "heatbath/open.hpp"
#include "heatbath/trainers/graph_machine.hpp"
#include "oracles/enumeration.hpp"
#include "tests/network/message_of.hpp"

namespace heatbath::trainers {
namespace {

using ::testing::HasSubstr;
using network::message_of;
using reference::Enumeration;

const std::string kTorus = "func:cell=pbit&topology=torus:4x3&threads=1";

Enumeration enumerated(const GraphMachine& machine) {
  std::vector<reference::Bond> bonds;
  for (std::size_t e = 0; e < machine.edges.size(); ++e)
    bonds.push_back({static_cast<int>(machine.edges[e].i), static_cast<int>(machine.edges[e].j), -static_cast<double>(machine.coupling[e])});
  std::vector<double> bias;
  for (const float h : machine.field) bias.push_back(-static_cast<double>(h));
  return {static_cast<int>(machine.cells), bonds, bias};
}

/// The law of the visible cells, their first the lowest bit.
std::vector<double> visible_law(const GraphMachine& machine) {
  const std::vector<double> all = enumerated(machine).probabilities(1.0);
  std::vector<double> law(std::size_t{1} << machine.visible.size(), 0.0);
  for (std::size_t state = 0; state < all.size(); ++state) {
    std::size_t seen = 0;
    for (std::size_t k = 0; k < machine.visible.size(); ++k) seen |= (state >> machine.visible[k] & 1) << k;
    law[seen] += all[state];
  }
  return law;
}

double divergence(const Patterns& data, const GraphMachine& machine) {
  std::vector<double> wanted(std::size_t{1} << data.cells, 0.0);
  for (std::size_t n = 0; n < data.size(); ++n) wanted[state_of(data.pattern(n))] += data.weights[n];
  return reference::kullback_leibler(wanted, visible_law(machine));
}

/// The law of a machine on the torus as patterns: every state with its weight.
Patterns law_of_a_torus(const Device& device) {
  GraphMachine machine = machine_on(device.capabilities());
  for (std::uint32_t i = 0; i < machine.cells; ++i) machine.field[i] = static_cast<float>(0.3 * std::sin(1.7 * i + 0.3));
  for (std::size_t e = 0; e < machine.edges.size(); ++e) machine.coupling[e] = static_cast<float>(0.5 * std::cos(2.3 * static_cast<double>(e)));
  Patterns patterns{machine.cells, {}, enumerated(machine).probabilities(1.0), "a rule"};
  for (std::uint32_t state = 0; state < 1u << machine.cells; ++state) {
    const std::vector<Spin> spins = spins_of(state, machine.cells);
    patterns.spins.insert(patterns.spins.end(), spins.begin(), spins.end());
  }
  return patterns;
}

BoltzmannOptions options_of(std::uint32_t updates, FreePhase phase) {
  BoltzmannOptions options;
  options.updates = updates;
  options.shots = 256;
  options.sweeps = 4;
  options.settle = 4;
  options.rate = 0.2;
  options.phase = phase;
  return options;
}

TEST(GraphMachine, LearnsTheLawOfAMachineOnItsGraph) {
  // docs: begin train
  Device device = open("func:cell=pbit&topology=torus:4x3&lanes=64&threads=1");
  const Patterns data = law_of_a_torus(device);
  SpinDevice on(device, /*seed=*/1);
  GraphTraining training = begin_training(data, machine_on(device.capabilities()), /*seed=*/1);
  BoltzmannOptions options;
  options.updates = 300;
  options.shots = 256;
  options.sweeps = 4;
  options.rate = 0.2;
  options.phase = FreePhase::persistent;
  const double before = pseudolikelihood(data, training.machine, /*kT=*/1);
  train_machine(on, data, options, options.updates, training);
  const double after = pseudolikelihood(data, training.machine, /*kT=*/1);  // nats a cell
  // docs: end train
  EXPECT_GT(after, before + 0.05);
  EXPECT_GT(divergence(data, begin_training(data, machine_on(device.capabilities()), 1).machine), 0.5);
  EXPECT_LT(divergence(data, training.machine), 0.02);
}

TEST(GraphMachine, MakesTheStepsOfAMachineOfAllPairsWhereItsGraphHasAll) {
  const Patterns data = bars_and_stripes(2);
  for (const FreePhase phase : {FreePhase::contrastive, FreePhase::persistent}) {
    const BoltzmannOptions options = options_of(20, phase);
    Device device = open("func:cell=pbit&cells=4&lanes=64&threads=1");
    SpinDevice on(device, 3);
    MachineTraining dense = begin_training(data, 0, 3);
    train_machine(on, data, options, options.updates, dense);
    GraphMachine machine;
    machine.cells = 4;
    machine.visible = {0, 1, 2, 3};
    machine.edges = {{0, 1}, {0, 2}, {0, 3}, {1, 2}, {1, 3}, {2, 3}};
    machine.field.assign(4, 0.0f);
    machine.coupling.assign(6, 0.0f);
    GraphTraining graph = begin_training(data, machine, 3);
    train_machine(on, data, options, options.updates, graph);
    EXPECT_EQ(graph.machine.field, dense.machine.field);
    for (std::size_t e = 0; e < machine.edges.size(); ++e)
      EXPECT_EQ(graph.machine.coupling[e], dense.machine.coupling(machine.edges[e].i, machine.edges[e].j)) << e;
    EXPECT_NE(graph.machine.coupling[0], 0.0f);
    EXPECT_EQ(graph.chains, dense.chains);
  }
}

TEST(GraphMachine, HiddenCellsOfAGraphCarryWhatVisibleOnesCannot) {
  const Patterns data = two_patterns();
  Device device = open(kTorus + "&lanes=64");
  SpinDevice on(device, 1);
  GraphMachine machine = machine_on(device.capabilities());
  machine.visible = {0, 2, 7, 10};  // no two of them are neighbours
  GraphTraining training = begin_training(data, machine, 1);
  const double before = divergence(data, training.machine);
  BoltzmannOptions options = options_of(400, FreePhase::persistent);
  options.settle = 8;
  train_machine(on, data, options, options.updates, training);
  EXPECT_LT(divergence(data, training.machine), before / 4) << before;
}

TEST(GraphMachine, BitsDoNotDependOnLanesAndCutsOfTheTraining) {
  const Patterns data = two_patterns();
  const BoltzmannOptions options = options_of(6, FreePhase::persistent);
  const auto trained = [&](const std::string& lanes, std::uint32_t stop) {
    Device device = open(kTorus + lanes);
    SpinDevice on(device, 1);
    GraphMachine machine = machine_on(device.capabilities());
    machine.visible = {0, 2, 7, 10};
    GraphTraining training = begin_training(data, machine, 1);
    train_machine(on, data, options, stop, training);
    on.seek(9, 77);
    train_machine(on, data, options, options.updates, training);
    return training;
  };
  const GraphTraining one = trained("&lanes=64", 6), other = trained("&lanes=7", 3);
  EXPECT_EQ(one.machine.field, other.machine.field);
  EXPECT_EQ(one.machine.coupling, other.machine.coupling);
  EXPECT_EQ(one.chains, other.chains);
  EXPECT_EQ(one.clamped, other.clamped);
  EXPECT_EQ(one.gaps, other.gaps);
}

TEST(GraphMachine, PseudolikelihoodIsThatOfTheEnumeration) {
  Device device = open(kTorus);
  const Patterns data = law_of_a_torus(device);
  GraphMachine machine = machine_on(device.capabilities());
  for (std::uint32_t i = 0; i < machine.cells; ++i) machine.field[i] = static_cast<float>(0.2 * std::cos(3.0 * i));
  for (std::size_t e = 0; e < machine.edges.size(); ++e) machine.coupling[e] = static_cast<float>(0.4 * std::sin(1.1 * static_cast<double>(e)));
  const std::vector<double> law = enumerated(machine).probabilities(0.7);
  double sum = 0;
  for (std::size_t state = 0; state < law.size(); ++state)
    for (std::uint32_t i = 0; i < machine.cells; ++i)
      sum += data.weights[state] * std::log(law[state] / (law[state] + law[state ^ std::size_t{1} << i])) / machine.cells;
  EXPECT_NEAR(pseudolikelihood(data, machine, 0.7), sum, 1e-9);
  EXPECT_NEAR(pseudolikelihood(data, machine_on(device.capabilities()), 1.0), -std::log(2.0), 1e-12);
}

TEST(GraphMachine, NamesWhatIsWrong) {
  Device device = open(kTorus);
  const Patterns data = two_patterns();
  GraphMachine machine = machine_on(device.capabilities());
  EXPECT_THAT(message_of([&] { begin_training(data, machine, 1); }, HB_BAD_ARG), HasSubstr("of 4 cells for a machine of 12 visible cells"));
  machine.visible = {0, 2, 2, 10};
  EXPECT_THAT(message_of([&] { begin_training(data, machine, 1); }, HB_BAD_ARG), HasSubstr("visible cell 2"));
  machine.visible = {0, 2, 7, 10};
  EXPECT_THAT(message_of([&] { pseudolikelihood(data, machine, 1); }, HB_BAD_ARG), HasSubstr("hidden cells"));
  GraphTraining training = begin_training(data, machine, 1);
  SpinDevice on(device, 1);
  EXPECT_THAT(message_of([&] { train_machine(on, data, options_of(1, FreePhase::tempered), 1, training); }, HB_BAD_ARG),
              HasSubstr("contrastive or persistent"));
  training.machine.edges.push_back({3, 2});
  training.machine.coupling.push_back(1);
  EXPECT_THAT(message_of([&] { train_machine(on, data, options_of(1, FreePhase::persistent), 1, training); }, HB_BAD_ARG), HasSubstr("(3, 2)"));
  EXPECT_THAT(message_of([&] { machine_on(open("func:cell=pbit&cells=4&threads=1").capabilities()); }, HB_UNSUPPORTED), HasSubstr("topology=torus"));
  EXPECT_EQ(training.updates, 0u);
}

}  // namespace
}  // namespace heatbath::trainers
