#include "rtl_transport.hpp"

#include <Vheatbath_chip.h>
#include <Vheatbath_chip___024root.h>
#include <verilated.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "heatbath/error.hpp"
#include "heatbath/regs.h"
#include "link/block_range.hpp"
#include "rtl_chip.hpp"

namespace heatbath {
namespace {

constexpr std::uint64_t last_tick = std::numeric_limits<std::uint64_t>::max() - 1;
/// An access that takes longer is not answered.
constexpr unsigned patience = 1u << 16;
/// Ticks between two questions for the host's wish: 64 sweeps.
constexpr std::uint64_t stretch = 64 * 4096;

}  // namespace

struct RtlTransport::Simulation {
  VerilatedContext context;
  Vheatbath_chip top{&context, "chip"};
  std::uint64_t clocks = 0;

  void clock() {
    top.aclk = 0;
    top.eval();
    top.aclk = 1;
    top.eval();
    ++clocks;
  }

  template <class Happened>
  void until(Happened&& happened) {
    for (unsigned n = 0; !happened(); ++n) {
      if (n == patience) throw Error(HB_DEVICE, "the simulated chip does not answer on its bus", top.device_time);
      clock();
    }
  }

  std::span<std::byte> memory() {
    auto& words = top.rootp->heatbath_chip__DOT__memory__DOT__words;
    return std::as_writable_bytes(std::span(words.m_storage));
  }
};

RtlTransport::RtlTransport(std::uint32_t cells, std::uint64_t seed, std::uint64_t serial, std::string uri)
    : chip_(std::make_unique<Simulation>()) {
  info_.description = "p-bit chip in Verilog, verilated, in process";
  info_.uri = std::move(uri);
  Vheatbath_chip& top = chip_->top;
  top.cells = static_cast<std::uint8_t>(cells);
  top.part_seed = seed;
  top.serial = serial;
  top.advance = 0;
  top.s_axi_awvalid = top.s_axi_wvalid = top.s_axi_arvalid = top.s_axi_bready = top.s_axi_rready = 0;
  top.aresetn = 0;
  for (int n = 0; n < 4; ++n) chip_->clock();
  top.aresetn = 1;
  chip_->clock();
}

RtlTransport::~RtlTransport() { chip_->top.final(); }

/// Everything up to and including this tick, in stretches between which the host may stop it.
void RtlTransport::advance_to(std::uint64_t time, bool stop_at_interrupt) {
  Vheatbath_chip& top = chip_->top;
  while (true) {
    top.time_limit = std::min(time, top.device_time + std::min(stretch, last_tick - top.device_time));
    top.stop_at_interrupt = stop_at_interrupt;
    top.advance = 1;
    chip_->clock();
    top.advance = 0;
    top.eval();
    while (!top.settled) chip_->clock();
    if (top.device_time >= time || (stop_at_interrupt && top.irq)) return;
    if (wish_ && wish_() != Wish::go_on) return;
  }
}

std::uint32_t RtlTransport::bus_read(std::uint32_t address, bool* okay) {
  Vheatbath_chip& top = chip_->top;
  top.s_axi_araddr = address;
  top.s_axi_arvalid = 1;
  top.eval();
  chip_->until([&] { return top.s_axi_arready != 0; });
  chip_->clock();
  top.s_axi_arvalid = 0;
  top.s_axi_rready = 1;
  chip_->until([&] { return top.s_axi_rvalid != 0; });
  const std::uint32_t value = top.s_axi_rdata;
  if (okay) *okay = top.s_axi_rresp == 0;
  chip_->clock();
  top.s_axi_rready = 0;
  chip_->until([&] { return top.idle && top.settled; });
  return value;
}

void RtlTransport::bus_write(std::uint32_t address, std::uint32_t value, unsigned strobes, bool* okay) {
  Vheatbath_chip& top = chip_->top;
  top.s_axi_awaddr = address;
  top.s_axi_wdata = value;
  top.s_axi_wstrb = static_cast<std::uint8_t>(strobes);
  top.s_axi_awvalid = top.s_axi_wvalid = 1;
  top.eval();
  chip_->until([&] { return top.s_axi_awready && top.s_axi_wready; });
  chip_->clock();
  top.s_axi_awvalid = top.s_axi_wvalid = 0;
  top.s_axi_bready = 1;
  chip_->until([&] { return top.s_axi_bvalid != 0; });
  if (okay) *okay = top.s_axi_bresp == 0;
  chip_->clock();
  top.s_axi_bready = 0;
  chip_->until([&] { return top.idle && top.settled; });
}

namespace {

/// Registers are addressed with 32 bits, below device memory; what lies beyond is as unmapped as the last word there.
std::uint32_t register_address(std::uint64_t address) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(address, HB_MEMORY_BASE - 4));
}

}  // namespace

std::uint32_t RtlTransport::read32(std::uint64_t address) {
  advance_to(std::min(chip_->top.device_time, last_tick - 1) + 1, false);
  return bus_read(register_address(address));
}

void RtlTransport::write32(std::uint64_t address, std::uint32_t value) {
  advance_to(std::min(chip_->top.device_time, last_tick - 1) + 1, false);
  bus_write(register_address(address), value);
}

void RtlTransport::read_block(std::uint64_t address, std::span<std::byte> out) {
  check_memory_block(address, out.size(), chip_->memory().size(), chip_->top.device_time);
  if (!out.empty()) std::memcpy(out.data(), chip_->memory().data() + (address - HB_MEMORY_BASE), out.size());
}

void RtlTransport::write_block(std::uint64_t address, std::span<const std::byte> data) {
  check_memory_block(address, data.size(), chip_->memory().size(), chip_->top.device_time);
  if (!data.empty()) std::memcpy(chip_->memory().data() + (address - HB_MEMORY_BASE), data.data(), data.size());
}

std::optional<std::span<std::byte>> RtlTransport::map(std::uint64_t address, std::uint64_t size) {
  check_memory_block(address, size, chip_->memory().size(), chip_->top.device_time);
  return chip_->memory().subspan(address - HB_MEMORY_BASE, size);
}

bool RtlTransport::wait_irq(std::uint64_t limit_ticks) {
  if (chip_->top.irq) return true;
  const std::uint64_t now = chip_->top.device_time;
  advance_to(now + std::min(limit_ticks, last_tick - now), true);
  return chip_->top.irq != 0;
}

LinkInfo RtlTransport::info() const { return info_; }
std::optional<std::uint64_t> RtlTransport::device_ticks() const { return chip_->top.device_time; }
std::uint64_t RtlTransport::clocks() const { return chip_->clocks; }

}  // namespace heatbath

heatbath::Transport* heatbath_open_rtl(const heatbath::RtlChip& chip) {
  return new heatbath::RtlTransport(chip.cells, chip.seed, chip.serial, chip.uri);
}
