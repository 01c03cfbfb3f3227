#pragma once
// How far the values of a parameter section reach on a device.

#include "heatbath/capabilities.hpp"
#include "heatbath/program.h"

namespace heatbath {

/// Full scale of a section that lies in device memory; couplings for a section that does not.
inline float section_range(const Capabilities& capabilities, hb_section_t section) {
  switch (section) {
    case HB_SECTION_J2: return capabilities.range_j2;
    case HB_SECTION_J4: return capabilities.range_j4;
    case HB_SECTION_BIAS: return capabilities.range_bias;
    case HB_SECTION_KT: return capabilities.kT_max;
    case HB_SECTION_MASS: return capabilities.range_mass;
    case HB_SECTION_DAMPING: return capabilities.range_damping;
    case HB_SECTION_FREQUENCY: return capabilities.range_frequency;
    case HB_SECTION_COUPLING:
    case HB_SECTION_GAIN: break;
  }
  return capabilities.range_coupling;
}

}  // namespace heatbath
