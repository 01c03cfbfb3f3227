#include "heatbath/dif_interrupt.h"

#include "tests/firmware_api/sequenced_bus.hpp"

namespace {

class Interrupt : public heatbath::testing::SequencedBus {};

TEST_F(Interrupt, TheMaskOfAllCoversWhatCanBeEnabled) {
  EXPECT_EQ(HB_INTERRUPT_ALL, HB_INTR_ENABLE_MASK_MASK);
  EXPECT_EQ(HB_INTERRUPT_ALL & ~HB_INTR_ACK_MASK_MASK, 0u);
  EXPECT_EQ(HB_INTERRUPT_ALL & ~HB_INTR_TEST_MASK_MASK, 0u);
}

TEST_F(Interrupt, StateEnableAndTagAreReadAndWritten) {
  std::uint32_t value = 0;
  EXPECT_READ32(HB_INTR_STATE_OFFSET, 0x9u);
  ASSERT_EQ(hb_dif_interrupt_state(&mmio_, &value), HB_OK);
  EXPECT_EQ(value, HB_INTR_STATE_JOB_DONE_MASK | HB_INTR_STATE_CAPTURE_MASK);
  done();

  EXPECT_WRITE32(HB_INTR_ENABLE_OFFSET, 0x5u);
  ASSERT_EQ(hb_dif_interrupt_enable_set(&mmio_, HB_INTR_STATE_JOB_DONE_MASK | HB_INTR_STATE_FAULT_MASK), HB_OK);
  done();

  EXPECT_READ32(HB_INTR_ENABLE_OFFSET, 0x5u);
  ASSERT_EQ(hb_dif_interrupt_enable_get(&mmio_, &value), HB_OK);
  EXPECT_EQ(value, 5u);
  done();

  EXPECT_READ32(HB_INTR_TAG_OFFSET, 0xABCDu);
  ASSERT_EQ(hb_dif_interrupt_tag(&mmio_, &value), HB_OK);
  EXPECT_EQ(value, 0xABCDu);
}

TEST_F(Interrupt, EnablingNothingMasksAll) {
  EXPECT_WRITE32(HB_INTR_ENABLE_OFFSET, 0u);
  EXPECT_EQ(hb_dif_interrupt_enable_set(&mmio_, 0), HB_OK);
}

TEST_F(Interrupt, AcknowledgeWritesTheNumberAfterTheLastAccepted) {
  EXPECT_READ32(HB_INTR_ACK_OFFSET, 8u << 16 | 0x1u);
  EXPECT_WRITE32(HB_INTR_ACK_OFFSET, 9u << 16 | 0x8u);
  EXPECT_READ32(HB_INTR_ACK_OFFSET, 9u << 16 | 0x8u);
  EXPECT_EQ(hb_dif_interrupt_acknowledge(&mmio_, HB_INTR_STATE_CAPTURE_MASK), HB_OK);
}

TEST_F(Interrupt, TestHasItsOwnSequenceThatWraps) {
  EXPECT_READ32(HB_INTR_TEST_OFFSET, 0xFFFF0001u);
  EXPECT_WRITE32(HB_INTR_TEST_OFFSET, 0x0000003Fu);
  EXPECT_READ32(HB_INTR_TEST_OFFSET, 0xFFFF0001u);
  EXPECT_READ32(HB_INTR_TEST_OFFSET, 0x0000003Fu);
  EXPECT_EQ(hb_dif_interrupt_test(&mmio_, HB_INTERRUPT_ALL), HB_OK);
}

TEST_F(Interrupt, TimesOutWhenTheNumberNeverReadsBack) {
  EXPECT_READ32(HB_INTR_ACK_OFFSET, 0u);
  for (int write = 0; write < 4; ++write) {
    EXPECT_WRITE32(HB_INTR_ACK_OFFSET, 1u << 16 | 0x1u);
    for (int poll = 0; poll < 16; ++poll) EXPECT_READ32(HB_INTR_ACK_OFFSET, 0u);
  }
  EXPECT_EQ(hb_dif_interrupt_acknowledge(&mmio_, HB_INTR_STATE_JOB_DONE_MASK), HB_TIMEOUT);
}

TEST_F(Interrupt, AnEmptyMaskNeedsNoAccess) {
  EXPECT_EQ(hb_dif_interrupt_acknowledge(&mmio_, 0), HB_OK);
  EXPECT_EQ(hb_dif_interrupt_test(&mmio_, 0), HB_OK);
}

TEST_F(Interrupt, GuardsComeBeforeAnyAccess) {
  const std::uint32_t unknown = HB_INTERRUPT_ALL + 1;
  std::uint32_t value = 0;
  EXPECT_EQ(hb_dif_interrupt_enable_set(&mmio_, unknown), HB_BAD_ARG);
  EXPECT_EQ(hb_dif_interrupt_acknowledge(&mmio_, unknown), HB_BAD_ARG);
  EXPECT_EQ(hb_dif_interrupt_test(&mmio_, 0x80000000u), HB_BAD_ARG);
  EXPECT_EQ(hb_dif_interrupt_state(nullptr, &value), HB_BAD_ARG);
  EXPECT_EQ(hb_dif_interrupt_state(&mmio_, nullptr), HB_BAD_ARG);
  EXPECT_EQ(hb_dif_interrupt_enable_set(nullptr, 0), HB_BAD_ARG);
  EXPECT_EQ(hb_dif_interrupt_enable_get(nullptr, &value), HB_BAD_ARG);
  EXPECT_EQ(hb_dif_interrupt_enable_get(&mmio_, nullptr), HB_BAD_ARG);
  EXPECT_EQ(hb_dif_interrupt_acknowledge(nullptr, 1), HB_BAD_ARG);
  EXPECT_EQ(hb_dif_interrupt_test(nullptr, 1), HB_BAD_ARG);
  EXPECT_EQ(hb_dif_interrupt_tag(nullptr, &value), HB_BAD_ARG);
  EXPECT_EQ(hb_dif_interrupt_tag(&mmio_, nullptr), HB_BAD_ARG);
}

}  // namespace
