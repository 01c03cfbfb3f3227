#include "apps/cli/console.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <iostream>

#include <fcntl.h>
#include <unistd.h>

namespace heatbath::apps {

namespace {

/// errno of the first write to standard output that failed.
int output_error = 0;

void output_failed() {
  if (output_error == 0) output_error = errno != 0 ? errno : EIO;
}

}  // namespace

void prepare_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(stream, F_GETFD) != -1 || errno != EBADF) continue;
    // The lowest free descriptor is this one: those below are open by now. Reading from the first and writing to the
    // others fails, as it does with closed ones.
    ::open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

void put_text(std::string_view text) {
  errno = 0;
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) output_failed();
}

void note_text(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); }

void flush_output() {
  errno = 0;
  if (std::fflush(stdout) != 0) output_failed();
}

int finish_output(int status) {
  flush_output();
  std::cout.flush();
  if (std::ferror(stdout) != 0 || !std::cout) output_failed();
  // Some file systems tell at the closing of a file that it was not written.
  errno = 0;
  if (const int copy = ::dup(STDOUT_FILENO); copy < 0 || ::close(copy) != 0) output_failed();
  if (output_error == 0) return status;
  note("heatbath: standard output cannot be written: {}\n", std::strerror(output_error));
  return status == 0 ? 1 : status;
}

}  // namespace heatbath::apps
