#pragma once
// Looking on at a served device while others have it.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "heatbath/transport.hpp"

namespace heatbath {

class RemoteTransport;

/// The read-only session of a server: identity, capabilities, registers and device memory (captures, programs, meter
/// snapshots) of a device in somebody else's hands. Nothing is read by an access, so the owner's bits and device time stay
/// what they are without it. As a Transport it reads; every write, and waiting, is Error(UNSUPPORTED). While nobody has the
/// device, registers are as power-on leaves them and memory is zero.
class View final : public Transport {
 public:
  /// `uri`: tcp://host:port, unix:/path or shm:/name, with token_file and link_timeout_ms. Throws Error: BAD_ARG (URI,
  /// token), LINK (nobody answers), BUSY (others look on already), UNSUPPORTED (nobody may), DEVICE (another protocol).
  explicit View(const std::string& uri);
  ~View() override;

  /// Whole registers, or bytes of device memory.
  struct Range {
    std::uint64_t address = 0;  ///< as in Transport
    std::uint32_t bytes = 0;
  };
  static constexpr std::size_t most_ranges = 64, most_bytes = 1 << 18;  ///< of one look
  /// What was there at one moment.
  struct Moment {
    std::uint64_t session = 0;                  ///< number of the session, from 1 on; 0: nobody has the device
    std::optional<std::uint64_t> ticks;         ///< device time
    std::vector<std::byte> bytes;               ///< of the ranges, one after the other
  };
  /// Looks, between two requests of the owner or in a pause of its waiting. Throws Error(BAD_ARG) for ranges that are too
  /// many, too large or nowhere, UNSUPPORTED for a device that cannot be looked at, LINK.
  Moment look(std::span<const Range> ranges);

  std::uint32_t read32(std::uint64_t address) override;
  void write32(std::uint64_t address, std::uint32_t value) override;
  void read_block(std::uint64_t address, std::span<std::byte> out) override;
  void write_block(std::uint64_t address, std::span<const std::byte> data) override;
  std::optional<std::span<std::byte>> map(std::uint64_t address, std::uint64_t size) override;
  bool wait_irq(std::uint64_t limit_ticks) override;
  LinkInfo info() const override;
  std::optional<std::uint64_t> device_ticks() const override;

 private:
  [[noreturn]] void refuse(const char* what) const;
  std::unique_ptr<RemoteTransport> server_;
  std::vector<std::byte> fixed_;  ///< registers that never change: identity and capabilities
};

}  // namespace heatbath
