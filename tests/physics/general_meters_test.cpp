// Meters of every make of array against a recomputation in double from the recorded states.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "tests/physics/makes.hpp"

namespace heatbath::physics {
namespace {

using makes::Make;
using Values = std::vector<double>;
constexpr std::size_t n = makes::cells;

// Parameters between two sets, in double; written independently, from the definitions.
struct Model {
  CellKind kind;
  Values j2, j4, bias, mass, damping, kT, omega, J;  // J: gain included, force on i from k at i * n + k
  double mobility = 1.3;

  double categorical_energy(const Values& x) const {
    double sum = 0;
    const std::size_t states = bias.size() / n;
    for (std::size_t i = 0; i < n; ++i) {
      sum += bias[i * states + static_cast<std::size_t>(x[i])];
      for (std::size_t k = 0; k < n; ++k) sum += x[i] == x[k] ? 0.5 * J[i * n + k] : 0.0;
    }
    return sum;
  }
  bool inertia() const { return kind == CellKind::underdamped || kind == CellKind::rlc; }
  Values momenta(const Values& x) const {
    Values momentum(n, 0.0);
    for (std::size_t i = 0; i < n && inertia(); ++i) {
      momentum[i] = mass[i] * x[n + i];
      for (std::size_t k = 0; k < n && kind == CellKind::rlc; ++k) momentum[i] += J[i * n + k] * x[n + k];
    }
    return momentum;
  }
  double kinetic(const Values& x) const {
    const Values momentum = momenta(x);
    double sum = 0;
    for (std::size_t i = 0; i < n && inertia(); ++i) sum += 0.5 * momentum[i] * x[n + i];
    return sum;
  }
  double energy(const Values& x) const {
    if (kind == CellKind::categorical) return categorical_energy(x);
    double sum = kinetic(x);
    for (std::size_t i = 0; i < n; ++i) {
      sum += kind == CellKind::phase ? bias[i] * std::cos(x[i]) + j2[i] * std::cos(2 * x[i])
                                     : bias[i] * x[i] + j2[i] * x[i] * x[i] + j4[i] * std::pow(x[i], 4);
      for (std::size_t k = 0; k < n && kind != CellKind::rlc; ++k)
        sum += 0.5 * J[i * n + k] * (kind == CellKind::phase ? std::cos(x[i] - x[k]) : x[i] * x[k]);
    }
    return sum;
  }
  Values force(const Values& x) const {
    Values f(n);
    for (std::size_t i = 0; i < n; ++i) {
      f[i] = kind == CellKind::phase ? bias[i] * std::sin(x[i]) + 2 * j2[i] * std::sin(2 * x[i]) + omega[i] / mobility
                                     : -(bias[i] + 2 * j2[i] * x[i] + 4 * j4[i] * std::pow(x[i], 3));
      for (std::size_t k = 0; k < n && kind != CellKind::rlc; ++k)
        f[i] += J[i * n + k] * (kind == CellKind::phase ? std::sin(x[i] - x[k]) : -x[k]);
    }
    return f;
  }
};

Model model(const Make& make, const Parameters& a, const Parameters& b, double s) {
  Model m;
  m.kind = make.kind;
  const auto mix = [s](double p, double q) { return p + s * (q - p); };
  const double gain = mix(a.gain, b.gain);
  for (std::size_t k = 0; k < a.bias.size(); ++k) m.bias.push_back(mix(a.bias[k], b.bias[k]));
  for (std::uint32_t i = 0; i < n; ++i) {
    m.j2.push_back(mix(a.j2[i], b.j2[i]));
    m.j4.push_back(mix(a.j4[i], b.j4[i]));
    m.mass.push_back(mix(a.mass[i], b.mass[i]));
    m.damping.push_back(mix(a.damping[i], b.damping[i]));
    m.kT.push_back(mix(a.kT_cell[i], b.kT_cell[i]));
    m.omega.push_back(mix(a.frequency[i], b.frequency[i]));
    for (std::uint32_t k = 0; k < n; ++k) m.J.push_back(gain * mix(a.couplings->at(i, k), b.couplings->at(i, k)));
  }
  return m;
}

// C^-1 f for rlc, f / m else.
Values accelerate(const Model& m, Values f) {
  Values c(n * n, 0.0);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t k = 0; k < n; ++k)
      c[i * n + k] = i == k ? m.mass[i] : m.kind == CellKind::rlc ? m.J[i * n + k] : 0.0;
  for (std::size_t p = 0; p < n; ++p)  // Gauss, positive definite
    for (std::size_t i = p + 1; i < n; ++i) {
      const double l = c[i * n + p] / c[p * n + p];
      for (std::size_t k = p; k < n; ++k) c[i * n + k] -= l * c[p * n + k];
      f[i] -= l * f[p];
    }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t k = i + 1; k < n; ++k) f[i] -= c[i * n + k] * f[k];
    f[i] /= c[i * n + i];
  }
  return f;
}

