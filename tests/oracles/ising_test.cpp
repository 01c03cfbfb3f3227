#include "oracles/ising.hpp"

#include <cmath>
#include <numbers>

#include "tests/oracles/printed_digits.hpp"

namespace heatbath::reference {
namespace {

Enumeration ferromagnet(int side) {
  const double one[] = {1};
  return Enumeration(side * side, square_torus(side, one));
}

const Enumeration& four_by_four() {
  static const Enumeration system = ferromagnet(4);
  return system;
}

const Enumeration& glass() {
  static const Enumeration system(16, square_torus(4, glass_strengths(4)));
  return system;
}

TEST(Onsager, Table) {
  EXPECT_DIGITS(onsager_critical_temperature(), "2.269185314213");
  EXPECT_NEAR(onsager(onsager_critical_temperature()).energy, -std::numbers::sqrt2, 1e-7);
  const struct {
    double temperature;
    const char *free_energy, *energy;
  } rows[] = {{1.5, "-2.00844319", "-1.95111657"},
              {2, "-2.05158563", "-1.74556458"},
              {2.5, "-2.19840955", "-1.10607920"},
              {3, "-2.44764820", "-.81730959"}};
  for (const auto& row : rows) {
    EXPECT_DIGITS(onsager(row.temperature).free_energy, row.free_energy);
    EXPECT_DIGITS(onsager(row.temperature).energy, row.energy);
  }
  EXPECT_DIGITS(onsager(1.5).magnetisation, ".98649960");
  EXPECT_DIGITS(onsager(2).magnetisation, ".91131938");
  EXPECT_EQ(onsager(2.5).magnetisation, 0);
}

TEST(Onsager, EnergyIsTheSlopeOfTheFreeEnergy) {
  const double h = 1e-4;
  for (const double t : {1.7, 3.3}) {
    const auto beta_f = [&](double temperature) { return onsager(temperature).free_energy / temperature; };
    const double slope = (beta_f(1 / (1 / t + h)) - beta_f(1 / (1 / t - h))) / (2 * h);
    EXPECT_NEAR(onsager(t).energy, slope, 1e-6);
  }
}

TEST(Torus, DensityOfStates) {
  const std::map<double, std::uint64_t> three{{-18, 2}, {-10, 18}, {-6, 48}, {-2, 198}, {2, 144}, {6, 102}};
  EXPECT_EQ(ferromagnet(3).density_of_states(), three);
  const std::map<double, std::uint64_t> half{{0, 20524}, {4, 13568}, {8, 6688}, {12, 1728},
                                             {16, 424},  {20, 64},   {24, 32},  {32, 2}};
  std::map<double, std::uint64_t> four;
  for (const auto& [energy, count] : half) four[energy] = four[-energy] = count;
  EXPECT_EQ(four_by_four().density_of_states(), four);
}

TEST(Torus, FourByFourTable) {
  const struct {
    double temperature;
    const char *log_partition, *energy, *capacity, *absolute, *square, *binder;
  } rows[] = {{1.5, "22.11701391", "-1.95064256", ".20034987", ".98617330", ".97530249", ".66395870"},
              {2.0, "17.10536712", "-1.75538029", ".60553266", ".91894327", ".86892168", ".64481079"},
              {onsager_critical_temperature(), "15.52191546", "-1.56562379", ".78326683", ".84386044", ".76135891",
               ".61719932"},
              {2.5, "14.56109302", "-1.37911648", ".81251523", ".76471239", ".65482576", ".58152766"},
              {3.0, "13.28103346", "-1.01706963", ".60313471", ".60129133", ".45098814", ".48054066"},
              {4.0, "12.20127102", "-.62548613", ".24010865", ".41817923", ".24821623", ".30298228"}};
  for (const auto& row : rows) {
    EXPECT_DIGITS(four_by_four().log_partition(row.temperature), row.log_partition);
    EXPECT_DIGITS(four_by_four().mean_energy(row.temperature) / 16, row.energy);
    EXPECT_DIGITS(four_by_four().heat_capacity(row.temperature) / 16, row.capacity);
    const Magnetisation m = magnetisation(four_by_four(), row.temperature);
    EXPECT_DIGITS(m.absolute, row.absolute);
    EXPECT_DIGITS(m.square, row.square);
    EXPECT_DIGITS(m.binder, row.binder);
  }
}

TEST(Torus, ThreeByThreeTable) {
  const Enumeration system = ferromagnet(3);
  EXPECT_DIGITS(system.log_partition(2), "9.92515037");
  EXPECT_DIGITS(system.mean_energy(2) / 9, "-1.76767847");
  EXPECT_DIGITS(magnetisation(system, 2).absolute, ".92598478");
  EXPECT_DIGITS(system.log_partition(3), "7.66832236");
  EXPECT_DIGITS(system.mean_energy(3) / 9, "-1.15488580");
  EXPECT_DIGITS(magnetisation(system, 3).absolute, ".70116709");
}

TEST(Torus, KaufmansSolutionEqualsTheEnumeration) {
  for (const double t : {1.0, 1.5, 2.0, onsager_critical_temperature(), 2.5, 4.0}) {
    EXPECT_NEAR(torus_log_partition(4, 4, t), four_by_four().log_partition(t), 1e-10);
    EXPECT_NEAR(torus_energy_per_spin(4, 4, t), four_by_four().mean_energy(t) / 16, 1e-8);
    EXPECT_NEAR(torus_log_partition(3, 3, t), ferromagnet(3).log_partition(t), 1e-10);
  }
}

TEST(Torus, LargeTorusApproachesOnsager) {
  for (const double t : {1.5, 2.0, 3.0}) {
    EXPECT_NEAR(-t * torus_log_partition(128, 128, t) / (128 * 128), onsager(t).free_energy, 1e-4);
    EXPECT_NEAR(torus_energy_per_spin(128, 128, t), onsager(t).energy, 1e-7);
  }
}

TEST(Tempering, SwapAcceptanceTable) {
  EXPECT_DIGITS(swap_acceptance(four_by_four(), 1.5, 2), ".74099038");
  EXPECT_DIGITS(swap_acceptance(four_by_four(), 2, 2.5), ".61361373");
  EXPECT_DIGITS(swap_acceptance(four_by_four(), 2.5, 3), ".65747776");
  EXPECT_DIGITS(swap_acceptance(four_by_four(), 3, 4), ".61377010");
  EXPECT_NEAR(swap_acceptance(four_by_four(), 3, 2.5), swap_acceptance(four_by_four(), 2.5, 3), 1e-14);
}

TEST(Tempering, ReweightingTable) {
  EXPECT_DIGITS(reweighting_efficiency(four_by_four(), 4, 2), ".06535487");
  EXPECT_DIGITS(four_by_four().log_partition(2) - four_by_four().log_partition(4), "4.90409609");
}

TEST(Glass, BondsAndLevels) {
  std::string signs;
  for (const double strength : glass_strengths(4)) signs += strength > 0 ? '+' : '-';
  EXPECT_EQ(signs, "+-+-+++++-++-+++--+++----++--++-");
  const auto levels = glass().density_of_states();
  const std::map<double, std::uint64_t> expected{{-22, 2},    {-18, 86},   {-14, 878},
                                                 {-10, 3978}, {-6, 10580}, {-2, 17244}};
  for (const auto& [energy, count] : expected) {
    EXPECT_EQ(levels.at(energy), count);
    EXPECT_EQ(levels.at(-energy), count);
  }
  EXPECT_EQ(glass().energies()[0x6efc], -22);
  EXPECT_EQ(glass().energies()[0xffff & ~0x6efc], -22);
}

TEST(Glass, Table) {
  const struct {
    double temperature;
    const char *log_partition, *energy, *ground, *overlap;
  } rows[] = {{.5, "44.70751780", "-1.37142083", ".98573215", ".98225564"},
              {1, "23.35978344", "-1.23107925", ".51343273", ".49294596"},
              {2, "14.78481948", "-.85149644", ".04542593", ".14122988"}};
  for (const auto& row : rows) {
    EXPECT_DIGITS(glass().log_partition(row.temperature), row.log_partition);
    EXPECT_DIGITS(glass().mean_energy(row.temperature) / 16, row.energy);
    EXPECT_DIGITS(
        glass().average(row.temperature, [](BinaryState s) { return glass().energies()[s] == -22 ? 1.0 : 0.0; }),
        row.ground);
    EXPECT_DIGITS(glass().mean_square_overlap(row.temperature), row.overlap);
  }
}

}  // namespace
}  // namespace heatbath::reference
