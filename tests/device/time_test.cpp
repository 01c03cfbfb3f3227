// Device time: the grid, chunks, order at one instant, abort and reset.
#include <gtest/gtest.h>

#include <random>

#include "board.hpp"

namespace heatbath::model::bench {
namespace {

constexpr std::uint64_t dt = 1000;

std::vector<float> ladder(std::size_t count, float step) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = step * (static_cast<float>(i % 13) - 6.0f);
  return values;
}

// Everything a program can do over time, with noise: ramps, loops, clamps, records, meters, interrupts.
const std::vector<hb_instruction_t> busy_program{load(HB_SECTION_J2, 1),
                                                 load(HB_SECTION_J4, 1),
                                                 load_from(HB_SECTION_COUPLING, operands_at),
                                                 op(HB_OP_COMMIT),
                                                 op(HB_OP_METER_CLEAR),
                                                 cells_to(HB_OP_CLAMP, 6, 2, 0.7f),
                                                 timed(HB_OP_CAPTURE_START, 5 * dt, HB_FLAG_NOW),
                                                 loop(3),
                                                 load_from(HB_SECTION_BIAS, operands_at + 512, 32),
                                                 load(HB_SECTION_KT, 0.5f),
                                                 timed(HB_OP_RAMP, 17 * dt),
                                                 snapshot(meters_at),
                                                 interrupt(3),
                                                 timed(HB_OP_EVOLVE, 16 * dt),
                                                 load(HB_SECTION_BIAS, -0.5f),
                                                 load(HB_SECTION_GAIN, 0.5f),
                                                 timed(HB_OP_RAMP, 9 * dt),
                                                 op(HB_OP_SAMPLE),
                                                 op(HB_OP_LOOP_END),
                                                 cells(HB_OP_RELEASE, 7, 1),
                                                 cells_to(HB_OP_SET, 0, 2, 0.1f),
                                                 timed(HB_OP_EVOLVE, 33 * dt),
                                                 snapshot(meters_at + 1024)};

struct Trace {
  std::vector<Record> records;
  std::vector<hb_meters_t> meters;
  std::uint64_t end = 0, stalled = 0;
  std::uint32_t interrupts = 0, rails = 0;

