#pragma once
// Adam (Kingma & Ba 2015), a step of one parameter at a time.

#include <cmath>
#include <cstdint>

namespace heatbath::trainers {

/// What is the same for all parameters in step `step` (from 0 on): the rate and the second moment without their bias.
class Adam {
 public:
  Adam(double rate, std::uint32_t step)
      : scale_(static_cast<float>(rate / (1 - std::pow(double{first_moment}, step + 1.0)))),
        unbias_(static_cast<float>(1 / (1 - std::pow(double{second_moment}, step + 1.0)))) {}

  /// Moves a parameter with its moments; `times`: its rate beside that of the others. Returns by how much it fell.
  float move(float& parameter, float& momentum, float& square, float slope, float times = 1) const {
    momentum += (1 - first_moment) * (slope - momentum);
    square += (1 - second_moment) * (slope * slope - square);
    const float by = times * scale_ * momentum / (std::sqrt(square * unbias_) + tiny);
    parameter -= by;
    return by;
  }

 private:
  static constexpr float first_moment = 0.9f, second_moment = 0.99f, tiny = 1e-8f;
  float scale_, unbias_;
};

}  // namespace heatbath::trainers
