#pragma once
// What every thermal average of linear algebra refuses.

#include <cstddef>

#include "heatbath/solvers/linear.hpp"

namespace heatbath::solvers {

/// Error(BAD_ARG) for options out of range and for other than n x n entries.
void check(const LinearOptions& options, std::size_t entries, std::size_t n);

}  // namespace heatbath::solvers
