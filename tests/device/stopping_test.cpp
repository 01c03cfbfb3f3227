// Work that the host asked for can be stopped, whatever a step, an instruction or a copy costs; and nothing is lost.
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <random>

#include "board.hpp"
#include "heatbath/numerics/work_watch.hpp"
#include "hw_model/device/host_memory.hpp"

namespace heatbath::model::bench {
namespace {

using Clock = std::chrono::steady_clock;
using numerics::Wish;
using numerics::WorkWatch;
using namespace std::chrono_literals;

// Device work is stopped after `patience`, and has come back by `limit`: many times what it should take, for loaded
// machines and sanitizers; the work itself takes minutes to years.
constexpr auto patience = 100ms, limit = 60000ms;

/// Lets time pass towards `time` under a watch that stops after `patience`. False when it was stopped.
bool advance(Chip& chip, std::uint64_t time) {
  const auto began = Clock::now();
  const std::function<Wish()> wish = [&] { return Clock::now() - began > patience ? Wish::stop : Wish::go_on; };
  const WorkWatch watch(wish);
  const bool reached = chip.advance_to(time);
  EXPECT_LT(Clock::now() - began, limit);
  return reached;
}

/// The job in progress does not end, can be stopped, and can be aborted where it is.
void expect_stoppable(Board& board) {
  EXPECT_FALSE(advance(board.chip, Chip::never - 1));
  EXPECT_TRUE(board.running());
  EXPECT_EQ(board.command(HB_COMMAND_OP_ABORT), HB_OK);
  const std::uint64_t now = board.chip.now();
  EXPECT_TRUE(advance(board.chip, now + 2 * board.r(HB_DT_TICKS_OFFSET)));
  EXPECT_FALSE(board.running());
  EXPECT_TRUE(board.r(HB_STATUS_OFFSET) & HB_STATUS_ABORTED_MASK);
}

struct Large : Board {
  Large(std::uint32_t cells, std::uint32_t lanes, const char* profile = "ideal")
      : Board(profile, {.cells = cells, .lanes = lanes, .seed = 1, .threads = 1}) {
    w(HB_SHOTS_OFFSET, lanes);
  }
};

TEST(Stopping, OfLoopsOfParameterChangesOfALargeArray) {
  Large board(1024, 1);
  ASSERT_EQ(board.start({load(HB_SECTION_COUPLING, 1e-4f), op(HB_OP_COMMIT), loop(524288), op(HB_OP_COMMIT), op(HB_OP_LOOP_END)}),
            HB_OK);
  expect_stoppable(board);
}

TEST(Stopping, OfLoopsOfLoadsOfAMatrix) {
  Large board(1024, 1);
  ASSERT_EQ(board.start({loop(300000), load(HB_SECTION_COUPLING, 1e-4f), op(HB_OP_LOOP_END)}), HB_OK);
  expect_stoppable(board);
}

TEST(Stopping, OfLoopsOfMetersOfManyLanes) {
  Large board(1024, 64);
  ASSERT_EQ(board.start({load(HB_SECTION_COUPLING, 1e-4f), op(HB_OP_COMMIT), loop(500000), op(HB_OP_METER_CLEAR), op(HB_OP_LOOP_END)}),
            HB_OK);
  expect_stoppable(board);
}

TEST(Stopping, OfManyShortLoopsInARow) {
  Large board(16, 1);
  std::vector<hb_instruction_t> program;
  for (int k = 0; k < 20000; ++k) {
    program.push_back(loop(1u << 19));
    program.push_back(op(HB_OP_CAPTURE_STOP));
    program.push_back(op(HB_OP_LOOP_END));
  }
  program.push_back(op(HB_OP_HALT));
  board.w64(HB_PROGRAM_ADDR_LO_OFFSET, 0x1000000);
  board.put(0x1000000, program);
  board.w(HB_PROGRAM_COUNT_OFFSET, static_cast<std::uint32_t>(program.size()));
  ASSERT_EQ(board.command(HB_COMMAND_OP_START), HB_OK);
  expect_stoppable(board);
}

TEST(Stopping, OfStepsThatTakeLongEach) {
  Large board(1024, 64);
  board.w(HB_DT_TICKS_OFFSET, 1);
  ASSERT_EQ(board.start({load(HB_SECTION_COUPLING, 1e-4f), op(HB_OP_COMMIT), timed(HB_OP_EVOLVE, 1'000'000'000)}), HB_OK);
  expect_stoppable(board);
}

TEST(Stopping, OfTheMatricesOfAnExactStep) {
  Board board(load_profile("ideal", {{"stepper", "exact-ou"}}), {.cells = 700, .lanes = 1, .seed = 1, .threads = 1});
  ASSERT_EQ(board.start({load(HB_SECTION_J2, 1), load(HB_SECTION_COUPLING, 1e-4f), op(HB_OP_COMMIT),
                         timed(HB_OP_EVOLVE, board.r(HB_DT_TICKS_OFFSET))}),
            HB_OK);
  expect_stoppable(board);
}

TEST(Stopping, OfTheIdleTimeThatAFreeRunningArrayCatchesUp) {
  Large board(64, 1, "silicon");
  const std::uint32_t dt = board.chip.profile().dt_ticks;
  ASSERT_EQ(board.start({timed(HB_OP_EVOLVE, dt)}), HB_OK);
  board.finish();
  ASSERT_TRUE(board.done());
  EXPECT_TRUE(advance(board.chip, std::uint64_t{1} << 60)) << "idle time passes at once";
  ASSERT_EQ(board.start({timed(HB_OP_EVOLVE, dt)}), HB_OK);
  EXPECT_FALSE(advance(board.chip, (std::uint64_t{1} << 60) + 10 * dt));
  EXPECT_EQ(board.command(HB_COMMAND_OP_ABORT), HB_OK);
  EXPECT_TRUE(advance(board.chip, board.chip.now() + 10 * dt));
  EXPECT_FALSE(board.running());
}

TEST(Stopping, OfATransferInShortBursts) {
  Profile profile = load_profile("ideal");
  profile.dma = true;
  Board board(profile, {.cells = 8, .lanes = 1, .seed = 1, .threads = 1});
  HostMemory memory;
  const HostMemory::Buffer buffer = memory.allot(std::uint64_t{1} << 28);
  board.chip.attach(&memory);
  board.w64(HB_DMA_HOST_LO_OFFSET, buffer.address);
  board.w64(HB_DMA_DEVICE_LO_OFFSET, 0);
  board.w(HB_DMA_BYTES_OFFSET, 1u << 28);
  board.w(HB_DMA_BURST_OFFSET, 4);
  board.w(HB_DMA_COMMAND_OFFSET, HB_DMA_COMMAND_OP_TO_DEVICE << HB_DMA_COMMAND_OP_SHIFT | 1u << 16);
  ASSERT_TRUE(board.r(HB_DMA_STATUS_OFFSET) & HB_DMA_STATUS_BUSY_MASK);
  EXPECT_FALSE(advance(board.chip, Chip::never - 1));
  board.w(HB_DMA_COMMAND_OFFSET, HB_DMA_COMMAND_OP_STOP << HB_DMA_COMMAND_OP_SHIFT | 2u << 16);
  EXPECT_TRUE(advance(board.chip, board.chip.now() + 10));
  EXPECT_FALSE(board.r(HB_DMA_STATUS_OFFSET) & HB_DMA_STATUS_BUSY_MASK);
}

TEST(Stopping, TheEndOfAllTimeIsReachedAndStaysThere) {
  Board board;
  EXPECT_TRUE(advance(board.chip, Chip::never)) << "an idle transfer is not due then";
  EXPECT_TRUE(advance(board.chip, Chip::never));
  EXPECT_EQ(board.r(HB_STATUS_OFFSET), 0u);
  EXPECT_EQ(board.start({timed(HB_OP_EVOLVE, 1000)}), HB_OK);
  EXPECT_TRUE(advance(board.chip, Chip::never));
  EXPECT_EQ(board.command(HB_COMMAND_OP_RESET), HB_OK);
  EXPECT_EQ(board.start({timed(HB_OP_EVOLVE, 1000)}), HB_OK);
  board.finish();
  EXPECT_TRUE(board.done());
}

TEST(Stopping, AStallAtTheEndOfTimeIsNoAbort) {
  Board board;
  board.w(HB_CAPTURE_SLOTS_OFFSET, 1);
  ASSERT_EQ(board.start({op(HB_OP_SAMPLE), op(HB_OP_SAMPLE)}), HB_OK);
  EXPECT_TRUE(advance(board.chip, Chip::never));
  EXPECT_TRUE(board.r(HB_STATUS_OFFSET) & HB_STATUS_STALLED_MASK);
}

// Ramps, loops, operands per lane, clamps, records, meters, interrupts: stopped anywhere, they give the same bits.
std::vector<std::byte> memory_after(const Profile& profile, std::uint32_t shots, const std::function<Wish()>& wish,
                                    std::uint64_t budget) {
  Board board(profile, {.cells = 8, .lanes = 20, .seed = 1, .threads = 1});
  std::vector<float> values(8 * shots + 64);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = 0.01f * (static_cast<float>(i % 13) - 6.0f);
  board.put(operands_at, values);
  board.seed(11, 5);
  board.w(HB_SHOTS_OFFSET, shots);
  const std::uint64_t dt = board.chip.profile().dt_ticks;
  const std::vector<hb_instruction_t> program{load(HB_SECTION_J2, 1),
                                              load_from(HB_SECTION_COUPLING, operands_at),
                                              op(HB_OP_COMMIT),
                                              op(HB_OP_METER_CLEAR),
                                              cells_from(HB_OP_SET, 0, 8, operands_at, 32),
                                              cells_to(HB_OP_CLAMP, 6, 2, 0.7f),
                                              timed(HB_OP_CAPTURE_START, 5 * dt, HB_FLAG_NOW),
                                              loop(3),
                                              load_from(HB_SECTION_BIAS, operands_at, 32),
                                              load(HB_SECTION_KT, 0.5f),
                                              timed(HB_OP_RAMP, 17 * dt),
                                              snapshot(meters_at),
                                              interrupt(3),
                                              timed(HB_OP_EVOLVE, 16 * dt),
                                              cells_from(HB_OP_SET, 0, 5, operands_at, 20),
                                              load(HB_SECTION_BIAS, -0.5f),
                                              load(HB_SECTION_GAIN, 0.5f),
                                              timed(HB_OP_RAMP, 9 * dt),
                                              op(HB_OP_SAMPLE),
                                              op(HB_OP_LOOP_END),
                                              cells(HB_OP_RELEASE, 7, 1),
                                              timed(HB_OP_EVOLVE, 33 * dt),
                                              snapshot(meters_at + 4096)};
  EXPECT_EQ(board.start(program), HB_OK);
  for (int calls = 0; board.running() && calls < 1'000'000; ++calls) {
    const WorkWatch watch(wish, budget);
    board.chip.advance_to(board.chip.now() + 40 * dt);
  }
  EXPECT_TRUE(board.done());
  const std::span<const std::byte> memory = board.chip.memory().first(0x200000);
  std::vector<std::byte> all(memory.begin(), memory.end());
  for (const std::uint32_t offset : {HB_JOB_TICKS_LO_OFFSET, HB_CAPTURE_HEAD_OFFSET, HB_INTR_STATE_OFFSET, HB_CLIP_COUNT_OFFSET,
                                     HB_RAIL_COUNT_OFFSET, HB_STALL_TICKS_LO_OFFSET, HB_PROGRAM_PC_OFFSET}) {
    const std::uint32_t value = board.r(offset);
    const auto bytes = std::as_bytes(std::span(&value, 1));
    all.insert(all.end(), bytes.begin(), bytes.end());
  }
  return all;
}

// A pause comes back between steps, instructions and lanes; a stop gives up matrices that are half made, too.
TEST(Stopping, AnywhereChangesNoBit) {
  const std::vector<Choices> makes{
      {}, {{"stepper", "heun"}}, {{"stepper", "exact-ou"}}, {{"cell", "underdamped"}}, {{"cell", "phase"}}, {{"cell", "rlc"}}};
  for (const auto& make : makes) {
    for (const std::uint32_t shots : {1u, 19u}) {
      const Profile profile = load_profile("ideal", make);
      const auto whole = memory_after(profile, shots, [] { return Wish::go_on; }, WorkWatch::usual_budget);
      std::mt19937 random(5);
      const auto cut = memory_after(
          profile, shots,
          [&] {
            const auto draw = random();
            return draw % 1000 == 0 ? Wish::stop : draw % 3 == 0 ? Wish::pause : Wish::go_on;
          },
          1);
      EXPECT_TRUE(whole == cut) << (make.empty() ? "overdamped" : make.begin()->second) << ", " << shots << " shots";
    }
  }
}

}  // namespace
}  // namespace heatbath::model::bench
