#pragma once
// What `heatbath bound` reads and keeps: lists of values, and learned scores as JSON.

#include <filesystem>
#include <string>
#include <vector>

#include "heatbath/trainers/score_model.hpp"

namespace heatbath::apps {

/// Values of a text file brought to mean 0 and standard deviation 1.
struct StandardValues {
  std::vector<double> values;
  double mean = 0, deviation = 1;  ///< of the file's values
};

/// Reads numbers, one a line or all in one line with blanks, commas or semicolons between; # begins a comment. Throws
/// Error(IO) in one line with file and line: missing, not a number, several numbers in several lines (the columns of a
/// table are no list), fewer than 16, all equal.
StandardValues read_values(const std::filesystem::path& path);

/// Score as JSON text: format, process, kind, clock, shift, scale, centres, width, coefficients.
std::string score_text(const trainers::ScoreModel& score);

/// Reads what score_text wrote. Throws Error(IO) in one line with file and key: missing, not JSON, not a score, of
/// another shape.
trainers::ScoreModel read_score(const std::filesystem::path& path);

}  // namespace heatbath::apps
