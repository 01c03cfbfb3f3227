// Job over a scripted transport: register traffic, passes, captures, failures.
#include "heatbath/job.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>

#include "heatbath/device.hpp"
#include "scripted_device.hpp"

namespace heatbath {
namespace {

using testing::expect_error;
using testing::Script;
using testing::ScriptedDevice;
using testing::write_of;

Device device_of(Script& script) { return Device(std::make_unique<ScriptedDevice>(script)); }

Program evolving(const Device& device, std::uint64_t steps = 10) {
  Program program(device.capabilities(), 2);
  program.evolve(Ticks{1000} * steps);
  return program;
}

hb_instruction_t instruction_at(const Script::Pass& pass, std::uint32_t index) {
  hb_instruction_t instruction;
  std::memcpy(&instruction, pass.memory.data() + pass.registers.at(HB_PROGRAM_ADDR_LO_OFFSET) + 64 * index, 64);
  return instruction;
}

std::vector<float> floats_at(const Script::Pass& pass, std::uint64_t address, std::size_t count) {
  std::vector<float> values(count);
  std::memcpy(values.data(), pass.memory.data() + address, count * 4);
  return values;
}

TEST(Job, WritesTheJobRegistersBeforeStart) {
  Script script;
  Device device = device_of(script);
  JobOptions options;
  options.shots = 3;
  options.seed = 0x1122334455667788u;
  options.first_shot = 40;
  options.first_step = 0x100000005u;
  device.run(evolving(device), options);
  const std::vector<std::string> expected{
      write_of(HB_INTR_ENABLE_OFFSET, 7),
      write_of(HB_CAPTURE_BASE_LO_OFFSET, 128), write_of(HB_CAPTURE_BASE_HI_OFFSET, 0), write_of(HB_CAPTURE_SLOTS_OFFSET, 0),
      write_of(HB_CAPTURE_CELL0_OFFSET, 0), write_of(HB_CAPTURE_CELLS_OFFSET, 2), write_of(HB_CAPTURE_WATERMARK_OFFSET, 0),
      write_of(HB_PROGRAM_ADDR_LO_OFFSET, 0), write_of(HB_PROGRAM_ADDR_HI_OFFSET, 0), write_of(HB_PROGRAM_COUNT_OFFSET, 2),
      write_of(HB_ACTIVE_CELLS_OFFSET, 2), write_of(HB_SHOTS_OFFSET, 3), write_of(HB_JOB_FLAGS_OFFSET, 1),
      write_of(HB_JOB_SEED_LO_OFFSET, 0x55667788), write_of(HB_JOB_SEED_HI_OFFSET, 0x11223344),
      write_of(HB_JOB_SHOT0_OFFSET, 40), write_of(HB_JOB_STEP0_LO_OFFSET, 5), write_of(HB_JOB_STEP0_HI_OFFSET, 1),
      write_of(HB_COMMAND_OFFSET, 0x00010001), write_of(HB_INTR_ACK_OFFSET, 0x00010001)};
  EXPECT_EQ(script.writes, expected);
  EXPECT_EQ(instruction_at(script.passes[0], 0).op, HB_OP_EVOLVE);
  EXPECT_EQ(instruction_at(script.passes[0], 0).ticks, 10000u);
  EXPECT_EQ(instruction_at(script.passes[0], 1).op, HB_OP_HALT);
}

TEST(Job, AnUnseededJobLeavesTheSeedRegistersAlone) {
  Script script;
  Device device = device_of(script);
  device.run(evolving(device));
  EXPECT_EQ(script.passes[0].registers.at(HB_JOB_FLAGS_OFFSET), 0u);
  for (const std::uint32_t seed : {HB_JOB_SEED_LO_OFFSET, HB_JOB_SEED_HI_OFFSET})
    for (const std::string& write : script.writes)
      EXPECT_NE(write.substr(0, write.find('=')), write_of(seed, 0).substr(0, write_of(seed, 0).find('=')));
}

TEST(Job, ThreeShotsOnFourLanesAreOnePass) {
  Script script;
  Device device = device_of(script);
  JobOptions options;
  options.shots = 3;
  device.run(evolving(device), options);
  ASSERT_EQ(script.passes.size(), 1u);
  EXPECT_EQ(script.passes[0].registers.at(HB_SHOTS_OFFSET), 3u);
}

TEST(Job, ShotsThatExceedTheLanesTakePasses) {
  Script script;
  Device device = device_of(script);
  JobOptions options;
  options.shots = 10;
  options.seed = 1;
  options.first_shot = 100;
  device.run(evolving(device), options);
  ASSERT_EQ(script.passes.size(), 3u);
  const std::uint32_t shots[] = {4, 4, 2}, first[] = {100, 104, 108};
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_EQ(script.passes[k].registers.at(HB_SHOTS_OFFSET), shots[k]);
    EXPECT_EQ(script.passes[k].registers.at(HB_JOB_SHOT0_OFFSET), first[k]);
  }
}

TEST(Job, OneLaneRunsThreeShotsInThreePasses) {
  Script script;
  script.registers[HB_CAPS_LANES_OFFSET] = 1;
  Device device = device_of(script);
  JobOptions options;
  options.shots = 3;
  device.run(evolving(device), options);
  ASSERT_EQ(script.passes.size(), 3u);
  for (const Script::Pass& pass : script.passes) EXPECT_EQ(pass.registers.at(HB_SHOTS_OFFSET), 1u);
}

TEST(Job, PerShotOperandsLandInTheirLanes) {
  Script script;
  Device device = device_of(script);
  Program program(device.capabilities(), 2);
  std::vector<float> bias, clamped;
  for (int shot = 0; shot < 6; ++shot) {
    bias.insert(bias.end(), {10.0f * shot, 10.0f * shot + 1});
    clamped.push_back(100.0f + shot);
  }
  program.load_bias_per_shot(bias, 6).commit().clamp_per_shot(1, 1, clamped, 6).evolve({1000});
  JobOptions options;
  options.shots = 6;
  device.run(program, options);
  ASSERT_EQ(script.passes.size(), 2u);
  for (std::uint32_t p = 0; p < 2; ++p) {
    const Script::Pass& pass = script.passes[p];
    const hb_instruction_t load = instruction_at(pass, 0), clamp = instruction_at(pass, 2);
    EXPECT_GT(load.lane_stride, 0u);
    for (std::uint32_t lane = 0; lane < pass.registers.at(HB_SHOTS_OFFSET); ++lane) {
      const float shot = static_cast<float>(4 * p + lane);
      EXPECT_EQ(floats_at(pass, load.addr + lane * load.lane_stride, 2), (std::vector<float>{10 * shot, 10 * shot + 1}));
      EXPECT_EQ(floats_at(pass, clamp.addr + lane * clamp.lane_stride, 1), (std::vector<float>{100 + shot}));
    }
  }
  options.shots = 5;
  expect_error(HB_BAD_ARG, "5 shots; the program's per-shot operands are for 6", [&] { device.run(program, options); });
}

TEST(Job, WithoutLaneOperandsPerShotDataGoOneShotAtATime) {
  Script script;
  script.registers[HB_CAPS_OFFSET] &= ~HB_CAPS_LANE_OPERANDS_MASK;
  Device device = device_of(script);
  Program program(device.capabilities(), 1);
  program.load_bias_per_shot(std::vector<float>{5, 6, 7}, 3).commit().evolve({1000});
  JobOptions options;
  options.shots = 3;
  device.run(program, options);
  ASSERT_EQ(script.passes.size(), 3u);
  for (std::uint32_t p = 0; p < 3; ++p) {
    const hb_instruction_t load = instruction_at(script.passes[p], 0);
    EXPECT_EQ(load.lane_stride, 0u);
    EXPECT_EQ(floats_at(script.passes[p], load.addr, 1), (std::vector<float>{5.0f + static_cast<float>(p)}));
  }
}

/// A program of 3 records (ticks 0, 1000, 2000) of all 3 cells.
Program recording(const Device& device) {
  Program program(device.capabilities(), 3);
  program.capture_start({1000}).evolve({2000});
  return program;
}

void expect_script_values(const Capture& capture, std::uint32_t first_cell = 0) {
  EXPECT_EQ(capture.ticks(), (std::vector<Ticks>{{0}, {1000}, {2000}}));
  for (std::uint32_t shot = 0; shot < capture.shots(); ++shot)
    for (std::uint64_t record = 0; record < 3; ++record)
      for (std::uint32_t cell = 0; cell < capture.cells(); ++cell)
        EXPECT_EQ(capture.state(shot, record)[cell], static_cast<float>(1000 * shot + 10 * record + first_cell + cell));
}

TEST(Capture, RecordsOfAllPassesFormShotsByRecordsByCells) {
  for (const bool lends : {true, false}) {
    Script script;
    script.record_ticks = {0, 1000, 2000};
    script.lends_memory = lends;
    Device device = device_of(script);
    JobOptions options;
    options.shots = 6;
    const Result result = device.run(recording(device), options);
    EXPECT_EQ(result.capture.shots(), 6u);
    EXPECT_EQ(result.capture.records(), 3u);
    expect_script_values(result.capture);
    EXPECT_EQ(result.capture.trajectory(5).size(), 9u);
    EXPECT_EQ(script.block_reads == 0, lends) << "lent memory is read in place";
  }
}

TEST(Capture, ASubsetOfTheCellsIsAskedForAndDecoded) {
  Script script;
  script.record_ticks = {0, 1000, 2000};
  Device device = device_of(script);
  JobOptions options;
  options.capture_first = 1;
  options.capture_cells = 2;
  const Result result = device.run(recording(device), options);
  EXPECT_EQ(result.capture.cells(), 2u);
  expect_script_values(result.capture, 1);
  options.capture_cells = 3;
  expect_error(HB_BAD_ARG, "captured cells 1.. (3); the program has cells 0..2", [&] { device.run(recording(device), options); });
}

TEST(Capture, ASmallRingIsDrainedByItsWatermark) {
  Script script;
  // 64 bytes of program + 64 of HALT … the ring gets what is left: two records of 64 bytes.
  script.registers[HB_CAPS_MEMORY_LO_OFFSET] = 192 + 128;
  script.record_ticks = {0, 1000, 2000};
  script.on_wait = [](Script& s, std::uint64_t) {
    const std::uint32_t head = s.registers[HB_CAPTURE_HEAD_OFFSET];
    if (head - s.registers[HB_CAPTURE_TAIL_OFFSET] >= s.registers[HB_CAPTURE_SLOTS_OFFSET]) return;  // stalled
    if (head < 3) {
      s.record(head, s.record_ticks[head]);
      s.raise(HB_INTR_STATE_CAPTURE_MASK);
    } else {
      s.complete();
    }
  };
  Device device = device_of(script);
  const Result result = device.run(recording(device));
  EXPECT_EQ(script.passes[0].registers.at(HB_CAPTURE_SLOTS_OFFSET), 2u);
  EXPECT_EQ(script.passes[0].registers.at(HB_CAPTURE_WATERMARK_OFFSET), 1u);
  EXPECT_NE(script.passes[0].registers.at(HB_INTR_ENABLE_OFFSET) & HB_INTR_STATE_CAPTURE_MASK, 0u);
  expect_script_values(result.capture);
}

TEST(Capture, AGapInTheSequenceIsAnOverrun) {
  Script script;
  script.on_wait = [](Script& s, std::uint64_t) {
    s.record(0, 0);
    s.record(2, 2000);
    s.end(HB_STATUS_DONE_MASK, HB_INTR_STATE_JOB_DONE_MASK);
  };
  Device device = device_of(script);
  expect_error(HB_CAPTURE_OVERRUN, "record 1 was lost", [&] { device.run(recording(device)); });
}

TEST(Capture, MissingRecordsAreNeverReturnedAsWhole) {
  Script script;
  script.record_ticks = {0, 1000};
  Device device = device_of(script);
  expect_error(HB_DEVICE, "took 2 records; the program takes 3", [&] { device.run(recording(device)); });
}

TEST(Capture, CodesBecomePhysicalUnits) {
  Script script;
  script.registers[HB_CAPS_CAPTURE_FORMAT_OFFSET] = HB_CAPS_CAPTURE_FORMAT_NUMBER_CODE16 | 10u << 8;
  script.on_wait = [](Script& s, std::uint64_t) {
    const hb_record_header_t header{0, 1, 2, 0, 0, 0};
    const std::int16_t code[2] = {-512, 128};
    const std::uint64_t at = s.registers[HB_CAPTURE_BASE_LO_OFFSET];
    std::memcpy(s.memory.data() + at, &header, 32);
    std::memcpy(s.memory.data() + at + 32, code, 4);
    s.registers[HB_CAPTURE_HEAD_OFFSET] = 1;
    s.end(HB_STATUS_DONE_MASK, HB_INTR_STATE_JOB_DONE_MASK);
  };
  script.on_start = [](Script&) {};
  Device device = device_of(script);
  Program program(device.capabilities(), 2);
  program.sample().evolve({1000});
  const Result result = device.run(program);
  EXPECT_EQ(result.capture.state(0, 0)[0], -4.0f);  // full scale 4
  EXPECT_EQ(result.capture.state(0, 0)[1], 1.0f);
}

TEST(Meters, SnapshotsAreReadPerShot) {
  Script script;
  Device device = device_of(script);
  Program program(device.capabilities(), 1);
  program.meter_clear().evolve({1000}).meter_snapshot().evolve({1000}).meter_snapshot();
  script.on_wait = [](Script& s, std::uint64_t) {
    for (const std::uint32_t k : {2u, 4u}) {
      hb_instruction_t it;
      std::memcpy(&it, s.memory.data() + 64 * k, 64);
      for (std::uint32_t lane = 0; lane < s.registers[HB_SHOTS_OFFSET]; ++lane) {
        const hb_meters_t meters{1.0 * k, 0, 100.0 * k + s.shots_before + lane, 0, 0, 0};
        std::memcpy(s.memory.data() + it.addr + lane * sizeof meters, &meters, sizeof meters);
      }
    }
    s.complete();
  };
  JobOptions options;
  options.shots = 5;
  const Result result = device.run(program, options);
  ASSERT_EQ(result.meters.size(), 2u);
  for (std::uint32_t shot = 0; shot < 5; ++shot) {
    EXPECT_EQ(result.meters[0][shot].heat, 200.0 + shot);
    EXPECT_EQ(result.meters[1][shot].heat, 400.0 + shot);
  }
}

TEST(Readback, CouplingsComeBackAsAMatrix) {
  Script script;
  Device device = device_of(script);
  Program program(device.capabilities(), 3);
  program.readback_couplings().readback(CellSection::j2).evolve({1000});
  script.on_wait = [](Script& s, std::uint64_t) {
    hb_instruction_t couplings, j2;
    std::memcpy(&couplings, s.memory.data(), 64);
    std::memcpy(&j2, s.memory.data() + 64, 64);
    const float pairs[3] = {1, 2, 3}, cells[3] = {7, 8, 9};
    std::memcpy(s.memory.data() + couplings.addr, pairs, 12);
    std::memcpy(s.memory.data() + j2.addr, cells, 12);
    s.complete();
  };
  const Result result = device.run(program);
  EXPECT_EQ(result.readback.at(0), (std::vector<float>{0, 1, 2, 1, 0, 3, 2, 3, 0}));
  EXPECT_EQ(result.readback.at(1), (std::vector<float>{7, 8, 9}));
}

TEST(Job, CountersAreSummedOverPasses) {
  Script script;
  Device device = device_of(script);
  script.on_wait = [](Script& s, std::uint64_t) {
    s.registers[HB_CLIP_COUNT_OFFSET] = 3;
    s.registers[HB_RAIL_COUNT_OFFSET] = 5;
    s.registers[HB_RAIL_CELL_OFFSET] = s.passes.size() == 1 ? 6 : 9;
    s.registers[HB_JOB_TICKS_LO_OFFSET] = 10000;
    s.registers[HB_STALL_TICKS_LO_OFFSET] = 70;
    s.complete();
  };
  JobOptions options;
  options.shots = 8;
  const Result result = device.run(evolving(device), options);
  EXPECT_EQ(result.clips, 3u) << "both passes clip the same shared values";
  EXPECT_EQ(result.rails, 10u);
  EXPECT_EQ(result.rail_cell, 6u);
  EXPECT_EQ(result.array_ticks.count, 10000u);
  EXPECT_EQ(result.stall_ticks.count, 140u);
}

TEST(Job, ARejectedProgramNamesInstructionAndField) {
  Script script;
  script.start_status = HB_BAD_PROGRAM;
  script.fault(HB_BAD_PROGRAM, 1, HB_FIELD_TICKS);
  Device device = device_of(script);
  Program program(device.capabilities(), 1);
  program.commit().evolve({1500});
  expect_error(HB_BAD_PROGRAM, "program rejected: instruction 1 (EVOLVE), field ticks: 1500 is wrong; it must be a multiple of the step of 1000 ticks",
               [&] { device.run(program); });
  script.start_status = HB_OK;
  EXPECT_EQ(device.run(evolving(device)).array_ticks.count, 0u) << "the device is free for another job";
}

TEST(Job, AFaultWhileRunningCarriesItsPlace) {
  Script script;
  script.on_wait = [](Script& s, std::uint64_t) {
    s.fault(HB_CAPTURE_OVERRUN, 1, 0, 17);
    s.end(HB_STATUS_FAULT_MASK, HB_INTR_STATE_FAULT_MASK);
  };
  Device device = device_of(script);
  expect_error(HB_CAPTURE_OVERRUN, "instruction 1 (EVOLVE): record 17 is the first lost", [&] { device.run(recording(device)); });
  try {
    device.run(recording(device));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault_register(), 1u);
    EXPECT_GT(error.device_ticks(), 0u);
  }
}

