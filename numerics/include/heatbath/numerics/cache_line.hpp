#pragma once
// Memory that begins on a cache line.

#include <cstddef>
#include <new>
#include <vector>

namespace heatbath::numerics {

constexpr std::size_t cache_line = 64;

/// Allocates on cache lines: a vector load then never crosses one, which would cost it twice.
template <class T>
struct CacheLineAllocator {
  using value_type = T;
  CacheLineAllocator() = default;
  template <class U>
  CacheLineAllocator(const CacheLineAllocator<U>&) {}

  T* allocate(std::size_t count) {
    return static_cast<T*>(::operator new (count * sizeof(T), std::align_val_t{cache_line}));
  }
  void deallocate(T* p, std::size_t) { ::operator delete (p, std::align_val_t{cache_line}); }

  template <class U>
  bool operator==(const CacheLineAllocator<U>&) const {
    return true;
  }
};

/// A vector whose first element begins a cache line.
template <class T>
using CacheLines = std::vector<T, CacheLineAllocator<T>>;

}  // namespace heatbath::numerics
