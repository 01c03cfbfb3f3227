#pragma once
// Graphs by name or from a file.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hw_model/physics/graph.hpp"

namespace heatbath::physics {

/// Graphs by name, cell y * W + x at column x of row y:
///   grid:WxH    nearest neighbours         torus:WxH   the same, closed in both directions (W, H >= 3)
///   z1:WxH      sixteen neighbours, of the other colour of a chessboard (numerics::z1_pairs)
///   king:WxH    eight neighbours           chain:N, ring:N (N >= 3)
/// At most numerics::most_cells cells. Throws std::invalid_argument that says what is wrong and lists the forms.
std::shared_ptr<const Graph> named_graph(std::string_view name);

/// A graph, and what its file says of the couplings on it.
struct Topology {
  std::shared_ptr<const Graph> graph;
  /// Empty where the file has no values; one per coupler; two, J_ij then J_ji, where couplings need not be reciprocal.
  std::vector<float> couplings;
  bool open = false;  ///< an edge list, which does not say how many cells follow the last that has a coupler
};

/// named_graph for a name with one of its prefixes, else the file of that name (numerics::read_pairs). `reciprocal`:
/// whether J_ij = J_ji. Throws std::invalid_argument in one line: file, line, what is wrong.
Topology load_topology(const std::string& name_or_file, bool reciprocal);

}  // namespace heatbath::physics
