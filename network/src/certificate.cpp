#include "heatbath/network/certificate.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <stdexcept>
#include <string>

#include "heatbath/cells/phase.hpp"
#include "heatbath/cells/quartic.hpp"
#include "heatbath/error.hpp"

namespace heatbath::network {
namespace {

constexpr std::uint32_t most_enumerated = 20;

constexpr auto plain_fma = [](double a, double b, double c) { return std::fma(a, b, c); };

/// What the energy of a network needs, read out of it once.
struct Parameters {
  CellKind kind = CellKind::overdamped;
  double constant = 0, state_factor = 1;
  std::vector<double> j2, j4, bias;
  std::vector<Edge> edges;

  Parameters(const Network& network, double factor)
      : kind(network.kind()), constant(network.constant()), state_factor(factor) {
    for (std::uint32_t i = 0; i < network.cells(); ++i) {
      j2.push_back(network.value(CellSection::j2, i));
      j4.push_back(network.value(CellSection::j4, i));
      bias.push_back(network.value(CellSection::bias, i));
    }
    if (kind != CellKind::rlc) edges.assign(network.couplings().begin(), network.couplings().end());
  }

  measure::LocalEnergy spins(std::span<const float> state, std::span<double> slopes) const {
    std::ranges::copy(bias, slopes.begin());
    for (const Edge& edge : edges) {
      slopes[edge.i] += edge.value * (state[edge.j] < 0 ? -1.0 : 1.0);
      slopes[edge.j] += edge.value * (state[edge.i] < 0 ? -1.0 : 1.0);
    }
    // sum s (b + sum J s)/2 + sum s b/2 counts each coupling once.
    double energy = 0;
    for (std::size_t i = 0; i < bias.size(); ++i) energy += (state[i] < 0 ? -0.5 : 0.5) * (slopes[i] + bias[i]);
    return {constant + energy, 0};
  }

  measure::LocalEnergy positions(std::span<const float> state, std::span<double> slopes) const {
    measure::LocalEnergy local{constant, 0};
    for (std::size_t i = 0; i < bias.size(); ++i) {
      const double x = state_factor * static_cast<double>(state[i]);
      local.energy += cells::quartic_energy(j2[i], j4[i], bias[i], x);
      slopes[i] = cells::quartic_gradient(plain_fma, 2 * j2[i], 4 * j4[i], bias[i], x);
      local.laplacian += cells::quartic_curvature(2 * j2[i], 4 * j4[i], x);
    }
    for (const Edge& edge : edges) {
      const double a = state_factor * static_cast<double>(state[edge.i]), b = state_factor * static_cast<double>(state[edge.j]);
      local.energy += edge.value * a * b;
      slopes[edge.i] += edge.value * b;
      slopes[edge.j] += edge.value * a;
    }
    return local;
  }

  measure::LocalEnergy phases(std::span<const float> state, std::span<double> slopes) const {
    measure::LocalEnergy local{constant, 0};
    for (std::size_t i = 0; i < bias.size(); ++i) {
      const double c = std::cos(static_cast<double>(state[i])), s = std::sin(static_cast<double>(state[i]));
      local.energy += cells::phase_energy(j2[i], bias[i], c);
      slopes[i] = cells::phase_gradient(plain_fma, 4 * j2[i], bias[i], 0.0, c, s);
      local.laplacian += cells::phase_curvature(4 * j2[i], bias[i], 0.0, c, s);
    }
    for (const Edge& edge : edges) {
      const double apart = static_cast<double>(state[edge.i]) - static_cast<double>(state[edge.j]);
      const double c = std::cos(apart), s = std::sin(apart);
      local.energy += edge.value * c;
      slopes[edge.i] -= edge.value * s;
      slopes[edge.j] += edge.value * s;
      local.laplacian -= 2 * edge.value * c;
    }
    return local;
  }
};

}  // namespace

measure::EnergyView energy_view(const Network& network, double state_factor) {
  if (network.directed())
    throw Error(HB_UNSUPPORTED, "certificate: couplings that differ in their two directions have no energy");
  if (network.kind() == CellKind::categorical)
    throw Error(HB_UNSUPPORTED, "certificate: categorical cells have no field for each of their states here");
  measure::EnergyView view;
  view.cells = network.cells();
  view.spins = network.kind() == CellKind::pbit;
  const auto parameters = std::make_shared<const Parameters>(network, state_factor);
  if (view.spins)
    view.at = [parameters](auto state, auto slopes) { return parameters->spins(state, slopes); };
  else if (network.kind() == CellKind::phase)
    view.at = [parameters](auto state, auto slopes) { return parameters->phases(state, slopes); };
  else
    view.at = [parameters](auto state, auto slopes) { return parameters->positions(state, slopes); };
  return view;
}

measure::Certificate certify(const Network& network, double kT, std::span<const float> states, std::size_t chains,
                             double state_factor, measure::CertificateOptions options) {
  options.kT = kT;
  try {
    return measure::certify(states, chains, energy_view(network, state_factor), options);
  } catch (const std::invalid_argument& wrong) {
    throw Error(HB_BAD_ARG, wrong.what());
  }
}

measure::Certificate certify(const Network& network, double kT, const Capture& capture, double state_factor,
                             measure::CertificateOptions options) {
  if (capture.cells() != network.cells() || capture.first() != 0)
    throw Error(HB_BAD_ARG, "certificate: a capture of " + std::to_string(capture.cells()) + " variables; it needs the " +
                                std::to_string(network.cells()) + " cells of the network");
  return certify(network, kT, capture.values(), capture.shots(), state_factor, options);
}

std::vector<double> enumerated_law(const Network& network, double kT) {
  if (network.kind() != CellKind::pbit || network.cells() > most_enumerated || network.directed())
    throw Error(HB_UNSUPPORTED, "certificate: laws are enumerated for at most " + std::to_string(most_enumerated) +
                                    " spins with reciprocal couplings");
  if (!(kT > 0)) throw Error(HB_BAD_ARG, "certificate: a law needs kT above 0");
  const std::uint32_t cells = network.cells();
  std::vector<double> law(std::size_t{1} << cells);
  std::vector<std::int8_t> spins(cells);
  for (std::size_t state = 0; state < law.size(); ++state) {
    for (std::uint32_t i = 0; i < cells; ++i) spins[i] = (state >> i & 1) != 0 ? 1 : -1;
    law[state] = network.energy(std::span<const std::int8_t>(spins));
  }
  const double lowest = *std::ranges::min_element(law);
  double sum = 0;
  for (double& value : law) sum += value = std::exp(-(value - lowest) / kT);
  for (double& value : law) value /= sum;
  return law;
}

}  // namespace heatbath::network
