#pragma once
// Faults that befall a chip at a planned time: one model for cells, couplers, memory, converters, interrupts, DMA,
// sequencer, temperature and supply. Faults of links are those of link/faulty_link.hpp.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace heatbath::model {

/// What happens. With monitors ([faults] monitors) a chip notices what its kind says; without them only what cannot be
/// overlooked.
enum class FaultKind : std::uint8_t {
  cell_dead,           ///< a cell stands at 0 (a p-bit at -1) from now on; noticed: the job fails with DEFECT
  cell_stuck,          ///< a cell stands at the rail (a p-bit at +1); noticed likewise
  coupler_flip,        ///< the highest bit of a held coupling flips; noticed: PARITY
  memory_flip,         ///< a bit of device memory flips; noticed where the job reads or leaves it: PARITY, ERR_PARITY
  converter_saturated, ///< the read-out of a cell stands at its end: each value counts in CAPTURE_CLIP_COUNT
  interrupt_lost,      ///< the next interrupt of a job is not raised
  interrupt_spurious,  ///< JOB_DONE and CAPTURE are raised for nothing
  dma_error,           ///< the DMA transfer under way, or the next, ends with DEVICE
  hang,                ///< the sequencer stands still; its watchdog fails the job with WATCHDOG
  thermal_trip,        ///< the job fails with OVERHEATED, and START is refused so until the die has cooled
  brown_out,           ///< the job fails with BROWN_OUT; memory and parameters are lost
};

/// One of them, once.
struct PlannedFault {
  FaultKind kind{};
  std::uint64_t tick = 0;    ///< device time since power-on from which on the next step of a job meets it
  std::uint64_t target = 0;  ///< cell; ordinal of a coupler (of a dense array, of the pairs i < j by rows); bit of memory
};

/// "KIND@TICK:TARGET" with commas, as in "cell-dead@5000:7,hang@90000"; kinds are written with dashes, a target that a kind
/// has not may be left out. Sorted by time. Throws std::invalid_argument in one line.
std::vector<PlannedFault> parse_faults(std::string_view text);

std::string_view name(FaultKind kind);

}  // namespace heatbath::model
