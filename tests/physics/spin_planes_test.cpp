// p-bits whose random bits are planes: addresses, bits on every way to make a run, law and balance.
#include "hw_model/physics/spin_planes.hpp"

#include <Random123/philox.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "heatbath/numerics/isa.hpp"
#include "heatbath/numerics/thread_team.hpp"
#include "hw_model/physics/graph.hpp"
#include "hw_model/physics/noise_address.hpp"
#include "hw_model/physics/topology.hpp"
#include "oracles/enumeration.hpp"

namespace heatbath::physics {
namespace {

class SpinPlanesOnEveryIsa : public ::testing::Test {
 protected:
  ~SpinPlanesOnEveryIsa() override { numerics::select_isa(before_); }
  numerics::Isa before_ = numerics::active_isa();
};

/// The random word of a cell by the law in noise.hpp, on Random123's own Philox.
std::uint32_t word_of_planes(std::uint64_t seed, std::uint32_t cell, std::uint64_t step, std::uint32_t shot) {
  r123::Philox4x32 philox;
  std::uint32_t word = 0;
  for (std::uint32_t plane = 0; plane < 32; ++plane) {
    const auto block = philox({{cell, static_cast<std::uint32_t>(step), shot / 32,
                                static_cast<std::uint32_t>(step >> 32 & 0xffffu) | plane / 4 << 16 | 9u << 24}},
                              {{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}});
    word |= (block[plane % 4] >> shot % 32 & 1u) << (31 - plane);
  }
  return word;
}

TEST_F(SpinPlanesOnEveryIsa, WordsAreRandom123PhiloxInPlanes) {
  constexpr std::uint64_t seed = 0x123456789abcdefULL;
  for (const auto isa : numerics::available_isas()) {
    ASSERT_TRUE(numerics::select_isa(isa));
    for (const std::uint32_t lanes : {1u, 16u, 32u})
      for (const std::uint32_t shot : {0u, 5u, 31u, 4294967290u})
        for (const std::uint64_t step : {std::uint64_t{3}, (std::uint64_t{1} << 40) + 7}) {
          constexpr std::uint32_t rows = 21, first = 64;
          std::vector<std::uint32_t> words(rows * lanes);
          const NoiseOrigin origin{seed, shot, 0, 0};
          general_kernels().plane_words(address_of(origin, 0, step, Purpose::flip_planes, first), {rows, lanes, lanes}, words.data());
          for (std::uint32_t row = 0; row < rows; ++row)
            for (std::uint32_t lane = 0; lane < lanes; ++lane)
              ASSERT_EQ(words[row * lanes + lane], word_of_planes(seed, first + row, step, shot + lane))
                  << numerics::name(isa) << " row " << row << " lane " << lane << " of " << lanes << " shot " << shot;
        }
  }
}

/// named_graph, and "complete:N": every pair.
std::shared_ptr<const Graph> graph_of(const std::string& name) {
  if (!name.starts_with("complete:")) return named_graph(name);
  const auto cells = static_cast<std::uint32_t>(std::stoul(name.substr(9)));
  std::vector<Coupler> pairs;
  for (std::uint32_t i = 0; i < cells; ++i)
    for (std::uint32_t j = i + 1; j < cells; ++j) pairs.push_back({i, j});
  return std::make_shared<const Graph>(cells, std::move(pairs));
}

/// A machine of spins and what is done with it.
struct Machine {
  std::string graph;
  std::vector<float> sizes;         ///< couplings, drawn from them
  std::vector<float> biases = {0};  ///< of cells in turn
  std::vector<float> temperatures = {1};
  float gain = 1;
  Stepper stepper = Stepper::sequential;
  bool clamped = false, records = false;
  float target_kT = 0, target_gain = 0;  ///< a ramp, where target_kT is not 0

