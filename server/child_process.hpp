#pragma once
// Work in a separate process.

#include <chrono>
#include <functional>
#include <memory>
#include <new>
#include <span>

#include <sys/types.h>

#include "link/channel.hpp"

namespace heatbath {

/// `bytes` of memory that this process shares with its children, zeros at first. Throws std::system_error.
std::shared_ptr<void> shared_pages(std::size_t bytes);

/// An object that parent and child see. T has no pointers but to what both have, and needs no destructor.
template <typename T>
class Shared {
 public:
  Shared() : pages_(shared_pages(sizeof(T))), object_(new (pages_.get()) T()) {}
  T& operator*() const { return *object_; }
  T* operator->() const { return object_; }

 private:
  std::shared_ptr<void> pages_;
  T* object_;
};

/// A child that runs `work` and ends. Of the descriptors it keeps the standard ones and `kept`; Ctrl-C and SIGTERM are
/// its parent's affair, and it does not outlive the thread that made it. `work` may neither log nor use other threads'
/// objects. Its destructor kills it.
class ChildProcess {
 public:
  /// Throws std::system_error.
  ChildProcess(std::span<const int> kept, const std::function<void()>& work);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;

  /// Waits for its end, as long as `patience` at most. True when it has ended.
  bool ended(std::chrono::milliseconds patience);
  void kill();
  /// The signal that ended it, or 0; once ended() was true.
  int signal() const { return signal_; }

 private:
  FileDescriptor alive_;  // the read end of a pipe that closes with the child
  pid_t id_ = -1;
  bool ended_ = false;
  int signal_ = 0;
};

}  // namespace heatbath
