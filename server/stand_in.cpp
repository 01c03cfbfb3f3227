#include "server/stand_in.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "heatbath/error.hpp"
#include "heatbath/register_list.h"
#include "heatbath/topology.h"
#include "link/effectful_registers.hpp"
#include "link/stand_in_file.hpp"
#include "sim/src/open_transport.hpp"

namespace heatbath {
namespace {

using Clock = std::chrono::steady_clock;

enum Rule : std::uint8_t { RO, RW, CMD };
enum Kind : std::uint8_t { VALUE, PROFILE, LIVE, MAP };
struct Row {
  std::uint32_t offset;
  Rule rule;
  Kind kind;
};
constexpr Row rows[] = {
#define HB_REGISTER(NAME, offset, ACCESS, RESET, value, mask) {offset, ACCESS, RESET},
    HB_REGISTER_LIST(HB_REGISTER)
#undef HB_REGISTER
};

// Breaks are long while no host stores anything.
constexpr std::chrono::milliseconds calm{20};
constexpr std::chrono::microseconds nap{200};

Error io_error(const std::string& path, const char* what) {
  return {HB_IO, "listen 'uio:" + path + "': " + what + ": " + std::strerror(errno)};
}

}  // namespace

StandIn::Made::Made(std::string at, int descriptor) : path(std::move(at)) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) return;
  device = status.st_dev;
  number = status.st_ino;
}

StandIn::Made::~Made() {
  struct stat status {};
  if (!path.empty() && ::lstat(path.c_str(), &status) == 0 && status.st_dev == device && status.st_ino == number)
    ::unlink(path.c_str());
}

void StandIn::Made::swap(Made& other) noexcept {
  std::swap(path, other.path);
  std::swap(device, other.device);
  std::swap(number, other.number);
}

/// The file, locked and empty. The lock tells a living stand-in from what a dead one left, which is known by its first
/// word.
void StandIn::make_file(bool force) {
  constexpr int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
  file_ = FileDescriptor(::open(path_.c_str(), flags | O_CREAT | O_EXCL, 0600));
  const bool fresh = static_cast<bool>(file_);
  if (!fresh && errno == EEXIST) file_ = FileDescriptor(::open(path_.c_str(), flags | O_NONBLOCK));
  if (!file_) throw io_error(path_, "the file cannot be made, or is no plain file");
  if (fresh) made_file_ = Made(path_, file_.get());
  if (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0) throw io_error(path_, "another process serves it");
  bool stale = false;
  if (!fresh) {
    struct stat status {};
    std::uint32_t id = 0;
    if (::fstat(file_.get(), &status) != 0) throw io_error(path_, "the file cannot be looked at");
    const bool regular = S_ISREG(status.st_mode);
    stale = regular && status.st_size > static_cast<off_t>(HB_WINDOW_BYTES) &&
            ::pread(file_.get(), &id, sizeof id, HB_ID_OFFSET) == sizeof id && id == HB_ID_RESET;
    if (!regular || (!stale && !force))
      throw Error(HB_IO, "listen 'uio:" + path_ + "': there is a file already, and it is no stand-in that a server left; " +
                             (regular ? "choose another name, or --force" : "choose another name"));
  }
  make_pipe(force, stale);
  if (!fresh) made_file_ = Made(path_, file_.get());
  if (::ftruncate(file_.get(), 0) != 0) throw io_error(path_, "the file cannot be emptied");
}

void StandIn::make_pipe(bool force, bool stale) {
  const std::string pipe = path_ + ".irq";
  struct stat status {};
  if (::lstat(pipe.c_str(), &status) == 0) {
    if (!force && !(stale && S_ISFIFO(status.st_mode)))
      throw Error(HB_IO, "listen 'uio:" + path_ + "': there is a file " + pipe +
                             " already, and it is no pipe that a server left; choose another name, or --force");
    ::unlink(pipe.c_str());
  }
  if (::mkfifo(pipe.c_str(), 0600) != 0) throw io_error(path_, "the pipe FILE.irq cannot be made");
  pipe_ = FileDescriptor(::open(pipe.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW));
  if (!pipe_) throw io_error(path_, "the pipe FILE.irq cannot be opened");
  made_pipe_ = Made(pipe, pipe_.get());
}

std::uint32_t* StandIn::map_shared(std::size_t bytes, std::uint64_t offset, const char* what) {
  void* const start =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), static_cast<off_t>(offset));
  if (start == MAP_FAILED) throw io_error(path_, what);
  return static_cast<std::uint32_t*>(start);
}

StandIn::StandIn(const std::string& device, const std::string& file, bool force, const std::atomic<bool>& stop)
    : path_(file), stop_(stop) {
  const auto [bytes, topology_bytes] = emulated_windows(device);
  make_file(force);
  const std::uint64_t all = stand_in_bytes(bytes, topology_bytes);
  if (const int error = ::posix_fallocate(file_.get(), 0, static_cast<off_t>(all)); error != 0) {
    errno = error;
    throw io_error(path_, (std::to_string(all) + " bytes of registers and memory do not fit").c_str());
  }
  window_ = map_shared(HB_WINDOW_BYTES, 0, "the registers cannot be mapped");
  guards_[0].emplace(window_, HB_WINDOW_BYTES);
  rounds_ = map_shared(stand_in_trailer, stand_in_trailer_at(bytes, topology_bytes), "the count of rounds cannot be mapped");
  guards_[1].emplace(rounds_, stand_in_trailer);
  rounds_[1] = static_cast<std::uint32_t>(topology_bytes);
  device_ = open_with_memory(device, file_.get(), HB_WINDOW_BYTES);
  if (const auto memory = device_->map(HB_MEMORY_BASE, bytes)) guards_[2].emplace(memory->data(), memory->size());
  if (topology_bytes > 0) {
    std::vector<std::byte> couplers(topology_bytes);
    device_->read_block(hb_topology_address(topology_bytes), couplers);
    if (::pwrite(file_.get(), couplers.data(), couplers.size(), static_cast<off_t>(HB_WINDOW_BYTES + bytes)) !=
        static_cast<ssize_t>(couplers.size()))
      throw io_error(path_, "the list of couplers cannot be written");
  }
  time_.emplace(*device_, stop_);
  last_store_ = Clock::now();
  for (const Row& row : rows) put(row.offset);
}

