// What libheatbath's jobs leave has the bits of the driver's.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "c_host.h"
#include "heatbath/heatbath.h"
#include "heatbath/open.hpp"

namespace {

using heatbath::CellSection;

constexpr const char* uri = "func:cells=3&lanes=2&threads=1&seed=5";

std::string said() { return heatbath_message(); }

/// A device and a program of three cells.
class CJob : public ::testing::Test {
 protected:
  CJob() {
    EXPECT_EQ(heatbath_open(uri, &device), HB_OK) << said();
    EXPECT_EQ(heatbath_program_new(device, 3, &program), HB_OK) << said();
    options.seeded = true;
    options.seed = 3;
  }
  ~CJob() override {
    heatbath_result_free(result);
    heatbath_program_free(program);
    heatbath_device_free(device);
  }
  heatbath_device* device = nullptr;
  heatbath_program* program = nullptr;
  heatbath_result* result = nullptr;
  heatbath_job_options options = HEATBATH_JOB_OPTIONS;
};

TEST(CHost, HasTheBitsOfTheDriver) {
  std::vector<float> states(3 * 4 * 3);
  hb_meters_t meters{};
  int calls = 0;
  ASSERT_EQ(hb_c_host_run(uri, states.data(), static_cast<std::uint32_t>(states.size()), &meters, &calls), HB_OK) << said();
  EXPECT_GT(calls, 0);

  heatbath::Device device = heatbath::open(uri);
  heatbath::Program program(device.capabilities(), 3);
  const std::vector<float> j2{1.0f, 0.5f, 2.0f}, bias{0.25f, 0, -0.5f};
  const std::vector<heatbath::Coupling> pairs{{0, 1, 0.5f}, {1, 2, -0.25f}};
  program.load(CellSection::j2, j2).load(CellSection::bias, bias).load_coupling_list(pairs).load_temperature(0.5f).commit();
  program.set(0, 3, 0.125f).meter_clear().loop_begin(4).evolve({20000}).sample().loop_end().meter_snapshot();
  heatbath::JobOptions options;
  options.shots = 3;
  options.seed = 11;
  options.first_shot = 4;
  const heatbath::Result result = device.run(program, options);
  for (std::uint32_t shot = 0; shot < 3; ++shot)
    EXPECT_EQ(std::memcmp(states.data() + shot * 12, result.capture.trajectory(shot).data(), 12 * sizeof(float)), 0);
  EXPECT_EQ(std::memcmp(&meters, &result.meters[0][2], sizeof meters), 0);
}

TEST_F(CJob, EveryInstructionReachesTheProgram) {
  const std::vector<float> matrix{0, 0.5f, 0, 0.5f, 0, -1, 0, -1, 0}, shots{0.1f, 0.2f, 0.3f, 0.4f};
  const float held = 0.75f;
  ASSERT_EQ(heatbath_program_load_all(program, HB_SECTION_J4, 1), HB_OK) << said();
  ASSERT_EQ(heatbath_program_load_all(program, HB_SECTION_GAIN, 0.5f), HB_OK) << said();
  ASSERT_EQ(heatbath_program_load_matrix(program, matrix.data(), matrix.size()), HB_OK) << said();
  const std::vector<float> biases{1, 2, 3, 4, 5, 6};
  ASSERT_EQ(heatbath_program_load_bias_per_shot(program, biases.data(), biases.size(), 2), HB_OK) << said();
  ASSERT_EQ(heatbath_program_ramp(program, 10000), HB_OK) << said();
  ASSERT_EQ(heatbath_program_set_per_shot(program, 0, 2, shots.data(), 2), HB_OK) << said();
  ASSERT_EQ(heatbath_program_clamp(program, 2, &held, 1), HB_OK) << said();
  ASSERT_EQ(heatbath_program_clamp_per_shot(program, 0, 2, shots.data(), 2), HB_OK) << said();
  ASSERT_EQ(heatbath_program_clamp_all(program, 0, 1, 0.5f), HB_OK) << said();
  ASSERT_EQ(heatbath_program_release(program, 0, 3), HB_OK) << said();
  ASSERT_EQ(heatbath_program_capture_start(program, 5000, true), HB_OK) << said();
  ASSERT_EQ(heatbath_program_evolve(program, 10000), HB_OK) << said();
  ASSERT_EQ(heatbath_program_capture_stop(program), HB_OK) << said();
  ASSERT_EQ(heatbath_program_readback(program, HB_SECTION_COUPLING), HB_OK) << said();
  ASSERT_EQ(heatbath_program_readback(program, HB_SECTION_J4), HB_OK) << said();
  ASSERT_EQ(heatbath_program_meter_snapshot(program, true), HB_OK) << said();
  ASSERT_EQ(heatbath_program_meter_snapshot_of(program, HB_FLAG_ACTIVITY | HB_FLAG_ACTIVITY_PER_CELL), HB_OK) << said();
  EXPECT_EQ(heatbath_program_meter_snapshot_of(program, HB_FLAG_NOW), HB_BAD_ARG);
  EXPECT_NE(said().find("flags that are of no meter"), std::string::npos) << said();
  ASSERT_EQ(heatbath_program_interrupt(program, 9), HB_OK) << said();
  EXPECT_EQ(heatbath_program_records(program), 3u);
  EXPECT_EQ(heatbath_program_duration(program), 20000u);
  EXPECT_EQ(heatbath_program_clips(program), 0u);
  EXPECT_EQ(heatbath_run(device, program, &options, &result), HB_BAD_ARG) << "per-shot operands are for two shots";
  options.shots = 2;
  ASSERT_EQ(heatbath_run(device, program, &options, &result), HB_OK) << said();

  heatbath::Device own = heatbath::open(uri);
  heatbath::Program same(own.capabilities(), 3);
  same.load(CellSection::j4, 1).load_gain(0.5f).load_couplings(matrix).load_bias_per_shot(biases, 2).ramp({10000});
  same.set_per_shot(0, 2, shots, 2).clamp(2, 1, held).clamp_per_shot(0, 2, shots, 2).clamp(0, 1, 0.5f).release(0, 3);
  same.capture_start({5000}, true).evolve({10000}).capture_stop().readback_couplings().readback(CellSection::j4);
  same.meter_snapshot(heatbath::Meter::heat_per_cell);
  same.meter_snapshot({heatbath::Meter::activity, heatbath::Meter::activity_per_cell}).interrupt(9);
  heatbath::JobOptions how;
  how.shots = 2;
  how.seed = 3;
  const heatbath::Result expected = own.run(same, how);

  const float* states = nullptr;
  std::uint32_t of_shots = 0, variables = 0;
  std::uint64_t records = 0, count = 0;
  ASSERT_EQ(heatbath_result_states(result, &states, &of_shots, &records, &variables), HB_OK);
  ASSERT_EQ(of_shots * records * variables, 2u * 3 * 3);
  EXPECT_EQ(std::memcmp(states, expected.capture.trajectory(0).data(), 9 * sizeof(float)), 0);
  EXPECT_EQ(std::memcmp(states + 9, expected.capture.trajectory(1).data(), 9 * sizeof(float)), 0);
  const std::uint64_t* ticks = nullptr;
  ASSERT_EQ(heatbath_result_ticks(result, &ticks, &records), HB_OK);
  EXPECT_EQ(std::vector<std::uint64_t>(ticks, ticks + records), (std::vector<std::uint64_t>{10000, 15000, 20000}));
  const float* values = nullptr;
  ASSERT_EQ(heatbath_result_readback(result, 0, &values, &count), HB_OK);
  EXPECT_EQ(std::vector<float>(values, values + count), expected.readback[0]);
  ASSERT_EQ(heatbath_result_readback(result, 1, &values, &count), HB_OK);
  EXPECT_EQ(std::vector<float>(values, values + count), (std::vector<float>{1, 1, 1}));
  EXPECT_EQ(heatbath_result_readback(result, 2, &values, &count), HB_BAD_ARG);
  EXPECT_NE(said().find("readback 2; the program took 2"), std::string::npos) << said();
  const double* heat = nullptr;
  ASSERT_EQ(heatbath_result_heat_per_cell(result, 0, &heat, &count), HB_OK);
  EXPECT_TRUE(std::ranges::equal(std::span(heat, count), expected.meter(heatbath::Meter::heat_per_cell)));
  for (const auto meter : {heatbath::Meter::activity, heatbath::Meter::activity_per_cell}) {
    const double* counts = nullptr;
    ASSERT_EQ(heatbath_result_meter(result, 1, static_cast<std::uint32_t>(meter), &counts, &count), HB_OK) << said();
    EXPECT_TRUE(std::ranges::equal(std::span(counts, count), expected.meter(meter, 1)));
    EXPECT_EQ(count, meter == heatbath::Meter::activity ? 2u : 6u);
  }
  ASSERT_EQ(heatbath_result_meter(result, 0, HB_METER_ACTIVITY, nullptr, &count), HB_OK);
  EXPECT_EQ(count, 0u) << "that snapshot did not ask for it";
  EXPECT_EQ(heatbath_result_meter(result, 0, HB_METER_WORK, nullptr, &count), HB_BAD_ARG);
  EXPECT_EQ(heatbath_result_meter(result, 2, HB_METER_ACTIVITY, nullptr, &count), HB_BAD_ARG);
  std::uint32_t turns = 1;
  const std::int32_t* no_turns = nullptr;
  ASSERT_EQ(heatbath_result_turns(result, &no_turns, &turns), HB_OK);
  EXPECT_EQ(turns, 0u);
  heatbath_counters counters{};
  EXPECT_EQ(heatbath_result_counters(result, &counters), HB_BAD_ARG) << "its size is not said";
  counters.size = sizeof counters;
  ASSERT_EQ(heatbath_result_counters(result, &counters), HB_OK) << said();
  EXPECT_EQ(counters.array_ticks, expected.array_ticks.count);
  EXPECT_EQ(counters.rail_cell, expected.rail_cell);
}

TEST_F(CJob, RefusalsLeaveTheProgramAlone) {
  const float nothing[2] = {1, NAN};
  ASSERT_EQ(heatbath_program_evolve(program, 1000), HB_OK);
  EXPECT_EQ(heatbath_program_load(program, HB_SECTION_J2, nothing, 2), HB_BAD_ARG);
  EXPECT_EQ(heatbath_program_load(program, HB_SECTION_COUPLING, nothing, 2), HB_BAD_ARG);
  EXPECT_NE(said().find("no value per cell"), std::string::npos) << said();
  EXPECT_EQ(heatbath_program_load(program, HB_SECTION_J2, nullptr, 3), HB_BAD_ARG);
  EXPECT_NE(said().find("values is NULL"), std::string::npos) << said();
  EXPECT_EQ(heatbath_program_load_all(program, 99, 1), HB_UNSUPPORTED);
  EXPECT_EQ(heatbath_program_readback(program, 99), HB_UNSUPPORTED);
  EXPECT_EQ(heatbath_program_loop_end(program), HB_BAD_ARG);
  EXPECT_EQ(heatbath_program_duration(program), 1000u);
  heatbath_program* copy = nullptr;
  ASSERT_EQ(heatbath_program_copy(program, &copy), HB_OK);
  ASSERT_EQ(heatbath_program_evolve(copy, 1000), HB_OK);
  EXPECT_EQ(heatbath_program_duration(program), 1000u);
  EXPECT_EQ(heatbath_program_duration(copy), 2000u);
  heatbath_program_free(copy);
}

TEST_F(CJob, StrictOnesRefuseClips) {
  ASSERT_EQ(heatbath_program_load_all(program, HB_SECTION_BIAS, 1e9f), HB_OK) << said();
  ASSERT_EQ(heatbath_program_commit(program), HB_OK) << said();
  EXPECT_EQ(heatbath_run(device, program, &options, &result), HB_OK) << said();
  heatbath_counters counters{};
  counters.size = sizeof counters;
  ASSERT_EQ(heatbath_result_counters(result, &counters), HB_OK);
  EXPECT_EQ(counters.clips, 3u);
  options.strict = true;
  heatbath_result* none = nullptr;
  EXPECT_EQ(heatbath_run(device, program, &options, &none), HB_UNSUPPORTED);
  EXPECT_EQ(none, nullptr);
}

TEST_F(CJob, OptionsSayTheirSize) {
  ASSERT_EQ(heatbath_program_evolve(program, 1000), HB_OK);
  options.size = 8;
  EXPECT_EQ(heatbath_run(device, program, &options, &result), HB_BAD_ARG);
  EXPECT_NE(said().find("options.size is 8"), std::string::npos) << said();
  options.size = sizeof options + 64;  // of a later header
  EXPECT_EQ(heatbath_run(device, program, &options, &result), HB_OK) << said();
}

TEST_F(CJob, OutlivesTheHandleOfItsDevice) {
  ASSERT_EQ(heatbath_program_evolve(program, 10000), HB_OK);
  ASSERT_EQ(heatbath_program_sample(program), HB_OK);
  heatbath_job* job = nullptr;
  ASSERT_EQ(heatbath_submit(device, program, &options, &job), HB_OK) << said();
  heatbath_job* second = nullptr;
  EXPECT_EQ(heatbath_submit(device, program, &options, &second), HB_BUSY);
  heatbath_program_free(program);
  program = nullptr;
  heatbath_device_free(device);
  device = nullptr;
  heatbath_job_state state = HEATBATH_JOB_FAILED;
  ASSERT_EQ(heatbath_job_poll(job, &state), HB_OK);
  EXPECT_EQ(state, HEATBATH_JOB_RUNNING);
  ASSERT_EQ(heatbath_job_wait(job, &result), HB_OK) << said();
  ASSERT_EQ(heatbath_job_poll(job, &state), HB_OK);
  EXPECT_EQ(state, HEATBATH_JOB_DONE);
  heatbath_result* again = nullptr;
  EXPECT_EQ(heatbath_job_wait(job, &again), HB_BAD_ARG);
  heatbath_job_free(job);
  std::uint64_t records = 0;
  ASSERT_EQ(heatbath_result_ticks(result, nullptr, &records), HB_OK);
  EXPECT_EQ(records, 1u);
}

TEST_F(CJob, IsCancelledFromAnotherThread) {
  ASSERT_EQ(heatbath_program_evolve(program, std::uint64_t{1000} << 40), HB_OK);
  heatbath_job* job = nullptr;
  ASSERT_EQ(heatbath_submit(device, program, &options, &job), HB_OK) << said();
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    heatbath_job_cancel(job);
  });
  EXPECT_EQ(heatbath_job_wait(job, &result), HB_ABORTED);
  other.join();
  heatbath_job_state state = HEATBATH_JOB_RUNNING;
  ASSERT_EQ(heatbath_job_poll(job, &state), HB_OK);
  EXPECT_EQ(state, HEATBATH_JOB_CANCELLED);
  heatbath_job_free(job);
}

