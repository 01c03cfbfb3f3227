// Knowledge as a breaking of ergodicity: the digital side against enumeration and published numbers, the device side
// against both.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "heatbath/error.hpp"
#include "heatbath/open.hpp"
#include "heatbath/studies/ergodicity.hpp"
#include "oracles/enumeration.hpp"
#include "oracles/first_passage.hpp"
#include "oracles/ising.hpp"
#include "oracles/statistics.hpp"

namespace heatbath::trainers {
namespace {

using ::testing::DoubleNear;
using ::testing::Each;
using ::testing::HasSubstr;

constexpr const char* kSpins = "func:cell=pbit&lanes=256&threads=1&cells=";

std::string uri(Board board, std::uint32_t cells) {
  const std::string stepper = board == Board::spins_one_by_one ? "&stepper=random-sequential" : "";
  return board == Board::bistable ? "func:lanes=256&threads=1&cells=" + std::to_string(cells)
                                  : kSpins + std::to_string(cells) + stepper;
}

Device open_board(Board board, std::uint32_t cells) { return open(uri(board, cells)); }

/// A measured number is within four of its standard errors of the exact one, and its error is at most `relative` of it.
void expect_measured(const measure::Estimate& measured, double exact, double relative) {
  EXPECT_LT(std::abs(measured.value - exact), 4 * measured.standard_error)
      << measured.value << " +- " << measured.standard_error << " for " << exact;
  EXPECT_LT(measured.standard_error, relative * std::abs(exact))
      << measured.value << " +- " << measured.standard_error << " for " << exact;
  EXPECT_GT(measured.standard_error, 0);
}

template <typename Work>
std::string message_of(const Work& work, hb_status_t code) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

// -- the training potential
// --------------------------------------------------------------------------------------------

TEST(TrainingPotential, CouplingsOfAllOrdersAreThoseOfTheSumOverStates) {
  std::vector<double> energies(1u << 6);
  for (std::size_t s = 0; s < energies.size(); ++s)
    energies[s] = std::sin(3.0 * static_cast<double>(s)) + 0.1 * static_cast<double>(s % 7);
  const std::vector<double> ours = couplings_of_all_orders(energies),
                            theirs = reference::walsh_hadamard_couplings(energies);
  for (std::size_t i = 0; i < ours.size(); ++i) EXPECT_NEAR(ours[i], theirs[i], 1e-12);
  for (int order = 0; order <= 6; ++order) {
    const std::vector<double> a = energies_up_to_order(ours, order), b = reference::truncated_energies(theirs, order);
    for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-12);
  }
}

TEST(TrainingPotential, SixteenCellsComeBackFromTheirCouplings) {
  std::vector<double> energies(1u << 16);
  for (std::size_t s = 0; s < energies.size(); ++s) energies[s] = std::cos(0.37 * static_cast<double>(s * s % 65537));
  const std::vector<double> again = energies_up_to_order(couplings_of_all_orders(energies), 16);
  double worst = 0;
  for (std::size_t s = 0; s < energies.size(); ++s) worst = std::max(worst, std::abs(again[s] - energies[s]));
  EXPECT_LT(worst, 1e-11);
}

TEST(TrainingPotential, ParityNeedsTheTripleAndNothingElse) {
  std::vector<double> energies(8, 4.0);
  const Patterns library = parity_patterns();
  for (std::size_t n = 0; n < 4; ++n) energies[state_of(library.pattern(n))] = 0;
  const std::vector<double> couplings = couplings_of_all_orders(energies);
  EXPECT_DOUBLE_EQ(couplings[7], 2);
  EXPECT_DOUBLE_EQ(couplings[0], -2);
  for (std::size_t set = 1; set < 7; ++set) EXPECT_DOUBLE_EQ(couplings[set], 0) << set;
  EXPECT_NEAR(truncation_ladder(library, energies, 1)[1].divergence, std::log(2), 1e-12);
}

TEST(TrainingPotential, TwoPatternsClimbThePublishedLadder) {
  const Patterns library = two_patterns();
  const std::vector<double> energies = library_energies(library, 8);
  const std::vector<double> j = couplings_of_all_orders(energies);
  for (const std::size_t set : {1, 2, 3, 12, 13, 14, 15}) EXPECT_NEAR(j[set], 0.895376, 1e-6) << set;
  for (const std::size_t set : {4, 8, 5, 6, 9, 10, 7, 11}) EXPECT_NEAR(j[set], 0.068663, 1e-6) << set;
  EXPECT_NEAR(j[0], -7.104624, 1e-6);
  const std::vector<Truncation> ladder = truncation_ladder(library, energies, 1);
  ASSERT_EQ(ladder.size(), 4u);
  EXPECT_NEAR(ladder[0].divergence, 1.068596, 1e-6);
  EXPECT_NEAR(ladder[1].divergence, 0.225761, 1e-6);
  EXPECT_NEAR(ladder[2].divergence, 0.017937, 1e-6);
  EXPECT_NEAR(ladder[3].divergence, std::log1p(14 * std::exp(-8.0)), 1e-12);
}

TEST(TrainingPotential, ConjointFreeEnergyHasTheWeightsAsItsSlopeAndTheEntropyAsItsTransform) {
  const std::vector<double> energies = library_energies(two_patterns(), 8);
  for (const double kT : {0.5, 1.0, 2.0}) {
    const std::vector<double> x = boltzmann_weights(energies, kT);
    double mean = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      std::vector<double> up = energies, down = energies;
      up[i] += 1e-5;
      down[i] -= 1e-5;
      EXPECT_NEAR((conjoint_free_energy(up, kT) - conjoint_free_energy(down, kT)) / 2e-5, x[i], 1e-9);
      mean += x[i] * energies[i];
    }
    EXPECT_NEAR(conjoint_free_energy(energies, kT) - mean, legendre_transform(x, kT), 1e-12);
    // Gibbs: the potential of any data lies above the data's entropy by T KL.
    const std::vector<double> data = state_weights(two_patterns());
    EXPECT_NEAR(training_potential(data, energies, kT) + legendre_transform(data, kT), kT * divergence(data, x), 1e-12);
  }
}

