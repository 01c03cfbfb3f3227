// Calibrations in files: what is written is read, and nothing else is.
#include "files/calibration_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>

#include "heatbath/error.hpp"

namespace heatbath::apps {
namespace {

using ::testing::HasSubstr;

network::Calibration some() {
  network::Calibration calibration;
  calibration.vendor = 0x4842, calibration.part = 7, calibration.serial = 0xFFFFFFFFFFFFFFFFu;
  calibration.made_at = 1790000000, calibration.valid_seconds = 3600;
  calibration.resets = 3, calibration.made_time = 61454.5, calibration.valid_time = 250000, calibration.valid_kelvin = 6;
  calibration.cell_rate = {-5.8e-8, 1.1e-8, 4032};
  calibration.cells.resize(2);
  calibration.cells[1].read_offset = {0.004, 0.001, 50};
  calibration.cells[0].j2_gain = {1.0 / 3, 0.01, 100};
  calibration.cells[1].bias_offset = {-0.1, 0.02, 50};
  calibration.couplers = {{0, 1, {1.02, 0.01, 64}, {1e-5, 0.001, 64}}};
  return calibration;
}

std::filesystem::path written(const std::string& text) {
  const auto path = std::filesystem::path(::testing::TempDir()) / "calibration_file_test.json";
  std::ofstream(path) << text;
  return path;
}

std::string refusal(const std::string& text) {
  try {
    (void)read_calibration(written(text));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), HB_IO);
    return error.what();
  }
  ADD_FAILURE() << "it was read";
  return {};
}

TEST(CalibrationFile, HoldsEveryFigure) {
  const network::Calibration before = some(), after = read_calibration(written(calibration_text(before)));
  EXPECT_EQ(after.serial, before.serial);
  EXPECT_EQ(after.part, before.part);
  EXPECT_EQ(after.made_at, before.made_at);
  EXPECT_EQ(after.valid_seconds, before.valid_seconds);
  EXPECT_TRUE(std::isnan(after.die_temperature));
  EXPECT_EQ(after.resets, 3u);
  EXPECT_EQ(after.made_time, before.made_time);
  EXPECT_EQ(after.valid_time, before.valid_time);
  EXPECT_EQ(after.valid_kelvin, 6);
  EXPECT_EQ(after.cell_rate.standard_error, before.cell_rate.standard_error);
  EXPECT_TRUE(std::isnan(after.coupler_rate.value));
  EXPECT_EQ(after.cells[1].read_offset.value, 0.004);
  EXPECT_EQ(after.cells[0].j2_gain.value, before.cells[0].j2_gain.value);
  EXPECT_TRUE(std::isnan(after.cells[0].temperature.value));
  EXPECT_EQ(after.cells[1].bias_offset.standard_error, 0.02);
  ASSERT_EQ(after.couplers.size(), 1u);
  EXPECT_EQ(after.couplers[0].offset.value, 1e-5);
}

TEST(CalibrationFile, WhatIsWrongIsRefusedByName) {
  const std::string good = calibration_text(some());
  std::string changed = good;
  changed.replace(changed.find("1.02"), 4, "1.03");
  EXPECT_THAT(refusal(changed), HasSubstr("the calibration is corrupted"));
  EXPECT_THAT(refusal(good.substr(0, good.size() / 2)), HasSubstr("not JSON"));
  std::string other = good;
  other.replace(other.find("calibration 1"), 13, "calibration 9");
  EXPECT_THAT(refusal(other), HasSubstr("no \"heatbath calibration 1\""));
  EXPECT_THAT(refusal("[1, 2]"), HasSubstr("no \"heatbath calibration 1\""));
  try {
    (void)read_calibration("/nowhere/calibration.json");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("/nowhere/calibration.json"));
  }
}

}  // namespace
}  // namespace heatbath::apps
