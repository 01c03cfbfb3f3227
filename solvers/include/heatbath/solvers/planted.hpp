#pragma once
// Problems of spins with a lowest energy that is known because it was put there, and glasses without one.

#include <cstdint>
#include <vector>

#include "heatbath/network/network.hpp"

namespace heatbath::solvers {

/// A problem and a state of lowest energy of it.
struct Planted {
  network::Network network;  ///< the problem
  std::vector<float> state;  ///< +1 and -1
  double energy = 0;         ///< of that state: none is lower
};

/// Wishart planted ensemble (Hamze, Raymond, Pattison, Biswas & Katzgraber, Phys. Rev. E 101, 052102 (2020)): dense
/// couplings E = sum_{i<j} (W W')_ij s_i s_j / cells with Gaussian columns of W that are orthogonal to the planted state.
/// `columns` / cells is the alpha of the paper: hardest where it is small, with an easy-hard-easy profile. Error(BAD_ARG)
/// for fewer than 2 cells, 0 columns, or more than 8192 cells.
Planted wishart(std::uint32_t cells, std::uint32_t columns, std::uint64_t seed);

/// Tiles on the torus of side x side spins, side even and at least 4 (after Hamze, Jacob, Ochoa, Perera, Wang & Katzgraber,
/// Phys. Rev. E 97, 043303 (2018)): every second plaquette is a tile of its own four couplings, one of which, of size 1,
/// the planted state violates. Of the other three each has size 1 with probability `weak`, else 2: a tile has two to
/// eight states of lowest energy. Signs are turned at random afterwards. Error(BAD_ARG) for another side or probability.
Planted tiles(std::uint32_t side, double weak, std::uint64_t seed);

/// The +-1 glass on the square (2) or cubic (3 dimensions) lattice with periodic edges, E = -sum J s s, each J of either sign
/// with probability 1/2. Its lowest energy is not known. Error(BAD_ARG) for other dimensions, or a side below 3 or above
/// 64.
network::Network sign_glass(std::uint32_t dimensions, std::uint32_t side, std::uint64_t seed);

}  // namespace heatbath::solvers