TEST(MeanField, FindsThePublishedMinima) {
  const SpinMachine machine = pairwise_part(couplings_of_all_orders(library_energies(two_patterns(), 8)));
  const auto expect = [](const FreeEnergyMinimum& minimum, double first, double second, double free_energy) {
    for (const int i : {0, 1}) EXPECT_NEAR(minimum.magnetisation[i], first, 1e-6);
    for (const int i : {2, 3}) EXPECT_NEAR(minimum.magnetisation[i], second, 1e-6);
    EXPECT_NEAR(minimum.free_energy, free_energy, 1e-6);
  };
  const auto hot = free_energy_minima(machine, 1, Theory::mean_field);
  ASSERT_EQ(hot.size(), 1u);
  expect(hot[0], 0.950469, 0.656923, -4.3077584);
  const auto cold = free_energy_minima(machine, 0.4, Theory::mean_field);
  ASSERT_EQ(cold.size(), 2u);
  expect(cold[0], 0.999869, 0.991606, -3.9968392);
  expect(cold[1], 0.999517, -0.908485, -3.1997027);
}

TEST(MeanField, TapMinimaAreStationaryAndNearerToTheExactFreeEnergy) {
  const SpinMachine machine = pairwise_part(couplings_of_all_orders(library_energies(two_patterns(), 8)));
  // At high temperature the Onsager term leaves only the third order in J/T.
  const double kT = 8, exact = conjoint_free_energy(machine_energies(machine), kT);
  const auto plain = free_energy_minima(machine, kT, Theory::mean_field),
             tap = free_energy_minima(machine, kT, Theory::tap);
  ASSERT_EQ(plain.size(), 1u);
  ASSERT_EQ(tap.size(), 1u);
  EXPECT_LT(std::abs(tap[0].free_energy - exact), 0.2 * std::abs(plain[0].free_energy - exact));
  for (const double cold : {0.4, 1.0}) {
    for (const FreeEnergyMinimum& minimum : free_energy_minima(machine, cold, Theory::tap)) {
      for (std::uint32_t i = 0; i < 4; ++i) {
        const double h = std::min(1e-5, (1 - std::abs(minimum.magnetisation[i])) / 2);
        std::vector<double> up = minimum.magnetisation, down = up;
        up[i] += h;
        down[i] -= h;
        const double a = magnetisation_free_energy(machine, up, cold, Theory::tap),
                     b = magnetisation_free_energy(machine, down, cold, Theory::tap);
        EXPECT_NEAR((a - b) / (2 * h), 0, 2e-3);
        EXPECT_GT(a + b, 2 * minimum.free_energy);
      }
    }
  }
}

