#pragma once
// The rows of each suite. Sources of expected values: oracles/ and docs/validation.md.

#include <span>

#include "validate/bench.hpp"

namespace heatbath::validation {

std::span<const Row> equilibrium_rows();
std::span<const Row> work_rows();
std::span<const Row> free_energy_rows();
std::span<const Row> linear_solver_rows();
std::span<const Row> escape_rows();
std::span<const Row> score_rows();
std::span<const Row> landauer_rows();
std::span<const Row> currents_rows();
std::span<const Row> inertia_rows();
std::span<const Row> phase_rows();
std::span<const Row> ising_rows();
std::span<const Row> potts_rows();
std::span<const Row> limits_rows();

}  // namespace heatbath::validation
