// Shots in blocks: numbered on, the same bits for any size, merged into one result; views on captures; strict jobs.
#include "heatbath/network/shots.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "heatbath/open.hpp"
#include "tests/network/message_of.hpp"

namespace heatbath::network {
namespace {

using ::testing::HasSubstr;

Program noise(const Device& device, std::uint32_t cells = 3) {
  Program program(device.capabilities(), cells);
  program.load(CellSection::j2, 1).load(CellSection::j4, 0).load(CellSection::bias, 0).load_gain(0).commit();
  program.clamp(0, cells, 0).release(0, cells);
  if (device.capabilities().meters) program.meter_clear();
  program.evolve(device.ticks(0.1)).sample().evolve(device.ticks(0.1)).sample();
  if (device.capabilities().meters) program.meter_snapshot();
  return program;
}

std::vector<float> values_of(const Capture& capture) { return {capture.values().begin(), capture.values().end()}; }

TEST(Shots, BitsDoNotDependOnTheBlocks) {
  Device device = open("func:cells=3&lanes=4");
  const Program program = noise(device);
  const Result whole = device.run(program, {.shots = 23, .seed = 7, .first_shot = 5});
  for (const std::uint64_t shots_that_fit : {1, 3, 4, 9, 100}) {
    Shots shots(device, {.seed = 7, .first_shot = 5, .memory = shots_that_fit * bytes_per_shot(program)});
    const Result blocks = shots.run(program, 23);
    EXPECT_EQ(values_of(blocks.capture), values_of(whole.capture)) << shots_that_fit;
    EXPECT_EQ(blocks.capture.ticks(), whole.capture.ticks());
    ASSERT_EQ(blocks.meters.size(), 1u);
    ASSERT_EQ(blocks.meters[0].size(), 23u);
    for (std::size_t k = 0; k < 23; ++k) EXPECT_EQ(blocks.meters[0][k].heat, whole.meters[0][k].heat);
    EXPECT_EQ(blocks.array_ticks, whole.array_ticks);
    EXPECT_EQ(shots.next_shot(), 28u);
  }
}

TEST(Shots, CallsAreNumberedOn) {
  Device device = open("func:cells=3&lanes=4");
  const Program program = noise(device);
  Shots shots(device, {.seed_where_taken = 7});
  Result both = shots.run(program, 4);
  merge(both, shots.run(program, 6));
  EXPECT_EQ(values_of(both.capture), values_of(device.run(program, {.shots = 10, .seed = 7}).capture));
  shots.seek(7, 4);
  EXPECT_EQ(values_of(shots.run(program, 1).capture),
            values_of(device.run(program, {.shots = 1, .seed = 7, .first_shot = 4}).capture));
}

TEST(Shots, SeedThatIsInsistedOnIsRefusedWhereThereIsNone) {
  Device device = open("func:profile=silicon&cells=3");
  EXPECT_THAT(message_of([&] { Shots(device, {.seed = 1}); }, HB_UNSUPPORTED), HasSubstr("CAPS.SEEDED"));
  Shots shots(device, {.seed_where_taken = 3, .memory = 1});
  const Result result = shots.run(noise(device), 3);
  EXPECT_EQ(result.capture.shots(), 3u);
  EXPECT_NE(result.capture.state(0, 0)[0], result.capture.state(1, 0)[0]);
}

TEST(Shots, NumbersOfASeedAreNotUsedTwice) {
  Device device = open("func:cells=3&lanes=4");
  Shots shots(device, {.first_shot = 0xFFFFFFFEu});
  EXPECT_THAT(message_of([&] { shots.next(3); }, HB_BAD_ARG), HasSubstr("go on with another"));
  EXPECT_EQ(shots.next(2).first_shot, 0xFFFFFFFEu);
  message_of([&] { shots.next(1); }, HB_BAD_ARG);
  message_of([&] { shots.next(0); }, HB_BAD_ARG);
}

TEST(Shots, ProgressRisesOverAllBlocksAndCancels) {
  Device device = open("func:cells=3&lanes=4");
  const Program program = noise(device);
  std::vector<double> seen;
  Shots shots(device, {.memory = 4 * bytes_per_shot(program), .progress = [&](double fraction) {
                         seen.push_back(fraction);
                         return true;
                       }});
  shots.run(program, 16);
  ASSERT_GE(seen.size(), 4u);
  EXPECT_TRUE(std::ranges::is_sorted(seen));
  EXPECT_GT(seen.back(), 0.75);
  EXPECT_LE(seen.back(), 1);
  shots.set_progress([](double fraction) { return fraction < 0.5; });
  message_of([&] { shots.run(program, 16); }, HB_ABORTED);
}

TEST(Shots, ProgramsOfBlocksComeInOrder) {
  Device device = open("func:cells=3&lanes=4");
  const Program program = noise(device);
  Shots shots(device);
  std::vector<std::uint32_t> first, taken;
  Shots few(device, {.memory = 5 * 100});
  few.run(
      11, 100,
      [&](std::uint32_t at, std::uint32_t count) {
        first.push_back(at);
        first.push_back(count);
        return program;
      },
      [&](std::uint32_t at, Result&& result) {
        taken.push_back(at);
        EXPECT_EQ(result.capture.shots(), at == 8 ? 3u : 4u);  // a whole pass of 4 lanes where 5 shots fit
      });
  EXPECT_THAT(first, ::testing::ElementsAre(0, 4, 4, 4, 8, 3));
  EXPECT_THAT(taken, ::testing::ElementsAre(0, 4, 8));
}

TEST(Shots, RecordsOfBlocksAreNumberedThrough) {
  Device device = open("func:cells=3&lanes=2");
  const Program program = noise(device);
  Shots shots(device, {.memory = 2});
  std::vector<std::uint32_t> first;
  JobOptions job;
  job.records = [&](const RecordOfPass& record) {
    if (record.record == 0) first.push_back(record.first_shot);
  };
  const Result result = shots.run(program, 3, job);
  EXPECT_EQ(result.capture.records(), 0u);
  EXPECT_THAT(first, ::testing::ElementsAre(0, 1, 2));
}

TEST(Shots, OperandsPerShotRunInOneJob) {
  Device device = open("func:cells=1&lanes=2");
  Program program(device.capabilities(), 1);
  program.load(CellSection::j2, 1)
      .load(CellSection::j4, 0)
      .load_bias_per_shot(std::vector<float>{-2, 0, 2}, 3)
      .commit();
  program.evolve(device.ticks(5)).sample();
  Shots shots(device, {.memory = 1});
  const Result result = shots.run(program, 3);
  EXPECT_GT(result.capture.state(0, 0)[0], result.capture.state(2, 0)[0]);
}

TEST(CaptureViews, ColumnsMeansAndSignsAreThoseOfTheStates) {
  Device device = open("func:cells=3&lanes=4");
  const Capture capture = device.run(noise(device), {.shots = 5, .seed = 1}).capture;
  const StridedValues column = capture.column(1), at_record = capture.column(2, 1);
  ASSERT_EQ(column.size(), 10u);
  ASSERT_EQ(at_record.size(), 5u);
  double sum = 0;
  for (std::uint32_t shot = 0; shot < 5; ++shot) {
    EXPECT_EQ(at_record[shot], capture.state(shot, 1)[2]);
    for (std::uint32_t record = 0; record < 2; ++record) {
      EXPECT_EQ(column[shot * 2 + record], capture.state(shot, record)[1]);
      EXPECT_EQ(&column.data()[(shot * 2 + record) * column.stride()], &capture.state(shot, record)[1]);  // no copy
      sum += static_cast<double>(capture.state(shot, record)[1]);
    }
  }
  EXPECT_DOUBLE_EQ(capture.mean(1), sum / 10);
  EXPECT_DOUBLE_EQ(capture.means()[1], sum / 10);
  const std::vector<std::int8_t> spins = capture.spins();
  ASSERT_EQ(spins.size(), 30u);
  for (std::size_t k = 0; k < 30; ++k) EXPECT_EQ(spins[k], std::signbit(capture.values()[k]) ? -1 : 1);
  message_of([&] { capture.column(3); }, HB_BAD_ARG);
  message_of([&] { capture.column(0, 2); }, HB_BAD_ARG);
  message_of([] { Capture().mean(0); }, HB_BAD_ARG);
  Capture other = device.run(noise(device, 2)).capture;
  Capture all = device.run(noise(device), {.shots = 2}).capture;
  message_of([&] { all.append(std::move(other)); }, HB_BAD_ARG);
}

TEST(StrictJob, ClipIsRefusedBeforeAnythingStarts) {
  Device device = open("func:profile=coded&cells=2&lanes=1");
  Program program(device.capabilities(), 2);
  program.load(CellSection::bias, std::vector<float>{1, 99}).commit().evolve(device.ticks(0.1));
  const Ticks long_ago = device.now(), before = device.now();
  EXPECT_THAT(message_of([&] { device.run(program, {.strict = true}); }, HB_UNSUPPORTED),
              HasSubstr("1 parameter values"));
  EXPECT_EQ(device.now() - before, before - long_ago);  // what reading the time costs, and nothing else
  EXPECT_EQ(device.run(program).clips, 1u);
}

TEST(StrictJob, RailIsAnErrorThatNamesTheCell) {
  Device device = open("func:profile=coded&cells=3&lanes=1");
  Program program(device.capabilities(), 3);
  program.load(CellSection::j2, 1)
      .load(CellSection::j4, 0)
      .load(CellSection::bias, std::vector<float>{0, 0, 14})
      .load_gain(0);
  program.commit().evolve(device.ticks(5));
  EXPECT_THAT(message_of([&] { device.run(program, {.strict = true}); }, HB_UNSUPPORTED),
              HasSubstr("the lowest such cell is 2: states reach beyond CAPS_RANGE_STATE, 4"));
  EXPECT_GT(device.run(program).rails, 0u);
}

}  // namespace
}  // namespace heatbath::network
