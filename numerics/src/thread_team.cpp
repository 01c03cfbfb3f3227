#include "heatbath/numerics/thread_team.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace heatbath::numerics {

namespace {

/// Whether the condition comes true within about 20 us, which is less than a thread takes to fall asleep and wake.
template <class Condition>
bool soon(const Condition& condition) {
  for (int i = 0; i < 1000; ++i) {
    if (condition()) return true;
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }
  return condition();
}

}  // namespace

struct ThreadTeam::Impl {
  std::vector<std::thread> threads;
  std::mutex mutex;
  std::condition_variable start, finished;
  std::atomic<std::uint64_t> round{0};
  std::atomic<bool> stop{false};
  std::atomic<unsigned> busy{0};

  const std::function<void(std::size_t)>* piece = nullptr;
  std::size_t count = 0;
  std::atomic<std::size_t> next{0};
  std::exception_ptr error;

  void work() {
    for (std::size_t i = next.fetch_add(1); i < count; i = next.fetch_add(1)) {
      try {
        (*piece)(i);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!error) error = std::current_exception();
      }
    }
  }

  void serve() {
    std::uint64_t seen = 0;
    const auto called = [&] { return stop.load() || round.load() != seen; };
    for (;;) {
      if (!soon(called)) {
        std::unique_lock lock(mutex);
        start.wait(lock, called);
      }
      if (stop.load()) return;
      seen = round.load();
      work();
      const std::lock_guard lock(mutex);
      if (--busy == 0) finished.notify_one();
    }
  }
};

ThreadTeam::ThreadTeam(unsigned threads) : impl_(std::make_unique<Impl>()) {
  if (threads == 0) threads = std::max(1u, std::thread::hardware_concurrency());
  impl_->threads.reserve(threads - 1);
  try {
    for (unsigned i = 1; i < threads; ++i) impl_->threads.emplace_back([this] { impl_->serve(); });
  } catch (const std::system_error&) {
    // The system has no more: those that there are do the work.
  }
}

ThreadTeam::~ThreadTeam() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stop.store(true);
  }
  impl_->start.notify_all();
  for (auto& thread : impl_->threads) thread.join();
}

unsigned ThreadTeam::size() const { return static_cast<unsigned>(impl_->threads.size()) + 1; }

void ThreadTeam::run(std::size_t count, const std::function<void(std::size_t)>& piece) {
  if (count == 0) return;
  if (count == 1 || impl_->threads.empty()) {
    for (std::size_t i = 0; i < count; ++i) piece(i);
    return;
  }
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->piece = &piece;
    impl_->count = count;
    impl_->next.store(0);
    impl_->error = nullptr;
    impl_->busy.store(static_cast<unsigned>(impl_->threads.size()));
    impl_->round.fetch_add(1);
  }
  impl_->start.notify_all();
  impl_->work();
  const auto done = [&] { return impl_->busy.load() == 0; };
  soon(done);
  std::unique_lock lock(impl_->mutex);
  impl_->finished.wait(lock, done);
  if (impl_->error) std::rethrow_exception(impl_->error);
}

}  // namespace heatbath::numerics