TEST(Job, ARejectedRegisterIsNamed) {
  Script script;
  script.start_status = HB_BAD_ARG;
  script.fault(HB_BAD_ARG, 0xFFFFFFFF, HB_SHOTS_OFFSET);
  Device device = device_of(script);
  expect_error(HB_BAD_ARG, "register SHOTS", [&] { device.run(evolving(device)); });
}

TEST(Job, BadOptionsAreRefusedBeforeTheDeviceIsTouched) {
  Script script;
  Device device = device_of(script);
  const std::uint64_t before = script.accesses;
  JobOptions options;
  const auto refused = [&](hb_status_t code, const std::string& part, const Program& program) {
    expect_error(code, part, [&] { device.start(program, options); });
  };
  options.shots = 0;
  refused(HB_BAD_ARG, "0 shots", evolving(device));
  options = {};
  options.first_shot = 1;
  refused(HB_BAD_ARG, "without a seed", evolving(device));
  options.seed = 1;
  options.first_shot = 0xFFFFFFFF;
  options.shots = 2;
  refused(HB_BAD_ARG, "pass the last shot number", evolving(device));
  options = {};
  options.seed = 1;
  options.first_step = std::uint64_t{1} << 48;
  refused(HB_BAD_ARG, "48 bits", evolving(device));
  options = {};
  options.seed = 1;
  options.first_step = 10;
  options.shots = 5;
  refused(HB_BAD_ARG, "a pass has 4 shots", evolving(device));
  options = {};
  Program open = evolving(device);
  open.loop_begin(2);
  refused(HB_BAD_ARG, "needs a loop_end", open);
  Capabilities other = device.capabilities();
  other.parameter_number = Number::code16;
  other.parameter_bits = 10;
  refused(HB_BAD_ARG, "built for another device", Program(other, 2));
  EXPECT_EQ(script.accesses, before);
}

