#include <gtest/gtest.h>

#include <set>

#include "board.hpp"
#include "heatbath/register_list.h"

namespace heatbath::model::bench {
namespace {

enum Rule { RO, RW, CMD };
enum Reset { VALUE, PROFILE, LIVE, MAP };
struct Row {
  const char* name;
  std::uint32_t offset;
  Rule rule;
  Reset reset;
  std::uint32_t value, mask;
};
const std::vector<Row> table = {
#define HB_REGISTER(NAME, offset, ACCESS, RESET, value, mask) {#NAME, offset, ACCESS, RESET, value, mask},
    HB_REGISTER_LIST(HB_REGISTER)
#undef HB_REGISTER
};

// Written values are not plain storage: the capture tail moves within the ring only, the step is 1 or more.
bool has_rules_of_its_own(std::uint32_t offset) {
  return offset == HB_CAPTURE_TAIL_OFFSET || offset == HB_DT_TICKS_OFFSET;
}

struct FreshChip {
  Chip chip{load_profile("ideal"), {.cells = 8, .lanes = 4, .seed = 1, .threads = 1}};
  std::uint32_t errors() const { return chip.read32(HB_ERR_ACCESS_OFFSET); }
};

TEST(Registers, HaveTheirResetValues) {
  FreshChip fresh;
  for (const Row& row : table) {
    if (row.reset != VALUE && row.reset != MAP) continue;
    EXPECT_EQ(fresh.chip.read32(row.offset), row.value) << row.name;
  }
  for (const Row& row : table) {
    if (row.reset != LIVE) continue;
    EXPECT_EQ(fresh.chip.read32(row.offset), row.offset == HB_RAIL_CELL_OFFSET ? 0xFFFFFFFFu : 0u) << row.name;
  }
  EXPECT_EQ(fresh.errors(), 0u);
}

TEST(Registers, OfTheProfileTellTheProfile) {
  FreshChip fresh;
  const auto value = [&](std::uint32_t offset) { return std::bit_cast<float>(fresh.chip.read32(offset)); };
  EXPECT_EQ(fresh.chip.read32(HB_VENDOR_OFFSET), 0x4842u);
  EXPECT_EQ(fresh.chip.read32(HB_CAPS_OFFSET), 0x5FDFu);  // all but FREE_RUNNING, DMA and PRICED
  EXPECT_EQ(fresh.chip.read32(HB_CAPS_CELLS_OFFSET), 8u);
  EXPECT_EQ(fresh.chip.read32(HB_CAPS_LANES_OFFSET), 4u);
  EXPECT_EQ(fresh.chip.read32(HB_CAPS_TICK_PS_OFFSET), 1u);
  EXPECT_EQ(fresh.chip.read32(HB_CAPS_TIME_UNIT_TICKS_OFFSET), 1000000u);
  EXPECT_EQ(fresh.chip.read32(HB_CAPS_PARAM_FORMAT_OFFSET), 0u);
  EXPECT_EQ(fresh.chip.read32(HB_CAPS_CELL_OFFSET), 0x01010000u);
  EXPECT_EQ(fresh.chip.read32(HB_CAPS_MEMORY_LO_OFFSET), 512u << 20);
  EXPECT_EQ(fresh.chip.read32(HB_DT_TICKS_OFFSET), 1000u);
  EXPECT_EQ(fresh.chip.read32(HB_ACTIVE_CELLS_OFFSET), 8u);
  EXPECT_EQ(value(HB_CAPS_RANGE_STATE_OFFSET), 64.0f);
  EXPECT_EQ(value(HB_CAPS_KT_RESET_OFFSET), 1.0f);
  EXPECT_EQ(value(HB_CAPS_ENERGY_UNIT_J_OFFSET), 4.14e-21f);

  Chip silicon(load_profile("silicon"), {.threads = 1});
  EXPECT_EQ(silicon.read32(HB_CAPS_OFFSET), 0x2A0u);  // FREE_RUNNING, KT_PROGRAMMABLE, READBACK
  EXPECT_EQ(silicon.read32(HB_CAPS_LANES_OFFSET), 1u);
  EXPECT_EQ(silicon.read32(HB_CAPS_CAPTURE_MIN_TICKS_OFFSET), 25u);
  EXPECT_EQ(silicon.read32(HB_CAPS_PARAM_FORMAT_OFFSET), 0x0A02u);
  EXPECT_EQ(silicon.read32(HB_CAPS_CAPTURE_FORMAT_OFFSET), 0x0A02u);
  EXPECT_EQ(silicon.read32(HB_CAPS_CELL_OFFSET), 0x01000000u);
  EXPECT_EQ(silicon.read32(HB_DT_TICKS_OFFSET), 0u);
}

TEST(Registers, ThatAreReadOnlyIgnoreWritesAndCountThem) {
  FreshChip fresh;
  std::uint32_t expected = 0;
  for (const Row& row : table) {
    if (row.rule != RO) continue;
    const std::uint32_t before = fresh.chip.read32(row.offset);
    fresh.chip.write32(row.offset, ~before);
    ++expected;
    EXPECT_EQ(fresh.errors(), expected) << row.name;
    if (row.offset == HB_ERR_ACCESS_OFFSET) continue;
    EXPECT_EQ(fresh.chip.read32(row.offset), before) << row.name;
  }
}

TEST(Registers, ThatAreReadWriteReadBackWhatTheirFieldsHold) {
  FreshChip fresh;
  for (const Row& row : table) {
    if (row.rule != RW || has_rules_of_its_own(row.offset)) continue;
    for (const std::uint32_t value : {0xFFFFFFFFu, 0x5A5A5A5Au, 0xA5A5A5A5u, 0u}) {
      fresh.chip.write32(row.offset, value);
      EXPECT_EQ(fresh.chip.read32(row.offset), value & row.mask) << row.name;
    }
    fresh.chip.write32(row.offset, row.value);
  }
  EXPECT_EQ(fresh.errors(), 0u);
}

TEST(Registers, OutsideTheMapReadZeroIgnoreWritesAndAreCounted) {
  FreshChip fresh;
  std::set<std::uint32_t> mapped;
  for (const Row& row : table) mapped.insert(row.offset);
  std::uint32_t expected = 0;
  for (std::uint32_t offset = 0; offset < HB_WINDOW_BYTES + 64; ++offset) {
    if (mapped.count(offset)) continue;
    EXPECT_EQ(fresh.chip.read32(offset), 0u);
    fresh.chip.write32(offset, 0xFFFFFFFFu);
    expected += 2;
  }
  EXPECT_EQ(fresh.errors(), expected);
  EXPECT_EQ(fresh.chip.read32(HB_SCRATCH_OFFSET), 0u);
}

TEST(Registers, ReadsHaveNoEffect) {
  FreshChip fresh;
  std::vector<std::uint32_t> first, second;
  for (const Row& row : table) first.push_back(fresh.chip.read32(row.offset));
  for (const Row& row : table) second.push_back(fresh.chip.read32(row.offset));
  EXPECT_EQ(first, second);
}

TEST(Commands, AreAcceptedOncePerSequenceNumber) {
  Board board;
  EXPECT_EQ(board.start({timed(HB_OP_EVOLVE, 5000)}), HB_OK);
  const std::uint32_t start = HB_COMMAND_OP_START | 1u << 16;
  board.finish();
  board.w(HB_COMMAND_OFFSET, start);  // the same number again
  EXPECT_FALSE(board.running());
  EXPECT_EQ(board.r(HB_ERR_SEQUENCE_OFFSET), 1u);
  EXPECT_EQ(board.r(HB_COMMAND_OFFSET), start);
  board.w(HB_COMMAND_OFFSET, HB_COMMAND_OP_START | 2u << 16);
  EXPECT_TRUE(board.running());
  EXPECT_EQ(board.r(HB_COMMAND_ACK_OFFSET), 2u << 16 | HB_OK);
}

TEST(Commands, ThatAreUnknownAreRefused) {
  Board board;
  EXPECT_EQ(board.command(HB_COMMAND_OP_NONE), HB_OK);
  EXPECT_EQ(board.command(0x77), HB_BAD_ARG);
  EXPECT_EQ(board.command(HB_COMMAND_OP_ABORT), HB_BAD_ARG);  // nothing runs
}

TEST(Commands, StartWhileRunningIsBusyAndDisturbsNothing) {
  Board board;
  EXPECT_EQ(board.start({timed(HB_OP_EVOLVE, 5000)}), HB_OK);
  board.chip.advance_to(2000);
  EXPECT_EQ(board.command(HB_COMMAND_OP_START), HB_BUSY);
  EXPECT_EQ(board.r(HB_STATUS_OFFSET), HB_STATUS_RUNNING_MASK);
  board.finish();
  EXPECT_EQ(board.chip.now(), 5000u);
  EXPECT_TRUE(board.done());
}

TEST(Interrupts, AreTestedAndAcknowledgedOncePerSequenceNumber) {
  Board board;
  board.w(HB_INTR_TEST_OFFSET, 0xFFFF | 1u << 16);
  EXPECT_EQ(board.r(HB_INTR_STATE_OFFSET), 0x3Fu);
  EXPECT_FALSE(board.chip.interrupt());
  board.w(HB_INTR_ENABLE_OFFSET, HB_INTR_STATE_PROGRAM_MASK);
  EXPECT_TRUE(board.chip.interrupt());
  board.w(HB_INTR_ACK_OFFSET, HB_INTR_STATE_PROGRAM_MASK | 9u << 16);
  EXPECT_EQ(board.r(HB_INTR_STATE_OFFSET), 0x2Fu);
  EXPECT_FALSE(board.chip.interrupt());
  board.w(HB_INTR_ACK_OFFSET, 0x0F | 9u << 16);
  EXPECT_EQ(board.r(HB_INTR_STATE_OFFSET), 0x2Fu);
  EXPECT_EQ(board.r(HB_ERR_SEQUENCE_OFFSET), 1u);
  EXPECT_EQ(board.r(HB_INTR_ACK_OFFSET), HB_INTR_STATE_PROGRAM_MASK | 9u << 16);
  board.w(HB_INTR_TEST_OFFSET, 0x10 | 1u << 16);
  EXPECT_EQ(board.r(HB_INTR_STATE_OFFSET), 0x2Fu);
  EXPECT_EQ(board.r(HB_ERR_SEQUENCE_OFFSET), 2u);
}

TEST(Step, IsWritableOnlyWhereAndWhenItMayBe) {
  Board board;
  board.w(HB_DT_TICKS_OFFSET, 0);
  EXPECT_EQ(board.r(HB_DT_TICKS_OFFSET), 1000u);
  EXPECT_EQ(board.r(HB_ERR_ACCESS_OFFSET), 1u);
  board.w(HB_DT_TICKS_OFFSET, 20);
  EXPECT_EQ(board.r(HB_DT_TICKS_OFFSET), 20u);
  board.start({timed(HB_OP_EVOLVE, 100)});
  board.w(HB_DT_TICKS_OFFSET, 10);
  EXPECT_EQ(board.r(HB_DT_TICKS_OFFSET), 20u);
  EXPECT_EQ(board.r(HB_ERR_ACCESS_OFFSET), 2u);

  Chip silicon(load_profile("silicon"), {.cells = 8, .threads = 1});
  silicon.write32(HB_DT_TICKS_OFFSET, 5);
  EXPECT_EQ(silicon.read32(HB_DT_TICKS_OFFSET), 0u);
  EXPECT_EQ(silicon.read32(HB_ERR_ACCESS_OFFSET), 1u);
}

TEST(Chip, RefusesMoreThanItsProfileHas) {
  EXPECT_THROW(Chip(load_profile("ideal"), {.cells = 8193}), std::invalid_argument);
  EXPECT_THROW(Chip(load_profile("silicon"), {.lanes = 2}), std::invalid_argument);
}

}  // namespace
}  // namespace heatbath::model::bench
