#pragma once
// Parameters of cells that do not feel one another.

#include <cstdint>
#include <memory>

#include "hw_model/physics/parameters.hpp"

namespace heatbath::physics {

inline Parameters uncoupled(std::uint32_t cells, float j2, float j4, float bias, float kT) {
  Parameters p;
  p.j2.assign(cells, j2);
  p.j4.assign(cells, j4);
  p.bias.assign(cells, bias);
  p.couplings = std::make_shared<const Couplings>(cells);
  p.kT = kT;
  return p;
}

}  // namespace heatbath::physics