TEST(Job, ASeedOnAnUnseededDeviceIsRefusedByName) {
  Script script;
  script.registers[HB_CAPS_OFFSET] &= ~HB_CAPS_SEEDED_MASK;
  Device device = device_of(script);
  JobOptions options;
  options.seed = 1;
  expect_error(HB_UNSUPPORTED, "CAPS.SEEDED", [&] { device.run(evolving(device), options); });
}

TEST(Job, MemoryThatDoesNotSufficeIsNamedInBytes) {
  Script script;
  script.registers[HB_CAPS_MEMORY_LO_OFFSET] = 4096;
  Device device = device_of(script);
  Program program(device.capabilities(), 8);
  std::vector<float> couplings(64, 0.0f);
  for (int k = 0; k < 40; ++k) program.load_couplings(couplings);
  // 41 instructions (2624), 40 triangles of 28 floats (112, aligned to 128): 7744 bytes.
  expect_error(HB_OUT_OF_MEMORY, "7744 bytes are needed", [&] { device.run(program); });
  expect_error(HB_OUT_OF_MEMORY, "4096 are available", [&] { device.run(program); });
}

TEST(Job, ASecondJobIsBusyUntilTheFirstEnds) {
  Script script;
  script.on_wait = [](Script&, std::uint64_t) {};
  Device device = device_of(script);
  {
    Job job = device.start(evolving(device));
    expect_error(HB_BUSY, "a job of this device runs", [&] { device.start(evolving(device)); });
    expect_error(HB_BUSY, "a job runs", [&] { device.set_step({10}); });
    EXPECT_EQ(job.poll(), Job::State::running);
  }
  EXPECT_EQ(script.registers[HB_STATUS_OFFSET], HB_STATUS_ABORTED_MASK) << "destroying an unfinished job aborts it";
  script.on_wait = [](Script& s, std::uint64_t) { s.complete(); };
  device.run(evolving(device));
}

