// Random numbers of the host side.
#include "heatbath/numerics/random.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace heatbath::numerics {
namespace {

TEST(RandomStream, GivesThePublishedNumbersOfSplitMix64) {
  RandomStream random(1234567);
  for (const std::uint64_t known : {6457827717110365317u, 3203168211198807973u, 9817491932198370423u,
                                    4593380528125082431u, 16408922859458223821u})
    EXPECT_EQ(random.word(), known);
}

TEST(RandomStream, NormalNumbersHaveTheirMomentsWithinFourStandardErrors) {
  RandomStream random(7);
  constexpr double n = 200000;
  double sum = 0, squares = 0, fourth = 0;
  for (int k = 0; k < n; ++k) {
    const double x = random.normal();
    sum += x;
    squares += x * x;
    fourth += x * x * x * x;
  }
  EXPECT_LT(std::fabs(sum / n), 4 / std::sqrt(n));
  EXPECT_LT(std::fabs(squares / n - 1), 4 * std::sqrt(2 / n));
  EXPECT_LT(std::fabs(fourth / n - 3), 4 * std::sqrt(96 / n));
}

TEST(RandomWords, DependOnEveryPartOfTheirAddress) {
  std::set<std::uint32_t> first;
  for (const auto seed : {std::uint64_t{1}, std::uint64_t{1} << 32})
    for (const auto purpose : {HostPurpose::rounding, HostPurpose::ergodicity})
      for (const std::uint32_t a : {0u, 1u})
        for (const std::uint32_t b : {0u, 1u})
          for (const std::uint32_t c : {0u, 1u}) first.insert(random_words(seed, purpose, a, b, c)[0]);
  EXPECT_EQ(first.size(), 32u);
  EXPECT_EQ(random_words(5, HostPurpose::rounding, 1, 2, 3), random_words(5, HostPurpose::rounding, 1, 2, 3));
}

TEST(UnitInterval, NeverReachesAnEnd) {
  EXPECT_GT(unit_interval(0), 0);
  EXPECT_LT(unit_interval(0xFFFFFFFFu), 1);
}

}  // namespace
}  // namespace heatbath::numerics