// What each cell's bath takes while the momenta change from those at x to those at y.
Values heat_by_momenta(const Model& m, const Values& x, const Values& y) {
  Values heat(n, 0.0);
  const Values before = m.momenta(x), after = m.momenta(y);
  for (std::size_t i = 0; i < n && m.inertia(); ++i) heat[i] = -0.5 * (x[n + i] + y[n + i]) * (after[i] - before[i]);
  return heat;
}

bool heun_under_white_noise(const Make& make) { return make.stepper == Stepper::heun && make.colour.white(); }

// Heun without inertia: mu F^2 dt + F o noise; the noise is what the step from x to y leaves over.
Values heat_by_noise(const Model& m, const Values& x, const Values& y, double dt) {
  const double mu_dt = m.mobility * dt;
  const Values f = m.force(x), g = m.force(y);
  Values noise(n, 0.0), there = f;
  for (int turn = 0; turn < 40; ++turn) {
    Values guess = x;
    for (std::size_t i = 0; i < n; ++i) guess[i] += mu_dt * f[i] + noise[i];
    there = m.force(guess);
    for (std::size_t i = 0; i < n; ++i) noise[i] = y[i] - x[i] - 0.5 * mu_dt * (f[i] + there[i]);
  }
  const auto curvature = [&](const Values& at, std::size_t i) {
    Values up = at, down = at;
    up[i] += 1e-4, down[i] -= 1e-4;
    return (m.force(down)[i] - m.force(up)[i]) / 2e-4;
  };
  Values heat(n);
  for (std::size_t i = 0; i < n; ++i)
    heat[i] = 0.5 * mu_dt * (f[i] * f[i] + g[i] * g[i]) + 0.5 * (f[i] + there[i]) * noise[i] +
              0.5 * mu_dt * m.kT[i] * (curvature(y, i) - curvature(x, i));
  return heat;
}

// Heun of rlc nodes: v^2 dt / R - v o noise.
Values heat_by_node_noise(const Model& m, const Values& x, const Values& y, double dt) {
  const auto rate = [&](const Values& z) {
    Values f = m.force(z);
    for (std::size_t i = 0; i < n; ++i) f[i] -= m.damping[i] * z[n + i];
    return accelerate(m, f);
  };
  const Values a = rate(x);
  Values kick(2 * n, 0.0), guess = x;
  for (int turn = 0; turn < 40; ++turn) {
    for (std::size_t i = 0; i < n; ++i) {
      guess[i] = x[i] + dt * x[n + i];
      guess[n + i] = x[n + i] + dt * a[i] + kick[n + i];
    }
    const Values b = rate(guess);
    for (std::size_t i = 0; i < n; ++i) kick[n + i] = y[n + i] - x[n + i] - 0.5 * dt * (a[i] + b[i]);
  }
  const Values noise = m.momenta(kick);
  Values heat(n);
  for (std::size_t i = 0; i < n; ++i)
    heat[i] = 0.5 * dt * m.damping[i] * (x[n + i] * x[n + i] + y[n + i] * y[n + i]) -
              0.5 * (x[n + i] + guess[n + i]) * noise[i];
  return heat;
}

