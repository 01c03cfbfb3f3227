#pragma once
// The register map in the forms that firmware_api/regmap/generate.py writes, as part of the program.

#include <cstdint>
#include <string>
#include <string_view>

namespace heatbath::apps {

/// The map as "csv", "json", "svd", "rdl" or "litex"; of svd and litex with the device at `base`. Throws
/// Error(HB_BAD_ARG) that lists these for any other, and for a base that does not fit.
std::string register_export(std::string_view format, std::uint32_t base = 0);

}  // namespace heatbath::apps
