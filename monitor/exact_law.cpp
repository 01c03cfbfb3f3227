#include "monitor/exact_law.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>

#include "oracles/boltzmann_cell.hpp"
#include "oracles/dense_algebra.hpp"
#include "oracles/enumeration.hpp"

namespace heatbath::monitor {

namespace {

constexpr std::uint32_t most_linear = 400, most_counted = 12;

double value_of(const std::optional<std::vector<float>>& values, std::uint32_t cell) {
  if (!values) return 0;
  return values->size() == 1 ? values->front() : (*values)[cell];
}

/// Probabilities of the bins, from a function that is the integral of the density.
template <typename Cumulative>
void fill(ExactLaw& law, std::size_t bins, const Cumulative& cumulative) {
  double before = cumulative(law.low);
  for (std::size_t k = 1; k <= bins; ++k) {
    const double here = cumulative(law.low + (law.high - law.low) * static_cast<double>(k) / static_cast<double>(bins));
    law.probability.push_back(here - before);
    before = here;
  }
}

ExactLaw by_quadrature(const reference::BoltzmannLaw& of, const char* name, std::size_t bins, bool whole) {
  ExactLaw law{name, of.average([](double x) { return x; }), 0, 0, 0, {}};
  law.variance = of.average([&](double x) { return (x - law.mean) * (x - law.mean); });
  law.low = whole ? of.lower() : of.quantile(1e-5);
  law.high = whole ? of.upper() : of.quantile(1 - 1e-5);
  fill(law, bins, [&](double x) { return of.cumulative(std::clamp(x, of.lower(), of.upper())); });
  return law;
}

}  // namespace

std::optional<ExactLaw> exact_law(const Scene& scene, CellKind kind, double kT, double gain, double field,
                                  std::uint32_t cell, std::size_t bins) {
  if (!scene.listed || scene.directed || kT <= 0) return std::nullopt;
  const auto& set = scene.parameters;
  const bool coupled = gain != 0 && std::ranges::any_of(scene.couplings, [&](const Coupling& one) { return one.i == cell || one.j == cell; });
  const double bias = value_of(set.bias, cell) + field;
  if (kind == CellKind::pbit) {
    if (scene.cells > most_counted) return std::nullopt;
    std::vector<reference::Bond> bonds;
    for (const Coupling& one : scene.couplings) bonds.push_back({static_cast<int>(one.i), static_cast<int>(one.j), gain * one.value});
    std::vector<double> biases;
    for (std::uint32_t i = 0; i < scene.cells; ++i) biases.push_back(value_of(set.bias, i) + field);
    const reference::Enumeration all(static_cast<int>(scene.cells), bonds, biases);
    ExactLaw law{"all states counted", all.average(kT, [&](reference::BinaryState state) { return reference::spin(state, static_cast<int>(cell)); }),
                 0, -1.5, 1.5, {}};
    law.variance = 1 - law.mean * law.mean;
    fill(law, bins, [&](double x) { return (x >= -1 ? (1 - law.mean) / 2 : 0) + (x >= 1 ? (1 + law.mean) / 2 : 0); });
    return law;
  }
  const double j2 = value_of(set.j2, cell), j4 = value_of(set.j4, cell);
  if (kind == CellKind::phase) {
    if (coupled || value_of(set.frequency, cell) != 0) return std::nullopt;
    const double turn = std::numbers::pi;
    return by_quadrature(reference::BoltzmannLaw([=](double x) { return bias * std::cos(x) + j2 * std::cos(2 * x); }, kT, -turn, turn),
                         "phase", bins, true);
  }
  if (kind != CellKind::overdamped && kind != CellKind::underdamped) return std::nullopt;
  try {
    if (!coupled) return by_quadrature(reference::QuarticCell{j2, j4, bias}.law(kT), "quartic cell", bins, false);
  } catch (const std::invalid_argument&) {
    return std::nullopt;  // no lower bound
  }
  if (scene.cells > most_linear) return std::nullopt;
  const auto n = static_cast<Eigen::Index>(scene.cells);
  Eigen::MatrixXd A = Eigen::MatrixXd::Zero(n, n);
  Eigen::VectorXd b(n);
  for (std::uint32_t i = 0; i < scene.cells; ++i) {
    if (value_of(set.j4, i) != 0) return std::nullopt;
    A(i, i) = 2 * value_of(set.j2, i);
    b(i) = -(value_of(set.bias, i) + field);
  }
  for (const Coupling& one : scene.couplings) A(one.i, one.j) = A(one.j, one.i) = gain * one.value;
  if (reference::modes_of(A).values.minCoeff() <= 0) return std::nullopt;
  ExactLaw law{"linear network", reference::solution_of(A, b)(cell), kT * reference::inverse_of(A)(cell, cell), 0, 0, {}};
  const double sd = std::sqrt(law.variance);
  law.low = law.mean - 4.5 * sd;
  law.high = law.mean + 4.5 * sd;
  fill(law, bins, [&](double x) { return std::erfc((law.mean - x) / (sd * std::numbers::sqrt2)) / 2; });
  return law;
}

}  // namespace heatbath::monitor
