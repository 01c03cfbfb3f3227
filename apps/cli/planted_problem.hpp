#pragma once
// Problems by name instead of in a file: planted ones and glasses.

#include <optional>
#include <string>
#include <string_view>

#include "files/problem_file.hpp"

namespace heatbath::apps {

struct PlantedProblem {
  Problem problem;
  std::optional<double> lowest;  ///< value of the planted state; nothing where none is known
};

/// "wishart:CELLS:COLUMNS:SEED", "tiles:SIDE:WEAK:SEED", "square:SIDE:SEED" or "cubic:SIDE:SEED" (heatbath/solvers/planted.hpp); nothing for
/// another beginning. Error(BAD_ARG) for numbers that are none.
std::optional<PlantedProblem> planted_problem(std::string_view name);

}  // namespace heatbath::apps
