#pragma once
// Ensembles that a row starts from.

#include <cstddef>
#include <vector>

#include "oracles/boltzmann_cell.hpp"
#include "validate/bench.hpp"

namespace heatbath::validation {

/// Independent states of the law, to about 1e-4 of their spread (4096 slices of equal probability, linear in between).
std::vector<float> law_states(Machine& machine, const reference::BoltzmannLaw& law, std::size_t count);

/// Independent normal states.
std::vector<float> normal_states(Machine& machine, std::size_t count, double mean = 0, double variance = 1);

}  // namespace heatbath::validation
