#pragma once
// model.h5: a trained machine with the record of its training.

#include <cstdint>
#include <filesystem>
#include <vector>

#include "heatbath/trainers/generative.hpp"

namespace heatbath::apps {

/// Newest version of the format; version 1, of models of one segment without labels, is still written for those and
/// read.
inline constexpr std::uint64_t kModelFormatVersion = 2;

/// A model and what its training looked like; NaN where something was not measured (a training that was interrupted).
struct SavedModel {
  trainers::GenerativeModel model;
  std::vector<trainers::ReverseAction> actions;  ///< of each update's trajectory, before the update
  trainers::ReverseAction held_out_first;        ///< mean over fresh trajectories before training
  trainers::ReverseAction held_out_last;         ///< and after it
  std::uint32_t held_out_trajectories = 0;
  trainers::GatheredSums sums;  ///< of a training that has not ended
};

/// Writes the model whole (see atomic_file.hpp). Layout: root attributes format, format_version, heatbath_version,
/// source, seed, device, data_source, scaling, drive, optimizer, visible, hidden, updates, j2, j4, kT, tf,
/// held_out_*; data sets couplings_visible_hidden (visible x hidden), couplings_hidden_hidden (hidden x hidden),
/// bias_hidden, prototypes_images, prototypes_digits, training_action_per_step, training_action_floor.
/// Version 2 has the attributes segments and labels besides, and a leading axis of segments in couplings and biases,
/// with bias_visible (segments x visible) and couplings_label (segments x labels x moving cells; when there are
/// labels). Both have the attribute ramp_end where it is not 0.75, capture_period where it is known, and sums_* where a
/// training by least squares goes on from them. The same model gives the same bytes. Throws Error(IO).
void save_model(const std::filesystem::path& path, const SavedModel& saved);

/// Reads and validates a model. Throws Error(IO) in one line with file, key and what would be right: not a model,
/// another format version, a missing key, a wrong shape, a value that is not finite, an asymmetric coupling.
SavedModel load_model(const std::filesystem::path& path);

}  // namespace heatbath::apps
