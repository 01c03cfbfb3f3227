// rtl: and func:profile=fpga-pbit are the same device, bit for bit.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "heatbath/network/network.hpp"
#include "heatbath/open.hpp"
#include "heatbath/solvers/anneal.hpp"
#include "hw_model/device/profile.hpp"
#include "sim/src/functional_transport.hpp"
#include "sim/src/rtl_transport.hpp"
#include "tests/systemc/random_program.hpp"

namespace heatbath {
namespace {

/// Programs of a test; HEATBATH_RANDOM_PROGRAMS says how many in a longer run (tools/rtl.sh).
unsigned program_count(unsigned usual) {
  const char* wanted = std::getenv("HEATBATH_RANDOM_PROGRAMS");
  return wanted != nullptr ? static_cast<unsigned>(std::strtoul(wanted, nullptr, 10)) : usual;
}

void expect_equal_observations(std::uint32_t cells, unsigned first, unsigned programs) {
  const model::Profile profile = model::load_profile("fpga-pbit");
  FunctionalTransport func(profile, {.cells = cells, .seed = 7, .threads = 1}, "");
  RtlTransport rtl(cells, 7, profile.serial, "");
  testing::RandomHost on_func(func), on_rtl(rtl);
  std::size_t observations = 0, ended = 0, records = 0, aborted = 0, faulted = 0;
  for (unsigned program = first; program < first + programs; ++program) {
    SCOPED_TRACE(std::to_string(cells) + " cells, program " + std::to_string(program));
    const testing::Observations expected = on_func.run(program, profile, cells, 1);
    const testing::Observations found = on_rtl.run(program, profile, cells, 1);
    for (std::size_t i = 0; i < std::min(expected.size(), found.size()); ++i)
      ASSERT_EQ(expected[i], found[i]) << "observation " << i << " of " << expected.size();
    ASSERT_EQ(expected.size(), found.size());
    observations += expected.size();
    const std::uint32_t status = func.read32(HB_STATUS_OFFSET);
    rtl.read32(HB_STATUS_OFFSET);
    ended += (status & HB_STATUS_DONE_MASK) != 0;
    aborted += (status & HB_STATUS_ABORTED_MASK) != 0;
    faulted += (status & HB_STATUS_FAULT_MASK) != 0;
    records += func.read32(HB_CAPTURE_HEAD_OFFSET);
    rtl.read32(HB_CAPTURE_HEAD_OFFSET);
  }
  std::printf("%u cells: %u programs, %zu done, %zu aborted, %zu faults, %zu records, %zu observations, %.3g clocks\n",
              cells, programs, ended, aborted, faulted, records, observations, static_cast<double>(rtl.clocks()));
  EXPECT_GT(ended, programs / 4);
  EXPECT_GT(records, programs);
}

TEST(RtlChip, RandomProgramsGiveTheBitsOfTheModel) { expect_equal_observations(12, 0, program_count(24)); }
TEST(RtlChip, RandomProgramsGiveTheBitsOfTheModelOnAllCells) { expect_equal_observations(64, 5000, program_count(24) / 4); }

/// 64 spins, all pairs +1 or -1.
network::Network glass(std::uint64_t seed) {
  std::mt19937_64 rng(seed);
  std::vector<network::Edge> pairs;
  for (std::uint32_t i = 0; i < 64; ++i)
    for (std::uint32_t j = i + 1; j < 64; ++j) pairs.push_back({i, j, (rng() & 1) != 0 ? 1.0 : -1.0});
  return network::Network::ising(pairs, std::vector<double>(64, 0.0));
}

TEST(RtlChip, AnnealsTwentyGlassesToTheStatesOfTheModel) {
  Device rtl(std::make_unique<RtlTransport>(64, 1, 1, "rtl:"));
  Device func = open("func:profile=fpga-pbit&threads=1");
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const network::Network network = glass(seed);
    solvers::AnnealOptions options;
    options.reads = 1;
    options.sweeps = 40;
    options.seed = seed;
    const solvers::SampleSet found = solvers::anneal(rtl, network, options), expected = solvers::anneal(func, network, options);
    ASSERT_EQ(found.energies()[0], expected.energies()[0]) << "seed " << seed;
    ASSERT_TRUE(std::ranges::equal(found.states(), expected.states())) << "seed " << seed;
    ASSERT_LT(found.energies()[0], -100) << "seed " << seed;  // it searches: states at random are at 0 +- 45
  }
}

// Device memory as a bus master sees it: words, strobes, its end.
TEST(RtlChip, MemoryIsBehindTheBus) {
  RtlTransport rtl(64, 1, 1, "");
  constexpr auto base = static_cast<std::uint32_t>(HB_MEMORY_BASE);
  const std::uint32_t last = base + rtl.bus_read(HB_CAPS_MEMORY_LO_OFFSET) - 4;
  bool okay = false;
  for (const std::uint32_t address : {base, base + 0x1000, last}) {
    rtl.bus_write(address, 0x11223344, 0xF, &okay);
    EXPECT_TRUE(okay);
    rtl.bus_write(address, 0xAABBCCDD, 0x5);
    EXPECT_EQ(rtl.bus_read(address, &okay), 0x11BB33DDu);
    EXPECT_TRUE(okay);
    const auto lent = rtl.map(address, 4);
    ASSERT_TRUE(lent);
    EXPECT_EQ(static_cast<unsigned>((*lent)[0]), 0xDDu);
  }
  const std::uint32_t errors = rtl.bus_read(HB_ERR_ACCESS_OFFSET);
  for (const std::uint32_t address : {last + 4, base + 1, 0x20000000u}) {
    rtl.bus_write(address, 1, 0xF, &okay);
    EXPECT_FALSE(okay);
    rtl.bus_read(address, &okay);
    EXPECT_FALSE(okay);
  }
  EXPECT_EQ(rtl.bus_read(HB_ERR_ACCESS_OFFSET), errors + 6);
}

}  // namespace
}  // namespace heatbath
