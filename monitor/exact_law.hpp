#pragma once
// The law that a cell of a nominal chip has in equilibrium, where there is one in closed form or by counting.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "monitor/scene.hpp"

namespace heatbath::monitor {

/// Of one cell: probability of each of `bins` equal parts of [low, high], with its mean and variance.
struct ExactLaw {
  std::string name;  ///< "quartic cell", "linear network", "all states counted", "phase"
  double mean = 0, variance = 0;
  double low = 0, high = 0;  ///< hold all but a negligible part; of spins -1.5 and 1.5
  std::vector<double> probability;
};

/// Uncoupled overdamped, underdamped or phase cells by quadrature; linear networks (all J4 = 0) of at most 400 such cells by
/// kT A^-1; p-bits of at most 12 cells by all their states. Nothing for others, for directed couplings, and where there
/// is no equilibrium.
std::optional<ExactLaw> exact_law(const Scene& scene, CellKind kind, double kT, double gain, double field,
                                  std::uint32_t cell, std::size_t bins);

}  // namespace heatbath::monitor
