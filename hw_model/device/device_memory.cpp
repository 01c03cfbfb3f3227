#include "hw_model/device/device_memory.hpp"

#include <algorithm>
#include <cerrno>
#include <sys/mman.h>
#include <system_error>

namespace heatbath::model {

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

DeviceMemory::~DeviceMemory() { munmap(bytes_.data(), bytes_.size()); }

}  // namespace heatbath::model
