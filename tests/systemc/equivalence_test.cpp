// func: and tlm: at equal timing are the same device, bit for bit.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "heatbath/error.hpp"
#include "hw_model/device/imperfections.hpp"
#include "random_program.hpp"
#include "sim/src/functional_transport.hpp"
#include "sim/src/tlm_transport.hpp"

namespace heatbath {
namespace {

// A process has one SystemC chip; ctest gives each test a process.
constexpr const char* one_per_process = "a process has one SystemC chip: run this test alone";

unsigned program_count() {
  const char* wanted = std::getenv("HEATBATH_RANDOM_PROGRAMS");
  return wanted != nullptr ? static_cast<unsigned>(std::strtoul(wanted, nullptr, 10)) : 1000;
}

/// `choices`: keys of the URI beside the profile; `most`: programs.
void expect_equal_observations(const std::string& profile_name, std::uint32_t cells, std::uint32_t lanes,
                               bool approximate = false, const model::Choices& choices = {}, unsigned most = ~0u) {
  const model::Profile profile = model::load_profile(profile_name, choices);
  const unsigned programs = std::min(most, program_count());
  const bool ages = model::Imperfections(profile).moves();
  std::unique_ptr<TlmTransport> tlm;
  try {
    tlm = std::make_unique<TlmTransport>(systemc::HostChip{profile_name, cells, lanes, 7, 1, approximate, choices},
                                         profile.memory_bytes, "");
  } catch (const Error&) {
    GTEST_SKIP() << one_per_process;
  }
  FunctionalTransport func(profile, {.cells = cells, .lanes = lanes, .seed = 7, .threads = 1}, "");
  testing::RandomHost on_func(func), on_tlm(*tlm);
  std::size_t observations = 0, ended = 0, records = 0, aborted = 0, faulted = 0;
  for (unsigned program = 0; program < programs; ++program) {
    SCOPED_TRACE(profile_name + ", program " + std::to_string(program));
    const testing::Observations expected = on_func.run(program, profile, cells, lanes);
    const testing::Observations found = on_tlm.run(program, profile, cells, lanes);
    ASSERT_EQ(expected.size(), found.size());
    for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_EQ(expected[i], found[i]) << "observation " << i;
    observations += expected.size();
    const std::uint32_t status = func.read32(HB_STATUS_OFFSET);
    ended += (status & HB_STATUS_DONE_MASK) != 0;
    aborted += (status & HB_STATUS_ABORTED_MASK) != 0;
    faulted += (status & HB_STATUS_FAULT_MASK) != 0;
    records += func.read32(HB_CAPTURE_HEAD_OFFSET);
    // RESET sets both clocks to 0 again; what ages, lives on, and must be as old on both.
    for (int i = 0; i < (ages ? 2 : 5); ++i) tlm->read32(HB_STATUS_OFFSET);
  }
  std::printf("%s: %u programs, %zu done, %zu aborted, %zu faults, %zu records, %zu observations\n",
              profile_name.c_str(), programs, ended, aborted, faulted, records, observations);
  // The generator is worth something: programs end in every way and take records.
  if (programs < 10) return;
  EXPECT_GT(ended, programs / 4);
  EXPECT_GT(records, programs);
}

TEST(TlmEquivalence, RandomProgramsGiveTheSameBitsOnIdeal) { expect_equal_observations("ideal", 12, 5); }
TEST(TlmEquivalence, RandomProgramsGiveTheSameBitsOnManyLanes) { expect_equal_observations("ideal", 70, 18); }
// The costs of `ideal` are 0, so four phases on the bus change nothing.
TEST(TlmEquivalence, RandomProgramsGiveTheSameBitsWithFourPhases) { expect_equal_observations("ideal", 12, 5, true); }
// Fifty programs over the other kinds of cells.
TEST(TlmEquivalence, RandomProgramsGiveTheSameBitsOnUnderdampedCells) {
  expect_equal_observations("ideal", 12, 5, false, {{"cell", "underdamped"}}, 13);
}
TEST(TlmEquivalence, RandomProgramsGiveTheSameBitsOnRlcNodes) {
  expect_equal_observations("ideal", 6, 5, false, {{"cell", "rlc"}}, 12);
}
TEST(TlmEquivalence, RandomProgramsGiveTheSameBitsOnPhases) {
  expect_equal_observations("ideal", 12, 5, false, {{"cell", "phase"}, {"topology", "grid:3x4"}}, 12);
}
TEST(TlmEquivalence, RandomProgramsGiveTheSameBitsOnPbits) {
  expect_equal_observations("ideal", 12, 5, false, {{"cell", "pbit"}}, 13);
}
TEST(TlmEquivalence, RandomProgramsGiveTheSameBitsOnPbitsByPlanes) {
  expect_equal_observations("ideal", 12, 40, false, {{"cell", "pbit"}, {"topology", "grid:3x4"}, {"noise_planes", "yes"}}, 13);
}
TEST(TlmEquivalence, RandomProgramsGiveTheSameBitsOnCategoricalCells) {
  expect_equal_observations("ideal", 12, 5, false, {{"cell", "categorical"}, {"topology", "grid:3x4"}}, 13);
}
TEST(TlmEquivalence, RandomProgramsGiveTheSameBitsOnSilicon) { expect_equal_observations("silicon", 20, 1); }
// Everything that a chip does wrong, and faults at planned times.
TEST(TlmEquivalence, RandomProgramsGiveTheSameBitsOnAHarshChip) {
  expect_equal_observations("harsh", 20, 1, false, {{"chip", "5"}, {"faults", "memory-flip@900:12345,cell-dead@40000:3"}});
}

}  // namespace
}  // namespace heatbath
