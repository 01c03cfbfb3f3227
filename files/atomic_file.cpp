#include "files/atomic_file.hpp"

#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "files/temporary_name.hpp"
#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"

namespace heatbath::apps {

namespace fs = std::filesystem;

namespace {

using numerics::parse_number;

[[noreturn]] void fail(const fs::path& path, const char* doing, int error) {
  throw Error(HB_IO, fmt::format("{}: cannot {}: {}", path.string(), doing, std::strerror(error)));
}

/// A descriptor that is closed when it leaves scope.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return number_; }
  bool valid() const { return number_ >= 0; }
  bool close() { return ::close(std::exchange(number_, -1)) == 0; }

 private:
  int number_;
};

void write_all(int file, const fs::path& path, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(path, "write", errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

/// Creates an empty file in `folder`. Throws Error(IO) that names `path`.
fs::path make_temporary(const fs::path& folder, const fs::path& path) {
  for (;;) {
    fs::path name = folder / temporary_name();
    const Descriptor file(::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666));
    if (file.valid()) return name;
    if (errno != EEXIST && errno != EINTR) fail(path, "write", errno);
  }
}

// -- what a path stands for -----------------------------------------------------------------------------------------

struct Target {
  fs::path file;                 ///< behind symbolic links
  std::optional<unsigned> mode;  ///< of a regular file that is there
  unsigned owner = 0, group = 0;
  bool through = false;
  int descriptor = -1;  ///< of this process
};

fs::path folder_of(const fs::path& file) { return file.has_parent_path() ? file.parent_path() : fs::path("."); }

/// Throws Error(IO) for what cannot be written.
Target target_of(const fs::path& path) {
  if (!path.has_filename()) throw Error(HB_BAD_ARG, fmt::format("{}: name a file", path.string()));
  Target target{path, {}};
  struct stat found {};
  constexpr int kMostLinks = 40;  // as the kernel has it
  for (int links = 0;; ++links) {
    if (::lstat(target.file.c_str(), &found) != 0) {
      if (errno == ENOENT) return target;
      fail(path, "write", errno);
    }
    if (!S_ISLNK(found.st_mode)) break;
    if (links == kMostLinks) fail(path, "write", ELOOP);
    const fs::path folder = folder_of(target.file);
    struct statfs system {};
    std::error_code error;
    if (::statfs(folder.c_str(), &system) == 0 && system.f_type == PROC_SUPER_MAGIC && folder.filename() == "fd") {
      // A link of /proc is the open file itself, whatever its text says.
      target.through = true;
      const std::string owner = fs::canonical(folder, error).parent_path().string();
      if (owner.starts_with(fmt::format("/proc/{}", ::getpid())))
        target.descriptor = parse_number<int>(target.file.filename().string()).value_or(-1);
      break;
    }
    const fs::path next = fs::read_symlink(target.file, error);
    if (error) fail(path, "write", error.value());
    target.file = folder / next;
  }
  if (::stat(target.file.c_str(), &found) != 0) fail(path, "write", errno);
  if (S_ISDIR(found.st_mode)) fail(path, "write", EISDIR);
  if (S_ISSOCK(found.st_mode)) throw Error(HB_IO, fmt::format("{}: cannot write: it is a socket", path.string()));
  if (!S_ISREG(found.st_mode)) target.through = true;
  if (target.descriptor < 0 && ::faccessat(AT_FDCWD, target.file.c_str(), W_OK, AT_EACCESS) != 0)
    fail(path, "write", errno);
  if (!target.through) {
    target.mode = found.st_mode & 07777;
    target.owner = found.st_uid;
    target.group = found.st_gid;
  }
  return target;
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
  remove_forgotten(folder);
  const fs::path probe = folder / temporary_name();
  const Descriptor file(::open(probe.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666));
  if (!file.valid()) {
    throw Error(HB_IO, fmt::format("output folder {}: cannot be written: {}; name a folder that can be written",
                                   folder.string(), std::strerror(errno)));
  }
  ::unlink(probe.c_str());
}

void prepare_file(const fs::path& path, std::uint64_t bytes) {
  if (path.empty()) throw Error(HB_BAD_ARG, "an output has no name");
  if (!path.has_filename()) throw Error(HB_BAD_ARG, fmt::format("{}: name a file", path.string()));
  const fs::path asked = folder_of(path);
  struct stat found {};
  if (::stat(asked.c_str(), &found) != 0) prepare_folder(asked);
  const Target target = target_of(path);
  if (target.through) return;
  const fs::path folder = folder_of(target.file);
  prepare_folder(folder);
  struct statvfs system {};
  if (::statvfs(folder.c_str(), &system) == 0 && system.f_blocks > 0 && bytes / system.f_frsize > system.f_bavail)
    throw Error(HB_IO, fmt::format("{}: takes {:.3g} GB, and {:.3g} GB are free there; capture fewer cells, records or "
                                   "shots", path.string(), 1e-9 * static_cast<double>(bytes),
                                   1e-9 * static_cast<double>(system.f_bavail) * static_cast<double>(system.f_frsize)));
  rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && bytes > limit.rlim_cur)
    throw Error(HB_IO, fmt::format("{}: takes {} bytes, and the limit on the size of files (ulimit -f) is {}",
                                   path.string(), bytes, limit.rlim_cur));
}

AtomicFile::AtomicFile(fs::path path) : path_(std::move(path)) {
  const Target target = target_of(path_);
  target_ = target.file;
  through_ = target.through;
  descriptor_ = target.descriptor;
  mode_ = target.mode;
  owner_ = target.owner;
  group_ = target.group;
  fs::path folder = folder_of(target_);
  if (through_) {
    std::error_code error;
    folder = fs::temp_directory_path(error);
    if (error) folder = "/tmp";
  }
  temporary_ = make_temporary(folder, path_);
}

AtomicFile::~AtomicFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  Descriptor to(::open(temporary_.c_str(), O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC));
  if (!to.valid()) fail(path_, "write", errno);
  write_all(to.get(), path_, bytes);
  if (!to.close()) fail(path_, "write", errno);
}

