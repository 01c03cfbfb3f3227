// Quartic cells of every kind x stepper, free and with a held cell, in equilibrium: against quadrature of the Boltzmann
// law. Steps are short enough that what they add stays below half a standard error.
#include <array>

#include "heatbath/open.hpp"
#include "tests/crossed/crossed.hpp"

namespace heatbath::crossed {
namespace {

struct Row {
  const char *kind, *stepper;
  double dt;
  bool clamp;

  friend std::ostream& operator<<(std::ostream& out, const Row& row) {
    return out << row.kind << ' ' << row.stepper << (row.clamp ? " clamp" : "");
  }
};

std::vector<Row> rows() {
  std::vector<Row> list;
  for (const bool clamp : {false, true}) {
    list.push_back({"overdamped", "euler-maruyama", 0.001, clamp});
    list.push_back({"overdamped", "heun", 0.01, clamp});
    list.push_back({"overdamped", "leimkuhler-matthews", 0.01, clamp});
    for (const char* kind : {"underdamped", "rlc"}) {
      list.push_back({kind, "euler-maruyama", 0.001, clamp});
      list.push_back({kind, "heun", 0.01, clamp});
      list.push_back({kind, "baoab", 0.05, clamp});
    }
  }
  return list;
}

std::string name_of(const ::testing::TestParamInfo<Row>& info) {
  std::string text = std::string(info.param.kind) + info.param.stepper + (info.param.clamp ? "Clamp" : "Free");
  std::erase(text, '-');
  return text;
}

class QuarticCellsOf : public ::testing::TestWithParam<Row> {};

TEST_P(QuarticCellsOf, HaveTheBoltzmannLaw) {
  const Row& row = GetParam();
  const bool rlc = std::string(row.kind) == "rlc", inertia = rlc || std::string(row.kind) == "underdamped";
  constexpr std::uint32_t few = 4096;
  Numbers draw(std::string("quartic") + row.kind + row.stepper);
  const std::vector<float> j2{draw.single(-0.9, -0.4), draw.single(0.2, 0.6)}, j4{draw.single(0.3, 0.5), draw.single(0.1, 0.3)},
      bias{draw.single(-0.4, 0.4), draw.single(-0.4, 0.4)}, mass{1.2f, 0.9f}, damping{1.1f, 1.4f};
  const float coupling = draw.single(0.3, 0.5), kT = 0.9f, held_at = draw.single(-1.2, 1.2);

  Device device = open(std::string("func:cells=2&lanes=4096&cell=") + row.kind + "&stepper=" + row.stepper);
  device.set_step_time_units(row.dt);
  Program program(device.capabilities(), 2);
  program.load(CellSection::j2, j2).load(CellSection::j4, j4).load(CellSection::bias, bias).load_temperature(kT);
  program.load_couplings(std::vector<float>{0, coupling, coupling, 0}).load_gain(1);
  if (inertia) program.load(CellSection::mass, mass).load(CellSection::damping, damping);
  program.commit();
  if (row.clamp) program.clamp(1, 1, held_at);
  program.evolve(device.ticks(8)).sample();
  const Result result = device.run(program, {.shots = few, .seed = draw.seed(), .capture_cells = inertia ? 4u : 2u});

  const auto energy = [&](double x, double y) {
    const auto well = [&](std::size_t i, double at) { return (j2[i] + j4[i] * at * at) * at * at + bias[i] * at; };
    return well(0, x) + well(1, y) + (rlc ? 0 : static_cast<double>(coupling) * x * y);
  };
  const std::vector<std::pair<std::string, std::function<double(double, double)>>> observables{
      {"<x0>", [](double x, double) { return x; }},
      {"<x0^2>", [](double x, double) { return x * x; }},
      {"<x0^4>", [](double x, double) { return x * x * x * x; }},
      {"<x1>", [](double, double y) { return y; }},
      {"<x1^2>", [](double, double y) { return y * y; }},
      {"<x0 x1>", [](double x, double y) { return x * y; }}};
  constexpr int points = 240;
  constexpr double reach = 5;
  double all = 0;
  std::vector<double> exact(observables.size());
  for (int i = 0; i <= points; ++i) {
    for (int k = 0; k <= (row.clamp ? 0 : points); ++k) {
      const double x = reach * (2.0 * i / points - 1), y = row.clamp ? static_cast<double>(held_at) : reach * (2.0 * k / points - 1);
      const double weight = std::exp(-energy(x, y) / static_cast<double>(kT));
      all += weight;
      for (std::size_t f = 0; f < exact.size(); ++f) exact[f] += weight * observables[f].second(x, y);
    }
  }
  for (std::size_t f = 0; f < exact.size(); ++f) {
    std::vector<double> values;
    for (std::uint32_t shot = 0; shot < few; ++shot) {
      const auto x = result.capture.state(shot, 0);
      values.push_back(observables[f].second(x[0], x[1]));
    }
    expect_mean(values, exact[f] / all, observables[f].first);
  }
  if (!inertia) return;
  // kT times the inverse of the masses, or of the capacitances of the nodes that are free.
  const double m0 = mass[0], m1 = mass[1], c = rlc ? static_cast<double>(coupling) : 0, determinant = m0 * m1 - c * c;
  const std::array<double, 3> inverse = row.clamp ? std::array{1 / m0, 0.0, 0.0} : std::array{m1 / determinant, m0 / determinant, -c / determinant};
  std::array<std::vector<double>, 3> products;
  for (std::uint32_t shot = 0; shot < few; ++shot) {
    const auto v = result.capture.state(shot, 0).subspan(2);
    products[0].push_back(v[0] * v[0]);
    products[1].push_back(v[1] * v[1]);
    products[2].push_back(v[0] * v[1]);
  }
  for (std::size_t k = 0; k < 3; ++k) expect_mean(products[k], static_cast<double>(kT) * inverse[k], "velocities " + std::to_string(k));
}

INSTANTIATE_TEST_SUITE_P(Crossed, QuarticCellsOf, ::testing::ValuesIn(rows()), name_of);

}  // namespace
}  // namespace heatbath::crossed
