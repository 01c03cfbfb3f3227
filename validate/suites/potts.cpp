// Categorical cells against every state counted: a random network, free and partly held; block sweeps from a start; the
// 3 x 3 Potts torus; two states against spins; work of a ramp.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "heatbath/numerics/text.hpp"
#include "oracles/enumeration.hpp"
#include "oracles/potts.hpp"
#include "validate/suites/rows.hpp"

namespace heatbath::validation {
namespace {

using measure::BlockedMeans;
using reference::PottsCells;
using reference::PottsLaw;

constexpr CellKind kCategorical = CellKind::categorical;
constexpr std::uint32_t kCells = 6, kStates = 3;

/// Six cells of three states: couplings of both signs, fields of every state; only between the pairs, if any are given.
PottsCells network(std::uint32_t cells, std::uint32_t states, std::uint64_t seed,
                   std::span<const std::pair<std::uint32_t, std::uint32_t>> pairs = {}) {
  numerics::RandomStream random(seed);
  PottsCells net{Eigen::MatrixXd::Zero(cells, cells), Eigen::MatrixXd::Zero(cells, states), Eigen::VectorXd::Ones(cells), {}};
  for (std::uint32_t i = 0; i < cells; ++i) {
    for (std::uint32_t s = 0; s < states; ++s) net.bias(i, s) = 2 * random.uniform() - 1;
    for (std::uint32_t j = i + 1; j < cells; ++j) {
      const double coupling = 2 * random.uniform() - 1;
      if (pairs.empty() || std::ranges::find(pairs, std::pair{i, j}) != pairs.end())
        net.coupling(i, j) = net.coupling(j, i) = coupling;
    }
  }
  return net;
}

/// Energies of the network over a temperature.
void load(Machine& machine, Program& program, const PottsCells& net, double temperature) {
  std::vector<double> biases, couplings;
  for (int i = 0; i < net.cells(); ++i) {
    for (int s = 0; s < net.states(); ++s) biases.push_back(net.bias(i, s) / temperature);
    for (int k = 0; k < net.cells(); ++k) couplings.push_back(net.coupling(i, k) / temperature);
  }
  machine.load(program, CellSection::bias, biases);
  machine.couplings(program, couplings);
}

std::vector<float> random_states(Machine& machine, std::size_t count, std::uint32_t states) {
  numerics::RandomStream random(machine.next_seed());
  std::vector<float> values(count);
  for (float& s : values) s = static_cast<float>(std::floor(random.uniform() * states));
  return values;
}

std::vector<int> labels(std::span<const float> state) { return {state.begin(), state.end()}; }

std::string at(double temperature) { return ", T = " + numerics::fixed(temperature).substr(0, 3); }

/// One state of each cell, cells of every other pair of successive ones in one state, and the energy.
class Tally {
 public:
  explicit Tally(const PottsCells& net)
      : net_(net), means_(static_cast<std::size_t>(net.cells() + (net.cells() + 1) / 2 + 1)) {}

  void add(std::size_t owner, std::span<const float> state) {
    const std::vector<int> s = labels(state);
    std::vector<double> row;
    for (int i = 0; i < net_.cells(); ++i) row.push_back(s[static_cast<std::size_t>(i)] == i % net_.states() ? 1.0 : 0.0);
    for (std::size_t i = 0; i < s.size(); i += 2) row.push_back(s[i] == s[(i + 1) % s.size()] ? 1.0 : 0.0);
    row.push_back(net_.energy(s));
    means_.add(owner, row);
  }

  /// A check for each but those that cannot vary.
  void check(Bench& bench, const PottsLaw& law, const std::string& what) const {
    std::size_t column = 0;
    const auto compare = [&](const std::string& name, double expected, double limit) {
      const measure::Estimate found = means_.mean_estimate(column++);
      if (expected < 1e-12 || expected > 1 - 1e-12) return;
      bench.check(what + ": " + name, expected, found).floor = limit;
    };
    for (int i = 0; i < net_.cells(); ++i) {
      const int a = i % net_.states();
      compare("P(s" + std::to_string(i) + " = " + std::to_string(a) + ")", law.marginal(i, a), 0.003);
    }
    for (int i = 0; i < net_.cells(); i += 2) {
      const int j = (i + 1) % net_.cells();
      compare("P(s" + std::to_string(i) + " = s" + std::to_string(j) + ")", law.equal(i, j), 0.003);
    }
    bench.check(what + ": E", law.mean_energy(net_), means_.mean_estimate(column)).floor = 0.01;
  }

