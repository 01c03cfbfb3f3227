#include "oracles/enumeration.hpp"

#include <bit>
#include <cmath>
#include <numbers>

#include "tests/oracles/printed_digits.hpp"

namespace heatbath::reference {
namespace {

double parity(BinaryState state, int cells) { return (cells - std::popcount(state)) % 2 == 0 ? 1 : -1; }

TEST(Enumeration, IndependentCellsFactorise) {
  const double bias[] = {0.3, -0.7, 1.1};
  const Enumeration system(3, std::span<const Bond>{}, bias);
  double log_partition = 0;
  for (const double b : bias) log_partition += std::log(2 * std::cosh(b / 0.8));
  EXPECT_NEAR(system.log_partition(0.8), log_partition, 1e-13);
  EXPECT_NEAR(system.average(0.8, [](BinaryState s) { return spin(s, 1); }), std::tanh(0.7 / 0.8), 1e-13);
  EXPECT_NEAR(system.correlations(0.8)(0, 2), std::tanh(0.3 / 0.8) * std::tanh(1.1 / 0.8), 1e-13);
}

TEST(Enumeration, HeatCapacityIsTheSlopeOfTheEnergy) {
  const Bond bonds[] = {{0, 1, 0.5}, {1, 2, -1.5}, {0, 3, 0.7}};
  const Enumeration system(4, bonds);
  const double h = 1e-4;
  EXPECT_NEAR(system.heat_capacity(1.3), (system.mean_energy(1.3 + h) - system.mean_energy(1.3 - h)) / (2 * h), 1e-7);
}

TEST(Enumeration, RefusesTooManyCellsAndStrayBonds) {
  EXPECT_THROW(Enumeration(21, [](BinaryState) { return 0.0; }), std::invalid_argument);
  const Bond stray[] = {{0, 4, 1}};
  EXPECT_THROW(Enumeration(4, stray), std::invalid_argument);
}

TEST(WalshHadamard, CouplingsGiveTheEnergiesBack) {
  std::vector<double> energies;
  for (int i = 0; i < 32; ++i) energies.push_back(std::sin(1.0 + i * i));
  const std::vector<double> couplings = walsh_hadamard_couplings(energies);
  const std::vector<double> back = truncated_energies(couplings, 5);
  for (std::size_t i = 0; i < energies.size(); ++i) EXPECT_NEAR(back[i], energies[i], 1e-13);
  // Against the definition, for one set.
  double sum = 0;
  for (BinaryState s = 0; s < 32; ++s) sum -= spin(s, 0) * spin(s, 2) * spin(s, 3) * energies[s] / 32;
  EXPECT_NEAR(couplings[0b01101], sum, 1e-14);
}

TEST(LibraryPhase, Table) {
  EXPECT_DIGITS(library_temperature(8, 4, 4), "0.96545255");
  EXPECT_DIGITS(library_temperature(16, 4, 8), "0.82440235");
  const double temperatures[] = {.5, .75, 1, 1.5};
  const char* small[] = {"0.97930326", "0.76677658", "0.46427729", "0.18596149"};
  const char* large[] = {"0.99815973", "0.72365550", "0.15394363", "0.01248497"};
  for (int i = 0; i < 4; ++i) {
    EXPECT_DIGITS(library_probability(8, 4, 4, temperatures[i]), small[i]);
    EXPECT_DIGITS(library_probability(16, 4, 8, temperatures[i]), large[i]);
  }
}

TEST(ParityLibrary, OnlyTheThreeBodyCouplingIsThere) {
  const Enumeration system(3, [](BinaryState s) { return parity(s, 3) > 0 ? 0.0 : 4.0; });
  const std::vector<double> couplings = walsh_hadamard_couplings(system.energies());
  for (std::size_t set = 1; set < 7; ++set) EXPECT_EQ(couplings[set], 0) << set;
  EXPECT_EQ(couplings[7], 2);
  EXPECT_EQ(couplings[0], -2);
}

TEST(ParityLibrary, TwoPairwiseExpertsDoWhatNoSingleOneCan) {
  std::vector<double> data;
  for (BinaryState s = 0; s < 8; ++s) data.push_back(parity(s, 3) > 0 ? 0.25 : 0.0);
  // No field and no pair correlation in the data: the best pairwise model has none either, and misses by ln 2.
  EXPECT_NEAR(kullback_leibler(data, std::vector<double>(8, 0.125)), std::numbers::ln2, 1e-15);
  const char* table[] = {"0.23570609", "0.03596445", "0.00494523", "0.00067070"};
  for (int strength = 1; strength <= 4; ++strength) {
    const auto expert = [&](double side) {
      const Bond pair[] = {{1, 2, -side * strength}};
      const double bias[] = {-side * strength, 0, 0};
      return Enumeration(3, pair, bias).probabilities(1);
    };
    const std::vector<double> up = expert(1), down = expert(-1);
    std::vector<double> mixture;
    for (std::size_t s = 0; s < 8; ++s) mixture.push_back(0.5 * (up[s] + down[s]));
    EXPECT_DIGITS(kullback_leibler(data, mixture), table[strength - 1]);
  }
}

TEST(WeightedPatterns, CouplingsAndTruncationTable) {
  std::vector<double> data(16, 0.0), energies(16, 8.0);
  data[15] = 0.75;
  data[3] = 0.25;
  energies[15] = -std::log(0.75);
  energies[3] = -std::log(0.25);
  const std::vector<double> couplings = walsh_hadamard_couplings(energies);
  for (const std::size_t set : {1, 2, 3, 12, 13, 14, 15}) EXPECT_DIGITS(couplings[set], ".895376") << set;
  for (const std::size_t set : {4, 8, 5, 6, 9, 10, 7, 11}) EXPECT_DIGITS(couplings[set], ".068663") << set;
  EXPECT_DIGITS(couplings[0], "-7.104624");
  const char* table[] = {"1.068596", "0.225761", "0.017937", "0.00468548"};
  for (int order = 1; order <= 4; ++order) {
    const std::vector<double> truncated = truncated_energies(couplings, order);
    const Enumeration model(4, [&](BinaryState s) { return truncated[s]; });
    EXPECT_DIGITS(kullback_leibler(data, model.probabilities(1)), table[order - 1]) << order;
  }
}

TEST(HopfieldMemory, WalshPatternTable) {
  const struct {
    int patterns, power;
    double temperature;
    const char *log_partition, *overlap, *square;
  } rows[] = {{1, 2, .5, "17.12429814", ".93557769", ".88759066"}, {1, 2, .8, "12.85696946", ".61105894", ".45223259"},
              {2, 2, .5, "17.99197464", ".90391651", ".42667391"}, {2, 2, .8, "13.77876565", ".64437600", ".25724428"},
              {3, 2, .3, "28.54105062", ".98736814", ".32732606"}, {3, 2, .5, "18.66436348", ".85431546", ".27157570"},
              {3, 2, .8, "14.51983127", ".63803970", ".18434475"}, {3, 4, .3, "15.22974996", ".97280346", ".32092335"},
              {3, 4, .5, "11.73648197", ".52883583", ".13907804"}};
  const std::uint32_t masks[] = {0, 5, 10};
  const auto overlap = [&](BinaryState state, int pattern) {
    double sum = 0;
    for (std::uint32_t i = 0; i < 16; ++i) {
      sum += spin(state, static_cast<int>(i)) * (std::popcount(i & masks[pattern]) % 2 == 0 ? 1 : -1);
    }
    return sum / 16;
  };
  for (const auto& row : rows) {
    const Enumeration memory(16, [&](BinaryState state) {
      double energy = 0;
      for (int p = 0; p < row.patterns; ++p) energy -= 16.0 / row.power * std::pow(overlap(state, p), row.power);
      return energy;
    });
    EXPECT_DIGITS(memory.log_partition(row.temperature), row.log_partition);
    EXPECT_DIGITS(memory.average(row.temperature,
                                 [&](BinaryState state) {
                                   double best = 0;
                                   for (int p = 0; p < row.patterns; ++p) {
                                     best = std::max(best, std::abs(overlap(state, p)));
                                   }
                                   return best;
                                 }),
                  row.overlap);
    EXPECT_DIGITS(memory.average(row.temperature, [&](BinaryState state) { return std::pow(overlap(state, 0), 2); }),
                  row.square);
  }
}

TEST(MutualInformation, IsingPairMatchesTheBinaryEntropy) {
  const Bond bond[] = {{0, 1, -1}};
  EXPECT_DIGITS(mutual_information(Enumeration(2, bond).probabilities(1), 1), ".3278");
}

}  // namespace
}  // namespace heatbath::reference
