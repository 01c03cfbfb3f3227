#include "link/patience.hpp"
#include "link/uio_transport.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "heatbath/error.hpp"
#include "heatbath/numerics/text_file.hpp"
#include "heatbath/regs.h"
#include "heatbath/topology.h"
#include "link/block_range.hpp"
#include "link/capability_sizes.hpp"
#include "link/stand_in_file.hpp"

namespace heatbath {
namespace {

using Clock = std::chrono::steady_clock;

/// Longest sleep between two polls of the registers, and the shortest wait for which it sleeps at all.
constexpr std::chrono::nanoseconds longest_sleep{1'000'000}, shortest_sleep{20'000};

std::uint64_t sysfs_number(const std::string& file) {
  const std::string needed = "; the device needs a map of its registers and one of its memory";
  try {
    const std::string text = numerics::read_text_file(file, 4096);
    if (const auto number = numerics::parse_decimal_or_hexadecimal(numerics::trimmed(text))) return *number;
    throw Error(HB_LINK, file + ": " + numerics::quoted(text) + " is not a number of bytes" + needed);
  } catch (const numerics::UnreadableFile& unreadable) {
    throw Error(HB_LINK, file + ": " + unreadable.what() + needed);
  }
}

}  // namespace

UioTransport::UioTransport(const Uri& uri) {
  const std::string& text = uri.text;
  patience_ = uri.milliseconds("link_timeout_ms", usual_patience);
  const std::string& path = uri.address;
  device_ = FileDescriptor(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  struct stat status {};
  if (!device_ || fstat(device_.get(), &status) != 0)
    throw Error(HB_LINK, text + ": cannot be opened: " + numerics::system_words(errno));
  stands_in_ = S_ISREG(status.st_mode);
  if (!stands_in_ && !S_ISCHR(status.st_mode))
    throw Error(HB_BAD_ARG, "device URI '" + text + "': " + path + " is neither a /dev/uioN nor a file that stands in for one");
  if (stands_in_) {
    register_bytes_ = static_cast<std::uint64_t>(status.st_size);
    info_.uri = text;
    map_stand_in(path);
  } else {
    map_device(path);
  }
  if (uri.keys.contains("memory")) {
    const std::string file = uri.get("memory");
    const FileDescriptor memory(::open(file.c_str(), O_RDWR | O_SYNC | O_CLOEXEC));
    if (!memory) throw Error(HB_LINK, text + ": memory=" + file + " cannot be opened: " + numerics::system_words(errno));
    memory_bytes_ = memory_bytes_of([this](std::uint32_t offset) { return look(offset); });
    memory_ = map_file(file, memory.get(), memory_bytes_, 0);
    memory_mapped_ = memory_bytes_;
  }
  tick_seconds_ = look(HB_CAPS_TICK_PS_OFFSET) * 1e-12;
  info_ = {text, stands_in_ ? "file that stands in for a device on a bus" : "device on a bus, userspace I/O"};
}

UioTransport::~UioTransport() {
  if (registers_ != nullptr) munmap(const_cast<std::uint32_t*>(registers_), register_bytes_);
  if (memory_mapped_ != 0) munmap(const_cast<std::uint32_t*>(memory_), memory_mapped_);
  if (!stands_in_ && topology_ != nullptr) munmap(const_cast<std::uint32_t*>(topology_), topology_mapped_);
}

volatile std::uint32_t* UioTransport::map_file(const std::string& path, int fd, std::uint64_t bytes, std::uint64_t offset) {
  void* start = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, static_cast<off_t>(offset));
  if (start == MAP_FAILED)
    throw Error(HB_LINK, "uio:" + path + ": " + std::to_string(bytes) + " bytes at " + std::to_string(offset) +
                             " cannot be mapped: " + numerics::system_words(errno));
  return static_cast<volatile std::uint32_t*>(start);
}

/// Map n of a device lies at offset n pages of its file; sysfs has the sizes.
void UioTransport::map_device(const std::string& path) {
  const std::string maps = "/sys/class/uio/" + path.substr(path.rfind('/') + 1) + "/maps/map";
  const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  register_bytes_ = sysfs_number(maps + "0/size");
  if (register_bytes_ < HB_WINDOW_BYTES)
    throw Error(HB_LINK, "uio:" + path + ": map 0 has " + std::to_string(register_bytes_) + " bytes; the registers have " +
                             std::to_string(HB_WINDOW_BYTES));
  registers_ = map_file(path, device_.get(), register_bytes_, 0);
  // The kernel maps whole pages: how much of them is meant stands in the registers.
  const auto read = [this](std::uint32_t offset) { return look(offset); };
  if (::access((maps + "1/size").c_str(), R_OK) == 0) {
    memory_mapped_ = sysfs_number(maps + "1/size");
    memory_ = map_file(path, device_.get(), memory_mapped_, page);
    memory_bytes_ = std::min(memory_mapped_, memory_bytes_of(read));
  }
  if (::access((maps + "2/size").c_str(), R_OK) == 0) {
    topology_mapped_ = sysfs_number(maps + "2/size");
    topology_ = map_file(path, device_.get(), topology_mapped_, 2 * page);
    topology_bytes_ = std::min(topology_mapped_, topology_bytes_of(read));
  }
  interrupts_ = FileDescriptor(fcntl(device_.get(), F_DUPFD_CLOEXEC, 0));
}

void UioTransport::map_stand_in(const std::string& path) {
  if (register_bytes_ <= stand_in_bytes(0, 0))
    throw Error(HB_LINK, "uio:" + path + ": the file is too short for registers and memory; is `heatbath serve` at it?");
  registers_ = map_file(path, device_.get(), register_bytes_, 0);
  trailer_ = registers_ + (register_bytes_ - stand_in_trailer) / 4;
  memory_ = registers_ + HB_WINDOW_BYTES / 4;
  interrupts_ = FileDescriptor(::open((path + ".irq").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  unsettled_ = true;  // whatever the file holds may be older than its server
  try {
    settle();
  } catch (...) {
    munmap(const_cast<std::uint32_t*>(registers_), register_bytes_);
    throw;
  }
  topology_bytes_ = trailer_[1];
  memory_bytes_ = register_bytes_ - std::min(register_bytes_, stand_in_bytes(0, topology_bytes_));
  topology_ = memory_ + memory_bytes_ / 4;
}

/// The word at a register's address; none where the window has none.
volatile std::uint32_t* UioTransport::word_of(std::uint64_t address) const {
  return address < HB_WINDOW_BYTES && address % 4 == 0 ? registers_ + address / 4 : nullptr;
}

std::uint32_t UioTransport::look(std::uint32_t offset) const {
  const std::uint32_t value = registers_[offset / 4];
  std::atomic_thread_fence(std::memory_order_acquire);
  return value;
}

/// Rounds of the stand-in's server; odd while it puts values into the window.
std::uint32_t UioTransport::round() const {
  const std::uint32_t count = trailer_[0];
  std::atomic_thread_fence(std::memory_order_acquire);
  return count;
}

/// Waits until done(round) says so. Throws Error(LINK) when the server makes no rounds.
template <typename Done>
void UioTransport::wait_for_rounds(Done&& done) const {
  std::uint32_t seen = round();
  auto since = Clock::time_point{};
  for (unsigned looks = 0;; ++looks) {
    const std::uint32_t now = round();
    if (done(now)) return;
    if (now != seen) {
      seen = now;
      since = Clock::time_point{};
    }
    if (looks % 64 != 63) continue;
    sched_yield();
    if (since == Clock::time_point{}) since = Clock::now();
    if (Clock::now() - since > patience_)
      throw Error(HB_LINK, info_.uri + ": it stood still for " + std::to_string(patience_.count()) +
                               " ms; is the file served?");
  }
}

void UioTransport::settle() {
  if (!stands_in_ || !unsettled_) return;
  const std::uint32_t began = round() / 2;
  wait_for_rounds([&](std::uint32_t now) { return now / 2 - began >= 2; });
  unsettled_ = false;
}

/// Both words of a 64-bit value, of one instant.
std::uint64_t UioTransport::pair(std::uint32_t low_offset) const {
  if (!stands_in_) {
    for (std::uint32_t high = look(low_offset + 4);;) {
      const std::uint32_t low = look(low_offset), again = look(low_offset + 4);
      if (again == high) return std::uint64_t{high} << 32 | low;
      high = again;
    }
  }
  std::uint64_t value = 0;
  wait_for_rounds([&](std::uint32_t before) {
    value = std::uint64_t{look(low_offset + 4)} << 32 | look(low_offset);
    return before % 2 == 0 && round() == before;
  });
  return value;
}

/// Pairs are read high-low-high: the low word is that of the instant at which the high word was read. TIME is another
/// one at each reading, as on a bus.
std::uint32_t UioTransport::read_stand_in(std::uint32_t offset) {
  constexpr std::uint32_t pairs[] = {HB_TIME_LO_OFFSET, HB_JOB_TICKS_LO_OFFSET, HB_STALL_TICKS_LO_OFFSET};
  for (const std::uint32_t low : pairs) {
    if (offset == low && held_low_offset_ == low) {
      held_low_offset_ = 0;
      return static_cast<std::uint32_t>(held_pair_);
    }
    if (offset != low && offset != low + 4) continue;
    if (low == HB_TIME_LO_OFFSET) {
      wait_for_rounds([&](std::uint32_t now) { return now / 2 != time_round_ / 2; });
      time_round_ = round();
    }
    held_pair_ = pair(low);
    held_low_offset_ = offset == low ? 0 : low;
    return static_cast<std::uint32_t>(offset == low ? held_pair_ : held_pair_ >> 32);
  }
  return look(offset);
}

std::uint32_t UioTransport::read32(std::uint64_t address) {
  settle();
  const volatile std::uint32_t* word = word_of(address);
  if (word == nullptr) return 0;
  const auto offset = static_cast<std::uint32_t>(address);
  return stands_in_ ? read_stand_in(offset) : look(offset);
}

void UioTransport::write32(std::uint64_t address, std::uint32_t value) {
  volatile std::uint32_t* word = word_of(address);
  if (word == nullptr) return;
  std::atomic_thread_fence(std::memory_order_seq_cst);  // what was written to memory comes first
  *word = value;
  unsettled_ = true;
}

void UioTransport::read_block(std::uint64_t address, std::span<std::byte> out) {
  const std::uint64_t list = hb_topology_address(topology_bytes_);
  const bool couplers = lies_in(address, out.size(), list, topology_bytes_);
  if (!couplers) check_memory_block(address, out.size(), memory_bytes_);
  settle();
  const volatile std::uint32_t* words = couplers ? topology_ : memory_;
  std::uint64_t at = address - (couplers ? list : HB_MEMORY_BASE);
  while (!out.empty()) {
    const std::uint32_t word = words[at / 4];
    const std::size_t first = at % 4, bytes = std::min<std::size_t>(4 - first, out.size());
    std::memcpy(out.data(), reinterpret_cast<const std::byte*>(&word) + first, bytes);
    at += bytes;
    out = out.subspan(bytes);
  }
}

void UioTransport::write_block(std::uint64_t address, std::span<const std::byte> data) {
  check_memory_block(address, data.size(), memory_bytes_);
  std::uint64_t at = address - HB_MEMORY_BASE;
  while (!data.empty()) {
    const std::size_t first = at % 4, bytes = std::min<std::size_t>(4 - first, data.size());
    std::uint32_t word = bytes == 4 ? 0 : memory_[at / 4];
    std::memcpy(reinterpret_cast<std::byte*>(&word) + first, data.data(), bytes);
    memory_[at / 4] = word;
    at += bytes;
    data = data.subspan(bytes);
  }
}

std::optional<std::span<std::byte>> UioTransport::map(std::uint64_t address, std::uint64_t size) {
  check_memory_block(address, size, memory_bytes_);
  return std::nullopt;
}

void UioTransport::sleep_until_interrupt(std::uint64_t ticks_left) {
  const double seconds = static_cast<double>(ticks_left) * tick_seconds_;
  const auto left = seconds < 1 ? std::chrono::nanoseconds(static_cast<std::int64_t>(seconds * 1e9)) : longest_sleep;
  if (!interrupts_ || (left < shortest_sleep && !stands_in_)) {
    sched_yield();
    return;
  }
  // A uio device masks its interrupt when it has told of one; writing 1 lets it tell of the next.
  const std::uint32_t on = 1;
  if (!stands_in_) [[maybe_unused]]
    const ssize_t ignored = ::write(interrupts_.get(), &on, sizeof on);
  const auto sleep = std::clamp(left, shortest_sleep, longest_sleep);
  const timespec limit{0, static_cast<long>(sleep.count())};
  pollfd ask{interrupts_.get(), POLLIN, 0};
  std::uint32_t count = 0;
  if (::ppoll(&ask, 1, &limit, nullptr) > 0 && ::read(interrupts_.get(), &count, sizeof count) <= 0) sched_yield();
}

bool UioTransport::wait_irq(std::uint64_t limit_ticks) {
  settle();
  // A wish that was there before is that of a host which waits for the end of what it has stopped.
  const bool wished_before = wish_ && wish_() != Wish::go_on;
  const std::uint64_t began = pair(HB_TIME_LO_OFFSET);
  std::uint64_t last = began;
  auto stood = Clock::now();
  for (;;) {
    // Time first: an interrupt up to it is then seen.
    const std::uint64_t now = pair(HB_TIME_LO_OFFSET);
    if ((look(HB_INTR_STATE_OFFSET) & look(HB_INTR_ENABLE_OFFSET)) != 0) return true;
    if (now - began >= limit_ticks || (!wished_before && wish_ && wish_() != Wish::go_on)) return false;
    if (now != last) {
      last = now;
      stood = Clock::now();
    } else if (Clock::now() - stood > patience_) {
      throw Error(HB_LINK, info_.uri + ": device time stood still for " + std::to_string(patience_.count()) + " ms");
    }
    sleep_until_interrupt(limit_ticks - (now - began));
  }
}

LinkInfo UioTransport::info() const { return info_; }

}  // namespace heatbath
