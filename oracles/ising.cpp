#include "oracles/ising.hpp"

#include <algorithm>
#include <bit>
#include <boost/math/special_functions/ellint_1.hpp>
#include <cmath>
#include <numbers>
#include <stdexcept>

#include "oracles/quadrature.hpp"

namespace heatbath::reference {
namespace {

using std::numbers::pi;

}  // namespace

double onsager_critical_temperature() { return 2 / std::log1p(std::numbers::sqrt2); }

OnsagerPoint onsager(double temperature) {
  const double b2 = 2 / temperature;
  const double k = std::min(1.0, 2 * std::sinh(b2) / (std::cosh(b2) * std::cosh(b2)));
  // ln(1 + |cos|) has a kink in the middle for k = 1: half of the range, doubled.
  const double tail = integrate(
      [k](double x) {
        const double s = k * std::sin(x);
        return std::log(0.5 * (1 + std::sqrt(std::max(0.0, 1 - s * s))));
      },
      0, pi / 2);
  OnsagerPoint point{};
  point.free_energy = -temperature * (std::log(2 * std::cosh(b2)) + tail / pi);
  const double slope = 2 * std::tanh(b2) * std::tanh(b2) - 1;  // vanishes at the critical point faster than K diverges
  point.energy = -(1 + (k < 1 ? 2 / pi * slope * boost::math::ellint_1(k) : 0.0)) / std::tanh(b2);
  point.magnetisation =
      temperature < onsager_critical_temperature() ? std::pow(1 - std::pow(std::sinh(b2), -4), 0.125) : 0.0;
  return point;
}

double torus_log_partition(int rows, int columns, double temperature) {
  if (rows < 1 || columns < 1 || !(temperature > 0)) {
    throw std::invalid_argument("torus_log_partition: wants positive sides and temperature");
  }
  const double b2 = 2 / temperature;
  // cosh gamma_l = cosh 2b coth 2b - cos(pi l/n); gamma_0 = 2b + ln tanh b changes sign at the critical temperature.
  const auto gamma = [&](int l) {
    if (l == 0) {
      return b2 + std::log(std::tanh(b2 / 2));
    }
    return std::acosh(std::cosh(b2) / std::tanh(b2) - std::cos(pi * l / columns));
  };
  double log_products[4] = {0, 0, 0, 0};
  double sign = 1;
  for (int r = 0; r < columns; ++r) {
    const double odd = rows * gamma(2 * r + 1) / 2;
    const double even = rows * gamma(2 * r) / 2;
    log_products[0] += odd + std::log1p(std::exp(-2 * odd));
    log_products[1] += odd + std::log1p(-std::exp(-2 * odd));
    log_products[2] += std::abs(even) + std::log1p(std::exp(-2 * std::abs(even)));
    log_products[3] += even == 0 ? -INFINITY : std::abs(even) + std::log1p(-std::exp(-2 * std::abs(even)));
    sign = even < 0 ? -sign : sign;
  }
  double sum = 0;
  for (int i = 0; i < 4; ++i) {
    sum += (i == 3 ? sign : 1) * std::exp(log_products[i] - log_products[0]);
  }
  return 0.5 * rows * columns * std::log(2 * std::sinh(b2)) - std::numbers::ln2 + log_products[0] + std::log(sum);
}

double torus_energy_per_spin(int rows, int columns, double temperature) {
  // -d lnZ/d beta by a central difference of order 6.
  const double beta = 1 / temperature;
  const double h = 2e-3 * beta;
  const auto log_z = [&](double shift) { return torus_log_partition(rows, columns, 1 / (beta + shift)); };
  const double slope =
      (45 * (log_z(h) - log_z(-h)) - 9 * (log_z(2 * h) - log_z(-2 * h)) + (log_z(3 * h) - log_z(-3 * h))) / (60 * h);
  return -slope / (rows * columns);
}

std::vector<Bond> square_torus(int side, std::span<const double> strength) {
  const auto bonds = static_cast<std::size_t>(2 * side * side);
  if (side < 2 || (strength.size() != 1 && strength.size() != bonds)) {
    throw std::invalid_argument("square_torus: wants a side of at least 2 and one strength, or one per bond");
  }
  std::vector<Bond> result;
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      const int here = side * y + x;
      const int neighbours[] = {side * y + (x + 1) % side, side * ((y + 1) % side) + x};
      for (const int neighbour : neighbours) {
        result.push_back({here, neighbour, -strength[strength.size() == 1 ? 0 : result.size()]});
      }
    }
  }
  return result;
}

std::vector<double> glass_strengths(int side) {
  std::vector<double> result;
  for (std::uint32_t bond = 0; bond < static_cast<std::uint32_t>(2 * side * side); ++bond) {
    result.push_back(std::popcount(static_cast<std::uint32_t>(2654435761u * bond)) % 2 != 0 ? -1.0 : 1.0);
  }
  return result;
}

double swap_acceptance(const Enumeration& system, double temperature_a, double temperature_b) {
  const auto levels = system.density_of_states();
  const double log_a = system.log_partition(temperature_a);
  const double log_b = system.log_partition(temperature_b);
  const double difference = 1 / temperature_a - 1 / temperature_b;
  double sum = 0;
  for (const auto& [a, count_a] : levels) {
    for (const auto& [b, count_b] : levels) {
      sum += static_cast<double>(count_a) * std::exp(-a / temperature_a - log_a) * static_cast<double>(count_b) *
             std::exp(-b / temperature_b - log_b) * std::min(1.0, std::exp(difference * (a - b)));
    }
  }
  return sum;
}

double reweighting_efficiency(const Enumeration& system, double from, double to) {
  // <w> = Z(to)/Z(from), <w^2> = Z at the inverse temperature 2/to - 1/from over Z(from).
  const double steep = 2 / to - 1 / from;
  double lowest = system.lowest_energy();
  double sum = 0;
  if (steep < 0) {
    lowest = *std::max_element(system.energies().begin(), system.energies().end());
  }
  for (const double energy : system.energies()) {
    sum += std::exp(steep * (lowest - energy));
  }
  return std::exp(2 * system.log_partition(to) - system.log_partition(from) - (std::log(sum) - steep * lowest));
}

}  // namespace heatbath::reference
