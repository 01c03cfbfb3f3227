#include <gtest/gtest.h>

#include "board.hpp"

namespace heatbath::model::bench {
namespace {

constexpr std::uint64_t dt = 1000;

std::vector<hb_instruction_t> noisy(std::vector<hb_instruction_t> rest) {
  std::vector<hb_instruction_t> program{load(HB_SECTION_J2, 1), load(HB_SECTION_COUPLING, 0.2f), op(HB_OP_COMMIT)};
  program.insert(program.end(), rest.begin(), rest.end());
  return program;
}

TEST(CaptureRecord, HoldsHeaderLanesCellsAndZeroedPadding) {
  Board board;
  board.w(HB_SHOTS_OFFSET, 3);
  board.w(HB_CAPTURE_CELL0_OFFSET, 2);
  board.w(HB_CAPTURE_CELLS_OFFSET, 5);
  board.put(ring_at, std::vector<std::uint8_t>(512, 0xEE));
  std::vector<float> states(24);
  for (int i = 0; i < 24; ++i) states[i] = static_cast<float>(i);
  board.put(operands_at, states);
  ASSERT_EQ(board.start({timed(HB_OP_EVOLVE, 3 * dt), cells_from(HB_OP_SET, 0, 8, operands_at, 32), op(HB_OP_SAMPLE)}),
            HB_OK);
  board.finish();
  EXPECT_EQ(board.r(HB_CAPTURE_RECORD_BYTES_OFFSET), 128u);  // 32 + 3 * 5 * 4 = 92, padded
  const auto header = board.get<hb_record_header_t>(ring_at, 1)[0];
  EXPECT_EQ(header.sequence, 0u);
  EXPECT_EQ(header.lanes, 3u);
  EXPECT_EQ(header.cells, 5u);
  EXPECT_EQ(header.first, 2u);
  EXPECT_EQ(header.ticks, 3 * dt);
  EXPECT_EQ(header.pad, 0u);
  const auto values = board.get<float>(ring_at + 32, 15);
  for (int lane = 0; lane < 3; ++lane)
    for (int cell = 0; cell < 5; ++cell) EXPECT_EQ(values[lane * 5 + cell], static_cast<float>(8 * lane + cell + 2));
  EXPECT_EQ(board.get<std::uint8_t>(ring_at + 92, 36), std::vector<std::uint8_t>(36, 0));
  EXPECT_EQ(board.get<std::uint8_t>(ring_at + 128, 1)[0], 0xEE);
}

TEST(CaptureRecord, OfAConverterIsCodedAndSaturated) {
  Board board("silicon", {.cells = 4, .threads = 1});
  board.put(operands_at, std::vector<float>{0.5f, -0.5f, 100.0f, -100.0f});
  ASSERT_EQ(board.start({cells_from(HB_OP_CLAMP, 0, 4, operands_at), op(HB_OP_SAMPLE)}), HB_OK);
  board.finish();
  ASSERT_TRUE(board.done());
  const auto codes = board.get<std::int16_t>(ring_at + sizeof(hb_record_header_t), 4);  // one step: 4 / 512
  EXPECT_EQ(codes, (std::vector<std::int16_t>{64, -64, 511, -512}));
  EXPECT_EQ(board.r(HB_CAPTURE_RECORD_BYTES_OFFSET), 64u);
}

TEST(CaptureRing, PeriodCountsEvolvedTicksAcrossInstructions) {
  Board board;
  const auto records =
      board.run(noisy({timed(HB_OP_CAPTURE_START, 3 * dt, HB_FLAG_NOW), loop(5), timed(HB_OP_EVOLVE, 2 * dt),
                       op(HB_OP_LOOP_END), op(HB_OP_CAPTURE_STOP), timed(HB_OP_EVOLVE, 6 * dt)}));
  ASSERT_EQ(records.size(), 4u);
  for (std::uint32_t n = 0; n < 4; ++n) {
    EXPECT_EQ(records[n].header.sequence, n);
    EXPECT_EQ(records[n].header.ticks, 3 * n * dt);
  }
}

TEST(CaptureRing, StartWithoutNowTakesTheFirstRecordAfterAPeriod) {
  Board board;
  const auto records =
      board.run(noisy({timed(HB_OP_EVOLVE, dt), timed(HB_OP_CAPTURE_START, 2 * dt), timed(HB_OP_EVOLVE, 4 * dt)}));
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].header.ticks, 3 * dt);
  EXPECT_EQ(records[1].header.ticks, 5 * dt);
}