  ArraySpec spec() const {
    ArraySpec s;
    s.kind = CellKind::pbit;
    s.stepper = stepper;
    s.graph = graph_of(graph);
    s.cells = s.graph->cells();
    s.spin_noise = SpinNoise::planes;
    return s;
  }
  Parameters parameters() const {
    const auto g = graph_of(graph);
    std::vector<float> values(g->couplers().size());
    std::mt19937 random(3);
    for (float& v : values) v = sizes[random() % sizes.size()];
    Parameters p;
    p.j2.assign(g->cells(), 0.0f);
    p.j4 = p.j2;
    for (std::uint32_t i = 0; i < g->cells(); ++i) {
      p.bias.push_back(biases[i % biases.size()]);
      if (temperatures.size() > 1) p.kT_cell.push_back(temperatures[i % temperatures.size()]);
    }
    p.kT = temperatures.front();
    p.gain = gain;
    p.couplings = std::make_shared<const Couplings>(g, std::move(values));
    return p;
  }
};

enum class Way { fast, metered, one_by_one };

/// Everything that can be seen of the lanes from `keep` on: records, states; and meters.
struct Seen {
  std::vector<float> states;
  std::vector<double> heat, work;
};

Seen seen(const Machine& machine, std::uint32_t lanes, std::uint32_t keep, Way way, numerics::ThreadTeam* team = nullptr,
          std::vector<std::uint64_t> cuts = {20}) {
  ArraySpec spec = machine.spec();
  spec.lanes = lanes;
  const Parameters p = machine.parameters();
  Parameters target = p;
  target.kT = machine.target_kT;
  for (float& t : target.kT_cell) t *= 0.5f;
  if (machine.target_gain != 0) target.gain = machine.target_gain;
  const bool ramped = machine.target_kT != 0;
  const auto array = make_array(spec, team);
  if (way != Way::fast) array->enable_meters(true);
  if (way == Way::one_by_one) array->enable_cell_meter(CellMeter::activity);
  std::vector<float> start(spec.cells);
  for (std::uint32_t i = 0; i < spec.cells; ++i) start[i] = i % 3 == 0 ? -1.0f : 1.0f;
  for (std::uint32_t lane = 0; lane < lanes; ++lane) array->write(lane, 0, start, p);
  if (machine.clamped) {
    std::vector<std::uint8_t> clamped(spec.cells);
    for (std::uint32_t i = 0; i < spec.cells; ++i) clamped[i] = i % 7 == 2;
    array->set_clamped(clamped, p);
  }
  array->clear_meters();
  Seen out;
  std::vector<std::vector<float>> recorded(lanes);
  const std::uint64_t all = std::accumulate(cuts.begin(), cuts.end(), std::uint64_t{0});
  std::uint64_t done = 0;
  for (const std::uint64_t steps : cuts) {
    physics::Run r;
    r.steps = steps;
    r.dt = 1;
    r.noise = {77, 1000 - lanes, (1ULL << 32) - 3 + done, 0};  // the last lane has shot 999
    if (ramped) r.target = &target, r.ramp_steps = all, r.ramp_first = done;
    if (machine.records) {
      r.record_period = 9, r.record_first = 2;
      r.record = [&](std::uint64_t, std::uint32_t lane, std::span<const float> x) {
        recorded[lane].insert(recorded[lane].end(), x.begin(), x.end());
      };
    }
    EXPECT_EQ(array->advance(r, p), steps);
    done += steps;
  }
  for (std::uint32_t lane = keep; lane < lanes; ++lane) {
    out.states.insert(out.states.end(), recorded[lane].begin(), recorded[lane].end());
    std::vector<float> x(spec.cells);
    array->read(lane, x);
    out.states.insert(out.states.end(), x.begin(), x.end());
    out.heat.push_back(array->meters(lane, ramped ? target : p).heat_path);
    out.work.push_back(array->meters(lane, ramped ? target : p).work);
  }
  return out;
}

const std::vector<Machine>& machines() {
  static const std::vector<Machine> list = [] {
    std::vector<Machine> all = {{"torus:8x6", {1, -1}},
                                {"z1:12x10", {0.5f, -0.5f, 0}, {0}, {1.5f}},
                                {"king:7x5", {1, -2, 3, 0}, {0.25f, -1, 0}, {2.0f}},
                                {"ring:37", {-1, 0.5f, 1.5f}, {0.5f}, {0.3f, 1, 4}},
                                {"torus:8x6", {1, -1}, {0}, {0}},
                                {"torus:5x7", {1, -1}, {0, 1}, {0, 0.8f}, -1.5f},
                                {"grid:9x6", {1, -1}, {0.3f, -0.1f}, {0.4f}, 0.7f}};
    Machine m = all[0];
    m.stepper = Stepper::two_colour;
    all.push_back(m);
    m.clamped = m.records = true;
    all.push_back(m);
    m = all[1];
    m.stepper = Stepper::two_colour;
    m.target_kT = 0.2f;
    all.push_back(m);
    m = all[2];
    m.target_kT = 0.5f, m.target_gain = 0.5f, m.records = true;
    all.push_back(m);
    m = all[3];
    m.target_kT = 1, m.clamped = true;
    all.push_back(m);
    // Cells whose couplings add up to more than 255 units are decided lane by lane, others of the same array in planes.
    all.push_back({"king:7x5", {100, -37, 8, 1}, {20, -5}, {70}});
    all.push_back({"king:7x5", {400, -100, 300, 0}, {0}, {0, 300}, -1});
    all.push_back({"complete:270", {1, -1}, {0.5f}, {12}});
    m = all.back();
    m.target_kT = 3, m.clamped = m.records = true;
    all.push_back(m);
    return all;
  }();
  return list;
}

TEST_F(SpinPlanesOnEveryIsa, TurnAsTheyDoOneByOne) {
  for (std::size_t n = 0; n < machines().size(); ++n) {
    const Machine& machine = machines()[n];
    SCOPED_TRACE("machine " + std::to_string(n) + ", " + machine.graph);
    ASSERT_NE(SpinPlanes::of(*machine.parameters().couplings), nullptr) << "there must be a fast way to compare";
    numerics::select_isa(before_);
    const Seen expected = seen(machine, 45, 32, Way::one_by_one);  // shots 987..999
    ASSERT_GT(std::ranges::count(expected.states, 1.0f), 0);
    ASSERT_GT(std::ranges::count(expected.states, -1.0f), 0);
    EXPECT_EQ(seen(machine, 13, 0, Way::one_by_one).states, expected.states);
    for (const auto isa : numerics::available_isas()) {
      numerics::select_isa(isa);
      for (const std::uint32_t lanes : {13u, 70u, 150u, 300u, 550u})
        EXPECT_EQ(seen(machine, lanes, lanes - 13, Way::fast).states, expected.states)
            << numerics::name(isa) << ", " << lanes << " lanes";
    }
  }
}

TEST(SpinPlanes, DoNotDependOnThreadsAndCuts) {
  numerics::ThreadTeam two(2), three(3);
  for (const std::size_t n : {0u, 9u, 10u}) {
    Machine machine = machines()[n];
    machine.records = false;
    const Seen expected = seen(machine, 150, 0, Way::fast);
    EXPECT_EQ(seen(machine, 150, 0, Way::fast, &two).states, expected.states);
    EXPECT_EQ(seen(machine, 150, 0, Way::fast, &three).states, expected.states);
    EXPECT_EQ(seen(machine, 150, 0, Way::fast, &two, {1, 7, 12}).states, expected.states);
  }
}

// A ramp of more steps than rules are made for at once, and meters: heat as the sum over flips, work none where nothing
// but temperatures changes.
TEST(SpinPlanes, MetersAreThoseOfFlipsOneByOne) {
  for (std::size_t n = 0; n < machines().size(); ++n) {
    SCOPED_TRACE("machine " + std::to_string(n));
    const Seen expected = seen(machines()[n], 40, 0, Way::one_by_one, nullptr, {100});
    const Seen found = seen(machines()[n], 40, 0, Way::metered, nullptr, {100});
    EXPECT_EQ(found.states, expected.states);
    EXPECT_EQ(found.heat, expected.heat);
    EXPECT_EQ(found.work, expected.work);
  }
}

TEST(SpinPlanes, AreForMultiplesOfOneSize) {
  const auto made = [](const std::string& graph, std::vector<float> few) {
    const auto g = named_graph(graph);
    std::vector<float> values(g->couplers().size());
    for (std::size_t c = 0; c < values.size(); ++c) values[c] = few[c % few.size()];
    return SpinPlanes::of(Couplings(g, values));
  };
  EXPECT_EQ(made("king:9x9", {1, -1, 0})->unit(), 1);
  EXPECT_EQ(made("king:9x9", {0.375f, -0.75f, 3.0f})->unit(), 0.375f);
  EXPECT_EQ(made("king:9x9", {1, -1.5f, 2})->unit(), 0.5f);
  const auto king = named_graph("king:9x9");
  std::uint32_t total = 0;
  for (std::size_t c = 0; c < king->couplers().size(); ++c)
    if (king->couplers()[c].i == 40 || king->couplers()[c].j == 40) total += std::vector<std::uint32_t>{1, 2, 3}[c % 3];
  EXPECT_EQ(made("king:9x9", {1, 2, -3})->total(40), total);
  EXPECT_EQ(made("grid:9x9", {0.1f}), nullptr) << "255 x 0.1 is not exact, so the order of sums matters";
  EXPECT_EQ(made("grid:9x9", {1, 1.3f}), nullptr);
  EXPECT_EQ(made("grid:9x9", {1, 5000}), nullptr) << "more than 4095 units on a cell";
  EXPECT_EQ(made("grid:9x9", {1, 50})->most(), 255u);
  EXPECT_EQ(made("grid:9x9", {1, 300})->most(), 4095u);
  EXPECT_NE(SpinPlanes::of(Couplings(5)), nullptr);
}

TEST(SpinPlanes, AreForSpinsAlone) {
  ArraySpec spec;
  spec.cells = 4;
  spec.spin_noise = SpinNoise::planes;
  EXPECT_EQ(refusal(spec)->what, "random bits in planes are for p-bits, not for cells of kind overdamped");
}

/// A glass of 12 cells with fields: energies for the enumeration and parameters.
struct SmallGlass {
  std::shared_ptr<const Graph> graph = named_graph("king:4x3");
  Parameters p;
  std::vector<reference::Bond> bonds;
  std::vector<double> fields;

