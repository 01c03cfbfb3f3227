#pragma once
// Small machines of spins, every state counted.

#include <vector>

#include "heatbath/trainers/machine_training.hpp"

namespace heatbath::trainers {

/// Whether the functions below count a machine's states: up to 16 visible cells, and where hidden cells couple to one
/// another up to 16 cells in all.
bool enumerable(const SpinMachine& machine);

/// The law of the visible cells, 2^visible weights, hidden cells summed over. Error(BAD_ARG) unless enumerable().
std::vector<double> visible_law(const SpinMachine& machine, double kT);

/// `shots` states of all cells drawn from the law of the machine on the host, shots x cells: a pure function of the seed.
std::vector<Spin> exact_states(const SpinMachine& machine, double kT, std::uint32_t shots, std::uint64_t seed);

/// KL(data || machine) in nats, and its gradient with respect to machine_parameters() times -kT: <s s>_data -
/// <s s>_machine.
double exact_divergence(const Patterns& data, const SpinMachine& machine, double kT);
std::vector<double> exact_gradient(const Patterns& data, const SpinMachine& machine, double kT);

}  // namespace heatbath::trainers
