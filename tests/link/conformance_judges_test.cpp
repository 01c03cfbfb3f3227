// The conformance claims break on devices that break them: each fault here is one that a board could have.
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <memory>
#include <string>

#include "heatbath/conformance.hpp"
#include "heatbath/program.h"
#include "heatbath/regs.h"
#include "sim/src/open_transport.hpp"

namespace heatbath {
namespace {

/// A good device behind a link with a fault.
class Faulty : public Transport {
 public:
  std::function<std::uint32_t(std::uint64_t, std::uint32_t)> on_read = [](std::uint64_t, std::uint32_t value) { return value; };
  std::function<bool(std::uint64_t, std::uint32_t&)> on_write = [](std::uint64_t, std::uint32_t&) { return true; };
  std::function<void(std::uint64_t, std::span<std::byte>)> on_block = [](std::uint64_t, std::span<std::byte>) {};
  std::function<bool(bool)> on_wait = [](bool pending) { return pending; };

  std::uint32_t read32(std::uint64_t address) override { return on_read(address, device_->read32(address)); }
  void write32(std::uint64_t address, std::uint32_t value) override {
    if (on_write(address, value)) device_->write32(address, value);
  }
  void read_block(std::uint64_t address, std::span<std::byte> out) override {
    device_->read_block(address, out);
    on_block(address, out);
  }
  void write_block(std::uint64_t address, std::span<const std::byte> data) override { device_->write_block(address, data); }
  std::optional<std::span<std::byte>> map(std::uint64_t, std::uint64_t) override { return std::nullopt; }
  bool wait_irq(std::uint64_t limit) override { return on_wait(device_->wait_irq(limit)); }
  LinkInfo info() const override { return device_->info(); }

 private:
  std::unique_ptr<Transport> device_ = open_transport("func:cells=64&lanes=4&threads=1");
};

bool statistical(const conformance::Claim& claim) {
  return std::strstr(claim.name, "-cells") != nullptr || std::strstr(claim.name, "statistics.") == claim.name;
}

std::string broken_by(const std::function<void(Faulty&)>& spoil) {
  auto link = std::make_unique<Faulty>();
  Faulty* faulty = link.get();
  Device device(std::move(link));
  spoil(*faulty);
  std::string broken;
  for (const conformance::Claim& claim : conformance::claims()) {
    // The statistics take longest and have a fault of their own below.
    if (statistical(claim)) continue;
    if (conformance::check(claim, device).kind == conformance::Verdict::Kind::broken) broken.append(claim.name).append(",");
  }
  return broken;
}

void expect_breaks(const char* claim, const std::function<void(Faulty&)>& spoil) {
  const std::string broken = broken_by(spoil);
  EXPECT_NE(broken.find(std::string(claim).append(",")), std::string::npos) << "broken: " << broken;
}

TEST(ConformanceJudges, AGoodLinkKeepsEveryClaim) {
  EXPECT_EQ(broken_by([](Faulty&) {}), "");
}

TEST(ConformanceJudges, FaultsOfRegisters) {
  const auto reads = [](std::uint32_t offset, std::uint32_t value) {
    return [=](Faulty& link) {
      link.on_read = [=](std::uint64_t address, std::uint32_t good) { return address == offset ? value : good; };
    };
  };
  expect_breaks("identity", [](Faulty& link) {
    link.on_read = [](std::uint64_t address, std::uint32_t value) { return address == HB_SCRATCH_OFFSET ? value & ~4u : value; };
  });
  expect_breaks("reset-values", reads(HB_CAPTURE_WATERMARK_OFFSET, 9));
  expect_breaks("read-write", reads(HB_JOB_SHOT0_OFFSET, 0));
  expect_breaks("read-only", reads(HB_ERR_ACCESS_OFFSET, 3));
  expect_breaks("unmapped", reads(0xF00, 1));
  expect_breaks("commands", reads(HB_ERR_SEQUENCE_OFFSET, 0));
  expect_breaks("time", reads(HB_TIME_LO_OFFSET, 500));
  expect_breaks("programs", reads(HB_INTR_TAG_OFFSET, 1));
  expect_breaks("refusals", reads(HB_FAULT_FIELD_OFFSET, 0));
  expect_breaks("ring-wraps", reads(HB_CAPTURE_RECORD_BYTES_OFFSET, 128));
  expect_breaks("clipping", reads(HB_CLIP_COUNT_OFFSET, 0));
}

TEST(ConformanceJudges, FaultsOfInterruptsAndStops) {
  expect_breaks("interrupts", [](Faulty& link) { link.on_wait = [](bool) { return true; }; });
  expect_breaks("interrupts", [](Faulty& link) {
    link.on_write = [](std::uint64_t address, std::uint32_t& value) {
      if (address == HB_INTR_ACK_OFFSET) value |= HB_INTR_ACK_MASK_MASK;  // acknowledges everything
      return true;
    };
  });
  const auto without = [](std::uint32_t op) {
    return [=](Faulty& link) {
      link.on_write = [=](std::uint64_t address, std::uint32_t& value) {
        if (address == HB_COMMAND_OFFSET && (value & HB_COMMAND_OP_MASK) == op) value &= ~HB_COMMAND_OP_MASK;
        return true;
      };
    };
  };
  expect_breaks("abort", without(HB_COMMAND_OP_ABORT));
  expect_breaks("timeout", without(HB_COMMAND_OP_ABORT));
  expect_breaks("reset-in-run", without(HB_COMMAND_OP_RESET));
  expect_breaks("programs", without(HB_COMMAND_OP_START));
}

TEST(ConformanceJudges, FaultsOfMemory) {
  expect_breaks("memory", [](Faulty& link) {
    link.on_block = [](std::uint64_t, std::span<std::byte> out) {
      if (out.size() > 70000) out[65537] ^= std::byte{1};
    };
  });
  expect_breaks("determinism", [](Faulty& link) {
    link.on_block = [count = 0](std::uint64_t, std::span<std::byte> out) mutable {
      if (out.size() >= 64) out[40] ^= static_cast<std::byte>(++count % 2);
    };
  });
}

TEST(ConformanceJudges, AWrongTemperature) {
  auto link = std::make_unique<Faulty>();
  Faulty* faulty = link.get();
  Device device(std::move(link));
  // Captured states ten per cent too large: a variance a fifth too large. So is the work in snapshots of four lanes.
  faulty->on_block = [](std::uint64_t address, std::span<std::byte> out) {
    if (out.size() == 4 * sizeof(hb_meters_t))
      for (std::size_t lane = 0; lane < 4; ++lane) {
        hb_meters_t meters;
        std::memcpy(&meters, out.data() + lane * sizeof meters, sizeof meters);
        meters.work *= 1.1;
        std::memcpy(out.data() + lane * sizeof meters, &meters, sizeof meters);
      }
    if (out.size() < 1000) return;
    for (std::size_t at = 32; at + 4 <= out.size(); at += 4) {
      float value;
      std::memcpy(&value, out.data() + at, 4);
      value *= 1.1f;
      std::memcpy(out.data() + at, &value, 4);
    }
    static_cast<void>(address);
  };
  int judged = 0;
  for (const conformance::Claim& claim : conformance::claims()) {
    if (!statistical(claim)) continue;
    const conformance::Verdict verdict = conformance::check(claim, device);
    if (verdict.kind == conformance::Verdict::Kind::skipped) continue;
    EXPECT_EQ(verdict.kind, conformance::Verdict::Kind::broken) << claim.name;
    ++judged;
  }
  EXPECT_EQ(judged, 6);
}

}  // namespace
}  // namespace heatbath
