#pragma once
// The DMA engine: moves blocks between device memory and memory of the host, in bursts, in explicit time.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "heatbath/status.h"

namespace heatbath::numerics {
class Archive;
}

namespace heatbath::model {

class Interrupts;
class RegisterFile;
struct Profile;

/// Memory of the host as the chip reaches it, by bus address. What lies behind answers at once; a memory that is slower
/// than the bus says by how many ticks.
class HostPort {
 public:
  struct Answer {
    bool ok = false;               ///< false: nothing answered, or the access was refused
    std::uint64_t late_ticks = 0;  ///< time beyond what the engine charges for the burst
  };
  virtual ~HostPort() = default;
  /// Fills `data` from host memory; writes it there. Called inside Chip::advance_to, at the end of a burst.
  virtual Answer read(std::uint64_t address, std::span<std::byte> data) = 0;
  virtual Answer write(std::uint64_t address, std::span<const std::byte> data) = 0;
};

/// One transfer at a time. A burst takes one tick, or with `timed` what [timing] of the profile says of the bus, at
/// least one; its data move in the instant at which it ends, after everything else of that instant. A transfer ends
/// with its last burst, at a burst that the host does not answer, or at the end of the burst in progress when it is
/// stopped; then DMA_DONE is raised. A reset forgets the burst in progress: it moves nothing.
class Dma {
 public:
  static constexpr std::uint64_t never = ~std::uint64_t{0};

  /// All references are borrowed. `memory` is device memory.
  Dma(const Profile& profile, bool timed, std::span<std::byte> memory, Interrupts& interrupts);

  /// Who answers; null: nobody, transfers end with HB_LINK.
  void attach(HostPort* host) { host_ = host; }

  /// A write of DMA_COMMAND at `now`: samples the registers. The result is code().
  void command(std::uint32_t op, const RegisterFile& registers, std::uint64_t now);
  void reset();
  /// The transfer under way at `tick`, or the next one, ends with HB_DEVICE.
  void fail_from(std::uint64_t tick) { fails_from_ = std::min(fails_from_, tick); }

  bool busy() const { return op_ != 0; }
  /// How the last command or transfer ended.
  hb_status_t code() const { return code_; }
  /// Bytes moved by the present or last transfer.
  std::uint32_t moved() const { return moved_; }

  /// End of the burst in progress; never when idle.
  std::uint64_t next_event() const { return due_; }
  /// Completes the burst that ends at next_event(), which is now.
  void finish_burst();

  /// The transfer under way. Memory of the host is the host's: its buffers must lie at the same addresses again.
  void exchange(numerics::Archive& archive);

 private:
  hb_status_t start(std::uint32_t op, const RegisterFile& registers, std::uint64_t now);
  void begin_burst(std::uint64_t now);
  void end(hb_status_t code);

  const Profile& profile_;
  const bool timed_;
  const std::span<std::byte> memory_;
  Interrupts& interrupts_;
  HostPort* host_ = nullptr;

  std::uint32_t op_ = 0;  // DMA_COMMAND.OP of the transfer in progress; 0: none
  std::uint64_t host_address_ = 0, device_offset_ = 0;
  std::uint32_t bytes_ = 0, burst_ = 0, moved_ = 0;
  std::uint64_t due_ = never;
  std::uint64_t fails_from_ = never;
  bool stopping_ = false;
  hb_status_t code_ = HB_OK;
};

}  // namespace heatbath::model
