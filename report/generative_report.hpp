#pragma once
// Everything a report of a generative run says: gathered once, written as JSON and as HTML.

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "files/electricity.hpp"
#include "files/model_file.hpp"
#include "heatbath/trainers/generative.hpp"
#include "heatbath/trainers/sample_quality.hpp"
#include "report/earlier_run.hpp"
#include "report/picture.hpp"

namespace heatbath::apps {

/// Mean and standard deviation (n - 1) of a list in units of kT; NaN where there are too few values.
struct Moments {
  double mean = 0, sd = 0;
};
Moments moments(const std::vector<double>& energies, double kT);

struct GenerativeReport {
  std::string command;  ///< "train generate" or "generate"
  SavedModel saved;
  trainers::Samples samples;
  trainers::Classification classes;
  std::optional<trainers::ReverseAction> in_sample;  ///< after training, on trajectories of it
  std::vector<trainers::ReverseAction> held_out;     ///< after training, each of the held-out trajectories
  /// of the noise about the image, nats; NaN: not measured
  double noise_memory = std::numeric_limits<double>::quiet_NaN();
  std::vector<double> image_weights;                               ///< shares of the images in the fit
  double training_processor_seconds = std::numeric_limits<double>::quiet_NaN();  ///< all threads; NaN: no training
  std::optional<trainers::Quality> quality;
  trainers::Seconds seconds;
  std::uint64_t seed = 0;  ///< of this run
  std::uint32_t shots = 0;
  std::string device;         ///< one line
  Electricity electricity;    ///< of training and drawing; its heat is that of the drawings
  double capture_period = 0;  ///< of training, time units; 0: not part of this run
  std::string model_path;
  std::optional<EarlierRun> beside;  ///< another run whose figures and drawings stand beside these
  std::vector<Picture> pictures;

  double kT() const { return static_cast<double>(saved.model.kT); }
  /// Share of the samples per class, in the order of model.classes().
  std::vector<double> class_shares() const;
  Moments heat() const { return moments(samples.heat, kT()); }
};

}  // namespace heatbath::apps
