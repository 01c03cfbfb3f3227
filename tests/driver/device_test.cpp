// Device over a scripted transport: identity, capabilities, durations.
#include "heatbath/device.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <string>

#include "scripted_device.hpp"

namespace heatbath {
namespace {

using testing::expect_error;
using testing::Script;
using testing::ScriptedDevice;

Device device_of(Script& script) { return Device(std::make_unique<ScriptedDevice>(script)); }

TEST(Device, ReadsIdentityAndCapabilitiesAndWritesNothing) {
  Script script;
  const Device device = device_of(script);
  EXPECT_EQ(device.identity().vendor, 7u);
  EXPECT_EQ(device.capabilities().cells, 8u);
  EXPECT_EQ(device.capabilities().lanes, 4u);
  EXPECT_EQ(device.capabilities().memory_bytes, 1u << 20);
  EXPECT_TRUE(device.capabilities().seeded);
  EXPECT_FALSE(device.capabilities().free_running);
  EXPECT_EQ(device.capabilities().range_bias, 4.0f);
  EXPECT_EQ(device.step().count, 1000u);
  EXPECT_TRUE(script.writes.empty());
}

TEST(Device, EveryBitOfCapsIsACapabilityByName) {
  Script script;
  const auto flags = [&] {
    std::map<std::string, double> all;
    for (const NamedCapability& one : capability_list())
      if (std::string(one.group) == "features") all[one.name] = one.value(device_of(script).capabilities());
    return all;
  };
  script.registers[HB_CAPS_OFFSET] = 0xFFFFFFFF;
  const auto set = flags();
  EXPECT_EQ(set.size(), 17u) << "dma was once left out; the bit of graphs' couplings is a fact of the cells";
  for (const char* name : {"seeded", "meters", "kT_per_cell", "whole_turns", "dma"}) EXPECT_TRUE(set.contains(name)) << name;
  for (const auto& [name, value] : set) EXPECT_EQ(value, 1) << name;
  script.registers[HB_CAPS_OFFSET] = HB_CAPS_DMA_MASK;
  for (const auto& [name, value] : flags()) EXPECT_EQ(value, name == "dma") << name;
}

TEST(Device, ForeignDevicesAreRefusedWithWhatWasFound) {
  Script script;
  script.registers[HB_ID_OFFSET] = 0xDEADBEEF;
  expect_error(HB_DEVICE, "ID reads 0xDEADBEEF, expected 0x48544248", [&] { device_of(script); });
  script.registers[HB_ID_OFFSET] = 0x48544248;
  script.registers[HB_MAP_VERSION_OFFSET] = 0x00020003;
  expect_error(HB_DEVICE, "register map 2.3, this software drives map 1.x", [&] { device_of(script); });
  script.registers[HB_MAP_VERSION_OFFSET] = 0x00010009;
  EXPECT_EQ(device_of(script).identity().map_minor, 9);
  expect_error(HB_BAD_ARG, "transport is null", [] { Device(nullptr); });
}

TEST(Device, ImpossibleCapabilitiesAreADeviceError) {
  Script script;
  script.registers[HB_CAPS_CELLS_OFFSET] = 0;
  expect_error(HB_DEVICE, "capability registers", [&] { device_of(script); });
}

TEST(Device, ALostLinkIsTheOnlyThingThatCrossesTheCFunctions) {
  Script whole;
  device_of(whole);
  for (std::uint64_t access = 1; access <= whole.accesses; ++access) {
    Script script;
    script.fail_at = access;
    expect_error(HB_LINK, "the scripted link was cut", [&] { device_of(script); });
    EXPECT_EQ(script.accesses, access) << "a dead link is not accessed again";
  }
}

TEST(Device, DurationsAreTakenToTheGridByOnePercentAtMost) {
  Script script;
  const Device device = device_of(script);
  EXPECT_EQ(device.ticks(2.5).count, 2500000u);
  EXPECT_EQ(device.ticks(0.1004).count, 100000u);
  EXPECT_EQ(device.ticks(0.1006).count, 101000u);
  EXPECT_EQ(device.ticks(0.0505).count, 51000u) << "off by 0.99 %";
  expect_error(HB_BAD_ARG, "0.0014 time units; the array moves in steps of 0.001, and the nearest duration, 0.001, is off",
               [&] { (void)device.ticks(0.0014); });
  expect_error(HB_BAD_ARG, "the nearest duration, 0.046, is off", [&] { (void)device.ticks(0.04553); });
  expect_error(HB_BAD_ARG, "1e-09 time units", [&] { (void)device.ticks(1e-9); });
  EXPECT_EQ(device.nearest_ticks(0.0014).count, 1000u);
  EXPECT_EQ(device.nearest_ticks(0.0016).count, 2000u);
  EXPECT_EQ(device.nearest_ticks(1e-9).count, 1000u) << "a positive duration is at least one step";
  EXPECT_EQ(device.ticks(0).count, 0u);
  EXPECT_DOUBLE_EQ(device.time_units({2500000}), 2.5);
  expect_error(HB_BAD_ARG, "-1 time units", [&] { (void)device.ticks(-1); });
  expect_error(HB_BAD_ARG, "nan time units", [&] { (void)device.ticks(std::nan("")); });
  expect_error(HB_BAD_ARG, "1e+30 time units", [&] { (void)device.ticks(1e30); });
}

TEST(Device, AHiddenStepRoundsToTicks) {
  Script script;
  script.registers[HB_DT_TICKS_OFFSET] = 0;
  script.registers[HB_CAPS_TIME_UNIT_TICKS_OFFSET] = 1000;
  script.registers[HB_CAPS_CAPTURE_MIN_TICKS_OFFSET] = 25;
  const Device device = device_of(script);
  EXPECT_EQ(device.ticks(0.1256).count, 126u);
  expect_error(HB_BAD_ARG, "the nearest duration, 0.013", [&] { (void)device.ticks(0.0126); });
  EXPECT_EQ(device.capture_period({0}).count, 25u);
  EXPECT_EQ(device.capture_period({26}).count, 26u);
}

TEST(Device, CapturePeriodsAreMultiplesOfTheStep) {
  Script script;
  const Device device = device_of(script);
  EXPECT_EQ(device.capture_period({0}).count, 1000u);
  EXPECT_EQ(device.capture_period({1000}).count, 1000u);
  EXPECT_EQ(device.capture_period({1001}).count, 2000u);
  const std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(device.capture_period({most / 1000 * 1000}).count, most / 1000 * 1000);
  for (const std::uint64_t ticks : {most, most - 1, most / 1000 * 1000 + 1})
    EXPECT_THROW(device.capture_period({ticks}), Error) << ticks;
}

TEST(Device, TheStepIsSetAndKept) {
  Script script;
  Device device = device_of(script);
  device.set_step({500});
  EXPECT_EQ(device.step().count, 500u);
  EXPECT_EQ(script.registers[HB_DT_TICKS_OFFSET], 500u);
  device.set_step_time_units(0.0025);
  EXPECT_EQ(device.step().count, 2500u);
  device.set_step_time_units(1.0 / 3e3);
  EXPECT_EQ(device.step().count, 333u);
  for (const double wrong : {1.0 / 3e5, 2e-7, 0.0, -0.001, 5e3, std::nan("")})
    expect_error(HB_BAD_ARG, "a step has 1..4294967295 ticks of 1e-06 time units", [&] { device.set_step_time_units(wrong); });
  EXPECT_EQ(device.step().count, 333u);
  device.set_step({500});
  expect_error(HB_BAD_ARG, "0 ticks", [&] { device.set_step({0}); });
  script.registers[HB_CAPS_OFFSET] &= ~HB_CAPS_DT_PROGRAMMABLE_MASK;
  Device fixed = device_of(script);
  expect_error(HB_UNSUPPORTED, "CAPS.DT_PROGRAMMABLE", [&] { fixed.set_step({500}); });
}

}  // namespace
}  // namespace heatbath
