#pragma once
// Up to 20 binary cells, every state counted.

#include <Eigen/Core>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <vector>

namespace heatbath::reference {

/// A state of binary cells: bit i set means s_i = +1, clear means -1.
using BinaryState = std::uint32_t;

/// s_i of a state.
inline double spin(BinaryState state, int cell) { return (state >> cell & 1) != 0 ? 1.0 : -1.0; }

/// An energy +coupling s_a s_b, in the device's sign: a negative coupling aligns.
struct Bond {
  int a;
  int b;
  double coupling;
};

/// All 2^cells energies and what follows from them. Temperatures are positive, in the unit of the energies.
class Enumeration {
 public:
  /// From an energy of each state; 1 to 20 cells, else std::invalid_argument.
  Enumeration(int cells, const std::function<double(BinaryState)>& energy);
  /// E = sum of bonds + sum_i bias_i s_i (no bias: leave empty).
  Enumeration(int cells, std::span<const Bond> bonds, std::span<const double> bias = {});

  int cells() const { return cells_; }
  /// 2^cells energies by state.
  const std::vector<double>& energies() const { return energies_; }
  double lowest_energy() const;
  /// Number of states of each energy; energies closer than 1e-9 are one level.
  std::map<double, std::uint64_t> density_of_states() const;

  /// ln sum exp(-E/T).
  double log_partition(double temperature) const;
  /// Boltzmann weights of all states.
  std::vector<double> probabilities(double temperature) const;
  double average(double temperature, const std::function<double(BinaryState)>& f) const;
  double mean_energy(double temperature) const;
  /// Var(E)/T^2.
  double heat_capacity(double temperature) const;
  /// <s_i s_j> of all pairs, cells x cells.
  Eigen::MatrixXd correlations(double temperature) const;
  /// <q^2> of the overlap q = sum_i s_i s'_i/N of two independent copies: sum_ij <s_i s_j>^2/N^2.
  double mean_square_overlap(double temperature) const;

 private:
  int cells_;
  std::vector<double> energies_;
};

/// Averages over the magnetisation per cell m = sum s/N.
struct Magnetisation {
  double absolute;  ///< <|m|>
  double square;    ///< <m^2>
  double binder;    ///< 1 - <m^4>/(3 <m^2>^2)
};
Magnetisation magnetisation(const Enumeration& system, double temperature);

/// sum_i p_i ln(p_i/q_i) in nats; infinite when q lacks a state of p.
double kullback_leibler(std::span<const double> p, std::span<const double> q);

/// Mutual information in nats between the cells of `mask` and the others, from the probabilities of all states.
double mutual_information(std::span<const double> probabilities, BinaryState mask);

/// J_S = -2^-N sum_s E(s) prod_{j in S} s_j for every set of cells S (bit mask), so that E(s) = -sum_S J_S prod_{j in
/// S} s_j: the couplings of all orders of He & Lubchenko (arXiv:2412.16411), in the sign of that paper. J of the empty
/// set is minus the mean energy. The size must be a power of two.
std::vector<double> walsh_hadamard_couplings(std::span<const double> energies);

/// Energies of the couplings J_S with at most `order` cells in S.
std::vector<double> truncated_energies(std::span<const double> couplings, int order);

/// Probability of M library states at energy -depth among 2^cells states, the others at 0:
/// M/(M + (2^N - M) exp(-depth/T)).
double library_probability(int cells, double library, double depth, double temperature);

/// Temperature at which it is one half: depth/ln((2^N - M)/M).
double library_temperature(int cells, double library, double depth);

}  // namespace heatbath::reference
