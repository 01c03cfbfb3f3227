#pragma once
// A library of patterns as a pairwise machine with one label cell for each pattern.

#include <vector>

#include "heatbath/trainers/ergodicity/spins.hpp"

namespace heatbath::trainers {

/// E = -sum_mu n_mu [depth - coupling (N - xi_mu . s)], n_mu = 0 or 1: pattern mu lies at -depth when its label is on,
/// and states far from all patterns near 0 with all labels off. Cells 0..N-1 are s, cell N + mu is the label, on at +1.
/// The energy of the machine differs from E by a constant. Usual: depth = coupling = N/2.
struct LibraryMachine {
  Patterns library;  ///< its patterns
  double depth = 0, coupling = 0;  ///< of the energy above
  SpinMachine machine;  ///< that has this energy
};

LibraryMachine library_machine(const Patterns& library, double depth, double coupling);  ///< see above

/// Probability that s is a pattern of the library, labels summed over; N at most 16, every state counted.
double library_probability(const LibraryMachine& machine, double kT);

/// Temperature at which that is one half, to 1e-9; NaN where there is none between 0.01 and 100 depths (patterns that
/// make up half of all states or more).
double library_temperature(const LibraryMachine& machine);

/// The closed form of M equal patterns at -depth and all other states at 0, M/(M + (2^N - M) exp(-depth/T)), which
/// needs couplings among all cells at once, and its temperature of one half, depth/ln((2^N - M)/M).
double ideal_library_probability(std::uint32_t cells, double patterns, double depth, double kT);
double ideal_library_temperature(std::uint32_t cells, double patterns, double depth);

}  // namespace heatbath::trainers
