// Digital front end in Verilog, analog array in the model: it answers a recorded session as the device did, and serves
// the driver as the device does.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "heatbath/open.hpp"
#include "heatbath/regs.h"
#include "hw_model/device/chip.hpp"
#include "tests/rtl/front_end.hpp"

namespace heatbath::rtl {
namespace {

std::uint32_t lanes_of(const std::string& profile) { return profile == "ideal" ? 4 : 1; }

/// The chip's model behind the register block.
class ChipHardware : public Hardware {
 public:
  explicit ChipHardware(const std::string& profile)
      : chip(model::load_profile(profile), {.cells = 8, .lanes = lanes_of(profile), .seed = 1, .threads = 1}),
        fresh_(model::load_profile(profile), {.cells = 8, .lanes = lanes_of(profile), .seed = 1, .threads = 1}) {
    FrontEnd::get().attach(*this);
  }
  std::uint32_t value(std::uint32_t offset) override { return chip.peek32(offset); }
  std::uint32_t reset_value(std::uint32_t offset) override { return fresh_.peek32(offset); }
  bool written(std::uint32_t offset, std::uint32_t data) override {
    chip.write32(offset, data);
    return offset == HB_COMMAND_OFFSET && (data & HB_COMMAND_OP_MASK) == HB_COMMAND_OP_RESET;
  }
  void repeated(std::uint32_t offset, std::uint32_t data) override { chip.write32(offset, data); }
  void refused() override { chip.count_access_error(); }
  bool corrects() const override { return true; }

  model::Chip chip;

 private:
  model::Chip fresh_;  // never written: what the registers of the profile reset to
};

/// A link to that chip: registers over AXI, one tick of device time for each access; memory behind the back of the
/// block.
class AxiTransport final : public Transport {
 public:
  explicit AxiTransport(const std::string& profile) : hardware_(profile) {}

  std::uint32_t read32(std::uint64_t address) override {
    pass();
    return FrontEnd::get().read(static_cast<std::uint32_t>(address)).data;
  }
  void write32(std::uint64_t address, std::uint32_t value) override {
    pass();
    FrontEnd::get().write(static_cast<std::uint32_t>(address), value);
  }
  void read_block(std::uint64_t address, std::span<std::byte> out) override {
    if (!out.empty()) std::memcpy(out.data(), memory(address, out.size()), out.size());
  }
  void write_block(std::uint64_t address, std::span<const std::byte> data) override {
    if (!data.empty()) std::memcpy(memory(address, data.size()), data.data(), data.size());
  }
  std::optional<std::span<std::byte>> map(std::uint64_t, std::uint64_t) override { return std::nullopt; }
  bool wait_irq(std::uint64_t limit) override {
    model::Chip& chip = hardware_.chip;
    if (!chip.interrupt()) chip.advance_to(chip.now() + std::min(limit, model::Chip::never - 1 - chip.now()), true);
    return chip.interrupt();
  }
  LinkInfo info() const override { return {"axi:", "register block in Verilog before the model"}; }

 private:
  void pass() { hardware_.chip.advance_to(hardware_.chip.now() + 1); }
  std::byte* memory(std::uint64_t address, std::size_t size) {
    return hardware_.chip.memory().subspan(address - HB_MEMORY_BASE, size).data();
  }

  ChipHardware hardware_;
};

/// One step of a session.
struct Access {
  enum class Kind { read, write, read_block, write_block, wait } kind;
  std::uint64_t address = 0;  // wait: the limit
  std::uint32_t value = 0;    // wait: whether an interrupt came
  std::vector<std::byte> data{};
};
using Session = std::vector<Access>;

/// Passes everything to another link and writes it down.
class Recorder final : public Transport {
 public:
  Recorder(Transport& to, Session& session) : to_(to), session_(session) {}

  std::uint32_t read32(std::uint64_t address) override {
    session_.push_back({Access::Kind::read, address, to_.read32(address)});
    return session_.back().value;
  }
  void write32(std::uint64_t address, std::uint32_t value) override {
    to_.write32(address, value);
    session_.push_back({Access::Kind::write, address, value});
  }
  void read_block(std::uint64_t address, std::span<std::byte> out) override {
    to_.read_block(address, out);
    session_.push_back({Access::Kind::read_block, address, 0, {out.begin(), out.end()}});
  }
  void write_block(std::uint64_t address, std::span<const std::byte> data) override {
    to_.write_block(address, data);
    session_.push_back({Access::Kind::write_block, address, 0, {data.begin(), data.end()}});
  }
  std::optional<std::span<std::byte>> map(std::uint64_t, std::uint64_t) override { return std::nullopt; }
  bool wait_irq(std::uint64_t limit) override {
    const bool came = to_.wait_irq(limit);
    session_.push_back({Access::Kind::wait, limit, came});
    return came;
  }
  LinkInfo info() const override { return to_.info(); }

