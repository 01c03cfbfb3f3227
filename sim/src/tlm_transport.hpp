#pragma once
// The SystemC backend: the chip of this process behind its TLM-2.0 socket.

#include <cstdint>
#include <memory>
#include <functional>
#include <string>
#include <utility>

#include "heatbath/interruptible.hpp"
#include "heatbath/observable.hpp"
#include "heatbath/restorable.hpp"
#include "heatbath/transport.hpp"
#include "hw_model/systemc/host_bus.hpp"

namespace heatbath {

/// A link to the SystemC chip of this process. Loosely timed it costs what func: costs and lends device memory;
/// approximately timed, blocks cost bus time, too, and nothing is lent.
class TlmTransport final : public Transport, public Interruptible, public Restorable, public Observable {
 public:
  /// `memory_bytes`: size of device memory. `uri` is what info() reports. Throws Error(BAD_ARG) when the process has a
  /// SystemC chip of another configuration, Error(BUSY) while this one is open; std::invalid_argument as HostBus::open.
  TlmTransport(const systemc::HostChip& chip, std::uint64_t memory_bytes, std::string uri);

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
  std::vector<std::byte> save() override;
  /// Takes as much of simulated time as the saved device had run.
  void restore(std::span<const std::byte> saved) override;

 private:
  template <typename Access>
  auto timed(Access&& access);
  void check_block(std::uint64_t address, std::uint64_t size) const;

  std::unique_ptr<systemc::HostBus> bus_;
  std::uint64_t memory_bytes_;
  std::span<std::byte> memory_;  // lent; or empty
  LinkInfo info_;
  std::function<Wish()> wish_;
};

}  // namespace heatbath
