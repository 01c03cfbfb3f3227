#pragma once
// Few categorical cells by the probabilities of all their states: in equilibrium, and after any number of updates.

#include <cstddef>
#include <span>
#include <vector>

#include <Eigen/Core>

namespace heatbath::reference {

/// n cells of q states with E = sum_i bias(i, s_i) + sum_{i<j} coupling(i, j) [s_i = s_j]: in the device's sign, positive
/// couplings keep states apart. An update of cell i gives it state s with a probability that goes as exp(-e/T_i), e =
/// bias(i, s) + sum of coupling(i, k) over the cells k in state s; the matrix (zero diagonal) need not be symmetric.
struct PottsCells {
  Eigen::MatrixXd coupling;     ///< n x n
  Eigen::MatrixXd bias;         ///< n x q
  Eigen::VectorXd temperature;  ///< n
  std::vector<bool> held;       ///< n; empty: none

  int cells() const { return static_cast<int>(bias.rows()); }
  int states() const { return static_cast<int>(bias.cols()); }
  /// E of a state, of a symmetric coupling.
  double energy(std::span<const int> state) const;
};

/// Probabilities of all q^n states, at most 2^20.
class PottsLaw {
 public:
  /// All cells in these states.
  PottsLaw(const PottsCells& of, std::span<const int> state);
  /// Boltzmann's law at one temperature. `held`: per cell a state that it is held in, or -1; empty: none.
  static PottsLaw boltzmann(const PottsCells& of, double temperature, std::span<const int> held = {});

  /// Updates one cell; a held one stays.
  void update(const PottsCells& with, int cell);

  double marginal(int cell, int state) const;
  /// P(s_i = a and s_j = b).
  double pair(int i, int a, int j, int b) const;
  /// P(s_i = s_j).
  double equal(int i, int j) const;
  double mean_energy(const PottsCells& of) const;
  /// Var(E)
  double energy_variance(const PottsCells& of) const;
  /// <max_s n_s^p>, n_s the share of cells in state s: the order of a ferromagnet.
  double order(int power) const;
  /// ln sum exp(-E/T) of boltzmann().
  double log_partition() const { return log_partition_; }
  /// The largest |P(x) P(x -> y) - P(y) P(y -> x)| of an update of this cell.
  double imbalance(const PottsCells& with, int cell) const;

 private:
  int cells_, states_;
  Eigen::VectorXd law_;
  double log_partition_ = 0;

  PottsLaw(int cells, int states);
  int digit(Eigen::Index state, int cell) const;
  std::vector<int> digits(Eigen::Index state) const;
  template <class F>
  double average(F f) const;
};

}  // namespace heatbath::reference
