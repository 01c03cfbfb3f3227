#include "server/child_process.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace heatbath {
namespace {

std::system_error system_failure(const char* what) { return {errno, std::generic_category(), what}; }

/// Closes all descriptors but the standard ones and `kept`, which is sorted.
void close_others(std::span<const int> kept) {
  int from = STDERR_FILENO + 1;
  const auto close_up_to = [&](unsigned last) {
    if (static_cast<unsigned>(from) <= last) syscall(SYS_close_range, static_cast<unsigned>(from), last, 0u);
  };
  for (const int keep : kept) {
    if (keep > from) close_up_to(static_cast<unsigned>(keep - 1));
    from = std::max(from, keep + 1);
  }
  close_up_to(~0u);
}

}  // namespace

std::shared_ptr<void> shared_pages(std::size_t bytes) {
  void* const start = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) throw system_failure("memory shared with a session's process");
  return {start, [bytes](void* pages) { munmap(pages, bytes); }};
}

ChildProcess::ChildProcess(std::span<const int> kept, const std::function<void()>& work) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw system_failure("a process for the session");
  alive_ = FileDescriptor(ends[0]);
  const FileDescriptor end(ends[1]);
  std::vector<int> all(kept.begin(), kept.end());
  all.push_back(end.get());
  std::sort(all.begin(), all.end());
  const pid_t parent = ::getpid();
  id_ = ::fork();
  if (id_ < 0) throw system_failure("a process for the session");
  if (id_ != 0) return;
  // The child: what it may not return from.
  try {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) std::signal(signal, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() == parent) {
      close_others(all);
      work();
    }
  } catch (...) {
    ::_exit(1);
  }
  ::_exit(0);
}

bool ChildProcess::ended(std::chrono::milliseconds patience) {
  if (ended_) return true;
  pollfd ask{alive_.get(), POLLIN, 0};
  if (::poll(&ask, 1, static_cast<int>(patience.count())) <= 0) return false;
  int status = 0;
  while (::waitpid(id_, &status, 0) < 0 && errno == EINTR) {
  }
  ended_ = true;
  if (WIFSIGNALED(status)) signal_ = WTERMSIG(status);
  return true;
}

void ChildProcess::kill() {
  if (!ended_) ::kill(id_, SIGKILL);
}

ChildProcess::~ChildProcess() {
  kill();
  while (!ended(std::chrono::milliseconds(1000))) kill();
}

}  // namespace heatbath
