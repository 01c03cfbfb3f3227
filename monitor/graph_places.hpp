#pragma once
// Where the cells of a graph stand in a picture, so that its form is seen.

#include <array>
#include <cstdint>
#include <vector>

#include "heatbath/job.hpp"
#include "heatbath/program.hpp"

namespace heatbath::monitor {

using Place = std::array<float, 2>;  ///< x and y, 0 to 1

/// Cells 0 to `cells` - 1 on a circle, the first on top.
std::vector<Place> circle_places(std::uint32_t cells);

/// Distances in the picture follow those along the couplings, as far as they can: least stress with weights d^-2, by
/// majorization from two starts (Gansner, Koren, North, "Graph drawing by stress majorization", 2004). Parts without a
/// coupling between them stand beside each other. The same places for the same couplings; takes cells^2 memory and time.
std::vector<Place> graph_places(std::uint32_t cells, const std::vector<Coupling>& couplings);

}  // namespace heatbath::monitor