TEST(MeanField, SymmetricSaddlesAreNoMinima) {
  const auto minima = free_energy_minima(curie_weiss_machine(8), 0.4, Theory::mean_field);
  ASSERT_EQ(minima.size(), 2u);
  EXPECT_NEAR(std::abs(minima[0].magnetisation[0]), std::abs(minima[1].magnetisation[0]), 1e-9);
  EXPECT_GT(std::abs(minima[0].magnetisation[0]), 0.5);
}

// -- the library machine
// -----------------------------------------------------------------------------------------------

TEST(LibraryMachine, HasThePublishedProbabilitiesAndTemperatures) {
  const LibraryMachine eight = library_machine(walsh_library(8), 4, 4),
                       sixteen = library_machine(walsh_library(16), 8, 8);
  const double kT[] = {0.5, 0.75, 1, 1.5}, p[] = {0.979309, 0.767527, 0.468215, 0.194940};
  const double ideal[] = {0.97930326, 0.76677658, 0.46427729, 0.18596149};
  for (int i = 0; i < 4; ++i) {
    EXPECT_NEAR(library_probability(eight, kT[i]), p[i], 1e-6);
    EXPECT_NEAR(ideal_library_probability(8, 4, 4, kT[i]), ideal[i], 1e-8);
  }
  EXPECT_NEAR(library_temperature(eight), 0.96871, 5e-6);
  EXPECT_NEAR(library_temperature(sixteen), 0.82441, 5e-6);
  EXPECT_NEAR(ideal_library_temperature(8, 4, 4), 0.96545255, 1e-8);
  EXPECT_NEAR(ideal_library_temperature(16, 4, 8), 0.82440235, 1e-8);
}

TEST(LibraryMachine, IsThePairwiseMachineThatItSays) {
  const LibraryMachine machine = library_machine(walsh_library(8), 4, 4);
  ASSERT_EQ(machine.machine.cells, 12u);
  const std::vector<double> energies = machine_energies(machine.machine);
  const auto by_definition = [&](std::uint32_t state) {
    double energy = 0;
    for (std::uint32_t mu = 0; mu < 4; ++mu) {
      if ((state >> (8 + mu) & 1u) == 0) continue;
      double overlap = 0;
      for (std::uint32_t i = 0; i < 8; ++i)
        overlap += machine.library.pattern(mu)[i] * reference::spin(state, static_cast<int>(i));
      energy -= 4 - 4 * (8 - overlap);
    }
    return energy;
  };
  const double constant = energies[0] - by_definition(0);
  for (std::uint32_t state = 0; state < 4096; ++state)
    ASSERT_NEAR(energies[state] - constant, by_definition(state), 1e-9);
}

TEST(LibraryMachine, OnTheDeviceMeetsEnumeration) {
  Device board = open_board(Board::spins, 12);
  SpinDevice device(board, 3);
  const LibrarySweep sweep = sweep_library(device, library_machine(walsh_library(8), 4, 4), {0.5, 0.75, 1, 1.5}, 512);
  for (const LibraryPoint& point : sweep.points) expect_measured(point.measured, point.exact, 0.02);
  expect_measured(sweep.transition, 0.96871, 0.01);
  EXPECT_NEAR(sweep.transition.value, 0.96871, 0.01 * 0.96871);
  EXPECT_NEAR(sweep.gap_per_cell, 0.5, 0.01);
}

TEST(LibraryMachine, OfSixteenCellsOnTheDeviceMeetsItsTemperature) {
  Device board = open_board(Board::spins, 20);
  SpinDevice device(board, 4);
  const LibrarySweep sweep = sweep_library(device, library_machine(walsh_library(16), 8, 8), {0.8, 0.85}, 32);
  for (const LibraryPoint& point : sweep.points) expect_measured(point.measured, point.exact, 0.1);
  expect_measured(sweep.transition, 0.82441, 0.01);
  EXPECT_NEAR(sweep.transition.value, 0.82441, 0.01 * 0.82441);
}

// -- ergodicity
// --------------------------------------------------------------------------------------------------------

