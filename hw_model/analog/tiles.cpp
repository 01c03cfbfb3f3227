#include "hw_model/analog/tiles.hpp"

#include <algorithm>
#include <cmath>

#include "heatbath/codes.h"
#include "heatbath/numerics/archive.hpp"
#include "heatbath/numerics/random.hpp"
#include "hw_model/analog/part_pattern.hpp"
#include "hw_model/physics/array.hpp"
#include "hw_model/physics/graph.hpp"
#include "hw_model/physics/parameters.hpp"

namespace heatbath::model {
namespace {

constexpr std::uint64_t message_stage = 65;  // keeps losses apart from other slow noise

}  // namespace

const Tiles::Cut& Tiles::cut(const std::shared_ptr<const physics::Couplings>& couplings) const {
  const auto known = std::ranges::find(cuts_, couplings, &Cut::whole);
  if (known != cuts_.end()) return *known;
  Cut cut{couplings, nullptr, {}};
  const auto split = [&](std::uint32_t i, std::uint32_t k, float value) {
    if (tile(i) == tile(k)) return value;
    if (value != 0) cut.between.push_back({i, k, value});
    return 0.0f;
  };
  if (couplings->zero()) {
    cut.inner = couplings;
  } else if (const auto& graph = couplings->graph()) {
    std::vector<float> values;
    for (const physics::Coupler& at : graph->couplers()) {
      const float forward = split(at.i, at.j, couplings->at(at.i, at.j)), back = split(at.j, at.i, couplings->at(at.j, at.i));
      values.push_back(forward);
      if (!couplings->symmetric()) values.push_back(back);
    }
    cut.inner = std::make_shared<const physics::Couplings>(graph, std::move(values));
  } else {
    std::vector<float> matrix(std::size_t{cells_} * cells_);
    for (std::uint32_t i = 0; i < cells_; ++i)
      for (std::uint32_t k = 0; k < cells_; ++k) matrix[std::size_t{i} * cells_ + k] = split(i, k, couplings->at(i, k));
    cut.inner = std::make_shared<const physics::Couplings>(cells_, std::move(matrix));
  }
  if (cuts_.size() == 2) cuts_.erase(cuts_.begin());  // live ones and the target of a ramp
  cuts_.push_back(std::move(cut));
  return cuts_.back();
}

void Tiles::pass(const Moment& at) {
  if (at.array == nullptr) return;
  if (at.cells != cells_ || at.lanes != lanes_) {
    cells_ = at.cells;
    lanes_ = at.lanes;
    sent_.clear();
    cuts_.clear();
  }
  std::vector<float> states(std::size_t{lanes_} * cells_), all(at.array->variables());
  for (std::uint32_t lane = 0; lane < lanes_; ++lane) {
    at.array->read(lane, all);
    std::copy_n(all.begin(), cells_, states.begin() + std::size_t{lane} * cells_);
  }
  if (law_.bits > 0) {
    // A code of one bit is a sign; of more, the nearest of 2^bits values between -range and range.
    const float steps = static_cast<float>((1u << law_.bits) - 1u);
    for (float& x : states) {
      const float unit = std::clamp(0.5f * (x / law_.range + 1), 0.0f, 1.0f);
      x = law_.range * (2 * std::floor(unit * steps + 0.5f) / steps - 1);
    }
  }
  const bool first = sent_.empty();
  sent_.push_back(std::move(states));
  if (sent_.size() > law_.latency + 1) sent_.erase(sent_.begin());
  if (first) {
    heard_ = sent_.front();
    return;
  }
  std::vector<float> fate(law_.tiles, 1e30f);
  const std::vector<float>& arriving = sent_.front();
  for (std::uint32_t lane = 0; lane < lanes_; ++lane) {
    if (law_.lost > 0)
      physics::normals(at.seed ^ numerics::split_mix(2 * message_stage), at.period, at.shot0 + lane, law_.tiles, fate.data(),
                       physics::Purpose::slow);
    for (std::uint32_t cell = 0; cell < cells_; ++cell) {
      if (is_among(law_.lost, fate[tile(cell)])) continue;
      heard_[std::size_t{lane} * cells_ + cell] = arriving[std::size_t{lane} * cells_ + cell];
    }
  }
}

void Tiles::act(physics::Parameters& p) const {
  if (heard_.empty() || law_.tiles < 2) return;
  const Cut& of = cut(p.couplings);
  if (!p.bias_per_lane) {
    p.bias = repeated(p.bias, lanes_);
    p.bias_per_lane = true;
  }
  for (std::uint32_t lane = 0; lane < lanes_; ++lane) {
    float* const bias = p.bias.data() + std::size_t{lane} * cells_;
    const float* const heard = heard_.data() + std::size_t{lane} * cells_;
    for (const Cut::Between& at : of.between) bias[at.i] = std::fma(p.gain * at.value, heard[at.k], bias[at.i]);
  }
  p.couplings = of.inner;
}

void Tiles::exchange(numerics::Archive& archive, std::uint32_t cells, std::uint32_t lanes) {
  archive.section("tiles");
  archive(cells_, lanes_, sent_, heard_);
  if (archive.reads()) cuts_.clear();
  const std::size_t size = std::size_t{lanes_} * cells_;
  archive.check((heard_.empty() || (heard_.size() == size && (cells == 0 || (cells_ == cells && lanes_ == lanes)))) && sent_.size() <= std::size_t{law_.latency} + 1 &&
                    std::ranges::all_of(sent_, [&](const auto& states) { return states.size() == size; }),
                "messages between tiles");
}

}  // namespace heatbath::model
