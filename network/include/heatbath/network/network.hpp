#pragma once
// A network of cells with an energy, in the caller's units. All conversions of signs and factors are made here.

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "heatbath/capabilities.hpp"
#include "heatbath/cell_enums.hpp"
#include "heatbath/job.hpp"
#include "heatbath/program.hpp"

namespace heatbath::network {

/// A pair of cells, i != j, with a value: a coupling, a weight.
struct Edge {
  std::uint32_t i = 0, j = 0;  ///< cells
  double value = 0;  ///< of the pair
  bool operator==(const Edge&) const = default;
};

/// Edges of the same value for pairs with members i and j (numerics::Pair, Coupler).
template <class Pairs>
std::vector<Edge> edges_of(const Pairs& pairs, double value) {
  std::vector<Edge> edges;
  for (const auto& pair : pairs) edges.push_back({pair.i, pair.j, value});
  return edges;
}

/// The parameters that cells of a network may have; which of them a kind has: has_section().
inline constexpr std::array sections = {CellSection::j2,   CellSection::j4,      CellSection::bias,
                                        CellSection::mass, CellSection::damping, CellSection::frequency};

/// Factors from a network to a device: the device's V(x) is energy * V(state * x), with x the device's states.
struct Factors {
  double energy = 1;  ///< device's energy of the network's energy 1
  double state = 1;  ///< network's state of device state 1; 1 for spins and phases
  double time = 1;   ///< network's time units in one of the device; of frequencies

  /// What a value of a section, and of a coupling, is multiplied by.
  double of(CellSection section) const;
  double of_couplings() const { return energy * state * state; }
};

/// Cells of one kind with parameters in double. Values of the device's energy (docs/units_and_signs.md):
///   V = constant + sum_i (J2_i x_i^2 + J4_i x_i^4 + b_i x_i) + sum_{i<j} J_ij x_i x_j,
/// for phases cos th, cos 2th and cos(th_i - th_j) in place of x, x^2 and x_i x_j; for categorical cells
///   V = constant + sum_i b_i[s_i] + sum_{i<j} J_ij [s_i = s_j]
/// with a bias for each state, those of a cell together, so that positive couplings keep states apart; in an rlc array the edges are
/// capacitances C_ij instead and have no part in V. For other signs or factors use the named constructors, or
/// set_fields, set_aligning, set_half_quadratic: the caller never converts a sign or a factor 1/2.
///
/// Every function that takes values throws Error(BAD_ARG) that names the entry for NaN, infinity, a wrong size, a pair
/// that occurs twice or a cell that does not exist; the network is then unchanged.
class Network {
 public:
  /// Cells alone: all parameters 0, masses and dampings 1, no couplings. `states`: of categorical cells, 2 or more.
  Network(CellKind kind, std::uint32_t cells, std::uint32_t states = 1);

  // -- by problem --------------------------------------------------------------------------------------------------
  /// V(x) = x'Ax/2 - b'x, A row-major, symmetric: its minimum, and its thermal mean, solve A x = b; the covariance is
  /// kT A^-1. Where A is not symmetric (beyond rounding, 1e-12 of an entry) the entries are named.
  static Network quadratic_form(std::span<const double> A, std::span<const double> b,
                                CellKind kind = CellKind::overdamped);
  /// E(s) = -sum_{i<j} J_ij s_i s_j - sum_i h_i s_i of spins +1 and -1: positive couplings align, positive fields pull
  /// up. One field per cell, which are their number.
  static Network ising(std::span<const Edge> J, std::span<const double> h);
  /// The same with J as a matrix, cells x cells row-major, symmetric, zero diagonal.
  static Network ising(std::span<const double> J, std::span<const double> h);
  /// E(x) = sum_ij Q_ij x_i x_j of bits 0 and 1, Q any square matrix, row-major; its energy() is E, a spin up a 1.
  static Network qubo(std::span<const double> Q);
  /// The same of a list: E(x) = sum Q_ij x_i x_j over these pairs, each once, + sum q_i x_i; one q per cell.
  static Network qubo(std::span<const Edge> Q, std::span<const double> q);
  /// E(s) = -(weight of the edges cut): the two sides of a cut are the spins up and down.
  static Network max_cut(std::uint32_t cells, std::span<const Edge> weights);
  /// E(s) = -sum_{i<j} J_ij [s_i = s_j] - sum_i h_i[s_i] of cells with states 0 .. states - 1: positive couplings align,
  /// positive fields favour their state. h: cells x states, row-major, whose rows are the number of cells.
  static Network potts(std::uint32_t states, std::span<const Edge> J, std::span<const double> h);
  /// The same with J as a matrix, cells x cells row-major, symmetric, zero diagonal.
  static Network potts(std::uint32_t states, std::span<const double> J, std::span<const double> h);
  /// E(s) = weight of the edges whose ends have one colour: at 0 the states are a colouring of the graph.
  static Network colouring(std::uint32_t cells, std::uint32_t colours, std::span<const Edge> weights);
  /// Phases that pull each other with strength K > 0, E = -sum K_ij cos(th_i - th_j), at their own frequencies (radians
  /// per time unit), one per cell.
  static Network kuramoto(std::span<const Edge> K, std::span<const double> frequencies);
  /// Uncoupled wells at -1 and +1 with a barrier between: V = sum height (x^2 - 1)^2.
  static Network double_wells(std::uint32_t cells, double height);

