#pragma once
// The register map in the forms that firmware_api/regmap/generate.py writes, as part of the program.

#include <string_view>

namespace heatbath::apps {

/// The map as "csv", "json", "svd" or "rdl". Throws Error(HB_BAD_ARG) that lists these for any other.
std::string_view register_export(std::string_view format);

}  // namespace heatbath::apps
