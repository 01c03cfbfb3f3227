#pragma once
// The parameters of an array of cells.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "hw_model/physics/value_list.hpp"

namespace heatbath::numerics {
class Archive;
}

namespace heatbath::physics {

class Couplings;
class Graph;

/// V = sum_i (j2_i x_i^2 + j4_i x_i^4 + bias_i x_i) + gain * sum_{i<j} J_ij x_i x_j   (generative.md 1 [G, D]) for
/// overdamped and underdamped cells; the other kinds are in docs/dynamics.md.
/// Values as the array applies them (after conversion and mismatch). Energies and kT in one energy unit.
struct Parameters {
  ValueList j2, j4;  ///< one per cell
  ValueList bias;    ///< one per cell; or lanes x cells, row-major, when bias_per_lane
  bool bias_per_lane = false;
  std::shared_ptr<const Couplings> couplings;  ///< never null
  float gain = 1.0f;
  float kT = 0.0f;
  ValueList kT_cell;    ///< one per cell, and then kT is not used; empty: kT everywhere
  ValueList mass;       ///< one per cell: mass, or the capacitance C_ii of an rlc node, > 0; empty: 1
  ValueList damping;    ///< one per cell: damping, or the conductance 1/R of an rlc node, >= 0; empty: 1
  ValueList frequency;  ///< one per cell: angular frequency of a phase; empty: 0

  float kT_of(std::uint32_t cell) const { return kT_cell.empty() ? kT : kT_cell[cell]; }
  float mass_of(std::uint32_t cell) const { return mass.empty() ? 1.0f : mass[cell]; }
  float damping_of(std::uint32_t cell) const { return damping.empty() ? 1.0f : damping[cell]; }
  float frequency_of(std::uint32_t cell) const { return frequency.empty() ? 0.0f : frequency[cell]; }
};

/// Codes of `bits` bits in two's complement, one step is range / 2^(bits - 1) (as in heatbath/codes.h).
struct CodeGrid {
  std::uint32_t bits = 0;
  float range = 0;
  float step() const { return range / static_cast<float>(1u << (bits - 1u)); }
};
constexpr std::uint32_t code_bits_max = 12;  ///< of integer arithmetic

/// A coupling matrix, immutable: dense, kept with the index of its non-zero blocks so that absent couplings cost
/// nothing, or on a graph. J_ik couples cell k into the force on cell i.
class Couplings {
 public:
  /// All zero.
  explicit Couplings(std::uint32_t cells);
  /// matrix: cells x cells row-major, zero diagonal, finite.
  Couplings(std::uint32_t cells, std::vector<float> matrix);
  /// The same, summed in integers: codes times the state in steps of rail / 16383 (code_products.hpp). Every entry must
  /// be a code of the grid, of 2 to code_bits_max bits; std::invalid_argument names the first that is none.
  Couplings(std::uint32_t cells, std::vector<float> matrix, const CodeGrid& grid);
  /// One value per coupler (J_ij = J_ji), or two, J_ij then J_ji with i < j, in the order of graph.couplers().
  /// Throws std::invalid_argument for another number of values.
  Couplings(std::shared_ptr<const Graph> graph, ValueList values);
  ~Couplings();

  std::uint32_t cells() const { return cells_; }
  bool zero() const { return zero_; }
  /// J_ik; 0 for an all-zero matrix and off the graph.
  float at(std::uint32_t i, std::uint32_t k) const {
    return zero_ ? 0.0f : graph_ ? on_graph(i, k) : transpose_[std::size_t{k} * cells_ + i];
  }
  /// Whether J_ik = J_ki for all pairs: only then have the forces a potential.
  bool symmetric() const { return symmetric_; }
  /// The graph, or null for a dense matrix.
  const std::shared_ptr<const Graph>& graph() const { return graph_; }
  /// The codes that are summed in integers, or nothing: float32 arithmetic.
  const std::optional<CodeGrid>& code_grid() const { return code_grid_; }
  /// Sums of |J_ik| over k, one per row: no eigenvalue is beyond the largest (Gershgorin).
  std::vector<double> row_sums() const;

  /// On a graph: one or two per coupler, as they were given; empty for a dense matrix.
  const ValueList& coupler_values() const { return values_; }

  /// Rows as stored values: row i has entries begin[i]..begin[i + 1], columns ascending. With columns null, all
  /// cells() columns, begin null. Made at first use and kept, which of a graph of N cells and C couplers takes 4 N + 16 C
  /// bytes (for_row of coupling_rows.hpp takes none); safe from several threads. Not for an all-zero matrix.
  struct Rows {
    const std::uint32_t* begin;
    const std::uint32_t* columns;
    const float* values;
    std::uint32_t cells;
  };
  Rows rows() const;

  struct Packed;  ///< what the step kernels read; see packed_couplings.hpp
  enum class PackedFor { one_lane, many_lanes };
  /// Packed for the active instruction set; made at first use, safe from several threads. A large graph takes seconds:
  /// a thread that is asked to stop (numerics::WorkWatch) gets WorkStopped, and nothing is kept.
  const Packed& packed(PackedFor use) const;

  /// Writes `couplings`, or reads and returns those of an array of so many cells on that graph (null: dense). Throws
  /// Archive::Refused.
  static std::shared_ptr<const Couplings> exchange(numerics::Archive& archive, std::shared_ptr<const Couplings> couplings,
                                                   std::uint32_t cells, const std::shared_ptr<const Graph>& graph);

 private:
  float on_graph(std::uint32_t i, std::uint32_t k) const;

  std::uint32_t cells_;
  bool zero_, symmetric_ = true;
  std::vector<float> transpose_;  // dense: [k][i]: the chain over k reads rows
  std::shared_ptr<const Graph> graph_;
  ValueList values_;  // on a graph: one or two per coupler
  std::optional<CodeGrid> code_grid_;
  mutable std::mutex packing_, rows_making_;
  mutable std::unique_ptr<Packed> packed_;
  mutable std::vector<std::uint32_t> row_begin_, row_columns_;
  mutable std::vector<float> row_values_;
};

/// Writes or reads sets of parameters of one array. Couplings that sets have in common, they have in common again: a
/// ramp between sets of one matrix is another one than between two equal ones.
class ParameterExchange {
 public:
  /// `lanes`: of biases per lane; `biases`: of a lane.
  ParameterExchange(numerics::Archive& archive, std::uint32_t cells, std::uint32_t lanes, std::uint32_t biases,
                    std::shared_ptr<const Graph> graph);
  /// A set without couplings is none: whatever else it holds is not kept. Throws Archive::Refused.
  void operator()(Parameters& set);

 private:
  numerics::Archive& archive_;
  std::uint32_t cells_, lanes_, biases_;
  std::shared_ptr<const Graph> graph_;
  std::vector<std::shared_ptr<const Couplings>> known_;
};

}  // namespace heatbath::physics
