#pragma once
// A mapped file whose pages go away.

#include <atomic>
#include <cstddef>

namespace heatbath {

/// While one lives, a page of [start, start + bytes), a mapping of a file, that cannot be had (the file was cut, its
/// disk is full) is replaced by one of zeros, where SIGBUS would end the process; lost() says so from then on. At most
/// eight at a time; those beyond guard nothing.
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
