#pragma once
// A coupling matrix in the order the step kernels read it.

#include <cstdint>
#include <vector>

#include "heatbath/numerics/cache_line.hpp"
#include "hw_model/physics/parameters.hpp"
#include "hw_model/physics/step_kernels.hpp"

namespace heatbath::physics {

struct Couplings::Packed {
  std::uint32_t panel_rows = 0;
  std::uint64_t floats = 0;
  std::vector<std::uint32_t> run_begin;
  std::vector<CouplingRun> runs;
  std::vector<std::uint64_t> offset;
  numerics::CacheLines<float> panels, rows;    ///< filled for the use that asks for them
  numerics::CacheLines<std::uint32_t> halves;  ///< in place of rows
  // on a graph
  std::vector<GraphGroup> graph_groups;
  std::vector<GraphSlot> slots;
  numerics::CacheLines<float> slot_values;
  numerics::CacheLines<std::uint32_t> slot_columns;
  numerics::CacheLines<std::uint32_t> slot_places;
  PackedGraph graph{};
  // as codes
  std::vector<std::uint32_t> segment_begin;
  std::vector<CodeSegment> segments;
  std::vector<std::uint64_t> code_offset, byte_offset;
  bool triangle = false;  ///< rows8 is one (PackedCodes::triangle)
  numerics::CacheLines<std::int16_t> code_panels, rows16;
  numerics::CacheLines<std::int8_t> rows8;
  std::vector<std::int32_t> row_sums;
  PackedCodes codes{};
  PackedCouplings view{};

  void find_runs(const Couplings& couplings);
  void pack_panels(const Couplings& couplings);
  void pack_rows(const Couplings& couplings);
  void pack_graph(const Couplings& couplings);
  void pack_graph_rows(const Couplings& couplings);
  void find_segments(const Couplings& couplings);
  bool fills_a_triangle(const Couplings& couplings) const;
  void pack_codes(const Couplings& couplings, PackedFor use);
};

}  // namespace heatbath::physics
