// Every make of array: bits, states, refusals.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <sstream>

#include "heatbath/numerics/isa.hpp"
#include "heatbath/numerics/thread_team.hpp"
#include "hw_model/physics/noise.hpp"
#include "hw_model/physics/overdamped_array.hpp"
#include "hw_model/physics/sign_lattice.hpp"
#include "tests/physics/makes.hpp"

namespace heatbath::physics {
namespace {

using makes::Make;

struct Outcome {
  std::vector<std::vector<float>> states;
  std::vector<double> work, heat;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

struct How {
  std::uint32_t lanes = 19, shot0 = 0;
  std::uint64_t piece = 1000;
  unsigned threads = 1;
  bool ramped = false, metered = false;
};

constexpr std::uint64_t steps = 6;

Outcome run(const Make& make, const How& how, const Parameters& p, const Parameters& q) {
  numerics::ThreadTeam team(how.threads);
  const auto array = make_array(makes::spec(make, how.lanes), &team);
  std::vector<std::uint8_t> clamped(makes::cells, 0);
  clamped[3] = 1;
  for (std::uint32_t lane = 0; lane < how.lanes; ++lane) array->write(lane, 3, std::vector<float>{0.75f, -0.5f}, p);
  array->set_clamped(clamped, p);
  if (how.metered) array->enable_meters(true);
  for (std::uint64_t done = 0; done < steps;) {
    physics::Run r;
    r.steps = std::min(how.piece, steps - done);
    r.dt = makes::dt(make);
    r.noise = {42, how.shot0, (1ULL << 32) - 3 + done};
    if (how.ramped) r.target = &q, r.ramp_steps = steps, r.ramp_first = done;
    array->advance(r, p);
    done += r.steps;
  }
  Outcome o;
  for (std::uint32_t lane = 0; lane < how.lanes; ++lane) {
    o.states.emplace_back(array->variables());
    array->read(lane, o.states.back());
    const auto m = array->meters(lane, how.ramped ? q : p);
    o.work.push_back(m.work);
    o.heat.push_back(m.heat_path);
  }
  return o;
}

class EveryMake : public ::testing::TestWithParam<Make> {
 protected:
  ~EveryMake() override { numerics::select_isa(before_); }
  numerics::Isa before_ = numerics::active_isa();
};

TEST_P(EveryMake, HasBitsThatDoNotDependOnLanesThreadsCutsOrInstructionSet) {
  const Make& make = GetParam();
  const std::uint32_t lanes = 37;
  const auto how = [&](std::uint32_t n, std::uint32_t shot0, std::uint64_t piece, unsigned threads, bool ramped,
                       bool metered) {
    How h;
    h.lanes = n, h.shot0 = shot0, h.piece = piece, h.threads = threads, h.ramped = ramped, h.metered = metered;
    return h;
  };
  const Parameters q = makes::parameters(make, 1.9);
  for (const bool ramped : {false, true})
    for (const bool lane_bias : {false, true}) {
      const Parameters p = makes::parameters(make, 0.3, lane_bias ? lanes : 0);
      numerics::select_isa(numerics::available_isas().back());
      const Outcome expected = run(make, how(lanes, 0, 1000, 1, ramped, true), p, q);
      for (const auto& lane : expected.states)
        for (const float v : lane) ASSERT_TRUE(std::isfinite(v));
      EXPECT_EQ(run(make, how(lanes, 0, 1000, 2, ramped, false), p, q).states, expected.states)
          << "meters change the states";
      EXPECT_TRUE(run(make, how(lanes, 0, 1, 2, ramped, true), p, q) == expected) << "step by step, two threads";
      EXPECT_TRUE(run(make, how(lanes, 0, 4, 1, ramped, true), p, q) == expected) << "in pieces";
      if (lane_bias) {
        Parameters own = p;
        own.bias_per_lane = false;
        own.bias.assign(p.bias.begin() + static_cast<std::ptrdiff_t>(33 * makes::biases(make)),
                        p.bias.begin() + static_cast<std::ptrdiff_t>(34 * makes::biases(make)));
        EXPECT_EQ(run(make, how(1, 33, 1000, 1, ramped, false), own, q).states[0], expected.states[33]) << "own bias";
        continue;
      }
      for (const auto isa : numerics::available_isas()) {
        numerics::select_isa(isa);
        for (const std::uint32_t count : {5u, 2u}) {  // as a batch, one by one
          const Outcome few = run(make, how(count, 30, 1000, 1, ramped, true), p, q);
          for (std::uint32_t lane = 0; lane < count; ++lane) {
            EXPECT_EQ(few.states[lane], expected.states[30 + lane])
                << numerics::name(isa) << ", lane " << lane << " of " << count;
            EXPECT_EQ(few.heat[lane], expected.heat[30 + lane]) << numerics::name(isa);
            EXPECT_EQ(few.work[lane], expected.work[30 + lane]) << numerics::name(isa);
          }
        }
      }
    }
}

INSTANTIATE_TEST_SUITE_P(Physics, EveryMake, ::testing::ValuesIn(makes::all()),
                         [](const auto& parameter) { return parameter.param.name(); });

// -- what is the same by another way ---------------------------------------------------------------------------------

std::vector<std::vector<float>> states(const ArraySpec& spec, const Parameters& p, double dt, std::uint64_t count,
                                       std::uint32_t refinement = 0, const Parameters* target = nullptr) {
  const auto array = make_array(spec, nullptr);
  physics::Run r;
  r.steps = count;
  r.dt = dt;
  r.noise = {42, 0, 5, refinement};
  if (target) r.target = target, r.ramp_steps = count;
  array->advance(r, p);
  std::vector<std::vector<float>> all(spec.lanes, std::vector<float>(array->variables()));
  for (std::uint32_t lane = 0; lane < spec.lanes; ++lane) array->read(lane, all[lane]);
  return all;
}

// The couplings of a make on a graph, as a dense matrix.
std::shared_ptr<const Couplings> as_dense(const Couplings& sparse) {
  std::vector<float> matrix;
  for (std::uint32_t i = 0; i < sparse.cells(); ++i)
    for (std::uint32_t k = 0; k < sparse.cells(); ++k) matrix.push_back(sparse.at(i, k));
  return std::make_shared<const Couplings>(sparse.cells(), matrix);
}

TEST(Couplings, OnAGraphGiveTheBitsOfTheDenseMatrixWithTheSameEntries) {
  for (const Make& make : makes::all()) {
    if (make.graph.empty() || make.stepper == Stepper::two_colour) continue;
    Make dense = make;
    dense.graph.clear();
    Parameters p = makes::parameters(make, 0.3), q = makes::parameters(make, 1.9);
    Parameters dense_p = p, dense_q = q;
    dense_p.couplings = as_dense(*p.couplings);
    dense_q.couplings = as_dense(*q.couplings);
    EXPECT_EQ(dense_p.couplings->symmetric(), make.reciprocal);
    EXPECT_EQ(states(makes::spec(make, 3), p, makes::dt(make), 8),
              states(makes::spec(dense, 3), dense_p, makes::dt(make), 8))
        << make;
    EXPECT_EQ(states(makes::spec(make, 3), p, makes::dt(make), 8, 0, &q),
              states(makes::spec(dense, 3), dense_p, makes::dt(make), 8, 0, &dense_q))
        << make << ", ramped";
  }
}

TEST(FusedKernel, MakesTheStepsOfTheGeneralArray) {
  // Overdamped, Euler–Maruyama, dense: one kernel against the sequence of kernels; own temperatures, refined noise.
  Make make{CellKind::overdamped, Stepper::euler_maruyama, ""};
  const Parameters p = makes::parameters(make, 0.3), q = makes::parameters(make, 1.9);
  ArraySpec fused = makes::spec(make, 19), general = fused;
  general.reciprocal = false;  // the same matrix, the other class
  ASSERT_NE(dynamic_cast<OverdampedArray*>(make_array(fused, nullptr).get()), nullptr);
  ASSERT_EQ(dynamic_cast<OverdampedArray*>(make_array(general, nullptr).get()), nullptr);
  for (const std::uint32_t refinement : {0u, 3u})
    for (const Parameters* target : {static_cast<const Parameters*>(nullptr), &q})
      EXPECT_EQ(states(fused, p, 0.01, 12, refinement, target), states(general, p, 0.01, 12, refinement, target));
}

TEST(OneLane, HasTheBitsItHasAmongMany) {
  // Several groups of 64 cells, the last one not whole; the root of exact-ou's covariance is triangular.
  constexpr std::uint32_t cells = 150;
  std::vector<float> matrix(cells * cells, 0.0f);
  for (std::uint32_t i = 0; i < cells; ++i)
    for (std::uint32_t k = 0; k < i; ++k) matrix[i * cells + k] = matrix[k * cells + i] = makes::wave(0.05, 1.7, 0.3, i * k);
  Parameters p;
  p.j2.assign(cells, 1.0f);
  p.j4.assign(cells, 0.0f);
  for (std::uint32_t i = 0; i < cells; ++i) p.bias.push_back(makes::wave(0.7, 0.7, 0.1, i));
  p.kT = 0.7f;
  p.couplings = std::make_shared<const Couplings>(cells, matrix);
  const auto before = numerics::active_isa();
  for (const auto& [kind, stepper] : {std::pair{CellKind::overdamped, Stepper::exact_ou},
                                      {CellKind::underdamped, Stepper::exact_ou},
                                      {CellKind::underdamped, Stepper::baoab},
                                      {CellKind::phase, Stepper::heun}}) {
    ArraySpec spec;
    spec.kind = kind;
    spec.stepper = stepper;
    spec.cells = cells;
    spec.lanes = 16;
    numerics::select_isa(before);
    const auto many = states(spec, p, 0.01, 5);
    spec.lanes = 1;
    for (const auto isa : numerics::available_isas()) {
      numerics::select_isa(isa);
      EXPECT_EQ(states(spec, p, 0.01, 5)[0], many[0]) << name(kind) << ", " << name(stepper) << ", " << numerics::name(isa);
    }
  }
  numerics::select_isa(before);
}

TEST(OneLane, HasTheBitsItHasAmongManyWithOneWayCouplingsOfFewBits) {
  // Below the diagonal only, so that pieces of runs leave out rows; 8 bits, so that one lane reads halves of words.
  constexpr std::uint32_t cells = 151;
  std::vector<float> matrix(cells * cells, 0.0f);
  for (std::uint32_t i = 0; i < cells; ++i)
    for (std::uint32_t k = 0; k < i; ++k) matrix[i * cells + k] = std::rint(makes::wave(60, 1.7, 0.3, i * k)) / 1024;
  Parameters p;
  p.j2.assign(cells, 1.0f);
  p.j4.assign(cells, 0.2f);
  p.bias.assign(cells, 0.1f);
  p.kT = 0.7f;
  p.couplings = std::make_shared<const Couplings>(cells, matrix);
  ArraySpec spec;
  spec.cells = cells;
  spec.reciprocal = false;
  const auto before = numerics::active_isa();
  for (const auto isa : numerics::available_isas()) {
    numerics::select_isa(isa);
    spec.lanes = 16;
    const auto many = states(spec, p, 0.01, 8);
    spec.lanes = 1;
    EXPECT_EQ(states(spec, p, 0.01, 8)[0], many[0]) << numerics::name(isa);
  }
  numerics::select_isa(before);
}

// -- p-bits as bits --------------------------------------------------------------------------------------------------

struct Glass {
  std::string graph;
  float size = 1, bias = 0, kT = 1.3f, gain = 1;
  bool clamped = false, records = false;
  std::uint32_t zeros = 0;  // one coupling in so many is 0; 0: none
};

// The state of the last lane after some sweeps, and its records. `one_by_one`: with meters, which only the
// general path has.
std::vector<float> sweeps(const Glass& glass, std::uint32_t lanes, bool one_by_one) {
  ArraySpec spec;
  spec.kind = CellKind::pbit;
  spec.stepper = Stepper::two_colour;
  spec.graph = named_graph(glass.graph);
  spec.cells = spec.graph->cells();
  spec.lanes = lanes;
  std::vector<float> values(spec.graph->couplers().size());
  for (std::size_t c = 0; c < values.size(); ++c)
    values[c] = glass.zeros > 0 && c % glass.zeros == 0 ? 0.0f : std::sin(1.7 * static_cast<double>(c * c % 1013)) > 0 ? glass.size : -glass.size;
  Parameters p;
  p.j2.assign(spec.cells, 0.0f);
  p.j4 = p.j2;
  p.bias.assign(spec.cells, glass.bias);
  p.kT = glass.kT;
  p.gain = glass.gain;
  p.couplings = std::make_shared<const Couplings>(spec.graph, values);
  const auto array = make_array(spec, nullptr);
  array->enable_meters(one_by_one);
  std::vector<float> start(spec.cells);
  for (std::uint32_t i = 0; i < spec.cells; ++i) start[i] = i % 3 == 0 ? -1.0f : 1.0f;
  for (std::uint32_t lane = 0; lane < spec.lanes; ++lane) array->write(lane, 0, start, p);
  if (glass.clamped) {
    std::vector<std::uint8_t> clamped(spec.cells);
    for (std::uint32_t i = 0; i < spec.cells; ++i) clamped[i] = i % 7 == 2;
    array->set_clamped(clamped, p);
  }
  std::vector<float> seen;
  physics::Run r;
  r.steps = 20;
  r.dt = 1;
  r.noise = {77, 20 - lanes, (1ULL << 32) - 3};  // the last lane has shot 19
  if (glass.records) {
    r.record_period = 9, r.record_first = 2;
    r.record = [&](std::uint64_t, std::uint32_t lane, std::span<const float> state) {
      if (lane + 1 == lanes) seen.insert(seen.end(), state.begin(), state.end());
    };
  }
  array->advance(r, p);
  std::vector<float> x(spec.cells);
  array->read(lanes - 1, x);
  seen.insert(seen.end(), x.begin(), x.end());
  return seen;
}

TEST(SpinsAsBits, TurnAsTheyDoOneByOne) {
  const auto before = numerics::active_isa();
  for (const Glass& glass : {Glass{"torus:128x20"}, Glass{"torus:34x30"}, Glass{"grid:46x33"}, Glass{"chain:1000"},
                             Glass{"ring:74"}, Glass{"torus:16x16", 0.5f, 0.3f, 0.7f, -1.1f},
                             Glass{"torus:64x40", 1, 0, 0}, Glass{"grid:50x40", 1, 1, 0, 1, true, false, 5},
                             Glass{"grid:52x40", 1, 0.2f, 1, 1, true, true, 4}, Glass{"grid:600x4", 0.1f},
                             Glass{"grid:45x6"}}) {
    numerics::select_isa(before);
    const auto expected = sweeps(glass, 13, true);
    ASSERT_GT(std::ranges::count(expected, 1.0f), 0);
    ASSERT_GT(std::ranges::count(expected, -1.0f), 0);
    for (const auto isa : numerics::available_isas()) {
      numerics::select_isa(isa);
      for (const std::uint32_t lanes : {1u, 13u})
        EXPECT_EQ(sweeps(glass, lanes, false), expected)
            << glass.graph << ", " << numerics::name(isa) << ", " << lanes << " lanes";
    }
  }
  numerics::select_isa(before);
}

TEST(SpinsAsBits, AreForOneSizeOfCouplingsInPairsOfColours) {
  const auto made = [](const std::string& graph, std::vector<float> few) {
    const auto g = named_graph(graph);
    std::vector<float> values(g->couplers().size());
    for (std::size_t c = 0; c < values.size(); ++c) values[c] = few[c % few.size()];
    return SignLattice::of(Couplings(g, values)) != nullptr;
  };
  EXPECT_TRUE(made("torus:16x16", {1, -1, -1, 0}));
  EXPECT_TRUE(made("grid:16x15", {0.375f, -0.375f}));
  EXPECT_FALSE(made("grid:16x15", {1, 2})) << "two sizes";
  EXPECT_FALSE(made("grid:16x15", {0.1f})) << "3 x 0.1 is not exact, so the order of sums matters";
  const auto apart = std::make_shared<const Graph>(4, std::vector<Coupler>{{0, 2}, {1, 3}});
  EXPECT_EQ(SignLattice::of(Couplings(apart, {1, 1})), nullptr) << "cells 0 and 1 have one colour";
  EXPECT_FALSE(made("king:16x16", {1})) << "not bipartite";
}

TEST(Refinement, HalvesEveryStepByABridgeAndIsAddressed) {
  for (std::uint32_t level = 1; level <= refinement_max; ++level)
    for (const std::uint64_t step : {0ULL, 6ULL, (1ULL << 33) + 2})
      for (const std::uint32_t cell : {0u, 17u, 77u}) {
        const float n = normal(9, cell, step / 2, 4, Purpose::thermal, level - 1);
        const float a = normal(9, cell, step, 4, Purpose::thermal, level),
                    b = normal(9, cell, step + 1, 4, Purpose::thermal, level);
        EXPECT_NEAR((a + b) / std::sqrt(2.0), n, 1e-6);
        EXPECT_NE(a, b);
      }
  // Halves are standard normals without correlation.
  double sum = 0, square = 0, product = 0;
  std::vector<float> a(1000), b(1000);
  for (std::uint64_t step = 0; step < 400; step += 2) {
    normals(3, step, 0, 1000, a.data(), Purpose::thermal, 2);
    normals(3, step + 1, 0, 1000, b.data(), Purpose::thermal, 2);
    for (int i = 0; i < 1000; ++i) sum += a[i], square += a[i] * a[i], product += a[i] * b[i];
  }
  EXPECT_LT(std::abs(sum) / std::sqrt(2e5), 4);
  EXPECT_LT(std::abs(square / 2e5 - 1) / std::sqrt(2 / 2e5), 4);
  EXPECT_LT(std::abs(product) / std::sqrt(2e5), 4);
}

TEST(ColouredNoise, StartsAnewOnRestartOnly) {
  for (const auto colour :
       {NoiseColour::Kind::ornstein_uhlenbeck, NoiseColour::Kind::pink, NoiseColour::Kind::telegraph}) {
    const Make make{CellKind::overdamped, Stepper::euler_maruyama, "", true, {colour, 0.3, 0.2}};
    const Parameters p = makes::parameters(make, 0.3);
    const auto array = make_array(makes::spec(make, 2), nullptr);
    const auto run_from_zero = [&] {
      physics::Run r;
      r.steps = 7;
      r.dt = 0.01;
      r.noise = {3, 0, 0};
      const std::vector<float> zeros(makes::cells, 0.0f);
      for (std::uint32_t lane = 0; lane < 2; ++lane) array->write(lane, 0, zeros, p);
      array->advance(r, p);
      std::vector<float> x(makes::cells);
      array->read(1, x);
      return x;
    };
    const auto first = run_from_zero(), second = run_from_zero();
    array->restart();
    EXPECT_NE(first, second) << name(colour);
    EXPECT_EQ(first, run_from_zero()) << name(colour);
  }
}

TEST(UnstableSteps, EndAtTheRailFiniteAndNamed) {
  // From |x| > (2 J4 dt)^(-1/2) a step goes farther out than it came from; a rail far out still holds it.
  for (const auto stepper : {Stepper::euler_maruyama, Stepper::heun, Stepper::leimkuhler_matthews}) {
    ArraySpec spec;
    spec.stepper = stepper;
    spec.cells = 3;
    spec.rail = 1e6f;
    Parameters p;
    p.j2.assign(3, 0.0f), p.bias.assign(3, 0.0f), p.j4.assign(3, 1.0f);
    p.couplings = std::make_shared<const Couplings>(3);
    const float bound = 1.0f / std::sqrt(2.0f * 0.01f);
    const auto array = make_array(spec, nullptr);
    array->write(0, 0, std::vector<float>{0.5f, 0.9f * bound, 1.1f * bound}, p);
    physics::Run r;
    r.steps = 40;
    r.dt = 0.01;
    array->advance(r, p);
    std::vector<float> x(3);
    array->read(0, x);
    for (const float v : x) EXPECT_LE(std::abs(v), 1e6f);
    if (stepper == Stepper::heun) continue;  // has another bound
    EXPECT_LT(std::abs(x[0]), 1.0f);
    EXPECT_LT(std::abs(x[1]), bound);
    EXPECT_EQ(array->rail_cell(), 2u);
    EXPECT_GT(array->rail_count(), 10u);
  }
}

TEST(RandomSequential, UpdatesEveryCellEquallyOften) {
  // From all spins up, with a field that turns every updated spin down: after one time unit a spin is up with
  // probability (1 - 1/N)^N.
  ArraySpec spec;
  spec.kind = CellKind::pbit;
  spec.stepper = Stepper::random_sequential;
  spec.cells = 70;
  spec.lanes = 2000;
  Parameters p;
  p.j2.assign(70, 0.0f), p.j4 = p.j2, p.bias.assign(70, 1.0f);
  p.couplings = std::make_shared<const Couplings>(70);
  const auto all = states(spec, p, 1.0, 1);
  const double expected = std::pow(1 - 1.0 / 70, 70);
  for (std::uint32_t i = 0; i < 70; ++i) {
    double up = 0;
    for (const auto& lane : all) up += lane[i] > 0;
    EXPECT_LT(std::abs(up / 2000 - expected) / std::sqrt(expected * (1 - expected) / 2000), 4.3) << "cell " << i;
  }
}

}  // namespace
}  // namespace heatbath::physics
