#pragma once
// A TOML program as a program of a device.

#include "apps/files/toml_program.hpp"
#include "heatbath/device.hpp"

namespace heatbath::apps {

/// What [network] j4 is where a program has none: 1 for overdamped cells, 0 for others and with the exact-ou stepper.
float default_j4(const Capabilities& capabilities);

/// Turns it into a program for a device. Throws Error(BAD_ARG or UNSUPPORTED) with the file and line of the step that
/// the device refuses.
Program build_program(const TomlProgram& description, const Device& device);

}  // namespace heatbath::apps
