// Every make of array: bits, states, refusals.
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <sstream>

#include "heatbath/numerics/isa.hpp"
#include "heatbath/numerics/thread_team.hpp"
#include "hw_model/physics/noise.hpp"
#include "hw_model/physics/quartic_array.hpp"
#include "tests/physics/makes.hpp"

namespace heatbath::physics {
namespace {

using makes::Make;

struct Outcome {
  std::vector<std::vector<float>> states;
  std::vector<double> work, heat;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

struct How {
  std::uint32_t lanes = 19, shot0 = 0;
  std::uint64_t piece = 1000;
  unsigned threads = 1;
  bool ramped = false, metered = false;
};

constexpr std::uint64_t steps = 6;

Outcome run(const Make& make, const How& how, const Parameters& p, const Parameters& q) {
  numerics::ThreadTeam team(how.threads);
  const auto array = make_array(makes::spec(make, how.lanes), &team);
  std::vector<std::uint8_t> clamped(makes::cells, 0);
  clamped[3] = 1;
  for (std::uint32_t lane = 0; lane < how.lanes; ++lane) array->write(lane, 3, std::vector<float>{0.75f, -0.5f}, p);
  array->set_clamped(clamped, p);
  if (how.metered) array->enable_meters(true);
  for (std::uint64_t done = 0; done < steps;) {
    physics::Run r;
    r.steps = std::min(how.piece, steps - done);
    r.dt = makes::dt(make);
    r.noise = {42, how.shot0, (1ULL << 32) - 3 + done};
    if (how.ramped) r.target = &q, r.ramp_steps = steps, r.ramp_first = done;
    array->advance(r, p);
    done += r.steps;
  }
  Outcome o;
  for (std::uint32_t lane = 0; lane < how.lanes; ++lane) {
    o.states.emplace_back(array->variables());
    array->read(lane, o.states.back());
    const auto m = array->meters(lane, how.ramped ? q : p);
    o.work.push_back(m.work);
    o.heat.push_back(m.heat_path);
  }
  return o;
}

class EveryMake : public ::testing::TestWithParam<Make> {
 protected:
  ~EveryMake() override { numerics::select_isa(before_); }
  numerics::Isa before_ = numerics::active_isa();
};

TEST_P(EveryMake, HasBitsThatDoNotDependOnLanesThreadsCutsOrInstructionSet) {
  const Make& make = GetParam();
  const std::uint32_t lanes = 37;
  const auto how = [&](std::uint32_t n, std::uint32_t shot0, std::uint64_t piece, unsigned threads, bool ramped, bool metered) {
    How h;
    h.lanes = n, h.shot0 = shot0, h.piece = piece, h.threads = threads, h.ramped = ramped, h.metered = metered;
    return h;
  };
  const Parameters q = makes::parameters(make, 1.9);
  for (const bool ramped : {false, true})
    for (const bool lane_bias : {false, true}) {
      const Parameters p = makes::parameters(make, 0.3, lane_bias ? lanes : 0);
      numerics::select_isa(numerics::available_isas().back());
      const Outcome expected = run(make, how(lanes, 0, 1000, 1, ramped, true), p, q);
      for (const auto& lane : expected.states)
        for (const float v : lane) ASSERT_TRUE(std::isfinite(v));
      EXPECT_EQ(run(make, how(lanes, 0, 1000, 2, ramped, false), p, q).states, expected.states) << "meters change the states";
      EXPECT_TRUE(run(make, how(lanes, 0, 1, 2, ramped, true), p, q) == expected) << "step by step, two threads";
      EXPECT_TRUE(run(make, how(lanes, 0, 4, 1, ramped, true), p, q) == expected) << "in pieces";
      if (lane_bias) {
        Parameters own = p;
        own.bias_per_lane = false;
        own.bias.assign(p.bias.begin() + 33 * makes::cells, p.bias.begin() + 34 * makes::cells);
        EXPECT_EQ(run(make, how(1, 33, 1000, 1, ramped, false), own, q).states[0], expected.states[33]) << "own bias";
        continue;
      }
      for (const auto isa : numerics::available_isas()) {
        numerics::select_isa(isa);
        const Outcome few = run(make, how(5, 30, 1000, 1, ramped, true), p, q);
        for (std::uint32_t lane = 0; lane < 5; ++lane) {
          EXPECT_EQ(few.states[lane], expected.states[30 + lane]) << numerics::name(isa) << ", lane " << lane << " of 5";
          EXPECT_EQ(few.heat[lane], expected.heat[30 + lane]) << numerics::name(isa);
          EXPECT_EQ(few.work[lane], expected.work[30 + lane]) << numerics::name(isa);
        }
      }
    }
}

INSTANTIATE_TEST_SUITE_P(Physics, EveryMake, ::testing::ValuesIn(makes::all()),
                         [](const auto& parameter) { return parameter.param.name(); });

}  // namespace
}  // namespace heatbath::physics
