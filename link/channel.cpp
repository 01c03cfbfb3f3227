#include "link/channel.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include "heatbath/numerics/text_file.hpp"

namespace heatbath {
namespace {

using Clock = std::chrono::steady_clock;

// The other side answers within a microsecond when it runs; when it does not, the processor is offered to it.
constexpr std::chrono::microseconds polite_after{4}, longest_spin{50};
constexpr std::chrono::milliseconds longest_sleep{50}, look_period{100};
// Large transfers go in pieces, so that both sides copy at the same time.
constexpr std::uint64_t piece_bytes = std::uint64_t{256} << 10;
constexpr const char* closed = "the other side closed the connection";

void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

std::system_error system_failure(const char* what) { return {errno, std::generic_category(), what}; }

void set_patience(int socket, std::chrono::milliseconds patience) {
  timeval time{};
  time.tv_sec = patience.count() / 1000;
  time.tv_usec = patience.count() % 1000 * 1000;
  setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
  setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
}

/// Sleeps while the word is `seen`, for longest_sleep at most. The word is shared between processes.
void futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t seen) {
  const timespec time{0, std::chrono::nanoseconds(longest_sleep).count()};
  syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word), FUTEX_WAIT, seen, &time, nullptr, 0);
}

/// Wakes a sleeper of the bell, if there is one. The fence orders what was published before the look at `sleeper`.
void ring(std::atomic<std::uint32_t>& bell, std::atomic<std::uint32_t>& sleeper) {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (sleeper.load(std::memory_order_relaxed) == 0) return;
  bell.fetch_add(1, std::memory_order_release);
  syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&bell), FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

}  // namespace

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) ::close(fd_);
}

SocketChannel::SocketChannel(FileDescriptor socket, std::chrono::milliseconds patience)
    : socket_(std::move(socket)), patience_(patience) {
  set_patience(socket_.get(), std::min(patience, look_period));
}

/// What attempt() transfers, which is below 0 with errno set where it does not; 0 when patience has ended.
template <typename Try>
std::size_t SocketChannel::in_time(Try&& attempt) {
  for (auto left = patience_;;) {
    const ssize_t moved = attempt();
    if (moved >= 0) return static_cast<std::size_t>(moved);
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) throw Lost(errno == EPIPE ? closed : numerics::system_words(errno));
    look();
    left -= look_period;
    if (left.count() <= 0) return 0;
  }
}

std::size_t SocketChannel::receive(std::span<std::byte> out) {
  return in_time([&] {
    const ssize_t got = ::recv(socket_.get(), out.data(), out.size(), 0);
    if (got == 0) throw Lost(closed);
    return got;
  });
}

std::size_t SocketChannel::send(std::span<const std::byte> head, std::span<const std::byte> body, bool wait) {
  iovec parts[2] = {{const_cast<std::byte*>(head.data()), head.size()},
                    {const_cast<std::byte*>(body.data()), body.size()}};
  msghdr message{};
  message.msg_iov = head.empty() ? parts + 1 : parts;
  message.msg_iovlen = static_cast<std::size_t>(!head.empty()) + !body.empty();
  if (wait) return in_time([&] { return ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL); });
  return in_time([&]() -> ssize_t {
    const ssize_t sent = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? 0 : sent;
  });
}

bool SocketChannel::readable() {
  pollfd ask{socket_.get(), POLLIN, 0};
  return ::poll(&ask, 1, 0) > 0;
}

