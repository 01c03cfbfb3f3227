// Held cells as constants of the others' equations: the laws of free cells given held ones, for every linear kind with
// every stepper, against transitions of the free block by an independent solver; meters of arrays that are held.
#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>

#include "hw_model/physics/array.hpp"
#include "hw_model/physics/graph.hpp"
#include "hw_model/physics/topology.hpp"
#include "oracles/exact_ou.hpp"

namespace heatbath::physics {
namespace {

constexpr std::uint32_t n = 4;
const std::vector<Eigen::Index> free_cells{0, 2}, held_cells{1, 3};
const std::vector<std::uint8_t> mask{0, 1, 0, 1}, nobody{0, 0, 0, 0};
constexpr float held_values[2][2] = {{1.5f, -0.7f}, {-0.4f, 2.1f}};  // of even and odd lanes

struct Case {
  CellKind kind;
  Stepper stepper;
  bool reciprocal = true, graph = false;
  double dt = 0;
  std::uint64_t steps = 0;

  friend std::ostream& operator<<(std::ostream& out, const Case& c) {
    return out << name(c.kind) << ' ' << name(c.stepper) << (c.reciprocal ? "" : " one-way") << (c.graph ? " graph" : "");
  }
};

std::vector<Case> cases() {
  using enum Stepper;
  std::vector<Case> list;
  for (const bool graph : {false, true}) {
    for (const bool reciprocal : {true, false}) {
      list.push_back({CellKind::overdamped, exact_ou, reciprocal, graph, 0.6, 1});
      list.push_back({CellKind::overdamped, euler_maruyama, reciprocal, graph, 0.001, 600});
      list.push_back({CellKind::overdamped, heun, reciprocal, graph, 0.005, 120});
      list.push_back({CellKind::overdamped, leimkuhler_matthews, reciprocal, graph, 0.002, 300});
      list.push_back({CellKind::underdamped, exact_ou, reciprocal, graph, 0.6, 1});
      list.push_back({CellKind::underdamped, euler_maruyama, reciprocal, graph, 0.001, 600});
      list.push_back({CellKind::underdamped, heun, reciprocal, graph, 0.005, 120});
      list.push_back({CellKind::underdamped, baoab, reciprocal, graph, 0.005, 120});
    }
    list.push_back({CellKind::rlc, exact_ou, true, graph, 0.6, 1});
    list.push_back({CellKind::rlc, euler_maruyama, true, graph, 0.001, 600});
    list.push_back({CellKind::rlc, heun, true, graph, 0.005, 120});
    list.push_back({CellKind::rlc, baoab, true, graph, 0.005, 120});
  }
  return list;
}

/// The matrix of couplings of a case, row-major; on the ring 0-1-2-3 when it is a graph.
Eigen::Matrix4d coupling_matrix(const Case& c) {
  Eigen::Matrix4d j;
  j << 0, 0.55, 0.2, -0.35, 0.55, 0, -0.5, 0.3, 0.2, -0.5, 0, 0.45, -0.35, 0.3, 0.45, 0;
  if (c.graph) j(0, 2) = j(2, 0) = j(1, 3) = j(3, 1) = 0;
  if (!c.reciprocal) j.triangularView<Eigen::StrictlyUpper>() = -0.6 * Eigen::Matrix4d(j.triangularView<Eigen::StrictlyUpper>());
  return j;
}

struct Setting {
  ArraySpec spec;
  Parameters parameters;
  Eigen::Matrix4d coupling;
};

Setting setting(const Case& c, std::uint32_t lanes) {
  Setting s;
  s.spec.kind = c.kind;
  s.spec.stepper = c.stepper;
  s.spec.cells = n;
  s.spec.lanes = lanes;
  s.spec.mobility = c.kind == CellKind::overdamped ? 1.4f : 1.0f;
  s.spec.reciprocal = c.reciprocal;
  if (c.graph) s.spec.graph = named_graph("ring:4");
  s.coupling = coupling_matrix(c);
  Parameters& p = s.parameters;
  p.j2 = {0.9f, 0.6f, 1.2f, 0.8f};
  p.j4 = {0, 0, 0, 0};
  p.bias = {0.3f, -0.8f, 0.5f, 1.1f};
  p.kT_cell = {0.6f, 1.7f, 1.1f, 2.3f};
  p.mass = {1.3f, 0.9f, 1.1f, 1.6f};
  p.damping = {0.7f, 1.2f, 0.4f, 0.9f};
  p.gain = 0.95f;
  if (c.graph) {
    std::vector<float> values;
    for (const Coupler& at : s.spec.graph->couplers()) {
      values.push_back(static_cast<float>(s.coupling(at.i, at.j)));
      if (!c.reciprocal) values.push_back(static_cast<float>(s.coupling(at.j, at.i)));
    }
    p.couplings = std::make_shared<const Couplings>(s.spec.graph, values);
  } else {
    std::vector<float> values;
    for (std::uint32_t i = 0; i < n; ++i)
      for (std::uint32_t k = 0; k < n; ++k) values.push_back(static_cast<float>(s.coupling(i, k)));
    p.couplings = std::make_shared<const Couplings>(n, values);
  }
  return s;
}

/// Equations of the cells in `free` while those in `held` stand at x: written from the definitions of docs/dynamics.md.
reference::LinearNetwork free_block(const Case& c, const Setting& s, const std::vector<Eigen::Index>& free,
                                    const std::vector<Eigen::Index>& held, const Eigen::VectorXd& x) {
  Eigen::Matrix4d k = Eigen::Matrix4d::Zero(), capacitance = k;
  Eigen::Vector4d bias, damping, kT;
  for (int i = 0; i < 4; ++i) {
    k(i, i) = 2 * static_cast<double>(s.parameters.j2[i]);
    capacitance(i, i) = s.parameters.mass[i];
    bias(i) = s.parameters.bias[i], damping(i) = s.parameters.damping[i], kT(i) = s.parameters.kT_cell[i];
  }
  const double gain = s.parameters.gain;
  (c.kind == CellKind::rlc ? capacitance : k) += gain * s.coupling;
  Eigen::VectorXd force = -bias(free);
  if (!held.empty()) force -= k(free, held) * x;
  const Eigen::MatrixXd kf = k(free, free);
  if (c.kind == CellKind::overdamped) {
    const double mu = s.spec.mobility;
    return {mu * kf, mu * Eigen::MatrixXd(kT(free).asDiagonal()), mu * force};
  }
  const Eigen::MatrixXd m = capacitance(free, free);
  auto network = reference::underdamped_network(kf, m, damping(free), kT(free));
  const auto f = static_cast<Eigen::Index>(free.size());
  network.force = Eigen::VectorXd::Zero(2 * f);
  network.force.tail(f) = m.ldlt().solve(force);
  return network;
}


class ClampedLaw : public testing::TestWithParam<Case> {};

TEST_P(ClampedLaw, IsThatOfTheFreeCellsGivenTheHeldOnes) {
  const Case& c = GetParam();
  constexpr std::uint32_t lanes = 4096;
  Setting s = setting(c, lanes);
  const auto array = make_array(s.spec, nullptr);
  const bool inertia = c.kind != CellKind::overdamped;
  const std::vector<float> start{0.4f, 0, -0.9f, 0, 0.5f, 0.8f, -0.3f, 1.0f};
  for (std::uint32_t l = 0; l < lanes; ++l) {
    array->write(l, 0, std::span(start).first(inertia ? 8 : 4), s.parameters);
    for (int h = 0; h < 2; ++h)
      array->write(l, static_cast<std::uint32_t>(held_cells[h]), std::span(&held_values[l % 2][h], 1), s.parameters);
  }
  array->set_clamped(mask, s.parameters);
  physics::Run run;
  run.steps = c.steps;
  run.dt = c.dt;
  run.noise = {91, 0, 0};
  array->advance(run, s.parameters);

  std::vector<float> state(array->variables());
  for (int parity = 0; parity < 2; ++parity) {
    const Eigen::Vector2d x(held_values[parity][0], held_values[parity][1]);
    const auto law = reference::ou_transition(free_block(c, s, free_cells, held_cells, x),
                                              c.dt * static_cast<double>(c.steps));
    const Eigen::Index v = inertia ? 4 : 2;
    Eigen::VectorXd from(v);
    for (int i = 0; i < 2; ++i) {
      from(i) = start[free_cells[i]];
      if (inertia) from(2 + i) = start[4 + free_cells[i]];
    }
    const Eigen::VectorXd mean = law.propagator * from + law.shift;
    Eigen::VectorXd sum = Eigen::VectorXd::Zero(v);
    Eigen::MatrixXd square = Eigen::MatrixXd::Zero(v, v);
    double count = 0;
    for (std::uint32_t l = parity; l < lanes; l += 2) {
      array->read(l, state);
      Eigen::VectorXd z(v);
      for (int i = 0; i < 2; ++i) {
        z(i) = state[free_cells[i]];
        if (inertia) z(2 + i) = state[4 + free_cells[i]];
      }
      z -= mean;
      sum += z, square += z * z.transpose(), ++count;
      for (int h = 0; h < 2; ++h) {
        ASSERT_EQ(state[held_cells[h]], held_values[parity][h]) << "lane " << l;
        if (inertia) {
          ASSERT_EQ(state[4 + held_cells[h]], 0.0f) << "lane " << l;
        }
      }
    }
    // Of Gaussian variables: the variance of a mean is C_ii / n, that of a product (C_ii C_kk + C_ik^2) / n.
    const Eigen::MatrixXd& exact = law.covariance;
    for (Eigen::Index i = 0; i < v; ++i) {
      EXPECT_LT(std::abs(sum(i) / count) / std::sqrt(exact(i, i) / count), 4.2) << "mean of variable " << i;
      for (Eigen::Index k = 0; k <= i; ++k)
        EXPECT_LT(std::abs(square(i, k) / count - exact(i, k)) /
                      std::sqrt((exact(i, i) * exact(k, k) + exact(i, k) * exact(i, k)) / count),
                  4.2)
            << "covariance " << i << ' ' << k;
    }
  }
}

TEST_P(ClampedLaw, AtTemperatureZeroFollowsTheFreeBlockAndThenTheWhole) {
  // Clamped, released, clamped elsewhere: each stretch by the equations of the cells that move in it.
  const Case& c = GetParam();
  Setting s = setting(c, 1);
  s.parameters.kT_cell.assign(n, 0.0f);
  const auto array = make_array(s.spec, nullptr);
  const bool inertia = c.kind != CellKind::overdamped;
  const std::vector<float> start{0.4f, 1.5f, -0.9f, 0.6f, 0.5f, 0, -0.3f, 0};
  array->write(0, 0, std::span(start).first(array->variables()), s.parameters);
  Eigen::VectorXd z(array->variables());
  for (Eigen::Index i = 0; i < z.size(); ++i) z(i) = start[i];
  const std::vector<Eigen::Index> all{0, 1, 2, 3};
  const std::vector<std::pair<std::vector<Eigen::Index>, std::vector<std::uint8_t>>> stretches{
      {free_cells, mask}, {all, nobody}, {{1, 2, 3}, {1, 0, 0, 0}}, {{}, {1, 1, 1, 1}}};
  for (const auto& [free, clamped] : stretches) {
    array->set_clamped(clamped, s.parameters);
    physics::Run run;
    run.steps = c.steps;
    run.dt = c.dt;
    array->advance(run, s.parameters);
    std::vector<Eigen::Index> held, rows = free;
    for (const Eigen::Index i : all)
      if (clamped[i]) {
        held.push_back(i);
        if (inertia) z(n + i) = 0;
      }
    if (inertia)
      for (const Eigen::Index i : free) rows.push_back(n + i);
    if (!free.empty()) {
      const auto network = free_block(c, s, free, held, z(held));
      z(rows) = reference::ou_mean(network, z(rows), c.dt * static_cast<double>(c.steps));
    }
    const bool first_order = c.stepper == Stepper::euler_maruyama || c.stepper == Stepper::leimkuhler_matthews;
    const double bound = c.stepper == Stepper::exact_ou ? 2e-6 : first_order ? 4e-3 : 8e-4;
    for (std::uint32_t i = 0; i < array->variables(); ++i)
      EXPECT_NEAR(array->state(0, i), z(i), bound) << "variable " << i << " with " << held.size() << " held cells";
  }
}

INSTANTIATE_TEST_SUITE_P(EveryLinearKind, ClampedLaw, testing::ValuesIn(cases()), [](const auto& test) {
  std::string text = testing::PrintToString(test.param);
  for (char& letter : text)
    if (letter == '-' || letter == ' ') letter = '_';
  return text;
});

TEST(Clamps, MetersOfTheFreeCellsCloseAndHeldCellsGiveNoHeat) {
  for (const Case& c : cases()) {
    Setting s = setting(c, 32);
    s.parameters.kT_cell.assign(n, 0.9f);
    const auto array = make_array(s.spec, nullptr);
    array->enable_meters(true);
    array->enable_cell_meter(CellMeter::heat);
    const double before = array->energy(17, s.parameters);
    const auto go = [&](std::uint64_t first) {
      physics::Run run;
      run.steps = std::min<std::uint64_t>(c.steps * 5, 200);
      run.dt = c.dt;
      run.noise = {5, 0, first};
      array->advance(run, s.parameters);
    };
    array->write(17, 1, std::vector<float>{1.5f}, s.parameters);
    array->write(17, 3, std::vector<float>{-2.5f}, s.parameters);
    array->set_clamped(mask, s.parameters);
    go(0);
    std::vector<double> heat(n), more(n);
    array->cell_meter(CellMeter::heat, 17, heat);
    EXPECT_EQ(heat[1], 0.0) << c;
    EXPECT_EQ(heat[3], 0.0) << c;
    array->write(17, 1, std::vector<float>{0.2f}, s.parameters);  // pulled while held: work
    array->set_clamped(std::vector<std::uint8_t>{0, 1, 0, 0}, s.parameters);
    go(2000);
    array->cell_meter(CellMeter::heat, 17, more);
    EXPECT_EQ(more[1], 0.0) << c;
    EXPECT_NE(more[3], 0.0) << c;
    const LaneMeters meters = array->meters(17, s.parameters);
    double sum = 0;
    for (const double q : more) sum += q;
    EXPECT_NEAR(sum, meters.heat_path, 1e-4 * (1 + std::abs(sum))) << c;
    // At fixed V, dE - W + Q_path is what the integrator adds: nothing for exact steps.
    if (c.stepper == Stepper::exact_ou) {
      EXPECT_NEAR(array->energy(17, s.parameters) - before, meters.work - meters.heat_path, 2e-4) << c;
    }
  }
}

TEST(Clamps, ABiasOfAHeldCellDrivesNobodyWhileItRamps) {
  for (const Case& c : cases()) {
    if (c.stepper != Stepper::exact_ou && c.kind != CellKind::rlc) continue;
    Setting s = setting(c, 1);
    Parameters other = s.parameters;
    other.bias[1] += 7;
    other.bias[3] -= 5;
    std::vector<float> states[2];
    for (const bool ramped : {false, true}) {
      const auto array = make_array(s.spec, nullptr);
      array->write(0, 0, std::vector<float>{0.4f, 1.5f, -0.9f, 0.6f}, s.parameters);
      array->set_clamped(mask, s.parameters);
      physics::Run run;
      run.steps = 5;
      run.dt = 0.05;
      if (ramped) run.target = &other, run.ramp_steps = 5;
      array->advance(run, s.parameters);
      states[ramped].resize(array->variables());
      array->read(0, states[ramped]);
    }
    EXPECT_EQ(states[0], states[1]) << c;
  }
}

}  // namespace
}  // namespace heatbath::physics
