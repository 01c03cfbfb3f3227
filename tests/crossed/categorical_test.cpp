// Categorical cells on a device against the oracle of all their states, and where their law has an end.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "heatbath/open.hpp"
#include "oracles/potts.hpp"
#include "oracles/spin_sweep_law.hpp"

namespace heatbath {
namespace {

using reference::PottsCells;
using reference::PottsLaw;

constexpr std::uint32_t shots = 8192;

struct Random {
  std::mt19937_64 words;
  double uniform() { return static_cast<double>(words() >> 11) * 0x1p-53; }
};

struct Case {
  const char* name;
  const char* uri;
  std::uint32_t cells, states;
  bool one_way, ramp, clamp;
};

std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.name; }

class CategoricalOf : public ::testing::TestWithParam<Case> {};

struct Load {
  std::vector<float> bias, kT, coupling;
};

Load drawn(const Case& c, Random& random, bool ring) {
  const auto draw = [&](double low, double high) { return static_cast<float>(low + (high - low) * random.uniform()); };
  Load load;
  load.coupling.assign(std::size_t{c.cells} * c.cells, 0.0f);
  for (std::uint32_t i = 0; i < c.cells; ++i) {
    for (std::uint32_t s = 0; s < c.states; ++s) load.bias.push_back(draw(-1, 1));
    load.kT.push_back(draw(0.6, 1.4));
    for (std::uint32_t k = 0; k < c.cells; ++k) {
      const bool neighbours = !ring || (i + 1) % c.cells == k || (k + 1) % c.cells == i;
      if (k == i || !neighbours) continue;
      load.coupling[i * c.cells + k] = k < i && !c.one_way ? load.coupling[k * c.cells + i] : draw(-1.2, 1.2);
    }
  }
  return load;
}

void expect_mean(const std::vector<double>& values, double expected, const std::string& what) {
  const double n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double square = 0;
  for (const double v : values) square += (v - mean) * (v - mean);
  const double error = std::sqrt(std::max(square, 1e-9) / (n - 1) / n);
  EXPECT_LT(std::abs(mean - expected), 4.5 * error + 1e-5) << what << ": " << mean << ", expected " << expected;
}

// Some sweeps from one state, with temperatures of each cell: probabilities, energy, work and heat are those of the exact
// law of the updates in their order.
TEST_P(CategoricalOf, LawAfterSweepsAndItsEnergyWorkAndHeatAreExact) {
  const Case& c = GetParam();
  const std::uint32_t n = c.cells, q = c.states;
  constexpr int sweeps = 3;
  Random random{std::mt19937_64(q * 100 + n)};
  const bool ring = std::string(c.uri).find("ring") != std::string::npos;
  const Load from = drawn(c, random, ring);
  Load to = c.ramp ? drawn(c, random, ring) : from;
  to.kT = from.kT;
  Device device = open(std::string("func:lanes=4096&cell=categorical") + c.uri + "&states=" + std::to_string(q) +
                       (c.one_way ? "&reciprocal=no" : ""));
  Program program(device.capabilities(), n);
  const auto load = [&](const Load& p) {
    program.load(CellSection::bias, p.bias).load(CellSection::kT, p.kT).load_couplings(p.coupling).load_gain(1.0f);
  };
  load(from);
  std::vector<float> start;
  for (std::uint32_t i = 0; i < n; ++i) start.push_back(static_cast<float>((i * i + 1) % q));
  program.commit().set(0, start);
  PottsCells cells{Eigen::MatrixXd::Zero(n, n), Eigen::MatrixXd::Zero(n, q), Eigen::VectorXd::Zero(n), std::vector<bool>(n, false)};
  const auto put = [&](double part) {
    const auto mix = [&](float a, float b) { return a + part * (static_cast<double>(b) - a); };
    for (std::uint32_t i = 0; i < n; ++i) {
      cells.temperature[i] = from.kT[i];
      for (std::uint32_t s = 0; s < q; ++s) cells.bias(i, s) = mix(from.bias[i * q + s], to.bias[i * q + s]);
      for (std::uint32_t k = 0; k < n; ++k) cells.coupling(i, k) = mix(from.coupling[i * n + k], to.coupling[i * n + k]);
    }
  };
  if (c.clamp) {
    program.clamp(1, 1, static_cast<float>(q - 1));
    start[1] = static_cast<float>(q - 1);
    cells.held[1] = true;
  }
  PottsLaw law(cells, std::vector<int>(start.begin(), start.end()));
  put(0);
  const double begun = law.mean_energy(cells);
  const Ticks time = device.step() * sweeps;
  program.meter_clear();
  if (c.ramp) {
    load(to);
    program.ramp(time);
  } else {
    program.evolve(time);
  }
  double work = 0;
  for (int sweep = 0; sweep < sweeps; ++sweep) {
    put(c.ramp ? static_cast<double>(sweep) / sweeps : 0);
    for (const bool odd : {false, true})
      for (std::uint32_t i = 0; i < n; ++i)
        if (ring ? (i % 2 == 1) == odd : !odd) law.update(cells, static_cast<int>(i));
    const double before = law.mean_energy(cells);
    put(c.ramp ? static_cast<double>(sweep + 1) / sweeps : 0);
    work += law.mean_energy(cells) - before;
  }
  program.meter_snapshot().sample();
  const Result result = device.run(program, {.shots = shots, .seed = 41});
  const std::vector<std::uint8_t> labels = result.capture.labels();
  for (std::uint32_t i = 0; i < n; ++i)
    for (std::uint32_t s = 0; s < q; ++s) {
      std::vector<double> is;
      for (std::uint32_t shot = 0; shot < shots; ++shot) is.push_back(labels[shot * n + i] == s ? 1.0 : 0.0);
      expect_mean(is, law.marginal(static_cast<int>(i), static_cast<int>(s)),
                  "P(s" + std::to_string(i) + " = " + std::to_string(s) + ")");
    }
  for (std::uint32_t i = 0; i + 1 < n; ++i) {
    std::vector<double> equal;
    for (std::uint32_t shot = 0; shot < shots; ++shot)
      equal.push_back(labels[shot * n + i] == labels[shot * n + i + 1] ? 1.0 : 0.0);
    expect_mean(equal, law.equal(static_cast<int>(i), static_cast<int>(i + 1)), "P(equal) of cell " + std::to_string(i));
  }
  if (c.one_way) return;
  std::vector<double> energy, worked, heat;
  for (const hb_meters_t& m : result.meters[0]) {
    energy.push_back(m.energy);
    worked.push_back(m.work);
    heat.push_back(m.heat_path);
    ASSERT_NEAR(m.work_shadow, 0, 1e-4);
  }
  expect_mean(energy, law.mean_energy(cells), "energy");
  expect_mean(worked, work, "work");
  expect_mean(heat, work - law.mean_energy(cells) + begun, "heat of the path");
}

INSTANTIATE_TEST_SUITE_P(Crossed, CategoricalOf,
                         ::testing::Values(Case{"dense_3", "&cells=4", 4, 3, false, false, false},
                                           Case{"dense_2_ramp", "&cells=5", 5, 2, false, true, false},
                                           Case{"dense_5_clamp_ramp", "&cells=4", 4, 5, false, true, true},
                                           Case{"dense_16", "&cells=2", 2, 16, false, false, false},
                                           Case{"one_way_3", "&cells=4", 4, 3, true, false, false},
                                           Case{"ring_4_ramp", "&topology=ring:4", 4, 4, false, true, false},
                                           Case{"ring_3_clamp", "&topology=ring:6", 6, 3, false, false, true}),
                         [](const auto& parameter) { return parameter.param.name; });

TEST(PottsOracle, UpdatesBalanceEveryPairOfStatesInBoltzmannsLawAndTwoStatesAreSpins) {
  Random random{std::mt19937_64(3)};
  PottsCells cells{Eigen::MatrixXd::Zero(4, 4), Eigen::MatrixXd::Zero(4, 3), Eigen::VectorXd::Constant(4, 0.8), {}};
  reference::Spins spins{Eigen::MatrixXd::Zero(4, 4), Eigen::VectorXd::Zero(4), Eigen::VectorXd::Constant(4, 0.8),
                         std::vector<bool>(4, false)};
  PottsCells two{Eigen::MatrixXd::Zero(4, 4), Eigen::MatrixXd::Zero(4, 2), Eigen::VectorXd::Constant(4, 0.8), {}};
  for (int i = 0; i < 4; ++i) {
    for (int s = 0; s < 3; ++s) cells.bias(i, s) = random.uniform();
    two.bias(i, 0) = random.uniform(), two.bias(i, 1) = random.uniform();
    spins.bias[i] = (two.bias(i, 1) - two.bias(i, 0)) / 2;
    for (int j = 0; j < i; ++j) {
      cells.coupling(i, j) = cells.coupling(j, i) = random.uniform() - 0.4;
      two.coupling(i, j) = two.coupling(j, i) = random.uniform() - 0.4;
      spins.coupling(i, j) = spins.coupling(j, i) = two.coupling(i, j) / 2;
    }
  }
  const PottsLaw rest = PottsLaw::boltzmann(cells, 0.8);
  for (int i = 0; i < 4; ++i) EXPECT_LT(rest.imbalance(cells, i), 1e-15);
  PottsLaw swept = rest;
  for (int i = 0; i < 4; ++i) swept.update(cells, i);
  EXPECT_NEAR(swept.pair(0, 1, 3, 2), rest.pair(0, 1, 3, 2), 1e-14);
  PottsLaw law(two, std::vector<int>{1, 0, 0, 1});
  reference::SpinSweepLaw of_spins(4, 0b1001);
  for (int sweep = 0; sweep < 2; ++sweep)
    for (std::uint32_t i = 0; i < 4; ++i) law.update(two, static_cast<int>(i)), of_spins.update(spins, i);
  for (std::uint32_t i = 0; i < 4; ++i) EXPECT_NEAR(2 * law.marginal(static_cast<int>(i), 1) - 1, of_spins.mean(i), 1e-14);
  EXPECT_NEAR(2 * law.equal(0, 2) - 1, of_spins.pair(0, 2), 1e-14);
}

std::vector<std::uint8_t> labels_of(Device& device, const std::vector<float>& bias, float kT, const std::vector<float>& start,
                                    std::uint32_t of = shots) {
  Program program(device.capabilities(), static_cast<std::uint32_t>(start.size()));
  program.load(CellSection::bias, bias).load_couplings(0.0f).load_temperature(kT).commit().set(0, start);
  program.evolve(device.step()).sample();
  return device.run(program, {.shots = of, .seed = 5}).capture.labels();
}

TEST(CategoricalCells, AtTemperatureZeroGoToTheLowestStateAndStayInOne) {
  Device device = open("func:cell=categorical&states=4&cells=3&lanes=16");
  // Lowest: state 2; states 1 and 3, of which the cell is in one; states 0 and 3, of which it is in none.
  const std::vector<float> bias{1, 1, 0.5f, 1, 2, 0, 1, 0, -1, 0, 0, -1};
  const auto labels = labels_of(device, bias, 0, {0, 3, 1}, 16);
  for (std::uint32_t shot = 0; shot < 16; ++shot) {
    EXPECT_EQ(labels[shot * 3], 2);
    EXPECT_EQ(labels[shot * 3 + 1], 3);
    EXPECT_EQ(labels[shot * 3 + 2], 0);
  }
}

// 22 kT above the lowest a state's interval of the 31-bit number is empty; where it is one step long it still comes up
// that often only.
TEST(CategoricalCells, AStateTwentyTwoKTAboveNeverComesUpAndOthersAsOftenAsTheyShould) {
  Device device = open("func:cell=categorical&states=3&cells=64&lanes=4096");
  std::vector<float> bias;
  for (int i = 0; i < 64; ++i) bias.insert(bias.end(), {22.0f, 6.0f, 0.0f});
  const std::uint32_t many = 16384;
  const auto labels = labels_of(device, bias, 1, std::vector<float>(64, 0.0f), many);
  const auto count = [&](std::uint8_t s) { return static_cast<double>(std::ranges::count(labels, s)); };
  EXPECT_EQ(count(0), 0);
  const double expected = 64.0 * many * std::exp(-6) / (1 + std::exp(-6));
  EXPECT_LT(std::abs(count(1) - expected), 4.5 * std::sqrt(expected));
}

}  // namespace
}  // namespace heatbath
