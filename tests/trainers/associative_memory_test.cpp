// Memories of spins, against enumeration and the figures of the exact problems.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "heatbath/error.hpp"
#include "heatbath/open.hpp"
#include "heatbath/trainers/associative_memory.hpp"
#include "heatbath/trainers/exact_machine.hpp"
#include "oracles/enumeration.hpp"
#include "tests/network/message_of.hpp"

namespace heatbath::trainers {
namespace {

using ::testing::HasSubstr;
using network::message_of;

Device spins(std::uint32_t cells) { return open("func:cell=pbit&lanes=64&threads=1&cells=" + std::to_string(cells)); }

Patterns walsh(std::size_t count) {
  constexpr std::array<std::uint32_t, 3> masks{0, 5, 10};
  return walsh_patterns(16, std::span(masks).first(count));
}

/// <max|m|> and <m_1^2> of visible states under weights.
struct Overlaps {
  double largest = 0, first_square = 0;
};
Overlaps of_law(const Patterns& patterns, const std::vector<double>& law) {
  Overlaps sum;
  for (std::uint32_t state = 0; state < law.size(); ++state) {
    const std::vector<double> m = overlaps_with(patterns, spins_of(state, patterns.cells));
    double largest = 0;
    for (const double value : m) largest = std::max(largest, std::abs(value));
    sum.largest += law[state] * largest;
    sum.first_square += law[state] * m[0] * m[0];
  }
  return sum;
}

/// H_p = -(N/p) sum_mu m_mu^p of 16 spins by the oracle.
reference::Enumeration exact_memory(const Patterns& patterns, int p) {
  return {16, [&](reference::BinaryState state) {
            double energy = 0;
            for (std::size_t mu = 0; mu < patterns.size(); ++mu) {
              double m = 0;
              for (int i = 0; i < 16; ++i) m += reference::spin(state, i) * patterns.pattern(mu)[static_cast<std::size_t>(i)] / 16;
              energy -= 16.0 / p * std::pow(m, p);
            }
            return energy;
          }};
}

struct Row {
  std::size_t patterns;
  int power;
  double kT, log_partition, largest, first_square;
};
constexpr std::array<Row, 9> kRows{{{1, 2, 0.5, 17.12429814, 0.93557769, 0.88759066},
                                    {1, 2, 0.8, 12.85696946, 0.61105894, 0.45223259},
                                    {2, 2, 0.5, 17.99197464, 0.90391651, 0.42667391},
                                    {2, 2, 0.8, 13.77876565, 0.64437600, 0.25724428},
                                    {3, 2, 0.3, 28.54105062, 0.98736814, 0.32732606},
                                    {3, 2, 0.5, 18.66436348, 0.85431546, 0.27157570},
                                    {3, 2, 0.8, 14.51983127, 0.63803970, 0.18434475},
                                    {3, 4, 0.3, 15.22974996, 0.97280346, 0.32092335},
                                    {3, 4, 0.5, 11.73648197, 0.52883583, 0.13907804}}};

TEST(AssociativeMemory, OracleHasThePublishedFigures) {
  for (const Row& row : kRows) {
    const reference::Enumeration exact = exact_memory(walsh(row.patterns), row.power);
    EXPECT_NEAR(exact.log_partition(row.kT), row.log_partition, 1e-7);
    const Overlaps overlaps = of_law(walsh(row.patterns), exact.probabilities(row.kT));
    EXPECT_NEAR(overlaps.largest, row.largest, 1e-7);
    EXPECT_NEAR(overlaps.first_square, row.first_square, 1e-7);
  }
}

TEST(AssociativeMemory, DeviceHasTheOverlapsAndTheFreeEnergyOfHebbianCouplings) {
  for (const Row& row : kRows) {
    if (row.power != 2) continue;
    const Patterns patterns = walsh(row.patterns);
    const SpinMachine machine = hebbian_memory(patterns);
    Device device = spins(16);
    SpinDevice on(device, 11);
    SpinDevice::Run run;
    run.shots = 8000;
    run.burn = 300;
    const SpinRecords records = on.run(machine, row.kT, run);
    std::vector<double> largest, square;
    for (std::uint32_t shot = 0; shot < run.shots; ++shot) {
      const std::vector<double> m = overlaps_with(patterns, records.state(shot, 0));
      double most = 0;
      for (const double value : m) most = std::max(most, std::abs(value));
      largest.push_back(most);
      square.push_back(m[0] * m[0]);
    }
    const measure::Estimate a = measure::mean_of_independent(largest), b = measure::mean_of_independent(square);
    EXPECT_LT(std::abs(a.value - row.largest), 4 * a.standard_error) << row.patterns << " " << row.kT;
    EXPECT_LT(std::abs(b.value - row.first_square), 4 * b.standard_error) << row.patterns << " " << row.kT;
    EXPECT_LT(a.standard_error, 0.005);
    // The couplings lack the diagonal, which is worth P/2.
    const SpinDevice::FreeEnergy F = on.free_energy(machine, row.kT, 1024, 300);
    const double log_partition = -F.value / row.kT + static_cast<double>(row.patterns) / (2 * row.kT);
    EXPECT_LT(std::abs(log_partition - row.log_partition), 4 * F.standard_error / row.kT);
    EXPECT_LT(F.standard_error / row.kT, 0.05);
  }
}

TEST(AssociativeMemory, LadderOfHiddenSpinsIsTheQuartic) {
  for (const Row& row : kRows) {
    if (row.power != 4) continue;
    const Patterns patterns = walsh(row.patterns);
    const DenseMemory memory = dense_memory(patterns, row.kT, 4);
    EXPECT_LT(memory.worst, 0.01 * row.kT);
    const reference::Enumeration exact = exact_memory(patterns, 4);
    // Every visible state has the energy of the quartic, within what the ladder says that it misses.
    const std::vector<double> wanted = exact.probabilities(row.kT), law = visible_law(memory.machine, row.kT);
    double worst = 0;
    for (std::uint32_t state = 0; state < law.size(); ++state)
      worst = std::max(worst, std::abs(memory.machine.visible_energy(spins_of(state, 16), row.kT) - memory.constant - exact.energies()[state]));
    EXPECT_LT(worst, 3.01 * memory.worst + 1e-4);
    EXPECT_GT(worst, 0.3 * memory.worst);
    EXPECT_LT(reference::kullback_leibler(wanted, law), 1e-3);
    const Overlaps overlaps = of_law(patterns, law);
    EXPECT_NEAR(overlaps.largest, row.largest, 0.01 * row.largest);
    EXPECT_NEAR(overlaps.first_square, row.first_square, 0.01 * row.first_square);

    Device device = spins(memory.machine.cells);
    SpinDevice on(device, 12);
    SpinDevice::Run run;
    run.shots = 3000;
    run.burn = 1000;
    const SpinRecords records = on.run(memory.machine, row.kT, run);
    const measure::Estimate measured = largest_overlap(patterns, records);
    EXPECT_NEAR(largest_overlap(patterns, memory_law(patterns, 4, row.kT)), row.largest, 1e-7);
    EXPECT_LT(std::abs(measured.value - overlaps.largest), 4 * measured.standard_error) << row.kT;
  }
}

TEST(AssociativeMemory, TheoryHasItsCriticalLoadAndOverlap) {
  double low = 0.1, high = 0.2;
  for (int step = 0; step < 40; ++step) {
    const double middle = (low + high) / 2;
    (hebbian_overlap(middle) > 0 ? low : high) = middle;
  }
  EXPECT_NEAR(low, 0.138, 0.0005);
  EXPECT_NEAR(hebbian_overlap(low), 0.967, 0.002);
  EXPECT_GT(hebbian_overlap(0.05), 0.999);
  EXPECT_EQ(hebbian_overlap(0.15), 0);
}

TEST(AssociativeMemory, RecallsBelowTheCriticalLoadAndADenseOneFarAboveIt) {
  constexpr std::uint32_t cells = 48;
  const auto recalled = [&](const SpinMachine& machine, const Patterns& patterns) {
    Device device = spins(machine.cells);
    SpinDevice on(device, 13);
    return recall(on, machine, patterns, 0.1, 0.1, 64, 20);
  };
  const Patterns few = random_patterns(cells, 2, 1), many = random_patterns(cells, 24, 1);  // loads 0.04 and 0.5
  const Recall below = recalled(hebbian_memory(few), few), above = recalled(hebbian_memory(many), many);
  const Recall dense = recalled(dense_memory(many, 0.1, 3).machine, many);
  EXPECT_NEAR(below.first.value, 0.8, 0.05);
  EXPECT_GT(below.overlap.value, 0.97);
  EXPECT_LT(above.overlap.value, 0.8);
  EXPECT_GT(dense.overlap.value, 0.97);
  EXPECT_GT(dense.recalled.value, 0.95);
}

TEST(AssociativeMemory, RefusesWhatItCannotDo) {
  EXPECT_THAT(message_of([] { dense_memory(walsh(1), 0.3, 0); }, HB_BAD_ARG), HasSubstr("0 levels; 1 to 16"));
  EXPECT_THAT(message_of([] { dense_memory(walsh(1), 0, 3); }, HB_BAD_ARG), HasSubstr("above 0"));
  EXPECT_THAT(message_of([] { random_patterns(0, 3, 1); }, HB_BAD_ARG), HasSubstr("0 cells"));
  Device device = spins(16);
  SpinDevice on(device, 1);
  EXPECT_THAT(message_of([&] { recall(on, hebbian_memory(walsh(1)), walsh(1), 0.5, 2, 8, 1); }, HB_BAD_ARG), HasSubstr("share of turned spins"));
}

}  // namespace
}  // namespace heatbath::trainers
