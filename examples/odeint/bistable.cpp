// Heatbath's stochastic steppers under Boost.Odeint: bistable particles V = (x^2 - 1)^2 at kT = 0.5, integrated by
// integrate_const like any ordinary differential equation. docs/dynamics.md shows the marked region.
//
// Prints <x^2> per stepper beside the exact value; exit status 1 when one is off by more than its error allows.

#include "heatbath/physics/odeint_steppers.hpp"

#include <boost/numeric/odeint/integrate/integrate_const.hpp>
#include <cmath>
#include <cstdio>
#include <utility>
#include <vector>

namespace {

// <x^2> by quadrature over the Boltzmann law.
double exact_square(double kT) {
  double z = 0, sum = 0;
  for (double x = -4; x <= 4; x += 1e-3) {
    const double w = std::exp(-(x * x - 1) * (x * x - 1) / kT);
    z += w;
    sum += w * x * x;
  }
  return sum / z;
}

template <class Stepper>
bool agrees(const char* name, const Stepper& stepper, double dt, double bias) {
  // docs: begin integrate
  using State = std::vector<double>;
  constexpr double kT = 0.5;
  const auto drift = [](const State& x, State& dxdt, double) {
    for (std::size_t i = 0; i < x.size(); ++i) dxdt[i] = -4 * x[i] * (x[i] * x[i] - 1);
  };
  const auto spread = [](State& b, double) { b.assign(b.size(), std::sqrt(2 * kT)); };

  State x(2000, 1.0);  // independent particles, all in the right well
  double sum = 0, square = 0;
  int count = 0;
  const auto observer = [&](const State& state, double t) {
    if (t < 2) return;
    double mean = 0;
    for (const double xi : state) mean += xi * xi / static_cast<double>(state.size());
    sum += mean, square += mean * mean, ++count;
  };
  boost::numeric::odeint::integrate_const(stepper, std::pair{drift, spread}, x, 0.0, 6.0, dt, observer);
  // docs: end integrate
  const double mean = sum / count, exact = exact_square(kT);
  // Records are correlated over about half a time unit: eight independent groups of particles in four time units.
  const double error = std::sqrt((square / count - mean * mean) / 8);
  std::printf("%-22s dt %.3f  <x^2> = %.4f +- %.4f, exact %.4f\n", name, dt, mean, error, exact);
  return std::abs(mean - exact) < 4 * error + bias;
}

}  // namespace

int main() {
  using namespace heatbath::physics;
  const WienerPath path(2024);  // the seed
  bool good = true;
  good = agrees("Euler-Maruyama", EulerMaruyama<>(path), 0.002, 0.004) && good;
  good = agrees("Heun", Heun<>(path), 0.02, 0.004) && good;
  good = agrees("Leimkuhler-Matthews", LeimkuhlerMatthews<>(path), 0.02, 0.004) && good;
  return good ? 0 : 1;
}
