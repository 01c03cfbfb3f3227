#pragma once
// Where a result comes from: enough to make it again.

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace heatbath {
class Device;
}

namespace heatbath::apps {

/// "heatbath 0.1.0 (v0.1.0-12-gabcdef)".
std::string version_line();

/// Keys: heatbath_version, source (git describe of the tree it was built from, may be empty), compiler, build_type,
/// date (UTC, ISO 8601).
nlohmann::json provenance();

/// Identity and capabilities of a device as JSON; floats in energy units, times in ticks as the names say.
/// Reads what the driver read at opening; advances no time.
nlohmann::json describe_device(const Device& device);

/// One line: URI, vendor, part, revision, serial.
std::string device_line(const Device& device);

}  // namespace heatbath::apps
