#pragma once
// The one SystemC chip of a process, as an ordinary thread reaches it. This header needs no SystemC.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace heatbath::systemc {

/// What the chip of the process is: see ChipConfig.
struct HostChip {
  std::string profile = "ideal";
  std::uint32_t cells = 0, lanes = 0;
  std::uint64_t seed = 1;
  unsigned threads = 0;
  bool approximate = false;  ///< approximately timed; else loosely
  std::map<std::string, std::string, std::less<>> choices = {};  ///< beside the profile: see ChipConfig
  bool operator==(const HostChip&) const = default;
};

/// A bus master without threads: every call runs the simulation as far as it needs, in the caller's thread, and
/// returns. Loosely timed, register accesses go through b_transport, run at most a quantum ahead of simulated time (a
/// thousand accesses), and memory is lent. Approximately timed, every access takes four phases of simulated time.
///
/// Simulated time, 2^64 ps in all, is never given back. Where too little is left every call throws std::out_of_range,
/// at once and in one line.
///
/// SystemC elaborates once per process, so there is one chip: it is built by the first open() and kept to the end of
/// the process.
class HostBus {
 public:
  /// The chip of this process is open.
  struct Busy : std::logic_error {
    using std::logic_error::logic_error;
  };
  /// The process has a chip of another configuration, or a simulation without one.
  struct Taken : std::logic_error {
    using std::logic_error::logic_error;
  };

  /// The chip of this process, after a reset when it was opened before: RESET as the register map has it, so memory and
  /// RESET_COUNT stay. Throws std::invalid_argument when the profile or size is wrong; Busy or Taken, in one line, and
  /// then nothing was done.
  static std::unique_ptr<HostBus> open(const HostChip& chip);
  ~HostBus();
  HostBus(const HostBus&) = delete;
  HostBus& operator=(const HostBus&) = delete;

  /// One register access. Wrong ones read 0 and count in ERR_ACCESS.
  std::uint32_t read32(std::uint64_t address);
  void write32(std::uint64_t address, std::uint32_t value);
  /// A register over transport_dbg, without time: as far as the chip has come. 0 where there is none.
  std::uint32_t peek32(std::uint64_t address);

  /// Bytes of the topology window; 0 where the topology is dense.
  std::size_t topology_bytes() const;

  /// Device memory from HB_MEMORY_BASE, and reading the topology window. The caller keeps inside of them.
  void read(std::uint64_t address, std::span<std::byte> out);
  void write(std::uint64_t address, std::span<const std::byte> data);
  /// All of device memory, lent; empty where every access has its time (approximately timed).
  std::span<std::byte> memory();

  /// Host memory behind the initiator socket of the chip, at a bus address of its own.
  struct Buffer {
    std::uint64_t address = 0;
    std::span<std::byte> bytes;
  };
  /// A zero-filled buffer, or nothing where the profile has no DMA. Valid until dma_free or the end of this object.
  std::optional<Buffer> dma_alloc(std::uint64_t bytes);
  void dma_free(std::uint64_t address);

  /// Runs the simulation until irq is high or `limit_ticks` have passed; at once when it is high. True when it is.
  /// Throws std::out_of_range when the limit lies beyond the end of simulated time (2^64 ps).
  bool wait_irq(std::uint64_t limit_ticks);

  /// Device time in ticks since reset.
  std::uint64_t ticks() const;

  /// The chip at the master's time, as model::Chip::save() and restore(). Restoring takes as much of simulated time as
  /// the saved chip had run since its reset, where less has passed. Throws std::out_of_range when that is not left.
  std::vector<std::byte> save();
  void restore(std::span<const std::byte> saved);

 private:
  HostBus();
};

}  // namespace heatbath::systemc
