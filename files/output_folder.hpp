#pragma once
// The files that one run leaves in a folder, which belong together.

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "files/atomic_file.hpp"

namespace heatbath::apps {

/// Results of a run with a report.json that lists them (key files). They appear together at the end: until then, and
/// when the run fails, what an earlier run left stays whole; then files that the earlier report lists and this run did
/// not make are removed. Files that no report lists are never touched.
class OutputFolder {
 public:
  /// Makes sure that the folder and the files `names`, of those that this run may write, can be written
  /// (prepare_folder, prepare_file). Throws Error(IO).
  OutputFolder(std::filesystem::path folder, std::span<const std::string_view> names);

  const std::filesystem::path& path() const { return folder_; }

  /// Removes an earlier report and what it lists: what it tells of (a model) has been replaced.
  void invalidate();

  /// Writes a file under a temporary name. Throws Error(IO).
  void add(const std::string& name, std::span<const std::byte> bytes);
  void add(const std::string& name, std::string_view text);

  /// Writes report.json with the key files added, lets all files appear and returns the text of the report.
  std::string commit(nlohmann::json report);

 private:
  std::filesystem::path folder_;
  std::vector<std::string> names_;
  std::vector<std::unique_ptr<AtomicFile>> files_;
};

}  // namespace heatbath::apps
