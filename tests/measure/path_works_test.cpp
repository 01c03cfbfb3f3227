// Works with the integrator's shadow work are path weights of some steppers only; the others are refused by name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "heatbath/error.hpp"
#include "heatbath/measure/free_energy.hpp"
#include "heatbath/regs.h"

namespace heatbath::measure {
namespace {

std::string refusal(bool markov, std::uint32_t kind, std::uint32_t stepper) {
  Capabilities capabilities;
  capabilities.increments_markov = markov;
  capabilities.cell_kind = kind;
  capabilities.stepper = stepper;
  std::array<hb_meters_t, 2> meters{};
  meters[0].work = 1.5, meters[0].work_shadow = -0.25, meters[1].work = -2;
  try {
    EXPECT_EQ(path_works(capabilities, meters), (std::vector<double>{1.25, -2}));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), HB_UNSUPPORTED);
    return error.what();
  }
  return "";
}

TEST(PathWorks, AreRefusedWhereStepsHaveNoPathWeights) {
  using ::testing::HasSubstr;
  EXPECT_EQ(refusal(true, HB_CAPS_CELL_KIND_OVERDAMPED, HB_CAPS_CELL_STEPPER_EULER_MARUYAMA), "");
  EXPECT_EQ(refusal(true, HB_CAPS_CELL_KIND_PHASE, HB_CAPS_CELL_STEPPER_EULER_MARUYAMA), "");
  EXPECT_EQ(refusal(true, HB_CAPS_CELL_KIND_UNDERDAMPED, HB_CAPS_CELL_STEPPER_BAOAB), "");
  EXPECT_EQ(refusal(true, HB_CAPS_CELL_KIND_RLC, HB_CAPS_CELL_STEPPER_EXACT_OU), "");
  EXPECT_EQ(refusal(true, HB_CAPS_CELL_KIND_PBIT, HB_CAPS_CELL_STEPPER_SEQUENTIAL), "");
  EXPECT_THAT(refusal(false, HB_CAPS_CELL_KIND_OVERDAMPED, HB_CAPS_CELL_STEPPER_HEUN), HasSubstr("INCREMENTS_MARKOV"));
  EXPECT_THAT(refusal(false, HB_CAPS_CELL_KIND_OVERDAMPED, HB_CAPS_CELL_STEPPER_LEIMKUHLER_MATTHEWS),
              HasSubstr("INCREMENTS_MARKOV"));
  for (const std::uint32_t kind : {HB_CAPS_CELL_KIND_UNDERDAMPED, HB_CAPS_CELL_KIND_RLC})
    EXPECT_THAT(refusal(true, kind, HB_CAPS_CELL_STEPPER_EULER_MARUYAMA), HasSubstr("no reverse"));
}

}  // namespace
}  // namespace heatbath::measure
