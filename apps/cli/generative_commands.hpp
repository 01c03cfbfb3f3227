#pragma once
// The commands of generative training, as commands.hpp says of all.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "heatbath/trainers/generative.hpp"

namespace heatbath::apps {

struct TrainGenerateOptions {
  trainers::GenerativeOptions training;
  std::filesystem::path out;
  std::filesystem::path data;  ///< folder with IDX files; empty: the digits the project draws
  std::string device;
  std::uint32_t shots = 200;
  std::uint32_t held_out = 0;  ///< trajectories that judge the training; 0: enough for an error of 0.15 on the action
  std::chrono::seconds checkpoint_every{60};  ///< between savings of out/model.h5 while it trains
  bool go_on = false;          ///< from out/model.h5
  bool json = false;
};
int run_train_generate(const TrainGenerateOptions& options);

struct GenerateCommandOptions {
  std::filesystem::path model;
  std::filesystem::path out;
  std::string device;
  std::uint32_t shots = 200;
  std::vector<std::uint8_t> asked;  ///< classes to draw; empty: all
  std::uint64_t seed = 1;
  unsigned threads = 0;  ///< host work; 0: one per processor
  bool json = false;
};
int run_generate(const GenerateCommandOptions& options);

}  // namespace heatbath::apps
