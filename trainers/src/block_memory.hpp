#pragma once

#include <cstdint>

namespace heatbath::trainers {

/// What one job of drawings may leave on the host, bytes. Between two jobs the host looks at nobody's wish to stop: with this
/// much it is done with them in some tens of milliseconds.
inline constexpr std::uint64_t block_memory = std::uint64_t{64} << 20;

}  // namespace heatbath::trainers
