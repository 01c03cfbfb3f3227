// The device's meters against the captured states of a driven run, and Jarzynski's equality through the driver.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "heatbath/open.hpp"
#include "tests/physics/reference_array.hpp"

namespace heatbath {
namespace {

using reference_array::Network;

void load(Program& program, const Network& n) {
  program.load(CellSection::j2, n.j2).load(CellSection::j4, n.j4).load(CellSection::bias, n.bias);
  program.load_couplings(n.couplings).load_gain(n.gain);
}

TEST(DeviceMeters, AgreeWithWorkHeatPathHeatAndShadowWorkOfTheCapturedStates) {
  constexpr std::uint32_t cells = 50, shots = 19;
  constexpr std::uint64_t relax = 60, ramp = 80, last = 40;
  Network a = reference_array::example(cells, 0.3, 0.1), b = reference_array::example(cells, 1.9, 0.15),
          c = reference_array::example(cells, 0.9, 0.05);
  b.gain = 0.6f;
  for (const auto& [dt_units, threads] : {std::pair{0.01, 1}, std::pair{0.002, 2}}) {
    Device device = open("func:profile=ideal&cells=64&lanes=16&threads=" + std::to_string(threads));
    device.set_step_time_units(dt_units);
    const Ticks dt = device.step();
    Program program(device.capabilities(), cells);
    load(program, a);
    program.load_temperature(0.5f).commit().evolve(dt * 20).meter_clear().capture_start(dt).evolve(dt * relax);
    load(program, b);
    program.load_temperature(0.8f).ramp(dt * ramp);
    load(program, c);
    program.commit().evolve(dt * last).meter_snapshot(Meter::heat_per_cell).meter_snapshot();
    JobOptions options;
    options.shots = shots;
    options.seed = 5;
    const Result result = device.run(program, options);
    ASSERT_EQ(result.capture.records(), 1 + relax + ramp + last);

    const double mu_dt = dt_units;
    for (std::uint32_t shot = 0; shot < shots; ++shot) {
      const auto state = [&](std::uint64_t k) {
        const auto s = result.capture.state(shot, k);
        return std::vector<float>(s.begin(), s.end());
      };
      // Network that acts during step k, and after the last one.
      const auto network = [&](std::uint64_t k) {
        if (k < relax) return a;
        if (k < relax + ramp) return reference_array::between(a, b, static_cast<double>(k - relax) / ramp);
        return c;
      };
      double work = 0, heat = 0, heat_path = 0, largest = 0;
      for (std::uint64_t k = 0; k < relax + ramp + last; ++k) {
        const Network now = network(k), next = network(k + 1);
        const auto x = state(k), y = state(k + 1);
        heat -= reference_array::energy(now, y) - reference_array::energy(now, x);
        heat_path += reference_array::path_heat(now, x, y, mu_dt);
        work += reference_array::energy(next, y) - reference_array::energy(now, y);
        largest = std::max({largest, std::abs(work), std::abs(heat), std::abs(heat_path)});
      }
      const hb_meters_t& m = result.meters[0][shot];
      const double tolerance = 1e-5 * largest;
      EXPECT_NEAR(m.energy, reference_array::energy(c, state(relax + ramp + last)), tolerance);
      EXPECT_NEAR(m.work, work, tolerance) << "shot " << shot;
      EXPECT_NEAR(m.heat, heat, tolerance) << "shot " << shot;
      EXPECT_NEAR(m.heat_path, heat_path, tolerance) << "shot " << shot;
      EXPECT_NEAR(m.work_shadow, heat_path - heat, tolerance) << "shot " << shot;  // dE = W - Q
      EXPECT_GT(largest, 1.0);
      double of_cells = 0;
      for (std::uint32_t i = 0; i < cells; ++i) of_cells += result.meter(Meter::heat_per_cell)[std::size_t{shot} * cells + i];
      EXPECT_NEAR(of_cells, m.heat_path, tolerance) << "shot " << shot;
    }
    EXPECT_TRUE(result.meter(Meter::heat_per_cell, 1).empty()) << "a snapshot that did not ask";
  }
}

TEST(DeviceMeters, AHotCellHandsItsHeatToAColdOne) {
  // Two cells with a spring between them: kT 2 and 1, V = (x0^2 + x1^2)/2 + (x0 - x1)^2/2. What flows from
  // hot to cold per unit of time is k^2 (T1 - T2) / (2 k + 2 K) with k = 1 the spring, K = 1 the wells, at mobility 1.
  constexpr std::uint32_t shots = 4096;
  constexpr double duration = 8, flow = 1.0 * (2 - 1) / (2 * 1 + 2 * 1);
  Device device = open("func:cells=2&lanes=1024&threads=1");
  device.set_step_time_units(0.005);
  Program program(device.capabilities(), 2);
  program.load(CellSection::j2, 1.0f).load_couplings(std::vector<float>{0, -1, -1, 0});
  program.load(CellSection::kT, std::vector<float>{2, 1}).commit().evolve(device.ticks(4)).meter_clear();
  program.evolve(device.ticks(duration)).meter_snapshot(Meter::heat_per_cell);
  const Result result = device.run(program, {.shots = shots, .seed = 12});
  for (const std::uint32_t cell : {0u, 1u}) {
    double sum = 0, squares = 0;
    for (std::uint32_t shot = 0; shot < shots; ++shot) {
      const double heat = result.meter(Meter::heat_per_cell)[2 * shot + cell];
      sum += heat;
      squares += heat * heat;
    }
    const double mean = sum / shots, error = std::sqrt((squares / shots - mean * mean) / shots);
    const double expected = (cell == 0 ? -1 : 1) * flow * duration;
    EXPECT_LT(std::abs(mean - expected) / error, 4) << "cell " << cell << ": " << mean << " +- " << error;
    EXPECT_LT(error, 0.1 * flow * duration);
  }
}

TEST(DeviceMeters, HeatOfCellsIsRefusedByNameWhereThereIsNone) {
  Device silicon = open("func:profile=silicon&threads=1");
  Capabilities caps = open("func:cells=2").capabilities();
  caps.heat_per_cell = false;  // a chip with meters of lanes only
  Program program(caps, 2);
  try {
    program.meter_snapshot(Meter::heat_per_cell);
    ADD_FAILURE() << "it was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), HB_UNSUPPORTED);
    EXPECT_NE(std::string(error.what()).find("HEAT_PER_CELL"), std::string::npos) << error.what();
  }
  EXPECT_FALSE(silicon.capabilities().heat_per_cell);
  EXPECT_EQ(program.meter_snapshot().snapshots(), 1u);
}

TEST(DeviceMeters, WorkWithShadowWorkObeysJarzynskiAtAnyStep) {
  // Problem 5b: u = .3x - x^2 + x^4/4 from N(0, 1), kT = 1, dF = -1.1812045372 (Wu, Koehler & Noe, arXiv:2002.06707).
  constexpr double dF = -1.1812045372;
  constexpr std::uint32_t shots = 60000;
  for (const double dt_units : {0.05, 0.02}) {
    Device device = open("func:profile=ideal&cells=1&lanes=4096");
    device.set_step_time_units(0.5);
    // From x = 0 one step of dt = 1/2 in V = x^2/2 gives exactly N(0, 1): states that a second job is clamped to.
    Program prepare(device.capabilities(), 1);
    prepare.load(CellSection::j2, 0.5f).load_temperature(1).commit().evolve(device.step()).sample();
    JobOptions options;
    options.shots = shots;
    options.seed = 77;
    const Result prepared = device.run(prepare, options);
    std::vector<float> start(shots);
    for (std::uint32_t shot = 0; shot < shots; ++shot) start[shot] = prepared.capture.state(shot, 0)[0];

    device.set_step_time_units(dt_units);
    Program cross(device.capabilities(), 1);
    cross.load(CellSection::j2, 0.5f).load_temperature(1).commit().clamp_per_shot(0, 1, start, shots).release(0, 1);
    cross.meter_clear().load(CellSection::j2, -1).load(CellSection::j4, 0.25f).load(CellSection::bias, 0.3f);
    cross.ramp(device.step() * 100).meter_snapshot();
    options.first_shot = shots;
    const Result result = device.run(cross, options);
    double sum = 0, square = 0;
    for (const hb_meters_t& m : result.meters[0]) {
      const double weight = std::exp(-(m.work + m.work_shadow - dF));
      sum += weight;
      square += weight * weight;
    }
    const double mean = sum / shots, error = std::sqrt((square / shots - mean * mean) / shots);
    EXPECT_LT(std::abs(mean - 1) / error, 4) << "dt " << dt_units;
    EXPECT_LT(error, 0.006);
  }
}

}  // namespace
}  // namespace heatbath
