// Conformance says no to devices that are wrong, and yes to those that are imperfect and honest.
#include <gtest/gtest.h>

#include "tests/conformance/judged_devices.hpp"

namespace heatbath::testing {
namespace {

TEST(Judging, WrongDevicesAreRejected) {
  for (const JudgedDevice& device : wrong_devices()) {
    const Judgement judgement = judge(device, 7, ::testing::TempDir());
    EXPECT_TRUE(judgement.rejected) << device.name << ": " << judgement.detail;
  }
}

TEST(Judging, HonestDevicesAreAcceptedWithTheirGrade) {
  for (const JudgedDevice& device : honest_devices()) {
    const Judgement judgement = judge(device, 7, ::testing::TempDir());
    EXPECT_FALSE(judgement.rejected) << device.name << ": " << judgement.claim << ": " << judgement.detail;
    const bool exact = std::string(device.name) == "ideal" || std::string(device.name) == "lattice walk";
    if (exact) EXPECT_NE(judgement.detail.find("exact"), std::string::npos) << device.name << ": " << judgement.detail;
  }
}

}  // namespace
}  // namespace heatbath::testing
