// Several temperatures taken together, against every state of a glass counted.
#include "heatbath/measure/multistate.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <stdexcept>
#include <vector>

#include "heatbath/measure/free_energy.hpp"
#include "oracles/enumeration.hpp"
#include "oracles/ising.hpp"

namespace heatbath::measure {
namespace {

/// Independent samples of the +-J glass on the 3 x 3 torus, from its law.
struct Samples {
  reference::Enumeration exact{9, reference::square_torus(3, reference::glass_strengths(3)), {}};
  std::vector<double> kT{0.4, 0.8, 1.6, 4};
  std::vector<std::vector<double>> energies, order;  // V; |sum s|

  explicit Samples(std::size_t count) {
    std::mt19937_64 random(11);
    for (const double t : kT) {
      const auto law = exact.probabilities(t);
      std::discrete_distribution<reference::BinaryState> draw(law.begin(), law.end());
      energies.emplace_back(), order.emplace_back();
      for (std::size_t n = 0; n < count; ++n) {
        const reference::BinaryState state = draw(random);
        energies.back().push_back(exact.energies()[state]);
        order.back().push_back(size_of(state));
      }
    }
  }
  static double size_of(reference::BinaryState state) {
    double sum = 0;
    for (int i = 0; i < 9; ++i) sum += reference::spin(state, i);
    return std::abs(sum);
  }
};

TEST(Multistate, PartitionFunctionsAreThoseOfAllStates) {
  const Samples s(4000);
  const auto found = log_partitions(s.kT, s.energies, 32);
  for (std::size_t t = 1; t < s.kT.size(); ++t) {
    const double exact = s.exact.log_partition(s.kT[t]) - s.exact.log_partition(s.kT[0]);
    EXPECT_LT(std::abs(found[t].value - exact), 4 * found[t].standard_error) << "kT " << s.kT[t] << ": " << found[t].value << " for " << exact;
    EXPECT_LT(found[t].standard_error, 0.05);
    EXPECT_GT(found[t].standard_error, 1e-4);
  }
  EXPECT_EQ(found[0].value, 0);
}

// Between the temperatures and beyond; errors from the effective samples.
TEST(Multistate, AveragesAtOtherTemperatures) {
  const Samples s(20000);
  const Multistate all(s.kT, s.energies);
  for (const double kT : {0.5, 1.1, 2.5, 5.0}) {
    const double exact = s.exact.average(kT, Samples::size_of), square = s.exact.average(kT, [](reference::BinaryState b) {
      return Samples::size_of(b) * Samples::size_of(b);
    });
    const double error = std::sqrt((square - exact * exact) / all.effective_samples(kT));
    EXPECT_LT(std::abs(all.mean(kT, s.order) - exact), 4 * error) << "kT " << kT;
    EXPECT_LT(error, 0.05);
    const double ln_z = s.exact.log_partition(kT) - s.exact.log_partition(s.kT[0]);
    EXPECT_LT(std::abs(all.log_partition(kT) - ln_z), 0.04) << "kT " << kT;
    EXPECT_LE(all.effective_samples(kT), 80000);
    EXPECT_GT(all.effective_samples(kT), 10000);
  }
}

// Two temperatures: works (1/kT' - 1/kT) V there and back.
TEST(Multistate, OfTwoTemperaturesIsBennetts) {
  const Samples s(500);
  const std::vector<double> kT{s.kT[1], s.kT[2]};
  const std::vector<std::vector<double>> energies{s.energies[1], s.energies[2]};
  std::vector<double> forward, reverse;
  for (const double e : energies[0]) forward.push_back((1 / kT[1] - 1 / kT[0]) * e);
  for (const double e : energies[1]) reverse.push_back((1 / kT[0] - 1 / kT[1]) * e);
  EXPECT_NEAR(-Multistate(kT, energies).log_partition(kT[1]), bennett(forward, reverse, 1).value, 1e-7);
}

TEST(Multistate, EnergiesMayHaveAnyOrigin) {
  Samples s(200);
  const double before = Multistate(s.kT, s.energies).log_partition(4);
  for (auto& series : s.energies)
    for (double& e : series) e += 1000;
  EXPECT_NEAR(Multistate(s.kT, s.energies).log_partition(4), before - 1000 * (1 / 4.0 - 1 / 0.4), 1e-6);
}

TEST(Multistate, RefusesWhatIsNoLadder) {
  const std::vector<std::vector<double>> two{{1, 2}, {3, 4}}, none{{1, 2}, {}};
  EXPECT_THROW(Multistate(std::vector<double>{1}, std::vector<std::vector<double>>{{1}}), std::invalid_argument);
  EXPECT_THROW(Multistate(std::vector<double>{1, 2}, none), std::invalid_argument);
  EXPECT_THROW(Multistate(std::vector<double>{1, 0}, two), std::invalid_argument);
  EXPECT_THROW(log_partitions(std::vector<double>{1, 2}, two, 3), std::invalid_argument);
}

}  // namespace
}  // namespace heatbath::measure
