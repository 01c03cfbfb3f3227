#pragma once
// The registers whose reset values a chip profile decides.

#include "hw_model/device/profile.hpp"
#include "hw_model/device/register_file.hpp"

namespace heatbath::model {

/// Sets identity and capability registers and DT_TICKS to what the profile says; not the sizes, which a chip may choose.
void set_profile_registers(const Profile& profile, RegisterFile& registers);

}  // namespace heatbath::model
