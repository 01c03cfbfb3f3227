#pragma once
// Binary patterns and pairwise machines of binary cells, in the signs of the papers.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "heatbath/network/network.hpp"

namespace heatbath::trainers {

/// One binary cell: +1 or -1.
using Spin = std::int8_t;

/// Distinct or repeated patterns of equal length, with weights.
struct Patterns {
  std::uint32_t cells = 0;  ///< spins of a pattern
  std::vector<Spin> spins;      ///< count x cells, row-major
  std::vector<double> weights;  ///< count, sum 1
  std::string source;           ///< where they come from, for reports

  std::size_t size() const { return weights.size(); }  ///< patterns
  /// `cells` spins.
  std::span<const Spin> pattern(std::size_t index) const { return {spins.data() + index * cells, cells}; }
};

/// Number of a state of at most 32 cells: bit i set means s_i = +1.
std::uint32_t state_of(std::span<const Spin> spins);
/// The spins of a state.
std::vector<Spin> spins_of(std::uint32_t state, std::uint32_t cells);

/// The four states of three cells with an even number of cells down, equal weights: +++, +--, -+-, --+.
Patterns parity_patterns();
/// 1111 of weight 0.75 and 0011 (the first two cells up) of weight 0.25.
Patterns two_patterns();
/// Images of side x side cells whose rows are each all up or all down, or whose columns are: 2^(side + 1) - 2 patterns,
/// equal weights (MacKay, Information Theory, Inference, and Learning Algorithms, 2003, section 43). Side: 2 to 4.
Patterns bars_and_stripes(std::uint32_t side);
/// xi_mu(i) = (-1)^{popcount(i & mask)} for each mask, equal weights. Cells: a power of two.
Patterns walsh_patterns(std::uint32_t cells, std::span<const std::uint32_t> masks);
/// The library of the temperature sweep: masks 0, 5, 10, 15 on 8 or 16 cells.
Patterns walsh_library(std::uint32_t cells);

/// Reads patterns from a text file: one per line, of the signs 0 and 1 or - and +, then optionally a weight (default
/// 1); blanks between the signs are allowed when no weight follows; # begins a comment. Weights are brought to the sum
/// 1; equal patterns are merged. Throws Error(IO or BAD_ARG) in one line with file and line: unreadable, another
/// length, a sign that is neither, a weight that is not positive, no pattern, more than 1024 cells.
Patterns read_patterns(const std::filesystem::path& path);

/// A machine of binary cells with couplings between pairs,
///   E(s) = -sum_i h_i s_i - sum_{i<j} J_ij s_i s_j,
/// in the sign of the papers: positive couplings align. Cells from `visible` on are hidden.
struct SpinMachine {
  std::uint32_t cells = 0;  ///< visible and hidden
  std::uint32_t visible = 0;     ///< the first so many cells carry the pattern
  bool visible_coupled = true;   ///< whether visible cells may couple to one another; not in a restricted machine
  bool hidden_coupled = false;   ///< whether hidden cells may
  std::vector<float> field;      ///< h, one per cell
  std::vector<float> couplings;  ///< J, cells x cells, symmetric, zero diagonal

  SpinMachine() = default;
  /// No fields, no couplings, no hidden cells.
  explicit SpinMachine(std::uint32_t cells);

  /// Sets J_ij and J_ji; gives J_ij.
  void couple(std::uint32_t i, std::uint32_t j, float value);
  float coupling(std::uint32_t i, std::uint32_t j) const { return couplings[std::size_t{i} * cells + j]; }
  /// E of a state of all cells.
  double energy(std::span<const Spin> spins) const;
  /// Whether a training gives the pair i != j a coupling.
  bool may_couple(std::uint32_t i, std::uint32_t j) const {
    return i < visible ? (j < visible ? visible_coupled : true) : (j < visible ? true : hidden_coupled);
  }
  /// -T ln sum over the hidden cells exp(-E/T) at these visible cells: E itself without hidden cells. Hidden cells must
  /// not couple to one another.
  double visible_energy(std::span<const Spin> visible_spins, double kT) const;
  /// Number of fields and of couplings that may be other than 0.
  std::size_t parameters() const;
};

/// The machine as a network of p-bits.
network::Network network_of(const SpinMachine& machine);

}  // namespace heatbath::trainers
