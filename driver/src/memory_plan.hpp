#pragma once
// Where a job lies in device memory.

#include <cstdint>
#include <vector>

#include "heatbath/capabilities.hpp"
#include "heatbath/program.hpp"

namespace heatbath {

/// Byte offsets in device memory, each a multiple of 64, in this order: instructions, operands, meter snapshots,
/// readbacks, capture ring.
struct MemoryPlan {
  /// An operand: rows of row_bytes at stride; a per-shot operand has one row per lane in use.
  struct Placed {
    std::uint64_t address = 0;
    std::uint64_t row_bytes = 0;
    std::uint64_t stride = 0;
  };

  std::uint32_t lanes = 1;         ///< shots of a full pass
  std::uint64_t program = 0;
  std::uint32_t instructions = 0;  ///< HALT included
  std::vector<Placed> operands;
  std::vector<std::uint64_t> snapshots;  ///< hb_snapshot_bytes each
  std::vector<std::uint64_t> readbacks;
  std::vector<std::uint64_t> readback_values;
  std::uint64_t ring = 0;
  std::uint32_t slots = 0;  ///< records the ring holds; 0 for a job without records
  std::uint64_t record_bytes = 0;
  std::uint64_t records = 0;  ///< records of one pass

  bool ring_holds_all() const { return slots >= records; }
};

/// Plans a job of `shots` shots that captures `capture_cells` cells. The ring gets all records of a pass when they fit
/// into the memory left and, on a device whose ring stalls, into 64 MiB; at least one record.
/// Throws Error(OUT_OF_MEMORY) that names the bytes needed and available.
MemoryPlan plan_memory(const Program& program, std::uint32_t shots, std::uint32_t capture_cells,
                       const Capabilities& capabilities);

/// The instructions as the device reads them, HALT last.
std::vector<hb_instruction_t> place(const Program& program, const MemoryPlan& plan);

}  // namespace heatbath
