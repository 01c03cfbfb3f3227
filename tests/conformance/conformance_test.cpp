// Every kind of device, behind every kind of link, keeps the same claims.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "apps/conformance/conformance.hpp"
#include "tests/link/faulty_wire.hpp"
#include "tests/link/served.hpp"

namespace heatbath {
namespace {

using conformance::Verdict;
using testing::Served;

/// Checks all claims; `must_skip` are those the device does not advertise, and no others.
void expect_conforms(Device& device, const std::vector<std::string>& must_skip) {
  for (const conformance::Claim& claim : conformance::claims()) {
    const Verdict verdict = conformance::check(claim, device);
    const bool skips = std::find(must_skip.begin(), must_skip.end(), claim.name) != must_skip.end();
    EXPECT_NE(verdict.kind, Verdict::Kind::broken) << claim.name << ": " << claim.text << " But " << verdict.detail;
    EXPECT_EQ(verdict.kind == Verdict::Kind::skipped, skips) << claim.name << ": " << verdict.detail;
  }
}

void expect_conforms_at(const std::string& uri, const std::vector<std::string>& must_skip = {}) {
  Device device = open(uri);
  expect_conforms(device, must_skip);
}

constexpr const char* ideal = "func:cells=512&lanes=32&threads=1";
const std::vector<std::string> beyond_silicon{"determinism", "meters"};

TEST(Conformance, Func) { expect_conforms_at(ideal); }
TEST(Conformance, FuncSilicon) { expect_conforms_at("func:profile=silicon&cells=512&threads=1", beyond_silicon); }

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
