#pragma once
// The built command as a user or another program starts it.

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "temporary_folder.hpp"

inline std::string content(const std::filesystem::path& path) {
  std::ostringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

/// How a command ended: its exit status, or minus the signal that killed it; and what it printed, where that was kept.
struct Outcome {
  int status = -1;
  std::string out, error;
};

/// What a command is started with.
struct Surroundings {
  std::string out{};            ///< file in place of standard output; empty: kept for the outcome
  std::string error{};          ///< file in place of standard error; empty: kept for the outcome
  std::vector<int> closed{};    ///< descriptors that are closed
  std::vector<int> ignored{};   ///< signals that are ignored
  rlim_t file_bytes = RLIM_INFINITY;  ///< longest file it may write
  std::filesystem::path folder{};     ///< it works in; empty: that of the test
};

/// Starts the command; its standard streams go to the files out and error of `kept`.
inline pid_t start_heatbath(std::vector<std::string> words, const std::filesystem::path& kept,
                            const Surroundings& with = {}) {
  words.insert(words.begin(), HEATBATH_COMMAND);
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const std::string out = with.out.empty() ? (kept / "out").string() : with.out;
  const std::string error = with.error.empty() ? (kept / "error").string() : with.error;
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::dup2(::open("/dev/null", O_RDONLY), 0);
  ::dup2(::open(out.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600), 1);
  ::dup2(::open(error.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600), 2);
  for (const int descriptor : with.closed) ::close(descriptor);
  for (const int signal : with.ignored) std::signal(signal, SIG_IGN);
  const rlimit limit{with.file_bytes, with.file_bytes};
  if (with.file_bytes != RLIM_INFINITY) ::setrlimit(RLIMIT_FSIZE, &limit);
  if (!with.folder.empty() && ::chdir(with.folder.c_str()) != 0) ::_exit(126);
  ::execv(HEATBATH_COMMAND, arguments.data());
  ::_exit(127);
}

inline int status_of(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/// Runs the command to its end.
inline Outcome heatbath(const std::vector<std::string>& words, const Surroundings& with = {}) {
  const TemporaryFolder folder;
  Outcome outcome;
  outcome.status = status_of(start_heatbath(words, folder.path(), with));
  outcome.out = content(folder / "out");
  outcome.error = content(folder / "error");
  return outcome;
}
