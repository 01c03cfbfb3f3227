// Boltzmann machines that learn on a device, against laws that are enumerated.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "heatbath/error.hpp"
#include "heatbath/open.hpp"
#include "heatbath/trainers/exact_machine.hpp"
#include "oracles/enumeration.hpp"
#include "tests/network/message_of.hpp"

namespace heatbath::trainers {
namespace {

using ::testing::HasSubstr;
using network::message_of;
using reference::Enumeration;

enum class Shape { visible, restricted, general };

/// A machine with couplings and fields of about 0.5, drawn by a rule of its own.
SpinMachine some_machine(std::uint32_t visible, std::uint32_t hidden, Shape shape, double strength = 0.5) {
  SpinMachine machine(visible + hidden);
  machine.visible = visible;
  machine.visible_coupled = shape != Shape::restricted;
  machine.hidden_coupled = shape == Shape::general;
  for (std::uint32_t i = 0; i < machine.cells; ++i) {
    machine.field[i] = static_cast<float>(strength * std::sin(1.7 * i + 0.3));
    for (std::uint32_t j = 0; j < i; ++j)
      if (machine.may_couple(i, j)) machine.couple(i, j, static_cast<float>(strength * std::cos(2.3 * i + 0.9 * j)));
  }
  return machine;
}

Enumeration enumerated(const SpinMachine& machine) {
  std::vector<reference::Bond> bonds;
  std::vector<double> bias;
  for (std::uint32_t i = 0; i < machine.cells; ++i) {
    bias.push_back(-static_cast<double>(machine.field[i]));
    for (std::uint32_t j = 0; j < i; ++j)
      if (machine.coupling(i, j) != 0)
        bonds.push_back({static_cast<int>(i), static_cast<int>(j), -static_cast<double>(machine.coupling(i, j))});
  }
  return {static_cast<int>(machine.cells), bonds, bias};
}

/// The gradient by the oracle: averages of all states with the law of the data in the visible cells, and without.
std::vector<double> gradient_by_oracle(const Patterns& data, const SpinMachine& machine, double kT) {
  const std::vector<double> law = enumerated(machine).probabilities(kT);
  const std::size_t seen = std::size_t{1} << machine.visible;
  std::vector<double> visible(seen, 0.0), wanted(seen, 0.0);
  for (std::size_t s = 0; s < law.size(); ++s) visible[s % seen] += law[s];
  for (std::size_t n = 0; n < data.size(); ++n) wanted[state_of(data.pattern(n))] += data.weights[n];
  std::vector<double> gradient;
  for (const auto [i, j] : machine_parameters(machine)) {
    double sum = 0;
    for (std::uint32_t s = 0; s < law.size(); ++s) {
      const double value = i == j ? reference::spin(s, static_cast<int>(i)) : reference::spin(s, static_cast<int>(i)) * reference::spin(s, static_cast<int>(j));
      sum += value * law[s] * (wanted[s % seen] / visible[s % seen] - 1);
    }
    gradient.push_back(sum);
  }
  return gradient;
}

double divergence_by_oracle(const Patterns& data, const SpinMachine& machine, double kT) {
  const std::vector<double> law = enumerated(machine).probabilities(kT);
  const std::size_t seen = std::size_t{1} << machine.visible;
  std::vector<double> visible(seen, 0.0), wanted(seen, 0.0);
  for (std::size_t s = 0; s < law.size(); ++s) visible[s % seen] += law[s];
  for (std::size_t n = 0; n < data.size(); ++n) wanted[state_of(data.pattern(n))] += data.weights[n];
  return reference::kullback_leibler(wanted, visible);
}

/// Eight spins whose patterns have weights drawn by a rule.
Patterns random_law(std::uint32_t cells) {
  Patterns patterns{cells, {}, {}, "a rule"};
  double sum = 0;
  for (std::uint32_t state = 0; state < 1u << cells; ++state) {
    const std::vector<Spin> spins = spins_of(state, cells);
    patterns.spins.insert(patterns.spins.end(), spins.begin(), spins.end());
    patterns.weights.push_back(std::exp(1.5 * std::sin(12.9898 * state + 0.1 * state * state)));
    sum += patterns.weights.back();
  }
  for (double& weight : patterns.weights) weight /= sum;
  return patterns;
}

Device spins(std::uint32_t cells, const std::string& more = "lanes=64&threads=1") {
  return open("func:cell=pbit&cells=" + std::to_string(cells) + "&" + more);
}

class Gradient : public ::testing::TestWithParam<std::tuple<Shape, const char*>> {};

TEST_P(Gradient, OfTheDeviceIsThatOfTheEnumeration) {
  const auto [shape, board] = GetParam();
  const Patterns data = shape == Shape::general ? bars_and_stripes(2) : random_law(6);
  const SpinMachine machine = some_machine(data.cells, shape == Shape::visible ? 0 : 4, shape);
  Device device = spins(machine.cells, board);
  SpinDevice on(device, 5);
  const std::vector<measure::Estimate> measured = measured_gradient(on, data, machine, 1.0, 20000, 40);
  const std::vector<double> exact = gradient_by_oracle(data, machine, 1.0);
  ASSERT_EQ(measured.size(), exact.size());
  ASSERT_EQ(measured.size(), machine.parameters());
  for (std::size_t k = 0; k < exact.size(); ++k) {
    EXPECT_LT(std::abs(measured[k].value - exact[k]), 4 * measured[k].standard_error) << k;
    EXPECT_LT(measured[k].standard_error, 0.011);
    EXPECT_NEAR(exact_gradient(data, machine, 1.0)[k], exact[k], 1e-9);
  }
}

INSTANTIATE_TEST_SUITE_P(Machines, Gradient,
                         ::testing::Combine(::testing::Values(Shape::visible, Shape::restricted, Shape::general),
                                            ::testing::Values("lanes=64&threads=1", "lanes=16&threads=1&stepper=random-sequential")));

TEST(BoltzmannMachine, ExactDivergenceFallsAlongItsGradient) {
  const Patterns data = bars_and_stripes(2);
  for (const Shape shape : {Shape::visible, Shape::restricted, Shape::general}) {
    SpinMachine machine = some_machine(4, shape == Shape::visible ? 0 : 3, shape);
    EXPECT_NEAR(exact_divergence(data, machine, 0.8), divergence_by_oracle(data, machine, 0.8), 1e-12);
    const std::vector<double> gradient = exact_gradient(data, machine, 0.8);
    const std::vector<MachineParameter> parameters = machine_parameters(machine);
    for (std::size_t k = 0; k < parameters.size(); ++k) {
      const auto moved = [&](float by) {
        SpinMachine other = machine;
        const auto [i, j] = parameters[k];
        if (i == j) other.field[i] += by;
        else other.couple(i, j, other.coupling(i, j) + by);
        return divergence_by_oracle(data, other, 0.8);
      };
      constexpr float step = 1.0f / 512;
      EXPECT_NEAR((moved(step) - moved(-step)) / (2.0 * step), -gradient[k] / 0.8, 2e-5) << k;
    }
  }
}

BoltzmannOptions bars_options(FreePhase phase) {
  BoltzmannOptions options;
  options.updates = 1000;
  options.shots = 256;
  options.sweeps = 2;
  options.settle = 1;
  options.rate = 0.1;
  options.phase = phase;
  return options;
}

MachineTraining restricted_training(const Patterns& data, std::uint32_t hidden, std::uint64_t seed = 1) {
  MachineTraining training = begin_training(data, hidden, seed);
  training.machine.visible_coupled = false;
  return training;
}

void expect_same(const MachineTraining& a, const MachineTraining& b) {
  EXPECT_EQ(a.machine.field, b.machine.field);
  EXPECT_EQ(a.machine.couplings, b.machine.couplings);
  EXPECT_EQ(a.chains, b.chains);
  EXPECT_EQ(a.clamped, b.clamped);
  EXPECT_EQ(a.gaps, b.gaps);
  EXPECT_EQ(a.exchanges_made, b.exchanges_made);
}

TEST(BoltzmannMachine, LearnsBarsAndStripesByTemperedChains) {
  EXPECT_GT(divergence_by_oracle(bars_and_stripes(3), begin_training(bars_and_stripes(3), 8, 1).machine, 1), 3.5);
  // docs: begin train
  const Patterns data = bars_and_stripes(3);
  Device device = open("func:cell=pbit&cells=17&lanes=64&threads=1");
  SpinDevice on(device, /*seed=*/1);
  MachineTraining training = begin_training(data, /*hidden=*/8, /*seed=*/1);
  training.machine.visible_coupled = false;  // restricted: visible cells couple to hidden ones alone
  BoltzmannOptions options;
  options.updates = 1000;
  options.shots = 256;
  options.sweeps = 2;
  options.settle = 1;
  options.rate = 0.1;
  options.phase = FreePhase::tempered;
  train_machine(on, data, options, options.updates, training);
  const double left = exact_divergence(data, training.machine, /*kT=*/1);  // nats
  // docs: end train
  const double after = divergence_by_oracle(data, training.machine, 1);
  EXPECT_LT(after, 0.12);
  // The trained machine's law is one that the device keeps.
  const std::vector<Spin> states = exact_states(training.machine, 1, 20000, 4);
  const std::vector<measure::Estimate> measured = measured_gradient(on, data, training.machine, 1, 20000, 10, states);
  const std::vector<double> exact = gradient_by_oracle(data, training.machine, 1);
  for (std::size_t k = 0; k < exact.size(); ++k)
    EXPECT_LT(std::abs(measured[k].value - exact[k]), 4 * std::max(measured[k].standard_error, 1e-4)) << k;
  EXPECT_NEAR(left, after, 1e-9);
  const double rate = static_cast<double>(training.exchanges_made) / static_cast<double>(training.exchanges_tried);
  EXPECT_GT(rate, 0.3);
  EXPECT_LT(rate, 0.95);
  for (std::uint32_t i = 0; i < 9; ++i)
    for (std::uint32_t j = 0; j < i; ++j) EXPECT_EQ(training.machine.coupling(i, j), 0);
  for (std::uint32_t i = 9; i < 17; ++i)
    for (std::uint32_t j = 9; j < i; ++j) EXPECT_EQ(training.machine.coupling(i, j), 0);
}

TEST(BoltzmannMachine, GeneralOneLearnsParityThatPairsOfVisibleCellsCannot) {
  const Patterns data = parity_patterns();  // KL of any pairwise visible machine: ln 2
  Device device = spins(5);
  SpinDevice on(device, 1);
  MachineTraining training = begin_training(data, 2, 1);
  training.machine.hidden_coupled = true;
  BoltzmannOptions options = bars_options(FreePhase::tempered);
  options.updates = 1000;
  options.settle = 4;
  options.rate = 0.3;
  train_machine(on, data, options, options.updates, training);
  EXPECT_LT(divergence_by_oracle(data, training.machine, 1), 0.1);
  EXPECT_NE(training.machine.coupling(3, 4), 0);
}

TEST(BoltzmannMachine, HotterChainsCarryTheColdOnesOverABarrier) {
  // Six spins that align so strongly that plain chains never turn over, a data law of one side: all chains start there.
  Patterns data{6, std::vector<Spin>(6, Spin{1}), {1.0}, "all up"};
  SpinMachine machine(6);
  for (std::uint32_t i = 0; i < 6; ++i)
    for (std::uint32_t j = 0; j < i; ++j) machine.couple(i, j, 1.2f);
  const double exact = 0;  // <s_0> by symmetry
  const auto mean = [&](FreePhase phase) {
    Device device = spins(6);
    SpinDevice on(device, 3);
    MachineTraining training;
    training.machine = machine;
    training.seed = 3;
    BoltzmannOptions options;
    options.updates = 200;
    options.shots = 400;
    options.sweeps = 2;
    options.rate = 1e-12;  // the machine stays what it is
    options.phase = phase;
    options.temperatures = 6;
    options.hottest = 12;
    train_machine(on, data, options, options.updates, training);
    double sum = 0;
    for (std::uint32_t shot = 0; shot < options.shots; ++shot) sum += training.chains[std::size_t{shot} * 6];
    return sum / options.shots;
  };
  const double error = 1 / std::sqrt(400.0);
  EXPECT_LT(std::abs(mean(FreePhase::tempered) - exact), 4 * error);
  EXPECT_GT(mean(FreePhase::persistent), 0.99);
}

TEST(BoltzmannMachine, EveryPhaseHasTheSameBitsForAnyLanesThreadsAndStops) {
  const Patterns data = bars_and_stripes(2);
  for (const FreePhase phase : {FreePhase::contrastive, FreePhase::persistent, FreePhase::tempered}) {
    for (const bool general : {false, true}) {
      BoltzmannOptions options = bars_options(phase);
      options.updates = 12;
      options.shots = 40;
      const auto trained = [&](const std::string& board, std::uint32_t stop) {
        Device device = spins(7, board);
        SpinDevice on(device, 9);
        MachineTraining training = restricted_training(data, 3, 9);
        training.machine.visible_coupled = training.machine.hidden_coupled = general;
        train_machine(on, data, options, stop, training);
        Device other = spins(7, board);
        SpinDevice again(other, 9);
        train_machine(again, data, options, options.updates, training);
        return training;
      };
      const MachineTraining whole = trained("lanes=64&threads=1", 12);
      EXPECT_EQ(whole.updates, 12u);
      expect_same(trained("lanes=5&threads=2", 12), whole);
      expect_same(trained("lanes=64&threads=1", 7), whole);
    }
  }
}

TEST(BoltzmannMachine, LearnsOnAChipWithConverters) {
  const Patterns data = two_patterns();
  for (const char* board : {"lanes=16&threads=1&profile=coded&integer_sums=no", "threads=1&profile=silicon&integer_sums=no"}) {
    Device device = spins(6, board);
    SpinDevice on(device, 1);
    MachineTraining training = restricted_training(data, 2);
    BoltzmannOptions options = bars_options(FreePhase::persistent);
    options.updates = 150;
    options.shots = 128;
    options.limit = 3;
    const double before = divergence_by_oracle(data, training.machine, 1);
    train_machine(on, data, options, options.updates, training);
    EXPECT_LT(divergence_by_oracle(data, training.machine, 1), before / 4) << board;
  }
}

TEST(BoltzmannMachine, RefusesWhatItCannotDo) {
  const Patterns data = bars_and_stripes(2);
  Device device = spins(8);
  SpinDevice on(device, 1);
  const auto refusal = [&](const auto& change) {
    BoltzmannOptions options = bars_options(FreePhase::tempered);
    MachineTraining training = begin_training(data, 2, 1);
    training.machine.hidden_coupled = true;
    change(options);
    return message_of([&] { train_machine(on, data, options, 1, training); }, HB_BAD_ARG);
  };
  EXPECT_THAT(refusal([](auto& o) { o.shots = 0; }), HasSubstr("must be above 0"));
  EXPECT_THAT(refusal([](auto& o) { o.temperatures = 1; }), HasSubstr("2 temperatures or more"));
  EXPECT_THAT(refusal([](auto& o) { o.hottest = 1; }), HasSubstr("above kT"));
  EXPECT_THAT(refusal([](auto& o) { o.settle = 0; }), HasSubstr("settle above 0"));
  EXPECT_THAT(refusal([](auto& o) { o.updates = 4000000; }), HasSubstr("3 * 2^30"));
  EXPECT_THAT(message_of([&] { free_phase_named("gibbs", "--chains"); }, HB_BAD_ARG), HasSubstr("--chains gibbs"));
  SpinMachine large = some_machine(10, 10, Shape::general);
  EXPECT_FALSE(enumerable(large));
  EXPECT_THAT(message_of([&] { exact_divergence(random_law(10), large, 1); }, HB_BAD_ARG), HasSubstr("not counted"));
  EXPECT_THAT(message_of([] { bars_and_stripes(9); }, HB_BAD_ARG), HasSubstr("2 to 4"));
}

}  // namespace
}  // namespace heatbath::trainers