 private:
  const PottsCells& net_;
  BlockedMeans means_;
};

/// Checks of samples of `law` that sweeps make from random states; cells that are held: their state, else -1.
void sample(Bench& bench, const PottsCells& net, double temperature, std::span<const int> held, const std::string& what) {
  Machine& machine = bench.machine();
  machine.step(1, 1);
  const std::uint32_t shots = machine.count(8192), records = 6;
  const auto cells = static_cast<std::uint32_t>(net.cells());
  Program program = machine.program(cells);
  load(machine, program, net, temperature);
  program.commit();
  machine.start_at(program, random_states(machine, std::size_t{shots} * cells, static_cast<std::uint32_t>(net.states())));
  for (std::uint32_t i = 0; i < held.size(); ++i)
    if (held[i] >= 0) program.clamp(i, 1, static_cast<float>(held[i]));
  program.evolve(machine.time(40)).capture_start(machine.time(8)).evolve(machine.time(8) * (records - 1));
  const Result result = machine.run(program, shots);
  Tally tally(net);
  for (std::uint32_t shot = 0; shot < shots; ++shot)
    for (std::uint32_t record = 0; record < records; ++record) tally.add(shot, result.capture.state(shot, record));
  tally.check(bench, PottsLaw::boltzmann(net, temperature, held), what);
}

void random_network(Bench& bench) {
  const PottsCells net = network(kCells, kStates, 20260711);
  for (const double temperature : {1.0, 0.6}) sample(bench, net, temperature, {}, "random network" + at(temperature));
}

void conditional(Bench& bench) {
  const PottsCells net = network(kCells, kStates, 20260711);
  for (const double temperature : {1.0, 0.6})
    sample(bench, net, temperature, std::vector<int>{-1, 2, -1, -1, 0, -1}, "two cells held" + at(temperature));
}

/// The law after one and three sweeps from one state: which cell is updated after which is in it.
void block_sweeps(Bench& bench) {
  Machine& machine = bench.machine();
  machine.step(1, 1);
  static const std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs{{0, 1}, {0, 3}, {1, 2}, {1, 4}, {2, 5}, {3, 4}, {4, 5}};
  const PottsCells net = network(kCells, kStates, 7, pairs);
  const std::vector<int> start{0, 0, 1, 2, 0, 1};
  const std::vector<int> order = machine.stepper() == Stepper::two_colour ? std::vector<int>{0, 2, 4, 1, 3, 5}
                                                                          : std::vector<int>{0, 1, 2, 3, 4, 5};
  const std::uint32_t shots = machine.count(32768);
  for (const int sweeps : {1, 3}) {
    Program program = machine.program(kCells);
    load(machine, program, net, 1);
    program.commit();
    std::vector<float> starts;
    for (std::uint32_t shot = 0; shot < shots; ++shot) starts.insert(starts.end(), start.begin(), start.end());
    machine.start_at(program, starts);
    program.evolve(machine.time(sweeps)).sample();
    const Result result = machine.run(program, shots);
    PottsLaw law(net, start);
    for (int sweep = 0; sweep < sweeps; ++sweep)
      for (const int cell : order) law.update(net, cell);
    Tally tally(net);
    for (std::uint32_t shot = 0; shot < shots; ++shot) tally.add(shot, result.capture.state(shot, 0));
    tally.check(bench, law, std::to_string(sweeps) + (sweeps == 1 ? " sweep" : " sweeps") + " from one state");
  }
}

std::span<const std::pair<std::uint32_t, std::uint32_t>> torus_pairs() {
  static const std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs = [] {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> list;
    for (std::uint32_t y = 0; y < 3; ++y)
      for (std::uint32_t x = 0; x < 3; ++x)
        for (const std::uint32_t other : {3 * y + (x + 1) % 3, 3 * ((y + 1) % 3) + x})
          list.emplace_back(std::min(3 * y + x, other), std::max(3 * y + x, other));
    return list;
  }();
  return pairs;
}

/// The ferromagnet; of the infinite lattice the order goes at T = 1/ln(1 + sqrt 3) = 0.995.
void torus(Bench& bench) {
  Machine& machine = bench.machine();
  machine.step(1, 1);
  constexpr int kSites = 9;
  PottsCells net{Eigen::MatrixXd::Zero(kSites, kSites), Eigen::MatrixXd::Zero(kSites, kStates), Eigen::VectorXd::Ones(kSites), {}};
  for (const auto& [i, j] : torus_pairs()) net.coupling(i, j) = net.coupling(j, i) = -1;
  for (const double temperature : {2.0, 1.2, 0.9}) {
    const PottsLaw law = PottsLaw::boltzmann(net, temperature);
    const std::uint32_t shots = machine.count(16384), records = 8;
    Program program = machine.program(kSites);
    load(machine, program, net, temperature);
    program.commit();
    machine.start_at(program, random_states(machine, std::size_t{shots} * kSites, kStates));
    program.evolve(machine.time(80)).capture_start(machine.time(10)).evolve(machine.time(10) * (records - 1));
    const Result result = machine.run(program, shots);
    BlockedMeans means(4);
    for (std::uint32_t shot = 0; shot < shots; ++shot)
      for (std::uint32_t record = 0; record < records; ++record) {
        const std::vector<int> s = labels(result.capture.state(shot, record));
        int most = 0;
        for (int a = 0; a < static_cast<int>(kStates); ++a) most = std::max(most, static_cast<int>(std::ranges::count(s, a)));
        const double e = net.energy(s), share = static_cast<double>(most) / kSites;
        means.add(shot, {e, e * e, share, share * share});
      }
    const std::string what = "3 x 3 torus" + at(temperature);
    bench.check(what + ": E", law.mean_energy(net), means.mean_estimate(0));
    bench.check(what + ": C", law.energy_variance(net) / (temperature * temperature),
                means.estimate([=](std::span<const double> m) { return (m[1] - m[0] * m[0]) / (temperature * temperature); }));
    bench.check(what + ": share of the largest state", law.order(1), means.mean_estimate(2));
    bench.check(what + ": its square", law.order(2), means.mean_estimate(3));
  }
}

/// Two states are spins: with s = (1 + spin)/2, J [s = s'] is J/2 spin spin' and a constant, b[0] and b[1] a bias
/// (b[1] - b[0])/2 of the spin. The oracle is that of spins.
void two_states(Bench& bench) {
  Machine& machine = bench.machine();
  machine.step(1, 1);
  const PottsCells net = network(kCells, 2, 99);
  std::vector<reference::Bond> bonds;
  std::vector<double> bias;
  for (int i = 0; i < net.cells(); ++i) {
    bias.push_back((net.bias(i, 1) - net.bias(i, 0)) / 2);
    for (int j = i + 1; j < net.cells(); ++j) bonds.push_back({i, j, net.coupling(i, j) / 2});
  }
  const reference::Enumeration spins(net.cells(), bonds, bias);
  const std::uint32_t shots = machine.count(16384), records = 6;
  Program program = machine.program(kCells);
  load(machine, program, net, 0.7);
  program.commit();
  machine.start_at(program, random_states(machine, std::size_t{shots} * kCells, 2));
  program.evolve(machine.time(40)).capture_start(machine.time(8)).evolve(machine.time(8) * (records - 1));
  const Result result = machine.run(program, shots);
  BlockedMeans means(2 * kCells);
  for (std::uint32_t shot = 0; shot < shots; ++shot)
    for (std::uint32_t record = 0; record < records; ++record) {
      const auto s = result.capture.state(shot, record);
      std::vector<double> row;
      for (std::size_t i = 0; i < kCells; ++i)
        for (const std::size_t j : {i, (i + 1) % kCells})
          row.push_back(i == j ? 2 * s[i] - 1 : (2 * s[i] - 1) * (2 * s[j] - 1));
      means.add(shot, row);
    }
  std::size_t column = 0;
  for (int i = 0; i < net.cells(); ++i)
    for (const int j : {i, (i + 1) % net.cells()}) {
      const double exact = spins.average(0.7, [&](reference::BinaryState state) {
        return reference::spin(state, i) * (i == j ? 1.0 : reference::spin(state, j));
      });
      const std::string name = i == j ? "<spin " + std::to_string(i) + ">"
                                      : "<spins " + std::to_string(i) + ", " + std::to_string(j) + ">";
      bench.check("two states: " + name, exact, means.mean_estimate(column++)).floor = 0.005;
    }
}

/// From no couplings and fields to the network: each step keeps Boltzmann's law of its parameters, so Jarzynski's
/// equality holds at any speed.
void ramp(Bench& bench) {
  Machine& machine = bench.machine();
  machine.step(1, 1);
  const PottsCells net = network(kCells, kStates, 20260711);
  const std::uint32_t shots = machine.count(65536);
  Program program = machine.program(kCells);
  machine.load(program, CellSection::bias, 0);
  machine.couplings(program, std::vector<double>(kCells * kCells, 0.0));
  program.commit();
  machine.start_at(program, random_states(machine, std::size_t{shots} * kCells, kStates));
  load(machine, program, net, 1);
  program.meter_clear().ramp(machine.time(10)).meter_snapshot();
  const Result result = machine.run(program, shots);
  BlockedMeans means(2);
  const auto meters = machine.meters(result);
  for (std::uint32_t shot = 0; shot < shots; ++shot)
    means.add(shot, {std::exp(-meters[shot].work), meters[shot].work_shadow * meters[shot].work_shadow});
  const double exact = PottsLaw::boltzmann(net, 1).log_partition() - kCells * std::log(double{kStates});
  bench.check("ramp: ln <exp(-W/kT)>", exact,
              means.estimate([](std::span<const double> m) { return std::log(m[0]); })).floor = 0.005;
  Check& shadow = bench.check("ramp: <W_sh^2>", 0, means.mean_estimate(1));
  shadow.bound = Bound::exact;
  shadow.floor = 1e-9;
}

}  // namespace

std::span<const Row> potts_rows() {
  constexpr std::string_view kDense = "cell=categorical&states=3";
  static const std::vector<std::pair<std::uint32_t, std::uint32_t>> grid{{0, 1}, {0, 3}, {1, 2}, {1, 4}, {2, 5}, {3, 4}, {4, 5}};
  static const Row rows[] = {
      {"network", "six cells of three states, couplings of both signs, fields: marginals, equal pairs, energy at two temperatures",
       {.kind = kCategorical, .cells = kCells, .bias = 1.7, .coupling = 1.7, .states = kStates, .keys = kDense,
        .best_cells = kCells}, false, random_network},
      {"conditional", "the same with two cells held",
       {.kind = kCategorical, .cells = kCells, .bias = 1.7, .coupling = 1.7, .states = kStates, .keys = kDense,
        .best_cells = kCells}, false, conditional},
      {"block-sweeps", "a grid, one colour after the other: the law after one and three sweeps",
       {.kind = kCategorical, .cells = kCells, .bias = 1, .coupling = 1, .states = kStates, .pairs = grid,
        .keys = "cell=categorical&states=3&topology=grid:3x2", .best_cells = kCells}, false, block_sweeps},
      {"torus", "the Potts ferromagnet on the 3 x 3 torus at three temperatures: energy, heat capacity, order",
       {.kind = kCategorical, .cells = 9, .coupling = 1.2, .states = kStates, .pairs = torus_pairs(),
        .keys = "cell=categorical&states=3&topology=torus:3x3", .best_cells = 9}, false, torus},
      {"two-states", "cells of two states against spins",
       {.kind = kCategorical, .cells = kCells, .bias = 1.5, .coupling = 1.5, .states = 2,
        .keys = "cell=categorical&states=2", .best_cells = kCells}, false, two_states},
      {"ramp", "work while couplings and fields grow: Jarzynski's equality",
       {.kind = kCategorical, .cells = kCells, .meters = true, .bias = 1, .coupling = 1, .states = kStates, .keys = kDense,
        .best_cells = kCells}, false, ramp},
  };
  return rows;
}

}  // namespace heatbath::validation