TEST(CaptureRing, WrapsWithoutLosingRecords) {
  Board wide, narrow;
  narrow.w(HB_CAPTURE_SLOTS_OFFSET, 3);
  const auto program = noisy({timed(HB_OP_CAPTURE_START, dt), timed(HB_OP_EVOLVE, 20 * dt)});
  const auto expected = wide.run(program);
  ASSERT_EQ(expected.size(), 20u);

  ASSERT_EQ(narrow.start(program), HB_OK);
  std::vector<Record> records;
  for (int i = 0; i < 200 && narrow.running(); ++i) {
    narrow.chip.advance_to(narrow.chip.now() + 2 * dt);
    for (auto& record : narrow.drain()) records.push_back(record);
  }
  EXPECT_TRUE(records == expected);
  EXPECT_EQ(narrow.r(HB_CAPTURE_HEAD_OFFSET), 20u);
  EXPECT_EQ(narrow.r64(HB_STALL_TICKS_LO_OFFSET), 0u);
}

TEST(CaptureRing, FullRingStallsTheArray) {
  Board wide, narrow;
  const auto program = noisy({timed(HB_OP_CAPTURE_START, 2 * dt), timed(HB_OP_EVOLVE, 20 * dt), op(HB_OP_SAMPLE)});
  const auto expected = wide.run(program);
  ASSERT_EQ(expected.size(), 11u);

  narrow.w(HB_CAPTURE_SLOTS_OFFSET, 4);
  narrow.w(HB_CAPTURE_WATERMARK_OFFSET, 0);
  ASSERT_EQ(narrow.start(program), HB_OK);
  narrow.chip.advance_to(9 * dt);
  EXPECT_EQ(narrow.r(HB_INTR_STATE_OFFSET), HB_INTR_STATE_CAPTURE_MASK);  // full since 8 dt, not stalled yet
  EXPECT_EQ(narrow.r(HB_STATUS_OFFSET), HB_STATUS_RUNNING_MASK);
  narrow.chip.advance_to(25 * dt);
  EXPECT_EQ(narrow.r(HB_STATUS_OFFSET), HB_STATUS_RUNNING_MASK | HB_STATUS_STALLED_MASK);
  EXPECT_EQ(narrow.r64(HB_JOB_TICKS_LO_OFFSET), 10 * dt);
  EXPECT_EQ(narrow.r64(HB_STALL_TICKS_LO_OFFSET), 15 * dt);
  EXPECT_EQ(narrow.r(HB_CAPTURE_HEAD_OFFSET), 4u);
  EXPECT_EQ(narrow.chip.next_event(), Chip::never);

  auto records = narrow.drain();
  EXPECT_EQ(narrow.chip.next_event(), 25 * dt);
  narrow.chip.advance_to(25 * dt);
  EXPECT_EQ(narrow.r(HB_STATUS_OFFSET), HB_STATUS_RUNNING_MASK);
  EXPECT_EQ(narrow.r(HB_CAPTURE_HEAD_OFFSET), 5u);  // the record that was owed
  for (int i = 0; i < 100 && narrow.running(); ++i) {
    narrow.chip.advance_to(narrow.chip.now() + 50 * dt);
    for (auto& record : narrow.drain()) records.push_back(record);
  }
  EXPECT_TRUE(records == expected);
  EXPECT_EQ(narrow.r64(HB_JOB_TICKS_LO_OFFSET), 20 * dt);
}

TEST(CaptureRing, StalledArrayGoesOnAtTheNextGridPoint) {
  Board board;
  board.w(HB_CAPTURE_SLOTS_OFFSET, 1);
  ASSERT_EQ(board.start({timed(HB_OP_CAPTURE_START, dt), timed(HB_OP_EVOLVE, 3 * dt)}), HB_OK);
  board.chip.advance_to(4 * dt + 1);
  board.w(HB_CAPTURE_TAIL_OFFSET, 1);
  EXPECT_EQ(board.chip.next_event(), 5 * dt);
  board.chip.advance_to(5 * dt - 1);
  EXPECT_EQ(board.r(HB_CAPTURE_HEAD_OFFSET), 1u);
  board.chip.advance_to(5 * dt);
  EXPECT_EQ(board.r(HB_CAPTURE_HEAD_OFFSET), 2u);
  EXPECT_EQ(board.r64(HB_STALL_TICKS_LO_OFFSET), 3 * dt);
}

