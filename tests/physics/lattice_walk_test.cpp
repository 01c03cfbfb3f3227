// The lattice walk against what its definition makes of one cell: the urn of a linear cell, the law of a quartic one on
// its lattice, work and heat at any step.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numeric>
#include <vector>

#include "hw_model/physics/array.hpp"
#include "hw_model/physics/small_increments.hpp"
#include "hw_model/physics/stable_step.hpp"
#include "tests/physics/uncoupled.hpp"

namespace heatbath::physics {
namespace {

using Values = std::vector<double>;

ArraySpec walkers(std::uint32_t cells, std::uint32_t lanes) {
  ArraySpec spec;
  spec.stepper = Stepper::lattice_walk;
  spec.cells = cells;
  spec.lanes = lanes;
  return spec;
}

void go(Array& array, const Parameters& p, std::uint64_t steps, double dt, std::uint64_t first = 0,
        const Parameters* target = nullptr) {
  Run run;
  run.steps = steps;
  run.dt = dt;
  run.noise = {91, 0, first};
  if (target) run.target = target, run.ramp_steps = steps;
  array.advance(run, p);
}

/// Counts of round(x / h) + middle over all cells after the steps.
Values counts(const Parameters& p, double dt, std::uint64_t steps, double h, int middle) {
  constexpr std::uint32_t cells = 256, lanes = 64;
  const auto array = make_array(walkers(cells, lanes), nullptr);
  go(*array, p, steps, dt);
  Values of(2 * static_cast<std::size_t>(middle) + 1);
  std::vector<float> x(cells);
  for (std::uint32_t lane = 0; lane < lanes; ++lane) {
    array->read(lane, x);
    for (const float value : x) {
      const double place = static_cast<double>(value) / h;
      EXPECT_NEAR(place, std::round(place), 2e-3);
      const long at = std::lround(place) + middle;
      if (at < 0 || at >= static_cast<long>(of.size())) ADD_FAILURE() << value;
      else of[static_cast<std::size_t>(at)] += 1;
    }
  }
  EXPECT_EQ(array->rail_count(), 0u);
  return of;
}

/// Chi square of counts against a law, and how many places it has; places that expect fewer than 5 are left out.
void expect_law(const Values& found, const Values& law) {
  const double total = std::accumulate(found.begin(), found.end(), 0.0);
  double chi = 0, places = -1;
  for (std::size_t k = 0; k < law.size(); ++k) {
    const double expected = total * law[k];
    if (expected < 5) continue;
    chi += (found[k] - expected) * (found[k] - expected) / expected;
    places += 1;
  }
  EXPECT_GT(places, 5);
  EXPECT_LT(std::abs(chi - places), 4.5 * std::sqrt(2 * places)) << chi << " of " << places;
}

// dt mu k = 2/N: the walk is the urn of P. and T. Ehrenfest (1907) with N balls, x = 0 at N/2; an even number of steps
// leaves x on every second place, with twice the binomial law (Kac, Am. Math. Monthly 54 (1947) 369).
TEST(LatticeWalk, OfALinearCellIsTheUrnOfEhrenfest) {
  constexpr int balls = 40;
  const double stiffness = 1.25, kT = 0.5, dt = 2.0 / balls / stiffness, h = std::sqrt(2 * kT * dt);
  Values law(balls + 1, 0.0);
  for (int m = 0; m <= balls; m += 2)
    law[static_cast<std::size_t>(m)] =
        2 * std::exp(std::lgamma(balls + 1.0) - std::lgamma(m + 1.0) - std::lgamma(balls - m + 1.0) - balls * std::log(2.0));
  const Parameters p = uncoupled(256, static_cast<float>(stiffness / 2), 0, 0, static_cast<float>(kT));
  const Values found = counts(p, dt, 400, h, balls / 2);
  expect_law(found, law);
  double square = 0, exact = 0;
  for (int m = 0; m <= balls; ++m) {
    const auto at = static_cast<std::size_t>(m);
    const double x = (m - balls / 2) * h;
    square += found[at] / (256 * 64) * x * x, exact += law[at] * x * x;
  }
  EXPECT_NEAR(exact, kT / stiffness, 1e-12) << "the variance has no error of the step";
  EXPECT_NEAR(square, exact, 4.5 * exact * std::sqrt(2.0 / (256 * 64)));
}

/// The law of the walk on the places -middle..middle by detailed balance between neighbours, on every second place.
Values balanced(const std::function<double(double)>& force, double dt, double h, int middle) {
  const auto up = [&](int place) { return 0.5 + 0.5 * std::clamp(force(place * h) * dt / h, -1 + 0x1p-20, 1 - 0x1p-20); };
  Values log_law(2 * static_cast<std::size_t>(middle) + 1), law(log_law.size(), 0.0);
  for (std::size_t k = 1; k < log_law.size(); ++k) {
    const int place = static_cast<int>(k) - middle;
    log_law[k] = log_law[k - 1] + std::log(up(place - 1)) - std::log(1 - up(place));
  }
  double sum = 0;
  for (std::size_t k = static_cast<std::size_t>(middle) % 2; k < law.size(); k += 2)
    sum += law[k] = std::exp(log_law[k] - log_law[static_cast<std::size_t>(middle)]);
  for (double& value : law) value /= sum;
  return law;
}

TEST(LatticeWalk, OfATiltedBistableCellHasTheLawOfItsLattice) {
  const double kT = 0.5, dt = 0.02, h = std::sqrt(2 * kT * dt);
  const auto force = [](double x) { return 2 * x - 2 * x * x * x - 0.2; };
  const Parameters p = uncoupled(256, -1, 0.5f, 0.2f, static_cast<float>(kT));
  expect_law(counts(p, dt, 1500, h, 16), balanced(force, dt, h, 16));
}

TEST(LatticeWalk, HasWeakOrderOne) {
  const auto force = [](double x) { return 2 * x - 2 * x * x * x - 0.2; };
  double z = 0, exact = 0;
  for (int i = -40000; i <= 40000; ++i) {
    const double x = i * 1e-4, w = std::exp(-(-x * x + 0.5 * x * x * x * x + 0.2 * x) / 0.5);
    z += w, exact += w * x * x;
  }
  exact /= z;
  Values errors;
  for (const double dt : {0.004, 0.002, 0.001}) {
    const double h = std::sqrt(dt);
    const int middle = static_cast<int>(2.4 / h);
    const Values law = balanced(force, dt, h, middle);
    double square = 0;
    for (std::size_t k = 0; k < law.size(); ++k) square += law[k] * std::pow((static_cast<int>(k) - middle) * h, 2);
    errors.push_back(square - exact);
  }
  EXPECT_NEAR(std::log2(errors[0] / errors[1]), 1, 0.1);
  EXPECT_NEAR(std::log2(errors[1] / errors[2]), 1, 0.1);
}

// <exp(-(dE + Q)/kT)> = Z'/Z over walks that begin in equilibrium, in steps of any length: the heat is that of the
// walk that is made. Plain work under the same steps is far off.
TEST(LatticeWalk, KeepsJarzynskisEqualityAtALongStep) {
  constexpr std::uint32_t cells = 64, lanes = 512, steps = 12;
  const double dt = 0.05;
  Parameters from = uncoupled(cells, 0.5f, 0, 0, 1.0f), to = uncoupled(cells, 1.0f, 0, 0.5f, 1.0f);
  for (const bool coupled : {false, true}) {
    // Pairs of cells: a coupling c, start by its normal modes.
    const double c = coupled ? 0.3 : 0.0;
    std::vector<float> matrix(cells * cells, 0.0f);
    for (std::size_t i = 0; i < cells; i += 2) matrix[i * cells + i + 1] = matrix[(i + 1) * cells + i] = static_cast<float>(c);
    from.couplings = to.couplings = std::make_shared<const Couplings>(cells, matrix);
    const auto array = make_array(walkers(cells, lanes), nullptr);
    array->enable_meters(true);
    array->enable_cell_meter(CellMeter::heat);
    std::vector<std::vector<float>> start(lanes), end(lanes);
    for (std::uint32_t lane = 0; lane < lanes; ++lane) {
      auto& x = start[lane];
      x.resize(cells);
      // Normal numbers by Box and Muller from a Weyl sequence scrambled by sines: independent of the noise of the walk.
      for (std::uint32_t i = 0; i < cells; i += 2) {
        const auto uniform = [&](double salt) {
          const double v = std::sin((lane * 64.0 + i + 1) * 12.9898 + salt) * 43758.5453;
          return v - std::floor(v);
        };
        const double r = std::sqrt(-2 * std::log(1 - uniform(0.1))), angle = 2 * 3.14159265358979 * uniform(2.7);
        const double sum = r * std::cos(angle) / std::sqrt(1 + c), difference = r * std::sin(angle) / std::sqrt(1 - c);
        x[i] = static_cast<float>((sum + difference) / std::sqrt(2.0));
        x[i + 1] = static_cast<float>((sum - difference) / std::sqrt(2.0));
      }
      array->write(lane, 0, x, from);
    }
    array->clear_meters();
    go(*array, from, steps, dt, 0, &to);
    array->change_parameters(from, to);
    const auto energy = [&](const std::vector<float>& x, std::size_t i, const Parameters& p) {
      double sum = 0;
      for (const std::size_t k : {i, i + 1}) {
        const double v = x[k];
        sum += static_cast<double>(p.j2[k]) * v * v + static_cast<double>(p.bias[k]) * v;
      }
      return sum + c * static_cast<double>(x[i]) * static_cast<double>(x[i + 1]);
    };
    Values weights;
    std::vector<double> heat(cells);
    for (std::uint32_t lane = 0; lane < lanes; ++lane) {
      end[lane].resize(cells);
      array->read(lane, end[lane]);
      array->cell_meter(CellMeter::heat, lane, heat);
      for (std::size_t i = 0; i < cells; i += 2)
        weights.push_back(std::exp(-(energy(end[lane], i, to) - energy(start[lane], i, from) + heat[i] + heat[i + 1])));
    }
    // Z of V = x K x / 2 + b x: exp(b K^-1 b / 2) / sqrt det K.
    const double exact = std::sqrt((1 - c * c) / (4 - c * c)) * std::exp(0.25 / (2 + c));
    double mean = 0, square = 0;
    for (const double w : weights) mean += w / static_cast<double>(weights.size());
    for (const double w : weights) square += (w - mean) * (w - mean);
    const double error = std::sqrt(square) / static_cast<double>(weights.size());
    EXPECT_LT(error, 0.01 * exact);
    EXPECT_NEAR(mean, exact, 4.5 * error) << "coupling " << c;
  }
}

TEST(LatticeWalk, SaturatesInAStrongForceAndStaysFinite) {
  const auto array = make_array(walkers(4, 1), nullptr);
  array->enable_meters(true);
  const Parameters p = uncoupled(4, 0, 0, -1000.0f, 0.5f);
  go(*array, p, 100, 0.01);
  for (std::uint32_t i = 0; i < 4; ++i) EXPECT_NEAR(array->state(0, i), 100 * 0.1, 0.25) << "up, in every step but a few";
  const double heat = array->meters(0, p).heat_path;
  EXPECT_TRUE(std::isfinite(heat));
  EXPECT_GT(heat, 4 * 90 * 0.5 * 20 * std::log(2.0));
}

TEST(LatticeWalk, ReleasesNothingWhereARailHoldsIt) {
  ArraySpec spec = walkers(4, 1);
  spec.rail = 0.5f;
  const auto array = make_array(spec, nullptr);
  array->enable_meters(true);
  const Parameters p = uncoupled(4, 0, 0, -1000.0f, 0.5f);
  go(*array, p, 20, 0.01);
  const double arrived = array->meters(0, p).heat_path;
  go(*array, p, 50, 0.01, 20);
  for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(array->state(0, i), 0.5f);
  EXPECT_EQ(array->meters(0, p).heat_path, arrived);
}

TEST(LatticeWalk, JudgesItsStepByTheDecayOfSecondMoments) {
  ArraySpec spec = walkers(3, 1);
  spec.mobility = 2;
  const Parameters p = uncoupled(3, 2.0f, 0, 0, 1.0f);  // stiffness 4
  EXPECT_NEAR(longest_stable_step(spec, p, {}, CurvatureAt::rest, 1.0), 1.0 / 8, 1e-9);
  spec.stepper = Stepper::euler_maruyama;
  EXPECT_NEAR(longest_stable_step(spec, p, {}, CurvatureAt::rest, 1.0), 2.0 / 8, 1e-9);
}

TEST(LatticeWalk, KeepsStepsThatFloat32WouldRound) {
  const Parameters p = uncoupled(256, 0.5f, 0, 0, 1e-12f);
  const std::vector<std::uint32_t> free(256, ~0u);
  EXPECT_TRUE(loses_increments(walkers(256, 1), p, 0.01, free));
  const auto array = make_array(walkers(256, 16), nullptr);
  // Half way to 1 the numbers between which float32 states stick are 6e-8 apart, half of a step.
  const std::vector<float> start(256, 0.75f);
  for (std::uint32_t lane = 0; lane < 16; ++lane) array->write(lane, 0, start, p);
  Parameters flat = p;
  flat.j2.assign(256, 0.0f);
  go(*array, flat, 1000, 0.01);
  double mean = 0, square = 0;
  std::vector<float> x(256);
  for (std::uint32_t lane = 0; lane < 16; ++lane) {
    array->read(lane, x);
    for (const float value : x) {
      const double moved = static_cast<double>(value) - 0.75;
      mean += moved / 4096, square += moved * moved / 4096;
    }
  }
  EXPECT_NEAR(square / (2e-12 * 10), 1, 4.5 * std::sqrt(2.0 / 4096));
  EXPECT_LT(std::abs(mean), 4.5 * std::sqrt(2e-11 / 4096));
}

TEST(LatticeWalk, IsRefusedByName) {
  ArraySpec spec = walkers(2, 1);
  const Parameters cold = uncoupled(2, 1, 0, 0, 0);
  const auto no = refusal(spec, cold);
  ASSERT_TRUE(no);
  EXPECT_EQ(no->what, "lattice-walk needs noise: temperature 0 of cell 0");
  EXPECT_FALSE(refusal(spec, uncoupled(2, 1, 0, 0, 0.1f)));
  EXPECT_FALSE(can_refine(spec));
  spec.colour.common = 0.5;
  EXPECT_TRUE(refusal(spec)) << "noise of a colour";
  spec.colour = {};
  spec.kind = CellKind::underdamped;
  ASSERT_TRUE(refusal(spec));
  EXPECT_EQ(refusal(spec)->what, "stepper lattice-walk is not for cells of kind underdamped");
}

}  // namespace
}  // namespace heatbath::physics