  bool operator==(const Trace& other) const {
    return records == other.records && meters.size() == other.meters.size() &&
           std::memcmp(meters.data(), other.meters.data(), meters.size() * sizeof(hb_meters_t)) == 0 &&
           end == other.end && stalled == other.stalled && interrupts == other.interrupts && rails == other.rails;
  }
};

enum class Cut { whole, by_events, stop_at_interrupts, one, seven, sixty_four, off_grid, at_random };

/// Runs busy_program on a ring of `slots`; the host drains it at multiples of 40 steps, whatever the cut.
Trace trace(Cut cut, std::uint32_t slots, unsigned threads = 1, std::uint32_t lanes = 3) {
  Board board("ideal", {.cells = 8, .lanes = 20, .seed = 1, .threads = threads});
  board.put(operands_at, ladder(28, 0.05f));
  board.put(operands_at + 512, ladder(8 * lanes, 0.2f));
  board.seed(11, 5);
  board.w(HB_SHOTS_OFFSET, lanes);
  board.w(HB_CAPTURE_SLOTS_OFFSET, slots);
  board.w(HB_CAPTURE_WATERMARK_OFFSET, 2);
  board.w(HB_INTR_ENABLE_OFFSET, 0x1F);
  EXPECT_EQ(board.start(busy_program), HB_OK);

  Trace trace;
  std::mt19937 random(3);
  for (std::uint64_t drain_at = 40 * dt; board.running() && drain_at < 4000 * dt; drain_at += 40 * dt) {
    while (board.chip.now() < drain_at) {
      const std::uint64_t now = board.chip.now();
      std::uint64_t to = drain_at;
      if (cut == Cut::by_events) to = std::min(to, board.chip.next_event());
      if (cut == Cut::one) to = std::min(to, now + dt);
      if (cut == Cut::seven) to = std::min(to, now + 7 * dt);
      if (cut == Cut::sixty_four) to = std::min(to, now + 64 * dt);
      if (cut == Cut::off_grid) to = std::min(to, now + 337);
      if (cut == Cut::at_random) to = std::min(to, now + random() % (12 * dt));
      if (to == now && cut == Cut::by_events && !board.running()) to = drain_at;
      board.chip.advance_to(to, cut == Cut::stop_at_interrupts);
      if (cut == Cut::stop_at_interrupts) board.acknowledge(board.r(HB_INTR_STATE_OFFSET));
    }
    for (auto& record : board.drain()) trace.records.push_back(record);
  }
  EXPECT_TRUE(board.done());
  trace.meters = board.get<hb_meters_t>(meters_at, lanes);
  const auto last = board.get<hb_meters_t>(meters_at + 1024, lanes);
  trace.meters.insert(trace.meters.end(), last.begin(), last.end());
  trace.end = board.r64(HB_JOB_TICKS_LO_OFFSET);
  trace.stalled = board.r64(HB_STALL_TICKS_LO_OFFSET);
  trace.interrupts = cut == Cut::stop_at_interrupts ? 0x1F : board.r(HB_INTR_STATE_OFFSET);
  trace.rails = board.r(HB_RAIL_COUNT_OFFSET);
  return trace;
}

TEST(Chunks, DoNotChangeRecordsMetersOrInterrupts) {
  const Trace whole = trace(Cut::whole, 64);
  ASSERT_EQ(whole.records.size(), 1u + (3 * 42 + 33) / 5 + 3);
  EXPECT_EQ(whole.end, (3 * 42 + 33) * dt);
  EXPECT_EQ(whole.stalled, 0u);
  EXPECT_NE(whole.meters[0].work, 0.0);
  EXPECT_NE(whole.meters[0].heat_path, 0.0);
  for (const Cut cut : {Cut::by_events, Cut::one, Cut::seven, Cut::sixty_four, Cut::off_grid, Cut::at_random})
    EXPECT_TRUE(trace(cut, 64) == whole) << static_cast<int>(cut);
}

TEST(Chunks, DoNotChangeAJobThatStalls) {
  const Trace whole = trace(Cut::whole, 3);
  EXPECT_GT(whole.stalled, 0u);
  EXPECT_TRUE(whole.records == trace(Cut::whole, 64).records);
  for (const Cut cut : {Cut::by_events, Cut::one, Cut::seven, Cut::off_grid, Cut::at_random})
    EXPECT_TRUE(trace(cut, 3) == whole) << static_cast<int>(cut);
}

TEST(Chunks, StoppingAtInterruptsChangesNothing) {
  for (const std::uint32_t slots : {64u, 3u}) {
    const Trace whole = trace(Cut::whole, slots), stopped = trace(Cut::stop_at_interrupts, slots);
    EXPECT_TRUE(stopped.records == whole.records);
    EXPECT_EQ(stopped.end, whole.end);
    EXPECT_EQ(stopped.stalled, whole.stalled);
    EXPECT_EQ(std::memcmp(stopped.meters.data(), whole.meters.data(), whole.meters.size() * sizeof(hb_meters_t)), 0);
  }
}

TEST(Chunks, AndThreadsDoNotMatterOnManyLanes) {
  EXPECT_TRUE(trace(Cut::whole, 64, 1, 20) == trace(Cut::off_grid, 64, 2, 20));
}

TEST(Time, ProgramBeginsAtTheFirstGridPointNotBeforeTheStart) {
  Board board;
  board.chip.advance_to(2300);
  ASSERT_EQ(board.start({interrupt(1), timed(HB_OP_EVOLVE, 2 * dt)}), HB_OK);
  EXPECT_EQ(board.chip.next_event(), 3000u);
  board.chip.advance_to(2999);
  EXPECT_EQ(board.r(HB_INTR_STATE_OFFSET), 0u);
  board.chip.advance_to(3000);
  EXPECT_EQ(board.r(HB_INTR_STATE_OFFSET), HB_INTR_STATE_PROGRAM_MASK);
  board.finish();
  EXPECT_EQ(board.chip.now(), 5000u);
  EXPECT_EQ(board.r64(HB_JOB_TICKS_LO_OFFSET), 2000u);

  ASSERT_EQ(board.start({timed(HB_OP_EVOLVE, dt)}), HB_OK);  // on a grid point: at once
  EXPECT_EQ(board.chip.next_event(), 5000u);
  board.finish();
  EXPECT_EQ(board.chip.now(), 6000u);
  EXPECT_EQ(board.r64(HB_TIME_LO_OFFSET), 6000u);
}

TEST(Time, IdleDeviceHasNoEventsAndLetsTimePass) {
  Board board;
  EXPECT_EQ(board.chip.next_event(), Chip::never);
  board.chip.advance_to(0x1234567890);
  EXPECT_EQ(board.r64(HB_TIME_LO_OFFSET), 0x1234567890u);
}

TEST(Time, VeryLongInstructionsDoNotWrap) {
  Board board;
  ASSERT_EQ(board.start({timed(HB_OP_EVOLVE, ~std::uint64_t{0} / dt * dt)}), HB_OK);
  board.chip.advance_to(10 * dt);
  EXPECT_GE(board.chip.next_event(), std::uint64_t{1} << 63);
  EXPECT_TRUE(board.running());
}

TEST(Instant, EndsTheStepThenRecordsThenRunsInstructionsThenInterrupts) {
  Board board;
  board.seed(3);
  board.w(HB_CAPTURE_WATERMARK_OFFSET, 0);
  board.w(HB_INTR_ENABLE_OFFSET, HB_INTR_STATE_PROGRAM_MASK);
  // At 4 dt: the record due holds the state before SET, the meters see SET, what follows INTERRUPT then is done.
  ASSERT_EQ(board.start({load(HB_SECTION_BIAS, 2), op(HB_OP_COMMIT), timed(HB_OP_CAPTURE_START, 4 * dt),
                         timed(HB_OP_EVOLVE, 4 * dt), cells_to(HB_OP_SET, 0, 8, 1), snapshot(meters_at), interrupt(77),
                         op(HB_OP_SAMPLE), timed(HB_OP_EVOLVE, 4 * dt)}),
            HB_OK);
  board.chip.advance_to(100 * dt, true);
  EXPECT_EQ(board.chip.now(), 4 * dt);
  EXPECT_EQ(board.r(HB_INTR_TAG_OFFSET), 77u);
  const auto records = board.drain();
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].header.ticks, 4 * dt);
  EXPECT_EQ(records[1].header.ticks, 4 * dt);
  EXPECT_NE(records[0].values, records[1].values);
  EXPECT_EQ(records[1].values, std::vector<float>(8, 1.0f));
  const auto meters = board.get<hb_meters_t>(meters_at, 1)[0];
  EXPECT_DOUBLE_EQ(meters.energy, 16.0);  // sum of bias times 1
  EXPECT_EQ(meters.ticks, 4 * dt);
  EXPECT_EQ(board.r64(HB_JOB_TICKS_LO_OFFSET), 4 * dt);
  board.acknowledge(HB_INTR_STATE_PROGRAM_MASK);
  board.chip.advance_to(100 * dt, true);
  EXPECT_EQ(board.chip.now(), 100 * dt);
  EXPECT_TRUE(board.done());
}

