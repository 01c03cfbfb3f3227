// libheatbath says of devices, programs and wrong calls what the driver says.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <thread>

#include "heatbath/heatbath.h"
#include "heatbath/open.hpp"
#include "heatbath/regs.h"

namespace {

constexpr const char* uri = "func:cells=3&lanes=2&threads=1&seed=5";

struct Opened {
  explicit Opened(const char* at = uri) { EXPECT_EQ(heatbath_open(at, &device), HB_OK) << heatbath_message(); }
  ~Opened() { heatbath_device_free(device); }
  heatbath_device* device = nullptr;
};

std::string said() { return heatbath_message(); }

TEST(CDevice, KnowsItsUriAndCapabilities) {
  const Opened opened;
  heatbath::Device device = heatbath::open(uri);
  EXPECT_EQ(heatbath_device_uri(opened.device), device.link().uri);
  EXPECT_EQ(heatbath_device_description(opened.device), device.link().description);
  double value = 0;
  ASSERT_EQ(heatbath_device_capability(opened.device, "cells", &value), HB_OK);
  EXPECT_EQ(value, 3);
  ASSERT_EQ(heatbath_device_capability(opened.device, "kT_reset", &value), HB_OK);
  EXPECT_EQ(value, static_cast<double>(device.capabilities().kT_reset));
  ASSERT_EQ(heatbath_device_capability(opened.device, "seeded", &value), HB_OK);
  EXPECT_EQ(value, 1);
  std::uint32_t names = 0;
  for (; heatbath_capability_name(names) != nullptr; ++names)
    EXPECT_EQ(heatbath_device_capability(opened.device, heatbath_capability_name(names), &value), HB_OK);
  EXPECT_GT(names, 40u);
  EXPECT_EQ(heatbath_device_capability(opened.device, "colour", &value), HB_BAD_ARG);
  EXPECT_NE(said().find("'colour'"), std::string::npos);
  EXPECT_NE(said().find("kT_reset"), std::string::npos) << "the message lists the names";
}

TEST(CDevice, GivesItsCouplers) {
  const Opened dense;
  std::uint64_t count = 1;
  const std::uint32_t* pairs = nullptr;
  ASSERT_EQ(heatbath_device_couplers(dense.device, &pairs, &count), HB_OK);
  EXPECT_EQ(count, 0u);
  constexpr const char* ring = "func:topology=ring:16&lanes=1&threads=1";
  const Opened sparse(ring);
  heatbath::Device device = heatbath::open(ring);
  ASSERT_EQ(heatbath_device_couplers(sparse.device, &pairs, &count), HB_OK);
  const auto couplers = device.capabilities().couplers();
  ASSERT_EQ(count, couplers.size());
  ASSERT_GT(count, 0u);
  for (std::size_t k = 0; k < count; ++k) {
    EXPECT_EQ(pairs[2 * k], couplers[k].i);
    EXPECT_EQ(pairs[2 * k + 1], couplers[k].j);
  }
}

TEST(CDevice, TimesAndStepsAreThoseOfTheDriver) {
  const Opened opened;
  heatbath::Device device = heatbath::open(uri);
  std::uint64_t ticks = 0;
  ASSERT_EQ(heatbath_ticks(opened.device, 2.5, &ticks), HB_OK);
  EXPECT_EQ(ticks, device.ticks(2.5).count);
  ASSERT_EQ(heatbath_step(opened.device, &ticks), HB_OK);
  EXPECT_EQ(ticks, device.step().count);
  ASSERT_EQ(heatbath_set_step(opened.device, 2 * ticks), HB_OK);
  std::uint64_t now = 0;
  ASSERT_EQ(heatbath_step(opened.device, &now), HB_OK);
  EXPECT_EQ(now, 2 * ticks);
  ASSERT_EQ(heatbath_capture_period(opened.device, 2 * ticks + 1, &now), HB_OK);
  EXPECT_EQ(now, 4 * ticks);
  EXPECT_EQ(heatbath_set_step_time_units(opened.device, -1), HB_BAD_ARG);
  std::uint64_t before = 0, after = 0;
  ASSERT_EQ(heatbath_now(opened.device, &before), HB_OK);
  ASSERT_EQ(heatbath_now(opened.device, &after), HB_OK);
  EXPECT_GT(after, before) << "an access lets a tick pass";
  ASSERT_EQ(heatbath_reset(opened.device), HB_OK);
  ASSERT_EQ(heatbath_now(opened.device, &after), HB_OK);
  EXPECT_LT(after, before + 100);
}

TEST(CDevice, LendsRegistersAndMemory) {
  const Opened opened;
  std::uint32_t value = 0;
  ASSERT_EQ(heatbath_device_read32(opened.device, HB_ID_OFFSET, &value), HB_OK);
  EXPECT_EQ(value, HB_ID_RESET);
  ASSERT_EQ(heatbath_device_write32(opened.device, HB_SCRATCH_OFFSET, 0x1234), HB_OK);
  ASSERT_EQ(heatbath_device_read32(opened.device, HB_SCRATCH_OFFSET, &value), HB_OK);
  EXPECT_EQ(value, 0x1234u);
  const std::uint32_t words[2] = {7, 9};
  std::uint32_t back[2] = {0, 0};
  ASSERT_EQ(heatbath_device_write_block(opened.device, 64, words, sizeof words), HB_OK);
  ASSERT_EQ(heatbath_device_read_block(opened.device, 64, back, sizeof back), HB_OK);
  EXPECT_EQ(back[1], 9u);
  EXPECT_EQ(heatbath_device_read_block(opened.device, std::uint64_t{1} << 50, back, sizeof back), HB_BAD_ARG);
  bool pending = true;
  ASSERT_EQ(heatbath_device_wait(opened.device, 10, &pending), HB_OK);
  EXPECT_FALSE(pending);
}

TEST(CErrors, EachNamesWhatIsWrong) {
  heatbath_device* device = reinterpret_cast<heatbath_device*>(8);
  EXPECT_EQ(heatbath_open("abc:x", &device), HB_BAD_ARG);
  EXPECT_EQ(device, reinterpret_cast<heatbath_device*>(8)) << "written on HB_OK only";
  EXPECT_NE(said().find("abc"), std::string::npos);
  EXPECT_EQ(heatbath_open("tlm:cells=2", &device), HB_BAD_ARG);
  EXPECT_NE(said().find("no SystemC"), std::string::npos);
  EXPECT_EQ(heatbath_open("unix:/nowhere/at/all", &device), HB_LINK);
  EXPECT_STREQ(heatbath_status_name(HB_LINK), "LINK");
  EXPECT_STREQ(heatbath_status_meaning(HB_OK), "done");
  EXPECT_STREQ(heatbath_version(), HEATBATH_VERSION);
}

TEST(CErrors, MessagesBelongToTheirThread) {
  const Opened opened;
  EXPECT_EQ(heatbath_program_new(opened.device, 99, nullptr), HB_BAD_ARG);
  const std::string here = said();
  std::thread([] {
    EXPECT_EQ(said(), "");
    EXPECT_EQ(heatbath_now(nullptr, nullptr), HB_BAD_ARG);
    EXPECT_NE(said().find("heatbath_now: device is NULL"), std::string::npos);
  }).join();
  EXPECT_EQ(said(), here);
}

TEST(CErrors, NullHandlesAreRefusedEverywhere) {
  const float value = 0;
  const std::uint32_t cell = 0;
  EXPECT_EQ(heatbath_open(uri, nullptr), HB_BAD_ARG);
  EXPECT_EQ(heatbath_reset(nullptr), HB_BAD_ARG);
  EXPECT_EQ(heatbath_step(nullptr, nullptr), HB_BAD_ARG);
  EXPECT_EQ(heatbath_set_step(nullptr, 1), HB_BAD_ARG);
  EXPECT_EQ(heatbath_set_step_time_units(nullptr, 1), HB_BAD_ARG);
  EXPECT_EQ(heatbath_ticks(nullptr, 1, nullptr), HB_BAD_ARG);
  EXPECT_EQ(heatbath_capture_period(nullptr, 1, nullptr), HB_BAD_ARG);
  EXPECT_EQ(heatbath_device_capability(nullptr, "cells", nullptr), HB_BAD_ARG);
  EXPECT_EQ(heatbath_device_couplers(nullptr, nullptr, nullptr), HB_BAD_ARG);
  EXPECT_EQ(heatbath_device_read32(nullptr, 0, nullptr), HB_BAD_ARG);
  EXPECT_EQ(heatbath_device_write32(nullptr, 0, 0), HB_BAD_ARG);
  EXPECT_EQ(heatbath_device_read_block(nullptr, 0, nullptr, 0), HB_BAD_ARG);
  EXPECT_EQ(heatbath_device_write_block(nullptr, 0, nullptr, 0), HB_BAD_ARG);
  EXPECT_EQ(heatbath_device_wait(nullptr, 0, nullptr), HB_BAD_ARG);
  EXPECT_EQ(heatbath_program_new(nullptr, 1, nullptr), HB_BAD_ARG);
  EXPECT_EQ(heatbath_program_copy(nullptr, nullptr), HB_BAD_ARG);
  EXPECT_EQ(heatbath_program_load(nullptr, HB_SECTION_J2, &value, 1), HB_BAD_ARG);
  EXPECT_EQ(heatbath_program_load_all(nullptr, HB_SECTION_J2, 0), HB_BAD_ARG);
  EXPECT_EQ(heatbath_program_load_bias_per_shot(nullptr, &value, 1, 1), HB_BAD_ARG);
  EXPECT_EQ(heatbath_program_load_matrix(nullptr, &value, 1), HB_BAD_ARG);
  EXPECT_EQ(heatbath_program_load_pairs(nullptr, &cell, &cell, &value, 1), HB_BAD_ARG);
  EXPECT_EQ(heatbath_program_load_coupler_values(nullptr, &value, 1), HB_BAD_ARG);
  EXPECT_EQ(heatbath_program_commit(nullptr), HB_BAD_ARG);
  EXPECT_EQ(heatbath_program_evolve(nullptr, 1), HB_BAD_ARG);
  EXPECT_EQ(heatbath_program_ramp(nullptr, 1), HB_BAD_ARG);
  EXPECT_EQ(heatbath_program_set(nullptr, 0, &value, 1), HB_BAD_ARG);
  EXPECT_EQ(heatbath_program_set_all(nullptr, 0, 1, 0), HB_BAD_ARG);
  EXPECT_EQ(heatbath_program_set_per_shot(nullptr, 0, 1, &value, 1), HB_BAD_ARG);
  EXPECT_EQ(heatbath_program_clamp(nullptr, 0, &value, 1), HB_BAD_ARG);
  EXPECT_EQ(heatbath_program_clamp_all(nullptr, 0, 1, 0), HB_BAD_ARG);
  EXPECT_EQ(heatbath_program_clamp_per_shot(nullptr, 0, 1, &value, 1), HB_BAD_ARG);
  EXPECT_EQ(heatbath_program_release(nullptr, 0, 1), HB_BAD_ARG);
  EXPECT_EQ(heatbath_program_sample(nullptr), HB_BAD_ARG);
  EXPECT_EQ(heatbath_program_capture_start(nullptr, 1, true), HB_BAD_ARG);
  EXPECT_EQ(heatbath_program_capture_stop(nullptr), HB_BAD_ARG);
  EXPECT_EQ(heatbath_program_meter_clear(nullptr), HB_BAD_ARG);
  EXPECT_EQ(heatbath_program_meter_snapshot(nullptr, false), HB_BAD_ARG);
  EXPECT_EQ(heatbath_program_meter_snapshot_of(nullptr, 0), HB_BAD_ARG);
  EXPECT_EQ(heatbath_program_readback(nullptr, HB_SECTION_J2), HB_BAD_ARG);
  EXPECT_EQ(heatbath_program_readback_coupler_values(nullptr), HB_BAD_ARG);
  EXPECT_EQ(heatbath_program_loop_begin(nullptr, 1), HB_BAD_ARG);
  EXPECT_EQ(heatbath_program_loop_end(nullptr), HB_BAD_ARG);
  EXPECT_EQ(heatbath_program_interrupt(nullptr, 1), HB_BAD_ARG);
  EXPECT_EQ(heatbath_submit(nullptr, nullptr, nullptr, nullptr), HB_BAD_ARG);
  EXPECT_EQ(heatbath_run(nullptr, nullptr, nullptr, nullptr), HB_BAD_ARG);
  EXPECT_EQ(heatbath_job_poll(nullptr, nullptr), HB_BAD_ARG);
  EXPECT_EQ(heatbath_job_wait(nullptr, nullptr), HB_BAD_ARG);
  EXPECT_EQ(heatbath_result_states(nullptr, nullptr, nullptr, nullptr, nullptr), HB_BAD_ARG);
  EXPECT_EQ(heatbath_result_ticks(nullptr, nullptr, nullptr), HB_BAD_ARG);
  EXPECT_EQ(heatbath_result_turns(nullptr, nullptr, nullptr), HB_BAD_ARG);
  EXPECT_EQ(heatbath_result_meters(nullptr, 0, nullptr, nullptr), HB_BAD_ARG);
  EXPECT_EQ(heatbath_result_heat_per_cell(nullptr, 0, nullptr, nullptr), HB_BAD_ARG);
  EXPECT_EQ(heatbath_result_meter(nullptr, 0, HB_METER_HEAT_PER_CELL, nullptr, nullptr), HB_BAD_ARG);
  EXPECT_EQ(heatbath_result_readback(nullptr, 0, nullptr, nullptr), HB_BAD_ARG);
  EXPECT_EQ(heatbath_result_counters(nullptr, nullptr), HB_BAD_ARG);
  EXPECT_EQ(heatbath_program_records(nullptr), 0u);
  EXPECT_EQ(heatbath_program_duration(nullptr), 0u);
  EXPECT_EQ(heatbath_program_clips(nullptr), 0u);
  EXPECT_STREQ(heatbath_device_uri(nullptr), "");
  EXPECT_STREQ(heatbath_device_description(nullptr), "");
  heatbath_job_cancel(nullptr);
  heatbath_job_free(nullptr);
  heatbath_result_free(nullptr);
  heatbath_program_free(nullptr);
  heatbath_device_free(nullptr);
}

}  // namespace
