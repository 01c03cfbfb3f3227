#pragma once
// A transport that answers as a device would whose every deed is written by the test.

#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "heatbath/error.hpp"
#include "heatbath/program.h"
#include "heatbath/regs.h"
#include "heatbath/transport.hpp"

namespace heatbath::testing {

/// State of a ScriptedDevice, kept by the test while the driver owns the transport.
struct Script {
  std::map<std::uint64_t, std::uint32_t> registers;
  std::vector<std::byte> memory;
  bool lends_memory = true;
  std::uint64_t now = 0;

  /// Called by START once the job registers are written; the default is a pass that runs.
  std::function<void(Script&)> on_start;
  /// Called each time the driver waits; the default ends the pass with `record_ticks.size()` records.
  std::function<void(Script&, std::uint64_t limit)> on_wait = [](Script& s, std::uint64_t) { s.complete(); };
  /// Ticks of each record a completed pass writes; value of lane l, record n, cell c is
  /// 1000 (shot0 + l) + 10 n + c with shot0 counted by the script.
  std::vector<std::uint64_t> record_ticks;

  /// Passes seen so far: their job registers at START, and the memory then.
  struct Pass {
    std::map<std::uint64_t, std::uint32_t> registers;
    std::vector<std::byte> memory;
  };
  std::vector<Pass> passes;
  std::vector<std::string> writes;  ///< "ADDRESS=VALUE" in hexadecimal, in order
  std::uint64_t accesses = 0, fail_at = ~std::uint64_t{0};
  std::uint64_t block_reads = 0;
  std::uint32_t shots_before = 0;
  std::uint32_t start_status = HB_OK;

  Script() : memory(1 << 20) {
    auto& r = registers;
    r[HB_ID_OFFSET] = 0x48544248;
    r[HB_MAP_VERSION_OFFSET] = 0x00010000;
    r[HB_VENDOR_OFFSET] = 7;
    r[HB_CAPS_OFFSET] = HB_CAPS_SEEDED_MASK | HB_CAPS_STATE_WRITE_MASK | HB_CAPS_METERS_MASK | HB_CAPS_DT_PROGRAMMABLE_MASK |
                        HB_CAPS_CAPTURE_STALLS_MASK | HB_CAPS_KT_PROGRAMMABLE_MASK | HB_CAPS_LANE_OPERANDS_MASK |
                        HB_CAPS_READBACK_MASK;
    r[HB_CAPS_CELLS_OFFSET] = 8;
    r[HB_CAPS_LANES_OFFSET] = 4;
    r[HB_CAPS_TICK_PS_OFFSET] = 1;
    r[HB_CAPS_TIME_UNIT_TICKS_OFFSET] = 1000000;
    r[HB_CAPS_MEMORY_LO_OFFSET] = 1 << 20;
    r[HB_CAPS_PROGRAM_MAX_OFFSET] = 64;
    r[HB_CAPS_LOOP_DEPTH_OFFSET] = 2;
    for (const auto offset : {HB_CAPS_RANGE_J2_OFFSET, HB_CAPS_RANGE_J4_OFFSET, HB_CAPS_RANGE_BIAS_OFFSET,
                              HB_CAPS_RANGE_COUPLING_OFFSET, HB_CAPS_RANGE_STATE_OFFSET, HB_CAPS_KT_MAX_OFFSET,
                              HB_CAPS_KT_RESET_OFFSET, HB_CAPS_MOBILITY_OFFSET, HB_CAPS_ENERGY_UNIT_J_OFFSET})
      r[offset] = std::bit_cast<std::uint32_t>(4.0f);
    r[HB_DT_TICKS_OFFSET] = 1000;
    r[HB_RAIL_CELL_OFFSET] = 0xFFFFFFFF;
  }

  void raise(std::uint32_t interrupts) { registers[HB_INTR_STATE_OFFSET] |= interrupts; }

  /// Writes record `number` of the present pass where the ring has it, and moves the head.
  void record(std::uint32_t number, std::uint64_t ticks) {
    auto& r = registers;
    const std::uint32_t lanes = r[HB_SHOTS_OFFSET], cells = r[HB_CAPTURE_CELLS_OFFSET], first = r[HB_CAPTURE_CELL0_OFFSET];
    const std::uint64_t bytes = r[HB_CAPTURE_RECORD_BYTES_OFFSET];
    const std::uint64_t at = r[HB_CAPTURE_BASE_LO_OFFSET] + number % r[HB_CAPTURE_SLOTS_OFFSET] * bytes;
    const hb_record_header_t header{number, lanes, cells, first, ticks, 0};
    ASSERT_LE(at + bytes, memory.size());
    std::memcpy(memory.data() + at, &header, sizeof header);
    for (std::uint32_t l = 0; l < lanes; ++l) {
      for (std::uint32_t c = 0; c < cells; ++c) {
        const float value = static_cast<float>(1000 * (shots_before + l) + 10 * number + first + c);
        std::memcpy(memory.data() + at + 32 + (l * cells + c) * 4, &value, 4);
      }
    }
    r[HB_CAPTURE_HEAD_OFFSET] = number + 1;
  }

  void complete() {
    for (std::uint32_t n = registers[HB_CAPTURE_HEAD_OFFSET]; n < record_ticks.size(); ++n) record(n, record_ticks[n]);
    end(HB_STATUS_DONE_MASK, HB_INTR_STATE_JOB_DONE_MASK);
  }

