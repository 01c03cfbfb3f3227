#include "heatbath/numerics/cache_line.hpp"

#include <new>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace heatbath::numerics {
namespace {

bool is_large(std::size_t bytes) { return bytes >= large_page / 2; }

}  // namespace

void* allocate_lines(std::size_t bytes) {
  if (!is_large(bytes)) return ::operator new (bytes, std::align_val_t{cache_line});
  const std::size_t whole = (bytes + large_page - 1) / large_page * large_page;
  void* const memory = ::operator new (whole, std::align_val_t{large_page});
#ifdef __linux__
  madvise(memory, whole, MADV_HUGEPAGE);  // advice: the system may have none
#endif
  return memory;
}

void free_lines(void* memory, std::size_t bytes) {
  ::operator delete (memory, std::align_val_t{is_large(bytes) ? large_page : cache_line});
}

}  // namespace heatbath::numerics
