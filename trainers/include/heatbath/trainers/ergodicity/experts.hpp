#pragma once
// Machines of spins trained on a device: one for everything, or one expert for each free-energy minimum.

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "heatbath/trainers/machine_training.hpp"

namespace heatbath::trainers {

/// A mixture of machines without hidden cells: p(s) = sum_k pi_k exp(-(E_k(s) - F_k)/T).
struct Experts {
  std::vector<MachineTraining> machines;  ///< one for each expert
  std::vector<double> shares;                         ///< pi_k, sum 1
  std::vector<SpinDevice::FreeEnergy> free_energies;  ///< F_k, from ramps on the device
  std::vector<double> responsibilities;               ///< patterns x experts: r_nk
  std::uint32_t rounds = 0;                           ///< of expectation and maximisation made

  std::size_t size() const { return machines.size(); }  ///< experts
  /// ln p of a pattern.
  double log_likelihood(std::span<const Spin> spins, double kT) const;
};

/// Experts before their first update, their patterns assigned by k-means from the pattern of largest weight and those
/// farthest from the chosen. Ties go to the expert with the least weight. Throws Error(BAD_ARG) when there are more
/// experts than patterns.
Experts begin_experts(const Patterns& data, std::uint32_t experts, std::uint64_t seed, double limit = 0);

/// Goes on with rounds of expectation and maximisation until `rounds` are made: every expert is trained on its share of
/// the patterns (updates/rounds updates), its free energy measured by `ramps` ramps of `ramp_sweeps` sweeps, and the
/// patterns are assigned anew, r_nk = pi_k exp(-(E_k - F_k)/T)/sum. `after` as above; after false the state is whole
/// and another call goes on.
struct ExpertOptions {
  BoltzmannOptions machine;  ///< how each is trained
  std::uint32_t rounds = 3;  ///< of expectation and maximisation
  std::uint32_t ramps = 512;  ///< of each free energy
  double ramp_sweeps = 200;  ///< length of one
};
bool train_experts(SpinDevice& device, const Patterns& data, const ExpertOptions& options, Experts& experts,
                   const std::function<bool()>& after = {});

/// Retrieval: each shot draws an expert by its share, begins at a pattern that the expert answers for, and runs for
/// `sweeps`. Records as in SpinDevice::run; shots of one expert are together.
SpinRecords retrieve(SpinDevice& device, const Experts& experts, const Patterns& data, double kT, std::uint32_t shots,
                     double sweeps, std::uint32_t records = 1, double interval = 1);

/// KL(data || law of the records) in nats from relative frequencies, at most 16 cells. Jackknife over groups of shots:
/// takes off the bias of first order and gives the error. Infinite when a state of the data was never seen.
measure::Estimate sampled_divergence(std::span<const double> data, const SpinRecords& records);

/// KL(data || machine) with the free energy measured: sum w ln w + sum w (E - F)/T. Any size.
measure::Estimate ramp_divergence(const Patterns& data, const SpinMachine& machine, const SpinDevice::FreeEnergy& free_energy,
                         double kT);
/// The same of experts.
measure::Estimate ramp_divergence(const Patterns& data, const Experts& experts, double kT);

/// The two experts that solve the parity of three cells by hand: field +-K on the first, coupling +-K between the
/// others.
Experts parity_experts(double strength);

/// Their exact law, mixed half and half, over the 8 states.
std::vector<double> mixture_weights(const Experts& experts, double kT);

}  // namespace heatbath::trainers