  void end(std::uint32_t status, std::uint32_t interrupt) {
    shots_before += registers[HB_SHOTS_OFFSET];
    registers[HB_STATUS_OFFSET] = status;
    raise(interrupt);
  }

  void fault(std::uint32_t code, std::uint32_t pc, std::uint32_t field, std::uint32_t info = 0) {
    registers[HB_FAULT_CODE_OFFSET] = code;
    registers[HB_FAULT_PC_OFFSET] = pc;
    registers[HB_FAULT_FIELD_OFFSET] = field;
    registers[HB_FAULT_INFO_OFFSET] = info;
  }

  void started() {
    auto& r = registers;
    if (on_start) on_start(*this);
    if (start_status != HB_OK) return;
    r[HB_STATUS_OFFSET] = HB_STATUS_RUNNING_MASK;
    r[HB_CAPTURE_HEAD_OFFSET] = r[HB_CAPTURE_TAIL_OFFSET] = 0;
    r[HB_CAPTURE_RECORD_BYTES_OFFSET] = (32 + r[HB_SHOTS_OFFSET] * r[HB_CAPTURE_CELLS_OFFSET] * 4 + 63) / 64 * 64;
    passes.push_back({r, memory});
  }
};

/// "140=40"
inline std::string write_of(std::uint64_t address, std::uint32_t value) {
  char buffer[48];
  std::snprintf(buffer, sizeof buffer, "%llX=%X", static_cast<unsigned long long>(address), value);
  return buffer;
}

class ScriptedDevice final : public Transport {
 public:
  explicit ScriptedDevice(Script& script) : s_(script) {}

  std::uint32_t read32(std::uint64_t address) override {
    access();
    if (address == HB_TIME_LO_OFFSET) return static_cast<std::uint32_t>(s_.now);
    if (address == HB_TIME_HI_OFFSET) return static_cast<std::uint32_t>(s_.now >> 32);
    return s_.registers[address];
  }

  void write32(std::uint64_t address, std::uint32_t value) override {
    access();
    s_.writes.push_back(write_of(address, value));
    auto& r = s_.registers;
    if (address == HB_INTR_ACK_OFFSET) r[HB_INTR_STATE_OFFSET] &= ~(value & 0xFFFFu);
    r[address] = value;
    if (address != HB_COMMAND_OFFSET) return;
    if (value >> 16 == r[HB_COMMAND_ACK_OFFSET] >> 16) return;
    std::uint32_t status = HB_OK;
    switch (value & 0xFF) {
      case HB_COMMAND_OP_START:
        s_.started();
        status = s_.start_status;
        break;
      case HB_COMMAND_OP_ABORT:
        if (r[HB_STATUS_OFFSET] & HB_STATUS_RUNNING_MASK) s_.end(HB_STATUS_ABORTED_MASK, HB_INTR_STATE_ABORTED_MASK);
        break;
      case HB_COMMAND_OP_RESET: r[HB_STATUS_OFFSET] = 0; break;
      default: break;
    }
    r[HB_COMMAND_ACK_OFFSET] = (value & 0xFFFF0000u) | status;
  }

  void read_block(std::uint64_t address, std::span<std::byte> out) override {
    ++s_.block_reads;
    std::memcpy(out.data(), s_.memory.data() + (address - HB_MEMORY_BASE), out.size());
  }
  void write_block(std::uint64_t address, std::span<const std::byte> data) override {
    if (data.empty()) return;
    ASSERT_LE(address - HB_MEMORY_BASE + data.size(), s_.memory.size());
    std::memcpy(s_.memory.data() + (address - HB_MEMORY_BASE), data.data(), data.size());
  }
  std::optional<std::span<std::byte>> map(std::uint64_t address, std::uint64_t size) override {
    if (!s_.lends_memory) return std::nullopt;
    return std::span(s_.memory).subspan(address - HB_MEMORY_BASE, size);
  }
  bool wait_irq(std::uint64_t limit) override {
    auto& r = s_.registers;
    if ((r[HB_INTR_STATE_OFFSET] & r[HB_INTR_ENABLE_OFFSET]) == 0) {
      s_.now += limit;
      if (r[HB_STATUS_OFFSET] & HB_STATUS_RUNNING_MASK) s_.on_wait(s_, limit);
    }
    return (r[HB_INTR_STATE_OFFSET] & r[HB_INTR_ENABLE_OFFSET]) != 0;
  }
  LinkInfo info() const override { return {"scripted:", "a scripted device"}; }

 private:
  void access() {
    ++s_.now;
    if (++s_.accesses >= s_.fail_at) throw Error(HB_LINK, "the scripted link was cut");
  }
  Script& s_;
};

/// Expects `statement` to throw Error with this code and a message that contains `part`.
template <typename Statement>
void expect_error(hb_status_t code, const std::string& part, Statement&& statement) {
  try {
    statement();
    ADD_FAILURE() << "no error; expected " << hb_status_name(code) << " with '" << part << "'";
  } catch (const Error& error) {
    EXPECT_EQ(hb_status_name(error.code()), std::string(hb_status_name(code))) << error.what();
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << "message: " << error.what() << "\nwanted: " << part;
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << "more than one line";
  }
}

}  // namespace heatbath::testing
