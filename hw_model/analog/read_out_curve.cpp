#include "hw_model/analog/read_out_curve.hpp"

#include <cmath>

#include "hw_model/analog/part_pattern.hpp"

namespace heatbath::model {

ReadOutCurve::ReadOutCurve(float sd_steps, std::array<Component, 2> components, std::uint64_t serial)
    : sd_(sd_steps), components_(components), key_(key_of_part(serial)) {}

void ReadOutCurve::prepare_read_out(std::uint32_t cells) {
  for (std::uint32_t c = 0; c < components_.size(); ++c) {
    if (components_[c].range == 0 || bow_[c].size() >= cells) continue;
    bow_[c] = part_pattern(key_, PartPattern::read_out_bow, c, cells);
    ess_[c] = part_pattern(key_, PartPattern::read_out_ess, c, cells);
    for (float& b : bow_[c]) b *= sd_ * components_[c].step;
    for (float& s : ess_[c]) s *= sd_ * components_[c].step * 2.5980762f;  // 3 sqrt(3) / 2
  }
}

void ReadOutCurve::read_out(std::uint32_t component, std::uint32_t first, std::span<float> values,
                            const ReadAddress*) const {
  const float range = components_[component].range;
  if (range == 0 || values.empty()) return;
  const float* const bow = bow_[component].data() + first;
  const float* const ess = ess_[component].data() + first;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const float z = values[i] / range, room = 1.0f - z * z;
    if (room > 0) values[i] = std::fma(room, std::fma(ess[i], z, bow[i]), values[i]);
  }
}

}  // namespace heatbath::model