TEST(Job, ADeviceBusyWithAnotherHostsProgramIsLeftAlone) {
  Script script;
  Device device = device_of(script);
  script.registers[HB_STATUS_OFFSET] = HB_STATUS_RUNNING_MASK;
  expect_error(HB_BUSY, "another host", [&] { device.start(evolving(device)); });
  EXPECT_TRUE(script.writes.empty());
}

TEST(Job, PollingEndsAJobWithoutWaiting) {
  Script script;
  Device device = device_of(script);
  JobOptions options;
  options.shots = 8;
  Job job = device.start(evolving(device), options);
  EXPECT_EQ(job.poll(), Job::State::running);
  script.complete();
  EXPECT_EQ(job.poll(), Job::State::running) << "the second pass was started";
  EXPECT_EQ(script.passes.size(), 2u);
  script.complete();
  EXPECT_EQ(job.poll(), Job::State::done);
  job.wait();
  expect_error(HB_BAD_ARG, "may be called once", [&] { job.wait(); });
}

TEST(Job, ProgressCancelsAndNothingIsReturned) {
  Script script;
  script.on_wait = [](Script& s, std::uint64_t limit) { s.registers[HB_JOB_TICKS_LO_OFFSET] += static_cast<std::uint32_t>(limit); };
  Device device = device_of(script);
  JobOptions options;
  std::vector<double> fractions;
  options.progress = [&](double fraction) {
    fractions.push_back(fraction);
    return fractions.size() < 5;
  };
  Job job = device.start(evolving(device, 100000), options);
  expect_error(HB_ABORTED, "cancelled", [&] { job.wait(); });
  EXPECT_EQ(fractions.size(), 5u);
  EXPECT_TRUE(std::is_sorted(fractions.begin(), fractions.end()));
  EXPECT_LT(fractions.back(), 1.0);
  EXPECT_EQ(job.poll(), Job::State::cancelled);
  EXPECT_EQ(script.registers[HB_STATUS_OFFSET], HB_STATUS_ABORTED_MASK);
}