TEST(Instant, StopsAtTheRecordThatReachesTheWatermark) {
  Board board;
  board.w(HB_CAPTURE_WATERMARK_OFFSET, 3);
  board.w(HB_INTR_ENABLE_OFFSET, HB_INTR_STATE_CAPTURE_MASK);
  ASSERT_EQ(board.start({timed(HB_OP_CAPTURE_START, 2 * dt), timed(HB_OP_EVOLVE, 40 * dt)}), HB_OK);
  board.chip.advance_to(100 * dt, true);
  EXPECT_EQ(board.chip.now(), 6 * dt);
  board.chip.advance_to(100 * dt, true);  // still pending
  EXPECT_EQ(board.chip.now(), 6 * dt);
  EXPECT_EQ(board.drain().size(), 3u);
  board.acknowledge(HB_INTR_STATE_CAPTURE_MASK);
  board.chip.advance_to(100 * dt, true);
  EXPECT_EQ(board.chip.now(), 12 * dt);
}

TEST(Abort, ActsAtTheNextGridPointAndKeepsRecords) {
  Board board;
  ASSERT_EQ(board.start({timed(HB_OP_CAPTURE_START, dt), timed(HB_OP_EVOLVE, 50 * dt)}), HB_OK);
  board.chip.advance_to(7 * dt + 1);
  EXPECT_EQ(board.command(HB_COMMAND_OP_ABORT), HB_OK);
  EXPECT_TRUE(board.running());
  EXPECT_EQ(board.chip.next_event(), 8 * dt);
  board.chip.advance_to(20 * dt);
  EXPECT_EQ(board.r(HB_STATUS_OFFSET), HB_STATUS_ABORTED_MASK);
  EXPECT_TRUE(board.r(HB_INTR_STATE_OFFSET) & HB_INTR_STATE_ABORTED_MASK);
  EXPECT_EQ(board.r64(HB_JOB_TICKS_LO_OFFSET), 8 * dt);
  EXPECT_EQ(board.drain().size(), 8u);  // the one due at that instant too
  EXPECT_EQ(board.start({timed(HB_OP_EVOLVE, dt)}), HB_OK);
  board.finish();
  EXPECT_TRUE(board.done());
}

