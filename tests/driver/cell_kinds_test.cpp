// Every cell kind as a user runs it: a device of a URI, a program, samples against an exact result; and what each kind
// refuses.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "heatbath/cells.h"
#include "heatbath/open.hpp"
#include "heatbath/regs.h"
#include "oracles/boltzmann_cell.hpp"
#include "oracles/enumeration.hpp"
#include "oracles/exact_ou.hpp"
#include "oracles/kuramoto.hpp"
#include "scripted_device.hpp"

namespace heatbath {
namespace {

using testing::expect_error;

constexpr double z_bound = 4.5;  // seeds are fixed; some 60 comparisons in this file

/// Mean and standard error of independent values.
struct Mean {
  double sum = 0, squares = 0, n = 0;
  void add(double value) {
    sum += value;
    squares += value * value;
    ++n;
  }
  double value() const { return sum / n; }
  double error() const { return std::sqrt((squares / n - value() * value()) / (n - 1)); }
};

void expect_mean(const Mean& mean, double expected, const std::string& what) {
  EXPECT_LT(std::abs(mean.value() - expected), z_bound * mean.error())
      << what << " is " << mean.value() << " +- " << mean.error() << ", expected " << expected;
}

/// The last state of every shot: shots rows of `variables` values.
std::vector<std::vector<float>> last_states(Device& device, Program& program, std::uint32_t shots, std::uint64_t seed) {
  program.sample();
  JobOptions options{.shots = shots, .seed = seed};
  options.capture_cells = program.variables();
  const Result result = device.run(program, options);
  std::vector<std::vector<float>> states;
  for (std::uint32_t shot = 0; shot < shots; ++shot) {
    const auto state = result.capture.state(shot, result.capture.records() - 1);
    states.emplace_back(state.begin(), state.end());
  }
  return states;
}

/// Second moments of all variables against a covariance.
void expect_covariance(const std::vector<std::vector<float>>& states, const Eigen::MatrixXd& expected) {
  const auto n = static_cast<std::size_t>(expected.rows());
  ASSERT_EQ(states[0].size(), n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = i; j < n; ++j) {
      Mean product;
      for (const auto& state : states) product.add(static_cast<double>(state[i]) * state[j]);
      expect_mean(product, expected(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(j)),
                  "<x" + std::to_string(i) + " x" + std::to_string(j) + ">");
    }
}

std::vector<float> as_floats(const Eigen::MatrixXd& matrix) {
  std::vector<float> values;
  for (Eigen::Index i = 0; i < matrix.rows(); ++i)
    for (Eigen::Index j = 0; j < matrix.cols(); ++j) values.push_back(static_cast<float>(matrix(i, j)));
  return values;
}

// -- exact results ----------------------------------------------------------------------------------------------------

TEST(OverdampedCells, OfSecondOrderSteppersHaveTheBoltzmannLaw) {
  const double expected = reference::double_well(1.0).law(0.5).average([](double x) { return x * x; });
  for (const char* stepper : {"leimkuhler-matthews", "heun"}) {
    SCOPED_TRACE(stepper);
    Device device = open(std::string("func:cells=64&lanes=128&threads=1&stepper=") + stepper);
    device.set_step_time_units(0.01);  // the bias of both is below 1e-3 of <x^2> here
    Program program(device.capabilities(), 64);
    program.load(CellSection::j2, -2).load(CellSection::j4, 1).load_temperature(0.5f).commit();
    program.evolve(device.ticks(5));
    Mean square;
    for (const auto& state : last_states(device, program, 128, 1))
      for (const float x : state) square.add(static_cast<double>(x) * x);
    expect_mean(square, expected, "<x^2>");
  }
}

TEST(OverdampedCells, OfTwoTemperaturesAndOneWayCouplingsHaveTheExactLaw) {
  // Stiffness A = 2 J2 + J, not symmetric; from x = 0, so that the law is that of a finite time.
  Eigen::Matrix3d coupling;
  coupling << 0, 0.8, 0, 0, 0, 0.8, 0.8, 0, 0;
  const reference::LinearNetwork network{coupling + 2 * Eigen::Matrix3d::Identity(),
                                         Eigen::Vector3d(0.5, 1, 2).asDiagonal(), Eigen::Vector3d::Zero()};
  Device device = open("func:cells=3&lanes=256&threads=1&stepper=exact-ou&reciprocal=no");
  EXPECT_TRUE(device.capabilities().couplings_full);
  device.set_step_time_units(0.25);
  Program program(device.capabilities(), 3);
  program.load(CellSection::j2, 1).load(CellSection::j4, 0).load_couplings(as_floats(coupling));
  program.load(CellSection::kT, std::vector<float>{0.5f, 1, 2}).commit().evolve(device.ticks(1));
  expect_covariance(last_states(device, program, 20000, 2), reference::ou_covariance(network, Eigen::Matrix3d::Zero(), 1));
}

TEST(UnderdampedCells, HaveTheExactLawOfPositionsAndVelocities) {
  Eigen::Matrix2d stiffness;
  stiffness << 2, -0.5, -0.5, 3;
  const Eigen::Vector2d mass(1.5, 0.7), damping(0.6, 1.2), temperature(1, 0.4);
  const auto network =
      reference::underdamped_network(stiffness, Eigen::Matrix2d(mass.asDiagonal()), damping, temperature);
  for (const auto& [stepper, step] : {std::pair{"exact-ou", 0.5}, std::pair{"baoab", 0.02}}) {
    SCOPED_TRACE(stepper);
    Device device = open(std::string("func:cell=underdamped&cells=2&lanes=256&threads=1&stepper=") + stepper);
    EXPECT_EQ(device.capabilities().components, 2u);
    device.set_step_time_units(step);
    Program program(device.capabilities(), 2);
    program.load(CellSection::j2, std::vector<float>{1, 1.5f}).load(CellSection::j4, 0);
    program.load_couplings(std::vector<float>{0, -0.5f, -0.5f, 0});
    program.load(CellSection::mass, std::vector<float>{1.5f, 0.7f});
    program.load(CellSection::damping, std::vector<float>{0.6f, 1.2f});
    program.load(CellSection::kT, std::vector<float>{1, 0.4f}).commit();
    program.set(0, std::vector<float>{0, 0, 0, 0}).evolve(device.ticks(2));
    expect_covariance(last_states(device, program, 12000, 3), reference::ou_covariance(network, Eigen::Matrix4d::Zero(), 2));
  }
}

TEST(RlcCells, CoupledByCapacitancesHaveTheExactLaw) {
  Eigen::Matrix3d capacitance;
  capacitance << 2, -0.4, 0, -0.4, 1.5, -0.3, 0, -0.3, 1;
  const Eigen::Vector3d conductance(0.5, 0.8, 1), temperature(1, 1, 1);
  const Eigen::Matrix3d stiffness = Eigen::Vector3d(1, 2, 1.5).asDiagonal();  // 1/L = 2 J2
  const auto network = reference::underdamped_network(stiffness, capacitance, conductance, temperature);
  Device device = open("func:cell=rlc&topology=chain:3&lanes=256&threads=1&stepper=exact-ou");
  device.set_step_time_units(0.5);
  Program program(device.capabilities(), 3);
  program.load(CellSection::j2, std::vector<float>{0.5f, 1, 0.75f}).load(CellSection::j4, 0).load_temperature(1);
  program.load(CellSection::mass, std::vector<float>{2, 1.5f, 1});
  program.load(CellSection::damping, std::vector<float>{0.5f, 0.8f, 1});
  program.load_coupler_values(std::vector<float>{-0.4f, -0.3f}).commit().evolve(device.ticks(3));
  expect_covariance(last_states(device, program, 12000, 4),
                    reference::ou_covariance(network, Eigen::MatrixXd::Zero(6, 6), 3));
}

/// Law of cell 0 of two, on a chip of four, while cell 1 is held: the mean and variance of its first variable and the
/// variance of its velocity (0: there is none) a long time after the clamp.
void expect_law_beside_a_clamp(const std::string& uri, double step, double mean, double variance, double velocity) {
  SCOPED_TRACE(uri);
  Device device = open(uri + "&cells=4&threads=1");
  device.set_step_time_units(step);
  Program program(device.capabilities(), 2);
  program.load(CellSection::j2, 0.8f).load(CellSection::j4, 0).load_temperature(0.6f);
  if (velocity > 0) program.load(CellSection::mass, std::vector<float>{1.3f, 0.7f});
  program.load_couplings(std::vector<float>{0, 0.6f, 0.6f, 0}).commit();
  program.clamp(1, 1, 1.2f).evolve(device.ticks(15));
  Mean x, square, v;
  for (const auto& state : last_states(device, program, 4000, 5)) {
    ASSERT_EQ(state[1], 1.2f);
    x.add(state[0]), square.add(std::pow(state[0] - mean, 2));
    if (velocity > 0) v.add(std::pow(state[2], 2));
  }
  expect_mean(x, mean, "<x>");
  expect_mean(square, variance, "variance of x");
  if (velocity > 0) expect_mean(v, velocity, "<v^2>");
}

TEST(ClampedCells, LeaveTheOthersTheirExactLaw) {
  // 2 J2 = 1.6: the variance is 0.6 / 1.6; couplings of rlc nodes exert no force; <v^2> is kT / m.
  expect_law_beside_a_clamp("func:cell=rlc", 0.01, 0, 0.375, 0.6 / 1.3);
  expect_law_beside_a_clamp("func:cell=rlc&stepper=heun", 0.01, 0, 0.375, 0.6 / 1.3);
  expect_law_beside_a_clamp("func:cell=rlc&stepper=exact-ou", 1, 0, 0.375, 0.6 / 1.3);
  expect_law_beside_a_clamp("func:cell=underdamped&stepper=exact-ou", 1, -0.45, 0.375, 0.6 / 1.3);
  expect_law_beside_a_clamp("func:stepper=exact-ou", 1, -0.45, 0.375, 0);
}

TEST(ClampedCells, LeaveTheOthersTheirExactLawInSystemC) {
  expect_law_beside_a_clamp("tlm:cell=rlc&stepper=exact-ou&lanes=256", 1, 0, 0.375, 0.6 / 1.3);
}

TEST(PhaseCells, SynchroniseAsFinitelyManyOscillatorsDo) {
  constexpr std::uint32_t n = 6;
  constexpr double coupling = 3;  // K/D at D = 1
  Device device = open("func:cell=phase&cells=6&lanes=256&threads=1&stepper=leimkuhler-matthews");
  device.set_step_time_units(0.01);
  Program program(device.capabilities(), n);
  std::vector<float> matrix(n * n, static_cast<float>(-coupling / n));
  for (std::uint32_t i = 0; i < n; ++i) matrix[i * n + i] = 0;
  program.load(CellSection::j2, 0).load(CellSection::bias, 0).load_couplings(matrix).load_temperature(1).commit();
  program.evolve(device.ticks(6));
  Mean order;
  for (const auto& state : last_states(device, program, 6000, 5)) {
    double re = 0, im = 0;
    for (std::uint32_t i = 0; i < n; ++i) {
      EXPECT_GE(state[i], -std::numbers::pi_v<float>);
      EXPECT_LE(state[i], std::numbers::pi_v<float>);
      re += std::cos(static_cast<double>(state[i])) / n;
      im += std::sin(static_cast<double>(state[i])) / n;
    }
    order.add(re * re + im * im);
  }
  expect_mean(order, reference::kuramoto_mean_square_order(n, coupling), "<r^2>");
}

TEST(PhaseCells, DriveTurnsAtTheFrequencyOfTheNoisyAdlerEquation) {
  constexpr double detuning = 1.2, pinning = 1, duration = 10;
  Device device = open("func:cell=phase&cells=64&lanes=64&threads=1&stepper=heun");
  device.set_step_time_units(0.02);
  Program program(device.capabilities(), 64);
  program.load(CellSection::bias, static_cast<float>(-pinning)).load(CellSection::frequency, static_cast<float>(detuning));
  program.load(CellSection::j2, 0).load_temperature(0.5f).commit();
  program.evolve(device.ticks(4)).sample().evolve(device.ticks(duration)).sample();  // past the relaxation first
  JobOptions options{.shots = 64, .seed = 6};
  options.capture_cells = 128;  // phases, then turns
  const Capture capture = device.run(program, options).capture;
  Mean velocity;
  for (std::uint32_t shot = 0; shot < 64; ++shot) {
    const auto begin = capture.state(shot, 0), end = capture.state(shot, 1);
    for (std::size_t i = 0; i < 64; ++i)
      velocity.add((static_cast<double>(end[i]) - begin[i] + 2 * std::numbers::pi * (static_cast<double>(end[64 + i]) - begin[64 + i])) /
                   duration);
  }
  expect_mean(velocity, reference::adler_velocity(detuning, pinning, 0.5), "mean frequency");
}

TEST(PbitCells, HaveTheEnumeratedCorrelationsInEveryOrderOfUpdates) {
  // A 3 x 3 grid with a frustrated bond and a field, in the sign of the device: +J s s.
  std::vector<reference::Bond> bonds;
  std::vector<double> field{0.2, 0, 0, 0, -0.3, 0, 0, 0, 0.1};
  Device sparse = open("func:cell=pbit&topology=grid:3x3&lanes=256&threads=1");
  EXPECT_EQ(sparse.capabilities().stepper, Stepper::two_colour) << "a grid is bipartite";
  std::vector<float> matrix(81, 0.0f);
  for (const Coupler& at : sparse.capabilities().couplers()) {
    const float strength = bonds.size() == 3 ? 0.5f : -0.6f;
    matrix[at.i * 9 + at.j] = matrix[at.j * 9 + at.i] = strength;
    bonds.push_back({static_cast<int>(at.i), static_cast<int>(at.j), static_cast<double>(strength)});
  }
  ASSERT_EQ(bonds.size(), 12u);
  const Eigen::MatrixXd expected = reference::Enumeration(9, bonds, field).correlations(1.0);
  for (const char* uri : {"func:cell=pbit&topology=grid:3x3&lanes=256&threads=1",
                          "func:cell=pbit&topology=grid:3x3&lanes=256&threads=1&stepper=random-sequential",
                          "func:cell=pbit&cells=9&lanes=256&threads=1"}) {
    SCOPED_TRACE(uri);
    Device device = open(uri);
    EXPECT_EQ(device.step(), device.ticks(1)) << "a step is a sweep";
    Program program(device.capabilities(), 9);
    program.load(CellSection::bias, std::vector<float>(field.begin(), field.end())).load_couplings(matrix);
    program.load_temperature(1).commit().evolve(device.ticks(40));
    const auto states = last_states(device, program, 10000, 7);
    for (std::size_t i = 0; i < 9; ++i)
      for (std::size_t j = i + 1; j < 9; ++j) {
        Mean product;
        for (const auto& state : states) {
          ASSERT_EQ(std::abs(state[i]), 1.0f);
          product.add(static_cast<double>(state[i]) * state[j]);
        }
        expect_mean(product, expected(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(j)),
                    "<s" + std::to_string(i) + " s" + std::to_string(j) + ">");
      }
  }
}

TEST(ColouredNoise, OfOrnsteinAndUhlenbeckGivesItsExactVariance) {
  const auto network = reference::band_limited_cell(1, 0.5, 1);
  Device device = open("func:cells=64&lanes=64&threads=1&noise=ornstein-uhlenbeck&noise_time=0.5&stepper=heun");
  EXPECT_FALSE(device.capabilities().increments_markov);
  device.set_step_time_units(0.02);
  Program program(device.capabilities(), 64);
  program.load(CellSection::j2, 0.5f).load(CellSection::j4, 0).load_temperature(1).commit().evolve(device.ticks(8));
  Mean square;
  for (const auto& state : last_states(device, program, 128, 8))
    for (const float x : state) square.add(static_cast<double>(x) * x);
  expect_mean(square, reference::stationary_covariance(network)(0, 0), "<x^2>");
}

// -- sections, couplers, noise addresses ------------------------------------------------------------------------------

TEST(Sections, RampAsTheParametersOfQuarticCellsDo) {
  // T = 0: a phase with nothing but a frequency that rises from 0 to 2 in 50 steps of dt: th = dt sum 2 r/50.
  Device device = open("func:cell=phase&cells=3&lanes=1&threads=1");
  device.set_step_time_units(0.01);
  Program program(device.capabilities(), 3);
  program.load(CellSection::j2, 0).load_temperature(0).commit();
  program.load(CellSection::frequency, std::vector<float>{0, 2, -4}).ramp(device.step() * 50);
  const auto state = last_states(device, program, 1, 1)[0];
  EXPECT_EQ(state[0], 0.0f);
  EXPECT_NEAR(state[1], 0.01 * 2 * (49 * 50 / 2) / 50, 1e-5);
  EXPECT_NEAR(state[2], -0.01 * 4 * (49 * 50 / 2) / 50, 1e-5);
}

TEST(Sections, OfADeviceAreReadBackAsApplied) {
  Device device = open("func:cell=underdamped&cells=3&lanes=1&threads=1&reciprocal=no&topology=ring:3");
  Program program(device.capabilities(), 3);
  const std::vector<float> kT{0.5f, 1, 2}, mass{1, 2, 3};
  program.readback(CellSection::mass).readback(CellSection::kT);
  program.load(CellSection::kT, kT).load(CellSection::mass, mass).load(CellSection::damping, 0.25f);
  program.load_coupler_values(std::vector<float>{1, 2, 3, 4, 5, 6}).commit();
  program.readback(CellSection::kT).readback(CellSection::mass).readback(CellSection::damping).readback_couplings();
  const Result result = device.run(program);
  EXPECT_EQ(result.readback[0], (std::vector<float>{1, 1, 1}));
  EXPECT_EQ(result.readback[1], (std::vector<float>{1, 1, 1}));
  EXPECT_EQ(result.readback[2], kT);
  EXPECT_EQ(result.readback[3], mass);
  EXPECT_EQ(result.readback[4], (std::vector<float>{0.25f, 0.25f, 0.25f}));
  EXPECT_EQ(result.readback[5], (std::vector<float>{0, 1, 3, 2, 0, 5, 4, 6, 0})) << "couplers (0,1) (0,2) (1,2)";
}

TEST(Codes, HoldTheTemperaturesThatAProfilePromises) {
  Device device = open("func:profile=coded&cells=5&threads=1");
  const std::vector<float> kT{1, 2, 0.0625f, 3.4375f, 7.9375f};
  Program program(device.capabilities(), 5);
  program.load(CellSection::kT, kT).commit().readback(CellSection::kT);
  const Result result = device.run(program);
  EXPECT_EQ(result.readback.at(0), kT);
  EXPECT_EQ(result.clips, 0u);

  // One temperature for all is that of each: the same bits.
  std::vector<std::vector<float>> states[2];
  for (const bool each : {false, true}) {
    Program warm(device.capabilities(), 5);
    warm.load(CellSection::j2, 1).load(CellSection::j4, 1);
    each ? warm.load(CellSection::kT, std::vector<float>(5, 1.5f)) : warm.load_temperature(1.5f);
    warm.commit().evolve(device.ticks(0.05));
    states[each] = last_states(device, warm, 3, 4);
  }
  EXPECT_EQ(states[0], states[1]);
}

TEST(Codes, HoldSpinsTurnsAndVelocitiesOfAPartWithConverters) {
  Device bits = open("func:profile=silicon&cells=6&cell=pbit&threads=1");
  Program spins(bits.capabilities(), 6);
  spins.load_temperature(0.5f).commit().evolve(bits.ticks(30)).sample();
  const Result flipped = bits.run(spins);
  for (const float spin : flipped.capture.state(0, 0)) EXPECT_EQ(std::abs(spin), 1.0f);

  // A cold phase of frequency w makes w t / 2 pi turns, up and down.
  Device phases = open("func:profile=silicon&cells=3&cell=phase&threads=1");
  Program turning(phases.capabilities(), 3);
  turning.load(CellSection::frequency, std::vector<float>{1.5f, -2.25f, 8}).load_temperature(0.01f).commit();
  turning.clamp(0, 3, 0).evolve(phases.capture_period(Ticks{1})).release(0, 3).sample();
  turning.evolve(phases.ticks(300)).sample();
  JobOptions options;
  options.capture_cells = 6;
  const Result turned = phases.run(turning, options);
  const auto before = turned.capture.state(0, 0), after = turned.capture.state(0, 1);
  for (std::size_t i = 0; i < 3; ++i) {
    const double turns = (after[3 + i] - before[3 + i]) + (after[i] - before[i]) / (2 * std::numbers::pi);
    // Noise moves a phase by sqrt(2 mu kT t) = 2.4, 0.4 turns.
    const double frequency[] = {1.5, -2.25, 8.0};
    EXPECT_NEAR(turns, frequency[i] * 300 / (2 * std::numbers::pi), 4.5 * 0.39) << i;
    EXPECT_EQ(after[3 + i], std::nearbyint(after[3 + i]));
  }
  EXPECT_EQ(turned.capture_clips, 0u);
  Program fast(phases.capabilities(), 3);
  fast.load(CellSection::frequency, 15).commit().evolve(phases.ticks(400)).sample();
  EXPECT_GT(phases.run(fast, options).capture_clips, 0u) << "955 turns where codes end at 511";
}

TEST(PhaseCells, HaveTheirTurnsCountedExactly) {
  for (const char* uri : {"func:cell=phase&cells=2&threads=1", "tlm:cell=phase&cells=2"}) {
    SCOPED_TRACE(uri);
    Device device = open(uri);
    ASSERT_TRUE(device.capabilities().whole_turns);
    Program program(device.capabilities(), 2);
    program.load(CellSection::frequency, std::vector<float>{9.1e5f, -8.7e5f}).load_temperature(0).commit();
    program.evolve(device.ticks(150)).sample();
    JobOptions options{.shots = 2, .seed = 3};
    options.capture_first = 1, options.capture_cells = 3;
    const Result result = device.run(program, options);
    ASSERT_EQ(result.capture.whole_turns(), 2u);
    const double up = std::nearbyint(9.1e5 * 150 / (2 * std::numbers::pi)),
                 down = std::nearbyint(-8.7e5 * 150 / (2 * std::numbers::pi));
    for (std::uint32_t shot = 0; shot < 2; ++shot) {
      EXPECT_EQ(result.capture.value(shot, 0, 1), up) << "beyond 2^24";
      EXPECT_EQ(result.capture.value(shot, 0, 2), down);
      EXPECT_EQ(result.capture.state(shot, 0)[1], static_cast<float>(up));
      EXPECT_EQ(result.capture.value(shot, 0, 0), result.capture.state(shot, 0)[0]) << "a phase";
    }
    EXPECT_EQ(result.capture_clips, 0u);
  }
  EXPECT_FALSE(open("func:profile=silicon&cell=phase&cells=2").capabilities().whole_turns) << "codes";
  EXPECT_FALSE(open("func:cells=2").capabilities().whole_turns);
}

TEST(SparseCouplings, AsAMatrixAndAsAListAreTheSame) {
  Device device = open("func:topology=king:4x3&lanes=4&threads=1");
  const Capabilities& caps = device.capabilities();
  ASSERT_TRUE(caps.sparse());
  EXPECT_EQ(caps.cells, 12u);
  EXPECT_EQ(caps.couplers().size(), 29u);
  EXPECT_EQ(caps.couplers()[0], (Coupler{0, 1}));
  // Ten cells: the couplers of the last two are not part of the program.
  const auto job = [&](bool list) {
    Program program(caps, 10);
    std::vector<float> matrix(100, 0.0f), values;
    for (const Coupler& at : program.couplers()) {
      values.push_back(0.1f * static_cast<float>(at.i) - 0.05f * static_cast<float>(at.j));
      matrix[at.i * 10 + at.j] = matrix[at.j * 10 + at.i] = values.back();
    }
    EXPECT_EQ(values.size(), 22u);
    program.load(CellSection::j2, 1).load(CellSection::j4, 1);
    if (list) program.load_coupler_values(values);
    else program.load_couplings(matrix);
    program.commit().evolve(device.ticks(0.2));
    return last_states(device, program, 4, 9);
  };
  EXPECT_EQ(job(true), job(false));
}

TEST(Refinement, FollowsOneBrownianPathAtEveryStep) {
  Device device = open("func:cells=5&lanes=2&threads=1");
  const auto path = [&](double step, std::uint32_t level) {
    device.set_step_time_units(step);
    Program program(device.capabilities(), 5);
    program.load(CellSection::j2, 0).load(CellSection::j4, 0).load_temperature(1).commit();
    program.capture_start(device.ticks(0.04)).evolve(device.ticks(0.4));
    JobOptions options{.shots = 2, .seed = 11};
    options.refinement = level;
    const Capture capture = device.run(program, options).capture;
    return std::vector<float>(capture.trajectory(1).begin(), capture.trajectory(1).end());
  };
  const std::vector<float> coarse = path(0.04, 0), fine = path(0.005, 3), other = path(0.005, 0);
  ASSERT_EQ(coarse.size(), fine.size());
  float far = 0;
  for (std::size_t k = 0; k < coarse.size(); ++k) {
    EXPECT_NEAR(coarse[k], fine[k], 2e-5);
    far = std::max(far, std::abs(coarse[k] - other[k]));
  }
  EXPECT_GT(far, 0.1f) << "without refinement the paths differ";
}

TEST(ContinuedJobs, OfEveryKindGiveTheBitsOfOneRun) {
  for (const char* keys : {"cells=5&stepper=leimkuhler-matthews", "cells=5&stepper=heun",
                           "cells=5&noise=ornstein-uhlenbeck&noise_time=0.05", "cells=5&noise=pink&noise_time=0.5",
                           "cell=underdamped&cells=5", "cell=phase&topology=ring:5", "cell=rlc&cells=5&stepper=exact-ou",
                           "cell=pbit&topology=grid:2x3", "cell=pbit&cells=5&stepper=random-sequential", "cell=categorical&cells=5"}) {
    SCOPED_TRACE(keys);
    Device device = open("func:lanes=4&threads=1&" + std::string(keys));
    const std::uint32_t cells = device.capabilities().cells;
    const auto evolve = [&](bool first, std::uint64_t steps, std::uint64_t done) {
      Program program(device.capabilities(), cells);
      if (first) program.load(CellSection::bias, 0.3f).load_temperature(0.5f).commit();
      program.evolve(device.step() * steps).sample();
      JobOptions options{.shots = 4, .seed = 21, .first_step = done};
      options.capture_cells = program.variables();
      const Capture capture = device.run(program, options).capture;
      const auto state = capture.state(3, 0);
      return std::vector<float>(state.begin(), state.end());
    };
    const std::vector<float> whole = evolve(true, 31, 0);
    evolve(true, 12, 0);
    EXPECT_EQ(evolve(false, 19, 12), whole);
    evolve(true, 12, 0);
    EXPECT_NE(evolve(false, 19, 13), whole) << "another step number is other noise";
  }
}

// -- refusals ---------------------------------------------------------------------------------------------------------

TEST(CellKinds, RefuseSectionsTheyLackByName) {
  const auto lacks = [](const char* uri, CellSection section, const std::string& part) {
    const Device device = open(uri);
    Program program(device.capabilities(), 2);
    expect_error(HB_UNSUPPORTED, part, [&] { program.load(section, 1); });
  };
  lacks("func:cells=2&threads=1", CellSection::mass, "load(mass): this device's cells are overdamped, which have no mass; they have j2, j4");
  lacks("func:cell=phase&cells=2&threads=1", CellSection::j4, "which have no j4; they have j2, bias, coupling, gain, kT, frequency");
  lacks("func:cell=pbit&cells=2&threads=1", CellSection::j2, "cells are pbit, which have no j2; they have bias, coupling, gain, kT");
  const Device silicon = open("func:profile=silicon&cells=2&threads=1");
  Program program(silicon.capabilities(), 2);
  expect_error(HB_UNSUPPORTED, "load(kT) needs CAPS.KT_PER_CELL",
               [&] { program.load(CellSection::kT, std::vector<float>{0.1f, 0.2f}); });
}

TEST(CellKinds, NameTheEntryOfABadValue) {
  const Device device = open("func:cell=underdamped&topology=chain:3&lanes=1&threads=1");
  Program program(device.capabilities(), 3);
  const auto refused = [&](const std::string& part, auto call) { expect_error(HB_BAD_ARG, part, call); };
  refused("load(mass): value 1 is 0; a mass must be positive",
          [&] { program.load(CellSection::mass, std::vector<float>{1, 0, 1}); });
  refused("load(damping): value 2 is -1", [&] { program.load(CellSection::damping, std::vector<float>{1, 0, -1}); });
  refused("load(kT): value 0 is -0.5; this device takes 0..1000",
          [&] { program.load(CellSection::kT, std::vector<float>{-0.5f, 0, 1}); });
  refused("load(kT): value 1 is nan", [&] { program.load(CellSection::kT, std::vector<float>{0, NAN, 1}); });
  refused("2 values given; cells = 3", [&] { program.load(CellSection::kT, std::vector<float>{0, 1}); });
  refused("entry (0,2) is 1; this device has no coupler between cells 0 and 2",
          [&] { program.load_couplings(std::vector<float>{0, 1, 1, 1, 0, 1, 1, 1, 0}); });
  refused("entry (0,1) is 1 but entry (1,0) is 2; this device's couplings are symmetric",
          [&] { program.load_couplings(std::vector<float>{0, 1, 0, 2, 0, 0, 0, 0, 0}); });
  refused("3 values given; couplers between the program's cells = 2",
          [&] { program.load_coupler_values(std::vector<float>{1, 2, 3}); });
  refused("value 1, of coupler (1,2), is inf", [&] { program.load_coupler_values(std::vector<float>{1, INFINITY}); });
  refused("2 state variables from 5 on; the program has state variables 0..5", [&] { program.set(5, 2, 0.0f); });
  EXPECT_TRUE(program.steps().empty()) << "what was refused is not part of the program";
}

TEST(UnstableSteps, AreRefusedWithTheLongestStableOne) {
  Device device = open("func:cells=4&lanes=1&threads=1");
  const auto job = [&](float j2, float gain) {
    Program program(device.capabilities(), 4);
    std::vector<float> matrix(16, 1.0f);
    for (int i = 0; i < 4; ++i) matrix[static_cast<std::size_t>(5 * i)] = 0;
    program.load(CellSection::j2, j2).load(CellSection::j4, 0).load_couplings(matrix).load_gain(gain).commit();
    program.evolve(device.step() * 3);
    device.run(program);
  };
  // lambda_max of the complete graph of 4 is 3, so dt < 2/(3 gain + 2 J2).
  device.set_step_time_units(0.1);
  EXPECT_NO_THROW(job(5, 3.32f));
  expect_error(HB_UNSTABLE, "instruction 4 (COMMIT): the step of 100000 ticks is too long for the parameters; the longest stable one is",
               [&] { job(5, 3.34f); });
  expect_error(HB_UNSTABLE, "the longest stable one is 49999 ticks (0.049999 time units)", [&] { job(5, 10); });
  EXPECT_NO_THROW(job(5, -9.9f)) << "of -J it is 1, although its rows sum to 3";
  EXPECT_NO_THROW(job(-20, 10)) << "an unstable fixed point is no unstable step";

  // The step is checked for the end of a ramp; for its start it was checked when that became live. In between nothing
  // is worse where one gain or one set of couplings stays.
  const auto ramp = [&](float j2_first, float gain_first, float j2_last, float gain_last) {
    Program program(device.capabilities(), 4);
    std::vector<float> matrix(16, 1.0f);
    for (int i = 0; i < 4; ++i) matrix[static_cast<std::size_t>(5 * i)] = 0;
    program.load(CellSection::j2, j2_first).load(CellSection::j4, 0).load_couplings(matrix).load_gain(gain_first).commit();
    program.load(CellSection::j2, j2_last).load_gain(gain_last).ramp(device.step() * 8).sample();
    return device.run(program);
  };
  EXPECT_NO_THROW(ramp(0, 3.32f, 5, 3.32f));
  expect_error(HB_UNSTABLE, "instruction 7 (RAMP): the step of 100000 ticks is too long for the parameters at the end of the ramp; the longest stable one is 49999 ticks",
               [&] { ramp(5, 3.32f, 5, 10); });
  expect_error(HB_UNSTABLE, "(RAMP): the step of 100000 ticks is too long for the parameters at the end of the ramp", [&] { ramp(0, 0, 11, 0); });
  expect_error(HB_UNSTABLE, "instruction 4 (COMMIT): the step of 100000 ticks is too long for the parameters; the longest",
               [&] { ramp(5, 10, 5, 3.32f); });
  EXPECT_EQ(ramp(1, 5.9f, 9.9f, 0).rails, 0u) << "of a gain that falls while the cells stiffen";

  Device railed = open("func:cells=4&lanes=1&threads=1&rail=3&refuse_unstable=rail");
  const auto quartic = [&](double step) {
    railed.set_step_time_units(step);
    Program program(railed.capabilities(), 4);
    program.load(CellSection::j2, 1).load(CellSection::j4, 1).commit().evolve(railed.step() * 10);
    railed.run(program);
  };
  EXPECT_NO_THROW(quartic(0.018)) << "2/(2 + 12 x 9) = 0.01818";
  expect_error(HB_UNSTABLE, "the longest stable one is 18181 ticks", [&] { quartic(0.01819); });
}

TEST(UnstableSteps, AreRefusedForEveryKindOfCell) {
  // One linear mode of each kind, at its default step of 1e-3, a little below and above its bound.
  const auto run = [](const std::string& uri, float j2, float damping, float bias = 0) {
    Device device = open("func:cells=2&lanes=1&threads=1&" + uri);
    Program program(device.capabilities(), 2);
    program.load(CellSection::j2, j2).load(CellSection::bias, bias);
    if (uri.find("underdamped") != std::string::npos || uri.find("rlc") != std::string::npos)
      program.load(CellSection::damping, damping);
    if (uri.find("phase") == std::string::npos) program.load(CellSection::j4, 0);
    program.commit().evolve(device.step() * 3);
    device.run(program);
  };
  for (const std::string kind : {"cell=underdamped", "cell=rlc"}) {
    SCOPED_TRACE(kind);
    EXPECT_NO_THROW(run(kind + "&stepper=euler-maruyama", 50, 0.102f)) << "damping / omega^2 = 1.02e-3";
    expect_error(HB_UNSTABLE, "(COMMIT): the step of 1000 ticks is too long for the parameters; the longest stable one is",
                 [&] { run(kind + "&stepper=euler-maruyama", 50, 0.098f); });
    EXPECT_NO_THROW(run(kind + "&stepper=baoab", 0.995e6f, 1)) << "omega dt = 1.41";
    EXPECT_NO_THROW(run(kind + "&stepper=heun", 50, 0.01f));
    expect_error(HB_UNSTABLE, "the longest stable one is", [&] { run(kind + "&stepper=heun", 5e4f, 1); });
    EXPECT_NO_THROW(run(kind + "&stepper=exact-ou", 5e5f, 0));
  }
  for (const std::string stepper : {"euler-maruyama", "heun", "leimkuhler-matthews"}) {
    EXPECT_NO_THROW(run("cell=phase&stepper=" + stepper, 0, 0, -1990));
    expect_error(HB_UNSTABLE, "the longest stable one is 996 ticks",
                 [&] { run("cell=phase&stepper=" + stepper, 0, 0, 2008); });
  }
  expect_error(HB_UNSTABLE, "none is short enough: one tick (1e-06 time units) is too long already",
               [&] { run("stepper=euler-maruyama", 1e6f, 0); });
}

TEST(UnstableSteps, AreThoseOfTheCellsThatMove) {
  Device device = open("func:cells=2&lanes=1&threads=1");
  const auto job = [&](bool release) {
    Program program(device.capabilities(), 2);
    program.clamp(1, 1, 0.5f).load(CellSection::j2, std::vector<float>{1, 2000}).load(CellSection::j4, 0).commit();
    program.evolve(device.step() * 3);
    if (release) program.release(1, 1).evolve(device.step() * 3);
    device.run(program);
  };
  EXPECT_NO_THROW(job(false)) << "the stiff cell is held";
  expect_error(HB_UNSTABLE, "(RELEASE): the step of 1000 ticks is too long for the parameters; the longest stable one is 499 ticks",
               [&] { job(true); });
}

TEST(Parameters, ThatTheArrayCannotHoldNameTheCell) {
  Device linear = open("func:cells=3&lanes=1&threads=1&stepper=exact-ou");
  Program quartic(linear.capabilities(), 3);
  quartic.load(CellSection::j2, 1).load(CellSection::j4, std::vector<float>{0, 0, 1}).commit();
  expect_error(HB_BAD_PROGRAM, "instruction 2 (COMMIT): J4 of cell 2 is not zero; the exact-ou stepper takes linear cells only",
               [&] { linear.run(quartic); });

  Device board = open("func:cell=rlc&cells=3&lanes=1&threads=1");
  Program loose(board.capabilities(), 3);
  loose.load(CellSection::mass, 1).load_couplings(std::vector<float>{0, 0, 0, 0, 0, -2, 0, -2, 0}).commit();
  expect_error(HB_BAD_PROGRAM, "capacitance matrix is not positive definite: its pivot of node 2", [&] { board.run(loose); });
}

TEST(Steps, OfPbitsAreSweeps) {
  Device device = open("func:cell=pbit&cells=8&lanes=1&threads=1");
  device.set_step_time_units(0.5);
  Program program(device.capabilities(), 8);
  program.evolve(device.ticks(2));
  expect_error(HB_BAD_ARG, "DT_TICKS: BAD_ARG: the step of 500000 ticks makes no whole sweep", [&] { device.run(program); });
  Device random = open("func:cell=pbit&cells=8&lanes=1&threads=1&stepper=random-sequential");
  random.set_step_time_units(0.01);
  expect_error(HB_BAD_ARG, "is 0.08 updates of 8 cells at random", [&] { random.run(program); });
}

TEST(Refinement, IsRefusedWhereThereIsNone) {
  const auto run = [](const char* uri, std::uint32_t level, bool seed) {
    Device device = open(uri);
    Program program(device.capabilities(), 2);
    program.evolve(device.ticks(1));
    JobOptions options;
    if (seed) options.seed = 1;
    options.refinement = level;
    device.run(program, options);
  };
  expect_error(HB_UNSUPPORTED, "needs CAPS.REFINEMENT", [&] { run("func:cell=pbit&cells=2&lanes=1&threads=1", 1, true); });
  expect_error(HB_BAD_ARG, "refinement 9; levels are 0..8", [&] { run("func:cells=2&lanes=1&threads=1", 9, true); });
  expect_error(HB_BAD_ARG, "without a seed", [&] { run("func:cells=2&lanes=1&threads=1", 1, false); });
}

TEST(Programs, BuiltForAnotherArrayAreRefused) {
  Device device = open("func:topology=chain:4&lanes=1&threads=1");
  for (const char* other : {"func:topology=ring:4&lanes=1&threads=1", "func:cells=4&lanes=1&threads=1",
                            "func:cell=underdamped&topology=chain:4&lanes=1&threads=1"}) {
    const Program program(open(other).capabilities(), 2);
    expect_error(HB_BAD_ARG, "built for another device", [&] { device.run(program); });
  }
}

}  // namespace
}  // namespace heatbath
