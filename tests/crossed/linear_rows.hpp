#pragma once
// Linear cells of three kinds in every condition: what is loaded, and what the oracle makes of it.

#include <Eigen/Dense>

#include "oracles/stepped_linear_law.hpp"
#include "tests/crossed/crossed.hpp"

namespace heatbath::crossed {

using reference::LinearCells;
using reference::LinearRule;

struct LinearRow {
  std::string kind, stepper;
  LinearRule rule;
  double dt;
  int steps;
  Condition condition;

  bool inertia() const { return kind != "overdamped"; }
  std::string name() const {
    std::string text = kind + stepper + condition.name();
    std::erase(text, '-');
    return text;
  }
  friend std::ostream& operator<<(std::ostream& out, const LinearRow& row) { return out << row.name(); }
};

inline std::string name_of(const ::testing::TestParamInfo<LinearRow>& info) { return info.param.name(); }

inline std::vector<LinearRow> linear_rows() {
  using enum LinearRule;
  std::vector<LinearRow> rows;
  for (const char* kind : {"overdamped", "underdamped", "rlc"}) {
    const bool inertia = std::string(kind) != "overdamped";
    std::vector<LinearRow> steppers{{kind, "euler-maruyama", euler_maruyama, inertia ? 0.04 : 0.1, 16, {}},
                                    {kind, "heun", heun, 0.15, 12, {}},
                                    {kind, "exact-ou", exact, 0.35, 6, {}}};
    if (inertia) steppers.push_back({kind, "baoab", baoab, 0.3, 10, {}});
    if (!inertia) {
      steppers.push_back({kind, "leimkuhler-matthews", leimkuhler_matthews, 0.1, 16, {}});
      steppers.push_back({kind, "lattice-walk", lattice_walk, 0.006, 16, {}});
    }
    for (LinearRow row : steppers) {
      for (const Condition& condition : conditions(std::string(kind) != "rlc")) {
        row.condition = condition;
        rows.push_back(row);
      }
      if (row.rule != euler_maruyama && row.rule != heun) continue;
      for (const char* noise : {"ornstein-uhlenbeck", "telegraph", "pink"}) {
        for (Condition c : std::vector<Condition>{{}, {.clamp = true, .temperatures = true}, {.ramp = true, .common = 0.4}}) {
          c.noise = noise;
          row.condition = c;
          rows.push_back(row);
        }
      }
    }
  }
  return rows;
}

constexpr std::uint32_t linear_cells = 3;
constexpr double noise_time = 0.5;

/// Parameters as loaded, at one end of a ramp.
struct LinearLoad {
  std::vector<float> j2, bias, coupling, kT, mass, damping;
  float gain = 1;
};

inline LinearLoad drawn_load(const LinearRow& row, Numbers& draw) {
  constexpr auto n = linear_cells;
  LinearLoad load;
  for (std::uint32_t i = 0; i < n; ++i) {
    load.j2.push_back(draw.single(0.6, 1.1));
    load.bias.push_back(draw.single(-1.2, 1.2));
    load.kT.push_back(row.condition.temperatures ? draw.single(0.3, 2.4) : load.kT.empty() ? draw.single(0.5, 1.5) : load.kT[0]);
    load.mass.push_back(draw.single(0.9, 1.7));
    load.damping.push_back(draw.single(0.4, 1.4));
  }
  load.coupling.assign(n * n, 0.0f);
  for (std::uint32_t i = 0; i < n; ++i)
    for (std::uint32_t k = 0; k < i; ++k) {
      load.coupling[i * n + k] = draw.single(-0.45, 0.45);
      load.coupling[k * n + i] = row.condition.one_way ? draw.single(-0.45, 0.45) : load.coupling[i * n + k];
    }
  load.gain = draw.single(0.7, 1.1);
  return load;
}

/// The other end: temperatures, masses and dampings stay.
inline LinearLoad moved_load(const LinearRow& row, const LinearLoad& from, Numbers& draw) {
  LinearLoad to = drawn_load(row, draw);
  to.kT = from.kT, to.mass = from.mass, to.damping = from.damping, to.gain = from.gain;
  return to;
}

/// Between both ends, which are `steps` apart; 0: for good.
inline LinearCells cells_at(const LinearRow& row, const LinearLoad& from, const LinearLoad& to, double part, double mobility, int steps = 0) {
  constexpr Eigen::Index n = linear_cells;
  const auto between = [part](float a, float b) { return static_cast<double>(a) + part * (static_cast<double>(b) - static_cast<double>(a)); };
  LinearCells cells;
  cells.inertia = row.inertia();
  cells.mobility = mobility;
  cells.stiffness = cells.mass = Eigen::MatrixXd::Zero(n, n);
  cells.bias = cells.damping = cells.temperature = Eigen::VectorXd::Zero(n);
  for (Eigen::Index i = 0; i < n; ++i) {
    const auto at = static_cast<std::size_t>(i);
    cells.stiffness(i, i) = 2 * between(from.j2[at], to.j2[at]);
    cells.mass(i, i) = static_cast<double>(from.mass[at]);
    cells.bias[i] = between(from.bias[at], to.bias[at]);
    cells.damping[i] = static_cast<double>(from.damping[at]);
    cells.temperature[i] = static_cast<double>(from.kT[at]);
    for (Eigen::Index k = 0; k < n; ++k) {
      if (k == i) continue;
      const auto pair = static_cast<std::size_t>(i * n + k);
      (row.kind == "rlc" ? cells.mass : cells.stiffness)(i, k) =
          static_cast<double>(from.gain) * between(from.coupling[pair], to.coupling[pair]);
    }
  }
  if (steps > 0) {
    const LinearCells begin = cells_at(row, from, to, 0, mobility), end = cells_at(row, from, to, 1, mobility);
    cells.stiffness_change = (end.stiffness - begin.stiffness) / steps;
    cells.bias_change = (end.bias - begin.bias) / steps;
  }
  return cells;
}

inline std::string uri_of(const LinearRow& row) {
  const Condition& c = row.condition;
  std::string uri = "cells=3&lanes=4096&cell=" + row.kind + "&stepper=" + row.stepper;
  if (c.one_way) uri += "&reciprocal=no";
  if (*c.noise != '\0') uri += std::string("&noise=") + c.noise + "&noise_time=" + std::to_string(noise_time);
  if (c.common > 0) uri += "&noise_common=" + std::to_string(c.common);
  return uri;
}

inline void load_into(Program& program, const LinearRow& row, const LinearLoad& load) {
  program.load(CellSection::j2, load.j2).load(CellSection::j4, 0.0f).load(CellSection::bias, load.bias);
  if (row.inertia()) program.load(CellSection::mass, load.mass).load(CellSection::damping, load.damping);
  program.load(CellSection::kT, load.kT).load_couplings(load.coupling).load_gain(load.gain);
}

/// Correlation of the numbers of one cell in steps `lag` apart, of the documented colours: the sum over all lags is 1.
inline std::function<double(int)> colour(const std::string& name, double dt) {
  if (name.empty()) return {};
  std::vector<double> decay;
  for (int k = 0; k < (name == "pink" ? 8 : 1); ++k) decay.push_back(std::exp(-dt / (noise_time / std::pow(4, k))));
  double spread = 0;
  for (const double a : decay) spread += (1 + a) / (1 - a);
  return [=](int lag) {
    double sum = 0;
    for (const double a : decay) sum += std::pow(a, lag);
    return sum / spread;
  };
}

/// The part of a ramp that step k uses, of `steps`.
inline double ramp_part(LinearRule rule, int k, int steps) {
  const bool start = rule == LinearRule::euler_maruyama || rule == LinearRule::leimkuhler_matthews ||
                     rule == LinearRule::lattice_walk;
  return (k + (start ? 0.0 : 0.5)) / steps;
}

}  // namespace heatbath::crossed
