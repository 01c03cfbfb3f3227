#pragma once
// The schedule of a TOML program on the grid of a device's steps.

#include <vector>

#include "files/toml_program.hpp"
#include "heatbath/device.hpp"

namespace heatbath::apps {

/// Whether a step of the device is a whole sweep of updates, one time unit.
inline bool makes_sweeps(const Capabilities& capabilities) {
  return is_discrete(capabilities.cell_kind) && capabilities.stepper != Stepper::random_sequential;
}

/// Appends the steps. Durations add up in exact time: each is taken to whole steps of the device so that the sum stays
/// within half a step of what was asked, and a repeat whose duration is no whole number of steps is written out as
/// often as makes it one, where the program has room. Throws Error(BAD_ARG) with file, line and key for a duration or a
/// period that is off by more than 1 % of itself, and with file and line for what the device refuses.
void append_schedule(Program& program, const std::vector<ScheduleStep>& steps, const Device& device, MeterSet meters);

}  // namespace heatbath::apps
