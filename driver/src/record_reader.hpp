#pragma once
// Capture records and parameter images, from the device's number formats to physical units.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "heatbath/capabilities.hpp"

namespace heatbath {

/// Decodes values.size() numbers that lie at `bytes` in storage `number`; codes have `bits` bits and full scale
/// `range`.
void decode(const std::byte* bytes, Number number, std::uint32_t bits, float range, std::span<float> values);

/// What a record of one pass must look like.
struct RecordShape {
  std::uint32_t lanes = 0;
  std::uint32_t cells = 0, first = 0;   ///< captured state variables
  std::uint32_t second = 0xFFFFFFFFu;   ///< first variable of the second component: cells of the program
  bool whole_turns = false;             ///< the second component is int32

  /// How many of the captured variables are of the second component.
  std::uint32_t seconds() const { return cells - (second > first ? std::min(cells, second - first) : 0); }
};

/// Decodes one record into states[lane * lane_stride .. + cells), whole turns, when `turns` is not null, also into
/// turns[lane * turns_stride .. + seconds()), and returns its ticks. Throws
/// Error(CAPTURE_OVERRUN) when its sequence number is not `sequence` (naming the first lost record), Error(DEVICE) when
/// its shape differs.
std::uint64_t decode_record(std::span<const std::byte> record, const RecordShape& shape, std::uint32_t sequence,
                            const Capabilities& capabilities, float* states, std::size_t lane_stride,
                            std::int32_t* turns = nullptr, std::size_t turns_stride = 0);

}  // namespace heatbath
