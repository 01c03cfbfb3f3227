// Calibrations: what they correct, whom they refuse, and figures of an emulated chip beside its own.
#include "heatbath/network/calibration.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <cmath>
#include <cstring>
#include <tuple>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "heatbath/network/scaling.hpp"
#include "heatbath/network/shots.hpp"
#include "heatbath/open.hpp"
#include "tests/network/message_of.hpp"
#include "tests/network/part_figures.hpp"

namespace heatbath::network {
namespace {

using testing::PartFigures;
using testing::Scores;
using ::testing::HasSubstr;

TEST(Calibration, OfANominalChipIsOne) {
  Device device = open("func:cells=12&lanes=16&threads=1");
  device.set_step_time_units(0.005);
  const Calibration calibration = calibrate(device, {.effort = 1});
  ASSERT_EQ(calibration.cells.size(), 12u);
  ASSERT_EQ(calibration.couplers.size(), 66u);
  Scores gains, offsets, temperatures, couplers;
  for (const CellFigures& cell : calibration.cells) {
    gains.add(cell.j2_gain, 1), gains.add(cell.j4_gain, 1), gains.add(cell.bias_gain, 1);
    offsets.add(cell.bias_offset, 0);
    temperatures.add(cell.temperature, 1);
    EXPECT_LT(cell.j2_gain.standard_error, 0.01);
  }
  for (const CouplerFigures& one : calibration.couplers) couplers.add(one.gain, 1), couplers.add(one.offset, 0);
  EXPECT_NEAR(calibration.step.value, 0.005, 4.5 * calibration.step.standard_error);
  EXPECT_LT(calibration.step.standard_error, 0.001);
  // Of n scores the root mean square is 1 +- 1/sqrt(2 n): 5 of these, and a little for what they share.
  EXPECT_NEAR(gains.root_mean_square(), 1, 0.65);
  EXPECT_NEAR(offsets.root_mean_square(), 1, 1.0);
  EXPECT_NEAR(temperatures.root_mean_square(), 1, 1.0);
  EXPECT_NEAR(couplers.root_mean_square(), 1, 0.35);
}

TEST(Calibration, FindsWhatThePartDoes) {
  constexpr std::uint32_t cells = 12;
  constexpr std::uint64_t chip = 7;
  Device device = open("func:profile=hb-1024&cells=12&threads=1&chip=7");
  const Calibration calibration = calibrate(device, {.effort = 0.3});
  EXPECT_EQ(calibration.serial, chip);
  PartFigures part(chip);
  const testing::ActingFigures acting(part, cells, 0.88, device.time_units(device.now()));
  Scores offsets, gains;
  for (std::uint32_t i = 0; i < cells; ++i) {
    offsets.add(calibration.cells[i].bias_offset, acting.bias[i].offset);
    EXPECT_NEAR(calibration.cells[i].bias_gain.value, acting.bias[i].gain, 6 * calibration.cells[i].bias_gain.standard_error + 0.004);
  }
  for (const CouplerFigures& coupler : calibration.couplers)
    gains.add(coupler.gain, acting.coupling_factor * static_cast<double>(part.mismatch.coupling_gain(coupler.i, coupler.j)));
  // 1.3 and three standard errors of a root mean square.
  EXPECT_LT(offsets.root_mean_square(), 1.3 + 3 / std::sqrt(2.0 * cells));
  EXPECT_LT(gains.root_mean_square(), 1.3 + 3 / std::sqrt(2.0 * 66));
}

/// Values of the program's operand `index`, of a device with float32 parameters.
std::vector<float> operand(const Program& program, std::size_t index) {
  const std::vector<std::byte>& bytes = *program.operands().at(index).bytes;
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

/// A calibration of the three cells of this device, all of whose figures are off.
Calibration of_three(Device& device) {
  Calibration calibration;
  const Identity& chip = device.identity();
  calibration.vendor = chip.vendor, calibration.part = chip.part, calibration.serial = chip.serial;
  calibration.cells.resize(3);
  for (std::uint32_t i = 0; i < 3; ++i)
    calibration.cells[i] = {{1.1, 0.01, 1}, {0.9, 0.01, 1}, {0.95, 0.01, 1}, {0.05 * i, 0.01, 1}, {1, 0.01, 1}};
  calibration.couplers = {{0, 1, {1.2, 0.01, 1}, {0.01, 0.01, 1}}, {0, 2, {0.8, 0.01, 1}, {-0.02, 0.01, 1}}, {1, 2, {1, 0.01, 1}, {0, 0.01, 1}}};
  return calibration;
}

TEST(Calibration, LoadedValuesBecomeTheWantedOnes) {
  Device device = open("func:cells=4&threads=1");
  Calibration calibration = of_three(device);
  const auto loaded_of = [&] {
    correct(device, calibration);
    Program program(device.capabilities(), 3);
    program.load(CellSection::j2, 1.5f).load(CellSection::j4, 0.5f).load(CellSection::bias, std::vector<float>{0.25f, 0.25f, 0.25f});
    program.load_bias_per_shot(std::vector<float>(6, -0.5f), 2);
    return program.load_coupling_list(std::vector<Coupling>{{0, 1, 0.3f}, {2, 1, -0.2f}}).load_couplings(std::vector<float>{0, 0.3f, 0, 0.3f, 0, -0.2f, 0, -0.2f, 0});
  };
  const Program program = loaded_of();
  for (std::uint32_t i = 0; i < 3; ++i) {
    const CellFigures& cell = calibration.cells[i];
    EXPECT_NEAR(cell.j2_gain.value * operand(program, 0)[i], 1.5, 1e-6);
    EXPECT_NEAR(cell.j4_gain.value * operand(program, 1)[i], 0.5, 1e-6);
    EXPECT_NEAR(cell.bias_gain.value * operand(program, 2)[i] + cell.bias_offset.value, 0.25, 1e-6);
    for (const std::uint32_t shot : {0u, 1u}) EXPECT_NEAR(cell.bias_gain.value * operand(program, 3)[3 * shot + i] + cell.bias_offset.value, -0.5, 1e-6);
  }
  const double applied[] = {0.3, 0, -0.2};  // the one between: what cancels its offset
  for (const std::size_t of : {4u, 5u}) {
    ASSERT_EQ(operand(program, of).size(), 3u);
    for (std::size_t k = 0; k < 3; ++k)
      EXPECT_NEAR(calibration.couplers[k].gain.value * operand(program, of)[k] + calibration.couplers[k].offset.value, applied[k], 1e-6);
  }
  calibration.cells[1].temperature.value = 1.1;
  EXPECT_NEAR(operand(loaded_of(), 0)[1], 1.1 * static_cast<double>(operand(program, 0)[1]), 1e-6);

  EXPECT_THAT(message_of([&] { Program(device.capabilities(), 4).load(CellSection::j2, 1.0f); }, HB_BAD_ARG),
              HasSubstr("4 cells; the calibration of the device is of 3"));
  device.correct(nullptr);
  EXPECT_THAT(message_of([&] { device.run(program, {.shots = 2}); }, HB_BAD_ARG), HasSubstr("made before Device::correct"));
  EXPECT_EQ(Program(device.capabilities(), 4).load(CellSection::j2, 1.0f).operands().size(), 0u) << "the same for all, again";
}

TEST(Calibration, LoadsOfSparseChipsAndBothDirectionsAreCorrected) {
  Device sparse = open("func:topology=grid:3x1&threads=1");
  Calibration calibration = of_three(sparse);
  calibration.couplers.erase(calibration.couplers.begin() + 1);
  correct(sparse, calibration);
  Program program(sparse.capabilities(), 3);
  program.load_couplings(0.5f).load_coupler_values(std::vector<float>{0.5f, 0.5f});
  for (const std::size_t of : {0u, 1u})
    for (std::size_t k = 0; k < 2; ++k)
      EXPECT_NEAR(calibration.couplers[k].gain.value * operand(program, of)[k] + calibration.couplers[k].offset.value, 0.5, 1e-6);

  Device full = open("func:cells=3&reciprocal=no&threads=1");
  calibration = of_three(full);
  correct(full, calibration);
  Program both(full.capabilities(), 3);
  both.load_couplings(0.5f);
  for (const auto& [i, j, k] : {std::tuple(0, 1, 0), std::tuple(1, 0, 0), std::tuple(0, 2, 1), std::tuple(2, 1, 2)})
    EXPECT_NEAR(calibration.couplers[static_cast<std::size_t>(k)].gain.value * operand(both, 0)[static_cast<std::size_t>(3 * i + j)] +
                    calibration.couplers[static_cast<std::size_t>(k)].offset.value, 0.5, 1e-6);
  EXPECT_THAT(message_of([&] { both.load_coupling_list(std::vector<Coupling>{{0, 1, 0.3f}}); }, HB_UNSUPPORTED),
              HasSubstr("differ in their two directions"));
}

TEST(Calibration, AStepThatMakesVariancesTooLargeIsMadeUpFor) {
  // Euler and Maruyama's step makes the covariance of a linear network kT (B - B^2 dt/2)^-1.
  Network wanted(CellKind::overdamped, 3);
  wanted.set(CellSection::j4, 0.0).set(CellSection::j2, std::vector<double>{2, 1.5, 1}).set(CellSection::bias, std::vector<double>{1, -2, 0.5});
  wanted.set_couplings(std::vector<Edge>{{0, 1, 1.0}, {1, 2, -0.5}});
  const auto matrix = [](const Network& of) {
    std::vector<double> A(9);
    for (std::uint32_t i = 0; i < 3; ++i) A[4 * i] = 2 * of.value(CellSection::j2, i);
    for (const Edge& edge : of.couplings()) A[3 * edge.i + edge.j] = A[3 * edge.j + edge.i] = edge.value;
    return A;
  };
  const Network loaded = stiffened(wanted, 0.02, {});
  const std::vector<double> A = matrix(wanted), B = matrix(loaded);
  double worst = 0, uncorrected = 0;
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j) {
      double is = B[3 * i + j], without = A[3 * i + j];
      for (std::size_t l = 0; l < 3; ++l) is -= 0.01 * B[3 * i + l] * B[3 * l + j], without -= 0.01 * A[3 * i + l] * A[3 * l + j];
      worst = std::max(worst, std::abs(is - A[3 * i + j]));
      uncorrected = std::max(uncorrected, std::abs(without - A[3 * i + j]));
    }
  EXPECT_LT(worst, 0.1 * uncorrected);
  // Biases keep the mean: B^-1 b' = A^-1 b, that is b' = B A^-1 b; here from A b: (1 + A step/2) b.
  for (std::uint32_t i = 0; i < 3; ++i) {
    double moved = wanted.value(CellSection::bias, i);
    for (std::uint32_t j = 0; j < 3; ++j) moved += 0.01 * A[3 * i + j] * wanted.value(CellSection::bias, j);
    EXPECT_NEAR(loaded.value(CellSection::bias, i), moved, 1e-12);
  }
  // Wells of x^4 have other variances: they are left as they are.
  wanted.set(CellSection::j4, 1.0);
  EXPECT_EQ(stiffened(wanted, 0.02, {}).value(CellSection::j2, 0), 2);
}

TEST(Calibration, AnotherChipAndExpiryAreRefusedByName) {
  Calibration calibration;
  calibration.vendor = 1, calibration.part = 2, calibration.serial = 3;
  calibration.made_at = 1000, calibration.valid_seconds = 60;
  Identity chip;
  chip.vendor = 1, chip.part = 2, chip.serial = 3;
  calibration.require(chip, {.seconds = 1060});
  EXPECT_THAT(message_of([&] { calibration.require(chip, {.seconds = 1061}); }, HB_BAD_ARG), HasSubstr("calibration expired: it was made 61 s ago"));
  calibration.require(chip, {.seconds = 1061}, Expired::used);
  chip.serial = 4;
  EXPECT_THAT(message_of([&] { calibration.require(chip, {.seconds = 1010}, Expired::used); }, HB_BAD_ARG),
              HasSubstr("calibration of another chip: it is of vendor 1, part 2, serial 3, the device is vendor 1, part 2, serial 4"));
}

TEST(Calibration, StatesAreRefusedByNameBeforeEachJob) {
  Calibration calibration;
  calibration.made_time = 100, calibration.valid_time = 50, calibration.resets = 2;
  calibration.die_temperature = 305, calibration.valid_kelvin = 3;
  ChipCondition now{.seconds = 0, .resets = 2, .time = 149, .kelvin = 303};
  EXPECT_EQ(calibration.standing(now).state, CalibrationState::valid);
  EXPECT_NEAR(calibration.standing(now).left, 0.02, 1e-12);
  now.time = 151;
  EXPECT_EQ(calibration.standing(now).state, CalibrationState::expired);
  EXPECT_THAT(calibration.standing(now).why, HasSubstr("calibration expired: the device has worked 51 time units"));
  now.resets = 3;  // how long it has worked since then is not known
  EXPECT_EQ(calibration.standing(now).state, CalibrationState::valid);
  now.kelvin = 301;
  EXPECT_EQ(calibration.standing(now).state, CalibrationState::needed);
  EXPECT_THAT(calibration.standing(now).why, HasSubstr("calibration needed: the die is at 301 K"));

  Device device = open("func:cells=2&threads=1");
  const Identity chip = device.identity();
  calibration.vendor = chip.vendor, calibration.part = chip.part, calibration.serial = chip.serial;
  const ChipCondition fresh = condition_of(device);
  calibration.resets = fresh.resets, calibration.made_time = fresh.time;
  calibration.cells.resize(2);
  correct(device, calibration);
  Program program(device.capabilities(), 2);
  program.load(CellSection::j2, 1.0f).commit().evolve(device.ticks(40)).sample();
  EXPECT_EQ(device.run(program).capture.shots(), 1u);  // 40 of 50 time units
  EXPECT_EQ(device.run(program).capture.shots(), 1u);  // valid when it began
  EXPECT_THAT(message_of([&] { device.run(program); }, HB_BAD_ARG), HasSubstr("calibration expired: the device has worked"));
  EXPECT_THAT(message_of([&] { correct(device, calibration); }, HB_BAD_ARG), HasSubstr("calibration expired"));
  correct(device, calibration, Expired::used);
  Program again(device.capabilities(), 2);
  again.load(CellSection::j2, 1.0f).commit().evolve(device.ticks(40)).sample();
  EXPECT_EQ(device.run(again).capture.shots(), 1u);
}

/// An ideal chip whose gains fall as (1 + t/onset)^-exponent.
class DriftingChip {
 public:
  static constexpr double exponent = 0.05, onset = 2000;
  DriftingChip() : path_(std::filesystem::temp_directory_path() / ("heatbath_drifting_" + std::to_string(::getpid()) + ".toml")) {
    std::ofstream(path_) << "[array]\ncells = 8\nlanes = 16\n[time]\ndt_ticks = 5000\n[drift]\nexponent = " << exponent << "\nonset = " << onset << "\n";
  }
  ~DriftingChip() { std::filesystem::remove(path_); }
  std::string uri() const { return "func:profile=" + path_.string() + "&threads=1"; }
  static double gain(double time) { return std::pow(1 + time / onset, -exponent); }