  SmallGlass() {
    std::vector<float> values;
    for (const Coupler& c : graph->couplers()) {
      values.push_back(std::vector<float>{1, -1, 2, -1, 1}[values.size() % 5]);
      bonds.push_back({static_cast<int>(c.i), static_cast<int>(c.j), static_cast<double>(values.back())});
    }
    for (std::uint32_t i = 0; i < graph->cells(); ++i) p.bias.push_back(0.37f * static_cast<float>(i % 3) - 0.2f), fields.push_back(p.bias.back());
    p.j2.assign(graph->cells(), 0.0f);
    p.j4 = p.j2;
    p.kT = 2.2f;
    p.couplings = std::make_shared<const Couplings>(graph, values);
  }
};

TEST(SpinPlanes, ReachTheEnumeratedLaw) {
  const SmallGlass glass;
  const auto n = static_cast<int>(glass.graph->cells());
  const reference::Enumeration exact(n, glass.bonds, glass.fields);
  ArraySpec spec;
  spec.kind = CellKind::pbit;
  spec.stepper = Stepper::sequential;
  spec.graph = glass.graph;
  spec.cells = glass.graph->cells();
  spec.lanes = 4096;
  spec.spin_noise = SpinNoise::planes;
  const auto array = make_array(spec, nullptr);
  // Lanes are independent: each gives one mean over its records.
  std::vector<std::vector<double>> sums(spec.lanes, std::vector<double>(n * n + n + 1, 0.0));
  physics::Run r;
  r.steps = 400;
  r.dt = 1;
  r.noise = {2024, 11, 0, 0};
  r.record_period = 10, r.record_first = 110;
  r.record = [&](std::uint64_t, std::uint32_t lane, std::span<const float> x) {
    auto& sum = sums[lane];
    reference::BinaryState state = 0;
    for (int i = 0; i < n; ++i) {
      state |= x[i] > 0 ? 1u << i : 0u;
      sum[n * n + i] += x[i] / 30;
      for (int k = 0; k < i; ++k) sum[i * n + k] += x[i] * x[k] / 30;
    }
    sum[n * n + n] += exact.energies()[state] / 30;
  };
  array->advance(r, glass.p);
  const auto check = [&](int at, double truth) {
    double mean = 0, square = 0;
    for (const auto& lane : sums) mean += lane[at] / spec.lanes, square += lane[at] * lane[at] / spec.lanes;
    const double error = std::sqrt((square - mean * mean) / (spec.lanes - 1));
    EXPECT_LT(error, 0.03);
    EXPECT_LT(std::abs(mean - truth), 4 * error) << "number " << at << ": " << mean << " for " << truth;
  };
  const auto correlations = exact.correlations(glass.p.kT);
  for (int i = 0; i < n; ++i) {
    check(n * n + i, exact.average(glass.p.kT, [&](reference::BinaryState b) { return reference::spin(b, i); }));
    for (int k = 0; k < i; ++k) check(i * n + k, correlations(i, k));
  }
  check(n * n + n, exact.mean_energy(glass.p.kT));
}

// One cell is updated, all others held, from states drawn from the law itself: flips to and fro balance in every
// surrounding, and their probabilities are Glauber's in double precision.
TEST(SpinPlanes, UpdatesBalanceInDetail) {
  const SmallGlass glass;
  const auto n = static_cast<int>(glass.graph->cells());
  const reference::Enumeration exact(n, glass.bonds, glass.fields);
  const auto law = exact.probabilities(glass.p.kT);
  ArraySpec spec;
  spec.kind = CellKind::pbit;
  spec.stepper = Stepper::sequential;
  spec.graph = glass.graph;
  spec.cells = glass.graph->cells();
  spec.lanes = 8192;
  spec.spin_noise = SpinNoise::planes;
  const auto array = make_array(spec, nullptr);
  std::mt19937_64 random(7);
  std::discrete_distribution<std::uint32_t> draw(law.begin(), law.end());
  for (const std::uint32_t cell : {0u, 5u, 11u}) {
    std::vector<std::uint8_t> clamped(spec.cells, 1);
    clamped[cell] = 0;
    array->set_clamped(clamped, glass.p);
    double up = 0, down = 0, expected = 0, variance = 0, found = 0;
    for (std::uint64_t round = 0; round < 6; ++round) {
      std::vector<std::uint32_t> before(spec.lanes);
      for (std::uint32_t lane = 0; lane < spec.lanes; ++lane) {
        before[lane] = draw(random);
        std::vector<float> x(spec.cells);
        for (std::uint32_t i = 0; i < spec.cells; ++i) x[i] = static_cast<float>(reference::spin(before[lane], static_cast<int>(i)));
        array->write(lane, 0, x, glass.p);
      }
      physics::Run r;
      r.steps = 1;
      r.dt = 1;
      r.noise = {5, 3, 10 * cell + round, 0};
      array->advance(r, glass.p);
      for (std::uint32_t lane = 0; lane < spec.lanes; ++lane) {
        std::vector<float> x(spec.cells);
        array->read(lane, x);
        std::uint32_t after = 0;
        for (std::uint32_t i = 0; i < spec.cells; ++i) after |= x[i] > 0 ? 1u << i : 0u;
        ASSERT_EQ((before[lane] ^ after) & ~(1u << cell), 0u);
        if (after != before[lane]) ((after >> cell & 1) != 0 ? up : down) += 1;
        const double pair = law[before[lane] | 1u << cell] + law[before[lane] & ~(1u << cell)];
        const double p = law[before[lane] | 1u << cell] / pair;
        expected += p, variance += p * (1 - p), found += after >> cell & 1u;
      }
    }
    EXPECT_GT(up, 2000);
    EXPECT_LT(std::abs(up - down), 4 * std::sqrt(up + down)) << "cell " << cell;
    EXPECT_LT(std::abs(found - expected), 4 * std::sqrt(variance)) << "cell " << cell;
  }
}

}  // namespace
}  // namespace heatbath::physics
