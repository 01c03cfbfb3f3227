// Work meters against Gaussian processes whose work is known: quench, ramp, dragged trap.
#include <cmath>
#include <vector>

#include "heatbath/measure/free_energy.hpp"
#include "heatbath/numerics/text.hpp"
#include "oracles/moment_equations.hpp"
#include "validate/predicted_bias.hpp"
#include "validate/start_states.hpp"
#include "validate/suites/rows.hpp"

namespace heatbath::validation {
namespace {

using measure::BlockedMeans;

/// What a stepper makes of a ramp of the stiffness of a cell that starts with a variance: mean work, variance at the
/// end, and <exp(-W)>, exactly.
struct SteppedRamp {
  double work = 0, variance = 0, exponential = 1;
};
SteppedRamp stepped_ramp(Stepper stepper, double from, double to, double duration, double dt, double variance) {
  SteppedRamp ramp;
  ramp.variance = variance;
  double weighted = variance;
  const auto steps = static_cast<long>(std::lround(duration / dt));
  const double rise = (to - from) / static_cast<double>(steps);
  for (long k = 0; k < steps; ++k) {
    const LinearStep step = linear_step(stepper, from + static_cast<double>(k) * rise, dt);
    ramp.variance = step.gain * step.gain * ramp.variance + step.noise;
    weighted = step.gain * step.gain * weighted + step.noise;
    ramp.work += rise * ramp.variance / 2;
    ramp.exponential /= std::sqrt(1 + rise * weighted);
    weighted /= 1 + rise * weighted;
  }
  return ramp;
}

// Stiffness 1 -> 4 at once.
void quench(Bench& bench) {
  Machine& machine = bench.machine();
  const double dt = machine.step(1e-3, 0.02);
  const std::uint32_t shots = machine.count(200000);
  Program program = machine.program(1);
  machine.quartic(program, 0.5, 0, 0);
  program.commit();
  machine.start_at(program, normal_states(machine, shots, 0, 1));
  program.evolve(machine.time(0.5)).meter_clear();
  machine.load(program, CellSection::j2, 2);
  program.commit().meter_snapshot();
  const auto meters = machine.meters(machine.run(program, shots));

  BlockedMeans means(3);
  for (std::size_t k = 0; k < meters.size(); ++k) {
    means.add(k, {meters[k].work, meters[k].work * meters[k].work, std::exp(-meters[k].work)});
  }
  const auto exact = reference::stiffness_quench(1, 4, 1);
  double variance = 1;
  if (dt > 0) {
    const LinearStep step = linear_step(machine.stepper(), 1, dt);
    const double kept = std::pow(step.gain, 2 * machine.rounded(0.5) / dt);
    variance = kept + (1 - kept) * step.stationary_variance();
  }
  bench.check("quench 1 -> 4: <W>", exact.mean, means.mean_estimate(0), exact.mean * (variance - 1));
  bench.check("quench 1 -> 4: Var W", exact.variance, means.estimate([](auto m) { return m[1] - m[0] * m[0]; }),
              exact.variance * (variance * variance - 1));
  bench.check("quench 1 -> 4: <exp(-W/kT)>", exact.exponential_average, means.mean_estimate(2),
              1 / std::sqrt(1 + 3 * variance) - exact.exponential_average);
}

std::vector<hb_meters_t> run_ramp(Machine& machine, double from, double to, double duration, std::uint32_t shots,
                                  BlockedMeans* squares = nullptr) {
  Program program = machine.program(1);
  machine.quartic(program, from / 2, 0, 0);
  program.commit();
  machine.start_at(program, normal_states(machine, shots, 0, 1 / from));
  program.meter_clear();
  machine.load(program, CellSection::j2, to / 2);
  program.ramp(machine.time(duration)).meter_snapshot().sample();
  const Result result = machine.run(program, shots);
  if (squares) {
    for (std::uint32_t shot = 0; shot < shots; ++shot) {
      const double x = result.capture.state(shot, 0)[0];
      squares->add(shot, {x * x});
    }
  }
  return machine.meters(result);
}

// Stiffness 1 -> 4, linearly within tau.
void ramp(Bench& bench) {
  Machine& machine = bench.machine();
  const double free_energy = std::log(2.0);
  Curve curve{"Work of a linear stiffness ramp 1 -> 4", "tau", "<W>/kT",
              {{"device", {}, {}, {}}, {"moment equations", {}, {}, {}}, {"free energy difference", {}, {}, {}}}};
  Check* last = nullptr;
  for (const auto& [tau, samples, first, second] :
       {std::tuple{0.1, 60000.0, 2e-4, 2e-3}, {0.5, 60000.0, 8e-4, 5e-3}, {1.0, 40000.0, 8e-4, 5e-3},
        {2.0, 28000.0, 1e-3, 5e-3}, {5.0, 28000.0, 8e-4, 5e-3}, {10.0, 24000.0, 5e-4, 5e-3}}) {
    const double dt = machine.step(first, second);
    const std::uint32_t shots = machine.count(samples);
    BlockedMeans squares(1), works(1);
    const auto meters = run_ramp(machine, 1, 4, tau, shots, &squares);
    for (std::size_t k = 0; k < meters.size(); ++k) works.add(k, {meters[k].work});
    const auto exact = reference::linear_stiffness_ramp(1, 4, tau, 1);
    const SteppedRamp stepped =
        dt > 0 ? stepped_ramp(machine.stepper(), 1, 4, tau, dt, 1)
               : SteppedRamp{exact.work_mean, exact.covariance(0, 0), std::exp(-free_energy)};
    const std::string name = "ramp in " + numerics::fixed(tau).substr(0, tau < 10 ? 3 : 2);
    const auto work = works.mean_estimate(0);
    last = &bench.check(name + ": <W>", exact.work_mean, work, stepped.work - exact.work_mean);
    curve.series[0].x.push_back(tau);
    curve.series[0].y.push_back(work.value);
    curve.series[0].error.push_back(work.standard_error);
    bench.check(name + ": <x^2> at the end", exact.covariance(0, 0), squares.mean_estimate(0),
                stepped.variance - exact.covariance(0, 0));
    bench.check("work stays above the least work of any " + name, reference::optimal_stiffness_work(1, 4, tau, 1), work)
        .bound = Bound::at_least;
    if (tau == 0.5) {
      bench.check("Jarzynski from plain work", free_energy, measure::jarzynski(measure::works(meters), 1),
                  -std::log(stepped.exponential) - free_energy);
    }
  }
  for (int k = 1; k <= 100; ++k) {
    const double tau = 0.1 * k;
    curve.series[1].x.push_back(tau);
    curve.series[1].y.push_back(reference::linear_stiffness_ramp(1, 4, tau, 1).work_mean);
    curve.series[2].x.push_back(tau);
    curve.series[2].y.push_back(free_energy);
  }
  last->curve = curve;
}

// The same ramp by estimators that see both directions, or the path.
void two_sided(Bench& bench) {
  Machine& machine = bench.machine();
  const double dt = machine.step(4e-4, 2e-3);
  const std::uint32_t shots = machine.count(80000);
  const auto forward = run_ramp(machine, 1, 4, 0.5, shots), reverse = run_ramp(machine, 4, 1, 0.5, shots);
  const double exact = std::log(2.0);
  double bias = 0;
  if (dt > 0) {  // half the difference of what one-sided estimates are off by
    bias = (-std::log(stepped_ramp(machine.stepper(), 1, 4, 0.5, dt, 1).exponential) - exact) / 2 +
           (std::log(stepped_ramp(machine.stepper(), 4, 1, 0.5, dt, 0.25).exponential) - exact) / 2;
  }
  const auto wf = measure::works(forward), wr = measure::works(reverse);
  bench.check("Bennett's acceptance ratio", exact, measure::bennett(wf, wr, 1), bias);
  const auto line = measure::crooks_crossing(wf, wr, 1);
  bench.check("Crooks: crossing of the work laws", exact, line.crossing, bias).floor = 0.01;
  bench.check("Crooks: slope of ln P_F(W)/P_R(-W)", 1, line.slope);
}

// The path weight is unbiased at any step: dt = 0.05 here.
void coarse_path_weight(Bench& bench) {
  Machine& machine = bench.machine();
  machine.step(0.05, 0.05);
  const std::uint32_t shots = machine.count(40000);
  const auto meters = run_ramp(machine, 1, 4, 0.5, shots);
  const auto works = measure::path_works(machine.capabilities(), meters);
  bench.check("path weight at dt = 0.05", std::log(2.0), measure::jarzynski(works, 1));
}

// A trap of stiffness 1 that moves at speed 1.
void dragged_trap(Bench& bench) {
  Machine& machine = bench.machine();
  const double dt = machine.step(1.25e-3, 0.01);
  const std::uint32_t shots = machine.count(60000);
  const std::vector<double> times{0.5, 1, 2, 5};
  Program program = machine.program(1);
  machine.quartic(program, 0.5, 0, 0);
  program.commit();
  machine.start_at(program, normal_states(machine, shots, 0, 1));
  program.meter_clear();
  double before = 0;
  for (const double t : times) {
    machine.load(program, CellSection::bias, -t);
    program.ramp(machine.time(t - before)).meter_snapshot();
    before = t;
  }
  const Result result = machine.run(program, shots);

  // The device's energy lacks the c^2/2 of (x - c)^2/2.
  double x = 0, variance = 1, shared = 0, work = 0, spread = 0, centre = 0, t = 0;
  std::vector<double> forward;
  for (std::size_t k = 0; k < times.size(); ++k) {
    BlockedMeans means(2);
    for (std::size_t shot = 0; shot < shots; ++shot) {
      const double w = result.meters[k][shot].work / machine.kT() + times[k] * times[k] / 2;
      means.add(shot, {w, w * w});
      if (times[k] == 2) forward.push_back(w);
    }
    const auto exact = reference::dragged_trap(1, 1, times[k], 1);
    double mean_bias = 0, variance_bias = 0;
    if (dt > 0) {
      const LinearStep step = linear_step(machine.stepper(), 1, dt);
      for (; t < times[k] - dt / 2; t += dt) {
        x = centre + step.gain * (x - centre);
        variance = step.gain * step.gain * variance + step.noise;
        shared *= step.gain;
        work += dt * (centre - x) + dt * dt / 2;
        spread += -2 * dt * shared + dt * dt * variance;
        shared -= dt * variance;
        centre += dt;
      }
      mean_bias = work - exact.work_mean;
      variance_bias = spread - exact.work_variance;
    }
    const std::string name = "dragged trap at t = " + numerics::fixed(times[k]).substr(0, 3);
    bench.check(name + ": <W>", exact.work_mean, means.mean_estimate(0), mean_bias).floor = 0.005;
    bench.check(name + ": Var W", exact.work_variance, means.estimate([](auto m) { return m[1] - m[0] * m[0]; }),
                variance_bias);
  }

  // Back from 2 to 0; the free energy of the trap does not depend on where it is.
  Program back = machine.program(1);
  machine.quartic(back, 0.5, 0, -2);
  back.commit();
  machine.start_at(back, normal_states(machine, shots, 2, 1));
  back.meter_clear();
  machine.load(back, CellSection::bias, 0);
  back.ramp(machine.time(2)).meter_snapshot();
  std::vector<double> reverse = measure::works(machine.meters(machine.run(back, shots)));
  for (double& w : reverse) w -= 2;
  const auto line = measure::crooks_crossing(forward, reverse, 1);
  bench.check("dragged trap: slope of ln P_F(W)/P_R(-W)", 1, line.slope);
  bench.check("dragged trap: work at which P_F(W) = P_R(-W)", 0, line.crossing).floor = 0.02;
}

}  // namespace

std::span<const Row> work_rows() {
  static const Row rows[] = {
      {"quench", "stiffness 1 -> 4 at once: mean, variance and exponential average of the work",
       {.meters = true, .j2 = 2}, false, quench},
      {"ramp", "stiffness 1 -> 4 within tau: work, state at the end, Jarzynski, the least work",
       {.meters = true, .j2 = 2}, false, ramp},
      {"two-sided", "the ramp in both directions: Bennett, Crooks", {.meters = true, .j2 = 2}, false, two_sided},
      {"coarse-path-weight", "the ramp at a coarse step: work with the integrator's shadow work",
       {.meters = true, .increments_markov = true, .step = true, .j2 = 2}, false, coarse_path_weight},
      {"dragged-trap", "a trap dragged at constant speed: Gaussian work, Crooks' slope",
       {.meters = true, .j2 = 0.5, .bias = 5, .state = 10}, false, dragged_trap},
  };
  return rows;
}

}  // namespace heatbath::validation
