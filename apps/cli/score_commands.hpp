#pragma once
// The command that trains a score network, as commands.hpp says of all.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "apps/cli/device_choice.hpp"
#include "heatbath/trainers/score_drawing.hpp"
#include "heatbath/trainers/score_network.hpp"

namespace heatbath::apps {

struct TrainScoreOptions {
  trainers::ScoreOptions training;
  trainers::ScoreDrawOptions draw;
  std::filesystem::path out;
  std::filesystem::path data;  ///< folder with IDX files; empty: the digits the project draws
  std::uint64_t held_out = 0;  ///< images that are not learned; 0: a ninth, at most 1,000
  std::uint32_t unlabelled_shots = 0;
  std::uint32_t free_shots = 0;
  DeviceChoice device;
  std::chrono::seconds checkpoint_every{60};
  bool go_on = false;               ///< from out/score_network.h5
  std::vector<std::string> given;   ///< options of the training that the command line names; the file has the others
  bool json = false;
};
int run_train_score(const TrainScoreOptions& options);

}  // namespace heatbath::apps
