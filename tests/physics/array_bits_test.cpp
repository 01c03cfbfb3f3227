#include <gtest/gtest.h>

#include <cstring>
#include <mutex>
#include <numeric>

#include "heatbath/numerics/isa.hpp"
#include "heatbath/numerics/thread_team.hpp"
#include "hw_model/physics/quartic_array.hpp"
#include "hw_model/physics/noise.hpp"
#include "hw_model/physics/packed_couplings.hpp"
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

// Every lane's state after `steps` steps from 0, cut into pieces of `piece`.
std::vector<std::vector<float>> run(const Parameters& p, std::uint32_t cells, std::uint32_t lanes, std::uint64_t steps,
                                    std::uint64_t piece, unsigned threads, std::uint32_t shot0 = 0,
                                    const Parameters* target = nullptr, std::uint64_t first_step = 0) {
  numerics::ThreadTeam team(threads);
  QuarticArray array(cells, lanes, 1.0f, 64.0f, &team);
  for (std::uint64_t done = 0; done < steps;) {
    physics::Run r;
    r.steps = std::min(piece, steps - done);
    r.dt = 0.004;
    r.noise = {42, shot0, first_step + done};
    if (target) r.target = target, r.ramp_steps = steps, r.ramp_first = done;
    array.advance(r, p);
    done += r.steps;
  }
  std::vector<std::vector<float>> states(lanes, std::vector<float>(cells));
  for (std::uint32_t lane = 0; lane < lanes; ++lane) array.read(lane, states[lane]);
  return states;
}

class ArrayBits : public ::testing::Test {
 protected:
  ~ArrayBits() override { numerics::select_isa(before_); }
  numerics::Isa before_ = numerics::active_isa();
};

TEST_F(ArrayBits, AreThoseOfAPlainLoopOfFusedChains) {
  const std::uint32_t cells = 150;
  const Network n = reference_array::example(cells, 0.3, 0.1);
  const Parameters p = parameters(n, 0.5f);
  const auto sigma = static_cast<float>(std::sqrt(2.0 * 0.004 * 0.5));
  std::vector<float> x(cells, 0.0f), noise(cells);
  for (std::uint64_t step = 0; step < 20; ++step) {
    for (std::uint32_t cell = 0; cell < cells; ++cell) noise[cell] = normal(42, cell, step, 7);
    x = reference_array::step(n, x, noise, 0.004f, sigma);
  }
  for (const auto isa : numerics::available_isas()) {
    ASSERT_TRUE(numerics::select_isa(isa));
    EXPECT_EQ(run(p, cells, 1, 20, 20, 1, 7)[0], x) << numerics::name(isa) << ", one lane";
    EXPECT_EQ(run(p, cells, 16, 20, 20, 1, 2)[5], x) << numerics::name(isa) << ", lane 5 of 16";
  }
}

TEST_F(ArrayBits, DoNotDependOnLanesThreadsPiecesOrInstructionSet) {
  const std::uint32_t cells = 100, lanes_in_all = 37;
  const std::uint64_t steps = 20;
  const Parameters p = parameters(reference_array::example(cells, 0.3, 0.1), 0.5f);
  const Parameters q = parameters(reference_array::example(cells, 1.3, 0.07), 0.2f);
  for (const Parameters* target : {static_cast<const Parameters*>(nullptr), &q}) {
    numerics::select_isa(numerics::Isa::portable);
    const auto expected = run(p, cells, lanes_in_all, steps, steps, 1, 0, target);
    for (const auto isa : numerics::available_isas()) {
      numerics::select_isa(isa);
      for (const auto& [threads, piece] : {std::pair{1u, 1u}, std::pair{2u, 7u}, std::pair{2u, 64u}})
        EXPECT_EQ(run(p, cells, lanes_in_all, steps, piece, threads, 0, target), expected)
            << numerics::name(isa) << ' ' << threads << " threads, pieces of " << piece;
      for (const std::uint32_t lanes : {1u, 3u, 16u, 20u}) {
        const auto states = run(p, cells, lanes, steps, steps, 2, 15, target);
        for (std::uint32_t lane = 0; lane < lanes; ++lane)
          EXPECT_EQ(states[lane], expected[15 + lane]) << numerics::name(isa) << " lane " << lane << " of " << lanes;
      }
    }
  }
}