TEST(Escape, ExactTimesAreThoseOfIndependentFormulas) {
  for (const std::uint32_t n : {8u, 16u, 32u}) {
    for (const double beta : {0.5, 1.0, 1.5, 2.0}) {
      const reference::CurieWeiss exact = reference::curie_weiss(static_cast<int>(n), beta);
      EXPECT_NEAR(curie_weiss_time(n, beta) / exact.escape_time, 1, 1e-9);
      EXPECT_NEAR(curie_weiss_square(n, beta) / exact.mean_square_magnetisation, 1, 1e-9);
    }
  }
  EXPECT_NEAR(curie_weiss_time(16, 2) / 705.884, 1, 1e-6);
  for (const double height : {2.0, 4.0, 8.0})
    EXPECT_NEAR(double_well_time(height) / reference::double_well_times(height, 1).to_top, 1, 1e-5);
}

TEST(Escape, SpinsLeaveAsTheChainOfBirthsAndDeathsSays) {
  Device board = open_board(Board::spins_one_by_one, 16);
  for (const auto& [cells, beta, exact] :
       {std::tuple{8u, 0.5, 2.60289}, {8u, 1.0, 5.12684}, {8u, 1.5, 13.9993}, {16u, 1.0, 7.70246}}) {
    const EscapeTime escape = curie_weiss_escape(board, 11, cells, beta, 1024);
    EXPECT_NEAR(escape.exact / exact, 1, 1e-5);
    expect_measured(escape.measured, exact, 0.04);
  }
}

TEST(Escape, CellsLeaveTheirWellsInTheExactTime) {
  Device board = open_board(Board::bistable, 64);
  for (const auto& [height, exact] : {std::pair{2.0, 2.30324}, {4.0, 8.48642}}) {
    const EscapeTime escape = double_well_escape(board, 12, height, 64, 16);
    expect_measured(escape.measured, exact, 0.04);
    EXPECT_GT(escape.escapes, 1000u);
  }
}

TEST(Escape, NeedsSpinsUpdatedOneByOne) {
  Device swept = open_board(Board::spins, 8), cells = open_board(Board::bistable, 8);
  EXPECT_THAT(message_of([&] { curie_weiss_escape(swept, 1, 8, 1, 8); }, HB_UNSUPPORTED),
              HasSubstr("random-sequential"));
  EXPECT_THAT(message_of([&] { curie_weiss_escape(cells, 1, 8, 1, 8); }, HB_UNSUPPORTED), HasSubstr("pbit"));
  EXPECT_THAT(message_of([&] { double_well_escape(swept, 1, 2, 8, 8); }, HB_UNSUPPORTED), HasSubstr("overdamped"));
}

TEST(Ergodicity, BreaksBelowTheCriticalTemperatureAndOnlyThere) {
  Device board = open_board(Board::spins, 32);
  SpinDevice device(board, 21);
  const BreakingPoint hot = measure_breaking(device, 32, 0.5, 128, 400);
  EXPECT_LT(hot.r_hat, 1.02);
  EXPECT_LT(hot.fluctuation[399], 0.2 * hot.fluctuation[39]) << "running means settle as 1/t";
  expect_measured(hot.square_overlap, hot.square_overlap_exact, 0.1);
  const BreakingPoint cold = measure_breaking(device, 32, 2.0, 128, 400);
  EXPECT_GT(cold.r_hat, 3);
  EXPECT_GT(cold.fluctuation[399], 0.9 * cold.fluctuation[39]) << "running means keep their basin";
  double opposite = 0;
  for (std::size_t bin = 0; bin < 10; ++bin) opposite += cold.overlap[bin];
  EXPECT_GT(opposite, 0.95) << "pairs begun in different basins overlap at -m^2, not at both signs";
}

TEST(Ergodicity, LinearCellsAreErgodic) {
  Device board = open_board(Board::bistable, 1);
  const double r = linear_cells_r_hat(board, 22, 64);
  EXPECT_GT(r, 0.99);
  EXPECT_LT(r, 1.02);
}

TEST(Ergodicity, RHatAgreesWithTheOracle) {
  Chains chains{4, 40, {}};
  std::vector<std::vector<double>> same;
  for (std::uint32_t c = 0; c < 4; ++c) {
    same.emplace_back();
    for (std::uint32_t k = 0; k < 40; ++k) same.back().push_back(std::sin(1.7 * k + c) + 0.3 * (c == 2));
    chains.values.insert(chains.values.end(), same.back().begin(), same.back().end());
  }
  EXPECT_NEAR(r_hat(chains), reference::split_r_hat(same), 1e-12);
}

