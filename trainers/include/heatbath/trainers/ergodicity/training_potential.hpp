#pragma once
// A library of binary patterns as energies of all 2^N states, and the thermodynamics of them (He & Lubchenko,
// "Knowledge as a breaking of ergodicity", arXiv:2412.16411, Neural Computation 37(4):742, 2025). Up to 16 cells, every
// state counted; all double precision. States are numbered by bits, bit i set means s_i = +1.

#include <cstdint>
#include <span>
#include <vector>

#include "heatbath/trainers/ergodicity/spins.hpp"

namespace heatbath::trainers {

/// Most cells of an enumeration.
constexpr std::uint32_t kEnumerableCells = 16;

/// E of all 2^cells states: -T ln w_i for the patterns (T = kT), `unseen` for all others. Throws Error(BAD_ARG) above
/// kEnumerableCells.
std::vector<double> library_energies(const Patterns& library, double unseen, double kT = 1);

/// Weights of all 2^cells states: those of the patterns, 0 elsewhere.
std::vector<double> state_weights(const Patterns& library);

/// Couplings of all orders by a fast Walsh–Hadamard transform: J_S = -2^-N sum_s E(s) prod_{j in S} s_j with the set S
/// as a bit mask, so that E(s) = -sum_S J_S prod_{j in S} s_j. The size must be a power of two.
std::vector<double> couplings_of_all_orders(std::span<const double> energies);

/// Its inverse, with the sets of at most `order` cells only: the reduced description.
std::vector<double> energies_up_to_order(std::span<const double> couplings, int order);

/// Fields and pair couplings of a list of couplings of all orders, as a machine; what is of higher order is left out.
SpinMachine pairwise_part(std::span<const double> couplings);

/// Energies of all states of a machine without hidden cells.
std::vector<double> machine_energies(const SpinMachine& machine);

/// Conjoint free energy A({E}, T) = -T ln sum_i exp(-E_i/T).
double conjoint_free_energy(std::span<const double> energies, double kT);

/// x_i = dA/dE_i: Boltzmann weights.
std::vector<double> boltzmann_weights(std::span<const double> energies, double kT);

/// Legendre transform of A at its own weights: A - sum_i x_i E_i = T sum_i x_i ln x_i.
double legendre_transform(std::span<const double> weights, double kT);

/// Training potential Phi = sum_i x_i E_i - A of data weights x: at least -legendre_transform(x), T times the entropy
/// of the data (Gibbs' inequality); what lies above is T times the divergence of the data from the model.
double training_potential(std::span<const double> data, std::span<const double> energies, double kT);

/// KL(data || model) in nats; infinite where the model lacks a state of the data.
double divergence(std::span<const double> data, std::span<const double> model);

/// One rung of the truncation ladder.
struct Truncation {
  int order;          ///< couplings between at most so many cells
  double divergence;  ///< KL(data || Boltzmann weights of the truncated energies), nats
};
/// Orders 1 to N of the energies of a library at kT.
std::vector<Truncation> truncation_ladder(const Patterns& library, std::span<const double> energies, double kT);

/// A minimum of a coarse-grained free energy in the magnetisations m.
struct FreeEnergyMinimum {
  std::vector<double> magnetisation;  ///< one per cell
  double free_energy = 0;
};

/// Which free energy: mean field, A(m) = -sum_{i<j} J m m - sum h m + T sum [p ln p + q ln q], p, q = (1 +- m)/2; or
/// with the Onsager term -(1/2T) sum_{i<j} J^2 (1 - m_i^2)(1 - m_j^2) of Thouless, Anderson & Palmer.
enum class Theory { mean_field, tap };

/// A(m) of a machine without hidden cells.
double magnetisation_free_energy(const SpinMachine& machine, std::span<const double> magnetisation, double kT,
                                 Theory theory);

/// Minima of A(m), lowest first, by descent from many starts: all corners up to 10 cells, beyond that the patterns of
/// `hints` and 256 corners drawn from `seed`. Minima closer than 1e-4 in every cell are one.
std::vector<FreeEnergyMinimum> free_energy_minima(const SpinMachine& machine, double kT, Theory theory,
                                                  const Patterns* hints = nullptr, std::uint64_t seed = 1);

}  // namespace heatbath::trainers