void AtomicFile::keep_attributes(int file) const {
  struct stat own {};
  if (!mode_ || ::fstat(file, &own) != 0) return;
  unsigned mode = *mode_;
  if ((own.st_uid != owner_ || own.st_gid != group_) && ::fchown(file, owner_, group_) != 0 &&
      ::fchown(file, static_cast<uid_t>(-1), group_) != 0)
    mode &= 0777u;
  ::fchmod(file, mode);
}

void AtomicFile::copy_through(int descriptor) const {
  Descriptor to(descriptor);
  if (!to.valid()) fail(path_, "write", errno);
  const Descriptor from(::open(temporary_.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!from.valid()) fail(path_, "write", errno);
  std::vector<std::byte> bytes(1 << 16);
  for (;;) {
    const ssize_t count = ::read(from.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(path_, "write", errno);
    if (count == 0) break;
    write_all(to.get(), path_, std::span(bytes).first(static_cast<std::size_t>(count)));
  }
  if (!to.close()) fail(path_, "write", errno);
}

void AtomicFile::commit() {
  if (through_) {
    copy_through(descriptor_ >= 0 ? ::fcntl(descriptor_, F_DUPFD_CLOEXEC, 3)
                                  : ::open(target_.c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC));
    return;
  }
  {
    const Descriptor file(::open(temporary_.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!file.valid()) fail(path_, "write", errno);
    keep_attributes(file.get());
    // EINVAL: a file system that cannot be flushed.
    if (::fsync(file.get()) != 0 && errno != EINVAL) fail(path_, "flush", errno);
  }
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) {
    // A file that is mounted, or of another user in a folder such as /tmp, can only be written in its place.
    if (!mode_ || (errno != EBUSY && errno != EPERM)) fail(path_, "write", errno);
    copy_through(::open(target_.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
    return;
  }
  temporary_.clear();
  // So that the new name, too, is there after a power failure; where that cannot be had, the file is still whole.
  if (const Descriptor folder(::open(folder_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)); folder.valid())
    ::fsync(folder.get());
}

void write_file(const fs::path& path, std::span<const std::byte> bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

void write_file(const fs::path& path, std::string_view text) { write_file(path, std::as_bytes(std::span(text))); }

}  // namespace heatbath::apps
