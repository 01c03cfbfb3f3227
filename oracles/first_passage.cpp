#include "oracles/first_passage.hpp"

#include <cmath>
#include <numbers>
#include <stdexcept>
#include <vector>

#include "oracles/boltzmann_cell.hpp"

namespace heatbath::reference {

double mean_passage_time(const Function& energy, double temperature, double lower, double from, double to) {
  if (!(lower <= from && from < to && temperature > 0)) {
    throw std::invalid_argument("mean_passage_time: wants lower <= from < to and a positive temperature");
  }
  const auto inside = [&](double z) { return std::exp(-energy(z) / temperature); };
  // The inner integral is carried along the nodes of the outer one: each adds the piece from the node before.
  const auto piece = [&](double a, double b) {
    if (!(a < b)) {
      return 0.0;
    }
    const QuadratureRule rule = gauss_rule(a, b, 1);
    double sum = 0;
    for (std::size_t i = 0; i < rule.nodes.size(); ++i) {
      sum += rule.weights[i] * inside(rule.nodes[i]);
    }
    return sum;
  };
  constexpr int parts = 400;
  double inner = 0;
  if (lower < from) {
    const QuadratureRule before = gauss_rule(lower, from, parts);
    for (std::size_t i = 0; i < before.nodes.size(); ++i) {
      inner += before.weights[i] * inside(before.nodes[i]);
    }
  }
  const QuadratureRule outer = gauss_rule(from, to, parts);
  double time = 0;
  double at = from;
  for (std::size_t i = 0; i < outer.nodes.size(); ++i) {
    inner += piece(at, outer.nodes[i]);
    at = outer.nodes[i];
    time += outer.weights[i] * inner / inside(at);
  }
  return time / temperature;
}

double kramers_time(double barrier, double curvature_well, double curvature_top, double temperature) {
  return 2 * std::numbers::pi * std::exp(barrier / temperature) / std::sqrt(curvature_well * std::abs(curvature_top));
}

DoubleWellTimes double_well_times(double height, double temperature) {
  const QuarticCell cell = double_well(height);
  const auto energy = [&](double x) { return cell.energy(x); };
  const double lower = cell.law(temperature).lower();
  return {mean_passage_time(energy, temperature, lower, -1, 0), mean_passage_time(energy, temperature, lower, -1, 1),
          kramers_time(height, cell.curvature(1), cell.curvature(0), temperature)};
}

double birth_death_time_down(std::span<const double> up, std::span<const double> down, std::size_t from,
                             std::size_t to) {
  if (up.size() != down.size() || from >= up.size() || to >= from) {
    throw std::invalid_argument("birth_death_time_down: wants to < from < number of states, and one rate per state");
  }
  // Time of i -> i-1: t_n = 1/d_n, t_i = (1 + u_i t_{i+1})/d_i.
  double step = 0;
  double time = 0;
  for (std::size_t i = up.size() - 1; i > to; --i) {
    step = (1 + (i + 1 < up.size() ? up[i] * step : 0)) / down[i];
    if (i <= from) {
      time += step;
    }
  }
  return time;
}

CurieWeiss curie_weiss(int spins, double beta) {
  if (spins < 2 || spins % 2 != 0) {
    throw std::invalid_argument("curie_weiss: the number of spins must be even and at least 2");
  }
  // State k: number of spins up, M = 2k - N.
  std::vector<double> up;
  std::vector<double> down;
  double norm = 0;
  double square = 0;
  for (int k = 0; k <= spins; ++k) {
    const double total = 2.0 * k - spins;
    up.push_back((spins - k) * 0.5 * (1 + std::tanh(beta * (total + 1) / spins)));
    down.push_back(k * 0.5 * (1 - std::tanh(beta * (total - 1) / spins)));
    const double weight = std::exp(std::lgamma(spins + 1.0) - std::lgamma(k + 1.0) - std::lgamma(spins - k + 1.0) +
                                   beta * (total * total / spins - spins) / 2);
    norm += weight;
    square += weight * total * total / (1.0 * spins * spins);
  }
  const auto all = static_cast<std::size_t>(spins);
  return {square / norm, birth_death_time_down(up, down, all, all / 2)};
}

double discrete_boundary_shift(double diffusion, double dt) {
  constexpr double minus_zeta_half = 1.4603545088095868;
  return minus_zeta_half / std::sqrt(2 * std::numbers::pi) * std::sqrt(2 * diffusion * dt);
}

double bridge_crossing_probability(double x, double y, double boundary, double diffusion, double dt) {
  return std::exp(-(boundary - x) * (boundary - y) / (diffusion * dt));
}

}  // namespace heatbath::reference
