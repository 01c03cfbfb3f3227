#include "hw_model/device/device_memory.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <system_error>
#include <unistd.h>
#include <vector>

#include "heatbath/numerics/archive.hpp"

namespace heatbath::model {

namespace {

constexpr std::uint64_t page = 4096;  // of what is kept

/// Which pages of these bytes may hold something, as far as the system tells at once (Linux): those that it has given
/// memory or swapped out. Else all.
std::vector<bool> touched_pages(std::span<const std::byte> bytes) {
  std::vector<bool> touched((bytes.size() + page - 1) / page, true);
  const int map = ::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  if (map < 0) return touched;
  if (static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) == page) {
    std::vector<std::uint64_t> entries(touched.size());
    const auto first = reinterpret_cast<std::uintptr_t>(bytes.data()) / page;
    const auto size = static_cast<ssize_t>(entries.size() * sizeof(std::uint64_t));
    if (pread(map, entries.data(), static_cast<std::size_t>(size), static_cast<off_t>(first * sizeof(std::uint64_t))) == size)
      for (std::size_t k = 0; k < entries.size(); ++k) touched[k] = entries[k] >> 62 != 0;  // present, or swapped
  }
  ::close(map);
  return touched;
}

}  // namespace

DeviceMemory::DeviceMemory(std::uint64_t bytes) {
  void* start = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (start == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "device memory cannot be mapped");
  bytes_ = {static_cast<std::byte*>(start), bytes};
}

DeviceMemory::DeviceMemory(std::uint64_t bytes, int file, std::uint64_t offset) : shared_(true) {
  void* start = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, static_cast<off_t>(offset));
  if (start == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "device memory cannot be mapped");
  bytes_ = {static_cast<std::byte*>(start), bytes};
}

void DeviceMemory::clear() {
  if (shared_) {
    std::fill(bytes_.begin(), bytes_.end(), std::byte{0});
    return;
  }
  // Private anonymous pages read as zero after this.
  if (madvise(bytes_.data(), bytes_.size(), MADV_DONTNEED) != 0)
    throw std::system_error(errno, std::generic_category(), "device memory cannot be cleared");
}

void DeviceMemory::exchange(numerics::Archive& archive) {
  archive.section("memory");
  const std::uint64_t pages = (bytes_.size() + page - 1) / page;
  const auto of = [&](std::uint64_t number) {
    return bytes_.subspan(number * page, std::min<std::uint64_t>(page, bytes_.size() - number * page));
  };
  const std::vector<std::byte> zeros(page);
  const std::vector<bool> touched =
      archive.reads() || shared_ ? std::vector<bool>(pages, true) : touched_pages(bytes_);
  const auto used = [&](std::uint64_t number) {
    if (!touched[number]) return false;
    const std::span<const std::byte> bytes = of(number);
    return std::memcmp(bytes.data(), zeros.data(), bytes.size()) != 0;
  };
  std::uint64_t from = 0, count = 0;
  if (archive.reads()) {
    clear();
    for (;;) {
      archive(from, count);
      if (count == 0) return;
      archive.check(from < pages && count <= pages - from, "pages of memory");
      for (std::uint64_t number = from; number < from + count; ++number) archive.raw(of(number));
    }
  }
  for (std::uint64_t number = 0; number < pages;) {
    if (!used(number)) {
      ++number;
      continue;
    }
    from = number;
    while (number < pages && used(number)) ++number;
    count = number - from;
    archive(from, count);
    for (std::uint64_t there = from; there < number; ++there) archive.raw(of(there));
  }
  count = 0;
  archive(from, count);
}

DeviceMemory::~DeviceMemory() { munmap(bytes_.data(), bytes_.size()); }

}  // namespace heatbath::model
