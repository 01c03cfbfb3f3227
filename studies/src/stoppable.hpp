#pragma once
// Loops of the host over many values, which a caller can stop as he stops a job.

#include <algorithm>
#include <cstddef>
#include <functional>

namespace heatbath::trainers {

/// Asks the caller whether to go on; throws Error(ABORTED) where he says no.
using Look = std::function<void()>;

/// body(first, last) for 0..count in blocks that take some milliseconds, a look before each.
template <class Body>
void in_blocks(std::size_t count, const Look& look, const Body& body) {
  constexpr std::size_t kBlock = std::size_t{1} << 16;
  for (std::size_t first = 0; first < count; first += kBlock) {
    look();
    body(first, std::min(count, first + kBlock));
  }
}

}  // namespace heatbath::trainers
