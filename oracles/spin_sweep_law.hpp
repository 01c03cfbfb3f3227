#pragma once
// The law of p-bits after any number of sweeps, by the vector of the probabilities of all states.

#include <cstdint>
#include <vector>

#include <Eigen/Core>

namespace heatbath::reference {

/// n spins, n <= 12: an update sets s_i = +1 with probability 1/(1 + exp(2 h_i/T_i)), h = bias + coupling s. `coupling`
/// (n x n, zero diagonal) need not be symmetric.
struct Spins {
  Eigen::MatrixXd coupling;
  Eigen::VectorXd bias, temperature;
  std::vector<bool> held;
};

/// Bit i of a state is 1 for s_i = +1.
class SpinSweepLaw {
 public:
  SpinSweepLaw(std::uint32_t cells, std::uint32_t state);

  /// Updates one spin; held ones stay.
  void update(const Spins& spins, std::uint32_t cell);
  /// Updates one spin that is drawn from all.
  void update_any(const Spins& spins);

  double probability(std::uint32_t state) const { return law_[state]; }
  /// <s_i>, and <s_i s_j>.
  double mean(std::uint32_t i) const;
  double pair(std::uint32_t i, std::uint32_t j) const;
  /// Mean of sum b s + sum_{i<j} J_ij s_i s_j, of a symmetric coupling.
  double energy(const Spins& spins) const;

 private:
  std::uint32_t cells_;
  Eigen::VectorXd law_;

  Eigen::VectorXd updated(const Spins& spins, std::uint32_t cell) const;
};

}  // namespace heatbath::reference