TEST_F(CJob, EndsAtItsLimit) {
  ASSERT_EQ(heatbath_program_evolve(program, std::uint64_t{1000} << 30), HB_OK);
  options.limit = 100000;
  EXPECT_EQ(heatbath_run(device, program, &options, &result), HB_TIMEOUT);
  EXPECT_EQ(result, nullptr);
}

TEST_F(CJob, NothingThrownCrosses) {
  ASSERT_EQ(heatbath_program_evolve(program, std::uint64_t{1000} << 30), HB_OK);
  options.progress = [](void*, double) -> bool { throw std::runtime_error("of the host's own"); };
  EXPECT_EQ(heatbath_run(device, program, &options, &result), HB_DEVICE);
  EXPECT_EQ(said(), "of the host's own");
  options.progress = nullptr;
  options.checkpoint_due = [](void*) { return true; };
  options.checkpoint_keep = [](void*, const void*, std::uint64_t) { throw std::runtime_error("no room to keep it"); };
  EXPECT_EQ(heatbath_run(device, program, &options, &result), HB_DEVICE);
  EXPECT_EQ(said(), "no room to keep it");
  options.checkpoint_due = nullptr;
  options.checkpoint_keep = nullptr;
  options.progress = [](void*, double) { return false; };
  EXPECT_EQ(heatbath_run(device, program, &options, &result), HB_ABORTED) << "and the device is free";
}

