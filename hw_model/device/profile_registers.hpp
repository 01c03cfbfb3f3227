#pragma once
// The registers whose reset values a chip profile decides.

#include "heatbath/cells.h"
#include "hw_model/device/profile.hpp"
#include "hw_model/device/register_file.hpp"

namespace heatbath::model {

/// Sets identity and capability registers and DT_TICKS to what the profile says; not the sizes, which a chip may
/// choose.
void set_profile_registers(const Profile& profile, RegisterFile& registers);

/// How far the values of a parameter section reach: [-range, range], or [0, range].
struct SectionRange {
  float range = 0;
  bool non_negative = false;
};

/// Couplings for a section that does not lie in device memory.
SectionRange section_range(const Profile& profile, hb_section_t section);

}  // namespace heatbath::model
