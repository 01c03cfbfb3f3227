#pragma once
// Names of temporary files and folders, which tell whether the process that made them is still there.

#include <filesystem>
#include <string>

namespace heatbath::apps {

/// A random name that identifies the process that made it.
std::string temporary_name();

/// Removes the files and folders of such names that killed processes of this user left in `folder`; those of other
/// machines when they have not changed for a day. What cannot be removed stays.
void remove_forgotten(const std::filesystem::path& folder);

}  // namespace heatbath::apps
