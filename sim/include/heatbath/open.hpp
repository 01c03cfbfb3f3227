#pragma once
// Any device by its URI, emulators among them. For programs that link heatbath::heatbath.

#include <string_view>

#include "heatbath/device.hpp"

namespace heatbath {

/// Opens the device of a URI: func:profile=ideal&cells=64&lanes=16&seed=1&threads=2, tlm: of the chip in SystemC, or a
/// link as open_link() takes. An empty URI means the environment variable HEATBATH_DEVICE, and without it `func:`.
/// Error(BAD_ARG) lists the valid schemes, keys and values; OUT_OF_MEMORY where this computer has not what the emulated
/// chip needs; else what links throw.
Device open(std::string_view uri = {});

}  // namespace heatbath
