// Program: encoding, validation, and what it counts.
#include "heatbath/program.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "scripted_device.hpp"

namespace heatbath {
namespace {

using testing::expect_error;

Capabilities floats() {
  Capabilities caps;
  caps.state_write = caps.meters = caps.kT_programmable = caps.lane_operands = caps.readback = true;
  caps.cells = 16;
  caps.lanes = 4;
  caps.program_max = 64;
  caps.loop_depth = 2;
  caps.memory_bytes = 1 << 20;
  caps.kT_min = 0.25f;
  caps.kT_max = 2.0f;
  return caps;
}

Capabilities codes(Number number, std::uint32_t bits, float range) {
  Capabilities caps = floats();
  caps.parameter_number = number;
  caps.parameter_bits = bits;
  caps.range_j2 = caps.range_j4 = caps.range_bias = caps.range_coupling = range;
  return caps;
}

template <typename Value>
std::vector<Value> operand(const Program& program, std::size_t index) {
  const auto& bytes = *program.operands().at(index).bytes;
  std::vector<Value> values(bytes.size() / sizeof(Value));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

const hb_instruction_t& instruction(const Program& program, std::size_t index) {
  return program.steps().at(index).instruction;
}

TEST(Program, FloatOperandsAreTheValues) {
  Program program(floats(), 3);
  program.load(CellSection::bias, std::vector<float>{1.5f, -2.0f, 0.25f});
  EXPECT_EQ(operand<float>(program, 0), (std::vector<float>{1.5f, -2.0f, 0.25f}));
  EXPECT_EQ(instruction(program, 0).op, HB_OP_LOAD);
  EXPECT_EQ(instruction(program, 0).section, HB_SECTION_BIAS);
  EXPECT_EQ(program.clips(), 0u);
}

TEST(Program, CodesAreNearestAndClipsAreCounted) {
  // 4 bits over range 8: step 1, codes -8..7.
  Program program(codes(Number::code8, 4, 8.0f), 8);
  program.load(CellSection::j2, std::vector<float>{0.4f, 0.6f, -0.6f, 7.4f, 7.6f, -8.4f, -8.6f, 100.0f});
  EXPECT_EQ(operand<std::int8_t>(program, 0), (std::vector<std::int8_t>{0, 1, -1, 7, 7, -8, -8, 7}));
  EXPECT_EQ(program.clips(), 3u);  // 7.6, -8.6 and 100
}

TEST(Program, SixteenBitCodesTakeTwoBytes) {
  Program program(codes(Number::code16, 10, 512.0f), 2);
  program.load(CellSection::bias, std::vector<float>{-512.0f, 300.0f});
  EXPECT_EQ(operand<std::int16_t>(program, 0), (std::vector<std::int16_t>{-512, 300}));
}

TEST(Program, CouplingsArePackedAsUpperTriangle) {
  Program program(floats(), 3);
  program.load_couplings(std::vector<float>{0, 1, 2, 1, 0, 3, 2, 3, 0});
  EXPECT_EQ(operand<float>(program, 0), (std::vector<float>{1, 2, 3}));
}

TEST(Program, FullLayoutKeepsAllValuesAndAllowsAsymmetry) {
  Capabilities caps = floats();
  caps.couplings_full = true;
  Program program(caps, 2);
  program.load_couplings(std::vector<float>{0, 1, -2, 0});
  EXPECT_EQ(operand<float>(program, 0), (std::vector<float>{0, 1, -2, 0}));
}

TEST(Program, CouplingErrorsNameTheEntry) {
  constexpr std::uint32_t n = 7;
  Capabilities caps = floats();
  Program program(caps, n);
  std::vector<float> matrix(n * n, 0.0f);
  const auto refuses = [&](std::uint32_t i, std::uint32_t j, float value, const std::string& part) {
    std::vector<float> wrong = matrix;
    wrong[i * n + j] = value;
    expect_error(HB_BAD_ARG, part, [&] { program.load_couplings(wrong); });
  };
  refuses(2, 5, 1.0f, "entry (2,5) is 1 but entry (5,2) is 0");
  refuses(6, 1, 1.0f, "entry (1,6) is 0 but entry (6,1) is 1");
  refuses(4, 4, 0.5f, "entry (4,4) is 0.5; the diagonal must be zero");
  refuses(3, 1, std::nanf(""), "entry (3,1) is nan");
  refuses(0, 6, INFINITY, "entry (0,6) is inf");
  expect_error(HB_BAD_ARG, "cells x cells = 49", [&] { program.load_couplings(std::vector<float>(48)); });
  EXPECT_TRUE(program.steps().empty());
  EXPECT_TRUE(program.operands().empty());
}

TEST(Program, AsymmetryIsFoundInEveryTile) {
  Capabilities caps = floats();
  caps.cells = 80;
  for (const auto& [i, j] : std::vector<std::pair<int, int>>{{0, 79}, {79, 78}, {33, 32}, {31, 32}, {64, 1}}) {
    Program program(caps, 80);
    std::vector<float> matrix(80 * 80, 0.0f);
    matrix[static_cast<std::size_t>(i * 80 + j)] = 1.0f;
    expect_error(HB_BAD_ARG, "entry (" + std::to_string(std::min(i, j)) + "," + std::to_string(std::max(i, j)) + ")",
                 [&] { program.load_couplings(matrix); });
  }
}

TEST(Program, BadValuesAreNamedAndLeaveTheProgramAlone) {
  Program program(floats(), 3);
  const std::vector<float> nan{0, std::nanf(""), 0}, negative{0, 0, -1};
  expect_error(HB_BAD_ARG, "load(bias): value 1 is nan", [&] { program.load(CellSection::bias, nan); });
  expect_error(HB_BAD_ARG, "load(j4): value 2 is -1", [&] { program.load(CellSection::j4, negative); });
  expect_error(HB_BAD_ARG, "2 values given; cells = 3", [&] { program.load(CellSection::j2, std::vector<float>(2)); });
  for (const float kT : {-0.5f, 0.2f, 2.1f, std::nanf("")})
    expect_error(HB_BAD_ARG, "this device takes 0.25..2", [&] { program.load_temperature(kT); });
  expect_error(HB_BAD_ARG, "gain is nan", [&] { program.load_gain(std::nanf("")); });
  expect_error(HB_BAD_ARG, "at least one step", [&] { program.evolve({0}); });
  expect_error(HB_BAD_ARG, "at least one step", [&] { program.ramp({0}); });
  expect_error(HB_BAD_ARG, "2 cells from 2 on; the program has cells 0..2", [&] { program.clamp(2, 2, 0.0f); });
  expect_error(HB_BAD_ARG, "0 cells from 0 on", [&] { program.release(0, 0); });
  expect_error(HB_BAD_ARG, "value 1 is nan", [&] { program.set(0, nan); });
  expect_error(HB_BAD_ARG, "no loop is open", [&] { program.loop_end(); });
  expect_error(HB_BAD_ARG, "0 times", [&] { program.loop_begin(0); });
  EXPECT_TRUE(program.steps().empty());
  expect_error(HB_BAD_ARG, "17 cells asked for; this device has 1..16", [] { Program(floats(), 17); });
  expect_error(HB_BAD_ARG, "0 cells", [] { Program(floats(), 0); });
}

TEST(Program, AbsentCapabilitiesAreRefusedByName) {
  Capabilities caps = floats();
  caps.state_write = caps.meters = caps.kT_programmable = caps.readback = false;
  caps.capture_min = {25};
  Program program(caps, 2);
  expect_error(HB_UNSUPPORTED, "CAPS.STATE_WRITE", [&] { program.set(0, 2, 0.0f); });
  expect_error(HB_UNSUPPORTED, "CAPS.METERS", [&] { program.meter_clear(); });
  expect_error(HB_UNSUPPORTED, "CAPS.METERS", [&] { program.meter_snapshot(); });
  expect_error(HB_UNSUPPORTED, "CAPS.KT_PROGRAMMABLE", [&] { program.load_temperature(0.1f); });
  expect_error(HB_UNSUPPORTED, "CAPS.READBACK", [&] { program.readback(CellSection::bias); });
  expect_error(HB_UNSUPPORTED, "CAPS.READBACK", [&] { program.readback_couplings(); });
  expect_error(HB_BAD_ARG, "every 25 ticks or more", [&] { program.capture_start({24}); });
  EXPECT_TRUE(program.steps().empty());
  EXPECT_EQ(program.snapshots(), 0u);
}

TEST(Program, LengthAndDepthOfTheDeviceHold) {
  Program program(floats(), 1);
  program.loop_begin(2).loop_begin(2);
  expect_error(HB_BAD_ARG, "this device nests 2", [&] { program.loop_begin(2); });
  program.loop_end().loop_end();
  while (program.steps().size() < 63) program.sample();
  expect_error(HB_BAD_ARG, "64 instructions, HALT included", [&] { program.sample(); });
  expect_error(HB_BAD_ARG, "64 instructions", [&] { program.load(CellSection::j2, std::vector<float>(1)); });
  EXPECT_TRUE(program.operands().empty());
}

TEST(Program, PerShotOperandsFixTheShots) {
  Program program(floats(), 2);
  program.load_bias_per_shot(std::vector<float>(6), 3);
  EXPECT_EQ(program.fixed_shots(), 3u);
  expect_error(HB_BAD_ARG, "other per-shot operands have 3", [&] { program.clamp_per_shot(0, 1, std::vector<float>(2), 2); });
  program.clamp_per_shot(0, 1, std::vector<float>(3), 3);
  EXPECT_EQ(program.operands()[1].rows, 3u);
}

TEST(Program, PeriodsAreCountedAcrossEvolves) {
  Program program(floats(), 1);
  program.capture_start({300}).evolve({500}).ramp({500}).evolve({199}).evolve({1});
  EXPECT_EQ(program.records(), 1u + 4u);  // at 0, 300, 600, 900, 1200
  program.capture_stop().evolve({5000});
  EXPECT_EQ(program.records(), 5u);
  program.capture_start({1000}, false).evolve({999});
  EXPECT_EQ(program.records(), 5u);
  program.evolve({1}).sample();
  EXPECT_EQ(program.records(), 7u);
  EXPECT_EQ(program.duration().count, 1200u + 5000u + 1000u);
}

/// Counts records tick by tick, every loop run.
std::uint64_t count_by_walking(const Program& program) {
  std::uint64_t records = 0, period = 0, since = 0;
  std::vector<std::pair<std::size_t, std::uint32_t>> loops;
  for (std::size_t pc = 0; pc < program.steps().size(); ++pc) {
    const hb_instruction_t& it = instruction(program, pc);
    switch (it.op) {
      case HB_OP_SAMPLE: ++records; break;
      case HB_OP_CAPTURE_START:
        period = it.ticks;
        since = 0;
        records += it.flags & HB_FLAG_NOW ? 1 : 0;
        break;
      case HB_OP_CAPTURE_STOP: period = 0; break;
      case HB_OP_RAMP:
      case HB_OP_EVOLVE:
        for (std::uint64_t t = 0; t < it.ticks; ++t)
          if (period != 0 && ++since % period == 0) ++records;
        break;
      case HB_OP_LOOP_BEGIN: loops.emplace_back(pc, it.count); break;
      case HB_OP_LOOP_END:
        if (--loops.back().second > 0) {
          pc = loops.back().first;
        } else {
          loops.pop_back();
        }
        break;
      default: break;
    }
  }
  return records;
}

TEST(Program, LoopsAreUnrolledInTheCounts) {
  Program plain(floats(), 1);
  plain.capture_start({7}).loop_begin(5).evolve({3}).loop_begin(4).evolve({2}).sample().loop_end().loop_end().evolve({6});
  EXPECT_EQ(plain.records(), count_by_walking(plain));
  EXPECT_EQ(plain.duration().count, 5u * (3 + 4 * 2) + 6);

  Program switching(floats(), 1);
  switching.capture_start({7}, false).loop_begin(5).evolve({10}).capture_start({3}, true).evolve({4});
  switching.loop_begin(3).evolve({5}).capture_stop().capture_start({2}, false).evolve({3}).loop_end();
  switching.loop_end().evolve({9});
  EXPECT_EQ(switching.records(), count_by_walking(switching));

  Program stopping(floats(), 1);
  stopping.capture_start({2}).loop_begin(1000).evolve({5}).capture_stop().loop_end();
  EXPECT_EQ(stopping.records(), 3u);
}

TEST(Program, HugeLoopsAreCountedWithoutRunningThem) {
  Program program(floats(), 1);
  program.capture_start({10}, false).loop_begin(4000000000u).loop_begin(1000).evolve({1}).loop_end().loop_end();
  EXPECT_EQ(program.records(), 400000000000u);
  EXPECT_EQ(program.duration().count, 4000000000000u);
}

TEST(Program, CopiesShareOperandsAndDivergeAfterwards) {
  Program program(floats(), 2);
  program.load(CellSection::bias, std::vector<float>{1, 2});
  Program copy = program;
  copy.commit();
  EXPECT_EQ(program.steps().size(), 1u);
  EXPECT_EQ(copy.operands()[0].bytes, program.operands()[0].bytes);
}

}  // namespace
}  // namespace heatbath