StandIn::~StandIn() {
  for (auto& guard : guards_) guard.reset();
  if (rounds_ != nullptr) munmap(rounds_, stand_in_trailer);
  if (window_ != nullptr) munmap(window_, HB_WINDOW_BYTES);
}

std::atomic_ref<std::uint32_t> StandIn::word(std::uint32_t offset) const {
  return std::atomic_ref<std::uint32_t>(window_[offset / 4]);
}

/// Puts a register's value into the file, unless the host has just stored there: that is carried out first.
void StandIn::put(std::uint32_t offset) {
  const std::uint32_t value = device_->read32(offset);
  std::uint32_t& known = image_[offset / 4];
  if (value == known) return;
  std::uint32_t expected = known;
  if (word(offset).compare_exchange_strong(expected, value, std::memory_order_release, std::memory_order_relaxed))
    known = value;
}

void StandIn::carry_out(std::uint32_t offset, std::uint32_t value) {
  image_[offset / 4] = value;
  device_->write32(offset, value);
  last_store_ = Clock::now();
  const bool mapped = std::any_of(std::begin(rows), std::end(rows), [&](const Row& row) { return row.offset == offset; });
  if (mapped) {
    put(offset);
  } else {
    std::uint32_t expected = value;
    if (word(offset).compare_exchange_strong(expected, 0)) image_[offset / 4] = 0;
  }
}

void StandIn::round() {
  // Effectful registers are looked at first and carried out last: what the host stored before them is there by then.
  static const std::vector<std::uint32_t> effectful = [] {
    std::vector<std::uint32_t> offsets;
    for (const Row& row : rows)
      if (is_effectful(row.offset)) offsets.push_back(row.offset);
    return offsets;
  }();
  std::array<std::uint32_t, std::size(rows)> asked;
  for (std::size_t k = 0; k < effectful.size(); ++k) asked[k] = word(effectful[k]).load(std::memory_order_acquire);
  for (std::uint32_t offset = 0; offset < HB_WINDOW_BYTES; offset += 4) {
    if (is_effectful(offset)) continue;
    const std::uint32_t value = word(offset).load(std::memory_order_acquire);
    if (value != image_[offset / 4]) carry_out(offset, value);
  }
  for (std::size_t k = 0; k < effectful.size(); ++k)
    if (asked[k] != image_[effectful[k] / 4]) carry_out(effectful[k], asked[k]);
  time_->pass();
  const std::uint32_t resets = device_->read32(HB_RESET_COUNT_OFFSET);
  count_round();
  constexpr std::uint32_t pairs[] = {HB_TIME_LO_OFFSET, HB_JOB_TICKS_LO_OFFSET, HB_STALL_TICKS_LO_OFFSET};
  std::array<std::uint32_t, std::size(pairs)> high{};
  for (std::size_t k = 0; k < std::size(pairs); ++k) high[k] = image_[pairs[k] / 4 + 1];
  for (const Row& row : rows)
    if (row.kind == LIVE || resets != resets_ || row.offset == HB_CAPTURE_TAIL_OFFSET) put(row.offset);
  // Low words come first: one that was read just before its high word changed is read again.
  for (std::size_t k = 0; k < std::size(pairs); ++k)
    if (image_[pairs[k] / 4 + 1] != high[k]) put(pairs[k]);
  count_round();
  resets_ = resets;
  tell_interrupt();
}

void StandIn::count_round() {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  std::atomic_ref<std::uint32_t>(*rounds_).fetch_add(1, std::memory_order_seq_cst);
}

void StandIn::tell_interrupt() {
  const bool pending = (image_[HB_INTR_STATE_OFFSET / 4] & image_[HB_INTR_ENABLE_OFFSET / 4]) != 0;
  if (pending && !interrupt_) {
    ++interrupts_;
    // Without a reader the pipe fills up; a full one has told enough.
    [[maybe_unused]] const ssize_t written = ::write(pipe_.get(), &interrupts_, sizeof interrupts_);
  }
  interrupt_ = pending;
}

void StandIn::run() {
  while (!stop_.load(std::memory_order_relaxed)) {
    round();
    for (const auto& guard : guards_)
      if (guard && guard->lost())
        throw Error(HB_IO, "listen 'uio:" + path_ + "': bytes of the file are gone: it was cut, or its disk is full");
    const bool running = (image_[HB_STATUS_OFFSET / 4] & HB_STATUS_RUNNING_MASK) != 0;
    if (!running && Clock::now() - last_store_ > calm) {
      std::this_thread::sleep_for(nap);
    } else {
      std::this_thread::yield();
    }
  }
}

}  // namespace heatbath
