#include "heatbath/dif_time.h"

#include "heatbath/regs.h"
#include "tests/firmware_api/sequenced_bus.hpp"

namespace {

class Read64 : public heatbath::testing::SequencedBus {};

TEST_F(Read64, ReadsHighLowHigh) {
  EXPECT_READ32(HB_SERIAL_HI_OFFSET, 7u);
  EXPECT_READ32(HB_SERIAL_LO_OFFSET, 9u);
  EXPECT_READ32(HB_SERIAL_HI_OFFSET, 7u);
  std::uint64_t value = 0;
  ASSERT_EQ(hb_dif_read64(&mmio_, HB_SERIAL_LO_OFFSET, HB_SERIAL_HI_OFFSET, &value), HB_OK);
  EXPECT_EQ(value, 0x0000000700000009ull);
}

TEST_F(Read64, TimeNowSurvivesARolloverInBetween) {
  EXPECT_READ32(HB_TIME_HI_OFFSET, 1u);
  EXPECT_READ32(HB_TIME_LO_OFFSET, 0xFFFFFFFFu);
  EXPECT_READ32(HB_TIME_HI_OFFSET, 2u);
  EXPECT_READ32(HB_TIME_LO_OFFSET, 3u);
  EXPECT_READ32(HB_TIME_HI_OFFSET, 2u);
  std::uint64_t ticks = 0;
  ASSERT_EQ(hb_dif_time_now(&mmio_, &ticks), HB_OK);
  EXPECT_EQ(ticks, 0x0000000200000003ull);
}

TEST_F(Read64, AHighWordThatNeverRestsIsADeviceError) {
  EXPECT_READ32(HB_TIME_HI_OFFSET, 0u);
  for (std::uint32_t high = 1; high < 8; ++high) {
    EXPECT_READ32(HB_TIME_LO_OFFSET, 0u);
    EXPECT_READ32(HB_TIME_HI_OFFSET, high);
  }
  std::uint64_t ticks = 42;
  EXPECT_EQ(hb_dif_time_now(&mmio_, &ticks), HB_DEVICE);
  EXPECT_EQ(ticks, 42u);
}

TEST_F(Read64, RefusesNullWithoutAnAccess) {
  std::uint64_t value = 0;
  EXPECT_EQ(hb_dif_read64(nullptr, HB_TIME_LO_OFFSET, HB_TIME_HI_OFFSET, &value), HB_BAD_ARG);
  EXPECT_EQ(hb_dif_read64(&mmio_, HB_TIME_LO_OFFSET, HB_TIME_HI_OFFSET, nullptr), HB_BAD_ARG);
  EXPECT_EQ(hb_dif_time_now(nullptr, &value), HB_BAD_ARG);
  EXPECT_EQ(hb_dif_time_now(&mmio_, nullptr), HB_BAD_ARG);
}

}  // namespace
