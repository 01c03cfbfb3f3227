#include "oracles/kuramoto.hpp"

#include <boost/math/special_functions/bessel.hpp>
#include <cmath>
#include <complex>
#include <numbers>
#include <stdexcept>
#include <vector>

namespace heatbath::reference {
namespace {

using std::numbers::pi;

double log_bessel_0(double y) {
  // Beyond this, the asymptotic series to y^-3 gives ln I0 to double precision.
  if (y > 600) {
    const double z = 1 / (8 * y);
    return y - 0.5 * std::log(2 * pi * y) + std::log1p(z * (1 + z * (4.5 + z * 37.5)));
  }
  return std::log(boost::math::cyl_bessel_i(0, y));
}

}  // namespace

double kuramoto_order(double coupling_over_diffusion) {
  const double k = coupling_over_diffusion;
  if (k <= 2) {
    return 0;
  }
  // I1(k r)/I0(k r) - r is positive below the root and negative above it.
  double low = 0;
  double high = 1;
  while (high - low > 1e-15) {
    const double r = 0.5 * (low + high);
    if (r == low || r == high) {
      break;
    }
    const double excess = boost::math::cyl_bessel_i(1, k * r) / boost::math::cyl_bessel_i(0, k * r) - r;
    (excess > 0 ? low : high) = r;
  }
  return 0.5 * (low + high);
}

double kuramoto_mean_square_order(int oscillators, double coupling_over_diffusion) {
  const double k = coupling_over_diffusion;
  const double n = oscillators;
  if (oscillators < 1 || !(k > 0)) {
    throw std::invalid_argument("kuramoto_mean_square_order: wants at least one oscillator and a positive coupling");
  }
  const auto exponent = [&](double y) {
    return y > 0 ? std::log(y) - n * y * y / (2 * k) + n * log_bessel_0(y) : -INFINITY;
  };
  // ln I0(y) <= y, so at y = 2k + d the exponent lies n (d + d^2/2k) below 0: 100 and more from here on.
  const double upper = 2 * k + std::sqrt(200 * k / n);
  const QuadratureRule rule = gauss_rule(0, upper, 200);
  std::vector<double> logs;
  double highest = -INFINITY;
  for (const double y : rule.nodes) {
    logs.push_back(exponent(y));
    highest = std::fmax(highest, logs.back());
  }
  double norm = 0;
  double square = 0;
  for (std::size_t i = 0; i < logs.size(); ++i) {
    const double weight = rule.weights[i] * std::exp(logs[i] - highest);
    norm += weight;
    square += weight * rule.nodes[i] * rule.nodes[i];
  }
  return square / norm / (k * k) - 2 / (n * k);
}

double critical_coupling_lorentzian(double diffusion, double half_width) { return 2 * (diffusion + half_width); }

double adler_velocity(double detuning, double coupling, double diffusion) {
  const std::complex<double> order(0, detuning / diffusion);
  const double square = std::pow(coupling / (2 * diffusion), 2);
  std::complex<double> term = 1;
  std::complex<double> sum = 1;
  for (int k = 1; k < 10000; ++k) {
    term *= square / (1.0 * k * (order + 1.0 * k));
    sum += term;
    if (std::abs(term) < 1e-17 * std::abs(sum)) {
      break;
    }
  }
  return detuning / std::norm(sum);
}

WashboardMotion washboard_motion(const Function& potential, double period, double force, double diffusion) {
  if (!(diffusion > 0)) {
    throw std::invalid_argument("washboard_motion: the diffusion must be positive");
  }
  const auto tilted = [&](double x) { return potential(x) - force * x; };
  // I+-(x) = (1/D) int_0^L dy exp[(+-V(x) -+ V(x -+ y))/D]: smooth and periodic in x, so equal steps converge fast
  // there.
  constexpr int steps = 192;
  const QuadratureRule inner = gauss_rule(0, period, 32);
  double first = 0;
  double third = 0;
  for (int i = 0; i < steps; ++i) {
    const double x = period * i / steps;
    double plus = 0;
    double minus = 0;
    for (std::size_t j = 0; j < inner.nodes.size(); ++j) {
      plus += inner.weights[j] * std::exp((tilted(x) - tilted(x - inner.nodes[j])) / diffusion);
      minus += inner.weights[j] * std::exp((tilted(x + inner.nodes[j]) - tilted(x)) / diffusion);
    }
    plus /= diffusion;
    minus /= diffusion;
    first += plus / steps;
    third += plus * plus * minus / steps;
  }
  WashboardMotion motion{};
  motion.velocity = -std::expm1(-force * period / diffusion) / first;
  motion.diffusion = diffusion * third / (first * first * first);
  motion.uncertainty_product = 2 * motion.diffusion * force / (diffusion * motion.velocity);
  return motion;
}

WashboardMotion cosine_washboard(double force, double amplitude, double diffusion) {
  return washboard_motion([amplitude](double x) { return -amplitude * std::cos(x); }, 2 * pi, force, diffusion);
}

InjectedPair injected_pair(double coupling, double injection, double temperature) {
  // Two equal halves of the circle, cos > 0 and cos < 0, so that the signs jump only at their edges.
  const QuadratureRule rule = gauss_rule(-pi / 2, 3 * pi / 2, 16);
  double norm = 0;
  double cosine = 0;
  double sign = 0;
  for (std::size_t i = 0; i < rule.nodes.size(); ++i) {
    for (std::size_t j = 0; j < rule.nodes.size(); ++j) {
      const double a = rule.nodes[i];
      const double b = rule.nodes[j];
      const double energy = -coupling * std::cos(a - b) - injection * (std::cos(2 * a) + std::cos(2 * b));
      const double lowest = -std::abs(coupling) - 2 * std::abs(injection);
      const double weight = rule.weights[i] * rule.weights[j] * std::exp((lowest - energy) / temperature);
      norm += weight;
      cosine += weight * std::cos(a - b);
      sign += (a < pi / 2) == (b < pi / 2) ? weight : -weight;
    }
  }
  return {cosine / norm, sign / norm};
}

}  // namespace heatbath::reference
