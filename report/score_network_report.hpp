#pragma once
// The report of `heatbath train score`.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "files/electricity.hpp"
#include "files/score_network_file.hpp"
#include "heatbath/measure/estimate.hpp"
#include "heatbath/trainers/drawing_judge.hpp"
#include "heatbath/trainers/score_drawing.hpp"
#include "report/picture.hpp"

namespace heatbath::apps {

struct ScoreNetworkReport {
  SavedScoreNetwork saved;
  trainers::ScoreDrawOptions draw;
  trainers::ScoreDrawings drawings;
  trainers::DrawingQuality quality;
  std::optional<trainers::DrawingQuality> unlabelled;  ///< of drawings with all label cells at 0
  std::uint32_t unlabelled_shots = 0;
  std::optional<trainers::DrawingQuality> free;  ///< of drawings whose classes the label cells chose
  std::uint32_t free_shots = 0;
  std::size_t learned = 0;         ///< images
  std::string device;              ///< one line
  Electricity electricity;         ///< of all that the device did
  double energy_unit_joules = 0;   ///< of the device; 0: not known
  std::string model_path;
  double train_seconds = 0, total_seconds = 0;
  std::vector<Picture> pictures{};

  std::optional<measure::Estimate> heat_kT() const;      ///< of one drawing; none without meters
  std::optional<measure::Estimate> heat_joules() const;  ///< likewise, and where the unit is known
};

/// Ten drawings of each class, in rows; of a network without labels the first hundred.
Picture score_samples_picture(const ScoreNetworkReport& report);
Picture score_paths_picture(const ScoreNetworkReport& report);
/// Drawings, each above the learned image that is nearest to it.
Picture score_nearest_picture(const ScoreNetworkReport& report, const trainers::Images& learned);
Picture score_training_picture(const ScoreNetworkReport& report);
Picture score_heat_picture(const ScoreNetworkReport& report);

nlohmann::json score_network_json(const ScoreNetworkReport& report);
std::string score_network_html(const ScoreNetworkReport& report);

}  // namespace heatbath::apps
