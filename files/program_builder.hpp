#pragma once
// A TOML program as a program of a device.

#include <span>

#include "files/toml_program.hpp"
#include "heatbath/device.hpp"

namespace heatbath::apps {

/// What [network] j2 is where a program has none: 1, of phases 0.
float default_j2(const Capabilities& capabilities);

/// The state at which cells start where a program does not say: 0, of p-bits 1.
float default_state(const Capabilities& capabilities);

/// What [network] j4 is where a program has none: 1 for overdamped cells, 0 for others and with the exact-ou stepper.
float default_j4(const Capabilities& capabilities);

/// Appends a load for each parameter that is given.
void load(Program& program, const ParameterSet& set);

/// Throws Error(BAD_ARG) for a value that no state can have: beyond a rail or the full scale of its capture, or of a
/// p-bit anything but 1 and -1. `first`: state variable of the first value; cells + i is the second of cell i.
void check_states(const Capabilities& capabilities, std::uint32_t cells, std::uint32_t first,
                  std::span<const float> values);

/// The step that a program asks for, set on the device; else the device's stays. Error(BAD_ARG or UNSUPPORTED) with the
/// place of network.dt (or the option that stands for it) where the device cannot have it.
void set_step(Device& device, const TomlProgram& description);

/// Throws Error(BAD_ARG or UNSUPPORTED) with the place of what [samples] asks and the device cannot give.
void check_samples(const TomlProgram& description, const Capabilities& capabilities);

/// Turns it into a program for a device. Throws Error(BAD_ARG or UNSUPPORTED) with the file and line of the step that
/// the device refuses.
Program build_program(const TomlProgram& description, const Device& device);

}  // namespace heatbath::apps