TEST_F(ArrayBits, SkippingZeroBlocksOfCouplingsChangesNothing) {
  const std::uint32_t cells = 300;
  Network n = reference_array::example(cells, 0.1, 0.1);
  for (std::uint32_t i = 0; i < 220; ++i)
    for (std::uint32_t k = 0; k < 220; ++k) n.couplings[i * cells + k] = 0.0f;
  const Parameters p = parameters(n, 0.5f);
  std::vector<float> x(cells, 0.0f), noise(cells);
  const auto sigma = static_cast<float>(std::sqrt(2.0 * 0.004 * 0.5));
  for (std::uint64_t step = 0; step < 5; ++step) {
    for (std::uint32_t cell = 0; cell < cells; ++cell) noise[cell] = normal(42, cell, step, 0);
    x = reference_array::step(n, x, noise, 0.004f, sigma);
  }
  EXPECT_EQ(run(p, cells, 16, 5, 5, 1)[0], x);
  EXPECT_EQ(run(p, cells, 1, 5, 5, 1)[0], x);
}

TEST_F(ArrayBits, PerLaneBiasesGiveEachLaneItsOwnNetwork) {
  const std::uint32_t cells = 70, lanes = 21;
  const Network n = reference_array::example(cells, 0.3, 0.1);
  Parameters p = parameters(n, 0.5f);
  p.bias_per_lane = true;
  p.bias.resize(cells * lanes);
  for (std::size_t i = 0; i < p.bias.size(); ++i) p.bias[i] = static_cast<float>(std::sin(0.3 * i));
  Parameters zero = p;
  std::fill(zero.bias.begin(), zero.bias.end(), 0.0f);
  for (const Parameters* target : {static_cast<const Parameters*>(nullptr), static_cast<const Parameters*>(&zero)}) {
    const auto all = run(p, cells, lanes, 12, 5, 2, 0, target);
    for (const std::uint32_t lane : {0u, 8u, 15u, 16u, 20u}) {
      Parameters own = parameters(n, 0.5f), end = own;
      own.bias.assign(p.bias.begin() + lane * cells, p.bias.begin() + (lane + 1) * cells);
      std::fill(end.bias.begin(), end.bias.end(), 0.0f);
      EXPECT_EQ(run(own, cells, 1, 12, 12, 1, lane, target ? &end : nullptr)[0], all[lane]) << "lane " << lane;
    }
  }
}

TEST_F(ArrayBits, CouplingsOfFewBitsAreKeptAsHalvesWithTheSameChains) {
  for (const std::uint32_t cells : {65u, 151u, 300u}) {
    Network n = reference_array::example(cells, 0.3, 0.1);
    for (float& value : n.couplings) value = std::rint(value * 1024.0f) / 1024.0f;  // at most 8 bits
    if (cells == 300)  // groups with runs of their own
      for (std::uint32_t i = 0; i < 128; ++i)
        for (std::uint32_t k = 64; k < cells; ++k) n.couplings[i * cells + k] = n.couplings[k * cells + i] = 0.0f;
    const Parameters p = parameters(n, 0.5f);
    const auto sigma = static_cast<float>(std::sqrt(2.0 * 0.004 * 0.5));
    std::vector<float> x(cells, 0.0f), noise(cells);
    for (std::uint64_t step = 0; step < 6; ++step) {
      for (std::uint32_t cell = 0; cell < cells; ++cell) noise[cell] = normal(42, cell, step, 0);
      x = reference_array::step(n, x, noise, 0.004f, sigma);
    }
    for (const auto isa : numerics::available_isas()) {
      ASSERT_TRUE(numerics::select_isa(isa));
      EXPECT_EQ(run(p, cells, 1, 6, 6, 1)[0], x) << numerics::name(isa) << ", " << cells << " cells";
      const auto& view = p.couplings->packed(Couplings::PackedFor::one_lane).view;
      EXPECT_NE(view.halves, nullptr);
      EXPECT_EQ(run(p, cells, 16, 6, 6, 1)[0], x) << numerics::name(isa) << ", " << cells << " cells";
    }
  }
}