// Pairs of replicas of the 4 x 4 glass, exact-problems 8.
TEST(Ergodicity, ReplicasOfTheGlassOverlapAsEnumerated) {
  Device board = open_board(Board::spins, 16);
  SpinDevice device(board, 23);
  SpinMachine glass(16);
  const std::vector<double> strengths = reference::glass_strengths(4);
  const auto bonds = reference::square_torus(4, strengths);
  for (const reference::Bond& bond : bonds)
    glass.couple(static_cast<std::uint32_t>(bond.a), static_cast<std::uint32_t>(bond.b),
                 static_cast<float>(-bond.coupling));
  for (const auto& [kT, exact] : {std::pair{2.0, 0.14122988}, {1.0, 0.49294596}}) {
    SpinDevice::Run run;
    run.shots = 512;
    run.burn = 500;
    run.records = 100;
    run.interval = 20;
    Chains squares = overlaps(device.run(glass, kT, run));
    for (double& q : squares.values) q *= q;
    expect_measured(chain_mean(squares), exact, 0.02);
  }
}

// -- machines and experts
// ------------------------------------------------------------------------------------------------

TEST(SpinDevice, SamplesTheBoltzmannLawOfItsMachine) {
  Device board = open_board(Board::spins, 5);
  SpinDevice device(board, 31);
  SpinMachine machine(5);
  for (std::uint32_t i = 0; i < 5; ++i) {
    machine.field[i] = 0.3f * static_cast<float>(i) - 0.5f;
    for (std::uint32_t j = 0; j < i; ++j) machine.couple(i, j, (i + j) % 2 != 0 ? 0.4f : -0.25f);
  }
  SpinDevice::Run run;
  run.shots = 4096;
  run.burn = 50;
  run.records = 20;
  run.interval = 10;
  const SpinRecords records = device.run(machine, 0.8, run);
  // The oracle counts states in the device's signs.
  std::vector<reference::Bond> bonds;
  std::vector<double> bias;
  for (int i = 0; i < 5; ++i) {
    bias.push_back(-static_cast<double>(machine.field[i]));
    for (int j = 0; j < i; ++j) bonds.push_back({i, j, -static_cast<double>(machine.coupling(i, j))});
  }
  const reference::Enumeration exact(5, bonds, bias);
  const std::vector<double> p = exact.probabilities(0.8);
  const measure::Estimate kl = sampled_divergence(p, records);
  EXPECT_LT(std::abs(kl.value), 2e-4);
  const double measured_free_energy = exact.log_partition(0.8) * -0.8;
  expect_measured(device.free_energy(machine, 0.8, 2048, 100), measured_free_energy, 0.01);
}

TEST(SpinDevice, ShotsAreNumberedOnAndSeekGoesBack) {
  Device board = open_board(Board::spins, 3);
  SpinDevice device(board, 31);
  SpinDevice::Run run;
  run.shots = 64;
  const auto first = device.run(SpinMachine(3), 1, run).spins, second = device.run(SpinMachine(3), 1, run).spins;
  EXPECT_NE(first, second);
  device.seek(31, 0);
  EXPECT_EQ(device.run(SpinMachine(3), 1, run).spins, first);
}

TEST(SpinDevice, RefusesOtherCellsByName) {
  Device cells = open_board(Board::bistable, 8);
  EXPECT_THAT(message_of([&] { SpinDevice(cells, 1); }, HB_UNSUPPORTED), HasSubstr("overdamped"));
}

// One lane, no seed, no step, no meters, 10-bit codes with mismatch.
TEST(SpinDevice, SamplesOnSilicon) {
  Device board = open("func:profile=silicon&cell=pbit&stepper=sequential");
  SpinDevice device(board, 1);
  const ParityRow row = measure_parity(device, 1, 128, 200);
  EXPECT_NEAR(row.measured.value, row.exact, 4 * row.measured.standard_error + 0.01) << "codes and mismatch are 1 %";
  EXPECT_LT(row.measured.standard_error, 0.02);
  EXPECT_THAT(message_of([&] { device.free_energy(SpinMachine(3), 1, 8, 10); }, HB_UNSUPPORTED), HasSubstr("METERS"));
}

