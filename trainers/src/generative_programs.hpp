#pragma once
// The two programs of generative thermodynamic computing (generative.md 2.2, 2.3), on any device.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "heatbath/device.hpp"
#include "heatbath/program.hpp"
#include "heatbath/trainers/generative.hpp"

namespace heatbath::trainers {

/// Throws Error(BAD_ARG or UNSUPPORTED), in the name of `who`, when the device has fewer than `cells` cells, cannot be
/// at temperature kT, or the physical constants are out of range.
void check_machine(const Capabilities& capabilities, const std::string& who, std::uint32_t cells, float j2, float j4,
                   float kT, double tf);

/// Durations of the noising program and what is recorded of it.
struct NoisingSchedule {
  Ticks equilibrate;  ///< fully driven, tf
  Ticks fade;         ///< drive falls to 0, ramp_end tf
  Ticks free;         ///< no drive, the rest of tf
  Ticks period;       ///< capture period

  /// Recorded steps: a trajectory has one state more.
  std::uint64_t steps() const { return (fade + free).count / period.count; }
};

/// ramp_end: part of tf in which the drive falls. Throws Error(BAD_ARG) when no capture period fits, and
/// Error(UNSUPPORTED) when the device's increments are not Markov and the period is shorter than ten of its steps.
NoisingSchedule noising_schedule(const Device& device, double tf, Ticks wanted_period, double ramp_end);

/// Cells clamped to 0, released, driven by their field for tf, then recorded while the drive fades and ceases.
/// Label cells take no part. fields: shots x moving cells, the drive h; the force on cell i is a(t) h_i, so its bias is
/// -a(t) h_i.
Program noising_program(const Capabilities& capabilities, const GenerativeModel& model, const NoisingSchedule& schedule,
                        std::span<const float> fields, std::uint32_t shots);

/// What a generation program leaves in its Result.
struct GenerationPlan {
  std::vector<Ticks> sample_times;  ///< since the couplings were switched on, rising; the last is tf
  std::vector<Ticks> switch_times;  ///< when segments 1, 2, ... begin: after the sample of the same time
  std::vector<float> labels;        ///< shots x labels: what the label cells are clamped to
  bool meters = false;              ///< snapshots at the switch-on and at tf
  bool readback = false;            ///< bias and couplings as applied
};

/// Cells clamped to 0, released, uncoupled for `noise`, then with the model's couplings and biases to the last of the
/// plan's times.
Program generation_program(const Capabilities& capabilities, const GenerativeModel& model, Ticks noise,
                           const GenerationPlan& plan);

}  // namespace heatbath::trainers
