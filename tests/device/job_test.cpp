// What a job does to the array: where its noise lies, what START leaves, parameters, meters.
#include <gtest/gtest.h>

#include <cmath>

#include "board.hpp"

namespace heatbath::model::bench {
namespace {

constexpr std::uint64_t dt = 1000;
constexpr double step = 1e-3;  // dt in time units

const std::vector<hb_instruction_t> set_up{
    load(HB_SECTION_J2, 1),      load(HB_SECTION_J4, 1), load(HB_SECTION_COUPLING, 0.3f),
    load(HB_SECTION_BIAS, 0.5f), op(HB_OP_COMMIT),       cells_to(HB_OP_CLAMP, 0, 1, 0.4f)};

std::vector<hb_instruction_t> after_set_up(std::vector<hb_instruction_t> rest) {
  std::vector<hb_instruction_t> program = set_up;
  program.insert(program.end(), rest.begin(), rest.end());
  return program;
}

std::vector<float> lane(const Record& record, std::uint32_t l) {
  const auto first = record.values.begin() + l * record.header.cells;
  return {first, first + record.header.cells};
}

TEST(SeededJob, DoesNotDependOnWhatRanBefore) {
  const auto program = after_set_up({timed(HB_OP_EVOLVE, 30 * dt), op(HB_OP_SAMPLE)});
  Board board;
  board.w(HB_SHOTS_OFFSET, 3);
  board.seed(42, 7);
  const auto first = board.run(program);
  ASSERT_EQ(first.size(), 1u);
  board.seed(43);
  board.run({load(HB_SECTION_J2, 5), load(HB_SECTION_GAIN, 3), load(HB_SECTION_KT, 9), op(HB_OP_COMMIT),
             cells_to(HB_OP_CLAMP, 0, 8, 2), op(HB_OP_METER_CLEAR), timed(HB_OP_EVOLVE, 11 * dt)});
  board.seed(42, 7);
  EXPECT_TRUE(board.run(program) == first);
  Board other("ideal", {.cells = 8, .lanes = 4, .seed = 999, .threads = 2});  // another part, other threads
  other.w(HB_SHOTS_OFFSET, 3);
  other.seed(42, 7);
  EXPECT_TRUE(other.run(program) == first);
  other.seed(42, 8);
  EXPECT_FALSE(other.run(program) == first);
}

TEST(SeededJob, GivesAShotTheSameBitsOnAnyLane) {
  const auto program = after_set_up({timed(HB_OP_EVOLVE, 30 * dt), op(HB_OP_SAMPLE)});
  Board board("ideal", {.cells = 8, .lanes = 20, .threads = 1});
  board.w(HB_SHOTS_OFFSET, 20);
  board.seed(42, 0);
  const auto all = board.run(program);
  ASSERT_EQ(all.size(), 1u);
  board.w(HB_SHOTS_OFFSET, 1);
  for (const std::uint32_t shot : {0u, 13u, 19u}) {
    board.seed(42, shot);
    const auto one = board.run(program);
    ASSERT_EQ(one.size(), 1u);
    EXPECT_EQ(one[0].values, lane(all[0], shot));
  }
}

TEST(SeededJob, ContinuedWithItsStepNumberEqualsOneRun) {
  Board whole, halves;
  for (Board* board : {&whole, &halves}) {
    board->w(HB_SHOTS_OFFSET, 3);
    board->seed(42, 7);
  }
  // The second half relies on live parameters, the shadow, clamps and states of the first.
  const auto first_half = after_set_up({timed(HB_OP_EVOLVE, 20 * dt), load(HB_SECTION_BIAS, -1)});
  const std::vector<hb_instruction_t> second_half{timed(HB_OP_EVOLVE, 10 * dt), timed(HB_OP_RAMP, 10 * dt),
                                                  op(HB_OP_SAMPLE)};
  auto both = first_half;
  both.insert(both.end(), second_half.begin(), second_half.end());
  const auto expected = whole.run(both);
  ASSERT_EQ(expected.size(), 1u);

  halves.run(first_half);
  halves.chip.advance_to(halves.chip.now() + 12345);
  halves.seed(42, 7, 20);
  const auto continued = halves.run(second_half);
  ASSERT_EQ(continued.size(), 1u);
  EXPECT_EQ(continued[0].values, expected[0].values);
  EXPECT_EQ(continued[0].header.ticks, 20 * dt);
}

TEST(UnseededJob, NumbersItsShotsFromThoseStartedSinceReset) {
  const auto program = after_set_up({timed(HB_OP_EVOLVE, 30 * dt), op(HB_OP_SAMPLE)});
  Board board("ideal", {.cells = 8, .lanes = 4, .seed = 0xABCDEF0123, .threads = 1}), seeded;
  board.w(HB_SHOTS_OFFSET, 2);
  const auto first = board.run(program);
  EXPECT_EQ(board.r(HB_SHOT_COUNT_OFFSET), 2u);
  board.w(HB_SHOTS_OFFSET, 3);
  const auto second = board.run(program);
  EXPECT_EQ(board.r(HB_SHOT_COUNT_OFFSET), 5u);

  seeded.w(HB_SHOTS_OFFSET, 2);
  seeded.seed(0xABCDEF0123, 0);
  EXPECT_TRUE(seeded.run(program) == first);
  seeded.w(HB_SHOTS_OFFSET, 3);
  seeded.seed(0xABCDEF0123, 2);
  EXPECT_TRUE(seeded.run(program) == second);
}

TEST(FreeRunningArray, EvolvesBetweenJobsWithNoiseOfItsOwn) {
  const ChipOptions options{.cells = 8, .seed = 5, .threads = 1};
  const std::vector<hb_instruction_t> prepare{load(HB_SECTION_J2, 1), op(HB_OP_COMMIT), cells_to(HB_OP_CLAMP, 0, 1, 1),
                                              timed(HB_OP_EVOLVE, 100)};
  const auto sampled = [](Board& board) { return board.get<std::int16_t>(ring_at + sizeof(hb_record_header_t), 8); };
  Board one("silicon", options), two("silicon", options);
  auto long_job = prepare;
  long_job.push_back(timed(HB_OP_EVOLVE, 100));
  long_job.push_back(op(HB_OP_SAMPLE));
  ASSERT_EQ(one.start(long_job), HB_OK);
  one.finish();
  ASSERT_TRUE(one.done());

  auto short_job = prepare;
  short_job.push_back(op(HB_OP_SAMPLE));
  ASSERT_EQ(two.start(short_job), HB_OK);
  two.finish();
  const auto before = sampled(two);
  two.chip.advance_to(130);
  two.chip.advance_to(200);
  ASSERT_EQ(two.start({op(HB_OP_SAMPLE)}), HB_OK);
  two.finish();
  EXPECT_NE(sampled(two), before);
  EXPECT_EQ(sampled(two), sampled(one));  // the same steps, whether a program ran or not
  EXPECT_EQ(sampled(two)[0], 128);        // clamps stay between jobs
}

TEST(FreeRunningArray, ComesUpElsewhereAfterEveryReset) {
  Board board("silicon", {.cells = 8, .seed = 5, .threads = 1});
  std::vector<std::vector<std::int16_t>> samples;
  for (int i = 0; i < 2; ++i) {
    board.w(HB_PROGRAM_ADDR_LO_OFFSET, program_at);
    board.w(HB_CAPTURE_BASE_LO_OFFSET, ring_at);
    board.w(HB_CAPTURE_SLOTS_OFFSET, 1);
    ASSERT_EQ(board.start({op(HB_OP_SAMPLE)}), HB_OK);
    board.finish();
    samples.push_back(board.get<std::int16_t>(ring_at + sizeof(hb_record_header_t), 8));
    board.command(HB_COMMAND_OP_RESET);
  }
  EXPECT_NE(samples[0], samples[1]);
  EXPECT_NE(samples[0], std::vector<std::int16_t>(8, 0));
}

TEST(Start, PutsTheArrayInItsResetState) {
  Board board;
  const auto records =
      board.run({op(HB_OP_SAMPLE), cells_to(HB_OP_CLAMP, 0, 8, 3), load(HB_SECTION_J2, 9), op(HB_OP_COMMIT)});
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].values, std::vector<float>(8, 0.0f));
  // Free diffusion at kT = 1: no force, no clamp of the job before.
  const auto free =
      board.run({op(HB_OP_SAMPLE), timed(HB_OP_EVOLVE, dt), op(HB_OP_SAMPLE), readback(HB_SECTION_J2, readback_at)});
  ASSERT_EQ(free.size(), 2u);
  EXPECT_EQ(free[0].values, std::vector<float>(8, 0.0f));
  for (const float x : free[1].values) EXPECT_NE(x, 0.0f);
  EXPECT_EQ(board.get<float>(readback_at, 8), std::vector<float>(8, 0.0f));
}

