#pragma once
// Rows of couplings, one by one and without a table of all of them.

#include <cstdint>

#include "hw_model/physics/graph.hpp"
#include "hw_model/physics/parameters.hpp"

namespace heatbath::physics {

/// f(k, J_ik) for the couplers of cell i, or, of a dense matrix, for all k; k ascending. Nothing of an all-zero matrix.
template <class F>
void for_row(const Couplings& couplings, std::uint32_t i, F&& f) {
  if (couplings.zero()) return;
  const Graph* const graph = couplings.graph().get();
  if (graph == nullptr) {
    for (std::uint32_t k = 0; k < couplings.cells(); ++k) f(k, couplings.at(i, k));
    return;
  }
  const ValueList& values = couplings.coupler_values();
  std::uint32_t n = 0;
  if (values.one_value()) {
    for (const std::uint32_t k : graph->neighbours(i)) f(k, values.front());
    return;
  }
  const bool one_way = values.size() != graph->couplers().size();
  for (const std::uint32_t k : graph->neighbours(i)) {
    const std::size_t ordinal = graph->coupler_ordinal(i, n++);
    f(k, one_way ? values[2 * ordinal + (i < k ? 0 : 1)] : values[ordinal]);
  }
}

}  // namespace heatbath::physics
