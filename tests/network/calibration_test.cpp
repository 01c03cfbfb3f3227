// Calibrations: what they correct, whom they refuse, and figures of an emulated chip beside its own.
#include "heatbath/network/calibration.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <cmath>
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

TEST(Calibration, CorrectedValuesBecomeTheWantedOnes) {
  Calibration calibration;
  calibration.cells.resize(3);
  for (std::uint32_t i = 0; i < 3; ++i)
    calibration.cells[i] = {{1.1, 0.01, 1}, {0.9, 0.01, 1}, {0.95, 0.01, 1}, {0.05 * i, 0.01, 1}, {1, 0.01, 1}};
  calibration.couplers = {{0, 1, {1.2, 0.01, 1}, {0.01, 0.01, 1}}, {0, 2, {0.8, 0.01, 1}, {-0.02, 0.01, 1}}, {1, 2, {1, 0.01, 1}, {0, 0.01, 1}}};
  Network wanted(CellKind::overdamped, 3);
  const std::vector<Edge> edges{{0, 1, 0.3}, {1, 2, -0.2}};
  wanted.set(CellSection::j2, 1.5).set(CellSection::j4, 0.5).set(CellSection::bias, 0.25).set_couplings(edges);
  const Network loaded = calibration.corrected(wanted);
  for (std::uint32_t i = 0; i < 3; ++i) {
    const CellFigures& cell = calibration.cells[i];
    EXPECT_NEAR(cell.j2_gain.value * loaded.value(CellSection::j2, i), 1.5, 1e-12);
    EXPECT_NEAR(cell.j4_gain.value * loaded.value(CellSection::j4, i), 0.5, 1e-12);
    EXPECT_NEAR(cell.bias_gain.value * loaded.value(CellSection::bias, i) + cell.bias_offset.value, 0.25, 1e-12);
  }
  ASSERT_EQ(loaded.couplings().size(), 3u);
  const double applied[] = {0.3, 0, -0.2};  // the one between: what cancels its offset
  for (std::size_t k = 0; k < 3; ++k)
    EXPECT_NEAR(calibration.couplers[k].gain.value * loaded.couplings()[k].value + calibration.couplers[k].offset.value, applied[k], 1e-12);
  calibration.cells[1].temperature.value = 1.1;
  EXPECT_NEAR(calibration.corrected(wanted).value(CellSection::j2, 1), 1.1 * loaded.value(CellSection::j2, 1), 1e-12);
}

TEST(Calibration, AStepThatMakesVariancesTooLargeIsMadeUpFor) {
  // Euler and Maruyama's step makes the covariance of a linear network kT (B - B^2 dt/2)^-1.
  Calibration calibration;
  calibration.cells.resize(3);
  calibration.step = {0.02, 0.001, 1};
  calibration.couplers = {{0, 1, {1, 0, 1}, {0, 0, 1}}, {0, 2, {1, 0, 1}, {0, 0, 1}}, {1, 2, {1, 0, 1}, {0, 0, 1}}};
  Network wanted(CellKind::overdamped, 3);
  wanted.set(CellSection::j4, 0.0).set(CellSection::j2, std::vector<double>{2, 1.5, 1}).set(CellSection::bias, std::vector<double>{1, -2, 0.5});
  wanted.set_couplings(std::vector<Edge>{{0, 1, 1.0}, {1, 2, -0.5}});
  const auto matrix = [](const Network& of) {
    std::vector<double> A(9);
    for (std::uint32_t i = 0; i < 3; ++i) A[4 * i] = 2 * of.value(CellSection::j2, i);
    for (const Edge& edge : of.couplings()) A[3 * edge.i + edge.j] = A[3 * edge.j + edge.i] = edge.value;
    return A;
  };
  const Network loaded = calibration.corrected(wanted);
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
  EXPECT_EQ(calibration.corrected(wanted).value(CellSection::j2, 0), 2);
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
  const auto kept = usable(calibration, device);
  Program program(device.capabilities(), 2);
  program.load(CellSection::j2, 1.0f).commit().evolve(device.ticks(40)).sample();
  Shots shots(device, {.calibration = kept}), all_the_same(device, {.calibration = kept, .expired = Expired::used});
  EXPECT_EQ(shots.run(program, 1).capture.shots(), 1u);  // 40 of 50 time units
  EXPECT_EQ(shots.run(program, 1).capture.shots(), 1u);  // valid when it began
  EXPECT_THAT(message_of([&] { shots.run(program, 1); }, HB_BAD_ARG), HasSubstr("calibration expired: the device has worked"));
  EXPECT_THAT(message_of([&] { shots.next(1); }, HB_BAD_ARG), HasSubstr("calibration expired"));
  EXPECT_THAT(message_of([&] { usable(calibration, device); }, HB_BAD_ARG), HasSubstr("calibration expired"));
  EXPECT_EQ(all_the_same.run(program, 1).capture.shots(), 1u);
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
    EXPECT_THAT(message_of([&] { usable(calibration, device); }, HB_BAD_ARG), HasSubstr("calibration expired"));
    if (round == 0) first_gain = calibration.couplers[0].gain.value;
    else EXPECT_LT(calibration.couplers[0].gain.value, first_gain - 0.005);
  }
}

TEST(Calibration, WhatItCannotCorrectIsNamed) {
  Calibration calibration;
  calibration.cells.resize(2);
  calibration.cells[1].j2_gain.value = 0.01;
  const auto refusal = [&](const Network& network, hb_status_t code) {
    return message_of([&] { (void)calibration.corrected(network); }, code);
  };
  EXPECT_THAT(refusal(Network(CellKind::overdamped, 3), HB_BAD_ARG), HasSubstr("3 cells; 2 were calibrated"));
  EXPECT_THAT(refusal(Network(CellKind::overdamped, 2), HB_UNSUPPORTED), HasSubstr("cell 1 is dead"));
  EXPECT_THAT(refusal(Network(CellKind::pbit, 2), HB_UNSUPPORTED), HasSubstr("overdamped"));
  Device spins = open("func:cell=pbit&cells=4&threads=1");
  EXPECT_THAT(message_of([&] { (void)calibrate(spins); }, HB_UNSUPPORTED), HasSubstr("overdamped"));
}

}  // namespace
}  // namespace heatbath::network
