#pragma once
// Files that are whole or absent, and nothing else that exists is harmed.
//
// A path may name: nothing yet, or a regular file, which is replaced in one step and keeps its mode and, where the
// system allows it, its owner and group (further hard links keep the old contents); a symbolic link, which stays and
// whose target is treated so; a device, a FIFO or an open descriptor of this process (/dev/stdout, /dev/fd/N), which is
// written through (so is a file that cannot be replaced: one that is mounted). A folder, a socket and a file without
// permission to write are refused.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string_view>

namespace heatbath::apps {

/// Makes sure that files can be written in `folder`: creates it (and its parents) where it is missing, writes and
/// removes a probe file, and removes temporary files that killed processes of this user left there. Throws Error(IO) in
/// one line: what stands in the way.
void prepare_folder(const std::filesystem::path& folder);

/// The same for one file, before work whose result is to be written there: its folder as in prepare_folder; a kind of
/// file, a name or a size that cannot be written is refused. bytes: size of the result as far as it is known, compared
/// with the free space and the limit on the size of files. Throws Error(BAD_ARG or IO) that names the path.
void prepare_file(const std::filesystem::path& path, std::uint64_t bytes = 0);

/// A file that is written under a temporary name and appears at commit(). Destroyed before that, it leaves nothing.
class AtomicFile {
 public:
  /// Throws Error(IO) for what is refused (above).
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// An empty file to write to, of a random name: in the folder of what it replaces, or of $TMPDIR.
  const std::filesystem::path& temporary() const { return temporary_; }

  /// Writes to its end. Throws Error(IO).
  void write(std::span<const std::byte> bytes);

  /// Flushes the temporary file to disk and renames it over the path, or copies it through. Throws Error(IO).
  void commit();

 private:
  std::filesystem::path path_, target_, temporary_;
  bool through_ = false;
  int descriptor_ = -1;             ///< of this process, written through
  std::optional<unsigned> mode_{};  ///< of the file that is replaced
  unsigned owner_ = 0, group_ = 0;

  void keep_attributes(int file) const;
  /// Copies the temporary file to an open one, which it closes.
  void copy_through(int descriptor) const;
};

/// Writes a whole file through AtomicFile. Throws Error(IO) that names the path.
void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes);
void write_file(const std::filesystem::path& path, std::string_view text);

}  // namespace heatbath::apps
