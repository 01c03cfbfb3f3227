#pragma once
// Writes functional mock-up units.

#include <cstdint>
#include <filesystem>
#include <string>

#include "bridges/netlist.hpp"

namespace heatbath {
class Device;
}

namespace heatbath::apps::fmi {

/// What a unit is made of.
struct PackageOptions {
  Network network;
  std::string profile = "ideal";  ///< of the device in it: a built-in name, or a file that ends in .toml
  std::filesystem::path library;  ///< the shared object that is the unit's binary
};

/// Writes the unit whole: model description, binary, documentation, icon, and its network and profile as resources. The
/// same options give the same bytes. `device` is one of that profile, for the units and what it can do. Throws
/// Error(UNSUPPORTED) when it cannot be a unit, Error(BAD_ARG) for a network that does not fit it, Error(IO).
void write_unit(const std::filesystem::path& path, const Device& device, const PackageOptions& options);

/// The binary that this command was built or installed with. Throws Error(IO) that says where it should be.
std::filesystem::path unit_library();

}  // namespace heatbath::apps::fmi
