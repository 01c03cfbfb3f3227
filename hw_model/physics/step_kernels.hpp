#pragma once
// What one instruction set contributes to the array: noise, coupling fields and fused steps. Plain data only: the
// implementations (step_kernels.inc) are compiled once per instruction set.

#include <stdint.h>

namespace heatbath::physics {

/// Cells are handled in groups of 64: the cells of 16 noise blocks.
constexpr uint32_t group_cells = 64;

/// A stretch of cells k with any coupling into a group of 64 rows.
struct CouplingRun {
  uint32_t first, count;  ///< cells k
  uint32_t skip;          ///< rows of the group before this one have none of them: 0, 16, 32 or 48
};

/// Rows of a graph that gather their neighbours are handled in blocks of 16.
constexpr uint32_t graph_block = 16;
constexpr uint32_t no_places = 0xFFFFFFFFu;

/// One coupling of each row of a group with the cell at row + shift; or of each row of a block with the cells that
/// slot_columns names.
struct GraphSlot {
  int32_t shift;
  uint32_t values;  ///< into slot_values: 64 of them, one per row; of a block 16
};
struct GraphGroup {
  uint32_t first;     ///< slot
  uint32_t count[4];  ///< slots of each block, one after the other; at distances count[0] is of the whole group
  /// into slot_places: where each of the 64 rows is among the rows of the blocks; no_places: distances
  uint32_t places;
  uint32_t columns;   ///< into slot_columns: 16 for each slot of its blocks, one slot after the other
  uint32_t uniform;   ///< 1: at distances, with the same coupling for all rows of a slot
};

/// Lanes of a tile at most: state, next state and couplings of so many stay in the second-level cache.
constexpr uint32_t tile_lanes = 32;

/// Purpose of the noise that moves cells (Purpose::thermal of noise.hpp, which kernels do not include).
constexpr uint32_t thermal_purpose = 0;

/// Couplings on a graph as the kernels read them: rows for many lanes, slots for one lane. A group whose rows have
/// their neighbours at few distances has slots for all its rows, which groups that look alike share; another one
/// gathers, with rows of like degree in one block, its columns in one piece. Slots lead to k ascending in every row; a
/// row without a coupling in a slot has 0 there.
struct PackedGraph {
  const uint32_t *row_begin, *row_columns;
  const float* row_values;
  uint32_t cells;
  const GraphGroup* groups;
  const GraphSlot* slots;
  const float* slot_values;
  const uint32_t* slot_columns;
  const uint32_t* slot_places;
};

/// A pair of sums over codes: segments of k between which the integer sums are turned into floats.
struct CodeSegment {
  uint32_t first, count;  ///< pairs of k
  uint32_t ends_sum;      ///< 1: the integer sums of the segments since the last end are added to y after this one
};

/// Couplings as codes, summed in integers (code_products.hpp).
struct PackedCodes {
  const uint32_t* segment_begin;  ///< groups + 1 entries into segments
  const CodeSegment* segments;
  const uint64_t* offset;  ///< groups entries into panels and rows16, in codes
  const int16_t* panels;   ///< group: panels of CodeProducts::panel_rows rows [pair][rows][2], for many lanes; or null
  const int8_t* rows8;     ///< group: [pair][64][2], or [two pairs][64][4], for one lane and up to 8 bits; or null
  const uint64_t* byte_offset;  ///< groups entries into rows8
  /// rows8 of a group begin at its first column, on a cache line, and end at the last padded cell; entries left of the
  /// diagonal are mirrored from them (CodeProducts::triangles).
  bool triangle;
  const int16_t* rows16;   ///< the same for more bits; or null
  const int32_t* row_sums;  ///< with rows8: sums of codes, [segment][64]
  float step;               ///< value of one unit of a code
};

struct CodeProducts;

/// A coupling matrix as the kernels read it, per group of 64 rows i: runs of k with any non-zero J_ik.
struct PackedCouplings {
  const uint32_t* run_begin;   ///< groups + 1 entries into runs
  const CouplingRun* runs;
  const uint64_t* offset;      ///< groups entries into panels and rows, in floats; into halves the same
  const float* panels;         ///< group: panels of panel_rows rows [k][rows], for many lanes; or null
  const float* rows;           ///< group: [k][64 - skip], for one lane; or null
  /// in its place: [pair of k][64 - skip], upper halves of couplings whose lower are 0; or null
  const uint32_t* halves;
  const PackedGraph* graph;    ///< in place of all above; or null
  const PackedCodes* codes;    ///< likewise
};

/// Scalars of one step. The coupling force is -(gain_a y_a + gain_b y_b) with y = J x of the live and target couplings.
struct StepScalars {
  float position;  ///< ramp position of this step: parameters are live + position * (target - live)
  float gain_a, gain_b;
  float sigma;     ///< sqrt(2 mu kT dt)
  // change since the step before, for the meters
  float change_position, change_gain_a, change_gain_b;
};

/// Parameters of the cells of one group in one piece, so that one address leads to all of them.
struct GroupParameters {
  float two_j2[group_cells], four_j4[group_cells], bias[group_cells];  ///< 2 J2, 4 J4, b
  uint32_t free[group_cells];                                          ///< ~0 moves, 0 is clamped
};

/// State and parameters of a tile of lanes, and the steps to make. Arrays over cells have groups * 64 entries, zero
/// beyond `cells`. Layout of states: [cell][lane] with `lanes` a multiple of 16, or one lane, cells contiguous.
struct Tile {
  uint32_t cells, groups;
  uint32_t first_group;   ///< of a whole array, where group 0 is of a part: its noise lies there
  uint32_t lanes;         ///< padded; 1, or a multiple of 16 up to tile_lanes
  uint32_t active_lanes;  ///< the others are padding
  float* state;           ///< in: the present state; swapped with `next` after every step
  float* next;            ///< in: the state one step ago (meters)
  const uint32_t* free_cells;         ///< groups entries: how many of the group's cells move
  const GroupParameters* parameters;  ///< live ones
  const uint32_t* own_group;          ///< groups entries: group g has parameters[own_group[g]]
  /// groups entries: target minus live while ramping, `free` unused; null: no change
  const GroupParameters* changes;
  // biases that differ between lanes, [cell][lane]; null when the groups' serve all
  const float *lane_bias, *change_lane_bias;
  const PackedCouplings *couplings_a, *couplings_b;  ///< null: none
  const CodeProducts* code_products;                 ///< for couplings with codes
  int16_t* quantised;  ///< for them: the state in units of `quantum`, see code_products.hpp
  float* code_fields[2];  ///< for them, one lane: fields of couplings_a and couplings_b, one entry per cell
  float quantum;
  float mu_dt, rail;
  const float* sigma;  ///< per cell, in place of StepScalars::sigma; or null
  uint32_t key[2];
  uint32_t shot;        ///< of lane 0
  uint64_t step;        ///< number of the next step
  uint32_t refinement;  ///< level of the noise, see noise.hpp
  // meters: [16][lanes] partial sums, one row per noise block of a group; 2 x the path heat, and the work
  double *twice_heat, *work;
  uint64_t meter_stride;  ///< 0; else sums of each group apart, those of group g from g * meter_stride on
  uint64_t rail_count;
  uint32_t rail_cell;
};

struct StepKernels {
  uint32_t panel_rows;
  /// Makes `steps` steps; scalars has one entry, or `steps` entries when ramped. Leaves the newest state in tile.state.
  void (*advance)(Tile& tile, uint64_t steps, const StepScalars* scalars, bool metered, bool ramped);
  /// y = J x for all cells of the tile: [cell][lane] like the state.
  void (*coupling_field)(const Tile& tile, const PackedCouplings& couplings, float* y);
  /// Normals of the 64 cells of each group first..first+groups-1, of one step and shot.
  void (*normals)(const uint32_t key[2], uint64_t step, uint32_t refinement, uint32_t shot, uint32_t purpose,
                  uint32_t first, uint32_t groups, float* out);
};

/// Kernels of the active instruction set (heatbath/numerics/isa.hpp).
const StepKernels& step_kernels();

namespace portable {
extern const StepKernels step_kernels;
}
namespace avx2 {
extern const StepKernels step_kernels;
}
namespace avx512 {
extern const StepKernels step_kernels;
}

}  // namespace heatbath::physics
