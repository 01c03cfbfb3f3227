#include "report/figure.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "files/temporary_name.hpp"
#include "heatbath/error.hpp"

extern char** environ;

namespace heatbath::apps {

namespace fs = std::filesystem;

namespace {

/// A folder that goes when it leaves scope, or when the next one is made after this process was killed.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::error_code error;
    fs::path base = fs::temp_directory_path(error);
    if (error) base = "/tmp";
    remove_forgotten(base);
    const fs::path folder = base / temporary_name();
    if (::mkdir(folder.c_str(), 0700) == 0) path_ = folder;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

constexpr const char* kOutput = "figure";

std::string preamble(const Canvas& canvas) {
  const std::string output = fmt::format("set output '{}'\n", kOutput);
  if (canvas.kind == Canvas::Kind::text) return fmt::format("set terminal dumb size {},{} noenhanced\nset encoding utf8\nset tics nomirror\n", canvas.columns, canvas.rows) + output;
  return (canvas.kind == Canvas::Kind::png ? "set terminal pngcairo size 900,520 font 'sans,12' background '#ffffff' linewidth 1.4\n"
                                           : "set terminal svg size 900,520 font 'sans,12' background '#ffffff' linewidth 1.4 noenhanced\n") + output +
         "set border 3 lc rgb '#555b66'\n"
         "set tics nomirror textcolor rgb '#30353d'\n"
         "set grid lc rgb '#e3e6ea' lt 1\n";
}

std::string read_text(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Exit status of the command run in `folder`, its output in "log"; negative errno when it could not be started.
int run_gnuplot(const fs::path& folder) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const std::string log = (folder / "log").string();
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
  // What this process ignores is nothing to gnuplot.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t usual;
  sigemptyset(&usual);
  for (const int signal : {SIGPIPE, SIGXFSZ}) sigaddset(&usual, signal);
  posix_spawnattr_setsigdefault(&attributes, &usual);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  char name[] = "gnuplot", script[] = "script";
  char* arguments[] = {name, script, nullptr};
  pid_t child = 0;
  const int started = ::posix_spawnp(&child, "gnuplot", &actions, &attributes, arguments, environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (started != 0) return -started;
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return -errno;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

}  // namespace

namespace {

struct Drawn {
  std::string bytes, why;
  bool absent = false;  ///< gnuplot is
};

Drawn drawn(const Canvas& canvas, const std::string& script, const std::string& data) {
  const TemporaryFolder folder;
  if (folder.path().empty()) return {{}, "no temporary folder could be made; set TMPDIR to one that can be written"};
  std::ofstream script_file(folder.path() / "script", std::ios::binary), data_file(folder.path() / "data", std::ios::binary);
  script_file << preamble(canvas) << script << std::flush;
  data_file << data << std::flush;
  if (!script_file || !data_file) return {{}, fmt::format("{} cannot be written; is the disk full?", folder.path().string())};
  const int status = run_gnuplot(folder.path());
  if (status == -ENOENT || status == 127) return {{}, "gnuplot is not installed; the Debian package is gnuplot-nox", true};
  std::string figure = read_text(folder.path() / kOutput);
  if (status == 0 && !figure.empty()) return {std::move(figure), {}};
  const std::string log = read_text(folder.path() / "log");
  return {{}, fmt::format("gnuplot failed (status {}): {}", status, log.substr(0, log.find('\n', 1)))};
}

}  // namespace

std::string gnuplot_on(const Canvas& canvas, const std::string& script, const std::string& data) {
  Drawn figure = drawn(canvas, script, data);
  if (!figure.why.empty()) throw Error(figure.absent ? HB_UNSUPPORTED : HB_IO, figure.why);
  return std::move(figure.bytes);
}

std::optional<PngBytes> gnuplot_figure(const std::string& script, const std::string& data, std::string& why) {
  const Drawn figure = drawn({}, script, data);
  if (!figure.why.empty()) {
    why = figure.why;
    return std::nullopt;
  }
  const auto bytes = std::as_bytes(std::span(figure.bytes));
  return PngBytes(bytes.begin(), bytes.end());
}

Picture plotted(Picture picture, const std::string& script, const std::string& data) {
  picture.png = gnuplot_figure(script, data, picture.missing);
  return picture;
}

}  // namespace heatbath::apps