TEST(CaptureRing, FullRingFailsTheJobWhereTheArrayCannotStall) {
  Board board("silicon", {.cells = 8, .threads = 1});
  board.w(HB_CAPTURE_SLOTS_OFFSET, 4);
  ASSERT_EQ(board.start({op(HB_OP_COMMIT), timed(HB_OP_CAPTURE_START, 25), timed(HB_OP_EVOLVE, 1000)}), HB_OK);
  board.finish();
  EXPECT_EQ(board.r(HB_STATUS_OFFSET), HB_STATUS_FAULT_MASK);
  EXPECT_EQ(board.r(HB_FAULT_CODE_OFFSET), HB_CAPTURE_OVERRUN);
  EXPECT_EQ(board.r(HB_FAULT_PC_OFFSET), 2u);
  EXPECT_EQ(board.r(HB_FAULT_INFO_OFFSET), 4u);  // the first lost record
  EXPECT_EQ(board.r(HB_CAPTURE_HEAD_OFFSET), 4u);
  EXPECT_EQ(board.chip.now(), 125u);
}

TEST(CaptureRing, WatermarkRaisesTheInterruptAgainAfterTheAcknowledge) {
  Board board;
  board.w(HB_CAPTURE_WATERMARK_OFFSET, 2);
  board.w(HB_CAPTURE_SLOTS_OFFSET, 8);
  ASSERT_EQ(board.start({timed(HB_OP_CAPTURE_START, dt), timed(HB_OP_EVOLVE, 20 * dt)}), HB_OK);
  const auto pending = [&] { return board.r(HB_INTR_STATE_OFFSET) & HB_INTR_STATE_CAPTURE_MASK; };
  board.chip.advance_to(dt);
  EXPECT_FALSE(pending());
  board.chip.advance_to(2 * dt);
  EXPECT_TRUE(pending());
  board.acknowledge(HB_INTR_STATE_CAPTURE_MASK);
  EXPECT_FALSE(pending());
  board.chip.advance_to(3 * dt - 1);
  EXPECT_FALSE(pending());
  board.chip.advance_to(3 * dt);  // another record above the watermark
  EXPECT_TRUE(pending());
  board.drain();
  board.acknowledge(HB_INTR_STATE_CAPTURE_MASK);
  board.chip.advance_to(4 * dt);
  EXPECT_FALSE(pending());
  board.chip.advance_to(5 * dt);
  EXPECT_TRUE(pending());
}

TEST(CaptureRing, TailMovesOnlyWithinTheUnreadRecords) {
  Board board;
  ASSERT_EQ(board.start({timed(HB_OP_CAPTURE_START, dt), timed(HB_OP_EVOLVE, 5 * dt)}), HB_OK);
  board.finish();
  board.w(HB_CAPTURE_TAIL_OFFSET, 3);
  EXPECT_EQ(board.r(HB_CAPTURE_TAIL_OFFSET), 3u);
  EXPECT_EQ(board.r(HB_ERR_ACCESS_OFFSET), 0u);
  for (const std::uint32_t wrong : {2u, 6u, 0xFFFFFFFFu}) board.w(HB_CAPTURE_TAIL_OFFSET, wrong);
  EXPECT_EQ(board.r(HB_CAPTURE_TAIL_OFFSET), 3u);
  EXPECT_EQ(board.r(HB_ERR_ACCESS_OFFSET), 3u);
  ASSERT_EQ(board.start({op(HB_OP_SAMPLE)}), HB_OK);
  EXPECT_EQ(board.r(HB_CAPTURE_TAIL_OFFSET), 0u);
  EXPECT_EQ(board.r(HB_CAPTURE_HEAD_OFFSET), 0u);
}

}  // namespace
}  // namespace heatbath::model::bench
