#pragma once
// Machines in training as a file, from which an interrupted training continues.

#include <filesystem>
#include <string>

#include "heatbath/studies/ergodicity.hpp"

namespace heatbath::apps {

/// A training and what it is of.
struct SavedMachines {
  std::string problem;  ///< name, file (as UTF-8) or digits
  std::string digits;   ///< with commas between, of the problem digits
  std::string device;   ///< URI, as UTF-8; this and digits are empty in files from before they were kept
  trainers::ErgodicityOptions options;
  trainers::ErgodicityState state;
};

/// JSON; reading it gives the same bits.
std::string machines_text(const SavedMachines& saved);

/// Throws Error(IO or BAD_ARG) in one line with the path: missing, no JSON, a key that is missing or of another shape.
SavedMachines read_machines(const std::filesystem::path& path);

}  // namespace heatbath::apps