 private:
  Transport& to_;
  Session& session_;
};

/// Every answer of the session must come again. Opens the link as open() does, so that the device is as old as it was
/// when the writing began.
void replay(const Session& session, Transport& link) {
  Session opening;
  const Device opened(std::make_unique<Recorder>(link, opening));
  std::size_t reads = 0;
  for (std::size_t n = 0; n < session.size(); ++n) {
    const Access& it = session[n];
    std::vector<std::byte> data(it.data.size());
    switch (it.kind) {
      case Access::Kind::read:
        ASSERT_EQ(link.read32(it.address), it.value) << "access " << n << ", register at " << std::hex << it.address;
        ++reads;
        break;
      case Access::Kind::write: link.write32(it.address, it.value); break;
      case Access::Kind::read_block:
        link.read_block(it.address, data);
        ASSERT_EQ(data, it.data) << "access " << n;
        break;
      case Access::Kind::write_block: link.write_block(it.address, it.data); break;
      case Access::Kind::wait: ASSERT_EQ(link.wait_irq(it.address), it.value != 0) << "access " << n; break;
    }
  }
  EXPECT_GT(reads, 100u) << "a session worth the name";
}

Program relaxation(const Device& device) {
  Program program(device.capabilities(), 4);
  program.load(CellSection::j2, 1).load(CellSection::j4, 1).load(CellSection::bias, 0.25f).load_temperature(0.5f);
  program.commit().capture_start(device.capture_period(device.ticks(0.1)));
  program.evolve(device.ticks(2)).capture_stop();
  return program;
}

std::vector<float> states(const Result& result, std::uint32_t shots) {
  std::vector<float> all;
  for (std::uint64_t record = 0; record < result.capture.records(); ++record)
    for (std::uint32_t shot = 0; shot < shots; ++shot) {
      const auto state = result.capture.state(shot, record);
      all.insert(all.end(), state.begin(), state.end());
    }
  return all;
}

/// A job, wrong accesses, a repeated command, interrupts, a reset, and another job: on func:, written down.
Session recorded(const std::string& profile, std::uint32_t shots) {
  Session session;
  Device below = open("func:profile=" + profile + "&cells=8&lanes=" + std::to_string(lanes_of(profile)) +
                      "&threads=1");
  Device device(std::make_unique<Recorder>(below.transport(), session));
  EXPECT_FALSE(states(device.run(relaxation(device), {.shots = shots}), shots).empty());
  Transport& link = device.transport();
  link.write32(HB_ID_OFFSET, 1);
  link.read32(HB_ID_OFFSET + 2);
  link.write32(HB_RAIL_CELL_OFFSET + 4, 1);
  link.write32(HB_CAPTURE_TAIL_OFFSET, 0x7FFFFFFF);
  link.write32(HB_DT_TICKS_OFFSET, 0);
  link.write32(HB_COMMAND_OFFSET, link.read32(HB_COMMAND_OFFSET));
  link.write32(HB_INTR_ENABLE_OFFSET, 0xFFFFFFFF);
  const std::uint32_t number = ((link.read32(HB_INTR_TEST_OFFSET) >> 16) + 1) << 16;
  link.write32(HB_INTR_TEST_OFFSET, number | HB_INTR_STATE_PROGRAM_MASK);
  link.wait_irq(10);
  link.write32(HB_INTR_TEST_OFFSET, number | HB_INTR_STATE_FAULT_MASK);
  const auto read_all = [&] {
    for (std::uint32_t offset = 0; offset < HB_RAIL_CELL_OFFSET + 8; offset += 4) link.read32(offset);
  };
  read_all();
  device.reset();
  read_all();
  EXPECT_FALSE(states(device.run(relaxation(device), {.shots = shots}), shots).empty());
  read_all();
  return session;
}

TEST(RegisterBlockSession, ARecordedSessionReplaysAsAxiVectors) {
  const Session session = recorded("ideal", 6);
  AxiTransport link("ideal");
  replay(session, link);
}

TEST(RegisterBlockSession, TheDriverRunsAJobOverTheRegisterBlock) {
  Device func = open("func:profile=ideal&cells=8&lanes=4&threads=1");
  Device axi(std::make_unique<AxiTransport>("ideal"));
  const JobOptions options{.shots = 10, .seed = 3};
  const auto expected = states(func.run(relaxation(func), options), 10);
  ASSERT_FALSE(expected.empty());
  EXPECT_EQ(states(axi.run(relaxation(axi), options), 10), expected);
}

TEST(RegisterBlockSession, APartThatHidesItsStepReplaysToo) {
  const Session session = recorded("silicon", 1);
  AxiTransport link("silicon");
  replay(session, link);
}

}  // namespace
}  // namespace heatbath::rtl
