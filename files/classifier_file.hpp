#pragma once
// classifier.json: a classifier of guide paths, trained or on the way, with its teacher.

#include <filesystem>
#include <string>

#include "heatbath/trainers/guided_classifier.hpp"

namespace heatbath::apps {

/// A training and what it is of.
struct SavedClassifier {
  std::string data_source;
  std::uint64_t held_out = 0;  ///< images at the end of the data that it does not learn from
  std::string device;          ///< URI of the fine-tuning, as UTF-8
  trainers::ClassifierOptions options;
  trainers::ClassifierTraining training;
  trainers::FineTuneOptions tuning_options;
  trainers::FineTuning tuning;
  trainers::ClassifierMachine tuned;  ///< meaningful after the first update of the fine-tuning
};

/// JSON; reading it gives the same bits.
std::string classifier_text(const SavedClassifier& saved);

/// Throws Error(IO or BAD_ARG) in one line with the path: missing, no JSON, a key that is missing or of another shape,
/// damaged, of another command.
SavedClassifier read_classifier(const std::filesystem::path& path);

}  // namespace heatbath::apps
