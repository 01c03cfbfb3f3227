#pragma once
// The commands that train machines of coupled cells, as commands.hpp says of all.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "apps/cli/device_choice.hpp"
#include "heatbath/trainers/equilibrium_propagation.hpp"
#include "heatbath/trainers/guided_classifier.hpp"
#include "heatbath/trainers/machine_training.hpp"

namespace heatbath::apps {

struct TrainBoltzmannOptions {
  std::string problem = "bars";  ///< bars, parity, two-patterns, digits, or a file of patterns
  bool general = false;          ///< every pair couples; else restricted
  std::uint32_t hidden = 0;      ///< 0: 8, of digits 64
  trainers::BoltzmannOptions training;
  std::uint64_t seed = 1;
  std::uint32_t draw_shots = 1000;
  double draw_sweeps = 500;
  std::filesystem::path out;
  std::filesystem::path data;  ///< folder with IDX files; empty: the digits the project draws
  std::vector<std::uint8_t> digits{0, 1, 2};
  DeviceChoice device;
  std::chrono::seconds checkpoint_every{60};
  bool go_on = false;  ///< from out/machine.json
  bool json = false;
};
/// 1 when the gradient on the device is far from that of all states counted.
int run_train_boltzmann(const TrainBoltzmannOptions& options);

struct TrainGraphOptions {
  std::filesystem::path patterns;
  std::string array;             ///< of an .npz file; empty: the only one
  std::filesystem::path visible;  ///< file with the numbers of the visible cells; empty: all
  std::uint64_t held_out = 0;    ///< patterns at the end of the file
  trainers::BoltzmannOptions training;
  std::uint64_t seed = 1;
  std::filesystem::path out;
  DeviceChoice device;
  std::chrono::seconds checkpoint_every{60};
  bool go_on = false;  ///< from out/machine.npz
  bool json = false;
};
int run_train_graph(const TrainGraphOptions& options);

struct TrainMemoryOptions {
  std::uint32_t cells = 128;
  std::vector<double> loads{0.02, 0.05, 0.08, 0.11, 0.14, 0.17, 0.2, 0.3, 0.5};  ///< patterns per cell
  double kT = 0.1;
  double corrupted = 0.1;     ///< share of the spins turned at the start
  std::uint32_t levels = 3;   ///< of the ladders of the dense memory
  std::uint32_t shots = 128;
  double sweeps = 50;
  std::uint64_t seed = 1;
  std::filesystem::path out;
  DeviceChoice device;
  bool json = false;
};
/// 1 when an overlap of the exact problem is far from its value.
int run_train_memory(const TrainMemoryOptions& options);

struct TrainEquilibriumOptions {
  std::string problem = "parity";  ///< or a file of patterns, whose last cells are the targets
  std::uint32_t outputs = 1;
  std::uint32_t hidden = 6;
  std::uint32_t updates = 200;
  trainers::EquilibriumOptions training;
  std::filesystem::path out;
  DeviceChoice device;
  std::chrono::seconds checkpoint_every{60};
  bool go_on = false;  ///< from out/net.json
  bool json = false;
};
int run_train_equilibrium(const TrainEquilibriumOptions& options);

struct TrainClassifierOptions {
  trainers::ClassifierOptions training;
  trainers::InferenceOptions inference;
  trainers::FineTuneOptions tuning;  ///< updates 0: none
  std::uint64_t held_out = 0;        ///< 0: a ninth of the images, at most 1,000
  std::filesystem::path out;
  std::filesystem::path data;        ///< folder with IDX files; empty: the digits the project draws
  DeviceChoice device;
  std::chrono::seconds checkpoint_every{60};
  bool go_on = false;                ///< from out/classifier.json
  bool json = false;
};
int run_train_classifier(const TrainClassifierOptions& options);

}  // namespace heatbath::apps
