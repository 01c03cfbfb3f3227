#pragma once
// The systems that rows and peers run. bench/peers/peer.py builds the same ones.

#include <cstdint>
#include <memory>

#include "hw_model/physics/array.hpp"
#include "hw_model/physics/parameters.hpp"

namespace heatbath::bench {

constexpr double step_time = 0.01;  ///< dt of all systems, time units

/// J2 = 1, J4 = 0.25, bias 0, kT = 1 on `cells` cells, without couplings.
physics::Parameters uncoupled(std::uint32_t cells);

/// Dense couplings of 8-bit codes: J_ij = c_ij / (128 sqrt N), c_ij = rint(127 sin(0.37 i j + i + j)), J_ii = 0.
/// `codes`: summed in integer arithmetic.
physics::Parameters dense(std::uint32_t cells, bool codes = false);

/// J = -0.2 on every coupler.
physics::Parameters on_graph(std::shared_ptr<const physics::Graph> graph);

/// A random graph of degree 6 on average: 3 N distinct pairs from a 64-bit congruential generator.
std::shared_ptr<const physics::Graph> random_graph(std::uint32_t cells);

/// Mean of x^2, and of x_i (J x)_i / 2, the coupling energy per cell: what two programs must agree on before their
/// times are compared. Errors from 16 groups of lanes (of neighbouring cells for fewer lanes).
struct Statistics {
  double square = 0, square_error = 0, pair = 0, pair_error = 0;
};
Statistics statistics(physics::Array& array, const physics::Parameters& parameters);

}  // namespace heatbath::bench
