#pragma once
// What scaling and converters did to a problem, for a reader of its result.

#include <string>
#include <vector>

#include "heatbath/network/scaling.hpp"

namespace heatbath::solvers {

/// A line for a factor on energies other than 1, one for rounding, which ends in `what_is_what`.
std::vector<std::string> scaling_notes(const network::Scaling& scaling, const std::string& what_is_what);

}  // namespace heatbath::solvers
