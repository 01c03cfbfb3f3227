#pragma once
// A mapped file whose pages may become unavailable.

#include <atomic>
#include <cstddef>

namespace heatbath {

/// While a guard exists, a page of [start, start + bytes), a mapping of a file, that is unavailable (the file was
/// truncated, its disk is full) is replaced by a page of zeros, where SIGBUS would end the process; lost() is true from
/// then on. At most eight guards work at a time; further ones have no effect.
class MappedFileGuard {
 public:
  MappedFileGuard(const void* start, std::size_t bytes);
  ~MappedFileGuard();
  MappedFileGuard(const MappedFileGuard&) = delete;
  bool lost() const;

 private:
  std::size_t place_;
};

}  // namespace heatbath
