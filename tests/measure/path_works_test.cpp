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

std::string refusal(bool markov, CellKind kind, Stepper stepper) {
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
  EXPECT_EQ(refusal(true, CellKind::overdamped, Stepper::euler_maruyama), "");
  EXPECT_EQ(refusal(true, CellKind::phase, Stepper::euler_maruyama), "");
  EXPECT_EQ(refusal(true, CellKind::underdamped, Stepper::baoab), "");
  EXPECT_EQ(refusal(true, CellKind::rlc, Stepper::exact_ou), "");
  EXPECT_EQ(refusal(true, CellKind::pbit, Stepper::sequential), "");
  EXPECT_THAT(refusal(false, CellKind::overdamped, Stepper::heun), HasSubstr("INCREMENTS_MARKOV"));
  EXPECT_THAT(refusal(false, CellKind::overdamped, Stepper::leimkuhler_matthews),
              HasSubstr("INCREMENTS_MARKOV"));
  for (const CellKind kind : {CellKind::underdamped, CellKind::rlc})
    EXPECT_THAT(refusal(true, kind, Stepper::euler_maruyama), HasSubstr("no reverse"));
}

}  // namespace
}  // namespace heatbath::measure
