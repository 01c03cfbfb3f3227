// The array at cell level against the array of the physics, bit for bit; and a designer's own cell in it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>

#include "bus_masters.hpp"
#include "hw_model/physics/quartic_array.hpp"
#include "hw_model/systemc/cell_level.hpp"

namespace heatbath::systemc {
namespace {

using testing::simulate;

// docs: begin cell
/// A comparator with hysteresis: it flips to +1 or -1 when the force of the others and its own noise exceed a
/// threshold.
class NoisyComparator : public CellModule {
 public:
  NoisyComparator(const char* name, std::uint32_t index, std::uint32_t cells) : CellModule(name, index, cells) {}

 protected:
  float next() override {
    float force = inputs.read().bias;
    for (std::size_t k = 0; k < x.size(); ++k) force -= coupling[k].read() * x[k].read();
    const float drive = force + 0.3f * noise.read();
    const float state_now = x[index()].read();
    return std::abs(drive) < 0.5f ? state_now : drive > 0 ? 1.0f : -1.0f;
  }
};

/// An array whose cell 3 is a comparator.
std::unique_ptr<CellLevelArray> array_with_a_comparator(const sc_core::sc_time& step_time) {
  const CellFactory cells = [](const char* name, std::uint32_t index,
                               std::uint32_t count) -> std::unique_ptr<CellModule> {
    if (index != 3) return nullptr;  // the stock cell
    return std::make_unique<NoisyComparator>(name, index, count);
  };
  return std::make_unique<CellLevelArray>("own", 8, 1.0f, 64.0f, step_time, cells);
}
// docs: end cell

/// A coupler that gives half of what it is asked for.
class WeakCoupling : public CouplingModule {
 public:
  explicit WeakCoupling(const char* name) : CouplingModule(name) {}

