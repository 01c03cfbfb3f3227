#include <gtest/gtest.h>

#include <fstream>
#include <numeric>

#include "board.hpp"
#include "changed_profile.hpp"
#include "hw_model/device/host_memory.hpp"

namespace heatbath::model::bench {
namespace {

constexpr std::uint32_t to_host = HB_DMA_COMMAND_OP_TO_HOST, to_device = HB_DMA_COMMAND_OP_TO_DEVICE,
                        stop = HB_DMA_COMMAND_OP_STOP;
constexpr std::uint32_t busy = HB_DMA_STATUS_BUSY_MASK;

const ChangedProfile with_dma("ideal", {{"dma", "true"}});

/// A board whose chip has a DMA engine and a host with one buffer.
struct DmaBoard : Board {
  explicit DmaBoard(const std::string& profile = with_dma.path(), bool timed = false)
      : Board(profile, {.cells = 8, .lanes = 4, .seed = 1, .threads = 1, .timed = timed}) {
    chip.attach(&host);
    for (std::size_t i = 0; i < buffer.bytes.size(); ++i) buffer.bytes[i] = static_cast<std::byte>(i * 7 + 3);
  }
  void dma(std::uint32_t code) { w(HB_DMA_COMMAND_OFFSET, code | ((r(HB_DMA_COMMAND_OFFSET) >> 16) + 1) << 16); }
  void start(std::uint32_t code, std::uint64_t host_at, std::uint64_t device_at, std::uint32_t bytes,
             std::uint32_t burst) {
    w64(HB_DMA_HOST_LO_OFFSET, host_at);
    w64(HB_DMA_DEVICE_LO_OFFSET, device_at);
    w(HB_DMA_BYTES_OFFSET, bytes);
    w(HB_DMA_BURST_OFFSET, burst);
    dma(code);
  }
  std::uint32_t code() const { return r(HB_DMA_STATUS_OFFSET) >> HB_DMA_STATUS_CODE_SHIFT; }
  bool is_busy() const { return (r(HB_DMA_STATUS_OFFSET) & busy) != 0; }
  bool raised() const { return (r(HB_INTR_STATE_OFFSET) & HB_INTR_STATE_DMA_DONE_MASK) != 0; }
  std::vector<std::byte> in_host(std::size_t at, std::size_t bytes) const {
    return {buffer.bytes.begin() + static_cast<std::ptrdiff_t>(at),
            buffer.bytes.begin() + static_cast<std::ptrdiff_t>(at + bytes)};
  }

