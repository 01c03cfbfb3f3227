#pragma once
// From the struct of the C functions.

#include "heatbath/capability_fields.hpp"
#include "heatbath/capabilities.h"

namespace heatbath {

/// The fields of what hb_dif_capability_get has read.
CapabilityFields capability_fields(const hb_capabilities_t& raw);

}  // namespace heatbath
