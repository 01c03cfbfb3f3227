#pragma once
// What `train equilibrium` leaves for a person and for a machine.

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "files/electricity.hpp"
#include "files/equilibrium_file.hpp"
#include "report/picture.hpp"

namespace heatbath::apps {

struct EquilibriumRun {
  SavedEquilibrium saved;
  trainers::MapExamples examples;
  std::vector<double> outputs;  ///< of the trained net left alone, examples x outputs
  double right = 0;             ///< share of the outputs whose sign is that of the target
  double cost = 0;              ///< mean of sum (mean output - target)^2/2
  std::string data_source, device;
  Electricity electricity;  ///< of all that the device did
  double seconds = 0;
  std::vector<Picture> pictures;
};

std::vector<Picture> equilibrium_pictures(const EquilibriumRun& run);

/// Keys at the top: right, cost, cost_first, cost_last, costs, outputs, settings, seed, device, seconds, pictures, provenance.
nlohmann::json equilibrium_json(const EquilibriumRun& run);

std::string equilibrium_html(const EquilibriumRun& run);

}  // namespace heatbath::apps
