#pragma once
// Couplings between two sets of parameters, as steps in a ramp take them.

#include <memory>

#include "hw_model/physics/general_kernels.hpp"
#include "hw_model/physics/parameters.hpp"

namespace heatbath::physics {

/// The part gain_a of one matrix and gain_b of another: both where a ramp goes from one to the other.
struct RampedCouplings {
  /// `at`: 0 at `from`, 1 at `to`.
  RampedCouplings(const Parameters& from, const Parameters& to, double at);

  std::shared_ptr<const Couplings> couplings_a, couplings_b;  ///< null: none, or all zero
  float gain_a = 0, gain_b = 0;
  bool potential;  ///< the forces are the gradient of V
};

/// Rows of a matrix that may be null.
inline MatrixRows rows_of(const Couplings* j) {
  if (!j) return {nullptr, nullptr, nullptr, 0};
  const auto rows = j->rows();
  return {rows.begin, rows.columns, rows.values, rows.cells};
}

}  // namespace heatbath::physics
