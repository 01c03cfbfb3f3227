#include "hw_model/analog/die.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "heatbath/numerics/archive.hpp"
#include "hw_model/analog/part_pattern.hpp"
#include "hw_model/physics/parameters.hpp"

namespace heatbath::model {
namespace {

template <class Values>
void scale(Values& values, double factor) {
  for (float& value : values) value = static_cast<float>(static_cast<double>(value) * factor);
}

void scale_cells(physics::Parameters& p, double factor) {
  scale(p.j2, factor);
  scale(p.j4, factor);
}

void scale_gain(physics::Parameters& p, double factor) {
  p.gain = static_cast<float>(static_cast<double>(p.gain) * factor);
}

void scale_temperature(physics::Parameters& p, double factor) {
  p.kT = static_cast<float>(static_cast<double>(p.kT) * factor);
  scale(p.kT_cell, factor);
}

/// Offsets of cells, on the biases of all lanes alike.
void add_offsets(physics::Parameters& p, const std::vector<float>& offsets, float factor) {
  const std::size_t cells = p.j2.size();
  for (std::size_t at = 0; at < p.bias.size(); ++at) p.bias[at] = std::fma(factor, offsets[at % cells], p.bias[at]);
}

}  // namespace

Die::Die(const DieLaw& law, std::uint64_t serial) : law_(law), key_(key_of_part(serial)), warmth_(law.idle_warmth) {}

void Die::power_on() {
  warmth_ = law_.idle_warmth;
  at_ = 0;
}

void Die::pass(const Moment& moment) {
  const double end = moment.running ? law_.run_warmth : law_.idle_warmth;
  warmth_ = end + (warmth_ - end) * std::exp(-(moment.time - at_) / law_.thermal_time);
  at_ = moment.time;
  if (law_.bias_offset_sd > 0 && offsets_.size() < moment.cells) {
    offsets_ = part_pattern(key_, PartPattern::warmth_offset, 0, moment.cells);
    scale(offsets_, law_.bias_offset_sd);
  }
}

void Die::act(physics::Parameters& p) const {
  if (law_.kT_tracks != 0) scale_temperature(p, std::max(0.0, 1 + law_.kT_tracks * warmth_ / law_.ambient));
  if (law_.coupling_gain != 0) scale_gain(p, 1 + law_.coupling_gain * warmth_);
  if (law_.cell_gain != 0) scale_cells(p, 1 + law_.cell_gain * warmth_);
  if (law_.bias_offset_sd > 0) add_offsets(p, offsets_, static_cast<float>(warmth_));
}

void Die::exchange(numerics::Archive& archive, std::uint32_t cells, std::uint32_t) {
  archive.section("die");
  archive(warmth_, at_, offsets_);
  archive.check(law_.bias_offset_sd == 0 || offsets_.size() >= cells, "offsets of the die");
}

Drift::Drift(const DriftLaw& law, std::uint64_t serial) : law_(law), key_(key_of_part(serial)) {}

std::vector<double> Drift::walk(std::uint64_t key, std::uint64_t periods, std::uint32_t cells) {
  constexpr std::uint32_t halvings = 40;
  periods = std::min(periods, std::uint64_t{1} << halvings);
  std::vector<double> at_left(cells, 0.0), at_right(cells);
  const auto add = [&](std::uint64_t row, double sd, std::vector<double>& to) {
    const std::vector<float> normals = part_pattern(key, PartPattern::bias_walk, row, cells);
    for (std::uint32_t i = 0; i < cells; ++i) to[i] += sd * static_cast<double>(normals[i]);
  };
  // Intervals have addresses as the nodes of a binary tree: 1 is the whole, 2 n and 2 n + 1 the halves of n.
  std::uint64_t left = 0, length = std::uint64_t{1} << halvings, node = 1;
  add(0, std::sqrt(static_cast<double>(length)), at_right);
  while (length > 1 && left != periods) {
    std::vector<double> middle(cells);
    for (std::uint32_t i = 0; i < cells; ++i) middle[i] = 0.5 * (at_left[i] + at_right[i]);
    add(node, 0.5 * std::sqrt(static_cast<double>(length)), middle);
    length /= 2;
    const bool right = periods >= left + length;
    (right ? at_left : at_right).swap(middle);
    if (right) left += length;
    node = 2 * node + (right ? 1 : 0);
  }
  return periods == left ? at_left : at_right;
}

void Drift::pass(const Moment& moment) {
  const double t = law_.age + moment.time, base = 1 + t / law_.onset;
  gain_ = std::pow(base, -law_.exponent);
  if (law_.exponent_sd > 0) {
    if (exponents_.size() < moment.cells) exponents_ = part_pattern(key_, PartPattern::drift_exponent, 0, moment.cells);
    cell_gain_.resize(moment.cells);
    for (std::uint32_t i = 0; i < moment.cells; ++i)
      cell_gain_[i] = static_cast<float>(std::pow(base, -law_.exponent_sd * static_cast<double>(exponents_[i])));
  }
  if (law_.walk == 0) return;
  const auto periods = static_cast<std::uint64_t>(t / moment.period_time);
  const std::vector<double> path = walk(key_, periods, moment.cells);
  const double sd = law_.walk * std::sqrt(moment.period_time);
  offsets_.resize(path.size());
  std::ranges::transform(path, offsets_.begin(), [&](double z) { return static_cast<float>(sd * z); });
}

void Drift::act(physics::Parameters& p) const {
  if (law_.exponent != 0) {
    scale_gain(p, gain_);
    scale_cells(p, gain_);
  }
  if (law_.exponent_sd > 0)
    for (std::size_t i = 0; i < p.j2.size(); ++i) p.j2[i] *= cell_gain_[i], p.j4[i] *= cell_gain_[i];
  if (law_.walk > 0) add_offsets(p, offsets_, 1.0f);
}

void Drift::exchange(numerics::Archive& archive, std::uint32_t cells, std::uint32_t) {
  archive.section("drift");
  archive(gain_, cell_gain_, exponents_, offsets_);
  archive.check((law_.exponent_sd == 0 || (cell_gain_.size() >= cells && exponents_.size() >= cells)) &&
                    (law_.walk == 0 || offsets_.size() >= cells),
                "drift");
}

void Supply::pass(const Moment& moment) { wave_ = std::sin(2 * std::numbers::pi * std::fmod(moment.time / period_, 1.0)); }

void Supply::act(physics::Parameters& p) const {
  scale_gain(p, 1 + gain_ * wave_);
  scale_cells(p, 1 + gain_ * wave_);
  if (kT_ != 0) scale_temperature(p, std::max(0.0, 1 + kT_ * wave_));
}

void Supply::exchange(numerics::Archive& archive, std::uint32_t, std::uint32_t) {
  archive.section("supply");
  archive(wave_);
}

}  // namespace heatbath::model
