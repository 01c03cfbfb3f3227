#include "heatbath/dif_capture.h"

#include "heatbath/regs.h"
#include "tests/firmware_api/sequenced_bus.hpp"

namespace {

constexpr hb_capture_config_t config{
    .base = 0x340000040ull, .slots = 128, .first_cell = 784, .cells = 512, .watermark = 64};

class CaptureRing : public heatbath::testing::SequencedBus {};

TEST_F(CaptureRing, ConfigureWritesEveryRingRegister) {
  EXPECT_READ32(HB_STATUS_OFFSET, 0u);
  EXPECT_WRITE32(HB_CAPTURE_BASE_LO_OFFSET, 0x40000040u);
  EXPECT_WRITE32(HB_CAPTURE_BASE_HI_OFFSET, 0x3u);
  EXPECT_WRITE32(HB_CAPTURE_SLOTS_OFFSET, 128u);
  EXPECT_WRITE32(HB_CAPTURE_CELL0_OFFSET, 784u);
  EXPECT_WRITE32(HB_CAPTURE_CELLS_OFFSET, 512u);
  EXPECT_WRITE32(HB_CAPTURE_WATERMARK_OFFSET, 64u);
  EXPECT_EQ(hb_dif_capture_configure(&mmio_, config), HB_OK);
}

TEST_F(CaptureRing, IsNotMovedUnderARunningProgram) {
  EXPECT_READ32(HB_STATUS_OFFSET, HB_STATUS_RUNNING_MASK);
  EXPECT_EQ(hb_dif_capture_configure(&mmio_, config), HB_BUSY);
}

TEST_F(CaptureRing, HeadAndRecordSizeAreRead) {
  std::uint32_t value = 0;
  EXPECT_READ32(HB_CAPTURE_HEAD_OFFSET, 99u);
  ASSERT_EQ(hb_dif_capture_head(&mmio_, &value), HB_OK);
  EXPECT_EQ(value, 99u);
  done();
  EXPECT_READ32(HB_CAPTURE_RECORD_BYTES_OFFSET, 2112u);
  ASSERT_EQ(hb_dif_capture_record_bytes(&mmio_, &value), HB_OK);
  EXPECT_EQ(value, 2112u);
}

TEST_F(CaptureRing, TheTailAdvancesUpToTheHeadAcrossTheWrap) {
  for (const std::uint32_t tail : {0xFFFFFFF0u, 0xFFFFFFFFu, 0u, 4u}) {
    EXPECT_READ32(HB_CAPTURE_TAIL_OFFSET, 0xFFFFFFF0u);
    EXPECT_READ32(HB_CAPTURE_HEAD_OFFSET, 4u);
    EXPECT_WRITE32(HB_CAPTURE_TAIL_OFFSET, tail);
    EXPECT_EQ(hb_dif_capture_advance(&mmio_, tail), HB_OK);
    done();
  }
}

TEST_F(CaptureRing, ATailBehindTheOldOneOrBeyondTheHeadIsNotWritten) {
  for (const std::uint32_t tail : {0xFFFFFFEFu, 5u}) {
    EXPECT_READ32(HB_CAPTURE_TAIL_OFFSET, 0xFFFFFFF0u);
    EXPECT_READ32(HB_CAPTURE_HEAD_OFFSET, 4u);
    EXPECT_EQ(hb_dif_capture_advance(&mmio_, tail), HB_BAD_ARG);
    done();
  }
}

TEST_F(CaptureRing, GuardsComeBeforeAnyAccess) {
  hb_capture_config_t unaligned = config;
  unaligned.base += 32;
  std::uint32_t value = 0;
  EXPECT_EQ(hb_dif_capture_configure(&mmio_, unaligned), HB_BAD_ARG);
  EXPECT_EQ(hb_dif_capture_configure(nullptr, config), HB_BAD_ARG);
  EXPECT_EQ(hb_dif_capture_head(nullptr, &value), HB_BAD_ARG);
  EXPECT_EQ(hb_dif_capture_head(&mmio_, nullptr), HB_BAD_ARG);
  EXPECT_EQ(hb_dif_capture_advance(nullptr, 0), HB_BAD_ARG);
  EXPECT_EQ(hb_dif_capture_record_bytes(nullptr, &value), HB_BAD_ARG);
  EXPECT_EQ(hb_dif_capture_record_bytes(&mmio_, nullptr), HB_BAD_ARG);
}

}  // namespace