 protected:
  float transfer(float value) override { return 0.5f * value; }
};

const sc_core::sc_time step_time(1, sc_core::SC_NS);
constexpr float rail = 0.7f;  // low: states are held to it now and then

struct Bench {
  CellLevelArray one{"one", 1, 1.0f, rail, step_time};
  CellLevelArray five{"five", 5, 0.7f, rail, step_time};
  CellLevelArray full{"full", 64, 1.0f, rail, step_time};
  std::unique_ptr<CellLevelArray> own = array_with_a_comparator(step_time);
  CellLevelArray weak{"weak",
                      4,
                      1.0f,
                      rail,
                      step_time,
                      {},
                      [](const char* name, std::uint32_t i, std::uint32_t k) -> std::unique_ptr<CouplingModule> {
                        if (i != 0 || k != 1) return nullptr;
                        return std::make_unique<WeakCoupling>(name);
                      }};
  Bench() { sc_core::sc_start(sc_core::SC_ZERO_TIME); }
};
Bench& bench() {
  static Bench* const one = new Bench;
  return *one;
}

physics::Parameters random_parameters(std::uint32_t cells, std::uint64_t seed) {
  std::mt19937_64 rng(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  physics::Parameters p;
  for (std::uint32_t i = 0; i < cells; ++i) {
    p.j2.push_back(uniform(rng));
    p.j4.push_back(0.5f + 0.5f * uniform(rng));
    p.bias.push_back(uniform(rng));
  }
  std::vector<float> matrix(std::size_t{cells} * cells, 0.0f);
  for (std::uint32_t i = 0; i < cells; ++i)
    for (std::uint32_t k = i + 1; k < cells; ++k) matrix[i * cells + k] = matrix[k * cells + i] = 0.5f * uniform(rng);
  p.couplings = std::make_shared<const physics::Couplings>(cells, matrix);
  p.gain = 0.8f;
  p.kT = 0.6f;
  return p;
}

physics::Run stretch(std::uint64_t steps, std::uint64_t first_step) {
  physics::Run run;
  run.steps = steps;
  run.dt = 0.01;
  run.noise = {77, 5, first_step};
  return run;
}

/// Runs to done() and checks that the stretch took as long as its steps.
void finish(CellLevelArray& array, const physics::Run& run, const physics::Parameters& live) {
  array.start(run, live);
  simulate(step_time * static_cast<double>(run.steps));
  ASSERT_FALSE(array.running());
}

void expect_the_bits_of_the_physics(CellLevelArray& cells, float mobility) {
  const std::uint32_t n = cells.cells();
  physics::QuarticArray array(n, 1, mobility, rail, nullptr);
  const physics::Parameters live = random_parameters(n, 1);
  physics::Parameters target = random_parameters(n, 2);
  target.couplings = live.couplings;
  target.gain = 0.3f;
  target.kT = 1.1f;

  const auto expect_equal = [&](const char* after) {
    for (std::uint32_t i = 0; i < n; ++i)
      ASSERT_EQ(cells.state(i), array.state(0, i)) << "cell " << i << " after " << after;
  };
  const std::vector<float> start(n, 0.25f);
  cells.write(0, start);
  array.write(0, 0, start, live);
  expect_equal("write");
  finish(cells, stretch(50, 0), live);
  array.advance(stretch(50, 0), live);
  expect_equal("a stretch");

  physics::Run ramp = stretch(20, 50);
  ramp.target = &target;
  ramp.ramp_steps = 30;
  for (const std::uint64_t first : {0, 20}) {
    ramp.ramp_first = first;
    ramp.steps = first == 0 ? 20 : 10;
    ramp.noise.step = 50 + first;
    finish(cells, ramp, live);
    array.advance(ramp, live);
    expect_equal("a ramp");
  }

  std::vector<std::uint8_t> clamped(n, 0);
  clamped[n / 2] = 1;
  cells.set_clamped(clamped);
  array.set_clamped(clamped, target);
  physics::Parameters uncoupled = target;
  uncoupled.couplings = std::make_shared<const physics::Couplings>(n);
  for (std::uint32_t i = 0; i < n; ++i) uncoupled.kT_cell.push_back(0.2f + 0.1f * static_cast<float>(i % 7));
  finish(cells, stretch(20, 80), uncoupled);
  array.advance(stretch(20, 80), uncoupled);
  expect_equal("a stretch with a clamped cell, no couplings and a temperature per cell");
  EXPECT_TRUE(n < 3 || array.rail_count() > 0) << "the rails are part of the claim";
}

TEST(CellLevel, StockCellsGiveTheBitsOfTheArray) {
  expect_the_bits_of_the_physics(bench().one, 1.0f);
  expect_the_bits_of_the_physics(bench().five, 0.7f);
  expect_the_bits_of_the_physics(bench().full, 1.0f);
}

TEST(CellLevel, OneCellIsReplacedAndTheRestStays) {
  CellLevelArray& own = *bench().own;
  physics::QuarticArray array(8, 1, 1.0f, 64.0f, nullptr);
  physics::Parameters live = random_parameters(8, 3);
  std::vector<float> matrix(64, 0.0f);  // cells 0 and 1 are coupled, and hear nothing of cell 3; cells 3 and 4 are
  matrix[0 * 8 + 1] = matrix[1 * 8 + 0] = 0.4f;
  matrix[3 * 8 + 4] = matrix[4 * 8 + 3] = 2.0f;
  live.couplings = std::make_shared<const physics::Couplings>(8, matrix);
  finish(own, stretch(200, 0), live);
  array.advance(stretch(200, 0), live);
  EXPECT_EQ(own.state(0), array.state(0, 0));
  EXPECT_EQ(own.state(1), array.state(0, 1));
  EXPECT_NE(own.state(4), array.state(0, 4)) << "what is coupled to the comparator feels it";
  EXPECT_EQ(std::abs(own.state(3)), 1.0f);
  EXPECT_NE(sc_core::sc_find_object("own.cell_3"), nullptr);
  EXPECT_NE(sc_core::sc_find_object("own.coupling_3_4"), nullptr);
}

TEST(CellLevel, ACouplerIsReplaced) {
  CellLevelArray& weak = bench().weak;
  physics::QuarticArray array(4, 1, 1.0f, rail, nullptr);
  const physics::Parameters asked = random_parameters(4, 4);
  physics::Parameters given = asked;
  std::vector<float> matrix(16);
  for (std::uint32_t i = 0; i < 4; ++i)
    for (std::uint32_t k = 0; k < 4; ++k) matrix[i * 4 + k] = asked.couplings->at(i, k) * (i + k == 1 ? 0.5f : 1.0f);
  given.couplings = std::make_shared<const physics::Couplings>(4, matrix);
  finish(weak, stretch(60, 0), asked);
  array.advance(stretch(60, 0), given);
  for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(weak.state(i), array.state(0, i));
}

TEST(CellLevel, MistakesAreRefused) {
  CellLevelArray& array = bench().five;
  const physics::Parameters live = random_parameters(5, 1), other = random_parameters(5, 2),
                            small = random_parameters(4, 2);
  physics::Run run = stretch(3, 0);
  EXPECT_THROW(array.start(run, small), std::invalid_argument);
  EXPECT_THROW(array.start(stretch(0, 0), live), std::invalid_argument);
  physics::Parameters one_way = live;
  std::vector<float> matrix(25, 0.0f);
  matrix[1] = 0.5f;
  one_way.couplings = std::make_shared<const physics::Couplings>(5, matrix);
  EXPECT_THROW(array.start(stretch(3, 0), one_way), std::invalid_argument) << "couplers are reciprocal";
  run.target = &other;
  run.ramp_steps = 3;
  EXPECT_THROW(array.start(run, live), std::invalid_argument);  // a ramp between coupling matrices
  EXPECT_THROW(array.write(4, std::vector<float>(2)), std::invalid_argument);
  array.start(stretch(3, 0), live);
  EXPECT_THROW(array.start(stretch(3, 0), live), std::invalid_argument);
  EXPECT_THROW(array.write(0, std::vector<float>(1)), std::invalid_argument);
  simulate(step_time * 3);
  EXPECT_FALSE(array.running());
}

}  // namespace
}  // namespace heatbath::systemc
