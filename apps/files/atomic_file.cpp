#include "apps/files/atomic_file.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "heatbath/error.hpp"

namespace heatbath::apps {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void fail(const fs::path& path, const char* doing, int error) {
  throw Error(HB_IO, fmt::format("{}: cannot {}: {}", path.string(), doing, std::strerror(error)));
}

void write_all(const fs::path& path, std::span<const std::byte> bytes) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) fail(path, "write", errno);
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t written = ::write(file, bytes.data() + done, bytes.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const int error = errno;
      ::close(file);
      fail(path, "write", error);
    }
    done += static_cast<std::size_t>(written);
  }
  if (::close(file) != 0) fail(path, "write", errno);
}

}  // namespace

void prepare_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (!fs::is_directory(folder)) {
    const std::string why = error ? error.message() : std::string("a file of that name exists");
    throw Error(HB_IO, fmt::format("output folder {}: cannot be created: {}; name a folder that can be written",
                                   folder.string(), why));
  }
  const fs::path probe = folder / fmt::format(".heatbath-{}.tmp", ::getpid());
  const int file = ::open(probe.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file < 0) {
    throw Error(HB_IO, fmt::format("output folder {}: cannot be written: {}; name a folder that can be written",
                                   folder.string(), std::strerror(errno)));
  }
  ::close(file);
  ::unlink(probe.c_str());
}

AtomicFile::AtomicFile(fs::path path) : path_(std::move(path)) {
  temporary_ = path_.parent_path() / fmt::format(".{}.{}.tmp", path_.filename().string(), ::getpid());
}

AtomicFile::~AtomicFile() {
  if (!committed_) ::unlink(temporary_.c_str());
}

void AtomicFile::commit() {
  const int file = ::open(temporary_.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) fail(path_, "write", errno);
  const int synced = ::fsync(file);
  const int error = errno;
  ::close(file);
  // EINVAL: a file system that cannot be flushed.
  if (synced != 0 && error != EINVAL) fail(path_, "flush", error);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail(path_, "write", errno);
  committed_ = true;
}

void write_file(const fs::path& path, std::span<const std::byte> bytes) {
  AtomicFile file(path);
  write_all(file.temporary(), bytes);
  file.commit();
}

void write_file(const fs::path& path, std::string_view text) { write_file(path, std::as_bytes(std::span(text))); }

}  // namespace heatbath::apps
