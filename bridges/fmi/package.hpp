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
  /// How many seconds of the simulation a time unit of the device takes; 0: as many as on the device.
  double time_unit_seconds = 0;
  bool scalar = false;  ///< a variable for each element of the arrays, for importers without arrays
};

/// Length of a step of the array in the time of the simulation.
double step_seconds(const Device& device, const PackageOptions& options);

/// Writes the unit whole: model description, binary, documentation, icon, and its network and profile as resources. The
/// same options give the same bytes. `device` is one of that profile and of the kind of the network's cells, for the
/// units and what it can do. Throws Error(UNSUPPORTED) when it cannot be a unit, Error(BAD_ARG) for a network that does
/// not fit it, Error(IO).
void write_unit(const std::filesystem::path& path, const Device& device, const PackageOptions& options);

/// The binary that this command was built or installed with. Throws Error(IO) that says where it should be.
std::filesystem::path unit_library();

}  // namespace heatbath::apps::fmi
