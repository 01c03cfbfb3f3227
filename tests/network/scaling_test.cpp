// How networks lie on devices of narrow ranges: inside them, with what would fit where they do not.
#include "heatbath/network/scaling.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <random>
#include <regex>

#include "heatbath/open.hpp"
#include "tests/network/message_of.hpp"

namespace heatbath::network {
namespace {

using Numbers = std::vector<double>;
using ::testing::HasSubstr;

Device device_of(const std::string& profile, const std::string& keys = "cells=32&lanes=1") {
  return open("func:profile=" + profile + (profile == "silicon" ? "&cells=32" : "&" + keys));
}

/// A chain of springs: stiffness k of each cell, c between neighbours, pulled by f.
Network springs(std::uint32_t n, double k, double c, double f) {
  Numbers A(n * n, 0.0);
  for (std::uint32_t i = 0; i < n; ++i) {
    A[i * n + i] = k + (i > 0 ? c : 0) + (i + 1 < n ? c : 0);
    if (i > 0) A[i * n + i - 1] = A[(i - 1) * n + i] = -c;
  }
  return Network::quadratic_form(A, Numbers(n, f));
}

class OnProfile : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Profiles, OnProfile, ::testing::Values("ideal", "coded", "silicon"),
                         [](const auto& profile) { return std::string(profile.param); });

TEST_P(OnProfile, NothingIsClippedWhateverTheUnits) {
  Device device = device_of(GetParam());
  for (const double unit : {1e-4, 1.0, 3e3}) {
    const Network network = springs(8, 1.5 * unit, 0.7 * unit, 0.4 * unit);
    const Scaling scaling(network, device.capabilities(), {.kT = 0.5 * unit});
    const Program program = scaling.program();
    EXPECT_EQ(program.clips(), 0u) << unit;
    const Capabilities& caps = device.capabilities();
    EXPECT_GE(scaling.device_kT(), static_cast<double>(caps.kT_min) * (1 - 1e-6));
    EXPECT_LE(scaling.device_kT(), static_cast<double>(caps.kT_max) * (1 + 1e-6));
    EXPECT_LE(scaling.reach() / scaling.factors().state, static_cast<double>(caps.range_state));
    EXPECT_EQ(scaling.kT(), 0.5 * unit);
  }
}

TEST_P(OnProfile, WhatIsHeldIsTheNetworkWithinTheConverters) {
  Device device = device_of(GetParam());
  const Network network = springs(8, 1.5, 0.7, 0.4);
  const Scaling scaling(network, device.capabilities());
  const std::uint32_t bits = device.capabilities().parameter_bits;
  const Capabilities& caps = device.capabilities();
  const Network held = scaling.held();
  // Half a step of each converter, in the network's units; of float32 half a unit in the last place.
  const auto half_step = [&](double range, double factor, double value) {
    return bits == 0 ? std::ldexp(std::abs(value), -24)
                     : std::ldexp(range, -static_cast<int>(bits)) / factor * (1 + 1e-6);
  };
  double worst = 0;
  const auto compare = [&](double there, double wanted, double largest, double range, double factor) {
    EXPECT_NEAR(there, wanted, half_step(range, factor, wanted) + 1e-15);
    worst = std::max(worst, std::abs(there - wanted) / largest);
  };
  const Factors& factors = scaling.factors();
  for (std::uint32_t i = 0; i < 8; ++i) {
    for (const auto& [section, range] :
         {std::pair{CellSection::j2, caps.range_j2}, {CellSection::bias, caps.range_bias}})
      compare(held.value(section, i), network.value(section, i), network.largest(section), static_cast<double>(range),
              factors.of(section));
  }
  ASSERT_EQ(held.couplings().size(), network.couplings().size());
  for (std::size_t k = 0; k < held.couplings().size(); ++k)
    compare(held.couplings()[k].value, network.couplings()[k].value, 0.7, static_cast<double>(caps.range_coupling),
            factors.of_couplings());
  EXPECT_DOUBLE_EQ(scaling.rounding().worst, worst);
  EXPECT_GT(worst, 0);
  EXPECT_EQ(scaling.rounding().lost, 0u);
}

TEST(Scaling, ValuesLostInTheConverterAreCounted) {
  Device device = device_of("coded");
  Network network = springs(3, 1, 0.5, 0);
  network.set_fields(Numbers{1, 1e-4, 0});
  EXPECT_EQ(Scaling(network, device.capabilities()).rounding().lost, 1u);
}

TEST_P(OnProfile, StepsAreStableAndAsStiffAsAsked) {
  Device device = device_of(GetParam());
  const Network network = springs(8, 1.5, 0.7, 0.4);
  const Scaling scaling(network, device.capabilities(), {.stiffness = 0.04});
  EXPECT_NEAR(scaling.step() * network.curvature(0).highest, 0.04, 1e-12);
  scaling.set_step(device);
  if (device.capabilities().dt_programmable) {
    const double step = scaling.time(device, device.step());
    EXPECT_LE(step, scaling.step() * (1 + 1e-6));
    EXPECT_GT(step, 0.9 * scaling.step());
  }
  Program program = scaling.program();
  program.evolve(scaling.burn_in(device)).sample();
  EXPECT_EQ(device.run(program, {.shots = 1, .strict = true}).rails, 0u);
}

TEST(Scaling, IsOneWhereTheDeviceTakesTheNetworkAsItIs) {
  Device device = device_of("ideal");
  const Scaling scaling(springs(4, 1, 0.5, 1), device.capabilities());
  EXPECT_EQ(scaling.factors().energy, 1);
  EXPECT_EQ(scaling.factors().state, 1);
  EXPECT_EQ(scaling.device_kT(), 1);
}

TEST(Scaling, CodesUseTheirConverters) {
  Device device = device_of("silicon");
  const Network network = springs(4, 0.1, 0.05, 0.01);
  const Scaling scaling(network, device.capabilities());
  const Capabilities& caps = device.capabilities();
  const double square = scaling.factors().of_couplings();
  const double used = std::max({network.largest(CellSection::j2) * square / static_cast<double>(caps.range_j2),
                                network.largest_coupling() * square / static_cast<double>(caps.range_coupling),
                                scaling.device_kT() / static_cast<double>(caps.kT_max)});
  EXPECT_NEAR(used, 0.98, 0.021);
}

TEST(Scaling, RelaxationIsTheSlowestModeOfALinearNetwork) {
  Device device = device_of("ideal");
  const std::uint32_t n = 10;
  const Network network = springs(n, 0.3, 1.1, 0);
  // Modes of a chain with free ends: k + 2c (1 - cos(pi q/n)); the slowest is k.
  EXPECT_NEAR(Scaling(network, device.capabilities()).need_relaxation_time(), 1 / 0.3, 1e-9);
}

TEST(Scaling, NoRelaxationIsClaimedOverABarrier) {
  Device device = device_of("ideal");
  const Scaling scaling(Network::double_wells(2, 4), device.capabilities());
  EXPECT_FALSE(scaling.relaxation_time());
  EXPECT_THAT(message_of([&] { scaling.burn_in(device); }, HB_UNSUPPORTED), HasSubstr("not convex"));
}

TEST(Scaling, SpinsHaveABoundAboveTheirTransitionOnly) {
  Device device = open("func:cell=pbit&cells=8&lanes=1");
  const Network pair = Network::ising(std::vector<Edge>{{0, 1, 1}}, Numbers{0, 0});
  EXPECT_NEAR(Scaling(pair, device.capabilities(), {.kT = 2}).need_relaxation_time(), 1 / (1 - std::tanh(0.5)), 1e-12);
  const Network star = Network::ising(std::vector<Edge>{{0, 1, 1}, {0, 2, 1}, {0, 3, 1}}, Numbers(4));
  EXPECT_THAT(message_of([&] { Scaling(star, device.capabilities()).need_relaxation_time(); }, HB_UNSUPPORTED),
              HasSubstr("up to 2.285"));
}

TEST(Scaling, StepOfSpinsIsASweep) {
  Device device = open("func:cell=pbit&cells=8&lanes=1");
  const Scaling scaling(Network::ising(std::vector<Edge>{{0, 1, 1}}, Numbers{0, 0}), device.capabilities());
  scaling.set_step(device);
  EXPECT_EQ(device.step(), device.capabilities().time_unit);
}

TEST(Scaling, TimesAreThoseOfTheNetworkAtMobilityOne) {
  Device silicon = device_of("silicon");
  const Scaling scaling(springs(4, 1, 0.2, 0), silicon.capabilities());
  const double square = scaling.factors().of_couplings();
  const Ticks duration = scaling.ticks(silicon, 2.5);
  EXPECT_NEAR(silicon.time_units(duration) * square * static_cast<double>(silicon.capabilities().mobility), 2.5, 0.01);
  EXPECT_NEAR(scaling.time(silicon, duration), 2.5, 0.01);
}

TEST(Scaling, StatesAndEnergiesComeBack) {
  Device device = device_of("silicon");
  const Network network = springs(3, 1.2, 0.4, 2);
  const Scaling scaling(network, device.capabilities());
  const Numbers x{0.5, -0.25, 2};
  const std::vector<float> y = scaling.to_device(x);
  const Numbers back = scaling.states(Numbers(y.begin(), y.end()));
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(back[i], x[i], 1e-6);
  hb_meters_t meters{};
  meters.heat = scaling.factors().energy * 3;
  meters.ticks = 7;
  EXPECT_NEAR(scaling.meters(meters).heat, 3, 1e-12);
  EXPECT_EQ(scaling.meters(meters).ticks, 7u);
}

TEST(Scaling, ColdNetworkIsRefusedWithTheTemperatureThatFits) {
  Device device = device_of("silicon");
  const Network network = springs(4, 5, 4, 50);
  const std::string message =
      message_of([&] { Scaling(network, device.capabilities(), {.kT = 1e-4}); }, HB_UNSUPPORTED);
  EXPECT_THAT(message, HasSubstr("CAPS_RANGE_"));
  std::smatch number;
  ASSERT_TRUE(std::regex_search(message, number, std::regex("kT of ([0-9.e+-]+) or more fits"))) << message;
  const double fits = std::stod(number[1]);
  EXPECT_EQ(Scaling(network, device.capabilities(), {.kT = fits}).program().clips(), 0u);
  message_of([&] { Scaling(network, device.capabilities(), {.kT = fits / 1.1}); }, HB_UNSUPPORTED);
}

TEST(Scaling, EnergyWithoutAFloorIsRefused) {
  Device device = device_of("ideal");
  EXPECT_THAT(
      message_of([&] { Scaling(Network::quadratic_form(Numbers{1, 2, 2, 1}, Numbers{0, 0}), device.capabilities()); },
                 HB_BAD_ARG),
      HasSubstr("lowest curvature is -1"));
}

TEST(Scaling, OptionsOutOfRangeAreNamed) {
  Device device = device_of("silicon");
  const Network network = springs(2, 1, 0.1, 0);
  const auto refusal = [&](ScalingOptions options, hb_status_t code = HB_BAD_ARG) {
    return message_of([&] { Scaling(network, device.capabilities(), options); }, code);
  };
  EXPECT_THAT(refusal({.kT = -1}), HasSubstr("kT is -1"));
  EXPECT_THAT(refusal({.kT = NAN}), HasSubstr("nan"));
  EXPECT_THAT(refusal({.kT = 0}, HB_UNSUPPORTED), HasSubstr("0.01"));
  EXPECT_THAT(refusal({.reach = -2}), HasSubstr("reach"));
  EXPECT_THAT(refusal({.room = 2}), HasSubstr("room"));
  EXPECT_THAT(refusal({.stiffness = 0}), HasSubstr("stiffness"));
  EXPECT_THAT(message_of([&] { Scaling(springs(40, 1, 0.1, 0), device.capabilities()); }, HB_BAD_ARG),
              HasSubstr("40 cells; this device has 32"));
  EXPECT_THAT(message_of([&] { Scaling(Network(CellKind::pbit, 2), device.capabilities()); }, HB_UNSUPPORTED),
              HasSubstr("pbit"));
}

/// The number that a refusal gives after `words`.
double number_after(const std::string& message, const std::string& words) {
  std::smatch number;
  if (std::regex_search(message, number, std::regex(words + " ([0-9.e+-]+)"))) return std::stod(number[1]);
  ADD_FAILURE() << message;
  return NAN;
}

TEST(Scaling, StatesThatAreKeptReachNoFartherThanTheRails) {
  Device device = device_of("silicon");
  const Network network = springs(2, 1, 0.1, 0);
  const auto kept = [&](double reach) { return Scaling(network, device.capabilities(), {.reach = reach, .keep_states = true}); };
  const std::string message = message_of([&] { kept(100); }, HB_UNSUPPORTED);
  EXPECT_THAT(message, HasSubstr("keep_states with a reach of 100 needs a CAPS_RANGE_STATE of 102"));
  const double fits = number_after(message, "a reach of 100 .*a reach of");
  EXPECT_EQ(kept(fits).factors().state, 1);
  message_of([&] { kept(1.001 * fits); }, HB_UNSUPPORTED);
  EXPECT_GT(Scaling(network, device.capabilities(), {.reach = 50}).factors().state, 1) << "scaled states fit";
}

TEST(Scaling, AFactorOnEnergiesThatIsTooSmallForTheTemperatureIsRefused) {
  Device device = device_of("silicon");  // never colder than 0.01
  const Network network = springs(2, 1, 0.1, 0);
  const auto scaled = [&](double kT, double most) {
    return Scaling(network, device.capabilities(), {.kT = kT, .most_energy = most});
  };
  const std::string message = message_of([&] { scaled(0.5, 0.001); }, HB_UNSUPPORTED);
  EXPECT_THAT(message, HasSubstr("make kT 0.0005 on the device, which is never below 0.01"));
  const double most = number_after(message, "most_energy of"), kT = number_after(message, "or kT of");
  EXPECT_LE(scaled(0.5, most).factors().energy, most);
  EXPECT_LE(scaled(kT, 0.001).factors().energy, 0.001);
  message_of([&] { scaled(0.5, most / 1.01); }, HB_UNSUPPORTED);
  message_of([&] { scaled(kT / 1.01, 0.001); }, HB_UNSUPPORTED);
  EXPECT_GE(scaled(0.5, 0).device_kT(), 0.01) << "a factor that is not given is the device's to choose";
}

TEST(Scaling, AMassThatTheCodesHoldAsNothingIsNamed) {
  Device device = open("func:profile=silicon&cell=underdamped&cells=32");
  Network network(CellKind::underdamped, 2);
  network.set(CellSection::j2, Numbers{1, 1}).set(CellSection::mass, Numbers{50, 1e-3});
  const std::string message = message_of([&] { Scaling(network, device.capabilities()); }, HB_UNSUPPORTED);
  EXPECT_THAT(message, HasSubstr("the mass of cell 1, 0.001, is 0 in the codes of this device (CAPS_RANGE_MASS"));
  const double least = number_after(message, "masses of");
  network.set(CellSection::mass, Numbers{50, least});
  EXPECT_GT(Scaling(network, device.capabilities()).held().value(CellSection::mass, 1), 0);
  network.set(CellSection::mass, Numbers{50, least / 1.01});
  message_of([&] { Scaling(network, device.capabilities()); }, HB_UNSUPPORTED);
}

TEST(Scaling, ACaptureOfVelocitiesIsNotTakenForStates) {
  Device device = open("func:cell=underdamped&cells=2&threads=1");
  Network network(CellKind::underdamped, 2);
  network.set(CellSection::j2, Numbers{1, 1});
  Program program = Scaling(network, device.capabilities()).program();
  program.evolve(device.ticks(1)).sample();
  const auto energies = [&](std::uint32_t first) {
    JobOptions options{.seed = 3};
    options.capture_first = first;
    return network.energies(device.run(program, options).capture);
  };
  EXPECT_GT(energies(0)[0], 0);
  EXPECT_THAT(message_of([&] { energies(2); }, HB_BAD_ARG), HasSubstr("from 2 on"));
}

TEST(Scaling, PairWithoutACouplerIsNamed) {
  Device device = open("func:topology=chain:4&lanes=1");
  Network network = springs(4, 1, 0.2, 0);
  EXPECT_NO_THROW(Scaling(network, device.capabilities()).program());
  network.set_couplings(std::vector<Edge>{{0, 2, 0.1}});
  EXPECT_THAT(message_of([&] { Scaling(network, device.capabilities()).program(); }, HB_BAD_ARG),
              HasSubstr("no coupler between cells 0 and 2"));
}

TEST(Scaling, DirectedCouplingsNeedADeviceOfThem) {
  Network network = springs(2, 1, 0.2, 0);
  network.set_directed(std::vector<Edge>{{0, 1, 0.1}});
  Device reciprocal = device_of("ideal");
  EXPECT_THAT(message_of([&] { Scaling(network, reciprocal.capabilities()).program(); }, HB_UNSUPPORTED),
              HasSubstr("LAYOUT FULL"));
  Device full = device_of("ideal", "cells=32&lanes=1&reciprocal=no");
  Program program = Scaling(network, full.capabilities()).program();
  program.readback_couplings().evolve(full.ticks(0.1));
  const std::vector<float> held = full.run(program).readback[0];
  EXPECT_EQ(held, (std::vector<float>{0, 0.1f, 0, 0}));
}

}  // namespace
}  // namespace heatbath::network
