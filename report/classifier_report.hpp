#pragma once
// What `train classifier` leaves for a person and for a machine.

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "files/classifier_file.hpp"
#include "files/electricity.hpp"
#include "report/picture.hpp"

namespace heatbath::apps {

struct ClassifierRun {
  SavedClassifier saved;
  trainers::Inference told;                  ///< held-out digits, parameters as trained
  std::optional<trainers::Inference> tuned;  ///< the same after fine-tuning
  double teacher_accuracy = 0;               ///< on held-out digits
  std::string device;
  Electricity electricity;  ///< of all that the device did
  double train_seconds = 0, seconds = 0;
  std::vector<Picture> pictures;
};

/// training.png, and digits.png of the first held-out ones as the machine reads them.
std::vector<Picture> classifier_pictures(const ClassifierRun& run, const trainers::Images& held_out);

/// Keys at the top: accuracy, top_two, single_run, heat_mean_kT, heat_joules (each with its error beside), teacher_accuracy, before_tuning
/// (where it was fine-tuned: the same keys of the parameters as trained), settings, seed, device, electricity, seconds, pictures,
/// provenance.
nlohmann::json classifier_json(const ClassifierRun& run);

std::string classifier_html(const ClassifierRun& run);

}  // namespace heatbath::apps