TEST(Study, RefusesADeviceWithoutMetersByName) {
  ErgodicityState state;
  const auto silicon = [](Board, std::uint32_t) { return open("func:profile=silicon&cell=pbit&stepper=sequential"); };
  EXPECT_THAT(message_of([&] { study_patterns(silicon, parity_patterns(), "parity", {}, state); }, HB_UNSUPPORTED),
              HasSubstr("METERS"));
}

TEST(Parity, TableOfStrengthsIsMetOnSpins) {
  Device board = open_board(Board::spins, 3);
  SpinDevice device(board, 41);
  const double exact[] = {0.23570609, 0.03596445, 0.00494523, 0.00067070};
  for (int k = 1; k <= 4; ++k) {
    const ParityRow row = measure_parity(device, k, 4096, 100);
    EXPECT_NEAR(row.exact, exact[k - 1], 1e-8);
    expect_measured(row.measured, exact[k - 1], k < 4 ? 0.05 : 0.3);
  }
}

TEST(Parity, SoftCellsMeetItAfterCalibration) {
  Device board = open_board(Board::bistable, 3);
  const double exact[] = {0.23570609, 0.03596445}, soft[] = {0.86914788, 0};
  for (int k = 1; k <= 2; ++k) {
    Calibration calibration;
    const ParityRow row = measure_soft_parity(board, 42, 4, k, 256, calibration);
    expect_measured(row.measured, exact[k - 1], 0.3);
    EXPECT_EQ(row.board, Board::bistable);
    if (k == 1) expect_measured(calibration.soft_coupling, soft[0], 0.05);
    EXPECT_LT(std::abs(calibration.effective_coupling.value - k), 5 * calibration.effective_coupling.standard_error);
    EXPECT_LT(std::abs(calibration.effective_field.value - k), 5 * calibration.effective_field.standard_error);
  }
}

TEST(Divergence, OfFrequenciesHasNoBiasOfFirstOrder) {
  // 400 draws of 8 equal states: without correction the bias is 7/800.
  SpinRecords records{400, 1, 3, {}};
  double sum = 0, squares = 0;
  constexpr int kTimes = 200;
  std::mt19937_64 generator(5);
  for (int time = 0; time < kTimes; ++time) {
    records.spins.clear();
    for (int shot = 0; shot < 400; ++shot) {
      const auto spins = spins_of(static_cast<std::uint32_t>(generator() & 7u), 3);
      records.spins.insert(records.spins.end(), spins.begin(), spins.end());
    }
    const double kl = sampled_divergence(std::vector<double>(8, 0.125), records).value;
    sum += kl / kTimes;
    squares += kl * kl / kTimes;
  }
  EXPECT_LT(std::abs(sum), 4 * std::sqrt((squares - sum * sum) / kTimes));
}

ErgodicityOptions quick() {
  ErgodicityOptions options;
  options.updates = 150;
  options.effort = 0.25;
  return options;
}

TEST(Study, ParityIsBeyondOneMachineAndEasyForTwoExperts) {
  ErgodicityState state;
  const ErgodicityReport report = study_patterns(open_board, parity_patterns(), "parity", quick(), state);
  ASSERT_TRUE(report.kl_single && report.kl_experts && report.kl_experts_exact);
  EXPECT_LT(std::abs(report.kl_single->value - std::log(2)), 4 * report.kl_single->standard_error + 1e-3);
  EXPECT_NEAR(*report.kl_single_exact, std::log(2), 2e-3);
  EXPECT_LT(report.kl_experts->value, 0.01);
  EXPECT_LT(*report.kl_experts_exact, 0.01);
  for (const auto& expert : report.experts) {
    EXPECT_NEAR(expert.share, 0.5, 0.02);
    EXPECT_LT(std::abs(expert.free_energy.value - *expert.free_energy_exact), 4 * expert.free_energy.standard_error);
  }
  EXPECT_EQ(report.parity.size(), 6u);
  EXPECT_THAT(report.left_out, ::testing::IsEmpty());
  for (const EscapeTime& escape : report.escapes_spins)
    EXPECT_LT(std::abs(escape.measured.value - escape.exact), 4 * escape.measured.standard_error);
}

