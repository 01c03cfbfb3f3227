// Claims on registers, interrupts, time and memory.

#include <algorithm>
#include <array>
#include <cstdio>
#include <vector>

#include "conformance/claims.hpp"
#include "conformance/expect.hpp"
#include "heatbath/dif_identity.h"
#include "heatbath/dif_interrupt.h"
#include "heatbath/register_list.h"
#include "heatbath/regs.h"

namespace heatbath::conformance {

std::string hexadecimal(std::uint64_t value) {
  char buffer[24];
  std::snprintf(buffer, sizeof buffer, "0x%llX", static_cast<unsigned long long>(value));
  return buffer;
}

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
constexpr Row table[] = {
#define HEATBATH_ROW(NAME, offset, RULE, RESET, value, mask) {#NAME, offset, RULE, RESET, value, mask},
    HB_REGISTER_LIST(HEATBATH_ROW)
#undef HEATBATH_ROW
};

/// Registers whose written value is not plain storage: the tail moves within the ring, the step is 1 or more.
bool has_rules_of_its_own(const Row& row) {
  return row.offset == HB_CAPTURE_TAIL_OFFSET || row.offset == HB_DT_TICKS_OFFSET;
}

void expect_value(const char* name, std::uint32_t value, std::uint32_t wanted, const char* when) {
  expect(value == wanted, std::string(name) + " reads " + hexadecimal(value) + " " + when + ", expected " + hexadecimal(wanted));
}

}  // namespace

