#pragma once
// Noise that is not white, or that cells share.

#include "hw_model/analog/imperfection.hpp"
#include "hw_model/physics/array.hpp"

namespace heatbath::model {

/// Its filters are part of the array's steps (hw_model/physics/coloured_noise.cpp).
class ColouredBath : public Imperfection {
 public:
  explicit ColouredBath(const physics::NoiseColour& colour) : colour_(colour) {}
  void step(physics::ArraySpec& spec) const override { spec.colour = colour_; }

 private:
  physics::NoiseColour colour_;
};

}  // namespace heatbath::model
