#pragma once
// A network of spins as the host sees it: neighbours of each cell, energies of many states, descents and clusters.

#include <cstdint>
#include <span>
#include <vector>

#include "heatbath/network/network.hpp"
#include "heatbath/numerics/random.hpp"

namespace heatbath::solvers {

/// What a result says whose states SpinGraph::descend ended.
inline constexpr const char* polish_note = "polished: the host flipped single spins as long as that lowered an energy";

/// Memory of SpinGraph::take_better_groups, and what it met.
struct GroupSearch {
  explicit GroupSearch(std::uint32_t cells) : seen(cells, 0) {}
  std::vector<std::uint32_t> seen, group;
  std::uint32_t mark = 0;
  std::uint64_t looked_at = 0, in_them = 0;  ///< groups, and cells in them
};

class SpinGraph {
 public:
  /// Error(UNSUPPORTED) for other cells than p-bits, and for directed couplings, which have no energy.
  explicit SpinGraph(const network::Network& network);

  std::uint32_t cells() const { return cells_; }
  std::size_t edges() const { return neighbours_.size() / 2; }
  bool has_fields() const { return has_fields_; }

  /// Network::energy of rows of cells() spins, all at once.
  void energies(std::span<const float> rows, std::span<double> energies) const;
  double energy(std::span<const float> row) const;

  /// dV/ds_i of one state: half of V(s_i = +1) - V(s_i = -1).
  void fields(std::span<const float> row, std::span<double> fields) const;

  /// Flips single spins of one state as long as that lowers its energy, cell by cell. Returns the new energy.
  double descend(std::span<float> row, double energy) const;

  /// An isoenergetic cluster move (Houdayer 2001; Zhu, Ochoa & Katzgraber 2015) on two states of one temperature: the
  /// connected cells, around a random one, in which they differ are exchanged. Without fields one of the states is
  /// turned over first with probability 1/2. Changes neither the sum of the two energies nor the joint law. Returns the
  /// size of the cluster.
  std::uint32_t exchange_cluster(std::span<float> a, std::span<float> b, double& energy_a, double& energy_b,
                                 numerics::RandomStream& random, std::vector<std::uint32_t>& memory) const;

  /// Takes every connected group of cells in which `other` differs over into `state` where that lowers the energy of
  /// `state`, and with probability 1/2 where it leaves it as it is. Without fields `other` counts turned over where it
  /// then differs in fewer cells. Groups do not touch, so their changes of energy add up. `parts`: those alone that hold
  /// at most half of the cells that differ, so that `state` does not become `other`.
  void take_better_groups(std::span<float> state, std::span<const float> other, numerics::RandomStream& random, GroupSearch& memory,
                          bool parts = false) const;

  /// Of sqrt(b^2 + sum J^2) over cells: the largest, and the median; median over cells of the smallest |J| and |b| that are not 0.
  double largest_field() const { return largest_field_; }
  double typical_field() const { return typical_field_; }
  double small_field() const { return small_field_; }

 private:
  std::uint32_t cells_ = 0;
  double constant_ = 0;
  bool has_fields_ = false;
  double largest_field_ = 0, typical_field_ = 0, small_field_ = 0;
  std::vector<double> bias_;
  std::vector<std::uint32_t> begin_, upper_;  ///< of neighbours_; the first of each row that is above the cell
  std::vector<std::uint32_t> neighbours_;
  std::vector<double> values_;
};

}  // namespace heatbath::solvers
