#include "heatbath/dif_job.h"

#include "heatbath/regs.h"
#include "tests/firmware_api/sequenced_bus.hpp"

namespace {

constexpr hb_job_config_t seeded_config{.program_addr = 0x123456780ull,
                                        .program_count = 12,
                                        .active_cells = 784,
                                        .shots = 3,
                                        .seeded = true,
                                        .seed = 0xFEDCBA9876543210ull,
                                        .shot0 = 1000,
                                        .step0 = 0x800000000001ull,
                                        .refinement = 3,
                                        .whole_turns = false};

class JobConfigure : public heatbath::testing::SequencedBus {};
class JobCommand : public heatbath::testing::SequencedBus {};
class JobWatch : public heatbath::testing::SequencedBus {};
class StepOfTheArray : public heatbath::testing::SequencedBus {};

TEST_F(JobConfigure, WritesEveryJobRegister) {
  EXPECT_READ32(HB_STATUS_OFFSET, HB_STATUS_DONE_MASK);
  EXPECT_WRITE32(HB_PROGRAM_ADDR_LO_OFFSET, 0x23456780u);
  EXPECT_WRITE32(HB_PROGRAM_ADDR_HI_OFFSET, 0x1u);
  EXPECT_WRITE32(HB_PROGRAM_COUNT_OFFSET, 12u);
  EXPECT_WRITE32(HB_ACTIVE_CELLS_OFFSET, 784u);
  EXPECT_WRITE32(HB_SHOTS_OFFSET, 3u);
  EXPECT_WRITE32(HB_JOB_FLAGS_OFFSET, HB_JOB_FLAGS_SEEDED_MASK | 3u << HB_JOB_FLAGS_REFINEMENT_SHIFT);
  EXPECT_WRITE32(HB_JOB_SEED_LO_OFFSET, 0x76543210u);
  EXPECT_WRITE32(HB_JOB_SEED_HI_OFFSET, 0xFEDCBA98u);
  EXPECT_WRITE32(HB_JOB_SHOT0_OFFSET, 1000u);
  EXPECT_WRITE32(HB_JOB_STEP0_LO_OFFSET, 1u);
  EXPECT_WRITE32(HB_JOB_STEP0_HI_OFFSET, 0x8000u);
  EXPECT_EQ(hb_dif_job_configure(&mmio_, seeded_config), HB_OK);
}

TEST_F(JobConfigure, AnUnseededJobLeavesTheNoiseAddressAlone) {
  hb_job_config_t config = seeded_config;
  config.seeded = false;
  config.shot0 = 0xFFFFFFFFu;
  EXPECT_READ32(HB_STATUS_OFFSET, 0u);
  EXPECT_WRITE32(HB_PROGRAM_ADDR_LO_OFFSET, 0x23456780u);
  EXPECT_WRITE32(HB_PROGRAM_ADDR_HI_OFFSET, 0x1u);
  EXPECT_WRITE32(HB_PROGRAM_COUNT_OFFSET, 12u);
  EXPECT_WRITE32(HB_ACTIVE_CELLS_OFFSET, 784u);
  EXPECT_WRITE32(HB_SHOTS_OFFSET, 3u);
  EXPECT_WRITE32(HB_JOB_FLAGS_OFFSET, 0u);
  EXPECT_EQ(hb_dif_job_configure(&mmio_, config), HB_OK);
}

TEST_F(JobConfigure, IsBusyWithoutAWriteWhileAProgramRuns) {
  EXPECT_READ32(HB_STATUS_OFFSET, HB_STATUS_RUNNING_MASK | HB_STATUS_STALLED_MASK);
  EXPECT_EQ(hb_dif_job_configure(&mmio_, seeded_config), HB_BUSY);
}

TEST_F(JobConfigure, GuardsComeBeforeAnyAccess) {
  EXPECT_EQ(hb_dif_job_configure(nullptr, seeded_config), HB_BAD_ARG);
  hb_job_config_t config = seeded_config;
  config.program_count = 0;
  EXPECT_EQ(hb_dif_job_configure(&mmio_, config), HB_BAD_ARG);
  config = seeded_config;
  config.active_cells = 0;
  EXPECT_EQ(hb_dif_job_configure(&mmio_, config), HB_BAD_ARG);
  config = seeded_config;
  config.shots = 0;
  EXPECT_EQ(hb_dif_job_configure(&mmio_, config), HB_BAD_ARG);
  config = seeded_config;
  config.shot0 = 0xFFFFFFFEu;  // the third shot would be number 2^32
  EXPECT_EQ(hb_dif_job_configure(&mmio_, config), HB_BAD_ARG);
  config = seeded_config;
  config.step0 = 1ull << 48;
  EXPECT_EQ(hb_dif_job_configure(&mmio_, config), HB_BAD_ARG);
}

TEST_F(JobConfigure, TheLastShotAndStepNumbersAreAllowed) {
  hb_job_config_t config = seeded_config;
  config.shot0 = 0xFFFFFFFDu;
  config.step0 = (1ull << 48) - 1;
  EXPECT_READ32(HB_STATUS_OFFSET, HB_STATUS_RUNNING_MASK);
  EXPECT_EQ(hb_dif_job_configure(&mmio_, config), HB_BUSY);
}

constexpr std::uint32_t ack(std::uint32_t sequence, hb_status_t status) {
  return sequence << HB_COMMAND_ACK_SEQ_SHIFT | static_cast<std::uint32_t>(status);
}

TEST_F(JobCommand, StartAbortAndResetCarryTheNextSequenceNumber) {
  const struct {
    hb_status_t (*issue)(const hb_mmio_t*);
    std::uint32_t op;
  } commands[] = {{hb_dif_job_start, 1u}, {hb_dif_job_abort, 2u}, {hb_dif_reset, 3u}};
  for (const auto& command : commands) {
    EXPECT_READ32(HB_COMMAND_ACK_OFFSET, ack(41, HB_BUSY));
    EXPECT_WRITE32(HB_COMMAND_OFFSET, 42u << 16 | command.op);
    EXPECT_READ32(HB_COMMAND_ACK_OFFSET, ack(42, HB_OK));
    EXPECT_EQ(command.issue(&mmio_), HB_OK);
    done();
  }
}

TEST_F(JobCommand, SequenceNumbersWrapAt16Bits) {
  EXPECT_READ32(HB_COMMAND_ACK_OFFSET, ack(0xFFFFu, HB_OK));
  EXPECT_WRITE32(HB_COMMAND_OFFSET, HB_COMMAND_OP_START);
  EXPECT_READ32(HB_COMMAND_ACK_OFFSET, ack(0, HB_OK));
  EXPECT_EQ(hb_dif_job_start(&mmio_), HB_OK);
}

TEST_F(JobCommand, ReportsTheStatusOfItsOwnNumberOnly) {
  EXPECT_READ32(HB_COMMAND_ACK_OFFSET, ack(0, HB_OK));
  EXPECT_WRITE32(HB_COMMAND_OFFSET, 1u << 16 | HB_COMMAND_OP_START);
  EXPECT_READ32(HB_COMMAND_ACK_OFFSET, ack(0, HB_OK));  // still the old answer
  EXPECT_READ32(HB_COMMAND_ACK_OFFSET, ack(1, HB_BAD_PROGRAM));
  EXPECT_EQ(hb_dif_job_start(&mmio_), HB_BAD_PROGRAM);
}

TEST_F(JobCommand, WritesTheSameWordAgainWhenTheFirstWasLost) {
  EXPECT_READ32(HB_COMMAND_ACK_OFFSET, ack(6, HB_OK));
  EXPECT_WRITE32(HB_COMMAND_OFFSET, 7u << 16 | HB_COMMAND_OP_ABORT);
  for (int poll = 0; poll < 16; ++poll) EXPECT_READ32(HB_COMMAND_ACK_OFFSET, ack(6, HB_OK));
  EXPECT_WRITE32(HB_COMMAND_OFFSET, 7u << 16 | HB_COMMAND_OP_ABORT);
  EXPECT_READ32(HB_COMMAND_ACK_OFFSET, ack(7, HB_OK));
  EXPECT_EQ(hb_dif_job_abort(&mmio_), HB_OK);
}

TEST_F(JobCommand, TimesOutOnASilentDevice) {
  EXPECT_READ32(HB_COMMAND_ACK_OFFSET, ack(6, HB_OK));
  for (int write = 0; write < 4; ++write) {
    EXPECT_WRITE32(HB_COMMAND_OFFSET, 7u << 16 | HB_COMMAND_OP_RESET);
    for (int poll = 0; poll < 16; ++poll) EXPECT_READ32(HB_COMMAND_ACK_OFFSET, ack(6, HB_OK));
  }
  EXPECT_EQ(hb_dif_reset(&mmio_), HB_TIMEOUT);
}

TEST_F(JobCommand, AnAbortThatComesAfterTheEndIsDone) {
  EXPECT_READ32(HB_COMMAND_ACK_OFFSET, ack(6, HB_OK));
  EXPECT_WRITE32(HB_COMMAND_OFFSET, 7u << 16 | HB_COMMAND_OP_ABORT);
  EXPECT_READ32(HB_COMMAND_ACK_OFFSET, ack(7, HB_BAD_ARG));
  EXPECT_EQ(hb_dif_job_abort(&mmio_), HB_OK);
}

TEST_F(JobCommand, RefusesNullWithoutAnAccess) {
  EXPECT_EQ(hb_dif_job_start(nullptr), HB_BAD_ARG);
  EXPECT_EQ(hb_dif_job_abort(nullptr), HB_BAD_ARG);
  EXPECT_EQ(hb_dif_reset(nullptr), HB_BAD_ARG);
}

TEST_F(JobWatch, StatusHasOneBitPerAnswer) {
  const struct {
    std::uint32_t mask;
    bool hb_job_status_t::*flag;
  } flags[] = {{HB_STATUS_RUNNING_MASK, &hb_job_status_t::running},
               {HB_STATUS_STALLED_MASK, &hb_job_status_t::stalled},
               {HB_STATUS_DONE_MASK, &hb_job_status_t::done},
               {HB_STATUS_ABORTED_MASK, &hb_job_status_t::aborted},
               {HB_STATUS_FAULT_MASK, &hb_job_status_t::fault},
               {HB_STATUS_RAIL_MASK, &hb_job_status_t::rail},
               {HB_STATUS_CAPTURE_CLIP_MASK, &hb_job_status_t::capture_clip}};
  for (const auto& raised : flags) {
    EXPECT_READ32(HB_STATUS_OFFSET, raised.mask);
    hb_job_status_t status{};
    ASSERT_EQ(hb_dif_job_status(&mmio_, &status), HB_OK);
    done();
    for (const auto& flag : flags) EXPECT_EQ(status.*flag.flag, flag.mask == raised.mask);
  }
}

TEST_F(JobWatch, FaultNamesInstructionAndField) {
  EXPECT_READ32(HB_FAULT_CODE_OFFSET, 8u);
  EXPECT_READ32(HB_FAULT_PC_OFFSET, 17u);
  EXPECT_READ32(HB_FAULT_FIELD_OFFSET, 9u);
  EXPECT_READ32(HB_FAULT_INFO_OFFSET, 33u);
  hb_job_fault_t fault{};
  ASSERT_EQ(hb_dif_job_fault(&mmio_, &fault), HB_OK);
  EXPECT_EQ(fault.code, HB_CAPTURE_OVERRUN);
  EXPECT_EQ(fault.pc, 17u);
  EXPECT_EQ(fault.field, 9u);
  EXPECT_EQ(fault.info, 33u);
}

TEST_F(JobWatch, ClippedCapturesAreCounted) {
  EXPECT_READ32(HB_CAPTURE_CLIP_COUNT_OFFSET, 21u);
  std::uint32_t count = 0;
  ASSERT_EQ(hb_dif_job_capture_clips(&mmio_, &count), HB_OK);
  EXPECT_EQ(count, 21u);
}

TEST_F(JobWatch, CountersReadWholeTickCounts) {
  EXPECT_READ32(HB_JOB_TICKS_HI_OFFSET, 0u);
  EXPECT_READ32(HB_JOB_TICKS_LO_OFFSET, 0xFFFFFFFEu);
  EXPECT_READ32(HB_JOB_TICKS_HI_OFFSET, 1u);
  EXPECT_READ32(HB_JOB_TICKS_LO_OFFSET, 2u);
  EXPECT_READ32(HB_JOB_TICKS_HI_OFFSET, 1u);
  EXPECT_READ32(HB_STALL_TICKS_HI_OFFSET, 0u);
  EXPECT_READ32(HB_STALL_TICKS_LO_OFFSET, 5u);
  EXPECT_READ32(HB_STALL_TICKS_HI_OFFSET, 0u);
  EXPECT_READ32(HB_CLIP_COUNT_OFFSET, 11u);
  EXPECT_READ32(HB_RAIL_COUNT_OFFSET, 12u);
  EXPECT_READ32(HB_RAIL_CELL_OFFSET, 13u);
  hb_job_counters_t counters{};
  ASSERT_EQ(hb_dif_job_counters(&mmio_, &counters), HB_OK);
  EXPECT_EQ(counters.job_ticks, 0x100000002ull);
  EXPECT_EQ(counters.stall_ticks, 5u);
  EXPECT_EQ(counters.clips, 11u);
  EXPECT_EQ(counters.rails, 12u);
  EXPECT_EQ(counters.rail_cell, 13u);
}

TEST_F(JobWatch, RefusesNullWithoutAnAccess) {
  hb_job_status_t status{};
  hb_job_fault_t fault{};
  hb_job_counters_t counters{};
  EXPECT_EQ(hb_dif_job_status(nullptr, &status), HB_BAD_ARG);
  EXPECT_EQ(hb_dif_job_status(&mmio_, nullptr), HB_BAD_ARG);
  EXPECT_EQ(hb_dif_job_fault(nullptr, &fault), HB_BAD_ARG);
  EXPECT_EQ(hb_dif_job_fault(&mmio_, nullptr), HB_BAD_ARG);
  EXPECT_EQ(hb_dif_job_counters(nullptr, &counters), HB_BAD_ARG);
  EXPECT_EQ(hb_dif_job_counters(&mmio_, nullptr), HB_BAD_ARG);
}

TEST_F(StepOfTheArray, IsReadAndSet) {
  EXPECT_READ32(HB_DT_TICKS_OFFSET, 1000u);
  std::uint32_t ticks = 0;
  ASSERT_EQ(hb_dif_dt_get(&mmio_, &ticks), HB_OK);
  EXPECT_EQ(ticks, 1000u);
  done();

  EXPECT_READ32(HB_CAPS_OFFSET, HB_CAPS_DT_PROGRAMMABLE_MASK);
  EXPECT_READ32(HB_STATUS_OFFSET, 0u);
  EXPECT_WRITE32(HB_DT_TICKS_OFFSET, 500u);
  EXPECT_READ32(HB_DT_TICKS_OFFSET, 500u);
  EXPECT_EQ(hb_dif_dt_set(&mmio_, 500), HB_OK);
  done();

  EXPECT_READ32(HB_ACTIVE_CELLS_OFFSET, 64u);
  std::uint32_t cells = 0;
  ASSERT_EQ(hb_dif_active_cells(&mmio_, &cells), HB_OK);
  EXPECT_EQ(cells, 64u);
}

TEST_F(StepOfTheArray, IsRefusedWithoutTheCapability) {
  EXPECT_READ32(HB_CAPS_OFFSET, ~HB_CAPS_DT_PROGRAMMABLE_MASK);
  EXPECT_EQ(hb_dif_dt_set(&mmio_, 500), HB_UNSUPPORTED);
}

TEST_F(StepOfTheArray, IsNotChangedUnderARunningProgram) {
  EXPECT_READ32(HB_CAPS_OFFSET, HB_CAPS_DT_PROGRAMMABLE_MASK);
  EXPECT_READ32(HB_STATUS_OFFSET, HB_STATUS_RUNNING_MASK);
  EXPECT_EQ(hb_dif_dt_set(&mmio_, 500), HB_BUSY);
}

TEST_F(StepOfTheArray, AStepThatDoesNotReadBackIsADeviceError) {
  EXPECT_READ32(HB_CAPS_OFFSET, HB_CAPS_DT_PROGRAMMABLE_MASK);
  EXPECT_READ32(HB_STATUS_OFFSET, 0u);
  EXPECT_WRITE32(HB_DT_TICKS_OFFSET, 500u);
  EXPECT_READ32(HB_DT_TICKS_OFFSET, 1000u);
  EXPECT_EQ(hb_dif_dt_set(&mmio_, 500), HB_DEVICE);
}

TEST_F(StepOfTheArray, RefusesZeroAndNullWithoutAnAccess) {
  std::uint32_t value = 0;
  EXPECT_EQ(hb_dif_dt_set(&mmio_, 0), HB_BAD_ARG);
  EXPECT_EQ(hb_dif_dt_set(nullptr, 1), HB_BAD_ARG);
  EXPECT_EQ(hb_dif_dt_get(nullptr, &value), HB_BAD_ARG);
  EXPECT_EQ(hb_dif_dt_get(&mmio_, nullptr), HB_BAD_ARG);
  EXPECT_EQ(hb_dif_active_cells(nullptr, &value), HB_BAD_ARG);
  EXPECT_EQ(hb_dif_active_cells(&mmio_, nullptr), HB_BAD_ARG);
}

}  // namespace
