#pragma once
// What a training writes into its folder while it goes on.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace heatbath::monitor {

/// The losses in a trainer's model file, and the pictures beside it. Files are read when they have changed, and are never
/// written; trainers replace them whole, so what is read is whole.
class TrainingFolder {
 public:
  /// Throws Error(IO) where `folder` is no folder.
  explicit TrainingFolder(std::filesystem::path folder);

  /// Looks whether something has changed. Returns {"folder", "file", "what", "loss": [...], "updates", "pictures":
  /// [{"name", "changed"}], "trouble"} as JSON: `loss` has at most most_points, means over equal stretches where there are
  /// more updates. `file` is null where there is no model yet; `trouble` says why one could not be read.
  const std::string& json();
  /// What the last json() found that the one before did not: a line for each model saved and picture written.
  const std::vector<std::string>& news() const { return news_; }
  /// Bytes of a picture that json() named; empty for any other name.
  std::string picture(const std::string& name) const;

  static constexpr std::size_t most_points = 400, most_pictures = 12;
  static constexpr std::uintmax_t largest_picture = 16u << 20;

 private:
  std::filesystem::path folder_;
  std::filesystem::path model_;
  std::filesystem::file_time_type model_time_{};
  std::string loss_ = R"("file":null)";
  std::vector<std::string> names_, news_;
  std::optional<std::filesystem::file_time_type> picture_time_;  // of the newest named
  std::string json_;
};

/// Means over `points` stretches, as equal as they can be; the values themselves where they are no more.
std::vector<double> thinned(const std::vector<double>& values, std::size_t points);

}  // namespace heatbath::monitor