TEST_F(ArrayBits, GroupsClampedAsAWholeStayAndTheOthersFeelThem) {
  const std::uint32_t cells = 330;  // six groups of 64, the last one cut
  const Network n = reference_array::example(cells, 0.3, 0.05);
  const Parameters p = parameters(n, 0.5f);
  const auto sigma = static_cast<float>(std::sqrt(2.0 * 0.004 * 0.5));
  std::vector<float> start(cells), noise(cells);
  for (std::uint32_t i = 0; i < cells; ++i) start[i] = static_cast<float>(0.5 * std::sin(0.9 * i));
  // One whole group beside a free one; two neighbours and the beginning of a third; all but the last.
  for (const auto& [first, end] : {std::pair{64u, 128u}, std::pair{128u, 260u}, std::pair{0u, 320u}}) {
    std::vector<std::uint8_t> clamped(cells, 0);
    std::fill(clamped.begin() + first, clamped.begin() + end, std::uint8_t{1});
    std::vector<float> x = start;
    double heat = 0;
    for (std::uint64_t step = 0; step < 9; ++step) {
      for (std::uint32_t cell = 0; cell < cells; ++cell) noise[cell] = normal(42, cell, step, 3);
      std::vector<float> moved = reference_array::step(n, x, noise, 0.004f, sigma);
      std::copy(x.begin() + first, x.begin() + end, moved.begin() + first);
      heat += reference_array::path_heat(n, x, moved, 0.004, clamped);
      x = moved;
    }
    for (const auto isa : numerics::available_isas())
      for (const std::uint32_t lanes : {1u, 32u}) {
        ASSERT_TRUE(numerics::select_isa(isa));
        QuarticArray array(cells, lanes, 1.0f, 64.0f, nullptr);
        for (std::uint32_t lane = 0; lane < lanes; ++lane) array.write(lane, 0, start, p);
        array.set_clamped(clamped, p);
        array.enable_meters(true);
        physics::Run run;
        run.steps = 9;
        run.dt = 0.004;
        run.noise = {42, 3, 0};
        array.advance(run, p);
        std::vector<float> state(cells);
        array.read(0, state);
        EXPECT_EQ(state, x) << numerics::name(isa) << ", " << lanes << " lanes, " << first << " to " << end;
        EXPECT_NEAR(array.meters(0, p).heat_path, heat, 1e-5 * std::max(1.0, std::abs(heat)));
      }
  }
}

TEST(Array, RecordsAreTheStatesAtTheirStepsHoweverTheStretchIsCut) {
  const std::uint32_t cells = 70, lanes = 18;
  const Parameters p = parameters(reference_array::example(cells, 0.3, 0.1), 0.5f);
  numerics::ThreadTeam team(2);
  QuarticArray array(cells, lanes, 1.0f, 64.0f, &team);
  std::mutex mutex;
  std::vector<std::vector<std::vector<float>>> records(5, std::vector<std::vector<float>>(lanes));
  physics::Run r;
  r.steps = 17;
  r.dt = 0.004;
  r.noise = {42, 0, 0};
  r.record_first = 2;
  r.record_period = 4;  // after steps 2, 6, 10, 14
  r.record = [&](std::uint64_t ordinal, std::uint32_t lane, std::span<const float> state) {
    const std::lock_guard lock(mutex);
    ASSERT_LT(ordinal, 4u);
    records[ordinal][lane].assign(state.begin(), state.end());
  };
  array.advance(r, p);
  for (std::uint64_t i = 0; i < 4; ++i) EXPECT_EQ(records[i], run(p, cells, lanes, 2 + 4 * i, 100, 1)) << "record " << i;
}

