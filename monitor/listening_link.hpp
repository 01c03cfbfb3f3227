#pragma once
// A link whose interrupts are heard: those that its host finds pending and acknowledges.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "heatbath/interruptible.hpp"
#include "heatbath/transport.hpp"
#include "monitor/interrupt_log.hpp"

namespace heatbath::monitor {

/// Passes every call on and adds none, so the device does what it does without it. An interrupt is noted when the host
/// clears it, which a driver does with each that it finds.
class ListeningLink final : public Transport, public Interruptible {
 public:
  /// `log` outlives the link and is changed in the thread that owns the link, only.
  ListeningLink(std::unique_ptr<Transport> device, InterruptLog& log);

  std::uint32_t read32(std::uint64_t address) override;
  void write32(std::uint64_t address, std::uint32_t value) override;
  void read_block(std::uint64_t address, std::span<std::byte> out) override { device_->read_block(address, out); }
  void write_block(std::uint64_t address, std::span<const std::byte> data) override { device_->write_block(address, data); }
  std::optional<std::span<std::byte>> map(std::uint64_t address, std::uint64_t size) override { return device_->map(address, size); }
  bool wait_irq(std::uint64_t limit_ticks) override { return device_->wait_irq(limit_ticks); }
  std::optional<DmaBuffer> dma_alloc(std::uint64_t bytes) override { return device_->dma_alloc(bytes); }
  void dma_free(std::uint64_t address) override { device_->dma_free(address); }
  std::optional<std::uint64_t> device_ticks() const override { return device_->device_ticks(); }
  LinkInfo info() const override { return device_->info(); }
  void ask(std::function<Wish()> wish) override;

 private:
  std::unique_ptr<Transport> device_;
  Interruptible* interruptible_;
  InterruptLog& log_;
  std::uint32_t pending_ = 0;
};

}  // namespace heatbath::monitor