TEST(Study, TwoPatternsHaveTheirLadderOnTheDeviceAndTwoMinima) {
  ErgodicityState state;
  const ErgodicityReport report = study_patterns(open_board, two_patterns(), "two-patterns", quick(), state);
  ASSERT_EQ(report.ladder.size(), 4u);
  expect_measured(*report.ladder[0].measured, 1.068596, 0.02);
  expect_measured(*report.ladder[1].measured, 0.225761, 0.05);
  EXPECT_FALSE(report.ladder[2].measured);
  EXPECT_EQ(report.minima[0].minima.size(), 1u);
  EXPECT_EQ(report.minima[1].minima.size(), 2u);
  EXPECT_NEAR(std::max(report.experts[0].share, report.experts[1].share), 0.75, 0.02)
      << "the rare pattern has its share";
  EXPECT_LT(report.kl_experts->value, 0.05);
}

TEST(Study, GoesOnWhereItWasStoppedWithTheSameResult) {
  ErgodicityOptions options = quick();
  options.updates = 30;
  options.effort = 0.02;
  ErgodicityState whole, parts;
  const ErgodicityReport report = study_patterns(open_board, two_patterns(), "two-patterns", options, whole);
  for (const int calls : {20, 55}) {
    int left = calls;
    EXPECT_THROW(study_patterns(open_board, two_patterns(), "two-patterns", options, parts, {},
                                [&](std::string_view, double) { return --left > 0; }),
                 Error);
  }
  const ErgodicityReport again = study_patterns(open_board, two_patterns(), "two-patterns", options, parts);
  EXPECT_EQ(whole.single.machine.couplings, parts.single.machine.couplings);
  EXPECT_EQ(whole.experts.machines[1].machine.couplings, parts.experts.machines[1].machine.couplings);
  EXPECT_EQ(report.kl_experts->value, again.kl_experts->value);
}

TEST(Study, NamesTheShapeOfMachinesThatAreOfAnotherProblem) {
  ErgodicityOptions options = quick();
  options.updates = 1;
  options.effort = 0.02;
  ErgodicityState state;
  study_patterns(open_board, two_patterns(), "two-patterns", options, state);
  state.experts.machines[0].machine = SpinMachine(5);
  try {
    study_patterns(open_board, two_patterns(), "two-patterns", options, state);
    ADD_FAILURE() << "goes on with a machine of another shape";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), HB_BAD_ARG);
    EXPECT_THAT(error.what(), HasSubstr("an expert has 5 of 5 cells visible, this problem"));
  }
}

TEST(Study, LeavesOutWhatNoOtherBoardServes) {
  ErgodicityOptions options = quick();
  options.updates = 5;
  options.effort = 0.02;
  ErgodicityState state;
  const ErgodicityReport report = study_patterns(
      [](Board board, std::uint32_t cells) {
        if (board != Board::spins) throw Error(HB_UNSUPPORTED, "there is one chip only");
        return open_board(board, cells);
      },
      two_patterns(), "two-patterns", options, state);
  EXPECT_EQ(report.left_out.size(), 2u);
  EXPECT_THAT(report.left_out[0], HasSubstr("one chip only"));
}

#ifdef HEATBATH_HAS_SYSTEMC
// The chip in SystemC is trained by the same code: the same machines and the same figures.
TEST(Study, LearnsOnTheSystemCChipWhatItLearnsOnTheFunctionalOne) {
  ErgodicityOptions options = quick();
  options.updates = 3;
  options.effort = 0.004;
  std::vector<ErgodicityState> states(2);
  std::vector<ErgodicityReport> reports;
  for (const std::string scheme : {"func:", "tlm:"}) {
    reports.push_back(study_patterns(
        [&](Board board, std::uint32_t cells) {
          if (board != Board::spins) throw Error(HB_UNSUPPORTED, "there is one chip only");
          return open(scheme + "cell=pbit&lanes=64&cells=" + std::to_string(cells));
        },
        two_patterns(), "two-patterns", options, states[reports.size()]));
  }
  EXPECT_EQ(states[0].single.machine.couplings, states[1].single.machine.couplings);
  EXPECT_EQ(states[0].experts.machines[1].machine.couplings, states[1].experts.machines[1].machine.couplings);
  EXPECT_EQ(reports[0].kl_experts->value, reports[1].kl_experts->value);
  EXPECT_EQ(reports[0].library.points[1].measured.value, reports[1].library.points[1].measured.value);
}
#endif

