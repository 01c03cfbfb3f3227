#pragma once
// The chip in Verilog (hw_model/rtl), simulated in this process.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "heatbath/interruptible.hpp"
#include "heatbath/transport.hpp"

namespace heatbath {

/// A link to a verilated chip that it owns: registers by AXI4-Lite, device memory lent. It is asked for time as func:
/// is: a register access lets one tick pass first, waiting costs the ticks waited. What a tick takes in clocks is the
/// chip's affair.
class RtlTransport final : public Transport, public Interruptible {
 public:
  /// A part with so many cells (1..64), noise of its own by `seed`, and a serial number. `uri` is what info() reports.
  RtlTransport(std::uint32_t cells, std::uint64_t seed, std::uint64_t serial, std::string uri);
  ~RtlTransport() override;

  /// Throws Error(DEVICE) when the chip does not answer within 2^16 clocks of its own.
  std::uint32_t read32(std::uint64_t address) override;
  void write32(std::uint64_t address, std::uint32_t value) override;
  void read_block(std::uint64_t address, std::span<std::byte> out) override;
  void write_block(std::uint64_t address, std::span<const std::byte> data) override;
  std::optional<std::span<std::byte>> map(std::uint64_t address, std::uint64_t size) override;
  bool wait_irq(std::uint64_t limit_ticks) override;
  LinkInfo info() const override;
  std::optional<std::uint64_t> device_ticks() const override;
  void ask(std::function<Wish()> wish) override { wish_ = std::move(wish); }

  /// Clocks since power-on.
  std::uint64_t clocks() const;
  /// A word at an address of the AXI4-Lite port, without letting time pass: registers, and device memory as a bus
  /// master sees it. `okay`, where given, becomes whether the answer was OKAY.
  std::uint32_t bus_read(std::uint32_t address, bool* okay = nullptr);
  void bus_write(std::uint32_t address, std::uint32_t value, unsigned strobes = 0xF, bool* okay = nullptr);

 private:
  struct Simulation;

  void advance_to(std::uint64_t time, bool stop_at_interrupt);

  std::unique_ptr<Simulation> chip_;
  LinkInfo info_;
  std::function<Wish()> wish_;
};

}  // namespace heatbath