TEST(Ramp, HoldsTheValueOfTheStartOfAStepDuringIt) {
  Board board;
  constexpr int steps = 8;
  const float bias = 4.0f;
  const auto records = board.run({load(HB_SECTION_KT, 0), op(HB_OP_COMMIT), load(HB_SECTION_BIAS, bias),
                                  timed(HB_OP_CAPTURE_START, dt, HB_FLAG_NOW), timed(HB_OP_RAMP, steps * dt),
                                  timed(HB_OP_EVOLVE, 2 * dt)});
  ASSERT_EQ(records.size(), steps + 3u);
  double x = 0;
  for (int k = 0; k <= steps + 2; ++k) {
    for (const float value : records[k].values) EXPECT_NEAR(value, x, 1e-7) << "record " << k;
    x -= step * bias * std::min(1.0, static_cast<double>(k) / steps);
  }
}

TEST(Commit, IsTheOnlyWayToMakeTheShadowLive) {
  Board board;
  const auto records =
      board.run({load(HB_SECTION_KT, 0), op(HB_OP_COMMIT), load(HB_SECTION_BIAS, 1), timed(HB_OP_EVOLVE, dt),
                 op(HB_OP_SAMPLE), readback(HB_SECTION_BIAS, readback_at), op(HB_OP_COMMIT), timed(HB_OP_EVOLVE, dt),
                 op(HB_OP_SAMPLE), readback(HB_SECTION_BIAS, readback_at + 64)});
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].values, std::vector<float>(8, 0.0f));
  EXPECT_EQ(records[1].values, std::vector<float>(8, -0.001f));
  EXPECT_EQ(board.get<float>(readback_at, 8), std::vector<float>(8, 0.0f));
  EXPECT_EQ(board.get<float>(readback_at + 64, 8), std::vector<float>(8, 1.0f));
}