  HostMemory host;
  HostMemory::Buffer buffer = host.allot(4096);
};

TEST(Dma, MovesBlocksBothWaysAndNothingBesideThem) {
  DmaBoard board;
  board.put(0x1000, std::vector<std::byte>(600, std::byte{0xEE}));
  board.start(to_device, board.buffer.address + 8, 0x1004, 500, 64);
  board.chip.advance_to(100);
  EXPECT_EQ(board.code(), HB_OK);
  EXPECT_EQ(board.get<std::byte>(0x1004, 500), board.in_host(8, 500));
  EXPECT_EQ(board.get<std::byte>(0x1000, 4), std::vector<std::byte>(4, std::byte{0xEE}));
  EXPECT_EQ(board.get<std::byte>(0x1004 + 500, 4), std::vector<std::byte>(4, std::byte{0xEE}));
  board.start(to_host, board.buffer.address + 1024, 0x1004, 500, 4096);
  board.chip.advance_to(200);
  EXPECT_EQ(board.in_host(1024, 500), board.in_host(8, 500));
  EXPECT_EQ(board.r(HB_DMA_MOVED_OFFSET), 500u);
}

TEST(Dma, ABurstTakesOneTickWhereCostsAreNotModelled) {
  DmaBoard board;
  board.w(HB_INTR_ENABLE_OFFSET, HB_INTR_STATE_DMA_DONE_MASK);
  board.chip.advance_to(10);
  board.start(to_host, board.buffer.address, 0, 1000, 256);  // 256, 256, 256, 232
  EXPECT_EQ(board.chip.next_event(), 11u);
  EXPECT_EQ(board.chip.next_interrupt(), 11u);
  for (std::uint32_t tick = 1; tick <= 3; ++tick) {
    board.chip.advance_to(10 + tick);
    EXPECT_EQ(board.r(HB_DMA_MOVED_OFFSET), 256 * tick);
    EXPECT_TRUE(board.is_busy());
    EXPECT_FALSE(board.chip.interrupt());
  }
  board.chip.advance_to(1000, true);
  EXPECT_EQ(board.chip.now(), 14u) << "time stops at the interrupt";
  EXPECT_TRUE(board.chip.interrupt());
  EXPECT_EQ(board.r(HB_DMA_STATUS_OFFSET), 0u);
  EXPECT_EQ(board.chip.next_event(), Chip::never);
}

TEST(Dma, APlannedFaultEndsOneTransferAndIsToldByItsCode) {
  const ChangedProfile failing("ideal", {{"dma", "true"}});
  std::ofstream(failing.path(), std::ios::app) << "\n[faults]\nplan = \"dma-error@12\"\n";
  DmaBoard board(failing.path());
  board.chip.advance_to(10);
  board.start(to_host, board.buffer.address, 0, 1000, 256);
  board.chip.advance_to(1000);
  EXPECT_EQ(board.code(), HB_DEVICE);
  EXPECT_FALSE(board.is_busy());
  EXPECT_TRUE(board.raised());
  EXPECT_EQ(board.r(HB_DMA_MOVED_OFFSET), 256u) << "the burst before it has arrived";
  board.start(to_host, board.buffer.address, 0, 1000, 256);
  board.chip.advance_to(2000);
  EXPECT_EQ(board.code(), HB_OK) << "it befalls one";
  EXPECT_EQ(board.r(HB_DMA_MOVED_OFFSET), 1000u);
}

TEST(Dma, CostsOfABurstAreThoseOfTheBus) {
  const ChangedProfile costs(
      "ideal", {{"dma", "true"}, {"bus_request_ticks", "7"}, {"bus_response_ticks", "11"}, {"bus_bytes_per_tick", "16"}});
  DmaBoard board(costs.path(), true);
  board.start(to_device, board.buffer.address, 0, 1000, 300);
  // 300 bytes: 7 + 11 + 19; 100 bytes: 7 + 11 + 7.
  constexpr std::uint64_t expected = 3 * 37 + 25;
  board.chip.advance_to(expected - 1);
  EXPECT_TRUE(board.is_busy());
  EXPECT_EQ(board.r(HB_DMA_MOVED_OFFSET), 900u);
  board.chip.advance_to(expected);
  EXPECT_FALSE(board.is_busy());
  EXPECT_TRUE(board.raised());
}

TEST(Dma, AWrongCommandMovesNothingAndSaysWhy) {
  DmaBoard board;
  const std::uint64_t at = board.buffer.address, end = std::uint64_t{512} << 20;
  struct {
    std::uint32_t op;
    std::uint64_t host, device;
    std::uint32_t bytes, burst;
  } const wrong[] = {{to_host, at + 2, 0, 64, 64},      {to_host, at, 1, 64, 64},   {to_host, at, 0, 62, 64},
                     {to_host, at, 0, 64, 6},           {to_host, at, 0, 0, 64},    {to_host, at, 0, 64, 0},
                     {to_host, at, 0, 64, 4100},        {to_host, at, end, 4, 64},  {to_host, at, end - 4, 8, 64},
                     {to_host, at, ~0ull - 3, 8, 64},   {0x77, at, 0, 64, 64},      {stop, at, 0, 64, 64},
                     {to_host, ~0ull - 3, 0, 8, 64}};
  for (const auto& it : wrong) {
    board.start(it.op, it.host, it.device, it.bytes, it.burst);
    EXPECT_EQ(board.r(HB_DMA_STATUS_OFFSET), std::uint32_t{HB_BAD_ARG} << HB_DMA_STATUS_CODE_SHIFT) << it.bytes;
    EXPECT_EQ(board.chip.next_event(), Chip::never);
  }
  EXPECT_FALSE(board.raised());
  board.start(to_device, at, end - 64, 64, 64);
  board.chip.advance_to(1);
  EXPECT_EQ(board.get<std::byte>(end - 64, 64), board.in_host(0, 64)) << "up to the last byte";
}

TEST(Dma, IsRefusedWhereTheDeviceHasNone) {
  for (const std::string profile : {"ideal", "silicon"}) {
    Board board(profile, {.cells = 8, .threads = 1});
    EXPECT_EQ(board.r(HB_CAPS_OFFSET) & HB_CAPS_DMA_MASK, 0u);
    board.w(HB_DMA_BYTES_OFFSET, 64);
    board.w(HB_DMA_COMMAND_OFFSET, to_host | 1u << 16);
    EXPECT_EQ(board.r(HB_DMA_STATUS_OFFSET), std::uint32_t{HB_UNSUPPORTED} << HB_DMA_STATUS_CODE_SHIFT);
  }
  DmaBoard board;
  EXPECT_NE(board.r(HB_CAPS_OFFSET) & HB_CAPS_DMA_MASK, 0u);
}

TEST(Dma, CommandsActOncePerSequenceNumber) {
  DmaBoard board;
  board.start(to_device, board.buffer.address, 0, 64, 64);
  board.chip.advance_to(5);
  board.w(HB_DMA_COMMAND_OFFSET, board.r(HB_DMA_COMMAND_OFFSET));
  EXPECT_FALSE(board.is_busy());
  EXPECT_EQ(board.r(HB_ERR_SEQUENCE_OFFSET), 1u);
}

TEST(Dma, RegistersAreSampledAtTheCommandAndASecondOneIsBusy) {
  DmaBoard board;
  board.start(to_device, board.buffer.address, 0, 128, 64);
  board.start(to_device, board.buffer.address + 1024, 0x4000, 64, 4);
  EXPECT_EQ(board.r(HB_DMA_STATUS_OFFSET), busy | std::uint32_t{HB_BUSY} << HB_DMA_STATUS_CODE_SHIFT);
  board.chip.advance_to(2);
  EXPECT_EQ(board.r(HB_DMA_STATUS_OFFSET), 0u);
  EXPECT_EQ(board.get<std::byte>(0, 128), board.in_host(0, 128));
  EXPECT_EQ(board.get<std::uint32_t>(0x4000, 1)[0], 0u);
}

TEST(Dma, StopsAfterTheBurstInProgress) {
  DmaBoard board;
  board.start(to_device, board.buffer.address, 0, 1024, 64);
  board.chip.advance_to(3);
  board.dma(stop);
  EXPECT_TRUE(board.is_busy());
  board.chip.advance_to(100);
  EXPECT_EQ(board.code(), HB_ABORTED);
  EXPECT_EQ(board.r(HB_DMA_MOVED_OFFSET), 4u * 64);
  EXPECT_TRUE(board.raised());
}

TEST(Dma, EndsAtTheFirstBurstThatHostMemoryDoesNotAnswer) {
  DmaBoard board;
  board.start(to_device, board.buffer.address + 4096 - 128, 0, 256, 64);  // two bursts lie in the buffer
  board.chip.advance_to(100);
  EXPECT_EQ(board.code(), HB_LINK);
  EXPECT_EQ(board.r(HB_DMA_MOVED_OFFSET), 128u);
  EXPECT_TRUE(board.raised());
  board.host.release(board.buffer.address);
  board.start(to_host, board.buffer.address, 0, 64, 64);
  board.chip.advance_to(200);
  EXPECT_EQ(board.code(), HB_LINK) << "a released buffer";
  board.chip.attach(nullptr);
  board.start(to_host, board.buffer.address, 0, 64, 64);
  board.chip.advance_to(300);
  EXPECT_EQ(board.code(), HB_LINK) << "nobody answers";
}

TEST(Dma, AResetInTheMiddleOfATransferLeavesTheResetState) {
  DmaBoard board;
  board.start(to_device, board.buffer.address, 0, 1024, 64);
  board.chip.advance_to(3);
  board.command(HB_COMMAND_OP_RESET);
  const Chip fresh(load_profile(with_dma.path()), {.cells = 8, .lanes = 4, .seed = 1, .threads = 1});
  for (std::uint32_t offset = 0; offset < HB_WINDOW_BYTES; offset += 4) {
    if (offset == HB_RESET_COUNT_OFFSET || offset == HB_COMMAND_ACK_OFFSET || offset == HB_COMMAND_OFFSET) continue;
    EXPECT_EQ(board.chip.peek32(offset), fresh.peek32(offset)) << std::hex << offset;
  }
  EXPECT_EQ(board.chip.next_event(), Chip::never);
  board.put(3 * 64, std::vector<std::uint32_t>(16, 0u));
  board.chip.advance_to(1000);
  EXPECT_EQ(board.get<std::byte>(0, 3 * 64), board.in_host(0, 3 * 64)) << "memory is not part of a reset";
  EXPECT_EQ(board.get<std::uint32_t>(3 * 64, 1)[0], 0u) << "the burst in progress is dropped";
  EXPECT_FALSE(board.raised());
}

TEST(Dma, RunsBesideAProgramWithoutChangingIt) {
  const std::vector<hb_instruction_t> program{load(HB_SECTION_J2, 1), op(HB_OP_COMMIT),
                                              timed(HB_OP_CAPTURE_START, 2000), timed(HB_OP_EVOLVE, 20000)};
  Board alone;
  alone.seed(5);
  const auto expected = alone.run(program);
  ASSERT_EQ(expected.size(), 10u);
  for (const std::uint64_t cut : {1u, 37u, 100000u}) {
    DmaBoard board;
    board.seed(5);
    board.Board::start(program);
    board.start(to_device, board.buffer.address, 0x8000, 4096, 4);  // 1024 ticks
    while (board.running()) board.chip.advance_to(board.chip.now() + cut);
    EXPECT_EQ(board.drain(), expected) << cut;
    EXPECT_EQ(board.get<std::byte>(0x8000, 4096), board.in_host(0, 4096)) << cut;
  }
}

}  // namespace
}  // namespace heatbath::model::bench
