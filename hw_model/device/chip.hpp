#pragma once
// The chip: registers, device memory, sequencer, capture ring, interrupts and the array, with explicit time.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "heatbath/status.h"
#include "hw_model/device/dma.hpp"
#include "hw_model/device/profile.hpp"
#include "hw_model/device/sequencer.hpp"

namespace heatbath::model {

/// Options for running the emulated chip; not visible to host software.
struct ChipOptions {
  std::uint32_t cells = 0;    ///< 0: the profile's default; at most cells_max, and what a sparse topology has
  std::uint32_t lanes = 0;    ///< 0: the profile's default; at most lanes_max
  std::uint64_t seed = 1;     ///< the part's own noise: key of unseeded jobs and of free running
  unsigned threads = 0;       ///< 0: one per processor
  int memory_file = -1;       ///< device memory is this file's from memory_offset on, shared; -1: the chip's own
  std::uint64_t memory_offset = 0;
  ArrayMaker make_array = {};  ///< empty: arrays are whole and in this process
  bool timed = false;         ///< instructions cost what [timing] of the profile says, beside their durations
};

/// An emulated chip. No threads of its own beyond the array's, no clock: device time advances only in advance_to, and
/// results do not depend on how it is cut. Register semantics never throw: wrong accesses are counted in ERR_ACCESS.
/// When START and ABORT act, what a job finds in the array and where its noise lies: hw_model/device/sequencer.hpp.
/// Both the functional backend and the SystemC model are views of this class.
class Chip {
 public:
  static constexpr std::uint64_t never = ~std::uint64_t{0};

  /// Throws std::invalid_argument in one line when cells or lanes exceed the profile.
  Chip(const Profile& profile, const ChipOptions& options = {});
  ~Chip();

  const Profile& profile() const;

  /// Register access at the present time; does not advance it.
  std::uint32_t read32(std::uint32_t offset) const;
  void write32(std::uint32_t offset, std::uint32_t value);
  /// What read32 would return, or 0 where there is no register; counts nothing.
  std::uint32_t peek32(std::uint32_t offset) const;
  /// Counts an access that was refused before it reached a register.
  void count_access_error();

  /// Device memory. Stable for the life of the chip; changed by the chip only inside advance_to.
  std::span<std::byte> memory();

  /// The topology window: pairs of little-endian uint32, one for each coupler, and the couplings that the graph came
  /// with; empty where the topology is dense. Its bytes from `first` on, made as they are read; `out` ends inside of it.
  std::uint64_t topology_bytes() const;
  void read_topology(std::uint64_t first, std::span<std::byte> out) const;

  /// Device time in ticks since reset.
  std::uint64_t now() const;
  /// Time of the next instant at which something a host could see happens by itself (a program's next instruction,
  /// capture, interrupt, a DMA burst); `never` when idle, free-running or not, and while the array waits for room in
  /// the ring. Always >= now().
  std::uint64_t next_event() const;
  /// Earliest time at which an enabled interrupt may become pending by itself: next_event(), but past the records that
  /// raise none. A lower bound; `never` as for next_event.
  std::uint64_t next_interrupt() const;
  /// Advances device time to `time` (>= now()); every instant up to and including it is complete afterwards. Order at
  /// one instant: step ends, sample, meter, parameter change, interrupt, next step. Returns early, at the instant of
  /// the event, when an enabled interrupt is pending and `stop_at_interrupt` is set; now() tells where.
  /// False when it came back because a numerics::WorkWatch of this thread was asked to stop: within about 0.2 s, unless
  /// a single step takes longer. Nothing is lost: an ABORT that is written then acts before anything else, and without
  /// one the next call goes on, to the same bits, ticks and meters.
  bool advance_to(std::uint64_t time, bool stop_at_interrupt = false);

  /// INTR_STATE & INTR_ENABLE.
  bool interrupt() const;

  /// Who answers the DMA engine (CAPS.DMA); borrowed, null: nobody, and transfers end with HB_LINK.
  void attach(HostPort* host);
  /// Time of the next burst of the DMA engine, at which memory of the host changes or is read; `never` when it is idle.
  std::uint64_t next_burst() const;

  // -- checkpoints -----------------------------------------------------------------------------------------------
  /// Everything that changes, in one piece of bytes (docs/checkpoints.md): a chip that restores it goes on with the
  /// same bits, whatever its threads and its instruction set. The chip stays as it is.
  std::vector<std::byte> save() const;
  /// Puts the chip where another of the same profile, size, seed and timing was. Memory of the host behind the DMA
  /// engine, and the observer, are not part of it. Throws std::invalid_argument in one line that says what is wrong
  /// with the bytes; nothing was done then, or, where they have the right checksum but contents that no chip wrote,
  /// power_on().
  void restore(std::span<const std::byte> saved);

  // -- pins of a part --------------------------------------------------------------------------------------------
  /// Starts the job of the registers as COMMAND.START does, without touching COMMAND and COMMAND_ACK.
  hb_status_t trigger();
  /// What the RESET command does: registers, sequencer, array, time 0; RESET_COUNT goes up by one.
  void reset();
  /// The chip as it was built: reset, and memory, RESET_COUNT and error counters are 0. The address of memory stays.
  void power_on();
  /// Called at each INTERRUPT instruction and each record, inside advance_to, with the device time. Empty: none.
  void observe(std::function<void(Mark, std::uint64_t)> observer);

  // -- views for observers: no side effects ----------------------------------------------------------------------
  /// Size of the chip: cells of a lane, and lanes.
  std::uint32_t cells() const;
  std::uint32_t lanes() const;
  /// Sequencer and array; valid until the next call that is not const.
  const Sequencer& sequencer() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace heatbath::model