TEST(Couplings, LieRowByRowAboveTheDiagonal) {
  Board board("ideal", {.cells = 4, .lanes = 1, .threads = 1});
  board.put(operands_at, std::vector<float>{1, 2, 3, 4, 5, 6});          // J01 J02 J03 J12 J13 J23
  board.put(operands_at + 64, std::vector<float>{0.5f, 0.25f, -1, 2});  // states
  const auto records =
      board.run({load(HB_SECTION_KT, 0), load_from(HB_SECTION_COUPLING, operands_at), load(HB_SECTION_GAIN, 2),
                 op(HB_OP_COMMIT), cells_from(HB_OP_SET, 0, 4, operands_at + 64), snapshot(meters_at),
                 timed(HB_OP_EVOLVE, dt), op(HB_OP_SAMPLE), readback(HB_SECTION_COUPLING, readback_at)});
  ASSERT_EQ(records.size(), 1u);
  const double matrix[4][4] = {{0, 1, 2, 3}, {1, 0, 4, 5}, {2, 4, 0, 6}, {3, 5, 6, 0}};
  const double x[4] = {0.5, 0.25, -1, 2};
  double energy = 0;
  for (int i = 0; i < 4; ++i) {
    double force = 0;
    for (int j = 0; j < 4; ++j) force += 2 * matrix[i][j] * x[j];
    energy += 0.5 * x[i] * force;
    EXPECT_NEAR(records[0].values[i], x[i] - step * force, 1e-6);
  }
  EXPECT_NEAR(board.get<hb_meters_t>(meters_at, 1)[0].energy, energy, 1e-6);
  EXPECT_EQ(board.get<float>(readback_at, 6), (std::vector<float>{1, 2, 3, 4, 5, 6}));
}

TEST(Clamp, HoldsCellsOnAllLanesUntilReleased) {
  Board board;
  board.w(HB_SHOTS_OFFSET, 2);
  board.put(operands_at, std::vector<float>{1, 2, 3, 4});
  const auto records =
      board.run({cells_from(HB_OP_CLAMP, 3, 2, operands_at, 8), timed(HB_OP_EVOLVE, 5 * dt), op(HB_OP_SAMPLE),
                 cells(HB_OP_RELEASE, 4, 1), timed(HB_OP_EVOLVE, 5 * dt), op(HB_OP_SAMPLE)});
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(lane(records[0], 0)[3], 1.0f);
  EXPECT_EQ(lane(records[0], 0)[4], 2.0f);
  EXPECT_EQ(lane(records[0], 1)[3], 3.0f);
  EXPECT_EQ(lane(records[0], 1)[4], 4.0f);
  EXPECT_NE(lane(records[0], 0)[2], 0.0f);
  EXPECT_EQ(lane(records[1], 1)[3], 3.0f);
  EXPECT_NE(lane(records[1], 1)[4], 4.0f);
}

