// Ramps: the order of every stepper while each parameter goes, against Boost's dopri5 in double, and work in long
// steps.
#include <gtest/gtest.h>

#include <boost/numeric/odeint.hpp>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "hw_model/physics/array.hpp"

namespace heatbath::physics {
namespace {

constexpr std::uint32_t n = 3;
using State = std::vector<double>;

struct Section {
  const char* name;
  std::function<void(Parameters&)> change;
};

std::shared_ptr<const Couplings> triangle(float a, float b, float c) {
  return std::make_shared<const Couplings>(n, std::vector<float>{0, a, b, a, 0, c, b, c, 0});
}

Parameters start_of(CellKind kind, bool linear) {
  Parameters p;
  p.j2 = {0.9f, 1.3f, 0.7f};
  p.j4 = linear || kind == CellKind::phase ? std::vector<float>(n, 0.0f) : std::vector<float>{0.2f, 0.1f, 0.3f};
  p.bias = {-0.4f, 0.5f, 0.3f};
  const float size = kind == CellKind::rlc ? 0.2f : 0.5f;
  p.couplings = triangle(size, -0.6f * size, 0.8f * size);
  p.gain = 0.8f;
  p.mass = {1.1f, 0.9f, 1.4f};
  p.damping = {0.6f, 1.0f, 0.8f};
  p.frequency = kind == CellKind::phase ? std::vector<float>{0.3f, -0.2f, 0.5f} : std::vector<float>(n, 0.0f);
  p.kT = 0;
  return p;
}

std::vector<Section> sections(CellKind kind) {
  std::vector<Section> all{
      {"bias", [](Parameters& p) { p.bias = {-2.9f, 1.9f, -1.3f}; }},
      {"j2", [](Parameters& p) { p.j2 = {2.9f, 0.4f, 1.9f}; }},
      {"gain", [](Parameters& p) { p.gain = 1.9f; }},
      {"couplings", [kind](Parameters& p) {
         const float size = kind == CellKind::rlc ? 0.25f : 1.1f;
         p.couplings = triangle(-size, size, 0.4f * size);
       }}};
  if (kind == CellKind::underdamped || kind == CellKind::rlc) {
    all.push_back({"mass", [](Parameters& p) { p.mass = {2.1f, 2.4f, 0.9f}; }});
    all.push_back({"damping", [](Parameters& p) { p.damping = {2.6f, 0.1f, 1.9f}; }});
  }
  if (kind == CellKind::phase) all.push_back({"frequency", [](Parameters& p) { p.frequency = {1.9f, 1.2f, -1.5f}; }});
  return all;
}

/// The end of a ramp of duration 2 by dopri5; mobility 0.7.
State exact_end(CellKind kind, const Parameters& p, const Parameters& q, State x) {
  const bool inertia = kind == CellKind::underdamped || kind == CellKind::rlc, phase = kind == CellKind::phase;
  const auto flow = [&](const State& z, State& dz, double t) {
    const double s = t / 2;
    const auto mix = [s](double a, double b) { return a + s * (b - a); };
    double force[n], matrix[n][n], mass[n], damping[n];
    for (std::uint32_t i = 0; i < n; ++i) {
      const double j2 = mix(p.j2[i], q.j2[i]), j4 = mix(p.j4[i], q.j4[i]), b = mix(p.bias[i], q.bias[i]);
      mass[i] = mix(p.mass[i], q.mass[i]), damping[i] = mix(p.damping[i], q.damping[i]);
      force[i] = phase ? b * std::sin(z[i]) + 2 * j2 * std::sin(2 * z[i])
                       : -(b + 2 * j2 * z[i] + 4 * j4 * z[i] * z[i] * z[i]);
      for (std::uint32_t k = 0; k < n; ++k) {
        matrix[i][k] = mix(p.gain, q.gain) * mix(p.couplings->at(i, k), q.couplings->at(i, k));
        if (kind == CellKind::rlc) continue;
        force[i] += phase ? matrix[i][k] * std::sin(z[i] - z[k]) : -matrix[i][k] * z[k];
      }
    }
    if (!inertia) {
      for (std::uint32_t i = 0; i < n; ++i)
        dz[i] = 0.7f * force[i] + (phase ? mix(p.frequency[i], q.frequency[i]) : 0);
      return;
    }
    for (std::uint32_t i = 0; i < n; ++i) {
      dz[i] = z[n + i];
      force[i] -= damping[i] * z[n + i];
    }
    double m[n][n];
    for (std::uint32_t i = 0; i < n; ++i)
      for (std::uint32_t k = 0; k < n; ++k)
        m[i][k] = i == k ? mass[i] : kind == CellKind::rlc ? matrix[i][k] : 0.0;
    const auto minor = [&](int i, int k) {
      const int a = (i + 1) % 3, b = (i + 2) % 3, c = (k + 1) % 3, d = (k + 2) % 3;
      return m[a][c] * m[b][d] - m[a][d] * m[b][c];
    };
    const double det = m[0][0] * minor(0, 0) + m[0][1] * minor(0, 1) + m[0][2] * minor(0, 2);
    for (int i = 0; i < 3; ++i)
      dz[n + i] = (minor(0, i) * force[0] + minor(1, i) * force[1] + minor(2, i) * force[2]) / det;
  };
  namespace ode = boost::numeric::odeint;
  ode::integrate_adaptive(ode::make_controlled<ode::runge_kutta_dopri5<State>>(1e-12, 1e-12), flow, x, 0.0, 2.0, 1e-3);
  return x;
}

double error(CellKind kind, Stepper stepper, const Parameters& p, const Parameters& q, std::uint64_t steps) {
  ArraySpec spec;
  spec.kind = kind, spec.stepper = stepper, spec.cells = n, spec.mobility = 0.7f;
  const auto array = make_array(spec, nullptr);
  std::vector<float> x(array->variables(), 0.0f);
  x[0] = 0.6f, x[1] = -0.4f, x[2] = 0.9f;
  array->write(0, 0, x, p);
  physics::Run run;
  run.steps = run.ramp_steps = steps, run.dt = 2.0 / static_cast<double>(steps), run.target = &q;
  array->advance(run, p);
  const State exact = exact_end(kind, p, q, State(x.begin(), x.end()));
  array->read(0, x);
  double largest = 0;
  for (std::uint32_t i = 0; i < (kind == CellKind::phase ? n : array->variables()); ++i)
    largest = std::max(largest, std::abs(x[i] - exact[i]));
  return largest;
}

TEST(Ramps, EveryRuleOfOrderTwoIsSoWhileAnyParameterGoes) {
  struct Rule {
    CellKind kind;
    Stepper stepper;
  };
  for (const Rule& rule : {Rule{CellKind::overdamped, Stepper::heun}, Rule{CellKind::phase, Stepper::heun},
                           Rule{CellKind::underdamped, Stepper::heun}, Rule{CellKind::underdamped, Stepper::baoab},
                           Rule{CellKind::rlc, Stepper::heun}, Rule{CellKind::rlc, Stepper::baoab},
                           Rule{CellKind::overdamped, Stepper::exact_ou}, Rule{CellKind::underdamped, Stepper::exact_ou},
                           Rule{CellKind::rlc, Stepper::exact_ou}})
    for (const Section& section : sections(rule.kind)) {
      SCOPED_TRACE(std::string(name(rule.kind)) + " " + std::string(name(rule.stepper)) + " " + section.name);
      const bool exact = rule.stepper == Stepper::exact_ou;
      const Parameters p = start_of(rule.kind, exact);
      Parameters q = p;
      section.change(q);
      if (exact && std::string(section.name) == "bias") {
        EXPECT_LT(error(rule.kind, rule.stepper, p, q, 4), 2e-6) << "steps of 0.5";
        continue;
      }
      const double coarse = error(rule.kind, rule.stepper, p, q, 40), fine = error(rule.kind, rule.stepper, p, q, 80);
      EXPECT_LT(coarse, 0.02);
      if (coarse > 2e-5) {
        EXPECT_GT(std::log2(coarse / fine), 1.7) << coarse << " " << fine;
      }
    }
}

TEST(Ramps, RulesOfOrderOneTakeTheParametersOfTheStart) {
  const Parameters p = start_of(CellKind::overdamped, false);
  Parameters q = p;
  q.bias = {-2.9f, 1.9f, -1.3f};
  for (const Stepper s : {Stepper::euler_maruyama, Stepper::leimkuhler_matthews}) {
    const double coarse = error(CellKind::overdamped, s, p, q, 40), fine = error(CellKind::overdamped, s, p, q, 80);
    EXPECT_NEAR(std::log2(coarse / fine), 1, 0.2) << name(s);
  }
}

TEST(Ramps, BiasesOfLanesGoLikeSharedOnes) {
  for (const CellKind kind : {CellKind::overdamped, CellKind::underdamped, CellKind::rlc}) {
    const Parameters p = start_of(kind, true);
    Parameters q = p, own = p, own_end = p;
    q.bias = {-2.9f, 1.9f, -1.3f};
    own.bias_per_lane = own_end.bias_per_lane = true;
    own.bias = repeated(p.bias, 2), own_end.bias = repeated(q.bias, 2);
    const auto end = [&](const Parameters& from, const Parameters& to) {
      ArraySpec spec;
      spec.kind = kind, spec.stepper = Stepper::exact_ou, spec.cells = n, spec.lanes = 2;
      const auto array = make_array(spec, nullptr);
      physics::Run run;
      run.steps = run.ramp_steps = 5, run.dt = 0.4, run.target = &to;
      array->advance(run, from);
      std::vector<float> x(array->variables());
      array->read(1, x);
      return x;
    };
    const auto shared = end(p, q), each = end(own, own_end);
    for (std::size_t i = 0; i < shared.size(); ++i) EXPECT_NEAR(shared[i], each[i], 1e-6);
  }
}

// exact-ou keeps the Boltzmann law of the parameters of each step's middle, and these change before and after it by
// halves: Jarzynski's equality holds for the metered work in steps of any length.
TEST(Ramps, WorkOfExactStepsObeysJarzynskiInLongSteps) {
  constexpr std::uint32_t lanes = 40000;
  ArraySpec spec;
  spec.stepper = Stepper::exact_ou, spec.cells = 1, spec.lanes = lanes;
  const auto array = make_array(spec, nullptr);
  Parameters p, q;
  p.j2 = {0.6f}, p.j4 = {0.0f}, p.bias = {0.0f}, p.kT = 1, p.couplings = std::make_shared<const Couplings>(1);
  q = p;
  q.j2 = {1.5f};
  physics::Run run;
  run.steps = 40, run.dt = 0.5, run.noise.seed = 5;
  array->advance(run, p);
  array->enable_meters(true);
  run.noise.step = 40, run.steps = run.ramp_steps = 4, run.target = &q;
  array->advance(run, p);
  double sum = 0, square = 0;
  for (std::uint32_t l = 0; l < lanes; ++l) {
    const double e = std::exp(-array->meters(l, q).work);
    sum += e / lanes, square += e * e / lanes;
  }
  const double error = std::sqrt((square - sum * sum) / lanes);
  EXPECT_NEAR(sum, std::sqrt(0.6 / 1.5), 4 * error) << error;
  EXPECT_LT(error, 2e-3);
}

}  // namespace
}  // namespace heatbath::physics
