// Every kind of device, behind every kind of link, keeps the same claims.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "heatbath/conformance.hpp"
#include "heatbath/open.hpp"
#include "tests/link/faulty_wire.hpp"
#include "tests/link/served.hpp"

namespace heatbath {
namespace {

using conformance::Verdict;
using testing::Served;

/// Claims about other kinds of cells.
const std::vector<std::string> of_inertia{"statistics.inertia"}, of_rlc{"statistics.board"},
    of_phases{"statistics.phases"}, of_spins{"statistics.spins", "sampler.sweeps"}, of_states{"statistics.states"},
    of_energies{"meter-signs"},
    of_overdamped{"linear-cells",           "quartic-cells",   "statistics.linear-cell",
                  "statistics.single-well", "statistics.ring", "statistics.work"};

std::vector<std::string> together(std::initializer_list<std::vector<std::string>> lists) {
  std::vector<std::string> all;
  for (const auto& list : lists) all.insert(all.end(), list.begin(), list.end());
  return all;
}
const std::vector<std::string> beyond_overdamped = together({of_inertia, of_rlc, of_phases, of_spins, of_states});

/// What the array does is no affair of a link: the long claims about it are checked on a graph here, and on other arrays
/// in judging_test.cpp.
enum class Samplers { skipped, checked };

/// Checks all claims; `must_skip` are those the device does not advertise, and no others.
void expect_conforms(Device& device, const std::vector<std::string>& must_skip, Samplers samplers) {
  for (const conformance::Claim& claim : conformance::claims()) {
    if (samplers == Samplers::skipped && std::string_view(claim.name).starts_with("sampler.")) continue;
    const Verdict verdict = conformance::check(claim, device);
    const bool skips = std::find(must_skip.begin(), must_skip.end(), claim.name) != must_skip.end();
    EXPECT_NE(verdict.kind, Verdict::Kind::broken) << claim.name << ": " << claim.text << " But " << verdict.detail;
    EXPECT_EQ(verdict.kind == Verdict::Kind::skipped, skips) << claim.name << ": " << verdict.detail;
  }
}

void expect_conforms_at(const std::string& uri, const std::vector<std::string>& must_skip = beyond_overdamped,
                        Samplers samplers = Samplers::skipped) {
  Device device = open(uri);
  expect_conforms(device, must_skip, samplers);
}

constexpr const char* ideal = "func:cells=512&lanes=32&threads=1";
const std::vector<std::string> beyond_silicon =
    together({beyond_overdamped, {"determinism", "meters", "cell-heat", "meter-signs", "statistics.work"}});

TEST(Conformance, Func) { expect_conforms_at(ideal); }
TEST(Conformance, FuncSilicon) { expect_conforms_at("func:profile=silicon&cells=512&threads=1", beyond_silicon); }

TEST(Conformance, OtherKindsOfCells) {
  expect_conforms_at("func:cell=underdamped&cells=64&lanes=64&threads=1",
                     together({of_overdamped, of_rlc, of_phases, of_spins, of_states, of_energies}));
  expect_conforms_at("func:cell=rlc&cells=64&lanes=64&threads=1",
                     together({of_overdamped, of_inertia, of_phases, of_spins, of_states, of_energies}));
  expect_conforms_at("func:cell=phase&cells=64&lanes=64&threads=1",
                     together({of_overdamped, of_inertia, of_rlc, of_spins, of_states, of_energies}));
  expect_conforms_at("func:cell=pbit&cells=16&lanes=64&threads=1",
                     together({of_overdamped, of_inertia, of_rlc, of_phases, of_states}));
  expect_conforms_at("func:cell=categorical&cells=16&lanes=64&threads=1",
                     together({of_overdamped, of_inertia, of_rlc, of_phases, of_spins, of_energies}));
}

TEST(Conformance, BoardsOfPbitsThatHideTheirStep) {
  const auto beyond = together({of_overdamped, of_inertia, of_rlc, of_phases, of_states,
                                {"determinism", "meters", "cell-heat", "meter-signs", "sampler.sweeps"}});
  for (const char* chip : {"1", "2", "3"})
    expect_conforms_at("func:profile=probana-8&threads=1&chip=" + std::string(chip), beyond, Samplers::checked);
  expect_conforms_at("func:profile=wobbly-6&threads=1", together({beyond, {"readback"}}), Samplers::checked);
}

TEST(Conformance, OtherSteppersAndSparseCouplings) {
  expect_conforms_at("func:stepper=exact-ou&cells=64&lanes=64&threads=1",
                     together({beyond_overdamped, {"quartic-cells", "statistics.single-well"}}));
  expect_conforms_at("func:topology=grid:8x8&lanes=64&threads=1", together({beyond_overdamped, {"statistics.ring"}}),
                     Samplers::checked);
}

#ifdef HEATBATH_HAS_SYSTEMC
TEST(Conformance, Tlm) { expect_conforms_at("tlm:cells=512&lanes=32&threads=1"); }
TEST(Conformance, TlmApproximatelyTimed) { expect_conforms_at("tlm:cells=512&lanes=32&threads=1&timing=at"); }
TEST(Conformance, TlmSilicon) { expect_conforms_at("tlm:profile=silicon&cells=512&threads=1", beyond_silicon); }
TEST(Conformance, UnixToTlm) {
  Served served("tlm:cells=512&lanes=32&threads=1", "unix");
  expect_conforms_at(served.uri());
}
#endif

TEST(Conformance, Unix) {
  Served served(ideal, "unix");
  expect_conforms_at(served.uri());
}
TEST(Conformance, UnixToSilicon) {
  Served served("func:profile=silicon&cells=512&threads=1", "unix");
  expect_conforms_at(served.uri(), beyond_silicon);
}
TEST(Conformance, Tcp) {
  Served served(ideal, "tcp");
  expect_conforms_at(served.uri());
}
TEST(Conformance, Shm) {
  Served served(ideal, "shm");
  expect_conforms_at(served.uri());
}
TEST(Conformance, UioStandIn) {
  Served served(ideal, "uio");
  expect_conforms_at(served.uri());
}
TEST(Conformance, Etherbone) {
  Served served(ideal, "etherbone");
  expect_conforms_at(served.uri());
}
TEST(Conformance, EtherboneWithPacketsLostDoubledAndSwapped) {
  Served served(ideal, "etherbone");
  const testing::FaultyWire wire(served.uri(),
                                 {.lost_every = 100, .doubled_every = 100, .swapped_every = 1000, .seed = 7});
  expect_conforms_at(wire.uri());
  EXPECT_GT(wire.lost(), 20u);
  EXPECT_GT(wire.doubled(), 20u);
  EXPECT_GT(wire.swapped(), 0u);
  EXPECT_GT(served.server().counters().repeated, 0u);
  std::printf("of %llu packets %llu were lost, %llu doubled, %llu swapped; %llu came again to the server\n",
              static_cast<unsigned long long>(wire.passed()), static_cast<unsigned long long>(wire.lost()),
              static_cast<unsigned long long>(wire.doubled()), static_cast<unsigned long long>(wire.swapped()),
              static_cast<unsigned long long>(served.server().counters().repeated));
}
TEST(Conformance, UnixToShmToFunc) {
  Served inner(ideal, "shm");
  Served outer(inner.uri(), "unix");
  expect_conforms_at(outer.uri());
}

}  // namespace
}  // namespace heatbath