 private:
  std::filesystem::path path_;
};

TEST(Calibration, ExpiryComesBeforeAccuracyIsLostAndACalibrationFollowsTheDrift) {
  const DriftingChip chip;
  Device device = open(chip.uri());
  const auto time = [&] { return device.time_units(device.now()); };
  const auto calibrated = [&] {
    const Calibration calibration = calibrate(device, {.effort = 0.5});
    const double is = DriftingChip::gain(time());
    double gain = 0, stiffness = 0;
    for (const CouplerFigures& one : calibration.couplers) gain += one.gain.value / 28;
    for (const CellFigures& one : calibration.cells) stiffness += one.j2_gain.value / 8;
    // While it was measured they fell by 0.02 and more; what is left is the bend of the law, of which a line knows nothing.
    EXPECT_NEAR(gain, is, 0.004) << "after " << time();
    EXPECT_NEAR(stiffness, is, 0.004) << "after " << time();
    // d ln gain/dt, of the line through the time of the measurement.
    EXPECT_LT(calibration.cell_rate.value, -0.5 * DriftingChip::exponent / (DriftingChip::onset + time()));
    return calibration;
  };
  Program work(device.capabilities(), 8);
  work.load(CellSection::j2, 1.0f).commit().evolve(device.ticks(25));
  double first_gain = 0;
  for (int round = 0; round < 2; ++round) {
    const Calibration calibration = calibrated();
    const double made = time();
    double valid_until = made;
    while (calibration.standing(condition_of(device)).state == CalibrationState::valid) {
      valid_until = time();
      device.run(work);
      ASSERT_LT(time(), 100 * made);
    }
    const double changed = 1 - DriftingChip::gain(valid_until) / DriftingChip::gain(made);
    EXPECT_LT(changed, 0.02) << "it was said to be valid";
    EXPECT_GT(changed, 0.005) << "it would be measured again for nothing";
    EXPECT_THAT(message_of([&] { correct(device, calibration); }, HB_BAD_ARG), HasSubstr("calibration expired"));
    if (round == 0) first_gain = calibration.couplers[0].gain.value;
    else EXPECT_LT(calibration.couplers[0].gain.value, first_gain - 0.005);
  }
}

TEST(Calibration, WhatItCannotCorrectIsNamed) {
  Device device = open("func:cells=3&threads=1");
  Calibration calibration = of_three(device);
  calibration.cells[1].j2_gain.value = 0.01;
  calibration.couplers[1].gain.value = 0.01;
  correct(device, calibration);
  Program program(device.capabilities(), 3);
  EXPECT_THAT(message_of([&] { program.load(CellSection::j2, 1.0f); }, HB_UNSUPPORTED), HasSubstr("cell 1 is dead"));
  EXPECT_THAT(message_of([&] { program.load_couplings(1.0f); }, HB_UNSUPPORTED), HasSubstr("the coupler of cells 0 and 2 is dead"));
  program.load_coupling_list(std::vector<Coupling>{{0, 1, 1.0f}});  // a dead one may stay at 0
  correct(device, calibration, Expired::refused, Dead::left);
  Program left(device.capabilities(), 3);
  left.load(CellSection::j2, 1.5f).load_couplings(0.5f);
  EXPECT_EQ(operand(left, 0)[1], 1.5f);
  EXPECT_EQ(operand(left, 1)[1], 0.5f);
  EXPECT_NEAR(1.1 * static_cast<double>(operand(left, 0)[0]), 1.5, 1e-6);
  Device phases = open("func:cell=phase&cells=4&threads=1");
  EXPECT_THAT(message_of([&] { (void)calibrate(phases); }, HB_UNSUPPORTED), HasSubstr("overdamped cells and p-bits are calibrated"));
}

TEST(Calibration, CouplersThatAreUsedAreSeenFromFewCells) {
  // Two cells that couple to eight others, which do not couple to each other.
  CalibrateOptions how{.effort = 0.02};
  for (const std::uint32_t i : {0u, 1u})
    for (std::uint32_t j = 2; j < 10; ++j) how.used.push_back({i, j});
  Device device = open("func:cells=10&lanes=16&threads=1");
  (void)calibrate(device, {.effort = 0.02, .couplers = false});
  const double of_cells = device.work().samples;
  const Calibration some = calibrate(device, how);
  const double of_used = device.work().samples - 2 * of_cells;
  const Calibration all = calibrate(device, {.effort = 0.02});
  const double of_all = device.work().samples - 3 * of_cells - of_used;
  EXPECT_NEAR(of_used / of_all, 0.2, 0.01) << "two clamped cells in place of ten";
  ASSERT_EQ(some.couplers.size(), 16u);
  ASSERT_EQ(all.couplers.size(), 45u);
  testing::Scores scores;
  for (std::size_t k = 0; k < 16; ++k) {
    EXPECT_EQ(some.couplers[k].i, how.used[k].i);
    EXPECT_EQ(some.couplers[k].j, how.used[k].j);
    scores.add(some.couplers[k].gain, 1), scores.add(some.couplers[k].offset, 0);
  }
  EXPECT_LT(scores.root_mean_square(), 1.3 + 3 / std::sqrt(64.0));
  how.used.front() = {1, 0};
  EXPECT_THAT(message_of([&] { (void)calibrate(device, how); }, HB_BAD_ARG), HasSubstr("used coupler 0 is (1,0)"));
}

TEST(Calibration, CurvesAndCouplersOfPbitsAreThoseOfThePart) {
  const auto path = std::filesystem::temp_directory_path() / ("heatbath_pbits_" + std::to_string(getpid()) + ".toml");
  std::ofstream(path) << "[array]\ncell = \"pbit\"\nlanes = 16\nlanes_max = 16\n[parameters]\nstorage = \"code16\"\nbits = 12\nrange_coupling = 4.0\nrange_bias = 8.0\n"
                         "range_j2 = 1.0\nrange_j4 = 1.0\nrange_mass = 1.0\nrange_damping = 1.0\nrange_frequency = 1.0\n[temperature]\nkT_max = 8.0\n"
                         "[mismatch]\nbias_gain_sd = 0.05\nbias_offset_sd_steps = 20.0\ncoupling_gain_sd = 0.05\ncoupling_offset_sd_steps = 10.0\n[defects]\nstuck_cells = \"7:-1\"\n";
  constexpr std::uint32_t cells = 8;
  Device device = open("func:profile=" + path.string() + "&cells=8&chip=5&threads=1");
  testing::PartFigures part(5, path.string());
  std::filesystem::remove(path);
  const std::vector<float> at_0 = part.loaded(HB_SECTION_BIAS, cells, 0), at_1 = part.loaded(HB_SECTION_BIAS, cells, 1);
  const Calibration calibration = calibrate(device, {.effort = 1});
  testing::Scores gains, offsets, of_couplers;
  for (std::uint32_t i = 0; i + 1 < cells; ++i) {
    gains.add(calibration.cells[i].bias_gain, static_cast<double>(at_1[i] - at_0[i]));
    offsets.add(calibration.cells[i].bias_offset, static_cast<double>(at_0[i]));
    EXPECT_LT(calibration.cells[i].bias_gain.standard_error, 0.01);
  }
  EXPECT_EQ(calibration.cells[7].bias_gain.value, 0) << "a cell that never turns";
  ASSERT_EQ(calibration.couplers.size(), 28u);
  for (const CouplerFigures& one : calibration.couplers)
    if (one.j != 7) {
      of_couplers.add(one.gain, static_cast<double>(part.mismatch.coupling_gain(one.i, one.j)));
      of_couplers.add(one.offset, static_cast<double>(part.mismatch.coupling_offset(one.i, one.j)));
    }
  // 1 and three standard errors of a root mean square.
  EXPECT_LT(gains.root_mean_square(), 1 + 3 / std::sqrt(2.0 * 7));
  EXPECT_LT(offsets.root_mean_square(), 1 + 3 / std::sqrt(2.0 * 7));
  EXPECT_LT(of_couplers.root_mean_square(), 1 + 3 / std::sqrt(2.0 * 42));

  // Five p-bits that are used have the law of their network, by Scaling and by programs alike.
  Network network(CellKind::pbit, 5);
  network.set(CellSection::bias, std::vector<double>{0.4, -0.3, 0, 0.2, -0.1});
  network.set_couplings(std::vector<Edge>{{0, 1, 0.5}, {1, 2, -0.4}, {2, 3, 0.3}, {3, 4, 0.6}});
  const auto distance = [&] {
    const Scaling scaling(network, device.capabilities(), {.kT = 1, .most_energy = 1});
    Program program = scaling.program();
    program.evolve(device.ticks(50)).loop_begin(4000).evolve(device.ticks(1)).sample().loop_end();
    std::vector<double> means(5);
    const Capture states = device.run(program, {.shots = 16, .seed = 3, .capture_cells = 5}).capture;
    for (std::uint32_t shot = 0; shot < 16; ++shot)
      for (std::uint64_t record = 0; record < states.records(); ++record)
        for (std::size_t i = 0; i < 5; ++i) means[i] += static_cast<double>(states.state(shot, record)[i]) / 16 / static_cast<double>(states.records());
    double squares = 0;
    for (std::size_t i = 0; i < 5; ++i) {
      double exact = 0, sum = 0;
      for (std::uint32_t word = 0; word < 32; ++word) {
        const auto s = [&](std::uint32_t k) { return (word >> k & 1) != 0 ? 1.0 : -1.0; };
        double energy = 0;
        for (std::uint32_t k = 0; k < 5; ++k) energy += network.value(CellSection::bias, k) * s(k);
        for (const Edge& edge : network.couplings()) energy += edge.value * s(edge.i) * s(edge.j);
        sum += std::exp(-energy), exact += s(static_cast<std::uint32_t>(i)) * std::exp(-energy);
      }
      squares += std::pow(means[i] - exact / sum, 2);
    }
    return std::sqrt(squares / 5);
  };
  const double before = distance();
  correct(device, calibration);
  EXPECT_LT(distance(), 0.012);  // 64,000 records: 0.004 each, and the errors of the figures
  EXPECT_GT(before, 0.03);
}

}  // namespace
}  // namespace heatbath::network
