#pragma once
// A chip on the bench: registers by offset, programs from a list of instructions, records decoded.

#include <bit>
#include <cstring>
#include <initializer_list>
#include <string>
#include <vector>

#include "heatbath/program.h"
#include "heatbath/regs.h"
#include "heatbath/status.h"
#include "hw_model/device/chip.hpp"

namespace heatbath::model::bench {

// Places in device memory.
constexpr std::uint64_t program_at = 0x10000, operands_at = 0x20000, meters_at = 0x40000, readback_at = 0x50000,
                        ring_at = 0x100000;

// -- instructions -----------------------------------------------------------------------------------------------------
inline hb_instruction_t op(hb_op_t code) {
  hb_instruction_t it{};
  it.op = static_cast<std::uint16_t>(code);
  return it;
}
inline std::uint32_t bits_of(float value) { return std::bit_cast<std::uint32_t>(value); }
inline hb_instruction_t load(hb_section_t section, float value) {
  auto it = op(HB_OP_LOAD);
  it.section = static_cast<std::uint16_t>(section);
  it.flags = HB_FLAG_IMMEDIATE;
  it.imm = bits_of(value);
  return it;
}
inline hb_instruction_t load_from(hb_section_t section, std::uint64_t addr, std::uint32_t lane_stride = 0) {
  auto it = op(HB_OP_LOAD);
  it.section = static_cast<std::uint16_t>(section);
  it.addr = addr;
  it.lane_stride = lane_stride;
  return it;
}
inline hb_instruction_t timed(hb_op_t code, std::uint64_t ticks, std::uint32_t flags = 0) {
  auto it = op(code);
  it.ticks = ticks;
  it.flags = flags;
  return it;
}
inline hb_instruction_t cells(hb_op_t code, std::uint32_t first, std::uint32_t count) {
  auto it = op(code);
  it.first = first;
  it.count = count;
  return it;
}
inline hb_instruction_t cells_to(hb_op_t code, std::uint32_t first, std::uint32_t count, float value) {
  auto it = cells(code, first, count);
  it.flags = HB_FLAG_IMMEDIATE;
  it.imm = bits_of(value);
  return it;
}
inline hb_instruction_t cells_from(hb_op_t code, std::uint32_t first, std::uint32_t count, std::uint64_t addr,
                                   std::uint32_t lane_stride = 0) {
  auto it = cells(code, first, count);
  it.addr = addr;
  it.lane_stride = lane_stride;
  return it;
}
inline hb_instruction_t snapshot(std::uint64_t addr) {
  auto it = op(HB_OP_METER_SNAPSHOT);
  it.addr = addr;
  return it;
}
inline hb_instruction_t readback(hb_section_t section, std::uint64_t addr) {
  auto it = op(HB_OP_READBACK);
  it.section = static_cast<std::uint16_t>(section);
  it.addr = addr;
  return it;
}
inline hb_instruction_t loop(std::uint32_t times) {
  auto it = op(HB_OP_LOOP_BEGIN);
  it.count = times;
  return it;
}
inline hb_instruction_t interrupt(std::uint32_t tag) {
  auto it = op(HB_OP_INTERRUPT);
  it.imm = tag;
  return it;
}

// -- the board --------------------------------------------------------------------------------------------------------
struct Record {
  hb_record_header_t header;
  std::vector<float> values;  // lanes x cells
  bool operator==(const Record& other) const {
    return std::memcmp(&header, &other.header, sizeof header) == 0 && values == other.values;
  }
};

class Board {
 public:
  explicit Board(const std::string& profile = "ideal",
                 ChipOptions options = {.cells = 8, .lanes = 4, .seed = 1, .threads = 1})
      : Board(load_profile(profile), options) {}
  explicit Board(const Profile& profile, ChipOptions options = {.cells = 8, .lanes = 4, .seed = 1, .threads = 1})
      : chip(profile, options) {
    w(HB_SHOTS_OFFSET, 1);
    w(HB_PROGRAM_ADDR_LO_OFFSET, program_at);
    w(HB_CAPTURE_BASE_LO_OFFSET, ring_at);
    w(HB_CAPTURE_SLOTS_OFFSET, 64);
  }

