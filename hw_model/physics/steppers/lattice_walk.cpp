// The lattice random walk of Duffield, Aifer, Melanson, Belateche and Coles, arXiv:2508.20883, with two increments.
// Their rule for dx = f dt + s dW has a lattice spacing h and the probabilities (dt s^2/h^2 +- dt f/h)/2 of a step up
// and down; h = s sqrt(dt) leaves none of standing still:
//   x' = x +- h, h = sqrt(2 mu kT dt), up with probability (1 + u)/2, u = mu f dt / h.
// Mean and mean square of the increment are those of the equation, mu f dt and 2 mu kT dt.
#include <cmath>

#include "hw_model/physics/general_space.hpp"
#include "hw_model/physics/steppers/stepper_rule.hpp"

namespace heatbath::physics {
namespace {

/// Where a force saturates: 2^-21 is left for a step against it, so that every step has a reverse and its heat is
/// finite.
constexpr float lean_max = 1.0f - 0x1p-20f;

/// u as a number of 2^31-sts: a step goes up where the random word, taken as signed, is below it. Exact: the
/// probability of up is (2^31 + lean)/2^32.
std::int32_t lean(float gradient, float step_over_h) {
  float u = gradient * step_over_h;
  u = u < lean_max ? u : lean_max;
  u = u > -lean_max ? u : -lean_max;
  return static_cast<std::int32_t>(u * 0x1p31f);
}

float step_over_h(const StepTable& p, std::uint32_t i) { return p.step[i] / p.sigma[i]; }  // -mu dt / h

void walk(StepSpace& s) {
  auto& t = s.t;
  s.slope(s.state, s.k1);
  t.words.resize(s.second());
  general_kernels().words(s.a.own_address(t, s.origin, s.number, Purpose::thermal), s.a.own_shape(t),
                          s.a.own_part(t, t.words.data()));
  for (std::uint32_t i = 0; i < s.a.cells; ++i) {
    const float h = s.p.sigma[i], scale = step_over_h(s.p, i);
    const std::size_t row = t.at(i, 0);
    for (std::uint32_t l = 0; l < t.lanes; ++l)
      s.k2[row + l] = static_cast<std::int32_t>(t.words[row + l]) < lean(s.k1[row + l], scale) ? h : -h;
  }
  s.raise(s.position_limits(s.state), s.state, s.k2);
}

/// ln a for a > 0, in plain arithmetic that gives the same bits everywhere: 2 artanh((m - 1)/(m + 1)) and the exponent.
double logarithm(double a) {
  int exponent = 0;
  double m = std::frexp(a, &exponent);
  if (m < 0.70710678118654752) m *= 2, --exponent;
  const double z = (m - 1) / (m + 1), square = z * z;
  double sum = 0;
  for (int n = 25; n >= 1; n -= 2) sum = sum * square + 1.0 / n;
  return 2 * z * sum + exponent * 0.69314718055994531;
}

/// kT ln of the probability of the step over that of its reverse at the parameters of the step.
double released(const StepSpace& s, std::uint32_t i, std::size_t at, double before, double after) {
  const float scale = step_over_h(s.p, i);
  const double side = s.k2[at] > 0 ? 1.0 : -1.0;
  const double there = 0x1p31 + side * lean(static_cast<float>(before), scale);
  const double back = 0x1p31 - side * lean(static_cast<float>(after), scale);
  return s.p.kT[i] * logarithm(there / back);
}

}  // namespace

extern const StepperRule lattice_walk_rule{
    .stepper = Stepper::lattice_walk,
    .step = walk,
    .heat = [](const ArraySpec&, bool) { return HeatFrom::odds; },
    .released = released,
    // <x'^2> = (1 - 2 dt rate) <x^2> + h^2 decays up to dt rate = 1: half of Euler–Maruyama's step.
    .longest = [](std::complex<double> rate, double decay, double growth) {
      return 0.5 * longest_euler(rate, decay, growth);
    },
    .longest_real = 1,
    .by_force = false,
    .needs_noise = true,
};

}  // namespace heatbath::physics
