#pragma once
// Hidden cells that do not couple to one another, under visible cells that are held.

#include <span>

#include "heatbath/trainers/ergodicity/spins.hpp"

namespace heatbath::trainers {

/// Fills spins[visible..] with the means tanh((h + sum_i J s_i)/kT) under spins[..visible].
void set_hidden_means(const SpinMachine& machine, double kT, std::span<double> spins);

}  // namespace heatbath::trainers
