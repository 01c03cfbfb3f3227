// Changes of side against the states of every step, and against closed laws of how often they come.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <vector>

#include "heatbath/numerics/isa.hpp"
#include "heatbath/numerics/thread_team.hpp"
#include "tests/physics/makes.hpp"
#include "tests/physics/uncoupled.hpp"

namespace heatbath::physics {
namespace {

using makes::Make;
using Counts = std::vector<double>;  // of cells

/// What a change of is counted: a label, the half circle of a phase, else the sign.
float side(CellKind kind, float x) {
  if (kind == CellKind::categorical) return x;
  return (kind == CellKind::phase ? std::cos(double{x}) >= 0 : x >= 0) ? 1.0f : 0.0f;
}

Counts activity(const Array& array, std::uint32_t lane) {
  Counts counts(array.cells());
  array.cell_meter(CellMeter::activity, lane, counts);
  return counts;
}

/// A run of 40 steps, a ramp of 30 and 10 more with a cell that is held, cut into pieces; what was metered of each lane,
/// and what the states after each step say.
struct Watched {
  std::vector<Counts> metered, seen;
  std::vector<std::vector<float>> states;
};

Watched watched(const Make& make, std::uint32_t lanes, std::uint32_t shot0, numerics::ThreadTeam* team,
                std::uint64_t piece, bool heated = false) {
  const auto array = make_array(makes::spec(make, lanes), team);
  const Parameters p = makes::parameters(make, 0.3), q = makes::parameters(make, 1.9);
  array->enable_meters(true);
  if (heated) array->enable_cell_meter(CellMeter::heat);
  array->enable_cell_meter(CellMeter::activity);
  Watched w;
  w.seen.assign(lanes, Counts(makes::cells, 0.0));
  w.states.assign(lanes, std::vector<float>(array->variables()));
  for (std::uint32_t l = 0; l < lanes; ++l) array->read(l, w.states[l]);
  std::uint64_t step = 0;
  const auto evolve = [&](std::uint64_t steps, const Parameters& live, const Parameters* target) {
    for (std::uint64_t done = 0; done < steps;) {
      physics::Run run;
      run.steps = std::min(piece, steps - done);
      run.dt = (is_discrete(make.kind) ? 1 : 3) * makes::dt(make);  // longer than elsewhere: more happens
      run.noise = {5, shot0, step + done};
      run.record_first = run.record_period = 1;
      run.record = [&](std::uint64_t, std::uint32_t lane, std::span<const float> state) {
        for (std::uint32_t i = 0; i < makes::cells; ++i)
          w.seen[lane][i] += side(make.kind, w.states[lane][i]) != side(make.kind, state[i]);
        w.states[lane].assign(state.begin(), state.end());
      };
      if (target) run.target = target, run.ramp_steps = steps, run.ramp_first = done;
      array->advance(run, live);
      done += run.steps;
    }
    step += steps;
  };
  evolve(40, p, nullptr);
  evolve(30, p, &q);
  // What a host writes is no change of the cells' own.
  const std::vector<float> other{make.kind == CellKind::phase || make.kind == CellKind::categorical ? 2.0f : -0.9f};
  for (std::uint32_t l = 0; l < lanes; ++l) {
    array->write(l, 3, other, q);
    w.states[l][3] = array->state(l, 3);
  }
  std::vector<std::uint8_t> held(makes::cells, 0);
  held[3] = 1;
  array->set_clamped(held, q);
  evolve(10, q, nullptr);
  for (std::uint32_t l = 0; l < lanes; ++l) w.metered.push_back(activity(*array, l));
  array->clear_meters();
  EXPECT_EQ(activity(*array, 0), Counts(makes::cells, 0.0));
  return w;
}

class ActivityOfEveryMake : public ::testing::TestWithParam<Make> {
 protected:
  ~ActivityOfEveryMake() override { numerics::select_isa(before_); }
  numerics::Isa before_ = numerics::active_isa();
};

TEST_P(ActivityOfEveryMake, IsCountedFromTheStatesOfEveryStepHoweverItRuns) {
  const Make& make = GetParam();
  numerics::ThreadTeam team(2);
  const Watched all = watched(make, 35, 0, nullptr, 1000);
  double total = 0;
  for (std::uint32_t lane = 0; lane < 35; ++lane) {
    total += std::accumulate(all.metered[lane].begin(), all.metered[lane].end(), 0.0);
    if (make.stepper != Stepper::random_sequential) {
      ASSERT_EQ(all.metered[lane], all.seen[lane]) << "lane " << lane;
      continue;
    }
    // A step may turn a spin twice: what is left at its end is seen, the parity of all turns.
    for (std::uint32_t i = 0; i < makes::cells; ++i) {
      EXPECT_GE(all.metered[lane][i], all.seen[lane][i]);
      EXPECT_EQ(std::fmod(all.metered[lane][i] - all.seen[lane][i], 2.0), 0.0);
    }
  }
  EXPECT_GT(total, 500) << "next to nothing happened";
  for (const auto isa : numerics::available_isas()) {
    numerics::select_isa(isa);
    const Watched few = watched(make, 3, 32, &team, 7, true);
    for (std::uint32_t lane = 0; lane < 3; ++lane) {
      EXPECT_EQ(few.metered[lane], all.metered[32 + lane]) << numerics::name(isa) << ", lane " << lane;
      EXPECT_EQ(few.states[lane], all.states[32 + lane]) << numerics::name(isa) << ", lane " << lane;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Arrays, ActivityOfEveryMake, ::testing::ValuesIn(makes::all()),
                         [](const auto& of) { return of.param.name(); });

TEST(Activity, OfALonePBitIsTwicePTimesOneLessP) {
  // Each update draws its spin anew: +1 with p = 1 / (1 + exp(2 b / kT)), so it turns with 2 p (1 - p). Neighbouring
  // updates share a spin: the covariance of two turns is p (1 - p) - (2 p (1 - p))^2.
  constexpr float b = 0.4f, kT = 0.9f;
  constexpr std::uint32_t lanes = 64;
  const double p = 1 / (1 + std::exp(2.0 * b / kT)), turns = 2 * p * (1 - p);
  for (const auto stepper : {Stepper::sequential, Stepper::random_sequential}) {
    ArraySpec spec;
    spec.kind = CellKind::pbit, spec.stepper = stepper, spec.cells = 1, spec.lanes = lanes;
    const auto array = make_array(spec, nullptr);
    const Parameters at = uncoupled(1, 0, 0, b, kT);
    array->enable_meters(true);
    array->enable_cell_meter(CellMeter::activity);
    physics::Run run;
    run.dt = stepper == Stepper::sequential ? 1 : 3;  // updates a step
    run.steps = 2, run.noise.seed = 8;
    array->advance(run, at);  // forgets the state after reset
    array->clear_meters();
    run.noise.step = 2, run.steps = 3000;
    array->advance(run, at);
    double sum = 0;
    for (std::uint32_t lane = 0; lane < lanes; ++lane) sum += activity(*array, lane)[0];
    const double updates = static_cast<double>(run.steps) * run.dt;
    const double variance = updates * turns * (1 - turns) + 2 * (updates - 1) * (turns / 2 - turns * turns);
    EXPECT_LT(std::abs(sum - lanes * updates * turns) / std::sqrt(lanes * variance), 4)
        << name(stepper) << ": " << sum / (lanes * updates) << " of each update, not " << turns;
  }
}

TEST(Activity, OfALoneCategoricalCellIsOneLessTheSumOfSquares) {
  // Each update draws the label anew, k with probability p_k ~ exp(-b_k / kT): it changes with 1 - sum p_k^2.
  constexpr std::uint32_t lanes = 64;
  constexpr double steps = 3000;
  const std::vector<float> bias{0.3f, -0.4f, 0.9f};
  constexpr float kT = 0.8f;
  ArraySpec spec;
  spec.kind = CellKind::categorical, spec.stepper = Stepper::sequential, spec.states = 3, spec.cells = 1, spec.lanes = lanes;
  const auto array = make_array(spec, nullptr);
  Parameters at = uncoupled(1, 0, 0, 0, kT);
  at.bias = bias;
  array->enable_meters(true);
  array->enable_cell_meter(CellMeter::activity);
  physics::Run run;
  run.dt = 1, run.steps = 2, run.noise.seed = 9;
  array->advance(run, at);
  array->clear_meters();
  run.noise.step = 2, run.steps = static_cast<std::uint64_t>(steps);
  array->advance(run, at);
  double weights = 0, of_squares = 0, sum = 0, squares = 0;
  for (const float b : bias) weights += std::exp(-double{b} / kT), of_squares += std::exp(-2 * double{b} / kT);
  for (std::uint32_t lane = 0; lane < lanes; ++lane) {
    const double rate = activity(*array, lane)[0] / steps;
    sum += rate, squares += rate * rate;
  }
  const double mean = sum / lanes, error = std::sqrt((squares / lanes - mean * mean) / (lanes - 1));
  const double expected = 1 - of_squares / (weights * weights);
  EXPECT_LT(std::abs(mean - expected) / error, 4) << mean << " +- " << error << ", " << expected;
  EXPECT_LT(error, 0.01 * expected);
}

TEST(Activity, OfALinearCellIsTheArcCosineOfItsCorrelation) {
  // A stationary Gaussian x: neighbours of correlation r have different signs with arccos(r) / pi (Rice 1945). Under
  // Euler-Maruyama r = 1 - 2 J2 mu dt, exactly; under exact-ou exp(-2 J2 mu dt).
  constexpr float j2 = 0.7f;
  constexpr std::uint32_t lanes = 256;
  constexpr double dt = 0.1, steps = 4000;
  for (const auto stepper : {Stepper::euler_maruyama, Stepper::exact_ou}) {
    ArraySpec spec;
    spec.stepper = stepper, spec.cells = 1, spec.lanes = lanes;
    const auto array = make_array(spec, nullptr);
    const Parameters at = uncoupled(1, j2, 0, 0, 1.5f);
    array->enable_meters(true);
    array->enable_cell_meter(CellMeter::activity);
    physics::Run run;
    run.dt = dt, run.steps = 200, run.noise.seed = 21;
    array->advance(run, at);
    array->clear_meters();
    run.noise.step = 200, run.steps = static_cast<std::uint64_t>(steps);
    array->advance(run, at);
    double sum = 0, squares = 0;  // lanes are independent: their spread is the error
    for (std::uint32_t lane = 0; lane < lanes; ++lane) {
      const double rate = activity(*array, lane)[0] / steps;
      sum += rate, squares += rate * rate;
    }
    const double mean = sum / lanes, error = std::sqrt((squares / lanes - mean * mean) / (lanes - 1));
    const double decay = 2.0 * j2 * dt, r = stepper == Stepper::exact_ou ? std::exp(-decay) : 1 - decay;
    const double expected = std::acos(r) / std::numbers::pi;
    EXPECT_LT(std::abs(mean - expected) / error, 4) << name(stepper) << ": " << mean << " +- " << error << ", " << expected;
    EXPECT_LT(error, 0.01 * expected);
  }
}

TEST(Activity, GoesAlongWhenAnOverdampedArrayChangesItsKernels) {
  ArraySpec spec;
  spec.cells = 2, spec.lanes = 3;
  const auto array = make_array(spec, nullptr);
  const Parameters warm = uncoupled(2, 0.5f, 0, 0, 1), slow = uncoupled(2, 1e-4f, 0, 0, 0);
  array->enable_meters(true);
  array->enable_cell_meter(CellMeter::activity);
  physics::Run run;
  run.dt = 0.05, run.steps = 400, run.noise.seed = 4;
  Counts after_warm;
  std::uint64_t step = 0;
  for (const Parameters* p : {&warm, &slow, &warm}) {
    run.noise.step = step;
    array->advance(run, *p);
    step += run.steps;
    const Counts now = activity(*array, 1);
    if (p == &slow) {
      EXPECT_EQ(now, after_warm) << "cold cells go straight down";
    } else if (!after_warm.empty()) {
      EXPECT_GT(now[0], after_warm[0]);
    }
    after_warm = now;
    EXPECT_GT(now[0], 5);
  }
}

}  // namespace
}  // namespace heatbath::physics
