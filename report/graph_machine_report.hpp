#pragma once
// What `train graph` leaves for a person and for a machine.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "files/electricity.hpp"
#include "files/graph_machine_file.hpp"
#include "report/picture.hpp"

namespace heatbath::apps {

struct GraphMachineRun {
  SavedGraphMachine saved;
  std::size_t learned = 0;  ///< patterns
  std::size_t held_out = 0;
  /// Mean ln p(s_i | all other cells) of the trained machine, nats a cell; none with hidden cells, or none held out.
  std::optional<double> of_learned, of_held_out;
  std::string device;
  Electricity electricity;  ///< of all that the device did
  double seconds = 0;
  std::vector<Picture> pictures;
};

/// training.png, and couplings.png: their histogram.
std::vector<Picture> graph_machine_pictures(const GraphMachineRun& run);

/// Keys at the top: patterns, learned, held_out, pseudolikelihood, pseudolikelihood_first, pseudolikelihood_held_out,
/// pseudolikelihood_held_out_first, gap_first, gap_last, settings, seed, device, electricity, seconds, pictures,
/// provenance. What was not measured is null.
nlohmann::json graph_machine_json(const GraphMachineRun& run);

std::string graph_machine_html(const GraphMachineRun& run);

}  // namespace heatbath::apps
