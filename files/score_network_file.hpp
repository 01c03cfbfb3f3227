#pragma once
// score_network.h5: a score network, trained or on the way.

#include <cstdint>
#include <filesystem>
#include <string>

#include "heatbath/trainers/score_network.hpp"

namespace heatbath::apps {

struct SavedScoreNetwork {
  trainers::ScoreNetwork network;
  trainers::ScoreOptions options;
  trainers::ScoreCheckpoint checkpoint;
  std::string data_source;
  std::uint64_t held_out = 0;  ///< images at the end of the data that it does not learn from
};

/// Writes it whole (atomic_file.hpp). Root attributes: format, format_version, heatbath_version, source, rows, columns,
/// hidden, labels, A, B, segments, those of the training (steps, first_steps, batch, learning_rate, unlabelled, seed,
/// data_source, held_out) and where it stands (at_segment, at_step, loss_sum); data sets tau (segments + 1), parameters
/// (begun segments x parameters, as ScoreLayout orders them), losses, and momentum and square within a segment. The same
/// network gives the same bytes. Throws Error(IO).
void save_score_network(const std::filesystem::path& path, const SavedScoreNetwork& saved);

/// Reads and validates one. Throws Error(IO) in one line with file, key and what would be right.
SavedScoreNetwork load_score_network(const std::filesystem::path& path);

}  // namespace heatbath::apps
