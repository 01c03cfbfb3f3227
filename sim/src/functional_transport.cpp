#include "functional_transport.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

#include "heatbath/error.hpp"
#include "heatbath/regs.h"
#include "heatbath/topology.h"
#include "link/block_range.hpp"
#include "watched.hpp"

namespace heatbath {
namespace {

constexpr std::uint64_t last_tick = model::Chip::never - 1;

/// The register window is addressed with 32 bits; what lies beyond is as unmapped as the last word below 4 GiB.
std::uint32_t offset_of(std::uint64_t address) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(address, 0xFFFFFFFCu));
}

}  // namespace

FunctionalTransport::FunctionalTransport(const model::Profile& profile, const model::ChipOptions& options, std::string uri,
                                         const std::string& where)
    : chip_(profile, options) {
  info_.description = "functional emulator of the '" + profile.name + "' chip, " + where;
  info_.uri = std::move(uri);
  chip_.attach(&host_memory_);
}

/// At the end of all time it stands still.
void FunctionalTransport::let_a_tick_pass() {
  const std::uint64_t next = std::min(chip_.now(), last_tick - 1) + 1;
  watched(wish_, [&] { return chip_.advance_to(next); });
}

std::uint32_t FunctionalTransport::read32(std::uint64_t address) {
  let_a_tick_pass();
  return chip_.read32(offset_of(address));
}

void FunctionalTransport::write32(std::uint64_t address, std::uint32_t value) {
  let_a_tick_pass();
  chip_.write32(offset_of(address), value);
}

std::uint32_t FunctionalTransport::peek32(std::uint64_t address) { return chip_.peek32(offset_of(address)); }

std::span<std::byte> FunctionalTransport::window(std::uint64_t address, std::uint64_t size) {
  const std::span<std::byte> memory = chip_.memory();
  check_memory_block(address, size, memory.size(), chip_.now());
  return memory.subspan(address - HB_MEMORY_BASE, size);
}

void FunctionalTransport::read_block(std::uint64_t address, std::span<std::byte> out) {
  const std::uint64_t topology = chip_.topology_bytes(), list = hb_topology_address(topology);
  if (lies_in(address, out.size(), list, topology)) return chip_.read_topology(address - list, out);
  const std::span<std::byte> from = window(address, out.size());
  if (!out.empty()) std::memcpy(out.data(), from.data(), out.size());
}

void FunctionalTransport::write_block(std::uint64_t address, std::span<const std::byte> data) {
  const std::span<std::byte> to = window(address, data.size());
  if (!data.empty()) std::memcpy(to.data(), data.data(), data.size());
}

std::optional<std::span<std::byte>> FunctionalTransport::map(std::uint64_t address, std::uint64_t size) {
  return window(address, size);
}

bool FunctionalTransport::wait_irq(std::uint64_t limit_ticks) {
  if (chip_.interrupt()) return true;
  const std::uint64_t now = chip_.now();
  watched(wish_, [&] { return chip_.advance_to(now + std::min(limit_ticks, last_tick - now), true); });
  return chip_.interrupt();
}

std::optional<DmaBuffer> FunctionalTransport::dma_alloc(std::uint64_t bytes) {
  if (!chip_.profile().dma) return std::nullopt;
  const model::HostMemory::Buffer buffer = host_memory_.allot(bytes);
  return DmaBuffer{buffer.address, buffer.bytes};
}

void FunctionalTransport::dma_free(std::uint64_t address) { host_memory_.release(address); }

void FunctionalTransport::restore(std::span<const std::byte> saved) {
  try {
    chip_.restore(saved);
  } catch (const std::invalid_argument& wrong) {
    throw Error(HB_BAD_ARG, std::string("the saved device: ") + wrong.what());
  }
}

LinkInfo FunctionalTransport::info() const { return info_; }

std::optional<std::uint64_t> FunctionalTransport::device_ticks() const { return chip_.now(); }

}  // namespace heatbath