  std::uint32_t r(std::uint32_t offset) const { return chip.read32(offset); }
  std::uint64_t r64(std::uint32_t low) const { return r(low) | std::uint64_t{r(low + 4)} << 32; }
  void w(std::uint32_t offset, std::uint32_t value) { chip.write32(offset, value); }
  void w64(std::uint32_t low, std::uint64_t value) {
    w(low, static_cast<std::uint32_t>(value));
    w(low + 4, static_cast<std::uint32_t>(value >> 32));
  }

  template <class T>
  void put(std::uint64_t at, const std::vector<T>& values) {
    std::memcpy(chip.memory().data() + at, values.data(), values.size() * sizeof(T));
  }
  template <class T>
  std::vector<T> get(std::uint64_t at, std::size_t count) {
    std::vector<T> values(count);
    std::memcpy(values.data(), chip.memory().data() + at, count * sizeof(T));
    return values;
  }

  /// Next sequence number of a command; the status it was answered with.
  hb_status_t command(std::uint32_t code) {
    const std::uint32_t sequence = (r(HB_COMMAND_ACK_OFFSET) >> 16) + 1;
    w(HB_COMMAND_OFFSET, code | sequence << 16);
    return static_cast<hb_status_t>(r(HB_COMMAND_ACK_OFFSET) & 0xFF);
  }
  void acknowledge(std::uint32_t mask) { w(HB_INTR_ACK_OFFSET, mask | ((r(HB_INTR_ACK_OFFSET) >> 16) + 1) << 16); }

  /// Places a program, HALT appended, and starts it.
  hb_status_t start(std::vector<hb_instruction_t> program) {
    program.push_back(op(HB_OP_HALT));
    return start_bare(program);
  }
  hb_status_t start_bare(const std::vector<hb_instruction_t>& program) {
    put(program_at, program);
    w(HB_PROGRAM_COUNT_OFFSET, static_cast<std::uint32_t>(program.size()));
    return command(HB_COMMAND_OP_START);
  }
  void seed(std::uint64_t key, std::uint32_t shot0 = 0, std::uint64_t step0 = 0) {
    w(HB_JOB_FLAGS_OFFSET, 1);
    w64(HB_JOB_SEED_LO_OFFSET, key);
    w(HB_JOB_SHOT0_OFFSET, shot0);
    w64(HB_JOB_STEP0_LO_OFFSET, step0);
  }
  void unseeded() { w(HB_JOB_FLAGS_OFFSET, 0); }

  bool running() const { return r(HB_STATUS_OFFSET) & HB_STATUS_RUNNING_MASK; }
  bool done() const { return (r(HB_STATUS_OFFSET) & ~HB_STATUS_RAIL_MASK) == HB_STATUS_DONE_MASK; }
  /// Lets time pass by events until the program ends or nothing is due.
  void finish() {
    while (running() && chip.next_event() != Chip::never) chip.advance_to(chip.next_event());
  }
  /// Starts, finishes, and returns the records left in the ring; none when the program did not reach HALT.
  std::vector<Record> run(const std::vector<hb_instruction_t>& program) {
    if (start(program) != HB_OK) return {};
    finish();
    return done() ? drain() : std::vector<Record>{};
  }

  /// Unread records, and moves CAPTURE_TAIL past them. float32 captures only.
  std::vector<Record> drain() {
    std::vector<Record> records;
    const std::uint32_t bytes = r(HB_CAPTURE_RECORD_BYTES_OFFSET), slots = r(HB_CAPTURE_SLOTS_OFFSET);
    const std::uint32_t head = r(HB_CAPTURE_HEAD_OFFSET);
    for (std::uint32_t n = r(HB_CAPTURE_TAIL_OFFSET); n != head; ++n) {
      const std::uint64_t at = ring_at + std::uint64_t{n % slots} * bytes;
      Record record{get<hb_record_header_t>(at, 1)[0], {}};
      record.values =
          get<float>(at + sizeof(hb_record_header_t), std::size_t{record.header.lanes} * record.header.cells);
      records.push_back(record);
    }
    w(HB_CAPTURE_TAIL_OFFSET, head);
    return records;
  }

  Chip chip;
};

}  // namespace heatbath::model::bench
