#pragma once
// Memory that begins on a cache line.

#include <cstddef>
#include <vector>

namespace heatbath::numerics {

constexpr std::size_t cache_line = 64;

/// `bytes` of memory that begin on a cache line. Half a large page or more begins on a large page and asks the system
/// for large pages (Linux): without them reading at random is bound by the translation of addresses, and what should
/// just fit a cache does not, for its pages lie where others are kept. Throws std::bad_alloc.
void* allocate_lines(std::size_t bytes);
void free_lines(void* memory, std::size_t bytes);
constexpr std::size_t large_page = std::size_t{2} << 20;

/// Allocates on cache lines: a vector load then never crosses one, which would cost it twice.
template <class T>
struct CacheLineAllocator {
  using value_type = T;
  CacheLineAllocator() = default;
  template <class U>
  CacheLineAllocator(const CacheLineAllocator<U>&) {}

  T* allocate(std::size_t count) { return static_cast<T*>(allocate_lines(count * sizeof(T))); }
  void deallocate(T* p, std::size_t count) { free_lines(p, count * sizeof(T)); }

  template <class U>
  bool operator==(const CacheLineAllocator<U>&) const {
    return true;
  }
};

/// A vector whose first element begins a cache line.
template <class T>
using CacheLines = std::vector<T, CacheLineAllocator<T>>;

}  // namespace heatbath::numerics