RingMemory RingMemory::make() {
  FileDescriptor file(memfd_create("heatbath-session", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file) throw system_failure("memory of the session's rings cannot be made");
  // A client that could shrink the file would end the server with a bus error.
  if (ftruncate(file.get(), static_cast<off_t>(wire::ring_file_bytes)) != 0 ||
      fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
    throw system_failure("memory of the session's rings cannot be made");
  return map(std::move(file));
}

RingMemory RingMemory::map(FileDescriptor file) {
  struct stat status {};
  if (fstat(file.get(), &status) != 0 || static_cast<std::uint64_t>(status.st_size) != wire::ring_file_bytes)
    throw Channel::Lost("the shared memory that came with the session has the wrong size");
  void* start = mmap(nullptr, wire::ring_file_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (start == MAP_FAILED) throw system_failure("rings of the session cannot be mapped");
  return RingMemory(std::move(file), start);
}

RingMemory::RingMemory(RingMemory&& other) noexcept
    : file_(std::move(other.file_)), start_(std::exchange(other.start_, nullptr)) {}

RingMemory::~RingMemory() {
  if (start_ != nullptr) munmap(start_, wire::ring_file_bytes);
}

std::byte* RingMemory::bytes(bool to_client) const {
  return static_cast<std::byte*>(start_) + wire::RingPage::offset + (to_client ? wire::RingPage::ring_bytes : 0);
}

RingChannel::RingChannel(RingMemory memory, FileDescriptor socket, bool server, std::chrono::milliseconds patience)
    : memory_(std::move(memory)),
      socket_(std::move(socket)),
      mine_(server ? &memory_.page().server : &memory_.page().client),
      theirs_(server ? &memory_.page().client : &memory_.page().server),
      in_(server ? &memory_.page().to_server : &memory_.page().to_client),
      out_(server ? &memory_.page().to_client : &memory_.page().to_server),
      in_bytes_(memory_.bytes(!server)),
      out_bytes_(memory_.bytes(server)),
      patience_(patience),
      spin_(std::thread::hardware_concurrency() > 1 ? longest_spin : std::chrono::microseconds(0)),
      watches_pulse_(!server) {}

bool RingChannel::hung_up() const {
  pollfd ask{socket_.get(), POLLRDHUP, 0};
  return ::poll(&ask, 1, 0) > 0;
}

/// Spins, then sleeps until ready() or until patience ends. False then.
template <typename Ready>
bool RingChannel::wait_until(std::atomic<std::uint32_t>& bell, std::atomic<std::uint32_t>& sleeper, Ready&& ready) {
  const auto began = Clock::now();
  for (auto spent = Clock::duration::zero(); spent <= spin_; spent = Clock::now() - began) {
    for (int k = 0; k < 32; ++k) {
      if (ready()) return true;
      relax();
    }
    if (spent > polite_after) sched_yield();
  }
  std::uint32_t pulse = memory_.page().pulse.load(std::memory_order_relaxed);
  auto deadline = Clock::now() + patience_;
  for (;;) {
    const std::uint32_t seen = bell.load(std::memory_order_acquire);
    sleeper.store(1, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    const bool done = ready();
    if (!done) {
      look();
      futex_wait(bell, seen);
    }
    sleeper.store(0, std::memory_order_relaxed);
    if (done || ready()) return true;
    if (hung_up()) {
      if (ready()) return true;  // its last words
      throw Lost(closed);
    }
    const std::uint32_t now = memory_.page().pulse.load(std::memory_order_relaxed);
    if (watches_pulse_ && now != pulse) {
      pulse = now;
      deadline = Clock::now() + patience_;
    }
    if (Clock::now() >= deadline) return false;
  }
}

std::uint64_t RingChannel::wait_for_data() {
  std::uint64_t there = 0;
  const auto ready = [&] {
    there = theirs_->written.load(std::memory_order_acquire) - read_;
    return there != 0;
  };
  if (!ready()) {
    if (told_read_ != read_) tell_read();
    wait_until(in_->data_bell, in_->data_sleeper, ready);
  }
  if (there > wire::RingPage::ring_bytes) throw Lost("the ring in shared memory is corrupt");
  return there;
}

/// The other side learns how far this one has read when it matters: with the next bytes sent, before this side waits,
/// and after a quarter of a ring.
void RingChannel::publish_read() {
  if (told_read_ == read_) return;
  told_read_ = read_;
  mine_->read.store(read_, std::memory_order_release);
}

/// The same, and wakes a writer that waits for room.
void RingChannel::tell_read() {
  publish_read();
  ring(in_->space_bell, in_->space_sleeper);
}

std::size_t RingChannel::receive(std::span<std::byte> out) {
  const std::uint64_t there = wait_for_data();
  const std::uint64_t in_line = read_ + sizeof theirs_->in_line - theirs_->inline_end.load(std::memory_order_relaxed);
  std::size_t bytes = std::min<std::uint64_t>(out.size(), there);
  if (in_line < sizeof theirs_->in_line) {
    bytes = std::min<std::uint64_t>(bytes, sizeof theirs_->in_line - in_line);
    std::memcpy(out.data(), theirs_->in_line + in_line, bytes);
  } else {
    const std::uint64_t at = read_ % wire::RingPage::ring_bytes;
    bytes = std::min<std::uint64_t>({bytes, wire::RingPage::ring_bytes - at, piece_bytes});
    std::memcpy(out.data(), in_bytes_ + at, bytes);
  }
  read_ += bytes;
  if (read_ - told_read_ >= wire::RingPage::ring_bytes / 4) tell_read();
  return bytes;
}

std::uint64_t RingChannel::wait_for_room(bool wait) {
  std::uint64_t used = 0;
  const auto ready = [&] {
    used = written_ - theirs_->read.load(std::memory_order_acquire);
    return used != wire::RingPage::ring_bytes;
  };
  if (!ready() && wait) wait_until(out_->space_bell, out_->space_sleeper, ready);
  if (used > wire::RingPage::ring_bytes) throw Lost("the ring in shared memory is corrupt");
  return wire::RingPage::ring_bytes - used;
}

std::size_t RingChannel::send(std::span<const std::byte> head, std::span<const std::byte> body, bool wait) {
  const std::uint64_t room = wait_for_room(wait);
  std::uint64_t done = 0;
  if (room == wire::RingPage::ring_bytes && body.empty() && head.size() == sizeof mine_->in_line) {
    publish_read();
    mine_->inline_end.store(written_ + head.size(), std::memory_order_relaxed);
    std::memcpy(mine_->in_line, head.data(), head.size());
    done = head.size();
  } else {
    const std::uint64_t most = std::min(room, piece_bytes);
    for (const std::span<const std::byte> part : {head, body}) {
      std::size_t from = 0;
      while (from < part.size() && done < most) {
        const std::uint64_t at = (written_ + done) % wire::RingPage::ring_bytes;
        const std::size_t bytes =
            std::min<std::uint64_t>({part.size() - from, most - done, wire::RingPage::ring_bytes - at});
        std::memcpy(out_bytes_ + at, part.data() + from, bytes);
        from += bytes;
        done += bytes;
      }
    }
    publish_read();
  }
  if (done != 0) {
    written_ += done;
    mine_->written.store(written_, std::memory_order_release);
    ring(out_->data_bell, out_->data_sleeper);
  }
  return done;
}

bool RingChannel::readable() { return theirs_->written.load(std::memory_order_acquire) != read_ || hung_up(); }

}  // namespace heatbath
