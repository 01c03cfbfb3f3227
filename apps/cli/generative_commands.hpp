#pragma once
// The commands of generative training, as commands.hpp says of all.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "apps/cli/device_choice.hpp"
#include "heatbath/trainers/generative.hpp"

namespace heatbath::apps {

struct TrainGenerateOptions {
  trainers::GenerativeOptions training;
  std::filesystem::path out;
  std::filesystem::path data;  ///< folder with IDX files; empty: the digits the project draws
  DeviceChoice device;
  std::filesystem::path beside;  ///< folder of an earlier run that the report shows beside this one; empty: none
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
  DeviceChoice device;
  std::uint32_t shots = 200;
  std::vector<std::uint8_t> asked;  ///< classes to draw; empty: all
  std::uint64_t seed = 1;
  unsigned threads = 0;  ///< host work; 0: one per processor
  bool json = false;
};
int run_generate(const GenerateCommandOptions& options);

struct GapOptions {
  std::filesystem::path model;
  std::filesystem::path out;          ///< folder for gap.md, gap.png and report.json; empty: none
  std::vector<std::string> profiles;  ///< names of profiles, or devices as URIs
  bool calibrate = false;             ///< each chip also with the cells and couplers of the model calibrated
  double effort = 1;                  ///< of that (network::CalibrateOptions)
  std::uint32_t tune = 0;             ///< each chip also with the model trained on it by so many trajectories; 0: not
  std::filesystem::path data;         ///< what the model was trained on: folder with IDX files; empty: the digits the project draws
  std::uint32_t shots = 100;
  std::uint64_t seed = 1;
  unsigned threads = 0;
  bool json = false;
};
/// One model on each chip in turn, as it is and treated as asked. Error(BAD_ARG) for a chip that does not exist; one that cannot run the model has a row
/// that says why.
int run_gap(const GapOptions& options);

}  // namespace heatbath::apps
