// The activity of cells through the driver: against captures, in SystemC, beside other meters, and refused by name.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <string>
#include <vector>

#include "heatbath/open.hpp"

namespace heatbath {
namespace {

TEST(DeviceActivity, HasTheChangesOfSideInTheCapturesOfEveryStep) {
  // Bistable cells in several passes, on the emulator and on the chip in SystemC.
  constexpr std::uint32_t cells = 5, shots = 7, steps = 2000;
  std::vector<double> of_func;
  for (const char* uri : {"func:cells=5&lanes=3&threads=2", "tlm:cells=5&lanes=3", "func:cells=5&lanes=16&threads=1"}) {
    Device device = open(uri);
    device.set_step_time_units(0.02);
    Program program(device.capabilities(), cells);
    program.load(CellSection::j2, -0.6f).load(CellSection::j4, 0.3f).load_temperature(0.5f).commit();
    program.clamp(0, cells, 0.5f).evolve(device.step()).release(0, cells).meter_clear();
    program.capture_start(device.step()).evolve(device.step() * steps);
    program.meter_snapshot({Meter::activity, Meter::activity_per_cell}).meter_snapshot(Meter::activity);
    const Result result = device.run(program, {.shots = shots, .seed = 3});
    ASSERT_EQ(result.meter(Meter::activity).size(), shots);
    for (std::uint32_t shot = 0; shot < shots; ++shot) {
      double all = 0;
      for (std::uint32_t i = 0; i < cells; ++i) {
        double changes = 0;
        for (std::uint64_t k = 0; k < steps; ++k)
          changes += (result.capture.state(shot, k)[i] >= 0) != (result.capture.state(shot, k + 1)[i] >= 0);
        EXPECT_EQ(result.meter(Meter::activity_per_cell)[shot * cells + i], changes) << uri << ", shot " << shot;
        all += changes;
      }
      EXPECT_EQ(result.meter(Meter::activity)[shot], all) << uri;
      EXPECT_EQ(result.meter(Meter::activity, 1)[shot], all) << uri;
    }
    EXPECT_TRUE(result.meter(Meter::heat_per_cell).empty()) << "nobody asked for it";
    const auto counted = result.meter(Meter::activity_per_cell);
    EXPECT_GT(std::accumulate(counted.begin(), counted.end(), 0.0), 500);
    if (of_func.empty()) of_func.assign(counted.begin(), counted.end());
    EXPECT_TRUE(std::ranges::equal(counted, of_func)) << uri;
  }
}

TEST(DeviceActivity, IsOneWithHeatOfCellsInASnapshot) {
  // The blocks of a snapshot lie behind one another: each meter is what it is alone.
  Device device = open("func:cell=pbit&cells=6&lanes=2&threads=1");
  const auto run = [&](MeterSet meters) {
    Program program(device.capabilities(), 6);
    program.load(CellSection::bias, 0.3f).load_couplings(0.2f).load_temperature(0.8f).commit();
    program.evolve(device.ticks(500)).meter_snapshot(meters);
    return device.run(program, {.shots = 5, .seed = 4});
  };
  const Result all = run({Meter::heat_per_cell, Meter::activity, Meter::activity_per_cell});
  for (const Meter meter : {Meter::heat_per_cell, Meter::activity, Meter::activity_per_cell}) {
    const Result alone = run(meter);
    EXPECT_TRUE(std::ranges::equal(alone.meter(meter), all.meter(meter))) << name(meter);
    EXPECT_EQ(alone.on_request.size(), 1u);
    EXPECT_TRUE(std::ranges::any_of(alone.meter(meter), [](double value) { return value != 0; })) << name(meter);
    for (std::uint32_t shot = 0; shot < 5; ++shot)
      EXPECT_EQ(std::memcmp(&alone.meters[0][shot], &all.meters[0][shot], sizeof(hb_meters_t)), 0);
  }
}

TEST(DeviceActivity, IsRefusedByNameWhereThereIsNone) {
  Capabilities caps = open("func:cells=2").capabilities();
  EXPECT_TRUE(caps.activity);
  EXPECT_FALSE(open("func:profile=silicon&threads=1").capabilities().activity);
  caps.activity = false;
  Program program(caps, 2);
  for (const Meter meter : {Meter::activity, Meter::activity_per_cell}) {
    try {
      program.meter_snapshot(meter);
      ADD_FAILURE() << "it was taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), HB_UNSUPPORTED);
      EXPECT_NE(std::string(error.what()).find(std::string(name(meter)) + ") needs CAPS.ACTIVITY"), std::string::npos) << error.what();
    }
  }
  EXPECT_EQ(program.snapshots(), 0u);
}

}  // namespace
}  // namespace heatbath
