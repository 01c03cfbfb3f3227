#pragma once
// Arrays of every make, small, with parameters that give every term something to do.

#include <algorithm>
#include <cmath>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "hw_model/physics/array.hpp"
#include "hw_model/physics/graph.hpp"
#include "hw_model/physics/topology.hpp"

namespace heatbath::makes {

using namespace physics;

struct Make {
  CellKind kind;
  Stepper stepper;
  std::string graph;  // empty: dense
  bool reciprocal = true;
  NoiseColour colour{};

  std::string name() const {
    std::string text(physics::name(kind));
    text += '_';
    text += physics::name(stepper);
    text += graph.empty() ? "_dense" : "_sparse";
    if (!reciprocal) text += "_one_way";
    if (!colour.white()) text += '_', text += physics::name(colour.kind);
    for (char& c : text)
      if (c == '-') c = '_';
    return text;
  }
  friend std::ostream& operator<<(std::ostream& out, const Make& m) { return out << m.name(); }
};

constexpr std::uint32_t cells = 20;

inline std::uint32_t states(const Make& make) { return has_labels(make.kind) ? 3 : 0; }
/// Of a lane: one per cell, or one per state of each.
inline std::size_t biases(const Make& make) { return cells * std::max(1u, states(make)); }

inline ArraySpec spec(const Make& make, std::uint32_t lanes) {
  ArraySpec s;
  s.kind = make.kind;
  s.stepper = make.stepper;
  s.states = states(make);
  s.cells = cells;
  s.lanes = lanes;
  s.mobility = 1.3f;
  if (!make.graph.empty()) s.graph = named_graph(make.graph);
  s.reciprocal = make.reciprocal;
  s.colour = make.colour;
  return s;
}

inline double dt(const Make& make) {
  if (!is_discrete(make.kind)) return 0.01;
  return make.stepper == Stepper::random_sequential ? 0.35 : 1.0;
}

inline float wave(double amplitude, double frequency, double phase, std::size_t i) {
  return static_cast<float>(amplitude * std::sin(frequency * static_cast<double>(i) + phase));
}

/// Couplings of a make, with one more coupler-by-coupler pattern per flavour.
inline std::shared_ptr<const Couplings> couplings(const Make& make, double flavour) {
  const double size = make.kind == CellKind::rlc ? 0.03 : 0.3;
  if (!make.graph.empty()) {
    auto graph = named_graph(make.graph);
    std::vector<float> values(graph->couplers().size() * (make.reciprocal ? 1 : 2));
    for (std::size_t c = 0; c < values.size(); ++c) values[c] = wave(size, 1.7, flavour, c);
    return std::make_shared<const Couplings>(graph, std::move(values));
  }
  std::vector<float> matrix(cells * cells, 0.0f);
  for (std::size_t i = 0; i < cells; ++i)
    for (std::size_t k = 0; k < i; ++k) {
      matrix[i * cells + k] = wave(size, 1.7, flavour, i * cells + k);
      matrix[k * cells + i] = make.reciprocal ? matrix[i * cells + k] : wave(size, 2.3, flavour, i * cells + k);
    }
  return std::make_shared<const Couplings>(cells, std::move(matrix));
}

inline Parameters parameters(const Make& make, double flavour, std::uint32_t bias_lanes = 0) {
  Parameters p;
  const bool linear = make.stepper == Stepper::exact_ou, spins = is_discrete(make.kind),
             phases = make.kind == CellKind::phase;
  for (std::size_t i = 0; i < cells; ++i) {
    p.j2.push_back(spins ? 0.0f : 1.0f + wave(0.3, 1.3, flavour, i));
    p.j4.push_back(linear || spins || phases ? 0.0f : 0.5f + wave(0.2, 2.1, flavour, i));
    p.kT_cell.push_back(0.5f + wave(0.2, 0.9, flavour, i));
    p.mass.push_back(1.0f + wave(0.4, 1.1, flavour, i));
    p.damping.push_back(0.8f + wave(0.3, 0.6, flavour, i));
    p.frequency.push_back(phases ? wave(1.0, 0.8, flavour, i) : 0.0f);
  }
  p.bias_per_lane = bias_lanes > 0;
  for (std::size_t i = 0; i < biases(make) * std::max(1u, bias_lanes); ++i) p.bias.push_back(wave(0.7, 0.7, 2 * flavour, i));
  p.couplings = couplings(make, flavour);
  p.gain = static_cast<float>(0.8 + 0.1 * std::sin(flavour));
  p.kT = 0.4f;
  return p;
}

/// Every kind with every stepper that goes with it, dense and on a bipartite graph; one-way couplings; coloured noise.
inline std::vector<Make> all() {
  std::vector<Make> list;
  for (int k = 0; k <= 5; ++k)
    for (int s = 1; s <= 9; ++s) {
      const auto kind = static_cast<CellKind>(k);
      const auto stepper = static_cast<Stepper>(s);
      if (!goes_with(stepper, kind)) continue;
      if (stepper != Stepper::two_colour) list.push_back({kind, stepper, ""});
      list.push_back({kind, stepper, "grid:5x4"});
      if (kind == CellKind::rlc || stepper == Stepper::two_colour) continue;
      list.push_back({kind, stepper, "", false});
      list.push_back({kind, stepper, "grid:5x4", false});
    }
  using Colour = NoiseColour::Kind;
  for (const auto& [colour, time, common] : {std::tuple{Colour::ornstein_uhlenbeck, 0.05, 0.3},
                                             {Colour::pink, 0.5, 0.0},
                                             {Colour::telegraph, 0.05, 0.2},
                                             {Colour::white, 0.0, 0.5}}) {
    list.push_back({CellKind::overdamped, Stepper::euler_maruyama, "", true, {colour, time, common}});
    list.push_back({CellKind::rlc, Stepper::heun, "grid:5x4", true, {colour, time, common}});
  }
  return list;
}

}  // namespace heatbath::makes