TEST(Array, ClampedCellsHoldTheirValueAndTheOthersFeelIt) {
  const std::uint32_t cells = 66;
  const Network n = reference_array::example(cells, 0.3, 0.1);
  const Parameters p = parameters(n, 0.5f);
  std::vector<std::uint8_t> clamped(cells, 0);
  clamped[3] = clamped[65] = 1;
  for (const std::uint32_t lanes : {1u, 16u}) {
    QuarticArray array(cells, lanes, 1.0f, 64.0f, nullptr);
    for (std::uint32_t lane = 0; lane < lanes; ++lane) {
      array.write(lane, 3, std::vector<float>{0.75f}, p);
      array.write(lane, 65, std::vector<float>{-0.5f}, p);
    }
    array.set_clamped(clamped, p);
    physics::Run r;
    r.steps = 9;
    r.dt = 0.004;
    r.noise = {42, 0, 0};
    array.advance(r, p);
    std::vector<float> x(cells, 0.0f), noise(cells), got(cells);
    x[3] = 0.75f, x[65] = -0.5f;
    for (std::uint64_t step = 0; step < 9; ++step) {
      for (std::uint32_t cell = 0; cell < cells; ++cell) noise[cell] = normal(42, cell, step, 0);
      x = reference_array::step(n, x, noise, 0.004f, static_cast<float>(std::sqrt(2.0 * 0.004 * 0.5)));
      x[3] = 0.75f, x[65] = -0.5f;
    }
    array.read(0, got);
    EXPECT_EQ(got, x) << lanes << " lanes";
  }
}

TEST(Array, AnUnstableStepIsHeldToTheRailsAndCountedNeverNaN) {
  const std::uint32_t cells = 70;
  Network n = reference_array::example(cells, 0.3, 0.0);
  n.j2.assign(cells, 0.1f);
  n.j4.assign(cells, 0.0f);
  n.bias.assign(cells, 0.0f);
  n.j2[41] = -2000.0f;  // repels: leaves through the rail
  const Parameters p = parameters(n, 0.5f);
  for (const std::uint32_t lanes : {1u, 17u}) {
    QuarticArray array(cells, lanes, 1.0f, 2.0f, nullptr);
    physics::Run r;
    r.steps = 50;
    r.dt = 0.004;
    r.noise = {42, 0, 0};
    array.advance(r, p);
    std::vector<float> x(cells);
    for (std::uint32_t lane = 0; lane < lanes; ++lane) {
      array.read(lane, x);
      EXPECT_EQ(std::abs(x[41]), 2.0f);
      for (const float v : x) EXPECT_LE(std::abs(v), 2.0f);
    }
    EXPECT_EQ(array.rail_cell(), 41u);
    EXPECT_GT(array.rail_count(), 30u * lanes);
    EXPECT_LE(array.rail_count(), 50u * lanes);  // lanes that only pad a tile do not count
    array.clear_rails();
    EXPECT_EQ(array.rail_count(), 0u);
  }
}

TEST(Array, AtZeroTemperatureIsDeterministic) {
  const std::uint32_t cells = 64;
  const Parameters p = parameters(reference_array::example(cells, 0.3, 0.1), 0.0f);
  EXPECT_EQ(run(p, cells, 2, 30, 30, 1, 0)[0], run(p, cells, 2, 30, 30, 1, 1000)[1]);
}

TEST(Array, GoldenStateOfAReferenceRun) {
  // FNV-1a over the bits of a run with ramped parameters: changes only when the physics, the noise address or the
  // order of a sum changes, and then the change is stated in the changelog.
  const std::uint32_t cells = 130;
  const Parameters p = parameters(reference_array::example(cells, 0.3, 0.1), 0.5f);
  const Parameters q = parameters(reference_array::example(cells, 1.3, 0.07), 0.2f);
  std::uint64_t hash = 1469598103934665603ULL;
  for (const auto& lane : run(p, cells, 19, 100, 100, 2, 0, &q, (1ULL << 32) - 50))
    for (const float v : lane) {
      std::uint32_t bits;
      std::memcpy(&bits, &v, 4);
      for (int byte = 0; byte < 4; ++byte) hash = (hash ^ (bits >> 8 * byte & 255u)) * 1099511628211ULL;
    }
  EXPECT_EQ(hash, 15146926900628807450ULL);
}

}  // namespace
}  // namespace heatbath::physics
