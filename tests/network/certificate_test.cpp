// Certificates of networks: the view of the energy, and samples of devices.
#include "heatbath/network/certificate.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "heatbath/network/scaling.hpp"
#include "heatbath/network/shots.hpp"
#include "heatbath/open.hpp"
#include "tests/network/message_of.hpp"

namespace heatbath::network {
namespace {

std::vector<Edge> some_edges() { return {{0, 1, 0.7}, {1, 2, -0.4}, {0, 3, 0.2}}; }

Network some(CellKind kind) {
  Network network(kind, 4);
  const std::vector<double> bias{0.3, -0.2, 0.5, 0.1};
  network.set(CellSection::bias, bias).set_couplings(some_edges()).set_constant(0.25);
  if (kind != CellKind::pbit) network.set(CellSection::j2, 0.6);
  if (network.has_positions()) network.set(CellSection::j4, 0.2);
  return network;
}

TEST(EnergyView, IsTheEnergyOfTheNetworkAndItsDerivatives) {
  const std::vector<float> state{0.4f, -0.8f, 1.1f, 0.3f};
  for (const CellKind kind : {CellKind::overdamped, CellKind::underdamped, CellKind::phase, CellKind::rlc}) {
    const Network network = some(kind);
    const double factor = network.has_positions() ? 1.5 : 1, h = 1e-3;
    std::vector<double> x, slopes(4);
    for (const float value : state) x.push_back(factor * static_cast<double>(value));
    const measure::LocalEnergy local = energy_view(network, factor).at(state, slopes);
    EXPECT_NEAR(local.energy, network.energy(std::span<const double>(x)), 1e-9) << name(kind);
    double laplacian = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      auto up = x, down = x;
      up[i] += h;
      down[i] -= h;
      const double above = network.energy(std::span<const double>(up)), below = network.energy(std::span<const double>(down));
      EXPECT_NEAR(slopes[i], (above - below) / (2 * h), 1e-5) << name(kind) << " " << i;
      laplacian += (above - 2 * network.energy(std::span<const double>(x)) + below) / (h * h);
    }
    EXPECT_NEAR(local.laplacian, laplacian, 1e-5) << name(kind);
  }
}

TEST(EnergyView, SlopesOfSpinsAreHalfDifferences) {
  const Network network = some(CellKind::pbit);
  const measure::EnergyView view = energy_view(network);
  for (unsigned bits = 0; bits < 16; ++bits) {
    std::vector<float> state;
    for (unsigned i = 0; i < 4; ++i) state.push_back((bits >> i & 1) != 0 ? 1.0f : -1.0f);
    std::vector<double> slopes(4);
    EXPECT_NEAR(view.at(state, slopes).energy, network.energy(std::span<const float>(state)), 1e-12);
    for (std::size_t i = 0; i < 4; ++i) {
      auto up = state, down = state;
      up[i] = 1;
      down[i] = -1;
      EXPECT_NEAR(slopes[i], (network.energy(std::span<const float>(up)) - network.energy(std::span<const float>(down))) / 2, 1e-12);
    }
  }
}

TEST(Certificate, SamplesOfADeviceHaveTheTemperatureOfItsLoad) {
  Device device = open("func:cell=pbit&cells=8&lanes=64&threads=1");
  std::mt19937_64 random(4);
  std::normal_distribution<double> normal;
  std::vector<Edge> edges;
  for (std::uint32_t i = 0; i < 8; ++i)
    for (std::uint32_t j = i + 1; j < 8; ++j) edges.push_back({i, j, 0.3 * normal(random)});
  const Network network = Network::ising(edges, std::vector<double>(8, 0.2));
  Program program = Scaling(network, device.capabilities(), {.kT = 1}).program();
  program.evolve(device.ticks(50));
  for (int k = 0; k < 100; ++k) program.evolve(device.ticks(2)).sample();
  const Capture capture = Shots(device, {.seed = 7}).run(program, 400).capture;
  const std::vector<double> law = enumerated_law(network, 1);
  const measure::Certificate c = certify(network, 1, capture, 1, {.law = law});
  EXPECT_TRUE(c.clean()) << measure::text(c);
  EXPECT_LT(c.inverse_temperature.standard_error, 0.01);
  EXPECT_NEAR(c.inverse_temperature.value, 1, 4 * c.inverse_temperature.standard_error);
  EXPECT_TRUE(certify(network, 1.1, capture).found(measure::Finding::temperature_mismatch));
  // One coupling that the sampler did not have.
  Network other = network;
  edges[0].value += 0.2;
  other.set_aligning(edges);
  const std::vector<double> other_law = enumerated_law(other, 1);
  EXPECT_TRUE(certify(other, 1, capture, 1, {.law = other_law}).found(measure::Finding::above_noise_floor));
}

TEST(Certificate, PositionsInDeviceUnitsAreScaled) {
  Device device = open("func:cells=16&lanes=64&threads=1");
  const Network network = Network::double_wells(16, 1.5);
  const Scaling scaling(network, device.capabilities(), {.kT = 0.5});
  scaling.set_step(device);
  Program program = scaling.program();
  for (int k = 0; k < 20; ++k) program.evolve(scaling.ticks(device, 1)).sample();
  const Capture capture = Shots(device, {.seed = 7}).run(program, 200).capture;
  const measure::Certificate c = certify(network, 0.5, capture, scaling.factors().state, {.temperature_tolerance = 0.03});
  EXPECT_NEAR(c.inverse_temperature.value, 2, 0.06) << measure::text(c);
  EXPECT_FALSE(c.found(measure::Finding::temperature_mismatch)) << measure::text(c);
}

TEST(Certificate, WhatHasNoEnergyOrAnotherShapeIsRefused) {
  Network network = some(CellKind::overdamped);
  network.set_directed(some_edges());
  EXPECT_NE(message_of([&] { energy_view(network); }, HB_UNSUPPORTED).find("no energy"), std::string::npos);
  EXPECT_THROW(certify(some(CellKind::pbit), 1, Capture(2, 3)), Error);
  EXPECT_THROW(certify(some(CellKind::pbit), 1, Capture(2, 4)), Error);
  EXPECT_THROW(enumerated_law(some(CellKind::phase), 1), Error);
  EXPECT_THROW(enumerated_law(Network(CellKind::pbit, 21), 1), Error);
  EXPECT_THROW(enumerated_law(Network(CellKind::pbit, 2), 0), Error);
}

}  // namespace
}  // namespace heatbath::network
