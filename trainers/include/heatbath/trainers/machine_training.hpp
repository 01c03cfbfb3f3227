#pragma once
// Boltzmann machines that learn on a device: each parameter follows the difference of two averages, one over the data
// and one over what the device makes (Ackley, Hinton & Sejnowski, Cognitive Science 9, 147, 1985).

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "heatbath/measure/estimate.hpp"
#include "heatbath/trainers/ergodicity/spin_device.hpp"

namespace heatbath::trainers {

/// Where the free phase, whose averages are those of the machine, starts.
enum class FreePhase {
  contrastive,  ///< from the patterns, at every update (Hinton, Neural Computation 14, 1771, 2002)
  persistent,   ///< where it ended (Tieleman, ICML 2008)
  /// Where it ended, with hotter chains beside each that change places with it (Desjardins et al., AISTATS 2010).
  tempered,
};
/// "contrastive", "persistent", "tempered"; free_phase_named() throws Error(BAD_ARG) that names `option`.
const char* name(FreePhase phase);
FreePhase free_phase_named(const std::string& text, const char* option);

/// Settings of a training by averages of data and device.
struct BoltzmannOptions {
  std::uint32_t updates = 300;  ///< of all parameters
  std::uint32_t shots = 512;  ///< of the free phase, per update (and temperature)
  double sweeps = 20;         ///< length of the free phase
  /// Sweeps with the visible cells clamped, after which hidden cells that do not couple to one another have forgotten
  /// where they were: the clamped phase where it is run, and what precedes a contrastive free phase.
  double settle = 0;
  double rate = 0.2;          ///< of the first update; falls linearly to a tenth
  double decay = 0;           ///< of all parameters, per update and unit of rate
  /// Above 0: every step is divided by this plus the variance of its statistic on the device, which keeps it from
  /// dying out when a spin or a pair is almost sure.
  double preconditioner = 0;
  double limit = 0;         ///< largest |field| and |coupling|; 0: none
  FreePhase phase = FreePhase::contrastive;
  std::uint32_t temperatures = 5;  ///< of a tempered phase, with equal steps of 1/kT
  double hottest = 4;              ///< the last of them, over kT
  double kT = 1;
};

/// A machine in training; complete after every update, and all that is needed to go on.
struct MachineTraining {
  SpinMachine machine;  ///< as it is now
  std::uint32_t updates = 0;  ///< made so far
  std::uint64_t seed = 1;  ///< of the training
  std::vector<Spin> chains;   ///< temperatures x shots x cells, where the last free phase ended, coldest first
  std::vector<Spin> clamped;  ///< shots x cells, where the last clamped phase ended, if the device ran one
  std::vector<double> gaps;   ///< root mean square of (data average - device average) over the parameters, by update
  std::uint64_t exchanges_tried = 0, exchanges_made = 0;  ///< of a tempered phase
};

/// A machine for patterns of `cells` cells with `hidden` hidden ones, before its first update: fields that give the
/// patterns' means, no couplings among visible cells, small random ones to hidden cells.
MachineTraining begin_training(const Patterns& data, std::uint32_t hidden, std::uint64_t seed, double limit = 0);

/// Updates a machine until it has had `until` of options.updates updates: dJ = rate (<s s>_data - <s s>_device), the
/// descent of the training potential, for every pair that couples. Where hidden cells do not couple to one another,
/// their means in the clamped phase are tanh of their local fields, on the host; with more than 128 patterns, the
/// clamped phase then takes 128 of them in turn. Where they do, the device runs the clamped phase too: patterns in
/// proportion to their weights (all of them in turn where there are more than shots), each shot's hidden cells from
/// where they were. Sums are in the order of the shots, so the bits do not depend on lanes, blocks or the boards of a
/// rack. `after` is called after every update; false stops. Update u of a seed has noise of its own, whatever ran
/// before. Error(BAD_ARG) for options out of range and where an update's shots would have no number.
void train_machine(SpinDevice& device, const Patterns& data, const BoltzmannOptions& options, std::uint32_t until,
                   MachineTraining& training, const std::function<bool()>& after = {});

/// The first of the shots that no training numbers: train_machine uses 3 * 2^30 at most.
inline constexpr std::uint32_t first_shot_after_training = 0xC0000000u;

/// Starts of `shots` chains: patterns in proportion to `weights` (one per pattern), hidden cells up.
std::vector<Spin> pattern_starts(const Patterns& data, std::span<const double> weights, std::uint32_t shots,
                                 std::uint32_t cells);

/// A field (i = j) or a coupling of a machine.
struct MachineParameter {
  std::uint32_t i = 0, j = 0;  ///< cells
  bool operator==(const MachineParameter&) const = default;
};
/// All that a training changes: fields first, then couplings by j < i.
std::vector<MachineParameter> machine_parameters(const SpinMachine& machine);

/// The two averages whose difference is the gradient of the likelihood of the data, times kT: <s_i s_j>_data -
/// <s_i s_j>_device of machine_parameters(), measured by shots that are independent: they start at random, or at `starts`
/// (shots x cells), and run for `sweeps`. Errors are those of the device's average (and of the clamped one where the device runs it).
std::vector<measure::Estimate> measured_gradient(SpinDevice& device, const Patterns& data, const SpinMachine& machine,
                                                 double kT, std::uint32_t shots, double sweeps,
                                                 std::span<const Spin> starts = {});

}  // namespace heatbath::trainers
