// Meters of every kind x stepper: energy and work of driven cells against the law of their steps, heat that flows
// between temperatures and heat that one-way couplings make against closed forms, work against free energies.
#include <random>

#include "heatbath/open.hpp"
#include "oracles/dense_algebra.hpp"
#include "oracles/exact_ou.hpp"
#include "tests/crossed/linear_rows.hpp"

namespace heatbath::crossed {
namespace {

double mean_energy(const LinearCells& cells, const reference::SteppedLinearLaw& law) {
  constexpr Eigen::Index n = linear_cells;
  const Eigen::MatrixXd second = law.covariance() + law.mean() * law.mean().transpose();
  double sum = 0.5 * (cells.stiffness * second.topLeftCorner(n, n)).trace() + cells.bias.dot(law.mean().head(n));
  if (cells.inertia) sum += 0.5 * (cells.mass * second.bottomRightCorner(n, n)).trace();
  return sum;
}

class EnergyAndWorkOf : public ::testing::TestWithParam<LinearRow> {};

TEST_P(EnergyAndWorkOf, FollowTheLawOfTheSteps) {
  LinearRow row = GetParam();
  Numbers draw("meters" + row.name());
  const LinearLoad from = drawn_load(row, draw), to = row.condition.ramp ? moved_load(row, from, draw) : from;
  Device device = open("func:" + uri_of(row));
  device.set_step_time_units(row.dt);
  const double mobility = static_cast<double>(device.capabilities().mobility);
  const std::uint32_t variables = row.inertia() ? 2 * linear_cells : linear_cells;
  std::vector<float> start(variables);
  for (float& x : start) x = draw.single(-1.5, 1.5);
  std::vector<bool> held(linear_cells, false);
  Program program(device.capabilities(), linear_cells);
  load_into(program, row, from);
  program.commit().set(0, start);
  reference::SteppedLinearLaw law(Eigen::Map<const Eigen::VectorXf>(start.data(), variables).cast<double>());
  if (row.condition.clamp) {
    program.clamp(1, 1, start[1]);
    if (row.inertia()) law.put(linear_cells + 1, 0);
    held[1] = true;
  }
  program.meter_clear();
  load_into(program, row, to);
  const Ticks time = device.step() * static_cast<std::uint64_t>(row.steps);
  row.condition.ramp ? program.ramp(time) : program.evolve(time);
  program.meter_snapshot();
  double work = 0;
  const double begun = mean_energy(cells_at(row, from, to, 0, mobility), law);
  const auto energy_at = [&](double part) { return mean_energy(cells_at(row, from, to, part, mobility), law); };
  for (int k = 0; k < row.steps; ++k) {
    // Parameters go to those of the step at its start, and on to those of its end.
    const double start_part = static_cast<double>(k) / row.steps, end_part = static_cast<double>(k + 1) / row.steps;
    const double part = row.condition.ramp ? ramp_part(row.rule, k, row.steps) : 0;
    if (row.condition.ramp) work += energy_at(part) - energy_at(start_part);
    law.step(cells_at(row, from, to, part, mobility, row.condition.ramp ? row.steps : 0), row.rule, row.dt, held);
    if (row.condition.ramp) work += energy_at(end_part) - energy_at(part);
  }
  const double energy = mean_energy(cells_at(row, from, to, row.condition.ramp ? 1 : 0, mobility), law);
  const Result result = device.run(program, {.shots = shots, .seed = draw.seed()});
  std::vector<double> energies, works, heats;
  for (const hb_meters_t& m : result.meters[0]) {
    energies.push_back(m.energy);
    works.push_back(m.work);
    heats.push_back(m.heat);
  }
  expect_mean(energies, energy, "energy");
  expect_mean(works, work, "work");
  expect_mean(heats, work - energy + begun, "heat");
}

std::vector<LinearRow> metered_rows() {
  std::vector<LinearRow> rows;
  for (const LinearRow& row : linear_rows())
    if (!row.condition.one_way && !row.condition.mask && *row.condition.noise == '\0') rows.push_back(row);
  return rows;
}

INSTANTIATE_TEST_SUITE_P(Crossed, EnergyAndWorkOf, ::testing::ValuesIn(metered_rows()), name_of);

// -- heat in a steady state -------------------------------------------------------------------------------------------

struct Steady {
  std::string kind, stepper;
  double dt;
  friend std::ostream& operator<<(std::ostream& out, const Steady& s) { return out << s.kind << ' ' << s.stepper; }
};

std::string steady_name(const ::testing::TestParamInfo<Steady>& info) {
  std::string text = info.param.kind + info.param.stepper;
  std::erase(text, '-');
  return text;
}

std::vector<Steady> steady_rows(bool inertia) {
  std::vector<Steady> rows{{"overdamped", "euler-maruyama", 0.002},
                           {"overdamped", "heun", 0.002},
                           {"overdamped", "leimkuhler-matthews", 0.002},
                           {"overdamped", "lattice-walk", 0.002},
                           {"overdamped", "exact-ou", 0.2}};
  if (!inertia) return rows;
  for (const char* kind : {"underdamped", "rlc"}) {
    rows.push_back({kind, "euler-maruyama", 0.002});
    rows.push_back({kind, "heun", 0.004});
    rows.push_back({kind, "baoab", 0.01});
    rows.push_back({kind, "exact-ou", 0.2});
  }
  return rows;
}

constexpr std::uint32_t steady_shots = 1024;
constexpr double settling = 10, watched = 20;

class HeatBetweenTemperaturesOf : public ::testing::TestWithParam<Steady> {};

TEST_P(HeatBetweenTemperaturesOf, IsThatOfTheLyapunovEquation) {
  const Steady& row = GetParam();
  const bool inertia = row.kind != "overdamped", rlc = row.kind == "rlc";
  Device device = open("func:cells=2&lanes=1024&cell=" + row.kind + "&stepper=" + row.stepper);
  device.set_step_time_units(row.dt);
  const std::vector<float> j2{0.7f, 0.9f}, kT{2.1f, 0.4f}, mass{1.2f, 0.8f}, damping{0.9f, 1.3f};
  const float coupling = rlc ? -0.5f : -0.8f;
  Program program(device.capabilities(), 2);
  program.load(CellSection::j2, j2).load(CellSection::j4, 0.0f).load(CellSection::bias, 0.0f).load(CellSection::kT, kT);
  if (inertia) program.load(CellSection::mass, mass).load(CellSection::damping, damping);
  program.load_couplings(std::vector<float>{0, coupling, coupling, 0}).load_gain(1).commit();
  program.evolve(device.ticks(settling)).meter_clear().evolve(device.ticks(watched)).meter_snapshot(Meter::heat_per_cell);

  Eigen::Matrix2d k, m;
  k << 2 * j2[0], rlc ? 0 : coupling, rlc ? 0 : coupling, 2 * j2[1];
  m << mass[0], rlc ? coupling : 0, rlc ? coupling : 0, mass[1];
  const Eigen::Vector2d t(kT[0], kT[1]), g(damping[0], damping[1]);
  Eigen::Vector2d flow;
  if (inertia) {
    // G_i (<v_i^2> - what its own noise alone would keep up): power into the resistor less that of its noise.
    const auto network = reference::underdamped_network(k, m, g, t);
    const Eigen::MatrixXd s = reference::stationary_covariance(network), inverse = reference::inverse_of(m);
    for (int i = 0; i < 2; ++i) flow[i] = g[i] * (s(2 + i, 2 + i) - t[i] * inverse(i, i));
  } else {
    const double mu = static_cast<double>(device.capabilities().mobility);
    const Eigen::MatrixXd s = reference::stationary_covariance({mu * k, mu * Eigen::MatrixXd(t.asDiagonal()), Eigen::Vector2d::Zero()});
    const Eigen::MatrixXd squares = k * s * k;
    for (int i = 0; i < 2; ++i) flow[i] = mu * (squares(i, i) - t[i] * k(i, i));
  }
  EXPECT_NEAR(flow.sum(), 0, 1e-9);
  const Result result = device.run(program, {.shots = steady_shots, .seed = 71});
  std::vector<double> per_cell[2], whole;
  for (std::uint32_t shot = 0; shot < steady_shots; ++shot) {
    for (int i = 0; i < 2; ++i) per_cell[i].push_back(result.meter(Meter::heat_per_cell)[2 * shot + static_cast<std::uint32_t>(i)] / watched);
    whole.push_back(result.meters[0][shot].heat_path / watched);
  }
  for (int i = 0; i < 2; ++i) expect_mean(per_cell[i], flow[i], "heat per time of cell " + std::to_string(i));
  expect_mean(whole, 0, "heat per time of both");
}

INSTANTIATE_TEST_SUITE_P(Crossed, HeatBetweenTemperaturesOf, ::testing::ValuesIn(steady_rows(true)), steady_name);

class HeatOfOneWayCouplingsOf : public ::testing::TestWithParam<Steady> {};

TEST_P(HeatOfOneWayCouplingsOf, IsTheEntropyTheyMake) {
  const Steady& row = GetParam();
  Device device = open("func:cells=3&lanes=1024&reciprocal=no&cell=" + row.kind + "&stepper=" + row.stepper);
  device.set_step_time_units(row.dt);
  const std::vector<float> j2{0.8f, 0.6f, 1.0f}, coupling{0, 0.7f, -0.5f, -0.6f, 0, 0.3f, 0.9f, -0.2f, 0};
  const float kT = 0.7f;
  Program program(device.capabilities(), 3);
  program.load(CellSection::j2, j2).load(CellSection::j4, 0.0f).load(CellSection::bias, 0.0f).load_temperature(kT);
  program.load_couplings(coupling).load_gain(1).commit();
  program.evolve(device.ticks(settling)).meter_clear().evolve(device.ticks(watched)).meter_snapshot();
  const double mu = static_cast<double>(device.capabilities().mobility);
  Eigen::Matrix3d a;
  for (int i = 0; i < 3; ++i)
    for (int k = 0; k < 3; ++k)
      a(i, k) = mu * (i == k ? 2 * static_cast<double>(j2[static_cast<std::size_t>(i)]) : static_cast<double>(coupling[static_cast<std::size_t>(3 * i + k)]));
  const double exact = reference::entropy_production_rate(
      {a, mu * static_cast<double>(kT) * Eigen::Matrix3d::Identity(), Eigen::Vector3d::Zero()});
  const Result result = device.run(program, {.shots = steady_shots, .seed = 73});
  std::vector<double> rates;
  for (const hb_meters_t& m : result.meters[0]) rates.push_back(m.heat_path / (static_cast<double>(kT) * watched));
  expect_mean(rates, exact, "entropy production");
}

INSTANTIATE_TEST_SUITE_P(Crossed, HeatOfOneWayCouplingsOf, ::testing::ValuesIn(steady_rows(false)), steady_name);

// -- work and free energies -------------------------------------------------------------------------------------------

TEST(PathWeights, OfLongEulerStepsGiveTheFreeEnergy) {
  // One linear cell from k0 to k1 in 8 steps that are a third of the longest stable one.
  constexpr float k0 = 1.4f, k1 = 3.1f, kT = 0.8f;
  constexpr double dt = 0.2;
  Device device = open("func:cells=1&lanes=4096");
  device.set_step_time_units(dt);
  std::mt19937_64 random(5);
  std::normal_distribution<double> normal(0, std::sqrt(static_cast<double>(kT / k0)));
  std::vector<float> start(shots);
  for (float& x : start) x = static_cast<float>(normal(random));
  Program program(device.capabilities(), 1);
  program.load(CellSection::j2, k0 / 2).load(CellSection::j4, 0.0f).load(CellSection::bias, 0.0f).load_temperature(kT).commit();
  program.clamp_per_shot(0, 1, start, shots).release(0, 1).meter_clear();
  program.load(CellSection::j2, k1 / 2).ramp(device.step() * 8u).meter_snapshot();
  const Result result = device.run(program, {.shots = shots, .seed = 79});
  std::vector<double> weights;
  for (const hb_meters_t& m : result.meters[0]) weights.push_back(std::exp(-(m.work + m.work_shadow) / static_cast<double>(kT)));
  expect_mean(weights, std::sqrt(static_cast<double>(k0) / static_cast<double>(k1)), "<exp(-w/kT)>");
}

TEST(PathWeights, OfSpinsGiveTheFreeEnergy) {
  constexpr std::uint32_t n = 5;
  constexpr float kT = 1.3f;
  for (const std::string stepper : {"sequential", "random-sequential"}) {
    Numbers draw("work of spins, " + stepper);
    std::vector<float> bias(n), coupling(n * n);
    for (std::uint32_t i = 0; i < n; ++i) {
      bias[i] = draw.single(-0.8, 0.8);
      for (std::uint32_t k = 0; k < i; ++k) coupling[i * n + k] = coupling[k * n + i] = draw.single(-0.7, 0.7);
    }
    double sum = 0;
    for (std::uint32_t state = 0; state < 1u << n; ++state) {
      double energy = 0;
      const auto s = [&](std::uint32_t i) { return (state >> i & 1u) != 0 ? 1.0 : -1.0; };
      for (std::uint32_t i = 0; i < n; ++i) {
        energy += bias[i] * s(i);
        for (std::uint32_t k = 0; k < i; ++k) energy += coupling[i * n + k] * s(i) * s(k);
      }
      sum += std::exp(-energy / static_cast<double>(kT)) / (1u << n);
    }
    Device device = open("func:cells=5&lanes=4096&cell=pbit&stepper=" + stepper);
    Program program(device.capabilities(), n);
    program.load(CellSection::bias, 0.0f).load_gain(0.0f).load_temperature(kT).commit().evolve(device.step() * 12u).meter_clear();
    program.load(CellSection::bias, bias).load_couplings(coupling).load_gain(1.0f).ramp(device.step() * 6u).meter_snapshot();
    const Result result = device.run(program, {.shots = shots, .seed = 83});
    std::vector<double> weights;
    for (const hb_meters_t& m : result.meters[0]) weights.push_back(std::exp(-(m.work + m.work_shadow) / static_cast<double>(kT)));
    expect_mean(weights, sum, "<exp(-w/kT)>, " + stepper);
  }
}

// -- rates that float32 coefficients near 1 lose ----------------------------------------------------------------------

TEST(SlowRates, OfDampingAndOfWellsAreKept) {
  struct Row {
    const char *kind, *stepper;
    float j2, damping;
    double dt;
    std::uint64_t steps;
  };
  // At kT = 0 a free particle's velocity falls as exp(-damping t/m), a cell without inertia as exp(-2 j2 t).
  for (const Row& row : {Row{"underdamped", "baoab", 0, 3e-6f, 0.01, 2'000'000}, Row{"underdamped", "exact-ou", 0, 3e-6f, 0.01, 2'000'000},
                         Row{"overdamped", "exact-ou", 4e-6f, 1, 0.005, 1'000'000}}) {
    const bool inertia = row.kind[0] == 'u';
    Device device = open(std::string("func:cells=1&lanes=1&cell=") + row.kind + "&stepper=" + row.stepper);
    device.set_step_time_units(row.dt);
    Program program(device.capabilities(), 1);
    program.load(CellSection::j2, row.j2).load(CellSection::j4, 0.0f).load(CellSection::bias, 0.0f).load_temperature(0);
    if (inertia) program.load(CellSection::mass, 1.0f).load(CellSection::damping, row.damping);
    program.commit().set(0, inertia ? std::vector<float>{0, 1e-5f} : std::vector<float>{1});
    program.evolve(device.step() * (row.steps)).sample();
    const Result result = device.run(program, {.shots = 1, .seed = 1, .capture_first = inertia ? 1u : 0u, .capture_cells = 1});
    const double time = row.dt * static_cast<double>(row.steps);
    const double exact = std::exp(-(inertia ? static_cast<double>(row.damping) : 2 * static_cast<double>(row.j2)) * time);
    const double seen = static_cast<double>(result.capture.state(0, 0)[0]) / (inertia ? static_cast<double>(1e-5f) : 1);
    EXPECT_NEAR(seen, exact, 2e-3 * (1 - exact)) << row.kind << " " << row.stepper;
  }
}

}  // namespace
}  // namespace heatbath::crossed