  // -- by convention -----------------------------------------------------------------------------------------------
  /// Fields that pull up: -sum h_i x_i (for phases -h cos th; for categorical cells -h_i[s_i], cells x states).
  Network& set_fields(std::span<const double> h);
  /// Couplings that align: -sum J_ij x_i x_j (-J_ij [s_i = s_j] of categorical cells) over these pairs, each once, either way round; no others.
  Network& set_aligning(std::span<const Edge> J);
  /// As a matrix, cells x cells row-major, symmetric, zero diagonal.
  Network& set_aligning(std::span<const double> J);
  /// x'Ax/2, A symmetric: diagonal and couplings; replaces J2 and all couplings.
  /// Error(UNSUPPORTED) on other than overdamped and underdamped cells.
  Network& set_half_quadratic(std::span<const double> A);

  // -- as on the device --------------------------------------------------------------------------------------------
  /// A section in the sign of V: one value per cell (of biases of categorical cells cells x states), or the same for all. Error(UNSUPPORTED) for a section that the
  /// kind lacks, and for kT, which belongs to Scaling.
  Network& set(CellSection section, std::span<const double> values);
  Network& set(CellSection section, double value);
  /// Couplings J_ij of V: these pairs, each once, either way round; no others.
  Network& set_couplings(std::span<const Edge> J);
  /// As a matrix, cells x cells row-major, symmetric, zero diagonal.
  Network& set_couplings(std::span<const double> J);
  /// Couplings that differ in their two directions: an edge is J_ij, what cell j does to cell i, and both may be there.
  /// Forces have no potential then; V has the means of the two.
  Network& set_directed(std::span<const Edge> J);
  Network& set_constant(double constant);

  // -- what it is --------------------------------------------------------------------------------------------------
  CellKind kind() const { return kind_; }  ///< of all cells
  std::uint32_t cells() const { return cells_; }  ///< how many
  std::uint32_t states() const { return states_; }  ///< of a categorical cell; 1 of others
  /// How many values a section has: one per cell, or one per state of each.
  std::uint32_t values_in(CellSection section) const;
  /// Of a cell; of biases of categorical cells, of state at % states() of cell at / states().
  double value(CellSection section, std::uint32_t at) const;
  /// Sorted by i, then j; i < j unless directed.
  std::span<const Edge> couplings() const { return edges_; }
  bool directed() const { return directed_; }  ///< couplings differ in their two directions
  double constant() const { return constant_; }  ///< part of the energy that no state changes
  /// Largest magnitude of a section; of the couplings.
  double largest(CellSection section) const;
  double largest_coupling() const;
  /// Whether the cells have wells of position: overdamped, underdamped or rlc, whose states can be scaled.
  bool has_positions() const;

  /// V of one state: one value per cell (positions, phases, spins, numbers of states).
  double energy(std::span<const double> state) const;
  double energy(std::span<const float> state) const;
  double energy(std::span<const std::int8_t> spins) const;
  /// V of many states, rows of `cells` values.
  std::vector<double> energies(std::span<const float> states) const;
  /// V of every shot at every record, shots x records row-major. Error(BAD_ARG) where other variables than
  /// the cells were captured.
  std::vector<double> energies(const Capture& capture) const;
  /// dV/dx_i. Error(UNSUPPORTED) for discrete cells.
  std::vector<double> gradient(std::span<const double> state) const;
  /// Lowest and highest curvature of V where every |x_i| is at most `reach`: all second derivatives lie between them,
  /// the ends found by Lanczos within 0.1 % of their distance (exact to rounding for up to 96 cells). Discrete cells: both 0.
  struct Curvature {
    double lowest = 0, highest = 0;  ///< ends
  };
  Curvature curvature(double reach) const;

  /// Loads every section that the kind has, and the couplings (dense or of a graph, as the device has them), into the
  /// program's shadow; not the temperature, no COMMIT. Error(UNSUPPORTED) for cells of another kind or other states, directed couplings
  /// on a device that has none and a pair without a coupler; Error(BAD_ARG) where the program has another number of
  /// cells.
  void load_into(Program& program, const Factors& factors = {}) const;

 private:
  CellKind kind_;
  std::uint32_t cells_, states_;
  std::array<std::vector<double>, sections.size()> sections_;  // in the order of `sections`: one value or values_in()
  std::vector<Edge> edges_;
  bool directed_ = false;
  double constant_ = 0;

  static std::size_t index_of(CellSection section);
  template <class State>
  double energy_of_labels(std::span<const State> state) const;
  template <class State>
  double energy_of(std::span<const State> state) const;
};

}  // namespace heatbath::network
