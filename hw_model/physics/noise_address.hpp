#pragma once
// Where a run's noise lies, as kernels take it.

#include "hw_model/physics/array.hpp"
#include "hw_model/physics/general_kernels.hpp"
#include "hw_model/physics/noise.hpp"

namespace heatbath::physics {

/// Of lanes from `lane` on in a step, cells from `first_cell` on.
inline NoiseAddress address_of(const NoiseOrigin& origin, std::uint32_t lane, std::uint64_t step, Purpose purpose,
                               std::uint32_t first_cell = 0) {
  return {{static_cast<std::uint32_t>(origin.seed), static_cast<std::uint32_t>(origin.seed >> 32)},
          step,
          origin.refinement,
          origin.shot0 + lane,
          static_cast<std::uint32_t>(purpose),
          first_cell};
}

}  // namespace heatbath::physics
