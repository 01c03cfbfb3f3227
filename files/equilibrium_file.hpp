#pragma once
// net.json: a net of quartic cells, trained by equilibrium propagation or on the way.

#include <filesystem>
#include <string>

#include "heatbath/trainers/equilibrium_propagation.hpp"

namespace heatbath::apps {

/// A training and what it is of.
struct SavedEquilibrium {
  std::string problem;  ///< name or file (as UTF-8)
  std::string device;   ///< URI, as UTF-8
  trainers::EquilibriumOptions options;
  std::uint32_t updates = 0;  ///< that were asked for
  trainers::EquilibriumTraining training;
};

/// JSON; reading it gives the same bits.
std::string equilibrium_text(const SavedEquilibrium& saved);

/// Throws Error(IO or BAD_ARG) in one line with the path: missing, no JSON, a key that is missing or of another shape,
/// damaged, of another command.
SavedEquilibrium read_equilibrium(const std::filesystem::path& path);

}  // namespace heatbath::apps
