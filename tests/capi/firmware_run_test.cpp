// A program built, run and read by firmware_api alone has the bits of the driver's, in every number format.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "heatbath/heatbath.h"
#include "heatbath/host_mmio.h"
#include "heatbath/open.hpp"
#include "heatbath/run.h"

extern "C" {
#include "examples/c/whole_job.h"
}

namespace {

using heatbath::CellSection;
using heatbath::Meter;

/// A device that firmware reaches through libheatbath.
struct Part {
  explicit Part(const char* uri) {
    EXPECT_EQ(heatbath_open(uri, &host.device), HB_OK) << heatbath_message();
    mmio = heatbath_host_mmio_of(&host);
    EXPECT_EQ(hb_dif_capability_get(&mmio, &capabilities), HB_OK);
  }
  ~Part() {
    EXPECT_EQ(host.status, HB_OK) << heatbath_message();
    heatbath_device_free(host.device);
  }
  heatbath_host_mmio host{nullptr, HB_OK};
  hb_mmio_t mmio{};
  hb_capabilities_t capabilities{};
};

class FirmwareRun : public ::testing::TestWithParam<const char*> {};

TEST_P(FirmwareRun, HasTheBitsOfTheDriver) {
  constexpr std::uint32_t cells = 19, shots = 3;
  const std::string uri = std::string(GetParam()) + "&cells=19&lanes=4&threads=1";
  heatbath::Device device = heatbath::open(uri);
  const heatbath::Capabilities& caps = device.capabilities();
  std::vector<float> j2(cells), bias(cells), start(cells), matrix(cells * cells);
  for (std::uint32_t i = 0; i < cells; ++i) {
    j2[i] = 0.5f + 0.03f * static_cast<float>(i);
    bias[i] = 0.1f * static_cast<float>(i) - 0.7f;
    start[i] = 0.05f * static_cast<float>(i) - 0.4f;
    for (std::uint32_t k = 0; k < i; ++k)
      matrix[i * cells + k] = matrix[k * cells + i] = 0.01f * static_cast<float>((i * 7 + k * 5) % 11) - 0.05f;
  }
  const std::uint64_t unit = caps.time_unit.count, period = device.capture_period({unit / 4}).count;

  heatbath::Program program(caps, cells);
  program.load(CellSection::j2, j2).load(CellSection::j4, 0.25f).load(CellSection::bias, bias).load_couplings(matrix);
  program.load_gain(0.5f).load_temperature(0.5f).commit().meter_clear().set(0, start).clamp(3, 2, 0.25f).evolve({unit});
  program.release(3, 2).capture_start({period}, true).loop_begin(2).ramp({unit}).evolve({unit}).loop_end().capture_stop();
  program.sample().meter_snapshot({Meter::heat_per_cell, Meter::activity, Meter::activity_per_cell}).readback(CellSection::bias).interrupt(5);
  heatbath::JobOptions options;
  options.shots = shots;
  options.seed = 42;
  options.first_shot = 9;
  options.capture_first = 2;
  options.capture_cells = 15;
  const heatbath::Result expected = device.run(program, options);

  Part part(uri.c_str());
  hb_program_t own;
  ASSERT_EQ(hb_program_begin(&own, &part.mmio, &part.capabilities, cells, 128, 32), HB_OK);
  hb_program_load(&own, HB_SECTION_J2, j2.data(), cells);
  hb_program_load_all(&own, HB_SECTION_J4, 0.25f);
  hb_program_load(&own, HB_SECTION_BIAS, bias.data(), cells);
  hb_program_load_matrix(&own, matrix.data());
  hb_program_load_all(&own, HB_SECTION_GAIN, 0.5f);
  hb_program_load_all(&own, HB_SECTION_KT, 0.5f);
  hb_program_commit(&own);
  hb_program_meter_clear(&own);
  hb_program_set(&own, 0, start.data(), cells);
  hb_program_clamp_all(&own, 3, 2, 0.25f);
  hb_program_evolve(&own, unit);
  hb_program_release(&own, 3, 2);
  hb_program_capture_start(&own, period, true);
  hb_program_loop_begin(&own, 2);
  hb_program_ramp(&own, unit);
  hb_program_evolve(&own, unit);
  hb_program_loop_end(&own);
  hb_program_capture_stop(&own);
  hb_program_sample(&own);
  const std::uint64_t snapshot = hb_program_meter_snapshot(&own, HB_METER_FLAGS);
  const std::uint64_t readback = hb_program_readback(&own, HB_SECTION_BIAS, cells);
  hb_program_interrupt(&own, 5);
  ASSERT_EQ(hb_program_end(&own), HB_OK);
  EXPECT_GT(readback, snapshot);

  hb_run_t run{};
  run.program = &own;
  run.shots = shots;
  run.seeded = true;
  run.seed = 42;
  run.first_shot = 9;
  run.first = 2;
  run.variables = 15;
  run.limit = 1000 * unit;
  ASSERT_EQ(hb_run_whole(&run), HB_OK) << hb_status_name(run.fault.code) << " at " << run.fault.pc;
  ASSERT_EQ(run.records, expected.capture.records());
  std::vector<float> states(run.variables);
  for (std::uint32_t shot = 0; shot < shots; ++shot) {
    for (std::uint32_t record = 0; record < run.records; ++record) {
      std::uint64_t ticks = 0;
      ASSERT_EQ(hb_run_record(&run, record, shot, states.data(), &ticks), HB_OK);
      EXPECT_EQ(ticks, expected.capture.ticks()[record].count);
      const auto state = expected.capture.state(shot, record);
      EXPECT_EQ(states, std::vector<float>(state.begin(), state.end())) << "shot " << shot << ", record " << record;
    }
    hb_meters_t meters{};
    ASSERT_EQ(hb_run_meters(&run, snapshot, shot, &meters), HB_OK);
    EXPECT_EQ(meters.heat, expected.meters[0][shot].heat);
    EXPECT_EQ(meters.work, expected.meters[0][shot].work);
    EXPECT_EQ(meters.ticks, expected.meters[0][shot].ticks);
    std::vector<double> heat(cells);
    std::vector<std::uint64_t> changes(cells);
    std::uint64_t activity = 0;
    ASSERT_EQ(hb_run_meter(&run, snapshot, HB_METER_FLAGS, HB_METER_HEAT_PER_CELL, shot, heat.data()), HB_OK);
    ASSERT_EQ(hb_run_meter(&run, snapshot, HB_METER_FLAGS, HB_METER_ACTIVITY_PER_CELL, shot, changes.data()), HB_OK);
    ASSERT_EQ(hb_run_meter(&run, snapshot, HB_METER_FLAGS, HB_METER_ACTIVITY, shot, &activity), HB_OK);
    EXPECT_TRUE(std::ranges::equal(heat, expected.meter(Meter::heat_per_cell).subspan(shot * cells, cells)));
    EXPECT_TRUE(std::ranges::equal(changes, expected.meter(Meter::activity_per_cell).subspan(shot * cells, cells)));
    EXPECT_EQ(static_cast<double>(activity), expected.meter(Meter::activity)[shot]);
    EXPECT_GT(activity, 0u);
  }
  double none = 0;
  EXPECT_EQ(hb_run_meter(&run, snapshot, 0, HB_METER_ACTIVITY, 0, &none), HB_BAD_ARG) << "it was not asked for";
  EXPECT_EQ(hb_run_meter(&run, snapshot, HB_METER_FLAGS, HB_METER_HEAT, 0, &none), HB_BAD_ARG) << "a member of hb_meters_t";
  EXPECT_EQ(hb_run_record(&run, run.records, 0, states.data(), nullptr), HB_BAD_ARG);
  EXPECT_EQ(hb_run_record(&run, 0, shots, states.data(), nullptr), HB_BAD_ARG);
}

INSTANTIATE_TEST_SUITE_P(Formats, FirmwareRun,
                         ::testing::Values("func:profile=ideal", "func:profile=coded", "func:profile=ideal&reciprocal=no"));

TEST(WholeJob, OfTheExampleHasTheDriversMean) {
  const char* uri = "func:cells=2&lanes=1&threads=1";
  heatbath::Device device = heatbath::open(uri);
  const std::uint64_t unit = device.capabilities().time_unit.count;
  heatbath::Program program(device.capabilities(), 2);
  const std::vector<float> matrix{0, -0.5f, -0.5f, 0};
  program.load(CellSection::j2, -2).load(CellSection::j4, 1).load_temperature(1).load_couplings(matrix).commit();
  program.evolve({10 * unit}).capture_start({unit}, false).evolve({100 * unit}).capture_stop();
  heatbath::JobOptions options;
  options.seed = 7;
  const heatbath::Result result = device.run(program, options);
  double sum = 0;
  for (std::uint64_t record = 0; record < 100; ++record) {
    const auto x = result.capture.state(0, record);
    sum += static_cast<double>(x[0]) * static_cast<double>(x[1]);
  }
  Part part(uri);
  double product = 0;
  std::uint32_t records = 0;
  ASSERT_EQ(whole_job(&part.mmio, &product, &records), HB_OK);
  EXPECT_EQ(records, 100u);
  EXPECT_EQ(product, sum / 100);
}

/// A part of four cells and an empty program with room for eight instructions.
struct Refusals : ::testing::Test {
  Part part{"func:cells=4&lanes=2&threads=1"};
  hb_program_t program{};
  hb_status_t begin(std::uint32_t room = 8) {
    return hb_program_begin(&program, &part.mmio, &part.capabilities, 4, 0, room);
  }
};

TEST_F(Refusals, TheFirstErrorStays) {
  const float values[4] = {1, 2, NAN, 4};
  ASSERT_EQ(begin(), HB_OK);
  hb_program_commit(&program);
  hb_program_load(&program, HB_SECTION_J2, values, 4);
  EXPECT_EQ(program.status, HB_BAD_ARG);
  hb_program_load_all(&program, HB_SECTION_MASS, 1);
  EXPECT_EQ(hb_program_end(&program), HB_BAD_ARG);
  EXPECT_EQ(program.count, 1u) << "what was refused is not there, nor what came after it";
  hb_run_t run{};
  run.program = &program;
  EXPECT_EQ(hb_run_whole(&run), HB_BAD_ARG);
}

TEST_F(Refusals, EachSaysWhatIsWrong) {
  const float values[4] = {1, 2, 3, 4}, crooked[16] = {0, 1, 0, 0, 2};
  const auto after = [&](auto&& call) {
    EXPECT_EQ(begin(), HB_OK);
    call();
    return hb_program_end(&program);
  };
  EXPECT_EQ(after([&] { hb_program_load(&program, HB_SECTION_J2, values, 3); }), HB_BAD_ARG);
  EXPECT_EQ(after([&] { hb_program_load(&program, HB_SECTION_J2, nullptr, 4); }), HB_BAD_ARG);
  EXPECT_EQ(after([&] { hb_program_load(&program, HB_SECTION_GAIN, values, 4); }), HB_UNSUPPORTED);
  EXPECT_EQ(after([&] { hb_program_load(&program, HB_SECTION_COUPLING, values, 4); }), HB_BAD_ARG);
  EXPECT_EQ(after([&] { hb_program_load_all(&program, HB_SECTION_FREQUENCY, 1); }), HB_UNSUPPORTED);
  EXPECT_EQ(after([&] { hb_program_load_matrix(&program, crooked); }), HB_BAD_ARG);
  EXPECT_EQ(after([&] { hb_program_clamp(&program, 3, values, 2); }), HB_BAD_ARG);
  EXPECT_EQ(after([&] { hb_program_set(&program, 0, nullptr, 2); }), HB_BAD_ARG);
  EXPECT_EQ(after([&] { hb_program_release(&program, 4, 1); }), HB_BAD_ARG);
  EXPECT_EQ(after([&] { hb_program_loop_begin(&program, 2); }), HB_BAD_ARG) << "the loop is open";
  EXPECT_EQ(after([&] { hb_program_loop_end(&program); }), HB_BAD_ARG);
  EXPECT_EQ(after([&] { hb_program_loop_begin(&program, 0); }), HB_BAD_ARG);
  EXPECT_EQ(after([&] { for (int k = 0; k < 8; ++k) hb_program_sample(&program); }), HB_OUT_OF_MEMORY);
  EXPECT_EQ(after([] {}), HB_OK);
  EXPECT_EQ(hb_program_begin(&program, &part.mmio, &part.capabilities, 5, 0, 8), HB_BAD_ARG);
  EXPECT_EQ(hb_program_begin(&program, &part.mmio, &part.capabilities, 4, 8, 8), HB_BAD_ARG);
  hb_mmio_t registers_alone = part.mmio;
  registers_alone.read_block = nullptr;
  EXPECT_EQ(hb_program_begin(&program, &registers_alone, &part.capabilities, 4, 0, 8), HB_BAD_ARG);
}

TEST_F(Refusals, ARunThatCannotEndIsEnded) {
  ASSERT_EQ(begin(), HB_OK);
  hb_program_evolve(&program, std::uint64_t{1000} << 40);
  ASSERT_EQ(hb_program_end(&program), HB_OK);
  hb_run_t run{};
  run.program = &program;
  run.limit = 100000;
  EXPECT_EQ(hb_run_whole(&run), HB_TIMEOUT);
  part.mmio.pause = [](void*, std::uint32_t looks) { return looks < 10; };
  run.limit = 0;
  EXPECT_EQ(hb_run_whole(&run), HB_TIMEOUT) << "and the one before has left nothing behind";
  run.shots = 3;
  EXPECT_EQ(hb_run_start(&run), HB_BAD_ARG);
}

TEST_F(Refusals, AFullRingIsSaid) {
  ASSERT_EQ(begin(), HB_OK);
  hb_program_loop_begin(&program, 5);
  hb_program_evolve(&program, 1000);
  hb_program_sample(&program);
  hb_program_loop_end(&program);
  ASSERT_EQ(hb_program_end(&program), HB_OK);
  hb_run_t run{};
  run.program = &program;
  run.slots = 4;
  EXPECT_EQ(hb_run_whole(&run), HB_CAPTURE_OVERRUN);
  run.slots = 5;
  EXPECT_EQ(hb_run_whole(&run), HB_OK);
  EXPECT_EQ(run.records, 5u);
}

TEST_F(Refusals, ARefusedProgramNamesItsInstruction) {
  ASSERT_EQ(begin(), HB_OK);
  hb_program_commit(&program);
  hb_program_evolve(&program, 3);  // no multiple of the step
  ASSERT_EQ(hb_program_end(&program), HB_OK);
  hb_run_t run{};
  run.program = &program;
  EXPECT_EQ(hb_run_whole(&run), HB_BAD_PROGRAM);
  EXPECT_EQ(run.fault.code, HB_BAD_PROGRAM);
  EXPECT_EQ(run.fault.pc, 1u);
  EXPECT_EQ(run.fault.field, static_cast<std::uint32_t>(HB_FIELD_TICKS));
}

}  // namespace
