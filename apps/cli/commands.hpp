#pragma once
// The subcommands, each with the options the command line gave it. Every function returns the exit status (0, 1 when
// it ran and failed its check, 130 when interrupted) and throws heatbath::Error for everything that is wrong before.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "heatbath/trainers/ergodicity/ergodicity.hpp"
#include "heatbath/trainers/generative.hpp"
#include "heatbath/trainers/score_bound.hpp"

namespace heatbath::apps {

struct InfoOptions {
  std::string device;  ///< URI; empty: the environment's, else func:
  bool json = false;
};
int run_info(const InfoOptions& options);

struct RunOptions {
  std::filesystem::path program;
  std::filesystem::path out;  ///< .npz or .h5; empty: summary only
  std::string device;
  std::optional<std::uint64_t> seed;
  std::optional<std::uint32_t> shots;
  bool json = false;
};
int run_program(const RunOptions& options);

struct TrainGenerateOptions {
  trainers::GenerativeOptions training;
  std::filesystem::path out;
  std::filesystem::path data;  ///< folder with IDX files; empty: the digits the project draws
  std::string device;
  std::uint32_t shots = 200;
  bool json = false;
};
int run_train_generate(const TrainGenerateOptions& options);

struct TrainErgodicityOptions {
  std::string problem = "parity";  ///< parity, two-patterns, digits, or a file of patterns
  trainers::ErgodicityOptions study;  ///< experts 0: two, or one for each class of digits
  std::filesystem::path out;
  std::filesystem::path data;  ///< folder with IDX files; empty: the digits the project draws
  std::vector<std::uint8_t> digits{0, 1, 2};
  std::string device;
  bool go_on = false;  ///< from out/machines.json
  bool json = false;
};
int run_train_ergodicity(const TrainErgodicityOptions& options);

struct BoundCommandOptions {
  trainers::BoundOptions bound;
  std::string data = "mixture";  ///< gaussian, uniform, mixture, or a file of values
  std::string score = "exact";   ///< a kind, or a score.json
  double width = 1;              ///< standard deviation or half width of the first two
  std::filesystem::path out;
  std::string device;
  bool json = false;
};
int run_bound(const BoundCommandOptions& options);

struct GenerateCommandOptions {
  std::filesystem::path model;
  std::filesystem::path out;
  std::string device;
  std::uint32_t shots = 200;
  std::uint64_t seed = 1;
  unsigned threads = 0;  ///< host work; 0: one per processor
  bool json = false;
};
int run_generate(const GenerateCommandOptions& options);

}  // namespace heatbath::apps