TEST(Job, AThrowingProgressCallbackAbortsTheJob) {
  Script script;
  script.on_wait = [](Script&, std::uint64_t) {};
  Device device = device_of(script);
  JobOptions options;
  options.progress = [](double) -> bool { throw std::logic_error("mine"); };
  EXPECT_THROW(device.run(evolving(device), options), std::logic_error);
  EXPECT_EQ(script.registers[HB_STATUS_OFFSET], HB_STATUS_ABORTED_MASK);
}

TEST(Job, CancelBeforeWaitStopsTheDevice) {
  Script script;
  script.on_wait = [](Script&, std::uint64_t) {};
  Device device = device_of(script);
  Job job = device.start(evolving(device));
  job.cancel();
  expect_error(HB_ABORTED, "cancelled", [&] { job.wait(); });
  expect_error(HB_ABORTED, "cancelled", [&] { job.wait(); });
}

TEST(Job, TheLimitIsInDeviceTicks) {
  Script script;
  script.on_wait = [](Script&, std::uint64_t) {};
  Device device = device_of(script);
  JobOptions options;
  options.limit = {7777777};
  const std::uint64_t before = script.now;
  expect_error(HB_TIMEOUT, "limit of 7777777 device ticks", [&] { device.run(evolving(device), options); });
  EXPECT_GE(script.now - before, 7777777u);
  EXPECT_LT(script.now - before, 7777777u + 2000u) << "and not much later";
  script.on_wait = [](Script& s, std::uint64_t) { s.complete(); };
  device.run(evolving(device), options);
}

