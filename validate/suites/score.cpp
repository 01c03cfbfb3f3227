// Entropy rates of a mixture of two Gaussians that a linear cell noises (arXiv:2510.06174), by its exact score.
#include <cmath>
#include <numbers>
#include <vector>

#include "heatbath/numerics/text.hpp"
#include "oracles/boltzmann_cell.hpp"
#include "oracles/score_diffusion.hpp"
#include "validate/predicted_bias.hpp"
#include "validate/suites/rows.hpp"

namespace heatbath::validation {
namespace {

using measure::BlockedMeans;

/// The mixture after n steps of a stepper: linear steps keep mixtures.
reference::GaussianMixture stepped_mixture(const reference::GaussianMixture& start, const LinearStep& step, double n) {
  reference::GaussianMixture law = start;
  const double kept = std::pow(step.gain, n);
  for (std::size_t k = 0; k < law.means.size(); ++k) {
    law.means[k] *= kept;
    law.variances[k] = kept * kept * law.variances[k] + (1 - kept * kept) * step.stationary_variance();
  }
  return law;
}

/// <f> of a mixture.
double average(const reference::GaussianMixture& law, const reference::Function& f) {
  return reference::integrate([&](double x) { return law.density(x) * f(x); }, -12, 0) +
         reference::integrate([&](double x) { return law.density(x) * f(x); }, 0, 12);
}

void noised_mixture(Bench& bench) {
  Machine& machine = bench.machine();
  const double dt = machine.step(1e-3, 0.02);
  const reference::GaussianMixture start{{0.5, 0.5}, {-2, 2}, {0.25, 0.25}};
  const std::vector<double> times{0.1, 0.5, 1, 2, 3};
  const std::uint32_t cells = machine.cells(128), shots = (machine.count(240000) + cells - 1) / cells;
  numerics::RandomStream random(machine.next_seed());
  std::vector<float> states(std::size_t{shots} * cells);
  for (float& x : states) x = static_cast<float>((random.uniform() < 0.5 ? -2 : 2) + 0.5 * random.normal());
  Program program = machine.program(cells);
  machine.quartic(program, 0.5, 0, 0);
  program.commit();
  machine.start_at(program, states);
  const bool metered = machine.capabilities().meters;
  if (metered) program.meter_clear();
  double before = 0;
  for (const double t : times) {
    program.evolve(machine.time(t - before)).sample();
    before = t;
  }
  if (metered) program.meter_snapshot();
  const Result result = machine.run(program, shots);

  Curve curve{"Entropy rates of a noised mixture", "time", "rate in nats",
              {{"production, device", {}, {}, {}}, {"change, device", {}, {}, {}}, {"production", {}, {}, {}},
               {"change", {}, {}, {}}}};
  for (int k = 0; k <= 60; ++k) {
    const auto exact = reference::entropy_rates(start.noised(0.05 * k, 1, 1));
    for (int which = 0; which < 2; ++which) {
      curve.series[2 + which].x.push_back(0.05 * k);
      curve.series[2 + which].y.push_back(which == 0 ? exact.intrinsic : exact.change);
    }
  }
  for (std::size_t k = 0; k < times.size(); ++k) {
    const auto law = start.noised(times[k], 1, 1);
    const auto exact = reference::entropy_rates(law);
    // KL(p_t || N(0, 1)) = <ln p_t + x^2/2> + ln(2 pi)/2.
    const double normal = std::log(2 * std::numbers::pi) / 2;
    BlockedMeans means(5);
    for (std::uint32_t shot = 0; shot < shots; ++shot) {
      const auto state = result.capture.state(shot, k);
      for (std::uint32_t cell = 0; cell < cells; ++cell) {
        const double x = state[cell], s = law.score(x);
        const double surprise = -std::log(law.density(x));
        means.add(std::size_t{shot} * cells + cell,
                  {x * x, (x + s) * (x + s), s * s - x * x, surprise, normal + x * x / 2 - surprise});
      }
    }
    double bias[5] = {};
    if (dt > 0) {
      const auto stepped = stepped_mixture(start, linear_step(machine.stepper(), 1, dt), times[k] / dt);
      bias[0] = stepped.mean_square() - exact.mean_square;
      bias[1] = average(stepped, [&](double x) { return std::pow(x + law.score(x), 2); }) - exact.intrinsic;
      bias[2] = average(stepped, [&](double x) { return std::pow(law.score(x), 2) - x * x; }) -
                (exact.fisher - exact.mean_square);
      bias[3] = average(stepped, [&](double x) { return -std::log(law.density(x)); }) - exact.entropy;
      bias[4] = bias[0] / 2 - bias[3];
    }
    const std::string at = " at t = " + numerics::fixed(times[k]).substr(0, 3);
    bench.check("<x^2>" + at, exact.mean_square, means.mean_estimate(0), bias[0]);
    const auto production = means.mean_estimate(1);
    bench.check("entropy production rate" + at, exact.intrinsic, production, bias[1]);
    // <s^2 - x^2> varies little where <s^2> varies much; <x^2> is known.
    auto change = means.mean_estimate(2);
    change.value += exact.mean_square - 1;
    bench.check("entropy rate dS/dt" + at, exact.change, change, bias[2]);
    curve.series[0].x.push_back(times[k]);
    curve.series[0].y.push_back(production.value);
    curve.series[0].error.push_back(production.standard_error);
    curve.series[1].x.push_back(times[k]);
    curve.series[1].y.push_back(change.value);
    curve.series[1].error.push_back(change.standard_error);
    Check& entropy = bench.check("entropy" + at, exact.entropy, means.mean_estimate(3), bias[3]);
    if (k + 1 == times.size()) entropy.curve = curve;
    bench.check("divergence from N(0, 1)" + at, exact.divergence, means.mean_estimate(4), bias[4]).floor =
        times[k] < 2 ? 8e-4 : 2e-4;
  }
  if (metered) {
    const double expected = (start.mean_square() - start.noised(3, 1, 1).mean_square()) / 2;
    const auto last = start.noised(3, 1, 1);
    const auto before_it = reference::entropy_rates(start), after_it = reference::entropy_rates(last);
    BlockedMeans heat(2);
    for (std::uint32_t shot = 0; shot < shots; ++shot) {
      const auto end = result.capture.state(shot, times.size() - 1);
      double change = 0;
      for (std::uint32_t cell = 0; cell < cells; ++cell)
        change += std::log(start.density(states[std::size_t{shot} * cells + cell])) - std::log(last.density(end[cell]));
      heat.add(shot, {result.meters[0][shot].heat / machine.kT() / cells, change / cells});
    }
    double bias = 0, change_bias = 0;
    if (dt > 0) {
      const auto stepped = stepped_mixture(start, linear_step(machine.stepper(), 1, dt), 3 / dt);
      change_bias = average(stepped, [&](double x) { return -std::log(last.density(x)); }) - after_it.entropy;
      bias = (start.mean_square() -
              stepped.mean_square()) / 2 - expected;
    }
    bench.check("heat of a cell until t = 3", expected, heat.mean_estimate(0), bias);
    bench.check("entropy change until t = 3", after_it.entropy - before_it.entropy, heat.mean_estimate(1), change_bias)
        .floor = 5e-3;
    bench.check("entropy production until t = 3, heat and change: KL(0) - KL(3)",
                before_it.divergence - after_it.divergence,
                heat.estimate([](std::span<const double> m) { return m[0] + m[1]; }), bias + change_bias);
  }
}

}  // namespace

std::span<const Row> score_rows() {
  static const Row rows[] = {
      {"noised-mixture", "N(-2, 1/4) and N(2, 1/4) in a linear cell: <x^2>, entropy, its rates, heat",
       {.j2 = 0.5, .state = 6, .best_cells = 128, .best_lanes = 512}, false, noised_mixture},
  };
  return rows;
}

}  // namespace heatbath::validation
