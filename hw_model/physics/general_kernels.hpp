#pragma once
// What one instruction set contributes to the general array: elementwise operations on [row][lane] fields with one
// coefficient per row, sparse products, noise, and updates of p-bits. Plain data only, as in step_kernels.hpp.

#include <stdint.h>

namespace heatbath::physics {

/// Shape of a field: `rows` rows of `lanes` floats, lanes a multiple of 16, or one lane, whose rows are contiguous: a
/// vector is then `width` cells.
struct FieldShape {
  uint32_t rows, lanes;
  uint32_t active_lanes;  ///< the others are padding
};

/// What holds while rows move: which are free, and how far they go.
struct MoveLimits {
  const uint32_t* free;  ///< per row: ~0 moves, 0 is clamped
  float limit;           ///< states end at +-limit, counted
  uint64_t* rail_count;
  uint32_t* rail_cell;
};

/// Where noise lies; shot is that of lane 0.
struct NoiseAddress {
  uint32_t key[2];
  uint64_t step;
  uint32_t refinement, shot, purpose;
  uint32_t first_cell;  ///< cell of row 0, a multiple of 64
};

/// A quartic cell's own parameters, one per row; lane_bias is [row][lane] or null.
struct QuarticTerms {
  const float *two_j2, *four_j4, *bias, *lane_bias;
};

/// A phase's own parameters; minus_pull is -omega / mu.
struct PhaseTerms {
  const float *four_j2, *minus_pull, *bias, *lane_bias;
};

/// A coupling field as it enters a slope: gain_a y_a + gain_b y_b; null: none.
struct FieldPair {
  const float *a, *b;
  float gain_a, gain_b;
};

/// Rows of a coupling matrix (Couplings::Rows).
struct MatrixRows {
  const uint32_t *begin, *columns;  ///< null: dense
  const float* values;              ///< null: no couplings
  uint32_t cells;
};

/// p-bits of a tile and what they feel.
/// The cell that a random word chooses.
constexpr uint32_t chosen_site(uint32_t word, uint32_t cells) { return static_cast<uint32_t>(uint64_t{word} * cells >> 32); }

struct SpinTile {
  FieldShape shape;
  float* spins;  ///< +1 or -1
  MatrixRows a, b;
  float gain_a, gain_b;
  const float *bias, *lane_bias;
  const float* two_over_kT;  ///< per cell; infinite at kT = 0
  const uint32_t* free;
  double* heat;  ///< per lane: -dV of every flip; null: not metered
  double* cell_heat;  ///< the same as [cell][lane]; null: not kept
};

// p-bits whose couplings have one size and two signs, as bits (sign_lattice.hpp). Cells come in pairs 2 p, 2 p + 1 of
// different colours; 256 pairs are a block, and bit p % 64 of word p / 64 of a colour is its cell of pair p.
constexpr uint32_t sign_block_words = 4;
constexpr uint32_t sign_block_pairs = 64 * sign_block_words;
constexpr uint32_t sign_degree_max = 4;
constexpr uint32_t sign_margin = sign_block_words + 1;

/// Neighbours, in the other colour, of the cells of a block: those of pair p + 64 word + bit.
struct SignSlot {
  int32_t word;
  uint32_t bit;  ///< 0..63
  uint64_t present[sign_block_words], negative[sign_block_words];  ///< which have one; which couplings are negative
};
/// The cells of a block that have `degree` couplings.
struct SignDegree {
  uint64_t cells[sign_block_words];
  uint32_t degree;
};
/// One colour of a block.
struct SignRows {
  uint32_t slot, slots;      ///< into SignSweep::slots
  uint32_t degree, degrees;  ///< into SignSweep::degrees
};
/// One colour of a block turns; colour 0 draws the words of both into a slot.
struct SignTask {
  uint32_t block, colour, slot;
};
/// What a spin does in a field: the less likely value where the random word's upper 31 bits are below `threshold`.
struct SpinChoice {
  uint32_t threshold;
  bool likely_up;  ///< the likely value is +1
  bool keeps;      ///< the spin stays as it is
};
/// The choices of cells of one degree, by how many couplings push the spin down; all bits set for true.
struct SignTable {
  uint32_t threshold[sign_degree_max + 1];
  uint64_t likely_up[sign_degree_max + 1], keeps[sign_degree_max + 1];
};
struct SignSweep {
  uint64_t* up[2];          ///< per colour and block, sign_margin readable words before and after
  const uint64_t* free[2];  ///< the cells that may turn
  const uint64_t* odd;      ///< pairs whose odd cell has colour 0
  const SignRows* rows[2];
  const SignSlot* slots;
  const SignDegree* degrees;
  const SignTask* tasks;  ///< of a sweep, in order
  uint32_t task_count;
  uint32_t* words;  ///< per slot those of even cells, then those of odd ones
  NoiseAddress noise;
  SignTable tables[sign_degree_max + 1];  ///< by the degree
};

// p-bits of many lanes as bits (spin_planes.hpp): a word of a cell holds 32 shots, bit shot % 32, and a slab is the words
// of `groups` times 32 shots in order.
constexpr uint32_t plane_groups_max = 16;   ///< words of a slab at most; a kernel takes no more than its vectors hold
constexpr uint32_t plane_count_bits = 8;    ///< decided in planes: a cell whose couplings add up to less than 2^8 units
constexpr uint32_t wide_count_bits = 12;    ///< decided lane by lane: others, less than 2^12 units
constexpr uint32_t noise_planes = 31;       ///< planes that decide: those of the 31 bits that a threshold is compared with

constexpr uint32_t few_thresholds = 4;      ///< all unions of so many are made at once

/// A neighbour of a cell: its coupling is `weight` units, negative where `negative` is ~0 (else 0).
struct PlaneInput {
  uint32_t cell, negative, weight;
};
/// A cell that turns.
struct PlaneCell {
  uint32_t cell, input, inputs;  ///< its neighbours are input .. input + inputs - 1
  uint32_t rule;                 ///< into PlaneSweep::rules
};
/// What a spin does, by how many units n of its couplings push it down.
struct PlaneRule {
  uint32_t count_bits;   ///< planes of n
  uint32_t up_below;     ///< the likely value is +1 where n < up_below, or where it is not, if `reversed` is ~0
  uint32_t reversed;
  uint32_t keeps;        ///< the n at which the spin stays as it is (kT = 0); ~0: none
  uint32_t table;        ///< decided lane by lane: PlaneSweep::tables from `table` on has an entry for each n; ~0: in planes
  uint32_t total;          ///< units of its couplings
  uint32_t value, values;  ///< the n whose less likely value has a chance: PlaneSweep::values from `value` on
  uint32_t thresholds;     ///< so many different ones, in PlaneSweep::threshold_of those of the values
  /// the thresholds that have bit 30 - p, by number: PlaneSweep::lists from list[p] to list[p + 1]; of the first few, as bits
  uint32_t list[noise_planes + 1];
  uint8_t subset[noise_planes];
};
/// Sweeps of a slab.
struct PlaneSweep {
  uint32_t* up;      ///< [cell][groups], set: +1
  uint32_t groups;   ///< a power of two
  uint32_t live[plane_groups_max];  ///< the shots that there are
  const PlaneCell* cells;           ///< in the order of their update
  uint32_t count;
  const PlaneInput* inputs;
  const PlaneRule* rules;
  const uint8_t *values, *threshold_of, *lists;
  const uint32_t* tables;  ///< SpinChoice::threshold, with the top bit where the likely value is +1
  uint64_t steps;
  NoiseAddress noise;  ///< `shot` is that of bit 0 of word 0, a multiple of 32; `step` that of the first sweep
};

struct GeneralKernels {
  /// y = J x, many lanes.
  void (*sparse_product)(const MatrixRows& j, uint32_t lanes, const float* x, float* y);
  /// Standard normals.
  void (*normals)(const NoiseAddress& at, FieldShape shape, float* out);
  /// Random 32-bit words at the same addresses.
  void (*words)(const NoiseAddress& at, FieldShape shape, uint32_t* out);
  /// to = from + a k + b n, row by row; n null: without noise.
  void (*move)(FieldShape shape, const MoveLimits& limits, float* to, const float* from, const float* a, const float* k,
               const float* b, const float* n);
  /// v = keep v + kick n on free rows.
  void (*damp)(FieldShape shape, const MoveLimits& limits, float* v, const float* keep, const float* kick,
               const float* n);
  /// to = (p + q) + shift on free rows: p, q and lane_shift are fields, shift one value per row (when lane_shift is
  /// null).
  void (*sum)(FieldShape shape, const MoveLimits& limits, float* to, const float* p, const float* q, const float* shift,
              const float* lane_shift);
  /// x += increment on free rows; with `low`, states are x + low, and what x rounds away goes there.
  void (*raise)(FieldShape shape, const MoveLimits& limits, float* x, float* low, const float* increment);
  /// out = (p + q) / 2.
  void (*mean)(FieldShape shape, float* out, const float* p, const float* q);
  /// k += c v, row by row.
  void (*add)(FieldShape shape, float* k, const float* c, const float* v);
  /// dV/dx of quartic cells.
  void (*quartic)(FieldShape shape, const QuarticTerms& own, const FieldPair& field, const float* x, float* gradient);
  /// Cosines and sines of phases.
  void (*cosine_sine)(FieldShape shape, const float* phase, float* cosine, float* sine);
  /// dV/dth of phases less omega / mu.
  void (*phase)(FieldShape shape, const PhaseTerms& own, const FieldPair& cosine_field, const FieldPair& sine_field,
                const float* cosine, const float* sine, float* gradient);
  /// Brings phases back to [-pi, pi) and counts the turns, in two's complement up to +-limits.limit, where they are
  /// held and counted as at a rail; `turns` are the nearest floats. With `low`, phases are phase + low.
  void (*wrap)(FieldShape shape, const MoveLimits& limits, float* phase, float* low, float* turns, uint32_t* counts);
  /// Updates the spins of `sites` one after another in all lanes; words[site][lane] decides. With one lane, no two of
  /// the sites are coupled.
  void (*update_spins)(const SpinTile& tile, const uint32_t* sites, uint32_t count, const uint32_t* words);
  /// Makes `count` updates in each lane, of the cell that site_words[ordinal][lane] chooses.
  void (*update_chosen_spins)(const SpinTile& tile, uint32_t count, const uint32_t* site_words, const uint32_t* words);
  /// What update_spins does with a spin in each of `count` fields.
  void (*spin_choices)(const float* fields, uint32_t count, float two_over_kT, SpinChoice* out);
  /// Bits of the 64 pairs of 32-bit values at p, even and odd ones: set where the top bit, the sign, is 0.
  void (*pack_signs)(const void* p, uint64_t* even, uint64_t* odd);
  /// The reverse: +1 or -1.
  void (*unpack_signs)(uint64_t even, uint64_t odd, float* p);
  /// One two-colour sweep.
  void (*sweep_signs)(const SignSweep& sweep);
  /// Words of a flip whose bits are planes (noise.hpp).
  void (*plane_words)(const NoiseAddress& at, FieldShape shape, uint32_t* out);
  uint32_t plane_groups;  ///< words of a slab that a vector holds
  void (*sweep_planes)(const PlaneSweep& sweep);
  /// Signs of `count` floats to bits from `bit` of `words` on, which are 0 there; set: not negative.
  void (*pack_lanes)(const float* values, uint32_t count, uint32_t* words, uint32_t bit);
  /// The reverse: +1 or -1.
  void (*unpack_lanes)(const uint32_t* words, uint32_t bit, uint32_t count, float* values);
};

/// Kernels of the active instruction set (heatbath/numerics/isa.hpp).
const GeneralKernels& general_kernels();

namespace portable {
extern const GeneralKernels general_kernels;
}
namespace avx2 {
extern const GeneralKernels general_kernels;
}
namespace avx512 {
extern const GeneralKernels general_kernels;
}

}  // namespace heatbath::physics
