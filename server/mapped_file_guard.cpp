#include "server/mapped_file_guard.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <mutex>

#include <sys/mman.h>
#include <unistd.h>

namespace heatbath {
namespace {

/// What the signal handler sees: lock-free words.
struct Range {
  std::atomic<std::uintptr_t> begin{0}, end{0};
  std::atomic<bool> taken{false}, lost{false};
};
std::array<Range, 8> ranges;
static_assert(std::atomic<std::uintptr_t>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);
std::uintptr_t page_bytes = 4096;
struct sigaction before {};

void on_bus_error(int signal, siginfo_t* info, void* context) {
  const int error = errno;
  const auto at = reinterpret_cast<std::uintptr_t>(info->si_addr);
  for (Range& range : ranges) {
    if (at < range.begin.load() || at >= range.end.load()) continue;
    range.lost.store(true);
    void* const page = reinterpret_cast<void*>(at / page_bytes * page_bytes);
    if (mmap(page, page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) break;
    errno = error;
    return;  // the access is made again
  }
  // Somebody else's: what was to happen before.
  if ((before.sa_flags & SA_SIGINFO) != 0 && before.sa_sigaction != nullptr) return before.sa_sigaction(signal, info, context);
  sigaction(signal, &before, nullptr);
}

void install() {
  static std::once_flag once;
  std::call_once(once, [] {
    page_bytes = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
    struct sigaction action {};
    action.sa_sigaction = on_bus_error;
    action.sa_flags = SA_SIGINFO;
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, &before);
  });
}

}  // namespace

MappedFileGuard::MappedFileGuard(const void* start, std::size_t bytes) : place_(ranges.size()) {
  install();
  for (std::size_t k = 0; k < ranges.size(); ++k) {
    if (ranges[k].taken.exchange(true)) continue;
    place_ = k;
    ranges[k].lost.store(false);
    ranges[k].begin.store(reinterpret_cast<std::uintptr_t>(start));
    ranges[k].end.store(reinterpret_cast<std::uintptr_t>(start) + bytes);
    return;
  }
}

MappedFileGuard::~MappedFileGuard() {
  if (place_ == ranges.size()) return;
  ranges[place_].end.store(0);
  ranges[place_].begin.store(0);
  ranges[place_].taken.store(false);
}

bool MappedFileGuard::lost() const { return place_ != ranges.size() && ranges[place_].lost.load(std::memory_order_relaxed); }

}  // namespace heatbath