TEST(Meters, ChargeChangesAtFixedStateAsWorkAndCountFromTheClear) {
  Board board;
  board.w(HB_SHOTS_OFFSET, 2);
  const auto metered = [&](int n) { return board.get<hb_meters_t>(meters_at + 96 * n, 2); };
  ASSERT_EQ(board.start({load(HB_SECTION_J2, 1), op(HB_OP_COMMIT), cells_to(HB_OP_SET, 0, 8, 2), snapshot(meters_at),
                         op(HB_OP_METER_CLEAR), snapshot(meters_at + 96), load(HB_SECTION_J2, 3), op(HB_OP_COMMIT),
                         snapshot(meters_at + 192), timed(HB_OP_EVOLVE, 20 * dt), snapshot(meters_at + 288)}),
            HB_OK);
  board.finish();
  ASSERT_TRUE(board.done());
  for (int l = 0; l < 2; ++l) {
    EXPECT_DOUBLE_EQ(metered(0)[l].energy, 32);  // 8 cells, 1 * 2^2
    EXPECT_DOUBLE_EQ(metered(0)[l].work, 32);
    EXPECT_DOUBLE_EQ(metered(0)[l].heat, 0);
    EXPECT_DOUBLE_EQ(metered(1)[l].energy, 32);
    EXPECT_DOUBLE_EQ(metered(1)[l].work, 0);
    EXPECT_DOUBLE_EQ(metered(2)[l].work, 64);
    EXPECT_DOUBLE_EQ(metered(2)[l].heat, 0);
    const hb_meters_t last = metered(3)[l];
    EXPECT_DOUBLE_EQ(last.work, 64);
    EXPECT_NEAR(last.energy - 32, last.work - last.heat, 1e-9);
    EXPECT_NEAR(last.work_shadow, last.energy - 32 - last.work + last.heat_path, 1e-9);
    EXPECT_GT(last.heat, 0);
    EXPECT_EQ(last.ticks, 20 * dt);
  }
  EXPECT_NE(metered(3)[0].heat, metered(3)[1].heat);
}

TEST(Clips, AreCountedWhenTheValuesBecomeLive) {
  Profile bold = load_profile("ideal");
  bold.refuse_unstable = Stability::never;  // these values let any step of the profile diverge
  Board board(bold);
  board.put(operands_at, std::vector<float>{2e6f, -2e6f, INFINITY, 1, -1, 0, 0, 0});
  ASSERT_EQ(
      board.start({load_from(HB_SECTION_J2, operands_at), load(HB_SECTION_BIAS, 3e6f),
                   load_from(HB_SECTION_J2, operands_at), timed(HB_OP_EVOLVE, dt),
                   load_from(HB_SECTION_J4, operands_at), load(HB_SECTION_BIAS, 0), op(HB_OP_COMMIT),
                   readback(HB_SECTION_J2, readback_at), readback(HB_SECTION_J4, readback_at + 32), op(HB_OP_COMMIT)}),
      HB_OK);
  board.chip.advance_to(500);
  EXPECT_EQ(board.r(HB_CLIP_COUNT_OFFSET), 0u);
  board.finish();
  EXPECT_EQ(board.r(HB_CLIP_COUNT_OFFSET), 3u + 4u);  // J4 clips negative values too
  EXPECT_EQ(board.get<float>(readback_at, 8), (std::vector<float>{1e6f, -1e6f, 1e6f, 1, -1, 0, 0, 0}));
  EXPECT_EQ(board.get<float>(readback_at + 32, 8), (std::vector<float>{1e6f, 0, 1e6f, 1, 0, 0, 0, 0}));
}

TEST(Rails, HoldStatesAndNameTheLowestCell) {
  Board board;
  const auto records = board.run({load(HB_SECTION_KT, 0), load(HB_SECTION_BIAS, -1e5f), op(HB_OP_COMMIT),
                                  cells_to(HB_OP_CLAMP, 0, 2, 0), timed(HB_OP_EVOLVE, 2 * dt), op(HB_OP_SAMPLE)});
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].values, (std::vector<float>{0, 0, 64, 64, 64, 64, 64, 64}));
  EXPECT_EQ(board.r(HB_STATUS_OFFSET), HB_STATUS_DONE_MASK | HB_STATUS_RAIL_MASK);
  EXPECT_EQ(board.r(HB_RAIL_COUNT_OFFSET), 12u);
  EXPECT_EQ(board.r(HB_RAIL_CELL_OFFSET), 2u);
}

TEST(ActiveCells, MayBeFewerThanTheChipHas) {
  Board board;
  board.w(HB_ACTIVE_CELLS_OFFSET, 3);
  const auto records = board.run(after_set_up({timed(HB_OP_EVOLVE, dt), op(HB_OP_SAMPLE)}));
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].header.cells, 3u);
}

}  // namespace
}  // namespace heatbath::model::bench
