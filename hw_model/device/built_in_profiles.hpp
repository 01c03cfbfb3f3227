#pragma once
// The files of hw_model/profiles, as text inside the library.

#include <span>
#include <string_view>

namespace heatbath::model {

struct BuiltInProfile {
  std::string_view name;  ///< file name without .toml
  std::string_view text;  ///< its contents
};

/// In the order of hw_model/device/CMakeLists.txt.
std::span<const BuiltInProfile> built_in_profiles();

}  // namespace heatbath::model