// A step of fixed size: kT ln of its probability over that of the step back.
Values heat_by_odds(const Model& m, const Values& x, const Values& y, double dt) {
  const Values f = m.force(x), g = m.force(y);
  Values heat(n);
  for (std::size_t i = 0; i < n; ++i) {
    const double h = std::sqrt(2 * m.mobility * m.kT[i] * dt), side = y[i] > x[i] ? 1 : -1;
    const auto lean = [&](double force) { return std::clamp(m.mobility * force * dt / h, -1 + 0x1p-20, 1 - 0x1p-20); };
    heat[i] = m.kT[i] * (std::log1p(side * lean(f[i])) - std::log1p(-side * lean(g[i])));
  }
  return heat;
}

// Heat of each cell in one step from x to y, phases unwrapped. Empty where the records do not tell: the order in which
// cells were updated is not in them.
Values heat_of_cells(const Make& make, const Model& m, const Values& x, const Values& y, double dt, bool potential) {
  if (is_discrete(make.kind)) {
    if (make.stepper == Stepper::random_sequential || !potential) return {};
    std::vector<std::size_t> order(n);
    for (std::size_t i = 0; i < n; ++i) order[i] = i;
    if (make.stepper == Stepper::two_colour) {
      const auto graph = named_graph(make.graph);
      std::stable_sort(order.begin(), order.end(),
                       [&](std::size_t a, std::size_t b) { return graph->colours()[a] < graph->colours()[b]; });
    }
    Values now = x, heat(n);
    for (const std::size_t i : order) {
      const double before = m.energy(now);
      now[i] = y[i];
      heat[i] = before - m.energy(now);
    }
    return heat;
  }
  if (make.stepper == Stepper::lattice_walk) return heat_by_odds(m, x, y, dt);
  const Values f = m.force(x), g = m.force(y);
  if (make.stepper == Stepper::baoab) {
    Values before = x, after = y;
    const Values kick = accelerate(m, f), back = accelerate(m, g);
    for (std::size_t i = 0; i < n; ++i) before[n + i] += 0.5 * dt * kick[i], after[n + i] -= 0.5 * dt * back[i];
    return heat_by_momenta(m, before, after);
  }
  if (heun_under_white_noise(make) && make.kind == CellKind::rlc) return heat_by_node_noise(m, x, y, dt);
  if (heun_under_white_noise(make) && make.kind != CellKind::underdamped) return heat_by_noise(m, x, y, dt);
  Values heat = heat_by_momenta(m, x, y);
  const bool weights = make.stepper == Stepper::euler_maruyama && make.colour.white() &&
                       (make.kind == CellKind::overdamped || make.kind == CellKind::phase);
  for (std::size_t i = 0; i < n; ++i) {
    const double dx = y[i] - x[i], mu_dt = m.mobility * dt, w = dx - mu_dt * f[i], back = -dx - mu_dt * g[i];
    heat[i] += weights ? (back * back - w * w) / (4 * mu_dt) : 0.5 * dx * (f[i] + g[i]);
  }
  return heat;
}

// Heat of one step from x to y, phases unwrapped.
double heat_of_step(const Make& make, const Model& m, const Values& x, const Values& y, double dt, bool potential) {
  const Values f = m.force(x), g = m.force(y);
  if (is_discrete(make.kind)) return potential ? m.energy(x) - m.energy(y) : std::nan("");
  if (make.stepper == Stepper::exact_ou && potential) return m.energy(x) - m.energy(y);
  if (make.stepper == Stepper::baoab) {
    Values before = x, after = y;
    const Values kick = accelerate(m, f), back = accelerate(m, g);
    for (std::size_t i = 0; i < n; ++i) before[n + i] += 0.5 * dt * kick[i], after[n + i] -= 0.5 * dt * back[i];
    return m.kinetic(before) - m.kinetic(after);
  }
  if (make.stepper == Stepper::lattice_walk || (heun_under_white_noise(make) && make.kind != CellKind::underdamped)) {
    const Values cells = heat_of_cells(make, m, x, y, dt, potential);
    return std::accumulate(cells.begin(), cells.end(), 0.0);
  }
  double sum = m.kinetic(x) - m.kinetic(y);
  const bool weights = make.stepper == Stepper::euler_maruyama && make.colour.white() &&
                       (make.kind == CellKind::overdamped || make.kind == CellKind::phase);
  for (std::size_t i = 0; i < n; ++i) {
    const double dx = y[i] - x[i], mu_dt = m.mobility * dt;
    if (weights) {
      const double w = dx - mu_dt * f[i], back = -dx - mu_dt * g[i];
      sum += (back * back - w * w) / (4 * mu_dt);
    } else {
      sum += 0.5 * dx * (f[i] + g[i]);
    }
  }
  return sum;
}

