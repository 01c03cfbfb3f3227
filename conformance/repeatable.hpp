#pragma once

#include <cstdint>
#include <optional>

#include "heatbath/job.hpp"

namespace heatbath::conformance {

/// Shots with a seed, numbered from `first_shot`, where the device takes one.
inline JobOptions repeatable(const Capabilities& caps, std::uint32_t shots, std::uint64_t seed,
                             std::uint32_t first_shot = 0) {
  JobOptions options{.shots = shots, .seed = caps.seeded ? std::optional(seed) : std::nullopt};
  if (caps.seeded) options.first_shot = first_shot;
  return options;
}

}  // namespace heatbath::conformance
