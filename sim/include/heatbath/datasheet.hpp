#pragma once
// What is known of a chip before it is opened. For programs that link heatbath::heatbath.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace heatbath {

/// A key of a chip profile.
struct DatasheetEntry {
  std::string table, key, value;  ///< [table] key = value, as text
  std::string grade;   ///< metered, measured, simulated, derived, projected, unstated: how the value is known
  std::string source;  ///< may be empty. Of an unstated key the value is what the emulator takes
};

/// All keys of a built-in profile, or of a file that ends in .toml, in the order of its tables. Error(BAD_ARG) as open().
std::vector<DatasheetEntry> datasheet(std::string_view profile);

/// Names of the built-in profiles, each with its description.
std::vector<std::pair<std::string, std::string>> built_in_profiles();

}  // namespace heatbath
