#pragma once
// Kernels that are compiled once per instruction set.

#include "heatbath/numerics/isa.hpp"

namespace heatbath::physics {

/// The set of the active instruction set (heatbath/numerics/isa.hpp).
template <class Kernels>
const Kernels& of_active_isa(const Kernels& portable, const Kernels& avx2, const Kernels& avx512) {
  switch (numerics::active_isa()) {
    case numerics::Isa::avx512:
      return avx512;
    case numerics::Isa::avx2:
      return avx2;
    case numerics::Isa::portable:
      break;
  }
  return portable;
}

}  // namespace heatbath::physics
