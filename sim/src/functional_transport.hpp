#pragma once
// The functional backend: the chip in this process, time jumping from event to event.

#include <functional>
#include <string>
#include <utility>

#include "heatbath/interruptible.hpp"
#include "heatbath/observable.hpp"
#include "heatbath/restorable.hpp"
#include "heatbath/transport.hpp"
#include "hw_model/device/chip.hpp"
#include "hw_model/device/host_memory.hpp"

namespace heatbath {

/// A link to an emulated chip that it owns. Every register access lets one tick pass first; blocks and waiting cost
/// only the ticks waited; device memory is lent.
class FunctionalTransport final : public Transport, public Interruptible, public Restorable, public Observable {
 public:
  /// `uri` is what info() reports, `where` the place of the chip in its description.
  FunctionalTransport(const model::Profile& profile, const model::ChipOptions& options, std::string uri,
                      const std::string& where = "in process");

  std::uint32_t read32(std::uint64_t address) override;
  void write32(std::uint64_t address, std::uint32_t value) override;
  void read_block(std::uint64_t address, std::span<std::byte> out) override;
  void write_block(std::uint64_t address, std::span<const std::byte> data) override;
  std::optional<std::span<std::byte>> map(std::uint64_t address, std::uint64_t size) override;
  bool wait_irq(std::uint64_t limit_ticks) override;
  std::optional<DmaBuffer> dma_alloc(std::uint64_t bytes) override;
  void dma_free(std::uint64_t address) override;
  LinkInfo info() const override;
  std::optional<std::uint64_t> device_ticks() const override;
  void ask(std::function<Wish()> wish) override { wish_ = std::move(wish); }
  std::uint32_t peek32(std::uint64_t address) override;
  std::vector<std::byte> save() override { return chip_.save(); }
  void restore(std::span<const std::byte> saved) override;

 private:
  void let_a_tick_pass();
  std::span<std::byte> window(std::uint64_t address, std::uint64_t size);

  model::HostMemory host_memory_;
  model::Chip chip_;
  LinkInfo info_;
  std::function<Wish()> wish_;
};

}  // namespace heatbath
