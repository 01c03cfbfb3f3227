#include "tlm_transport.hpp"

#include <cstring>
#include <stdexcept>
#include <utility>

#include "heatbath/error.hpp"
#include "heatbath/regs.h"
#include "heatbath/topology.h"
#include "link/block_range.hpp"
#include "tlm_chip.hpp"
#include "watched.hpp"

namespace heatbath {
namespace {

/// A byte address that is a register's stays below the other windows: what lies beyond is unmapped, wherever it is.
std::uint64_t register_address(std::uint64_t address) {
  return address < HB_TOPOLOGY_BASE ? address : HB_TOPOLOGY_BASE - 4;
}

std::unique_ptr<systemc::HostBus> open_bus(const systemc::HostChip& chip) {
  try {
    return systemc::HostBus::open(chip);
  } catch (const systemc::HostBus::Busy& busy) {
    throw Error(HB_BUSY, std::string("device URI: ") + busy.what() + "; close it first, or use func:");
  } catch (const systemc::HostBus::Taken& taken) {
    throw Error(HB_BAD_ARG,
                std::string("device URI: ") + taken.what() +
                    "; use func: for several devices in one process, or unix: for a chip in another process");
  } catch (const std::out_of_range& over) {
    throw Error(HB_BAD_ARG, std::string("device URI: ") + over.what());
  }
}

}  // namespace

TlmTransport::TlmTransport(const systemc::HostChip& chip, std::uint64_t memory_bytes, std::string uri)
    : bus_(open_bus(chip)), memory_bytes_(memory_bytes), memory_(bus_->memory()) {
  info_.description = "SystemC model of the '" + chip.profile + "' chip, in process, " +
                      (chip.approximate ? "approximately" : "loosely") + " timed";
  info_.uri = std::move(uri);
}

/// Runs access(); where simulated time is used up, the device does not answer any more.
template <typename Access>
auto TlmTransport::timed(Access&& access) {
  try {
    return watched(wish_, access);
  } catch (const std::out_of_range& error) {
    throw Error(HB_BAD_ARG, error.what(), bus_->ticks());
  }
}

std::uint32_t TlmTransport::read32(std::uint64_t address) {
  return timed([&] { return bus_->read32(register_address(address)); });
}
void TlmTransport::write32(std::uint64_t address, std::uint32_t value) {
  timed([&] { bus_->write32(register_address(address), value); });
}

std::uint32_t TlmTransport::peek32(std::uint64_t address) { return bus_->peek32(register_address(address)); }

void TlmTransport::check_block(std::uint64_t address, std::uint64_t size) const {
  check_memory_block(address, size, memory_bytes_, bus_->ticks());
}

void TlmTransport::read_block(std::uint64_t address, std::span<std::byte> out) {
  const bool couplers = lies_in(address, out.size(), hb_topology_address(bus_->topology_bytes()), bus_->topology_bytes());
  if (!couplers) check_block(address, out.size());
  if (couplers || memory_.empty()) {
    timed([&] { bus_->read(address, out); });
  } else if (!out.empty()) {
    std::memcpy(out.data(), memory_.data() + (address - HB_MEMORY_BASE), out.size());
  }
}

void TlmTransport::write_block(std::uint64_t address, std::span<const std::byte> data) {
  check_block(address, data.size());
  if (memory_.empty()) {
    timed([&] { bus_->write(address, data); });
  } else if (!data.empty()) {
    std::memcpy(memory_.data() + (address - HB_MEMORY_BASE), data.data(), data.size());
  }
}

std::optional<std::span<std::byte>> TlmTransport::map(std::uint64_t address, std::uint64_t size) {
  check_block(address, size);
  if (memory_.empty()) return std::nullopt;
  return memory_.subspan(address - HB_MEMORY_BASE, size);
}

bool TlmTransport::wait_irq(std::uint64_t limit_ticks) {
  return timed([&] { return bus_->wait_irq(limit_ticks); });
}

std::optional<DmaBuffer> TlmTransport::dma_alloc(std::uint64_t bytes) {
  const std::optional<systemc::HostBus::Buffer> buffer = bus_->dma_alloc(bytes);
  if (!buffer) return std::nullopt;
  return DmaBuffer{buffer->address, buffer->bytes};
}

void TlmTransport::dma_free(std::uint64_t address) { bus_->dma_free(address); }

std::vector<std::byte> TlmTransport::save() {
  return timed([&] { return bus_->save(); });
}

void TlmTransport::restore(std::span<const std::byte> saved) {
  try {
    timed([&] { bus_->restore(saved); });
  } catch (const std::invalid_argument& wrong) {
    throw Error(HB_BAD_ARG, std::string("the saved device: ") + wrong.what());
  }
}

LinkInfo TlmTransport::info() const { return info_; }

std::optional<std::uint64_t> TlmTransport::device_ticks() const { return bus_->ticks(); }

}  // namespace heatbath

extern "C" heatbath::Transport* heatbath_open_tlm(const heatbath::TlmChip& chip) {
  const heatbath::systemc::HostChip host{chip.profile,      chip.options.cells,   chip.options.lanes,
                                         chip.options.seed, chip.options.threads, chip.approximate,
                                         chip.choices};
  return new heatbath::TlmTransport(host, chip.memory_bytes, chip.uri);
}
