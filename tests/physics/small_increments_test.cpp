// Rates far below the step: cells that move by less than float32 states take, weak dampings, slow turns. Against
// exponentials and independent transitions; and the same bits however the run is made.
#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <numbers>

#include "heatbath/numerics/isa.hpp"
#include "heatbath/numerics/thread_team.hpp"
#include "hw_model/physics/array.hpp"
#include "hw_model/physics/linear_step.hpp"
#include "hw_model/physics/overdamped_array.hpp"
#include "hw_model/physics/small_increments.hpp"
#include "hw_model/physics/step_table.hpp"
#include "oracles/exact_ou.hpp"
#include "tests/physics/makes.hpp"

namespace heatbath::physics {
namespace {

using enum Stepper;

ArraySpec spec_of(CellKind kind, Stepper stepper, std::uint32_t cells = 1, std::uint32_t lanes = 1) {
  ArraySpec spec;
  spec.kind = kind;
  spec.stepper = stepper;
  spec.cells = cells;
  spec.lanes = lanes;
  spec.rail = 1000;
  return spec;
}

Parameters cold(std::uint32_t cells, float j2, float damping = 1) {
  Parameters p;
  p.j2.assign(cells, j2);
  p.j4.assign(cells, 0);
  p.bias.assign(cells, 0);
  p.mass.assign(cells, 1);
  p.damping.assign(cells, damping);
  p.frequency.assign(cells, 0);
  p.couplings = std::make_shared<const Couplings>(cells);
  return p;
}

void evolve(Array& array, const Parameters& p, std::uint64_t steps, double dt, std::uint64_t first = 0) {
  physics::Run run;
  run.steps = steps;
  run.dt = dt;
  run.noise = {17, 0, first};
  array.advance(run, p);
}

constexpr std::uint64_t many = 200000;
constexpr double t = 200;  // of them, at 1e-3

TEST(SlowCells, RelaxAtTheirRateUnderEveryStepper) {
  for (const auto stepper : {euler_maruyama, heun, leimkuhler_matthews, exact_ou}) {
    const auto array = make_array(spec_of(CellKind::overdamped, stepper), nullptr);
    const Parameters p = cold(1, 0.8e-5f);
    array->write(0, 0, std::vector<float>{1}, p);
    evolve(*array, p, many, 1e-3);
    EXPECT_NEAR((1 - array->state(0, 0)) / -std::expm1(-1.6e-5 * t), 1, 2e-4) << name(stepper);
  }
}

TEST(SlowCells, AreCarriedByABiasAndByWeakCouplings) {
  const auto pulled = make_array(spec_of(CellKind::overdamped, euler_maruyama, 3), nullptr);
  Parameters p = cold(3, 0);
  p.bias = {-1e-5f, 0, 0};
  p.couplings = std::make_shared<const Couplings>(3, std::vector<float>{0, 0, 0, 0, 0, 1e-5f, 0, 1e-5f, 0});
  pulled->write(0, 0, std::vector<float>{2, 1, 0.5f}, p);
  evolve(*pulled, p, many, 1e-3);
  EXPECT_NEAR(pulled->state(0, 0), 2 + 1e-5 * t, 1e-6);
  EXPECT_NEAR(pulled->state(0, 1), std::cosh(1e-5 * t) - 0.5 * std::sinh(1e-5 * t), 5e-7);
  EXPECT_NEAR(pulled->state(0, 2), 0.5 * std::cosh(1e-5 * t) - std::sinh(1e-5 * t), 5e-7);
}

TEST(SlowCells, AreSlowWithNoiseToo) {
  // Two runs on the same noise differ by the deterministic flow; what rounding adds averages out over lanes.
  constexpr std::uint32_t lanes = 32;
  for (const auto& [kind, stepper] : {std::pair{CellKind::overdamped, euler_maruyama},
                                      {CellKind::overdamped, heun},
                                      {CellKind::overdamped, exact_ou},
                                      {CellKind::underdamped, baoab},
                                      {CellKind::underdamped, exact_ou}}) {
    const bool inertia = kind == CellKind::underdamped;
    Parameters p = cold(1, inertia ? 0.0f : 1e-5f, 2e-5f);  // rates 2e-5
    p.kT = 1;
    double mean[2] = {0, 0};
    for (const bool moved : {false, true}) {
      const auto array = make_array(spec_of(kind, stepper, 1, lanes), nullptr);
      for (std::uint32_t l = 0; l < lanes; ++l)
        array->write(l, inertia ? 1 : 0, std::vector<float>{moved ? 1.0f : 0.0f}, p);
      evolve(*array, p, many / 2, 8e-3);
      for (std::uint32_t l = 0; l < lanes; ++l) mean[moved] += array->state(l, inertia ? 1 : 0) / lanes;
    }
    EXPECT_NEAR((1 - (mean[1] - mean[0])) / -std::expm1(-2e-5 * 4 * t), 1, 5e-3) << name(kind) << ' ' << name(stepper);
  }
}

TEST(WeakDamping, StopsAFreeParticleAtItsRate) {
  for (const auto kind : {CellKind::underdamped, CellKind::rlc})
    for (const auto stepper : {euler_maruyama, heun, baoab, exact_ou}) {
      const auto array = make_array(spec_of(kind, stepper), nullptr);
      const Parameters p = cold(1, 0, 1.7e-5f);
      array->write(0, 0, std::vector<float>{0, 0.5f}, p);
      evolve(*array, p, many, 1e-3);
      EXPECT_NEAR((0.5 - array->state(0, 1)) / (-0.5 * std::expm1(-1.7e-5 * t)), 1, 5e-4) << name(kind) << ' ' << name(stepper);
      EXPECT_NEAR(array->state(0, 0), -0.5 / 1.7e-5 * std::expm1(-1.7e-5 * t), 2e-3) << name(kind) << ' ' << name(stepper);
    }
}

TEST(WeakDamping, OfOscillatorsIsTheirLossOfEnergy) {
  for (const float damping : {0.0f, 2e-5f, 3e-4f})
    for (const auto stepper : {baoab, exact_ou}) {
      if (stepper == baoab && damping == 0) continue;  // its rounding takes 2e-5 of the energy in this time
      const auto array = make_array(spec_of(CellKind::underdamped, stepper), nullptr);
      const Parameters p = cold(1, 0.5f, damping);
      array->write(0, 0, std::vector<float>{1, 0}, p);
      evolve(*array, p, many, 1e-3);
      const Eigen::Vector2d z = reference::ou_mean(reference::underdamped_cell(1, 1, damping, 0), Eigen::Vector2d(1, 0), t);
      EXPECT_NEAR(array->energy(0, p), 0.5 * z.squaredNorm(), 5e-6) << name(stepper) << ' ' << damping;
    }
}

TEST(WeakDamping, OfCoupledNodesFollowsTheirTransition) {
  Parameters p = cold(2, 0.3f);
  p.mass = {1.4f, 0.9f};
  p.damping = {3e-5f, 1e-5f};
  p.couplings = std::make_shared<const Couplings>(2, std::vector<float>{0, -0.5f, -0.5f, 0});
  Eigen::Matrix2d c;
  c << 1.4, -0.5, -0.5, 0.9;
  const auto network = reference::underdamped_network(0.6 * Eigen::Matrix2d::Identity(), c, Eigen::Vector2d(3e-5, 1e-5),
                                                      Eigen::Vector2d::Zero());
  const Eigen::VectorXd exact = reference::ou_mean(network, Eigen::Vector4d(1, -0.4, 0, 0.3), t);
  for (const auto stepper : {baoab, exact_ou}) {
    const auto array = make_array(spec_of(CellKind::rlc, stepper, 2), nullptr);
    array->write(0, 0, std::vector<float>{1, -0.4f, 0, 0.3f}, p);
    evolve(*array, p, many, 1e-3);
    for (std::uint32_t i = 0; i < 4; ++i) EXPECT_NEAR(array->state(0, i), exact(i), 3e-4) << name(stepper) << ' ' << i;
  }
}

TEST(SlowPhases, TurnAtTheirFrequency) {
  for (const auto stepper : {euler_maruyama, heun}) {
    const auto array = make_array(spec_of(CellKind::phase, stepper, 2), nullptr);
    Parameters p = cold(2, 0);
    p.frequency = {7.5e-5f, -4.5e-5f};
    array->write(0, 0, std::vector<float>{3.13f, -3.135f}, p);
    evolve(*array, p, many, 1e-3);
    const double turn = 2 * std::numbers::pi;
    EXPECT_NEAR(array->state(0, 0) + turn * array->state(0, 2), 3.13 + 7.5e-5 * t, 3e-6) << name(stepper);
    EXPECT_NEAR(array->state(0, 1) + turn * array->state(0, 3), -3.135 - 4.5e-5 * t, 3e-6) << name(stepper);
    EXPECT_EQ(array->state(0, 2), 1.0f) << "past pi";
    EXPECT_EQ(array->state(0, 3), -1.0f);
  }
}

TEST(FastPhases, CountEveryTurn) {
  // 1e8 turns and more: float32 counts to 2^24, and its dt is off by 5e-8. Held to the last number below 2^31.
  for (const auto stepper : {euler_maruyama, heun, leimkuhler_matthews}) {
    const auto array = make_array(spec_of(CellKind::phase, stepper, 3), nullptr);
    Parameters p = cold(3, 0);
    p.frequency = {7.3e6f, -4.1e5f, 600.0f};
    evolve(*array, p, many / 2, 1e-3);
    for (std::uint32_t i = 0; i < 3; ++i) {
      const long double angle = static_cast<long double>(p.frequency[i]) * 100, turn = 2 * std::numbers::pi_v<long double>;
      const long double turns = std::nearbyint(angle / turn);
      EXPECT_EQ(array->turns(0, i), static_cast<std::int32_t>(turns)) << name(stepper) << ' ' << i;
      EXPECT_EQ(array->state(0, 3 + i), static_cast<float>(turns)) << "the nearest float";
      EXPECT_NEAR(array->state(0, i), static_cast<double>(angle - turns * turn), 1e-5) << name(stepper) << ' ' << i;
    }
    EXPECT_EQ(array->rail_count(), 0u);
    array->write(0, 3, std::vector<float>{2147483520.0f - 1024}, p);
    evolve(*array, p, 1, 1e-3);
    EXPECT_EQ(array->turns(0, 0), 2147483520);
    EXPECT_EQ(array->rail_count(), 1u);
  }
}

TEST(FastPhases, AreMeteredWithTheirTurns) {
  // What keeps a free phase turning against friction: the force omega / mu over every turn; at T = 0 all of it is heat.
  const auto array = make_array(spec_of(CellKind::phase, heun), nullptr);
  Parameters p = cold(1, 0);
  p.frequency = {900};
  array->enable_meters(true);
  evolve(*array, p, 1000, 1e-3);
  EXPECT_NEAR(array->meters(0, p).work / (900.0 * 900.0), 1, 1e-6);
  EXPECT_NEAR(array->meters(0, p).heat_path / (900.0 * 900.0), 1, 1e-6);
}

TEST(Losses, KeepAllDigitsOfSmallRates) {
  for (const double a : {0.0, 1e-17, 3e-9, 0.06, 0.07, 2.0, 800.0}) EXPECT_NEAR(loss(a), -std::expm1(-a), 1e-15 * a) << a;
  Eigen::Matrix2d rates;
  rates << 3e-9, -1e-9, -2e-9, 5e-9;
  const LinearStep step = linear_step(rates, Eigen::Matrix2d::Zero(), 0.5);
  EXPECT_LT((step.change + 0.5 * rates).norm() / rates.norm(), 2e-9) << "less the second order";
  const LinearStep far = linear_step(1e9 * rates, Eigen::Matrix2d::Zero(), 0.5);
  EXPECT_LT((far.change + Eigen::Matrix2d::Identity() - far.propagate).norm(), 1e-14);
}

TEST(SmallIncrements, AreNotFoundWhereFloat32Suffices) {
  for (const auto& make : makes::all()) {
    const auto spec = makes::spec(make, 1);
    const std::vector<std::uint32_t> free(makes::cells, ~0u);
    if (is_discrete(make.kind)) continue;
    EXPECT_FALSE(loses_increments(spec, makes::parameters(make, 0.3), makes::dt(make), free)) << make;
    Parameters p = makes::parameters(make, 0.3);
    for (const double dt : {1e-3, 1e-2}) {
      const StepTable table(spec, p, p, 0.0, dt, free);
      EXPECT_FALSE(table.by_change) << make << ' ' << dt;
      EXPECT_FALSE(table.split) << make << ' ' << dt;
    }
    p.kT_cell.clear(), p.kT = 0;
    EXPECT_FALSE(loses_increments(spec, p, makes::dt(make), free)) << make << ", cold";
  }
  Eigen::MatrixXd fast = -0.002 * Eigen::MatrixXd::Identity(3, 3);
  EXPECT_FALSE(rounding_spoils(fast, {0, 1, 2}, -1));
  fast(1, 1) = -1e-7;
  EXPECT_TRUE(rounding_spoils(fast, {0, 1, 2}, -1));
  EXPECT_FALSE(rounding_spoils(fast, {0, 2}, -1)) << "the slow one is held";
}

/// States of the last of `lanes` lanes after cold, warm and cold stretches, cut into pieces.
std::vector<float> states(const ArraySpec& of, std::uint32_t lanes, unsigned threads, std::uint64_t piece) {
  numerics::ThreadTeam team(threads);
  ArraySpec spec = of;
  spec.lanes = lanes;
  const auto array = make_array(spec, &team);
  Parameters slow = cold(spec.cells, 2e-5f, 1e-5f), quick = slow;
  for (std::uint32_t i = 0; i < spec.cells; ++i) slow.bias[i] = 1e-4f * static_cast<float>(i), quick.j2[i] = 1;
  for (std::uint32_t i = 0; i < spec.cells; ++i) quick.frequency[i] = 300.0f * makes::wave(1, 0.4, 0.1, i);
  quick.kT = 0.3f;
  std::vector<float> start(array->variables());
  for (std::size_t i = 0; i < start.size(); ++i) start[i] = makes::wave(1.5, 0.7, 0.2, i);
  for (std::uint32_t l = 0; l < lanes; ++l) array->write(l, 0, start, slow);
  std::vector<std::uint8_t> clamped(spec.cells, 0);
  clamped[2] = 1;
  array->set_clamped(clamped, slow);
  std::uint64_t first = 0;
  const Parameters* before = &slow;
  for (const auto* p : {&slow, &quick, &slow}) {
    array->change_parameters(*before, *p);
    before = p;
    for (std::uint64_t done = 0; done < 60; done += piece) {
      physics::Run run;
      run.steps = std::min(piece, 60 - done);
      run.dt = 1e-3;
      run.noise = {5, 40 - lanes, first + done};  // the last lane has shot 39
      array->advance(run, *p);
    }
    first += 60;
  }
  std::vector<float> end(array->variables());
  array->read(lanes - 1, end);
  return end;
}

TEST(SmallIncrements, HaveTheSameBitsHoweverTheyAreRun) {
  const auto before = numerics::active_isa();
  for (const auto& [kind, stepper] : {std::pair{CellKind::overdamped, euler_maruyama},
                                      {CellKind::overdamped, exact_ou},
                                      {CellKind::underdamped, baoab},
                                      {CellKind::underdamped, heun},
                                      {CellKind::rlc, baoab},
                                      {CellKind::phase, heun},
                                      {CellKind::phase, euler_maruyama}}) {
    const ArraySpec spec = spec_of(kind, stepper, 70);
    const auto expected = states(spec, 1, 1, 60);
    for (const auto isa : numerics::available_isas()) {
      numerics::select_isa(isa);
      EXPECT_EQ(states(spec, 1, 1, 7), expected) << name(kind) << ' ' << name(stepper);
      EXPECT_EQ(states(spec, 5, 2, 60), expected) << name(kind) << ' ' << name(stepper);
      EXPECT_EQ(states(spec, 37, 2, 13), expected) << name(kind) << ' ' << name(stepper);
    }
    numerics::select_isa(before);
  }
}

TEST(OverdampedArrays, TakeStatesAndMetersAlongWhenTheyChange) {
  // The fused array and the general one, warm, cold and slow, warm again.
  ArraySpec spec = spec_of(CellKind::overdamped, euler_maruyama, 3, 2), general = spec;
  general.reciprocal = false;
  const auto one = make_array(spec, nullptr), other = make_array(general, nullptr);
  Parameters warm = cold(3, 0.7f), slow = cold(3, 1e-5f);
  warm.kT = 0.8f;
  std::uint64_t first = 0;
  for (Array* array : {one.get(), other.get()}) {
    array->enable_meters(true);
    array->enable_cell_meter(CellMeter::heat);
  }
  const double energy = one->energy(1, warm);
  const Parameters* before = &warm;
  for (const auto* p : {&warm, &slow, &warm}) {
    for (Array* array : {one.get(), other.get()}) {
      array->change_parameters(*before, *p);
      evolve(*array, *p, 200, 1e-3, first);
    }
    before = p;
    first += 200;
    EXPECT_EQ(dynamic_cast<OverdampedArray&>(*one).split(), p == &slow);
    for (std::uint32_t i = 0; i < 3; ++i) EXPECT_EQ(one->state(1, i), other->state(1, i));
    const LaneMeters a = one->meters(1, *p), b = other->meters(1, *p);
    EXPECT_NEAR(a.work, b.work, 1e-5);
    EXPECT_NEAR(a.heat_path, b.heat_path, 1e-4);
    std::vector<double> heat(3);
    one->cell_meter(CellMeter::heat, 1, heat);
    EXPECT_NEAR(heat[0] + heat[1] + heat[2], a.heat_path, 1e-4);
    EXPECT_NEAR(one->energy(1, *p) - energy, a.work - a.heat_path, 0.02) << "less the shadow work";
  }
}

}  // namespace
}  // namespace heatbath::physics