/// What the host of a job that is kept sees: the bytes of the second time it was asked.
struct Keeper {
  int asked = 0;
  std::vector<unsigned char> bytes;
};

TEST_F(CJob, IsKeptAndGoesOnToTheSameBitsOnAnotherDevice) {
  ASSERT_EQ(heatbath_program_load_all(program, HB_SECTION_KT, 1), HB_OK);
  ASSERT_EQ(heatbath_program_load_all(program, HB_SECTION_J2, 1), HB_OK);
  ASSERT_EQ(heatbath_program_commit(program), HB_OK);
  ASSERT_EQ(heatbath_program_capture_start(program, 20000, false), HB_OK);
  ASSERT_EQ(heatbath_program_evolve(program, 2000000), HB_OK);
  options.shots = 6;
  Keeper keeper;
  options.context = &keeper;
  options.checkpoint_due = [](void* context) { return ++static_cast<Keeper*>(context)->asked == 2; };
  options.checkpoint_keep = [](void* context, const void* bytes, std::uint64_t count) {
    const auto* first = static_cast<const unsigned char*>(bytes);
    static_cast<Keeper*>(context)->bytes.assign(first, first + count);
  };
  ASSERT_EQ(heatbath_run(device, program, &options, &result), HB_OK) << said();
  ASSERT_FALSE(keeper.bytes.empty()) << "asked " << keeper.asked << " times";
  const auto states_of = [](const heatbath_result* of) {
    const float* values = nullptr;
    std::uint32_t shots = 0, variables = 0;
    std::uint64_t records = 0;
    EXPECT_EQ(heatbath_result_states(of, &values, &shots, &records, &variables), HB_OK);
    return std::vector<float>(values, values + shots * records * variables);
  };
  const std::vector<float> expected = states_of(result);
  ASSERT_EQ(expected.size(), 6u * 100 * 3);

  heatbath_device* other = nullptr;
  ASSERT_EQ(heatbath_open("func:cells=3&lanes=2&threads=3&seed=5", &other), HB_OK) << said();
  options.checkpoint_due = nullptr, options.checkpoint_keep = nullptr;
  options.checkpoint_from = keeper.bytes.data(), options.checkpoint_bytes = keeper.bytes.size();
  heatbath_result* again = nullptr;
  ASSERT_EQ(heatbath_run(other, program, &options, &again), HB_OK) << said();
  EXPECT_EQ(states_of(again), expected);
  heatbath_result_free(again);

  keeper.bytes[keeper.bytes.size() / 2] ^= 1;
  EXPECT_EQ(heatbath_run(other, program, &options, &again), HB_BAD_ARG);
  EXPECT_NE(said().find("damaged"), std::string::npos) << said();
  options.checkpoint_from = nullptr;
  EXPECT_EQ(heatbath_run(other, program, &options, &again), HB_BAD_ARG);
  EXPECT_NE(said().find("checkpoint_from is NULL"), std::string::npos) << said();
  options.size = offsetof(heatbath_job_options, checkpoint_due);  // of a caller of before checkpoints
  EXPECT_EQ(heatbath_run(other, program, &options, &again), HB_OK) << said();
  EXPECT_EQ(states_of(again), expected) << "what it lacks is zero";
  heatbath_result_free(again);
  options.size = sizeof options;
  options.checkpoint_bytes = 0;
  options.checkpoint_due = [](void*) { return false; };
  EXPECT_EQ(heatbath_run(other, program, &options, &again), HB_BAD_ARG);
  EXPECT_NE(said().find("go together"), std::string::npos) << said();
  heatbath_device_free(other);
}

}  // namespace
