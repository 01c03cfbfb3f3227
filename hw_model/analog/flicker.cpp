#include "hw_model/analog/flicker.hpp"

#include <algorithm>
#include <cmath>

#include "heatbath/numerics/archive.hpp"
#include "heatbath/numerics/random.hpp"
#include "hw_model/physics/noise.hpp"
#include "hw_model/physics/parameters.hpp"

namespace heatbath::model {
namespace {

constexpr std::uint64_t telegraph_stage = 64;

/// Whether a standard normal lies in the lowest fraction of them.
bool in_lowest(double fraction, float normal) {
  return 0.5 * std::erfc(-static_cast<double>(normal) * 0.70710678118654752) < fraction;
}

}  // namespace

void Flicker::draw(const Moment& at, std::uint64_t stage, bool start, std::vector<float>& normals) const {
  const std::uint64_t seed = at.seed ^ numerics::split_mix(2 * stage + (start ? 1 : 0));
  normals.resize(std::size_t{at.lanes} * at.cells);
  for (std::uint32_t lane = 0; lane < at.lanes; ++lane)
    physics::normals(seed, at.period, at.shot0 + lane, at.cells, normals.data() + std::size_t{lane} * at.cells,
                     physics::Purpose::slow);
}

void Flicker::pass(const Moment& at) {
  const bool start = fresh_ || at.cells != cells_ || at.lanes != lanes_ || at.period < period_;
  if (!start && at.period == period_) return;
  const double passed = start ? 0 : static_cast<double>(at.period - period_) * at.period_time;
  fresh_ = false;
  period_ = at.period;
  cells_ = at.cells;
  lanes_ = at.lanes;
  std::vector<float> normals;
  offsets_.assign(std::size_t{lanes_} * cells_, 0.0f);
  if (law_.flicker_sd > 0) {
    std::size_t count = 1;
    while (law_.flicker_time / std::pow(4.0, static_cast<double>(count)) >= at.period_time) ++count;
    stages_.resize(count);
    const double weight = law_.flicker_sd / std::sqrt(static_cast<double>(count));
    double time = law_.flicker_time;
    for (std::size_t s = 0; s < count; ++s, time /= 4) {
      draw(at, s, start, normals);
      const double keep = start ? 0 : std::exp(-passed / time), kick = std::sqrt(1 - keep * keep);
      std::vector<double>& z = stages_[s];
      z.resize(offsets_.size());
      for (std::size_t i = 0; i < z.size(); ++i) {
        z[i] = start ? static_cast<double>(normals[i]) : keep * z[i] + kick * static_cast<double>(normals[i]);
        offsets_[i] += static_cast<float>(weight * z[i]);
      }
    }
  }
  if (law_.telegraph_step > 0) {
    draw(at, telegraph_stage, start, normals);
    side_.resize(offsets_.size());
    const double turns = start ? 0.5 : 0.5 * (1 - std::exp(-2 * passed / law_.telegraph_time));
    for (std::size_t i = 0; i < side_.size(); ++i) {
      if (start) side_[i] = 1;
      if (in_lowest(turns, normals[i])) side_[i] = static_cast<std::int8_t>(-side_[i]);
      offsets_[i] += static_cast<float>(law_.telegraph_step * side_[i]);
    }
  }
}

void Flicker::act(physics::Parameters& p) const {
  if (!p.bias_per_lane && lanes_ > 1) {
    p.bias = repeated(p.bias, lanes_);
    p.bias_per_lane = true;
  }
  for (std::size_t i = 0; i < p.bias.size(); ++i) p.bias[i] += offsets_[i];
}

void Flicker::exchange(numerics::Archive& archive, std::uint32_t cells, std::uint32_t lanes) {
  archive.section("flicker");
  archive(fresh_, period_, cells_, lanes_, stages_, side_, offsets_);
  const std::size_t size = std::size_t{lanes_} * cells_;
  archive.check((cells == 0 || (cells_ == cells && lanes_ == lanes)) && offsets_.size() == size && (side_.empty() || side_.size() == size) &&
                    std::ranges::all_of(stages_, [&](const auto& z) { return z.size() == size; }),
                "slow noise");
}

}  // namespace heatbath::model
