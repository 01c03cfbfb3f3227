// From one Gaussian to a double well: free energies and averages by path weights (Wu, Koehler & Noe, arXiv:2002.06707).
#include <cmath>
#include <vector>

#include "heatbath/measure/free_energy.hpp"
#include "heatbath/regs.h"
#include "oracles/boltzmann_cell.hpp"
#include "oracles/free_energy.hpp"
#include "oracles/one_step_chain.hpp"
#include "validate/start_states.hpp"
#include "validate/suites/rows.hpp"

namespace heatbath::validation {
namespace {

using measure::BlockedMeans;
using reference::QuarticCell;

const QuarticCell kPaperWell{-6, 1, -0.5};     // u = -x/2 - 6 x^2 + x^4
const QuarticCell kGentleWell{-1, 0.25, 0.3};  // u = 0.3 x - x^2 + x^4/4

struct Switched {
  std::vector<hb_meters_t> meters;
  std::vector<double> end;
};

/// N(0, 1) at J2 = 1/2, to the well within `steps` steps.
Switched switch_to(Machine& machine, const QuarticCell& well, double duration, std::uint32_t shots) {
  Program program = machine.program(1);
  machine.quartic(program, 0.5, 0, 0);
  program.commit();
  machine.start_at(program, normal_states(machine, shots));
  program.meter_clear();
  machine.quartic(program, well.j2, well.j4, well.bias);
  program.ramp(machine.time(duration)).meter_snapshot().sample();
  const Result result = machine.run(program, shots);
  Switched switched{machine.meters(result), {}};
  for (std::uint32_t shot = 0; shot < shots; ++shot) switched.end.push_back(result.capture.state(shot, 0)[0]);
  return switched;
}

/// What a chain of Euler–Maruyama steps makes of -ln <exp(-W)> of plain work on the way from N(0, 1) to the gentle
/// well.
double stepped_difference(double dt, int steps) {
  const auto between = [](double s) {
    return QuarticCell{0.5 + s * (kGentleWell.j2 - 0.5), s * kGentleWell.j4, s * kGentleWell.bias};
  };
  return -std::log(reference::stepped_work_average(
      [&](double x, double s) { return between(s).energy(x); }, [&](double x, double s) { return between(s).force(x); },
      reference::linear_cell(1).law(1), dt, steps, reference::StepRule::euler_maruyama));
}

double difference(const QuarticCell& well) {
  return reference::free_energy_difference(reference::linear_cell(1).law(1), well.law(1));
}

/// Averages of the end states under the weights exp(-w) of their paths.
void weighted_averages(Bench& bench, const std::string& name, const QuarticCell& well, const Switched& run) {
  const auto law = well.law(1);
  const auto w = measure::path_works(bench.machine().capabilities(), run.meters);
  const double offset = difference(well);
  BlockedMeans means(4);
  for (std::size_t k = 0; k < w.size(); ++k) {
    const double weight = std::exp(-(w[k] - offset)), x = run.end[k];
    means.add(k, {weight, weight * x, weight * x * x, x > 0 ? weight : 0.0});
  }
  const auto ratio = [&](int column) {
    return means.estimate([=](std::span<const double> m) { return m[column] / m[0]; });
  };
  const double right = 1 - law.cumulative(0);
  bench.check(name + ": <x>", law.average([](double x) { return x; }), ratio(1));
  bench.check(name + ": <x^2>", law.average([](double x) { return x * x; }), ratio(2));
  bench.check(name + ": P(x > 0)", right, ratio(3));
  bench.check(name + ": free energy of the left less the right well", std::log(right / (1 - right)),
              means.estimate([](std::span<const double> m) { return std::log(m[3] / (m[0] - m[3])); })).floor = 0.02;
}

void gentle_well(Bench& bench) {
  Machine& machine = bench.machine();
  const double exact = difference(kGentleWell);
  Curve curve{"Free energy difference against the number of steps, dt = 0.05", "steps", "dF/kT",
              {{"path weight", {}, {}, {}}, {"plain work", {}, {}, {}}, {"exact", {}, {}, {}}}};
  for (const int steps : {5, 20, 100}) {
    machine.step(0.05, 0.05);
    const std::uint32_t shots = machine.count(steps == 100 ? 140000 : 40000);
    const Switched run = switch_to(machine, kGentleWell, steps * 0.05, shots);
    const auto path = measure::jarzynski(measure::path_works(bench.machine().capabilities(), run.meters), 1);
    const auto plain = measure::jarzynski(measure::works(run.meters), 1);
    for (int k = 0; k < 2; ++k) {
      curve.series[k].x.push_back(steps);
      curve.series[k].y.push_back(k == 0 ? path.value : plain.value);
      curve.series[k].error.push_back(k == 0 ? path.standard_error : plain.standard_error);
    }
    curve.series[2].x.push_back(steps);
    curve.series[2].y.push_back(exact);
    Check& check = bench.check("gentle well in " + std::to_string(steps) + " steps of 0.05: dF", exact, path);
    if (steps == 100) {
      check.curve = curve;
      if (machine.stepper() == Stepper::euler_maruyama) {
        // The step's own error, seen and predicted: what the path weight is free of.
        bench.check("gentle well in 100 steps of 0.05: -ln <exp(-W)> of plain work, as this step makes it",
                    stepped_difference(0.05, 100), plain);
      }
      weighted_averages(bench, "gentle well", kGentleWell, run);
    }
  }
  machine.step(0.02, 0.02);
  const Switched slow = switch_to(machine, kGentleWell, 400 * 0.02, machine.count(30000));
  bench.check("gentle well in 400 steps of 0.02: dF", exact,
              measure::jarzynski(measure::path_works(bench.machine().capabilities(), slow.meters), 1));
}

void plain_work(Bench& bench) {
  Machine& machine = bench.machine();
  const double dt = machine.step(2e-3, 5e-3), exact = difference(kGentleWell);
  const std::uint32_t shots = machine.count(24000);
  const Switched run = switch_to(machine, kGentleWell, 2, shots);
  double bias = 0;
  if (dt > 0 && machine.stepper() == Stepper::euler_maruyama) {
    bias = stepped_difference(dt, static_cast<int>(std::lround(2 / dt))) - exact;
  }
  bench.check("gentle well, plain work: dF", exact, measure::jarzynski(measure::works(run.meters), 1), bias);
}

void paper_well(Bench& bench) {
  Machine& machine = bench.machine();
  machine.step(0.01, 0.01);
  const std::uint32_t shots = machine.count(120000);
  const Switched run = switch_to(machine, kPaperWell, 4, shots);
  bench.check("deep well: dF", difference(kPaperWell),
              measure::jarzynski(measure::path_works(bench.machine().capabilities(), run.meters), 1));
  weighted_averages(bench, "deep well", kPaperWell, run);
}

}  // namespace

std::span<const Row> free_energy_rows() {
  static const Row rows[] = {
      {"gentle-well", "N(0, 1) to u = 0.3 x - x^2 + x^4/4 at dt = 0.05: dF and averages by path weights",
       {.meters = true, .increments_markov = true, .step = true, .j2 = 1, .j4 = 0.25, .bias = 0.3}, false, gentle_well},
      {"plain-work", "the same by plain work at a small step, as a machine in continuous time must satisfy it",
       {.meters = true, .j2 = 1, .j4 = 0.25, .bias = 0.3}, false, plain_work},
      {"deep-well", "N(0, 1) to u = -x/2 - 6 x^2 + x^4: dF, well populations, averages by path weights",
       {.meters = true, .increments_markov = true, .step = true, .j2 = 6, .j4 = 1, .bias = 0.5}, false, paper_well},
  };
  return rows;
}

}  // namespace heatbath::validation
