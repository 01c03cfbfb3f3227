// Meters against sums recomputed in double precision from the states alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "heatbath/numerics/isa.hpp"
#include "hw_model/physics/quartic_array.hpp"
#include "tests/physics/reference_array.hpp"

namespace heatbath::physics {
namespace {

using reference_array::Network;

Parameters parameters(const Network& n, float kT) {
  Parameters p;
  p.j2 = n.j2;
  p.j4 = n.j4;
  p.bias = n.bias;
  p.couplings = std::make_shared<const Couplings>(static_cast<std::uint32_t>(n.cells()), n.couplings);
  p.gain = n.gain;
  p.kT = kT;
  return p;
}

constexpr double dt = 0.01;

struct Sums {
  double work = 0, heat = 0, heat_path = 0, largest = 0;
  void add_work(double w) { work += w, largest = std::max(largest, std::abs(work)); }
};

// Drives an array through relax, set, commit, ramp, relax, and recomputes everything from the states.
void drive(std::uint32_t lanes, std::uint64_t piece) {
  const std::uint32_t cells = 75;
  const Network a = reference_array::example(cells, 0.3, 0.1);
  Network b = reference_array::example(cells, 1.9, 0.15);
  b.gain = 0.6f;
  Network c = b;  // global gain ramp: same couplings
  c.gain = 1.4f;
  const Parameters pa = parameters(a, 0.5f), pb = parameters(b, 0.8f);
  Parameters pc = pb;
  pc.gain = c.gain;

  QuarticArray array(cells, lanes, 1.0f, 64.0f, nullptr);
  array.enable_meters(true);
  std::vector<Sums> sums(lanes);
  std::vector<std::vector<float>> x(lanes, std::vector<float>(cells, 0.0f));
  std::vector<double> start(lanes);
  for (auto& s : start) s = reference_array::energy(a, x[0]);
  std::uint64_t step = 0;

  const auto advance = [&](std::uint64_t steps, const Network& from, const Parameters& live, const Network* to,
                           const Parameters* target) {
    // Parameters at ramp step r act during step r; their change is work at the state the step starts from.
    std::vector<std::vector<std::vector<float>>> states(lanes);
    for (std::uint32_t lane = 0; lane < lanes; ++lane) states[lane].push_back(x[lane]);
    for (std::uint64_t done = 0; done < steps;) {
      physics::Run r;
      r.steps = std::min(piece, steps - done);
      r.dt = dt;
      r.noise = {11, 0, step + done};
      r.record_first = r.record_period = 1;
      r.record = [&](std::uint64_t, std::uint32_t lane, std::span<const float> state) {
        states[lane].emplace_back(state.begin(), state.end());
      };
      if (target) r.target = target, r.ramp_steps = steps, r.ramp_first = done;
      array.advance(r, live);
      done += r.steps;
    }
    step += steps;
    for (std::uint32_t lane = 0; lane < lanes; ++lane) {
      for (std::uint64_t k = 0; k < steps; ++k) {
        const Network n = to ? reference_array::between(from, *to, static_cast<double>(k) / steps) : from;
        sums[lane].heat_path += reference_array::path_heat(n, states[lane][k], states[lane][k + 1], dt);
        sums[lane].heat -= reference_array::energy(n, states[lane][k + 1]) - reference_array::energy(n, states[lane][k]);
        if (to) {
          const Network next = reference_array::between(from, *to, static_cast<double>(k + 1) / steps);
          sums[lane].add_work(reference_array::energy(next, states[lane][k + 1]) - reference_array::energy(n, states[lane][k + 1]));
        }
        sums[lane].largest = std::max({sums[lane].largest, std::abs(sums[lane].heat), std::abs(sums[lane].heat_path)});
      }
      x[lane] = states[lane].back();
    }
  };
  const auto check = [&](const Network& n, const Parameters& live, const char* where) {
    for (std::uint32_t lane = 0; lane < lanes; ++lane) {
      const LaneMeters m = array.meters(lane, live);
      const double energy = array.energy(lane, live), tolerance = 1e-5 * sums[lane].largest;
      const double exact = reference_array::energy(n, x[lane]);
      EXPECT_NEAR(energy, exact, tolerance) << where << ", lane " << lane;
      EXPECT_NEAR(m.work, sums[lane].work, tolerance) << where << ", lane " << lane;
      EXPECT_NEAR(m.heat_path, sums[lane].heat_path, tolerance) << where << ", lane " << lane;
      // Heat and shadow work as the device derives them.
      const double heat = m.work - (energy - start[lane]);
      EXPECT_NEAR(heat, sums[lane].heat, tolerance) << where << ", lane " << lane;
      EXPECT_NEAR(-heat + m.heat_path, sums[lane].heat_path - sums[lane].heat, tolerance) << where << ", lane " << lane;
    }
  };

  advance(40, a, pa, nullptr, nullptr);
  check(a, pa, "after relaxing");
  for (std::uint32_t lane = 0; lane < lanes; ++lane) {
    const double before = reference_array::energy(a, x[lane]);
    const std::vector<float> values{0.4f + 0.01f * static_cast<float>(lane), -0.9f};
    array.write(lane, 20, values, pa);
    std::copy(values.begin(), values.end(), x[lane].begin() + 20);
    sums[lane].add_work(reference_array::energy(a, x[lane]) - before);
  }
  check(a, pa, "after setting cells");
  advance(15, a, pa, nullptr, nullptr);
  array.change_parameters(pa, pb);
  for (std::uint32_t lane = 0; lane < lanes; ++lane)
    sums[lane].add_work(reference_array::energy(b, x[lane]) - reference_array::energy(a, x[lane]));
  check(b, pb, "after a change of all parameters");
  advance(25, b, pb, nullptr, nullptr);
  advance(60, b, pb, &c, &pc);
  check(c, pc, "after a ramp of the gain");
  advance(60, c, pc, &a, &pa);
  check(a, pa, "after a ramp between two coupling images");
  advance(20, a, pa, nullptr, nullptr);
  check(a, pa, "at the end");
  EXPECT_GT(sums[0].largest, 10.0);  // the drive did something
}

TEST(ArrayMeters, AgreeWithSumsOverStatesInDouble) {
  drive(1, 1000);
  drive(18, 1000);
}

TEST(ArrayMeters, DoNotDependOnHowARunIsCut) {
  drive(1, 7);
  drive(18, 1);
}

// Work, path heat and energy of lane 0 after some runs: the same bits on every instruction set, alone or as one of 16.
void expect_same_bits(const Parameters& from, const std::vector<physics::Run>& runs, const Parameters& end) {
  const auto before = numerics::active_isa();
  std::vector<double> expected;
  for (const auto isa : numerics::available_isas()) {
    numerics::select_isa(isa);
    for (const std::uint32_t lanes : {1u, 16u}) {
      QuarticArray array(static_cast<std::uint32_t>(from.j2.size()), lanes, 1.0f, 64.0f, nullptr);
      array.enable_meters(true);
      for (const auto& run : runs) array.advance(run, from);
      const auto m = array.meters(0, end);
      const std::vector<double> got{m.work, m.heat_path, array.energy(0, end)};
      if (expected.empty()) expected = got;
      EXPECT_EQ(got, expected) << numerics::name(isa) << ", " << lanes << " lanes";
    }
  }
  numerics::select_isa(before);
}

physics::Run sixty_steps(std::uint64_t first, const Parameters* target) {
  physics::Run r;
  r.steps = 60;
  r.dt = dt;
  r.noise = {5, 0, first};
  if (target) r.target = target, r.ramp_steps = 60;
  return r;
}

TEST(ArrayMeters, HaveTheSameBitsOnEveryInstructionSetAndForAnyLanes) {
  // Seven groups of 64; in every other one cells are alone and cold, with heats so small that sums in double are
  // rounded and their order shows.
  const std::uint32_t cells = 400;
  const auto make = [&](double flavour, double coupling) {
    Network n = reference_array::example(cells, flavour, coupling);
    std::vector<float> kT(cells, 0.5f);
    for (std::uint32_t i = 0; i < cells; ++i) {
      if (i / 64 % 2 == 0) continue;
      n.bias[i] = 0;
      kT[i] = 1e-12f;
      for (std::uint32_t k = 0; k < cells; ++k) n.couplings[i * cells + k] = n.couplings[k * cells + i] = 0;
    }
    Parameters p = parameters(n, 0.5f);
    p.kT_cell = kT;
    return p;
  };
  const Parameters p = make(0.3, 0.03), q = make(1.3, 0.02);
  expect_same_bits(p, {sixty_steps(0, nullptr), sixty_steps(60, &q)}, q);
}

TEST(ArrayMeters, HaveTheSameBitsWhereNoCellHasItsOwnTemperature) {
  const std::uint32_t cells = 400;
  const Parameters p = parameters(reference_array::example(cells, 0.3, 0.03), 0.5f);
  Parameters gain = p, own = p;
  gain.gain = 0.4f;
  own.bias = parameters(reference_array::example(cells, 1.3, 0.03), 0.5f).bias;
  expect_same_bits(p, {sixty_steps(0, nullptr)}, p);
  expect_same_bits(p, {sixty_steps(0, &gain)}, gain);
  expect_same_bits(p, {sixty_steps(0, &own)}, own);
}

TEST(ArrayMeters, AClampedCellExchangesNoHeat) {
  // One free cell coupled to a clamped one: the path heat is that of the free cell alone in a constant field.
  Network two;
  two.j2 = {1, 1};
  two.j4 = {1, 1};
  two.bias = {0, 0};
  two.couplings = {0, 0.5f, 0.5f, 0};
  Network one;
  one.j2 = {1};
  one.j4 = {1};
  one.bias = {0.5f * 0.8f};
  one.couplings = {0};
  const Parameters p = parameters(two, 0.5f);
  QuarticArray array(2, 1, 1.0f, 64.0f, nullptr);
  array.write(0, 1, std::vector<float>{0.8f}, p);
  array.set_clamped(std::vector<std::uint8_t>{0, 1}, p);
  array.enable_meters(true);
  std::vector<float> before{0.0f};
  double heat = 0;
  physics::Run r;
  r.steps = 500;
  r.dt = dt;
  r.noise = {8, 0, 0};
  r.record_first = r.record_period = 1;
  r.record = [&](std::uint64_t, std::uint32_t, std::span<const float> state) {
    const std::vector<float> now{state[0]};
    heat += reference_array::path_heat(one, before, now, dt);
    before = now;
  };
  array.advance(r, p);
  EXPECT_NEAR(array.meters(0, p).heat_path, heat, 1e-5);
}

}  // namespace
}  // namespace heatbath::physics
