#pragma once
// machine.json: a Boltzmann machine, trained or on the way.

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "heatbath/trainers/machine_training.hpp"

namespace heatbath::apps {

/// A training and what it is of.
struct SavedBoltzmann {
  std::string problem;  ///< name or file (as UTF-8)
  std::string digits;   ///< with commas between, of the problem digits
  std::string device;   ///< URI, as UTF-8
  trainers::BoltzmannOptions options;
  trainers::MachineTraining training;
  std::vector<std::pair<std::uint32_t, double>> curve;  ///< updates made, exact KL(data || machine) then
};

/// JSON; reading it gives the same bits.
std::string boltzmann_text(const SavedBoltzmann& saved);

/// Throws Error(IO or BAD_ARG) in one line with the path: missing, no JSON, a key that is missing or of another shape,
/// damaged, of another command.
SavedBoltzmann read_boltzmann(const std::filesystem::path& path);

}  // namespace heatbath::apps
