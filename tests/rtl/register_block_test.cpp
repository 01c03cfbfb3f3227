// The register block by itself: reset values, access rules, strobes, sequence numbers and the AXI4-Lite protocol.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "heatbath/register_list.h"
#include "heatbath/regs.h"
#include "tests/rtl/front_end.hpp"

namespace heatbath::rtl {
namespace {

struct Row {
  std::string name;
  std::uint32_t offset;
  char access;    // r: ro, w: rw, c: cmd
  bool constant;  // the reset value is fixed by the map
  std::uint32_t reset, write_mask;
};

const std::vector<Row>& table() {
  constexpr char RO = 'r', RW = 'w', CMD = 'c';
  constexpr bool VALUE = true, MAP = true, PROFILE = false, LIVE = false;
  static const std::vector<Row> rows = {
#define HB_REGISTER(NAME, offset, ACCESS, RESET, reset_value, write_mask) \
  {#NAME, offset, ACCESS, RESET, reset_value, write_mask},
    HB_REGISTER_LIST(HB_REGISTER)
#undef HB_REGISTER
  };
  return rows;
}

/// Hardware with a value of its own in every register, that keeps a list of what it was told.
class Bench : public Hardware {
 public:
  Bench() { FrontEnd::get().attach(*this); }
  std::uint32_t value(std::uint32_t offset) override { return values.count(offset) ? values[offset] : 0xA5A50000u | offset; }
  std::uint32_t reset_value(std::uint32_t offset) override { return 0x5A5A0000u | offset; }
  bool written(std::uint32_t offset, std::uint32_t data) override {
    writes.emplace_back(offset, data);
    return false;
  }
  void repeated(std::uint32_t, std::uint32_t) override { ++repeats; }
  void refused() override { ++refusals; }
  bool corrects() const override { return false; }

  FrontEnd& host = FrontEnd::get();
  std::map<std::uint32_t, std::uint32_t> values;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> writes;
  int repeats = 0, refusals = 0;
};

using Writes = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

/// What a register reads after reset.
std::uint32_t expected_reset(Bench& bench, const Row& row) {
  if (row.constant) return row.reset;
  return row.access == 'r' ? bench.value(row.offset) : bench.reset_value(row.offset) & row.write_mask;
}

TEST(RegisterBlock, EveryRegisterReadsItsResetValue) {
  Bench bench;
  for (const Row& row : table()) {
    if (row.access == 'r' && !row.constant) bench.values[row.offset] = 0;
  }
  for (const Row& row : table()) {
    const Reply reply = bench.host.read(row.offset);
    EXPECT_EQ(reply.response, Response::okay) << row.name;
    EXPECT_EQ(reply.data, expected_reset(bench, row)) << row.name;
  }
  EXPECT_TRUE(bench.writes.empty());
  EXPECT_EQ(bench.refusals, 0);
}

TEST(RegisterBlock, ReadOnlyRegistersShowTheHardwareAndRefuseWrites) {
  Bench bench;
  int refusals = 0;
  for (const Row& row : table()) {
    if (row.access != 'r') continue;
    for (const Row& other : table()) bench.values[other.offset] = 0;
    bench.values[row.offset] = 0xFFFFFFFF;
    const std::uint32_t before = bench.host.read(row.offset).data;
    if (row.constant) {
      EXPECT_EQ(before, row.reset) << row.name;
    } else {
      EXPECT_NE(before, 0u) << row.name;
    }
    EXPECT_EQ(bench.host.write(row.offset, ~before), Response::slverr) << row.name;
    EXPECT_EQ(bench.refusals, ++refusals) << row.name;
    EXPECT_EQ(bench.host.read(row.offset).data, before) << row.name;
  }
  EXPECT_TRUE(bench.writes.empty());
}

TEST(RegisterBlock, UndeclaredBitsOfAReadAreZero) {
  Bench bench;
  bench.values[HB_STATUS_OFFSET] = 0xFFFFFFFF;
  bench.values[HB_COMMAND_ACK_OFFSET] = 0xFFFFFFFF;
  EXPECT_EQ(bench.host.read(HB_STATUS_OFFSET).data,
            HB_STATUS_RUNNING_MASK | HB_STATUS_STALLED_MASK | HB_STATUS_DONE_MASK | HB_STATUS_ABORTED_MASK |
                HB_STATUS_FAULT_MASK | HB_STATUS_RAIL_MASK | HB_STATUS_CAPTURE_CLIP_MASK);
  EXPECT_EQ(bench.host.read(HB_COMMAND_ACK_OFFSET).data, 0xFFFF00FFu);
}

TEST(RegisterBlock, StorageTakesTheDeclaredBitsAndNoNeighbour) {
  Bench bench;
  std::map<std::uint32_t, std::uint32_t> stored;
  for (const Row& row : table()) {
    if (row.access != 'w') continue;
    stored[row.offset] = expected_reset(bench, row);
  }
  for (const Row& row : table()) {
    if (row.access != 'w') continue;
    for (const std::uint32_t data : {0xFFFFFFFFu, 0x00000000u, 0x12345678u * (row.offset | 1u)}) {
      EXPECT_EQ(bench.host.write(row.offset, data), Response::okay) << row.name;
      ASSERT_EQ(bench.writes.back(), Writes::value_type(row.offset, data & row.write_mask)) << row.name;
      stored[row.offset] = data & row.write_mask;
      EXPECT_EQ(bench.host.read(row.offset).data, stored[row.offset]) << row.name;
    }
  }
  for (const auto& [offset, data] : stored) EXPECT_EQ(bench.host.read(offset).data, data) << std::hex << offset;
}

TEST(RegisterBlock, StrobesSelectTheBytes) {
  Bench bench;
  for (unsigned strobes = 0; strobes < 16; ++strobes) {
    bench.host.write(HB_SCRATCH_OFFSET, 0x11223344);
    bench.writes.clear();
    EXPECT_EQ(bench.host.write(HB_SCRATCH_OFFSET, 0xAABBCCDD, strobes), Response::okay);
    std::uint32_t expected = 0x11223344;
    for (unsigned byte = 0; byte < 4; ++byte)
      if (strobes >> byte & 1) {
        expected &= ~(0xFFu << 8 * byte);
        expected |= 0xAABBCCDDu & 0xFFu << 8 * byte;
      }
    EXPECT_EQ(bench.host.read(HB_SCRATCH_OFFSET).data, expected) << strobes;
    EXPECT_EQ(bench.writes.size(), strobes == 0 ? 0u : 1u) << "a write without strobes does nothing";
  }
}

TEST(RegisterBlock, AddressesThatAreNoRegisterAreErrors) {
  Bench bench;
  std::map<std::uint32_t, bool> mapped;
  for (const Row& row : table()) mapped[row.offset] = true;
  int refusals = 0;
  std::vector<std::uint32_t> wrong{HB_WINDOW_BYTES, HB_WINDOW_BYTES + HB_SCRATCH_OFFSET, 0x80000000u | HB_SCRATCH_OFFSET,
                                   HB_MEMORY_BASE, 0xFFFFFFFCu};
  for (std::uint32_t offset = 0; offset < 0x400; ++offset)
    if (!mapped.count(offset)) wrong.push_back(offset);
  for (const std::uint32_t address : wrong) {
    const Reply reply = bench.host.read(address);
    EXPECT_EQ(reply.response, Response::slverr) << std::hex << address;
    EXPECT_EQ(reply.data, 0u) << std::hex << address;
    EXPECT_EQ(bench.host.write(address, 0xFFFFFFFF), Response::slverr) << std::hex << address;
    EXPECT_EQ(bench.refusals, refusals += 2) << std::hex << address;
  }
  EXPECT_TRUE(bench.writes.empty());
  for (const Row& row : table())
    if (row.access != 'r') {
      EXPECT_EQ(bench.host.read(row.offset).data, expected_reset(bench, row)) << row.name;
    }
}

TEST(RegisterBlock, ACommandPulsesOncePerSequenceNumber) {
  Bench bench;
  for (const Row& row : table()) {
    if (row.access != 'c') continue;
    const std::uint64_t pulses = bench.host.command_pulses();
    bench.writes.clear();
    bench.repeats = 0;
    EXPECT_EQ(bench.host.write(row.offset, 0x00000001), Response::okay) << row.name << ": 0 is the number after reset";
    EXPECT_EQ(bench.repeats, 1) << row.name;
    EXPECT_EQ(bench.host.write(row.offset, 0x00010002), Response::okay);
    EXPECT_EQ(bench.host.write(row.offset, 0x00010003), Response::okay);
    EXPECT_EQ(bench.host.write(row.offset, 0x00010002), Response::okay);
    EXPECT_EQ(bench.host.write(row.offset, 0x80000004), Response::okay);
    EXPECT_EQ(bench.repeats, 3) << row.name;
    EXPECT_EQ(bench.writes, (Writes{{row.offset, 0x00010002u}, {row.offset, 0x80000004u}})) << row.name;
    EXPECT_EQ(bench.host.read(row.offset).data, 0x80000004u) << row.name;
    if (row.offset == HB_COMMAND_OFFSET) {
      EXPECT_EQ(bench.host.command_pulses() - pulses, 2u);
    }
  }
}

TEST(RegisterBlock, ACommandMustBeWrittenWhole) {
  Bench bench;
  for (unsigned strobes = 1; strobes < 15; ++strobes)
    EXPECT_EQ(bench.host.write(HB_COMMAND_OFFSET, 0x00010001, strobes), Response::slverr) << strobes;
  EXPECT_EQ(bench.refusals, 14);
  EXPECT_EQ(bench.host.write(HB_COMMAND_OFFSET, 0x00010001, 0), Response::okay);
  EXPECT_TRUE(bench.writes.empty());
  EXPECT_EQ(bench.host.write(HB_COMMAND_OFFSET, 0x00010001), Response::okay);
  EXPECT_EQ(bench.writes.size(), 1u);
}

TEST(RegisterBlock, AddressAndDataMayComeInAnyOrderAndAnswersWait) {
  Bench bench;
  std::uint32_t data = 1;
  for (unsigned address : {0u, 1u, 4u})
    for (unsigned late : {0u, 1u, 4u})
      for (unsigned ready : {0u, 1u, 5u}) {
        EXPECT_EQ(bench.host.write(HB_SCRATCH_OFFSET, ++data, 0xF, {address, late, ready}), Response::okay);
        EXPECT_EQ(bench.host.read(HB_SCRATCH_OFFSET, ready).data, data);
      }
}

TEST(RegisterBlock, AReadIsAnsweredWhileAWriteAnswerWaits) {
  Bench bench;
  const Reply reply = bench.host.write_and_read(HB_SCRATCH_OFFSET, 77, HB_SCRATCH_OFFSET);
  EXPECT_EQ(reply.response, Response::okay);
  EXPECT_EQ(reply.data, 77u) << "a write goes before a read";
}

TEST(RegisterBlock, SoftResetKeepsOnlyTheNumberOfACommandThatIsAcknowledged) {
  Bench bench;
  bench.host.write(HB_SCRATCH_OFFSET, 5);
  bench.host.write(HB_COMMAND_OFFSET, 0x00070001);
  bench.host.write(HB_INTR_ACK_OFFSET, 0x00070001);
  bench.host.soft_reset();
  for (const Row& row : table())
    if (row.access != 'r') {
      EXPECT_EQ(bench.host.read(row.offset).data, expected_reset(bench, row)) << row.name;
    }
  bench.writes.clear();
  bench.host.write(HB_COMMAND_OFFSET, 0x00070001);
  EXPECT_EQ(bench.repeats, 1) << "COMMAND_ACK survives RESET";
  bench.host.write(HB_INTR_ACK_OFFSET, 0x00070001);
  EXPECT_EQ(bench.writes, (Writes{{HB_INTR_ACK_OFFSET, 0x00070001u}}));
  Bench again;
  again.host.write(HB_COMMAND_OFFSET, 0x00070001);
  EXPECT_EQ(again.writes.size(), 1u) << "aresetn forgets it";
}

}  // namespace
}  // namespace heatbath::rtl