namespace checks {

void identity(Device& device) {
  const Registers registers(device);
  expect_status(hb_dif_identity_check(registers.mmio()), HB_OK, "ID and MAP_VERSION");
  expect(registers.get(HB_VENDOR_OFFSET) != 0, "VENDOR is 0");
  expect_status(hb_dif_identity_scratch_test(registers.mmio()), HB_OK, "patterns through SCRATCH");
}

void reset_values(Device& device) {
  const Registers registers(device);
  std::vector<std::uint32_t> profile;
  for (const Row& row : table)
    if (row.reset == PROFILE) profile.push_back(registers.get(row.offset));
  for (const Row& row : table)
    if (row.rule == RW && !has_rules_of_its_own(row)) registers.set(row.offset, ~row.value);
  const std::uint32_t resets = registers.get(HB_RESET_COUNT_OFFSET);
  device.reset();
  expect_value("RESET_COUNT", registers.get(HB_RESET_COUNT_OFFSET), resets + 1, "after one more reset");
  std::size_t next = 0;
  for (const Row& row : table) {
    // The hash tells maps apart; it forbids nothing.
    if (row.reset == VALUE || (row.reset == MAP && row.offset != HB_MAP_HASH_OFFSET && row.offset != HB_MAP_VERSION_OFFSET))
      expect_value(row.name, registers.get(row.offset), row.value, "after a reset");
    if (row.reset == PROFILE) expect_value(row.name, registers.get(row.offset), profile[next++], "after another reset");
  }
  constexpr std::array idle{HB_STATUS_OFFSET, HB_INTR_STATE_OFFSET, HB_FAULT_CODE_OFFSET, HB_CAPTURE_HEAD_OFFSET,
                            HB_SHOT_COUNT_OFFSET, HB_CLIP_COUNT_OFFSET, HB_RAIL_COUNT_OFFSET, HB_STALL_TICKS_LO_OFFSET};
  for (const std::uint32_t offset : idle)
    expect_value(("register " + hexadecimal(offset)).c_str(), registers.get(offset), 0, "after a reset");
}

void read_write(Device& device) {
  const Registers registers(device);
  for (const Row& row : table) {
    if (row.rule != RW || has_rules_of_its_own(row)) continue;
    for (const std::uint32_t value : {0xFFFFFFFFu, 0x5A5A5A5Au, 0xA5A5A5A5u, 0u}) {
      registers.set(row.offset, value);
      expect_value(row.name, registers.get(row.offset), value & row.mask, ("after " + hexadecimal(value) + " was written").c_str());
    }
  }
  device.reset();
  const std::uint32_t dt = registers.get(HB_DT_TICKS_OFFSET);
  registers.set(HB_DT_TICKS_OFFSET, dt + 7);
  const bool settable = device.capabilities().dt_programmable;
  expect_value("DT_TICKS", registers.get(HB_DT_TICKS_OFFSET), settable ? dt + 7 : dt,
               settable ? "after it was written" : "after a write, without CAPS.DT_PROGRAMMABLE");
  registers.set(HB_DT_TICKS_OFFSET, 0);
  expect_value("DT_TICKS", registers.get(HB_DT_TICKS_OFFSET), settable ? dt + 7 : dt, "after 0 was written");
  device.reset();
}

void read_only(Device& device) {
  const Registers registers(device);
  for (const Row& row : table) {
    if (row.rule != RO) continue;
    const std::uint32_t before = registers.get(row.offset), errors = registers.get(HB_ERR_ACCESS_OFFSET);
    registers.set(row.offset, ~before);
    expect_value("ERR_ACCESS", registers.get(HB_ERR_ACCESS_OFFSET), errors + 1, (std::string("after a write to ") + row.name).c_str());
    if (row.reset != LIVE) expect_value(row.name, registers.get(row.offset), before, "after a write that must be ignored");
  }
}

void unmapped(Device& device) {
  const Registers registers(device);
  Transport& link = device.transport();
  const auto is_register = [](std::uint64_t address) {
    return std::any_of(std::begin(table), std::end(table), [&](const Row& row) { return row.offset == address; });
  };
  std::vector<std::uint64_t> addresses;
  for (std::uint32_t offset = 0; offset < HB_WINDOW_BYTES; offset += 4)
    if (!is_register(offset)) addresses.push_back(offset);
  for (const std::uint64_t odd : {HB_SCRATCH_OFFSET + 1u, HB_SCRATCH_OFFSET + 2u, HB_WINDOW_BYTES, 2 * HB_WINDOW_BYTES})
    addresses.push_back(odd);
  addresses.push_back(HB_MEMORY_BASE - 4);
  for (const std::uint64_t address : addresses) {
    link.write32(address, 0xFFFFFFFFu);
    expect_value(("the word at " + hexadecimal(address)).c_str(), link.read32(address), 0, "where there is no register");
  }
  expect_value("SCRATCH", registers.get(HB_SCRATCH_OFFSET), 0, "after writes beside it");
}

void commands(Device& device) {
  const Registers registers(device);
  const auto word = [](std::uint32_t op, std::uint32_t sequence) {
    return op << HB_COMMAND_OP_SHIFT | (sequence & 0xFFFFu) << HB_COMMAND_SEQ_SHIFT;
  };
  const auto acknowledged = [&] { return registers.get(HB_COMMAND_ACK_OFFSET) >> HB_COMMAND_ACK_SEQ_SHIFT; };
  const auto status = [&] { return registers.get(HB_COMMAND_ACK_OFFSET) & HB_COMMAND_ACK_STATUS_MASK; };
  const std::uint32_t sequence = acknowledged(), resets = registers.get(HB_RESET_COUNT_OFFSET);
  const std::uint32_t repeats = registers.get(HB_ERR_SEQUENCE_OFFSET);
  registers.set(HB_COMMAND_OFFSET, word(HB_COMMAND_OP_RESET, sequence));
  expect_value("RESET_COUNT", registers.get(HB_RESET_COUNT_OFFSET), resets, "after a RESET with the last sequence number");
  expect_value("ERR_SEQUENCE", registers.get(HB_ERR_SEQUENCE_OFFSET), repeats + 1, "after a repeated sequence number");
  registers.set(HB_COMMAND_OFFSET, word(HB_COMMAND_OP_NONE, sequence + 1));
  expect_value("COMMAND_ACK.SEQ", acknowledged(), (sequence + 1) & 0xFFFFu, "after a command");
  expect_value("COMMAND_ACK.STATUS", status(), HB_OK, "after NONE");
  registers.set(HB_COMMAND_OFFSET, word(HB_COMMAND_OP_ABORT, sequence + 2));
  expect_value("COMMAND_ACK.STATUS", status(), HB_BAD_ARG, "after ABORT without a program");
  registers.set(HB_COMMAND_OFFSET, word(HB_COMMAND_OP_MASK, sequence + 3));
  expect_value("COMMAND_ACK.STATUS", status(), HB_BAD_ARG, "after an operation that does not exist");
  registers.set(HB_COMMAND_OFFSET, word(HB_COMMAND_OP_RESET, sequence + 9));
  expect_value("COMMAND_ACK.SEQ", acknowledged(), (sequence + 9) & 0xFFFFu, "after a RESET: the number survives it");
  expect_value("RESET_COUNT", registers.get(HB_RESET_COUNT_OFFSET), resets + 1, "after a RESET");
}

void interrupts(Device& device) {
  const Registers registers(device);
  const hb_mmio_t* mmio = registers.mmio();
  Transport& link = device.transport();
  expect(!link.wait_irq(0), "wait_irq reports an interrupt after a reset");
  for (std::uint32_t bit = 1; bit <= HB_INTERRUPT_ALL; bit <<= 1) {
    const std::string which = "interrupt " + hexadecimal(bit);
    expect_status(hb_dif_interrupt_test(mmio, bit), HB_OK, which + ", INTR_TEST");
    expect_value("INTR_STATE", registers.get(HB_INTR_STATE_OFFSET), bit, ("after INTR_TEST of " + which).c_str());
    expect_status(hb_dif_interrupt_enable_set(mmio, HB_INTERRUPT_ALL & ~bit), HB_OK, which);
    expect(!link.wait_irq(0), which + " is reported though it is not enabled");
    expect_status(hb_dif_interrupt_enable_set(mmio, bit), HB_OK, which);
    expect(link.wait_irq(1u << 30), which + " is pending and enabled, and wait_irq does not say so");
    expect_status(hb_dif_interrupt_acknowledge(mmio, HB_INTERRUPT_ALL & ~bit), HB_OK, which);
    expect_value("INTR_STATE", registers.get(HB_INTR_STATE_OFFSET), bit, "after all others were acknowledged");
    const std::uint32_t last = registers.get(HB_INTR_ACK_OFFSET);
    registers.set(HB_INTR_ACK_OFFSET, (last & HB_INTR_ACK_SEQ_MASK) | bit);
    expect_value("INTR_STATE", registers.get(HB_INTR_STATE_OFFSET), bit, "after an acknowledgement with an old number");
    expect_status(hb_dif_interrupt_acknowledge(mmio, bit), HB_OK, which);
    expect_value("INTR_STATE", registers.get(HB_INTR_STATE_OFFSET), 0, ("after " + which + " was acknowledged").c_str());
    expect_status(hb_dif_interrupt_enable_set(mmio, 0), HB_OK, which);
  }
}

void time(Device& device) {
  Transport& link = device.transport();
  Ticks last = device.now();
  for (int k = 0; k < 20; ++k) {
    const Ticks now = device.now();
    expect(now > last, "time stood still at " + std::to_string(now.count) + " through register accesses");
    last = now;
  }
  for (const std::uint64_t wait : {std::uint64_t{1}, std::uint64_t{12345}, std::uint64_t{1} << 33}) {
    expect(!link.wait_irq(wait), "wait_irq reports an interrupt where none is enabled");
    const Ticks now = device.now();
    expect(now.count >= last.count + wait, "after a wait of " + std::to_string(wait) + " ticks " +
                                               std::to_string(now.count - last.count) + " have passed");
    last = now;
    // A free-running array evolves meanwhile; the longest wait is not worth it.
    if (device.capabilities().free_running && wait > 1000) break;
  }
}

void memory(Device& device) {
  Transport& link = device.transport();
  const std::uint64_t bytes = device.capabilities().memory_bytes;
  std::vector<std::byte> pattern(100001), back(pattern.size());
  for (std::size_t i = 0; i < pattern.size(); ++i) pattern[i] = static_cast<std::byte>((i * 2654435761u) >> 11);
  for (const std::uint64_t at : {std::uint64_t{0}, std::uint64_t{3}, std::uint64_t{65535}, bytes - pattern.size()}) {
    link.write_block(HB_MEMORY_BASE + at, pattern);
    link.read_block(HB_MEMORY_BASE + at, back);
    expect(back == pattern, "a block at offset " + std::to_string(at) + " comes back changed");
  }
  const std::array one{std::byte{0x5A}};
  link.write_block(HB_MEMORY_BASE + 1001, one);
  link.read_block(HB_MEMORY_BASE + 1000, std::span(back).first(3));
  expect(back[1] == one[0], "a single byte comes back changed");
  std::vector<std::byte> before(64), after(64);
  link.read_block(HB_MEMORY_BASE + 998, before);
  device.reset();
  link.read_block(HB_MEMORY_BASE + 998, after);
  expect(before == after, "memory did not survive a reset");
  expect_error(HB_BAD_ARG, "a block that ends beyond memory", [&] { link.read_block(HB_MEMORY_BASE + bytes - 1, std::span(back).first(2)); });
  expect_error(HB_BAD_ARG, "a block below memory", [&] { link.read_block(HB_MEMORY_BASE - 1, std::span(back).first(2)); });
  expect_error(HB_BAD_ARG, "a block written beyond memory", [&] {
    link.write_block(HB_MEMORY_BASE + bytes, one);
    link.read32(HB_ID_OFFSET);  // a posted write may report here
  });
  if (const auto lent = link.map(HB_MEMORY_BASE + 998, 64))
    expect(std::equal(lent->begin(), lent->end(), after.begin()), "lent memory differs from what is read");
}

}  // namespace checks
}  // namespace heatbath::conformance
