#pragma once
// Temperatures of searches: their ends, and ladders whose exchanges are refused equally often.

#include <span>
#include <vector>

#include "heatbath/solvers/anneal.hpp"
#include "solvers/src/spin_graph.hpp"

namespace heatbath::solvers {

/// temperature_range() of a graph, with the ends that are not 0 in place of its own. Error(BAD_ARG) for ends that make no
/// range.
TemperatureRange chosen_range(const SpinGraph& graph, double coldest, double hottest);

/// As many temperatures between the same ends, so that each step has the same part of the sum of the rates: the sum up
/// to a temperature is taken as piecewise linear in 1/kT (Syed et al., arXiv:1905.02939, section 5). `rates`: one for
/// each pair of neighbours; where all are 0 the ladder is returned as it is.
std::vector<double> equal_refusal(std::span<const double> ladder, std::span<const double> rates);

}  // namespace heatbath::solvers
