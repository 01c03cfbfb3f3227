#include "oracles/first_passage.hpp"

#include <cmath>

#include "tests/oracles/printed_digits.hpp"

namespace heatbath::reference {
namespace {

// Digits of an independent integration in the other order, int dz e^{-V(z)} int_{max(z, from)}^to dy e^{V(y)}.
TEST(FirstPassage, DoubleWellTable) {
  const struct {
    double height;
    const char *top, *other, *kramers;
  } rows[] = {{2, "2.303269807", "5.129285034", "4.10359"},
              {4, "8.486436072", "17.31591119", "15.1608"},
              {6, "40.32533248", "80.90724756", "74.6828"},
              {8, "218.6488606", "437.5043514", "413.876"}};
  for (const auto& row : rows) {
    const DoubleWellTimes times = double_well_times(row.height, 1);
    EXPECT_DIGITS(times.to_top, row.top);
    EXPECT_DIGITS(times.to_other_well, row.other);
    EXPECT_DIGITS(times.kramers, row.kramers);
  }
}

TEST(FirstPassage, FreeDiffusionBetweenReflectionAndExit) {
  EXPECT_NEAR(mean_passage_time([](double) { return 0.0; }, 0.5, 0, 0, 3), 9, 1e-10);
  EXPECT_NEAR(mean_passage_time([](double) { return 0.0; }, 0.5, 0, 1, 3), 8, 1e-10);
  EXPECT_THROW(mean_passage_time([](double) { return 0.0; }, 0.5, 0, 2, 1), std::invalid_argument);
}

TEST(FirstPassage, KramersIsTheLimitOfHighBarriers) {
  const DoubleWellTimes times = double_well_times(40, 1);
  EXPECT_NEAR(times.to_other_well / times.kramers, 1, 0.02);
  EXPECT_NEAR(2 * times.to_top / times.to_other_well, 1, 1e-6);
}

TEST(CurieWeiss, Table) {
  const struct {
    int spins;
    double beta;
    const char *square, *time;
  } rows[] = {{8, .5, ".20807716", "2.60289"},   {8, 1, ".38535355", "5.12684"},    {8, 1.5, ".64991918", "13.9993"},
              {8, 2, ".85334783", "54.1525"},    {16, .5, ".11261675", "3.28174"},  {16, 1, ".27764981", "7.70246"},
              {16, 1.5, ".65131186", "41.5921"}, {16, 2, ".88759066", "705.884"},   {32, .5, ".05906425", "3.96934"},
              {32, 1, ".19916059", "11.2526"},   {32, 1.5, ".68719415", "259.555"}, {32, 2, ".90471328", "124161"}};
  for (const auto& row : rows) {
    const CurieWeiss result = curie_weiss(row.spins, row.beta);
    EXPECT_DIGITS(result.mean_square_magnetisation, row.square);
    EXPECT_DIGITS(result.escape_time, row.time);
  }
}

TEST(BirthDeath, PureDeathTakesTheSumOfItsWaits) {
  const double up[] = {0, 0, 0, 0}, down[] = {0, 1, 2, 3};
  EXPECT_NEAR(birth_death_time_down(up, down, 3, 0), 1 + 1. / 2 + 1. / 3, 1e-14);
  EXPECT_NEAR(birth_death_time_down(up, down, 3, 1), 1. / 2 + 1. / 3, 1e-14);
}

TEST(DiscreteCrossing, ShiftAndBridge) {
  EXPECT_DIGITS(discrete_boundary_shift(.5, 1), ".5826");
  EXPECT_EQ(bridge_crossing_probability(0, 1, 1, 1, .1), 1);
  EXPECT_NEAR(bridge_crossing_probability(0, 0, 1, .5, 2), std::exp(-1), 1e-15);
}

}  // namespace
}  // namespace heatbath::reference
