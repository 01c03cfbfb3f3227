#pragma once
// The ring of capture records in device memory.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "hw_model/analog/converters.hpp"
#include "hw_model/device/imperfections.hpp"
#include "hw_model/device/job.hpp"

namespace heatbath::model {

/// Head and tail of the ring, and the layout of its records (hb_record_header_t of heatbath/program.h). Counts are kept
/// in 64 bits; the registers show them modulo 2^32.
class CaptureRing {
 public:
  /// `memory` is device memory; `first` and `second` the converters of the first and second state variable of a cell,
  /// of the same storage; `imperfections` act before them.
  CaptureRing(std::span<std::byte> memory, const Converter& first, const Converter& second, Imperfections& imperfections)
      : memory_(memory), first_(first), second_(second), imperfections_(imperfections) {}

  /// From now on the converter of the first variable of this cell stands at its end, which counts as clipped.
  void saturate(std::uint32_t cell) { saturated_.push_back(cell); }

  /// A fresh, empty ring. `layout` lies inside memory.
  void begin(const RingLayout& layout);

  std::uint64_t head() const { return head_; }
  /// Values of second variables since begin() that lay beyond their converter, and those of saturated converters. First
  /// variables are bounded by what they are.
  std::uint64_t clipped() const { return clipped_.load(std::memory_order_relaxed); }
  std::uint64_t tail() const { return tail_; }
  std::uint64_t unread() const { return head_ - tail_; }
  std::uint64_t free() const { return layout_.slots - unread(); }
  bool full() const { return free() == 0; }
  const RingLayout& layout() const { return layout_; }

  /// Unread records at which the host wants to know: the watermark, or a full ring.
  std::uint64_t threshold(std::uint32_t watermark) const;

  /// Takes a new CAPTURE_TAIL. False, and no change, when it lies outside [tail, head].
  bool move_tail(std::uint32_t tail);

  /// Writes the state of one lane (all state variables) into record head() + ahead. Lanes may be written by several
  /// threads at once.
  /// `turns`: of all cells, where the layout wants them as integers. `address`: of the conversions.
  void write_lane(std::uint64_t ahead, std::uint32_t lane, std::span<const float> state,
                  std::span<const std::int32_t> turns, const ReadAddress& address);
  /// Completes record head() with its header and zeroed padding, and advances head. `ticks`: ticks the array had
  /// evolved in the job.
  void finish_record(std::uint64_t ticks);

  /// Layout, head, tail and counters; the records are memory's. Whoever reads checks the layout.
  void exchange(numerics::Archive& archive);

 private:
  std::byte* record(std::uint64_t number) const;

  std::span<std::byte> memory_;
  Converter first_, second_;
  Imperfections& imperfections_;
  RingLayout layout_;
  std::uint64_t head_ = 0, tail_ = 0;
  std::atomic<std::uint64_t> clipped_ = 0;
  std::vector<std::uint32_t> saturated_;
};

}  // namespace heatbath::model
