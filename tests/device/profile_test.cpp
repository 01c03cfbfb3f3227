#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "hw_model/device/profile.hpp"

namespace heatbath::model {
namespace {

std::string text_of(const std::string& name) {
  std::ifstream in(std::string(HEATBATH_SOURCE_DIR "/hw_model/profiles/") + name + ".toml");
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

/// The complaint about a profile file with this text; empty when it is good.
std::string complaint(const std::string& text) {
  const auto path =
      std::filesystem::temp_directory_path() / ("heatbath_profile_test_" + std::to_string(getpid()) + ".toml");
  std::ofstream(path) << text;
  std::string message;
  try {
    load_profile(path.string());
  } catch (const std::invalid_argument& error) {
    message = error.what();
    const std::string name = path.string();
    EXPECT_EQ(message.find(name), 0u) << message;
    message.erase(0, name.size() + 2);
    // Faults of the contents name the line, which holds the key.
    if (message.starts_with("line ") && message.find(" is not TOML") == std::string::npos) {
      const std::size_t number = std::stoul(message.substr(5));
      message.erase(0, message.find(": ") + 2);
      std::istringstream lines(text);
      std::string line;
      for (std::size_t k = 0; k < number; ++k) std::getline(lines, line);
      const std::string where = message.substr(0, message.find(": "));
      const std::string key = where.substr(where.find_last_of("[ ") + 1);
      EXPECT_NE(line.find(key.substr(0, key.find(']'))), std::string::npos) << "line " << number << ": " << message;
    } else if (message.find("not TOML") == std::string::npos) {
      ADD_FAILURE() << "no line: " << message;
    }
  }
  std::filesystem::remove(path);
  return message;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(Profile, BuiltInOnesAreTheFilesOfTheirNames) {
  EXPECT_EQ(profile_names(), (std::vector<std::string>{"ideal", "coded", "silicon", "hb-1024", "z1-grid", "spu-8",
                                                       "probana-8", "wobbly-6", "harsh", "fpga-pbit"}));
  for (const std::string& name : profile_names()) {
    const Profile built_in = load_profile(name);
    const Profile file = load_profile(std::string(HEATBATH_SOURCE_DIR "/hw_model/profiles/") + name + ".toml");
    EXPECT_EQ(built_in.name, name);
    EXPECT_EQ(built_in.serial, file.serial);
    EXPECT_EQ(built_in.memory_bytes, file.memory_bytes);
    EXPECT_EQ(built_in.range_coupling, file.range_coupling);
  }
}

TEST(Profile, SiliconLacksWhatAChipLacks) {
  const Profile p = load_profile("silicon");
  EXPECT_FALSE(p.seeded || p.state_write || p.meters || p.dt_programmable || p.increments_markov || p.capture_stalls ||
               p.lane_operands);
  EXPECT_TRUE(p.free_running && p.kT_programmable && p.readback);
  EXPECT_EQ(p.lanes_max, 1u);
  EXPECT_EQ(p.parameter_bits, 10u);
  EXPECT_EQ(p.capture_min_ticks, 25u * p.dt_ticks);
  EXPECT_FLOAT_EQ(p.kT_reset * p.energy_unit_joules, 4.14e-21f);
}

TEST(Profile, AHiddenStepHasAShortestPeriodOfWholeSteps) {
  for (const std::string& name : profile_names()) {
    const Profile p = load_profile(name);
    if (p.dt_programmable) continue;
    EXPECT_GE(p.capture_min_ticks, p.dt_ticks) << name;
    EXPECT_EQ(p.capture_min_ticks % p.dt_ticks, 0u) << name;
  }
  EXPECT_EQ(load_profile("probana-8").capture_min_ticks, 100u);  // a sweep
  EXPECT_EQ(load_profile("hb-1024").capture_min_ticks, 10u);
  EXPECT_EQ(load_profile("ideal").capture_min_ticks, 0u);
}

TEST(Profile, OnlyCodedSumsInIntegers) {
  EXPECT_FALSE(load_profile("ideal").integer_sums);
  EXPECT_FALSE(load_profile("silicon").integer_sums);
  EXPECT_TRUE(load_profile("coded").integer_sums);
  EXPECT_EQ(load_profile("coded").parameter_bits, 8u);
  EXPECT_FALSE(load_profile("coded", {{"integer_sums", "no"}}).integer_sums);
  EXPECT_FALSE(load_profile("coded", {{"integer_sums", "no"}, {"cell", "phase"}}).integer_sums);
}

TEST(Profile, WhatAFileDoesNotSayIsAsInIdeal) {
  const std::filesystem::path path = std::filesystem::temp_directory_path() /
                                     ("heatbath_short_" + std::to_string(getpid()) + ".toml");
  const auto load = [&](const std::string& text) {
    std::ofstream(path) << text;
    const Profile profile = load_profile(path.string());
    std::filesystem::remove(path);
    return profile;
  };
  const Profile ideal = load_profile("ideal"), empty = load("# nothing\n"), small = load("[array]\ncells = 12\n");
  EXPECT_EQ(empty.name, path.string());
  EXPECT_EQ(empty.cells, ideal.cells);
  EXPECT_EQ(empty.rail, ideal.rail);
  EXPECT_EQ(empty.seeded, ideal.seeded);
  EXPECT_EQ(empty.dma, ideal.dma);
  EXPECT_EQ(empty.memory_bytes, ideal.memory_bytes);
  EXPECT_EQ(empty.range_frequency, ideal.range_frequency);
  EXPECT_EQ(small.cells, 12u);
  EXPECT_EQ(small.rail, ideal.rail);
  const Profile spins = load("[array]\ncell = \"pbit\"\n");
  EXPECT_EQ(spins.stepper, physics::Stepper::sequential) << "of the kind, not of ideal";
  EXPECT_EQ(spins.dt_ticks, spins.time_unit_ticks);
}

TEST(Profile, UnknownNameListsTheValidOnes) {
  EXPECT_THAT([] { load_profile("gold"); },
              testing::ThrowsMessage<std::invalid_argument>(
                  "unknown profile 'gold'; it must be ideal, coded, silicon, hb-1024, z1-grid, spu-8, probana-8, wobbly-6, harsh, fpga-pbit, or the name of a file that ends in .toml"));
  EXPECT_THAT([] { load_profile("/nowhere/gold.toml"); },
              testing::ThrowsMessage<std::invalid_argument>(
                  "/nowhere/gold.toml: no such file; it must be a chip profile (TOML)"));
}

TEST(Profile, FaultsAreOneLineThatSaysWhatWhereAndWhatWouldBeRight) {
  const std::string ideal = text_of("ideal");
  const auto with = [&](const std::string& from, const std::string& to) {
    return complaint(replaced(ideal, from, to));
  };
  EXPECT_EQ(complaint(ideal), "");
  EXPECT_EQ(with("rail = 64.0", "rails = 64.0"),
            "[array] rails: unknown key (did you mean rail?); the keys are cell, states, stepper, topology, reciprocal, cells, cells_max, "
            "lanes, lanes_max, mobility, rail, velocity_range, refuse_unstable");
  EXPECT_THAT(with("[time]", "[times]"), testing::StartsWith("[times]: unknown table (did you mean time?); the tables are "));
  EXPECT_EQ(with("\n[mismatch]", "\n"),
            "[noise] bias_offset_sd_steps: unknown key; the keys are colour, correlation_time, common, planes");
  EXPECT_EQ(with("seeded = true", "seeded = 1"), "[features] seeded: found 1; it must be true or false");
  EXPECT_EQ(with("cells = 2048", "cells = 9000"), "[array] cells: found 9000; it must be at most cells_max = 8192");
  EXPECT_EQ(with("lanes = 256", "lanes = 0"), "[array] lanes: found 0; it must be a whole number in 1..65536");
  EXPECT_EQ(with("lanes = 256", "lanes = 2.5"), "[array] lanes: found 2.5; it must be a whole number in 1..65536");
  EXPECT_EQ(with("mobility = 1.0", "mobility = \"fast\""),
            "[array] mobility: found \"fast\"; it must be a number in 1e-30..1e+30");
  EXPECT_EQ(with("mobility = 1.0", "mobility = nan"),
            "[array] mobility: found nan; it must be a number in 1e-30..1e+30");
  EXPECT_EQ(with("mobility = 1.0", "mobility = 1"), "");
  EXPECT_EQ(with("dt_ticks = 1000", "dt_ticks = -1"),
            "[time] dt_ticks: found -1; it must be a whole number in 1..4294967295");
  EXPECT_EQ(with("kT_reset = 1.0", "kT_reset = 2000.0"),
            "[temperature] kT_reset: found 2000; it must lie in kT_min..kT_max = 0..1000");
  EXPECT_EQ(with("storage = \"float32\"", "storage = \"float64\""),
            "[parameters] storage: found \"float64\"; it must be \"float32\", \"code8\" or \"code16\"");
  EXPECT_EQ(with("storage = \"float32\"", "storage = \"code8\""),
            "[parameters] bits: found 0; for this storage it must be 2..8");
  EXPECT_EQ(with("bits = 0", "bits = 10"), "[parameters] bits: found 10; for this storage it must be 0");
  EXPECT_EQ(with("bytes = 536870912", "bytes = 536870911"),
            "[memory] bytes: found 536870911; it must be a multiple of 64");
  EXPECT_EQ(with("cell = \"overdamped\"", "cell = \"neuron\""),
            "[array] cell: cell kind 'neuron': one of overdamped, underdamped, phase, rlc, pbit, categorical");
  EXPECT_EQ(with("stepper = \"euler-maruyama\"", "stepper = 3"),
            "[array] stepper: found 3; it must be a stepper, or \"default\"");
  EXPECT_THAT(with("stepper = \"euler-maruyama\"", "stepper = \"verlet\""),
              testing::StartsWith("[array] stepper: stepper 'verlet': one of euler-maruyama, heun"));
  EXPECT_EQ(with("refuse_unstable = \"linear\"", "refuse_unstable = \"yes\""),
            "[array] refuse_unstable: found \"yes\"; it must be \"never\", \"linear\" or \"rail\"");
  EXPECT_EQ(with("correlation_time = 0.0", "correlation_time = 0.5"),
            "[noise] correlation_time: found 0.5; it must be 0 with colour = \"white\", which has none");
  EXPECT_THAT(with("colour = \"white\"", "colour = \"blue\""), testing::StartsWith("[noise] colour: noise colour 'blue'"));
  EXPECT_EQ(with("stepper = \"euler-maruyama\"", "stepper = \"default\""), "");
  EXPECT_THAT(with("free_running = false", "free_running = true"),
              testing::StartsWith("[features] seeded: found true; it must be false"));
  EXPECT_THAT(with("bias_offset_sd_steps = 0.0", "bias_offset_sd_steps = 0.5"),
              testing::StartsWith("[mismatch] bias_offset_sd_steps: found 0.5; it must be 0"));
  EXPECT_THAT(complaint("identity = 3\n"), testing::StartsWith("identity: found 3; it must be a table"));
  EXPECT_THAT(complaint("[identity]\nname = \n"), testing::HasSubstr("not TOML"));
  EXPECT_EQ(complaint("[identity]\nname = \n").find('\n'), std::string::npos);
}

}  // namespace
}  // namespace heatbath::model
