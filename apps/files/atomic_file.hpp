#pragma once
// Files that are whole or absent.

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

namespace heatbath::apps {

/// Makes sure that files can be written in `folder`: creates it (and its parents) where it is missing and writes and
/// removes a probe file. Throws Error(IO) in one line: what stands in the way.
void prepare_folder(const std::filesystem::path& folder);

/// A file that is written under a temporary name beside its own and appears at commit(). Destroyed before that, it
/// leaves nothing.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Name to write to: same folder, unique to this process.
  const std::filesystem::path& temporary() const { return temporary_; }

  /// Flushes the temporary file to disk and renames it over the path. Throws Error(IO).
  void commit();

 private:
  std::filesystem::path path_, temporary_;
  bool committed_ = false;
};

/// Writes a whole file through AtomicFile. Throws Error(IO) that names the path.
void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes);
void write_file(const std::filesystem::path& path, std::string_view text);

}  // namespace heatbath::apps