TEST(Abort, BeforeTheFirstGridPointRunsNothing) {
  Board board;
  board.chip.advance_to(1);
  ASSERT_EQ(board.start({interrupt(1), timed(HB_OP_EVOLVE, dt)}), HB_OK);
  EXPECT_EQ(board.command(HB_COMMAND_OP_ABORT), HB_OK);
  board.chip.advance_to(10 * dt);
  EXPECT_EQ(board.r(HB_STATUS_OFFSET), HB_STATUS_ABORTED_MASK);
  EXPECT_EQ(board.r(HB_INTR_STATE_OFFSET), HB_INTR_STATE_ABORTED_MASK);
}

TEST(Abort, EndsAStall) {
  Board board;
  board.w(HB_CAPTURE_SLOTS_OFFSET, 1);
  ASSERT_EQ(board.start({timed(HB_OP_CAPTURE_START, dt), timed(HB_OP_EVOLVE, 50 * dt)}), HB_OK);
  board.chip.advance_to(10 * dt + 500);
  EXPECT_EQ(board.command(HB_COMMAND_OP_ABORT), HB_OK);
  board.finish();
  EXPECT_EQ(board.chip.now(), 11 * dt);
  EXPECT_EQ(board.r(HB_STATUS_OFFSET), HB_STATUS_ABORTED_MASK);
  EXPECT_EQ(board.r64(HB_JOB_TICKS_LO_OFFSET), 2 * dt);
  EXPECT_EQ(board.r64(HB_STALL_TICKS_LO_OFFSET), 9 * dt);
}

TEST(Reset, InMidRunRestoresAllButMemoryAndCounters) {
  Board board;
  board.r(0x3);  // one wrong access
  board.put(operands_at, std::vector<float>{1, 2, 3});
  ASSERT_EQ(board.start({timed(HB_OP_CAPTURE_START, dt), timed(HB_OP_EVOLVE, 50 * dt)}), HB_OK);
  board.chip.advance_to(7 * dt);
  board.w(HB_SCRATCH_OFFSET, 5);
  board.w(HB_INTR_ENABLE_OFFSET, 0x1F);
  EXPECT_EQ(board.command(HB_COMMAND_OP_RESET), HB_OK);
  EXPECT_EQ(board.chip.now(), 0u);
  EXPECT_EQ(board.r64(HB_TIME_LO_OFFSET), 0u);
  EXPECT_EQ(board.r(HB_STATUS_OFFSET), 0u);
  EXPECT_EQ(board.r(HB_INTR_STATE_OFFSET), 0u);
  EXPECT_EQ(board.r(HB_INTR_ENABLE_OFFSET), 0u);
  EXPECT_EQ(board.r(HB_SCRATCH_OFFSET), 0u);
  EXPECT_EQ(board.r(HB_SHOT_COUNT_OFFSET), 0u);
  EXPECT_EQ(board.r(HB_CAPTURE_HEAD_OFFSET), 0u);
  EXPECT_EQ(board.r(HB_CAPTURE_WATERMARK_OFFSET), 1u);
  EXPECT_EQ(board.r(HB_DT_TICKS_OFFSET), 1000u);
  EXPECT_EQ(board.r(HB_RESET_COUNT_OFFSET), 1u);
  EXPECT_EQ(board.r(HB_ERR_ACCESS_OFFSET), 1u);
  EXPECT_EQ(board.r(HB_COMMAND_ACK_OFFSET) >> 16, 2u);  // the sequence goes on
  EXPECT_EQ(board.get<float>(operands_at, 3), (std::vector<float>{1, 2, 3}));
  EXPECT_FALSE(board.chip.interrupt());
  EXPECT_EQ(board.chip.next_event(), Chip::never);
}

}  // namespace
}  // namespace heatbath::model::bench