TEST(Job, ALinkCutAnywhereInAJobIsALinkError) {
  Script whole;
  whole.record_ticks = {0, 1000, 2000};
  Device untouched = device_of(whole);
  const std::uint64_t opened = whole.accesses;
  untouched.run(recording(untouched));
  for (std::uint64_t access = opened + 1; access <= whole.accesses; ++access) {
    Script script;
    script.record_ticks = {0, 1000, 2000};
    Device device = device_of(script);
    script.fail_at = access;
    expect_error(HB_LINK, "the scripted link was cut", [&] { device.run(recording(device)); });
    script.fail_at = ~std::uint64_t{0};
    script.registers[HB_STATUS_OFFSET] = 0;
    device.run(recording(device));
  }
}

TEST(Job, AResetEndsTheJob) {
  Script script;
  script.on_wait = [](Script&, std::uint64_t) {};
  Device device = device_of(script);
  Job job = device.start(evolving(device));
  device.reset();
  EXPECT_EQ(job.poll(), Job::State::failed);
  expect_error(HB_ABORTED, "was reset", [&] { job.wait(); });
}

TEST(Job, AnAbortByAnotherHandIsToldApart) {
  Script script;
  script.on_wait = [](Script& s, std::uint64_t) { s.end(HB_STATUS_ABORTED_MASK, HB_INTR_STATE_ABORTED_MASK); };
  Device device = device_of(script);
  expect_error(HB_ABORTED, "not by its owner", [&] { device.run(evolving(device)); });
}

}  // namespace
}  // namespace heatbath