Values unwrapped(const Make& make, std::span<const float> state) {
  Values x(state.begin(), state.end());
  if (make.kind != CellKind::phase) return x;
  for (std::size_t i = 0; i < n; ++i) x[i] += 2 * std::numbers::pi * x[n + i];
  x.resize(n);
  return x;
}

class MetersOfEveryMake : public ::testing::TestWithParam<Make> {};

TEST_P(MetersOfEveryMake, AgreeWithSumsOverStatesInDouble) {
  const Make& make = GetParam();
  const bool own_law = make.reciprocal && make.kind != CellKind::phase;
  const double dt = makes::dt(make);
  const std::uint32_t lanes = 3;
  const auto array = make_array(makes::spec(make, lanes), nullptr);
  const Parameters p = makes::parameters(make, 0.3), q = makes::parameters(make, 1.9);
  array->enable_meters(true);
  array->enable_cell_meter(CellMeter::heat);
  const auto plain = make_array(makes::spec(make, lanes), nullptr);  // the same without heat of cells
  plain->enable_meters(true);
  std::vector<Values> cell_heat(lanes, Values(n, 0.0));
  bool told = true;
  std::vector<Values> x(lanes, Values(array->variables()));
  std::vector<float> state(array->variables());
  for (std::uint32_t l = 0; l < lanes; ++l) array->read(l, state), x[l] = unwrapped(make, state);
  Values work(lanes, 0.0), heat(lanes, 0.0);
  double largest = 1;
  std::uint64_t step = 0;

  const auto advance = [&](std::uint64_t steps, const Parameters& from, const Parameters* to) {
    std::vector<std::vector<Values>> path(lanes);
    for (std::uint32_t l = 0; l < lanes; ++l) path[l].push_back(x[l]);
    physics::Run r;
    r.steps = steps;
    r.dt = dt;
    r.noise = {11, 0, step};
    r.record_first = r.record_period = 1;
    r.record = [&](std::uint64_t, std::uint32_t lane, std::span<const float> s) {
      path[lane].push_back(unwrapped(make, s));
    };
    if (to) r.target = to, r.ramp_steps = steps;
    array->advance(r, from);
    r.record_period = 0;
    plain->advance(r, from);
    step += steps;
    for (std::uint32_t l = 0; l < lanes; ++l) {
      for (std::uint64_t k = 0; k < steps; ++k) {
        const Values &a = path[l][k], &b = path[l][k + 1];
        // Rules of order 2 and exact ones take the parameters of the middle of the step.
        const bool midway = to && (make.stepper == Stepper::heun || make.stepper == Stepper::baoab ||
                                   make.stepper == Stepper::exact_ou);
        const double at = static_cast<double>(k) + (midway ? 0.5 : 0.0);
        const Model m = model(make, from, to ? *to : from, at / static_cast<double>(steps));
        if (midway)
          work[l] += m.energy(a) - model(make, from, *to, static_cast<double>(k) / static_cast<double>(steps)).energy(a);
        const double q_step = heat_of_step(make, m, a, b, dt, own_law);
        heat[l] += q_step;
        const Values released = heat_of_cells(make, m, a, b, dt, own_law);
        told = !released.empty();
        for (std::size_t i = 0; i < released.size(); ++i) cell_heat[l][i] += released[i];
        if (!own_law) work[l] += m.energy(b) - m.energy(a) + q_step;
        if (to) {
          const Model next = model(make, from, *to, static_cast<double>(k + 1) / static_cast<double>(steps));
          work[l] += next.energy(b) - m.energy(b);
        }
        largest = std::max({largest, std::abs(heat[l]), std::abs(work[l])});
      }
      x[l] = path[l].back();
    }
  };
  // What exact steps add to the trapezoid, of order dt of it, is not in this recomputation; heat_test.cpp has its mean.
  const bool exact_cells = make.stepper == Stepper::exact_ou ||
                           (make.stepper == Stepper::baoab && make.kind == CellKind::rlc);
  const double close_cells = exact_cells ? 0.02 : 1e-5;
  const double close = make.stepper == Stepper::exact_ou && !own_law ? 0.02 : 1e-5;
  const auto check = [&](const Parameters& live, const char* where) {
    const Model m = model(make, live, live, 0);
    for (std::uint32_t l = 0; l < lanes; ++l) {
      const auto meters = array->meters(l, live);
      const double energy = array->energy(l, live);
      EXPECT_NEAR(energy, m.energy(x[l]), 2e-6 * (std::abs(energy) + 10)) << where;
      EXPECT_NEAR(meters.heat_path, heat[l], close * largest) << where << ", lane " << l;
      EXPECT_NEAR(meters.work, work[l], close * largest) << where << ", lane " << l;
      Values found(n);
      array->cell_meter(CellMeter::heat, l, found);
      EXPECT_NEAR(std::accumulate(found.begin(), found.end(), 0.0), meters.heat_path, 1e-5 * largest) << where;
      for (std::size_t i = 0; i < n && told; ++i)
        EXPECT_NEAR(found[i], cell_heat[l][i], close_cells * largest) << where << ", lane " << l << ", cell " << i;
      std::vector<float> with(array->variables()), without(array->variables());
      array->read(l, with);
      plain->read(l, without);
      EXPECT_EQ(with, without) << where << ": heat of cells changes no state";
      EXPECT_EQ(meters.heat_path, plain->meters(l, live).heat_path) << where;
    }
  };
  if (is_discrete(make.kind) && !own_law) {
    // The order of updates within a step is not in the records; that work is dE + heat can be seen all the same.
    const double before = array->energy(0, p);
    advance(20, p, nullptr);
    const auto m = array->meters(0, p);
    EXPECT_NEAR(m.work - m.heat_path, array->energy(0, p) - before, 1e-4);
    EXPECT_GT(std::abs(m.heat_path), 0.1);
    Values found(n);
    array->cell_meter(CellMeter::heat, 0, found);
    EXPECT_NEAR(std::accumulate(found.begin(), found.end(), 0.0), m.heat_path, 1e-4);
    return;
  }
  advance(30, p, nullptr);
  check(p, "after relaxing");
  for (std::uint32_t l = 0; l < lanes; ++l) {
    const Model m = model(make, p, p, 0);
    const double before = m.energy(x[l]);
    const std::vector<float> values = make.kind == CellKind::categorical ? std::vector<float>{2, 1}
                                      : make.kind == CellKind::pbit      ? std::vector<float>{1, -1}
                                                                         : std::vector<float>{0.4f, -0.9f};
    array->write(l, 7, values, p);
    plain->write(l, 7, values, p);
    array->read(l, state);
    x[l] = unwrapped(make, state);
    work[l] += m.energy(x[l]) - before;
  }
  check(p, "after writing cells");
  for (std::uint32_t l = 0; l < lanes; ++l)
    work[l] += model(make, q, q, 0).energy(x[l]) - model(make, p, p, 0).energy(x[l]);
  array->change_parameters(p, q);
  plain->change_parameters(p, q);
  check(q, "after a change of parameters");
  advance(25, q, &p);
  check(p, "after a ramp");
  EXPECT_GT(largest, 2.0);
}

INSTANTIATE_TEST_SUITE_P(Physics, MetersOfEveryMake, ::testing::ValuesIn(makes::all()),
                         [](const auto& parameter) { return parameter.param.name(); });

}  // namespace
}  // namespace heatbath::physics
