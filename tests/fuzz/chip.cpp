// Registers and programs: whatever a host does, func: and tlm: answer alike, and neither crashes.
#include <algorithm>
#include <memory>

#include "heatbath/error.hpp"
#include "heatbath/program.h"
#include "heatbath/regs.h"
#include "heatbath/restorable.hpp"
#include "sim/src/open_transport.hpp"
#include "tests/device/board.hpp"
#include "tests/fuzz/input.hpp"

namespace heatbath::fuzz {
namespace {

constexpr std::uint32_t most_instructions = 24, longest_wait = 3000, most_starts = 60;
constexpr int most_operations = 2000;

/// Both models of a chip, put back to power-on before each input.
class Both {
 public:
  Both() {
    const char* device = std::getenv("HEATBATH_FUZZ_CHIP");
    const std::string keys = device != nullptr ? device : "profile=ideal&cells=6&lanes=3&seed=7&threads=1";
    func_ = open_transport("func:" + keys);
    try {
      tlm_ = open_transport("tlm:" + keys);
    } catch (const Error&) {  // a build without SystemC: func: alone
    }
    begin_ = restorable(*func_).save();
  }
  void restart() {
    restorable(*func_).restore(begin_);
    if (tlm_) restorable(*tlm_).restore(begin_);
  }
  template <class Do>
  auto both(const Do& act) {
    ++operations_.count;
    const auto found = guarded(*func_, act);
    if (!tlm_) return found;
    const auto other = guarded(*tlm_, act);
    if (found != other || func_->device_ticks() != tlm_->device_ticks()) wrong("func: and tlm: differ");
    return found;
  }
  std::uint32_t read32(std::uint64_t address) {
    return both([&](Transport& link) { return link.read32(address); });
  }
  void write32(std::uint64_t address, std::uint32_t value) {
    both([&](Transport& link) { return link.write32(address, value), 0u; });
  }
  void write_block(std::uint64_t address, std::span<const std::byte> data) {
    both([&](Transport& link) { return link.write_block(address, data), 0u; });
  }
  void command(std::uint32_t code) {
    if (code == HB_COMMAND_OP_START) ++programs_.count;
    const std::uint32_t sequence = ((read32(HB_COMMAND_ACK_OFFSET) >> 16) + 1) & 0xFFFF;
    write32(HB_COMMAND_OFFSET, code | sequence << 16);
    read32(HB_COMMAND_ACK_OFFSET);
  }
  void compare_states() {
    for (std::uint32_t offset = 0; offset < HB_WINDOW_BYTES; offset += 4) read32(offset);
    if (tlm_ && restorable(*func_).save() != restorable(*tlm_).save()) wrong("the states of func: and tlm: differ");
  }

 private:
  static Restorable& restorable(Transport& link) { return dynamic_cast<Restorable&>(link); }
  template <class Do>
  static std::uint32_t guarded(Transport& link, const Do& act) {
    try {
      return static_cast<std::uint32_t>(act(link));
    } catch (const Error& error) {
      expect_one_line(error.what());
      return 0xBAD00000u + static_cast<std::uint32_t>(error.code());
    }
  }

  std::unique_ptr<Transport> func_, tlm_;
  std::vector<std::byte> begin_;
  Tally operations_{"register operations on both models"}, programs_{"programs started on both models"};
};

/// An instruction whose fields are mostly in reach.
hb_instruction_t instruction(Input& in) {
  hb_instruction_t it{};
  it.op = static_cast<std::uint16_t>(in.take<std::uint8_t>() % 20);
  const std::uint8_t shape = in.take<std::uint8_t>();
  it.section = static_cast<std::uint16_t>(shape % 12);
  it.flags = shape >> 4 < 8 ? 1 : in.take<std::uint8_t>();
  it.first = in.take<std::uint8_t>() % 14;
  it.count = in.take<std::uint8_t>() % 14;
  it.imm = shape % 3 == 0 ? in.take<std::uint32_t>() : model::bench::bits_of(static_cast<float>(in.take<std::int8_t>()) / 32);
  it.ticks = std::uint64_t{in.take<std::uint8_t>()} * (shape % 2 == 0 ? 39 : 1);
  it.addr = model::bench::operands_at + 4u * in.take<std::uint8_t>();
  if (it.op == HB_OP_METER_SNAPSHOT || it.op == HB_OP_READBACK) it.addr += 0x10000, it.addr -= it.addr % 8;
  if (shape == 0xFF) it.addr = in.take<std::uint64_t>();
  return it;
}

}  // namespace
}  // namespace heatbath::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heatbath;
  static fuzz::Both chip;
  chip.restart();
  fuzz::Input in(data, size);
  std::vector<hb_instruction_t> program;
  std::uint32_t starts = 0;
  for (int operation = 0; operation < fuzz::most_operations && !in.empty(); ++operation) {
    switch (in.take<std::uint8_t>() % 10) {
      case 0: chip.read32(4 * in.below(HB_WINDOW_BYTES / 4 + 2)); break;
      case 1: chip.read32(in.take<std::uint32_t>()); break;
      case 2: {
        const std::uint32_t offset = 4 * in.below(HB_WINDOW_BYTES / 4);
        chip.write32(offset, in.take<std::uint32_t>());
        break;
      }
      case 3: {
        const std::uint64_t limit = in.take<std::uint16_t>() % fuzz::longest_wait;
        chip.both([&](Transport& link) { return link.wait_irq(limit); });
        break;
      }
      case 4:
      case 5:
      case 6:
        if (program.size() < fuzz::most_instructions) program.push_back(fuzz::instruction(in));
        break;
      case 7: {
        if (++starts > fuzz::most_starts) break;
        std::vector<hb_instruction_t> whole = program;
        whole.push_back(model::bench::op(HB_OP_HALT));
        chip.write_block(HB_MEMORY_BASE + model::bench::program_at, std::as_bytes(std::span(whole)));
        chip.write32(HB_PROGRAM_ADDR_LO_OFFSET, model::bench::program_at);
        chip.write32(HB_PROGRAM_COUNT_OFFSET, static_cast<std::uint32_t>(whole.size()));
        chip.write32(HB_CAPTURE_BASE_LO_OFFSET, model::bench::ring_at);
        chip.write32(HB_CAPTURE_SLOTS_OFFSET, 1 + in.take<std::uint8_t>() % 6);
        chip.write32(HB_INTR_ENABLE_OFFSET, in.take<std::uint8_t>() & 0x1F);
        chip.command(HB_COMMAND_OP_START);
        program.clear();
        break;
      }
      case 8: chip.command(in.take<std::uint8_t>() % 5); break;
      case 9: {
        const std::uint64_t at = model::bench::operands_at + 4u * in.take<std::uint8_t>();
        chip.write_block(HB_MEMORY_BASE + at, in.bytes(64));
        break;
      }
    }
  }
  chip.compare_states();
  return 0;
}
