#include "hw_model/physics/ramp.hpp"

#include <memory>
#include <utility>
#include <vector>

#include "hw_model/physics/graph.hpp"
#include "hw_model/physics/parameters.hpp"

namespace heatbath::physics::ramp {
namespace {

/// Values of cells that may be left out on either side, and are `usual` then.
ValueList optional_between(const ValueList& from, const ValueList& to, float usual, float s) {
  const std::size_t size = std::max(from.size(), to.size());
  const auto value = [&](const ValueList& of, std::size_t i) { return of.empty() ? usual : of[i]; };
  if (size > 0 && from.one_value() && to.one_value()) return ValueList(size, between(value(from, 0), value(to, 0), s));
  std::vector<float> out(size);
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = between(value(from, i), value(to, i), s);
  return out;
}

std::vector<float> temperatures_between(const Parameters& from, const Parameters& to, double position) {
  std::vector<float> out(std::max(from.kT_cell.size(), to.kT_cell.size()));
  for (std::uint32_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<float>(scalar_between(from.kT_of(i), to.kT_of(i), position));
  return out;
}

std::shared_ptr<const Couplings> couplings_between(const Couplings& from, const Couplings& to, double position) {
  const auto value = [&](std::uint32_t i, std::uint32_t k) {
    return static_cast<float>(scalar_between(from.at(i, k), to.at(i, k), position));
  };
  if (const auto& graph = from.graph()) {
    std::vector<float> values;
    for (const Coupler& c : graph->couplers()) {
      values.push_back(value(c.i, c.j));
      if (!from.symmetric() || !to.symmetric()) values.push_back(value(c.j, c.i));
    }
    return std::make_shared<const Couplings>(graph, std::move(values));
  }
  const std::uint32_t cells = from.cells();
  std::vector<float> matrix(std::size_t{cells} * cells);
  for (std::uint32_t i = 0; i < cells; ++i)
    for (std::uint32_t k = 0; k < cells; ++k) matrix[std::size_t{i} * cells + k] = value(i, k);
  return std::make_shared<const Couplings>(cells, std::move(matrix));
}

}  // namespace

Parameters between(const Parameters& from, const Parameters& to, double position, std::uint32_t lanes) {
  const auto s = static_cast<float>(position);
  Parameters p = from;
  p.j2 = optional_between(from.j2, to.j2, 0, s);
  p.j4 = optional_between(from.j4, to.j4, 0, s);
  const std::size_t row = from.bias.size() / (from.bias_per_lane ? lanes : 1);  // biases of a lane
  p.bias_per_lane = from.bias_per_lane || to.bias_per_lane;
  if (!p.bias_per_lane) {
    p.bias = optional_between(from.bias, to.bias, 0, s);
  } else {
    std::vector<float> bias(row * lanes);
    for (std::size_t at = 0; at < bias.size(); ++at)
      bias[at] = between(from.bias[from.bias_per_lane ? at : at % row], to.bias[to.bias_per_lane ? at : at % row], s);
    p.bias = std::move(bias);
  }
  // The difference in float32, as the kernels have it.
  p.gain = static_cast<float>(from.gain + position * (to.gain - from.gain));
  p.kT = static_cast<float>(from.kT + position * (to.kT - from.kT));
  p.kT_cell = temperatures_between(from, to, position);
  p.mass = optional_between(from.mass, to.mass, 1, s);
  p.damping = optional_between(from.damping, to.damping, 1, s);
  p.frequency = optional_between(from.frequency, to.frequency, 0, s);
  if (from.couplings != to.couplings) p.couplings = couplings_between(*from.couplings, *to.couplings, position);
  return p;
}

}  // namespace heatbath::physics::ramp
