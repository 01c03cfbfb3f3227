#pragma once
// What one instruction set contributes to arrays of categorical cells. Plain data only, as in step_kernels.hpp.

#include <stdint.h>

#include "hw_model/physics/general_kernels.hpp"

namespace heatbath::physics {

constexpr uint32_t states_max = 16;

/// Categorical cells of a tile and what they feel.
struct CategoricalTile {
  FieldShape shape;
  float* values;    ///< 0 .. states - 1, as [cell][lane]
  uint32_t states;  ///< 2 .. states_max
  MatrixRows a, b;
  float gain_a, gain_b;
  const float *bias, *lane_bias;  ///< [cell][state]; [cell][state][lane] or null
  const float* one_over_kT;       ///< per cell; infinite at kT = 0
  const uint32_t* free;           ///< per cell: ~0 is updated, 0 is clamped
  double* heat;                   ///< per lane: -dV of every update; null: not metered
  double* cell_heat;              ///< the same as [cell][lane]; null: not kept
};

struct CategoricalKernels {
  /// Updates the cells of `sites` one after another in all lanes; words[cell][lane] decides. With one lane, no two of
  /// the sites are coupled.
  void (*update)(const CategoricalTile& tile, const uint32_t* sites, uint32_t count, const uint32_t* words);
};

/// Kernels of the active instruction set (heatbath/numerics/isa.hpp).
const CategoricalKernels& categorical_kernels();

namespace portable {
extern const CategoricalKernels categorical_kernels;
}
namespace avx2 {
extern const CategoricalKernels categorical_kernels;
}
namespace avx512 {
extern const CategoricalKernels categorical_kernels;
}

}  // namespace heatbath::physics
