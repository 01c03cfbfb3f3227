#include "hw_model/analog/read_out_noise.hpp"

#include <cmath>

#include "heatbath/codes.h"
#include "heatbath/numerics/random.hpp"
#include "hw_model/analog/part_pattern.hpp"

namespace heatbath::model {

void Crosstalk::read_out(std::uint32_t, std::uint32_t, std::span<float> values, const ReadAddress*) const {
  for (std::size_t i = values.size(); i-- > 1;) values[i] = std::fma(fraction_, values[i - 1] - values[i], values[i]);
}

void ReadOutNoise::read_out(std::uint32_t component, std::uint32_t first, std::span<float> values,
                            const ReadAddress* address) const {
  if (address == nullptr || components_[component].range == 0) return;
  // Records of the same step, and the components of a cell, have noise of their own.
  const std::uint64_t own = std::uint64_t{address->repeat} * 2 + component;
  const std::uint64_t seed = own == 0 ? address->seed : address->seed ^ numerics::split_mix(own);
  std::vector<float> normals(first + values.size());
  physics::normals(seed, address->step, address->shot, static_cast<std::uint32_t>(normals.size()), normals.data(),
                   physics::Purpose::read_out);
  const float sd = sd_ * components_[component].step;
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::fma(sd, normals[first + i], values[i]);
}

ReadOutSteps::ReadOutSteps(float dnl_sd_steps, std::array<ReadOutCurve::Component, 2> components, std::uint32_t bits,
                           std::uint64_t serial)
    : sd_(dnl_sd_steps), components_(components), bits_(bits), key_(key_of_part(serial)) {}

void ReadOutSteps::prepare_read_out(std::uint32_t cells) {
  const std::size_t codes = std::size_t{1} << bits_;
  for (std::uint32_t c = 0; c < components_.size(); ++c) {
    if (components_[c].range == 0) continue;
    for (auto cell = static_cast<std::uint32_t>(errors_[c].size() / codes); cell < cells; ++cell) {
      const std::vector<float> row =
          part_pattern(key_, PartPattern::read_out_codes, 2 * std::uint64_t{cell} + c, static_cast<std::uint32_t>(codes));
      for (const float normal : row) errors_[c].push_back(sd_ * components_[c].step * normal * 0.70710678f);
    }
  }
}

void ReadOutSteps::read_out(std::uint32_t component, std::uint32_t first, std::span<float> values,
                            const ReadAddress*) const {
  const ReadOutCurve::Component& of = components_[component];
  if (of.range == 0) return;
  const std::size_t codes = std::size_t{1} << bits_;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!(std::abs(values[i]) < of.range)) continue;
    const auto code = static_cast<std::size_t>(hb_value_to_code(values[i], of.range, bits_) + (1 << (bits_ - 1u)));
    values[i] += errors_[component][(first + i) * codes + code];
  }
}

}  // namespace heatbath::model
