#pragma once
// Memories of spins that find a stored pattern from a part of it: Hebbian (Hopfield, PNAS 79, 2554, 1982) and dense
// (Krotov & Hopfield, NIPS 2016; Agliari et al., Phys. Rev. Lett. 124, 028301, 2020), on couplings between pairs.

#include <cstdint>
#include <span>
#include <vector>

#include "heatbath/measure/estimate.hpp"
#include "heatbath/trainers/ergodicity/spin_device.hpp"

namespace heatbath::trainers {

/// `count` patterns of independent fair spins, equal weights: a pure function of the seed.
Patterns random_patterns(std::uint32_t cells, std::uint32_t count, std::uint64_t seed);

/// J_ij = (1/N) sum_mu xi_mu(i) xi_mu(j): E = -(N/2) sum_mu m_mu^2 + P/2, m_mu = xi_mu . s/N.
SpinMachine hebbian_memory(const Patterns& patterns);

/// E = -(N/4) sum_mu m_mu^4 + constant, by hidden spins: `levels` pairs of them for each pattern with couplings +-w_k
/// xi_mu and fields -+theta_k. A pair adds -T sum_+- ln 2cosh((w_k x +- theta_k)/T) to the energy of the visible cells,
/// x = N m: a slope that softens from 0 to 2 w_k around x = theta_k/w_k, and a ladder of them is the quartic. The
/// ladder is fitted at one temperature, which the machine is to be run at.
struct DenseMemory {
  SpinMachine machine;  ///< visible cells first, then 2 levels hidden cells for each pattern
  double kT = 1;
  std::vector<double> width, threshold;  ///< w_k and theta_k
  double constant = 0;   ///< what the visible energy lies above -(N/4) sum m^4
  double worst = 0;      ///< largest |visible energy + (N/4) m^4 - constant| of one pattern over all values of m
};
/// Error(BAD_ARG) for no levels, more than 16, or kT that is not above 0.
DenseMemory dense_memory(const Patterns& patterns, double kT, std::uint32_t levels);

/// Boltzmann weights of all states of H_p = -(N/p) sum_mu m_mu^p, which the machines above have by their couplings (a
/// Hebbian one with p = 2, a dense one with p = 4). At most 16 cells.
std::vector<double> memory_law(const Patterns& patterns, int power, double kT);

/// <max_mu |m_mu|> of a law of all states.
double largest_overlap(const Patterns& patterns, std::span<const double> law);
/// The same of the records' visible cells, one record a shot.
measure::Estimate largest_overlap(const Patterns& patterns, const SpinRecords& records);

/// Overlaps m_mu of visible spins with all patterns.
std::vector<double> overlaps_with(const Patterns& patterns, std::span<const Spin> spins);

/// Shots start at a pattern (in turn), a share `corrupted` of whose spins are turned, and run for `sweeps`, visible
/// cells held while hidden ones settle for `settle`.
struct Recall {
  measure::Estimate overlap;    ///< with the pattern that each began at
  measure::Estimate recalled;   ///< share of the shots whose overlap is 0.9 or more
  measure::Estimate first;      ///< overlap that they began with
};
/// `shots` recalls at kT on the device; see Recall.
Recall recall(SpinDevice& device, const SpinMachine& machine, const Patterns& patterns, double kT, double corrupted,
              std::uint32_t shots, double sweeps, double settle = 1);

/// The overlap m at which a Hebbian memory of load P/N settles at T = 0 for N to infinity, of the replica-symmetric
/// theory: y (sqrt(2 load) + (2/sqrt(pi)) exp(-y^2)) = erf(y), m = erf(y), the largest y (Amit, Gutfreund & Sompolinsky,
/// Annals of Physics 173, 30, 1987). 0 above the load of 0.138 where there is none.
double hebbian_overlap(double load);

}  // namespace heatbath::trainers