TEST(Digits, ExpertsBeatOneMachineOfAsManyParameters) {
  const BinaryDigits digits = binary_digits(draw_digits(1, 470), {0, 1, 2}, 500, 500, 0.1);
  ErgodicityOptions options;
  options.experts = 3;
  options.updates = 200;
  options.effort = 0.5;
  ErgodicityState state;
  const ErgodicityReport report = study_digits(
      [](Board board, std::uint32_t cells) {
        if (board != Board::spins) throw Error(HB_UNSUPPORTED, "not in this test");
        return open_board(board, cells);
      },
      digits, options, state);
  EXPECT_EQ(report.parameters_single, report.parameters_experts);
  ASSERT_TRUE(report.margin);
  EXPECT_GT(report.margin->value, 3 * report.margin->standard_error)
      << report.margin->value << " +- " << report.margin->standard_error << ", " << report.likelihood_single->value << " and "
      << report.likelihood_experts->value;
  const double expert_miss = std::abs(report.shares_experts[2] - report.shares_data[2]);
  EXPECT_LT(expert_miss, 0.06) << report.shares_data[2] << " " << report.shares_single[2] << " "
                               << report.shares_experts[2];
  EXPECT_LT(expert_miss, std::abs(report.shares_single[2] - report.shares_data[2]));
}

TEST(Study, OfTheLeastEffortKeepsItsTraining) {
  for (const double effort : {0.001, 0.01}) {
    ErgodicityOptions options = quick();
    options.effort = effort;
    options.updates = 5;
    ErgodicityState state;
    const ErgodicityReport report = study_patterns(open_board, parity_patterns(), "parity", options, state);
    EXPECT_TRUE(report.parity.size() == 6 || !report.left_out.empty()) << "measured, or said to be left out";
    EXPECT_GE(report.library.chains, 8u);
  }
}

// -- files
// --------------------------------------------------------------------------------------------------------------

TEST(PatternFile, IsReadWithWeightsAndComments) {
  const auto path = std::filesystem::temp_directory_path() / ("patterns-" + std::to_string(::getpid()));
  const auto read = [&](const std::string& text) {
    std::ofstream(path) << text;
    return read_patterns(path);
  };
  const Patterns patterns = read("# two\n1101 3\n-+-+ 1  # the other\n\n1101 2\n");
  EXPECT_EQ(patterns.cells, 4u);
  ASSERT_EQ(patterns.size(), 2u);
  EXPECT_NEAR(patterns.weights[0], 5.0 / 6, 1e-12);
  EXPECT_EQ(state_of(patterns.pattern(0)), 0b1011u);
  EXPECT_EQ(state_of(patterns.pattern(1)), 0b1010u);
  EXPECT_EQ(read("1 0 1\n0 1 0\n").cells, 3u);
  const auto refused = [&](const std::string& text) { return message_of([&] { read(text); }, HB_BAD_ARG); };
  EXPECT_THAT(refused("101\n1201\n"), HasSubstr(":2: \"1201\" is not binary"));
  EXPECT_THAT(refused("101\n1001\n"), HasSubstr(":2: 4 cells"));
  EXPECT_THAT(refused("101 -2\n"), HasSubstr("\"-2\" is not a number above 0"));
  EXPECT_THAT(refused("# nothing\n"), HasSubstr("no pattern"));
  const Patterns heavy = read("1101 1e308\n0010 1.7e308\n1101 1e308\n");
  EXPECT_NEAR(heavy.weights[0], 2 / 3.7, 1e-12) << "their sum is beyond a double";
  EXPECT_NO_THROW(begin_experts(heavy, 2, 1));
  const Patterns light = read("1101 3e-310\n0010 1e-310\n");
  EXPECT_NEAR(light.weights[0], 0.75, 1e-9);
  EXPECT_THAT(refused("1101 1e200\n0010 1e-200\n"), HasSubstr("the weight of pattern 2 is lost beside the largest"));
  std::filesystem::remove(path);
  EXPECT_THAT(message_of([&] { read_patterns(path); }, HB_IO), HasSubstr("no such file"));
}

TEST(Experts, AreNoMoreThanPatterns) {
  EXPECT_THAT(message_of([] { begin_experts(two_patterns(), 3, 1); }, HB_BAD_ARG),
              HasSubstr("3 experts for 2 patterns"));
}

}  // namespace
}  // namespace heatbath::trainers
