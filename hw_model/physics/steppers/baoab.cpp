// BAOAB (Leimkuhler and Matthews, Appl. Math. Res. Express 2013, 34).
#include <algorithm>
#include <cmath>
#include <complex>
#include <vector>

#include "heatbath/physics/schemes.hpp"
#include "hw_model/physics/cell_law.hpp"
#include "hw_model/physics/exact_heat.hpp"
#include "hw_model/physics/general_space.hpp"
#include "hw_model/physics/steppers/stepper_rule.hpp"

namespace heatbath::physics {

void StepSpace::bath() const {
  const auto& kernels = general_kernels();
  float* v = state + second();
  if (a.metered) a.kinetic(t, p, 1.0, t.thermal);
  if (a.by_cell) {
    t.momentum.clear();
    a.momenta(t, p, t.momentum);
    t.before.assign(v, v + second());
  }
  a.draw(t, p, origin, number, n1);
  if (a.capacitive) {
    a.product(t, *p.propagate, v, guess);
    a.product(t, *p.spread, n1, k2);
    const std::vector<float> none(a.cells, 0.0f);
    settle(velocity_limits(v), v, guess, k2, none.data(), nullptr);
  } else if (p.by_change) {
    float* increment = t.increment.data();
    std::copy_n(v, second(), increment);
    kernels.damp(shape(), no_limits(), increment, p.keep.data(), p.kick.data(), n1);
    raise(velocity_limits(v), v, increment);
  } else {
    kernels.damp(shape(), velocity_limits(state + second()), v, p.keep.data(), p.kick.data(), n1);
  }
  if (a.metered) a.kinetic(t, p, -1.0, t.thermal);
  if (a.by_cell) a.add_kinetic_heat(t, p, t.before.data());
  if (p.heat && a.by_cell) p.heat->add_missing(t.lanes, t.before.data(), {}, nullptr, t.cell_sums.of(CellMeter::heat).data());
}

namespace {

/// For real kappa 2 / sqrt(kappa) whatever the damping, else from the roots (stable_step.hpp).
double longest_inertial(double g, std::complex<double> kappa, double growth) {
  if (kappa.imag() == 0) return kappa.real() > 0 ? 2 / std::sqrt(kappa.real()) : std::numeric_limits<double>::infinity();
  return crossing(4 / std::sqrt(std::abs(kappa)), growth, [&](double h) {
    const double keep = std::exp(-g * h);
    // Half of the trace of the step's matrix; its determinant is `keep`.
    const std::complex<double> half = 0.5 * (1 + keep) * (1.0 - 0.5 * h * h * kappa);
    const std::complex<double> root = std::sqrt(half * half - keep);
    return std::max(std::abs(half + root), std::abs(half - root));
  });
}

}  // namespace

extern const StepperRule baoab_rule{
    .stepper = Stepper::baoab,
    .step = [](StepSpace& space) { schemes::baoab(space); },
    .heat = [](const ArraySpec&, bool) { return HeatFrom::bath; },
    .longest_inertial = longest_inertial,
    .exact = Exact::velocities,
    .refines = true,
};

}  // namespace heatbath::physics
