// Devices behind tlm: one configuration per process, reset at each opening; the driver as on func:.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "heatbath/open.hpp"
#include "heatbath/regs.h"
#include "tests/device/changed_profile.hpp"

namespace heatbath {
namespace {

constexpr const char* small = "tlm:cells=6&lanes=4&threads=1";

std::string refusal(const std::string& uri, hb_status_t code) {
  try {
    open(uri);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  ADD_FAILURE() << uri << " was opened";
  return {};
}

Program relaxation(Device& device) {
  Program program(device.capabilities(), 2);
  program.load(CellSection::j2, 1).load(CellSection::j4, 1).load(CellSection::bias, 0).load_temperature(0.5f).commit();
  program.capture_start(device.capture_period(device.ticks(0.1)));
  program.evolve(device.ticks(1)).capture_stop();
  return program;
}

std::vector<float> states(const Capture& capture, std::uint32_t shots) {
  std::vector<float> all;
  for (std::uint64_t record = 0; record < capture.records(); ++record)
    for (std::uint32_t shot = 0; shot < shots; ++shot) {
      const auto state = capture.state(shot, record);
      all.insert(all.end(), state.begin(), state.end());
    }
  return all;
}

TEST(TlmDevice, ADriverJobGivesTheBitsOfFunc) {
  Device tlm = open(small), func = open("func:cells=6&lanes=4&threads=1");
  const JobOptions options{.shots = 10, .seed = 3};
  const auto expected = states(func.run(relaxation(func), options).capture, 10);
  EXPECT_EQ(states(tlm.run(relaxation(tlm), options).capture, 10), expected);
  EXPECT_EQ(tlm.now().count, func.now().count) << "the same accesses cost the same ticks";
  EXPECT_EQ(tlm.link().uri, "tlm:profile=ideal&cells=6&lanes=4&seed=1&threads=1&timing=lt");
}

// One configuration per process: ctest runs each of these alone.
class TlmArray : public ::testing::TestWithParam<const char*> {};

TEST_P(TlmArray, GivesTheBitsOfFuncThroughTheDriver) {
  const std::string keys = GetParam();
  try {
    open("tlm:" + keys);
  } catch (const Error&) {
    GTEST_SKIP() << "a process has one SystemC chip: run this test alone";
  }
  Device tlm = open("tlm:" + keys), func = open("func:" + keys);
  EXPECT_EQ(tlm.capabilities().cell_kind, func.capabilities().cell_kind);
  ASSERT_EQ(tlm.capabilities().couplers().size(), func.capabilities().couplers().size());
  for (std::size_t k = 0; k < func.capabilities().couplers().size(); ++k)
    EXPECT_EQ(tlm.capabilities().couplers()[k], func.capabilities().couplers()[k]);
  const auto job = [](Device& on) {
    const Capabilities& caps = on.capabilities();
    Program program(caps, caps.cells);
    std::vector<float> bias(std::size_t{caps.cells} * values_per_cell(caps, HB_SECTION_BIAS));
    for (std::size_t i = 0; i < bias.size(); ++i) bias[i] = 0.3f * static_cast<float>(i % 5) - 0.6f;
    std::vector<float> matrix(std::size_t{caps.cells} * caps.cells, 0.0f);
    std::vector<Coupler> pairs = program.couplers();
    for (std::uint32_t i = 0; !caps.sparse() && i + 1 < caps.cells; ++i) pairs.push_back({i, i + 1});
    for (const Coupler& at : pairs) matrix[at.i * caps.cells + at.j] = matrix[at.j * caps.cells + at.i] = -0.2f;
    program.load(CellSection::bias, bias).load_couplings(matrix).load_temperature(0.7f).commit().meter_clear();
    program.capture_start(on.capture_period(on.step())).evolve(on.step() * 7);
    program.load(CellSection::bias, 0.1f).load_temperature(0.3f).ramp(on.step() * 9).meter_snapshot();
    JobOptions options{.shots = 5, .seed = 3};
    options.capture_cells = program.variables();
    return on.run(program, options);
  };
  const Result expected = job(func), found = job(tlm);
  EXPECT_EQ(states(found.capture, 5), states(expected.capture, 5));
  for (std::size_t shot = 0; shot < 5; ++shot) {
    EXPECT_EQ(found.meters[0][shot].work, expected.meters[0][shot].work);
    EXPECT_EQ(found.meters[0][shot].heat_path, expected.meters[0][shot].heat_path);
    EXPECT_NE(expected.meters[0][shot].work, 0);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, TlmArray,
    ::testing::Values("cells=6&lanes=4&threads=1&stepper=leimkuhler-matthews",
                      "cell=underdamped&cells=6&lanes=4&threads=1", "cell=phase&topology=grid:3x4&lanes=4&threads=1",
                      "cell=rlc&topology=chain:5&lanes=4&threads=1&stepper=exact-ou",
                      "cell=pbit&topology=grid:3x4&lanes=4&threads=1", "cell=pbit&cells=7&lanes=4&threads=1", "cell=categorical&cells=7&lanes=4&threads=1",
                      "cells=6&lanes=4&threads=1&noise=telegraph&noise_time=0.01&reciprocal=no"),
    [](const auto& made) { return std::to_string(made.index); });

TEST(TlmDevice, OpeningTheSameChipAgainIsAReset) {
  std::vector<float> first;
  {
    Device device = open(small);
    first = states(device.run(relaxation(device), {.shots = 4}).capture, 4);
  }
  Device device = open(small);
  EXPECT_LT(device.now().count, 1000u) << "time starts at 0";
  EXPECT_EQ(states(device.run(relaxation(device), {.shots = 4}).capture, 4), first)
      << "unseeded shots count from reset";
}

TEST(TlmDevice, AnotherConfigurationIsRefusedByNameOfWhatServes) {
  Device device = open(small);
  EXPECT_NE(refusal(small, HB_BUSY).find("open already"), std::string::npos);
  { const Device moved = std::move(device); }
  const std::string message = refusal("tlm:cells=7&lanes=4&threads=1", HB_BAD_ARG);
  EXPECT_NE(message.find("func:"), std::string::npos) << message;
  EXPECT_NE(message.find("unix:"), std::string::npos) << message;
  EXPECT_NE(message.find("6 cells"), std::string::npos) << message;
  open(small);
}

TEST(TlmDevice, BlocksMoveToHostMemoryAsOnFunc) {
  const model::bench::ChangedProfile profile("ideal", {{"dma", "true"}});
  const auto moved = [&](const std::string& scheme) {
    Device device = open(scheme + ":profile=" + profile.path() + "&cells=2&lanes=1&threads=1");
    EXPECT_TRUE(device.capabilities().dma);
    Transport& link = device.transport();
    const auto buffer = link.dma_alloc(1000);
    EXPECT_TRUE(buffer.has_value());
    const std::vector<std::byte> data(1000, std::byte{0x5A});
    link.write_block(HB_MEMORY_BASE + 64, data);
    link.write32(HB_INTR_ENABLE_OFFSET, HB_INTR_STATE_DMA_DONE_MASK);
    link.write32(HB_DMA_HOST_LO_OFFSET, static_cast<std::uint32_t>(buffer->address));
    link.write32(HB_DMA_HOST_HI_OFFSET, static_cast<std::uint32_t>(buffer->address >> 32));
    link.write32(HB_DMA_DEVICE_LO_OFFSET, 64);
    link.write32(HB_DMA_BYTES_OFFSET, 1000);
    link.write32(HB_DMA_BURST_OFFSET, 64);
    link.write32(HB_DMA_COMMAND_OFFSET, HB_DMA_COMMAND_OP_TO_HOST | 1u << 16);
    EXPECT_TRUE(link.wait_irq(1000));
    EXPECT_TRUE(std::equal(data.begin(), data.end(), buffer->bytes.begin()));
    const std::uint64_t ticks = device.now().count;
    link.dma_free(buffer->address);
    link.write32(HB_DMA_COMMAND_OFFSET, HB_DMA_COMMAND_OP_TO_HOST | 2u << 16);
    EXPECT_EQ(link.read32(HB_DMA_STATUS_OFFSET), std::uint32_t{HB_LINK} << HB_DMA_STATUS_CODE_SHIFT);
    return ticks;
  };
  try {
    open("tlm:profile=" + profile.path() + "&cells=2&lanes=1&threads=1");
  } catch (const Error&) {
    GTEST_SKIP() << "a process has one SystemC chip: run this test alone";
  }
  EXPECT_EQ(moved("tlm"), moved("func"));
  EXPECT_FALSE(open("func:cells=2").transport().dma_alloc(64).has_value()) << "a chip without DMA reaches no host memory";
}

TEST(TlmDevice, UriMistakesListWhatIsValid) {
  EXPECT_NE(refusal("tlm:cels=2", HB_BAD_ARG).find("tlm: has profile, cells, lanes, seed, threads, timing"),
            std::string::npos);
  EXPECT_NE(refusal("tlm:timing=fast", HB_BAD_ARG).find("lt (loosely timed) or at"), std::string::npos);
  EXPECT_NE(refusal("func:timing=lt", HB_BAD_ARG).find("key 'timing' is unknown"), std::string::npos);
  EXPECT_NE(refusal("tlm:profile=gold", HB_BAD_ARG).find("silicon"), std::string::npos);
  EXPECT_NE(refusal("tlm:cells=9999", HB_BAD_ARG).find("in 1..8192"), std::string::npos);
}

TEST(TlmDevice, ApproximatelyTimedSiliconRunsTheSameProgramsAndTakesLonger) {
  constexpr const char* at = "tlm:profile=silicon&cells=6&threads=1&timing=at";
  try {
    open(at);
  } catch (const Error&) {
    GTEST_SKIP() << "a process has one SystemC chip: run this test alone";
  }
  Device device = open(at), func = open("func:profile=silicon&cells=6&threads=1");
  const auto job = [](Device& on) {
    Program program(on.capabilities(), 2);
    program.load(CellSection::j2, 1).load(CellSection::j4, 1).commit().evolve(on.ticks(1)).sample();
    const std::uint64_t before = on.now().count;
    EXPECT_EQ(on.run(program, {.shots = 3}).capture.records(), 1u);
    return on.now().count - before;
  };
  EXPECT_GT(job(device), job(func));
}

}  // namespace
}  // namespace heatbath
