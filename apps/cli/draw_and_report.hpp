#pragma once
// Shared by `train generate` and `generate`: draw samples, write every picture and the reports.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "files/electricity.hpp"
#include "files/model_file.hpp"
#include "files/output_folder.hpp"
#include "heatbath/device.hpp"
#include "heatbath/trainers/generative.hpp"
#include "report/earlier_run.hpp"

namespace heatbath::apps {

struct DrawJob {
  std::string command;
  SavedModel saved;
  std::filesystem::path model_path;
  std::uint32_t shots = 200;
  std::vector<std::uint8_t> asked;  ///< classes to draw, in turn; empty: all, where there are label cells
  std::optional<trainers::ReverseAction> in_sample;  ///< action on trajectories of the training
  std::vector<trainers::ReverseAction> held_out;     ///< each, after training; empty: no training before it
  double noise_memory = std::numeric_limits<double>::quiet_NaN();  ///< of the training, nats; NaN: not measured
  std::vector<double> image_weights;                               ///< of the training
  double training_processor_seconds = std::numeric_limits<double>::quiet_NaN();  ///< of the whole process
  std::optional<EarlierRun> beside;                  ///< another run that the report shows beside this one
  const trainers::Images* judge_data = nullptr;      ///< what a classifier of the samples learns from; null: none
  std::uint64_t seed = 1;
  unsigned threads = 0;                         ///< host work; 0: one per processor
  trainers::Seconds seconds;                    ///< of the training before it
  double capture_period = 0;                    ///< of the training before it, time units
  std::chrono::steady_clock::time_point start;  ///< of the command
  bool json = false;
  HostEnergy host;                              ///< since the command began
};

/// The folder for what draw_and_report writes, checked. Throws Error(IO).
OutputFolder drawing_folder(const std::filesystem::path& path);

/// Draws on the device and writes samples.png, trajectories.png, receptive_fields.png, training.png, heat.png,
/// report.json and report.html to `out`; prints the summary, or the JSON. Returns the exit status: 1 when
/// the heat is not a finite number. Throws Error(ABORTED) when interrupted before anything was written.
int draw_and_report(Device& device, DrawJob job, OutputFolder& out);

}  // namespace heatbath::apps
