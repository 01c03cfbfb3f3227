#include "hw_model/device/host_memory.hpp"

#include <cstring>
#include <iterator>
#include <limits>
#include <new>

namespace heatbath::model {

HostMemory::Buffer HostMemory::allot(std::uint64_t bytes) {
  constexpr std::uint64_t page = 4096;
  if (bytes > std::numeric_limits<std::uint64_t>::max() - next_ - 2 * page) throw std::bad_alloc();
  Block block{std::make_unique<std::byte[]>(bytes), bytes};
  const Buffer buffer{next_, {block.bytes.get(), bytes}};
  buffers_.emplace(next_, std::move(block));
  next_ += (bytes + 2 * page - 1) / page * page;
  return buffer;
}

std::byte* HostMemory::find(std::uint64_t address, std::uint64_t size) {
  const auto after = buffers_.upper_bound(address);
  if (after == buffers_.begin()) return nullptr;
  const auto& [begin, block] = *std::prev(after);
  const std::uint64_t offset = address - begin;
  return offset <= block.size && size <= block.size - offset ? block.bytes.get() + offset : nullptr;
}

HostPort::Answer HostMemory::read(std::uint64_t address, std::span<std::byte> data) {
  const std::byte* const from = find(address, data.size());
  if (from == nullptr) return {};
  std::memcpy(data.data(), from, data.size());
  return {true, 0};
}

HostPort::Answer HostMemory::write(std::uint64_t address, std::span<const std::byte> data) {
  std::byte* const to = find(address, data.size());
  if (to == nullptr) return {};
  std::memcpy(to, data.data(), data.size());
  return {true, 0};
}

}  // namespace heatbath::model
