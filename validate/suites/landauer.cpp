// What moving a distribution costs: optimal transport between Gaussians, erasure of a bit.
#include <cmath>
#include <vector>

#include "heatbath/numerics/text.hpp"
#include "oracles/boltzmann_cell.hpp"
#include "oracles/free_energy.hpp"
#include "oracles/moment_equations.hpp"
#include "validate/predicted_bias.hpp"
#include "validate/start_states.hpp"
#include "validate/suites/rows.hpp"

namespace heatbath::validation {
namespace {

using measure::BlockedMeans;

// N(0, 1) -> N(2, 1/4) within 2, mean and width linear in time: the least dissipation there is.
constexpr double kShift = 2, kWidth = 0.5, kTime = 2;
constexpr int kSegments = 16;

/// Stiffness and field (stiffness times centre) that move mean and width linearly.
struct Drive {
  double stiffness, field;
};
Drive transport_drive(double t) {
  const double width = 1 + (kWidth - 1) * t / kTime, narrowing = (kWidth - 1) / kTime;
  const double stiffness = (1 - width * narrowing) / (width * width);
  return {stiffness, kShift * t / kTime * stiffness + kShift / kTime};
}

/// Mean heat of the piecewise linear drive in continuous time.
double transport_heat() {
  reference::DrivenMoments law;
  law.mean = Eigen::VectorXd::Zero(1);
  law.covariance = Eigen::MatrixXd::Identity(1, 1);
  double heat = 0;
  for (int k = 0; k < kSegments; ++k) {
    const double span = kTime / kSegments;
    const Drive from = transport_drive(k * span), to = transport_drive((k + 1) * span);
    reference::DrivenNetwork network;
    network.temperature = Eigen::VectorXd::Ones(1);
    network.drive = [=](double t) {
      const double s = t / span, rate = (to.stiffness - from.stiffness) / span;
      const double stiffness = from.stiffness + s * (to.stiffness - from.stiffness);
      const double field = from.field + s * (to.field - from.field), field_rate = (to.field - from.field) / span;
      reference::QuadraticDrive drive;
      drive.stiffness = Eigen::MatrixXd::Constant(1, 1, stiffness);
      drive.centre = Eigen::VectorXd::Constant(1, field / stiffness);
      drive.stiffness_rate = Eigen::MatrixXd::Constant(1, 1, rate);
      drive.centre_rate = Eigen::VectorXd::Constant(1, (field_rate - rate * field / stiffness) / stiffness);
      return drive;
    };
    const auto energy = [&](const Drive& at) {
      const double y = law.mean(0) - at.field / at.stiffness;
      return at.stiffness / 2 * (law.covariance(0, 0) + y * y);
    };
    const double before = energy(from), work = law.work_mean;
    law = reference::drive_moments(network, law, 0, span);
    heat += law.work_mean - work - (energy(to) - before);
  }
  return heat;
}

double stepped_transport_heat(Stepper stepper, double dt) {
  double mean = 0, variance = 1, heat = 0;
  const int steps = static_cast<int>(std::lround(kTime / kSegments / dt));
  for (int k = 0; k < kSegments; ++k) {
    const double span = kTime / kSegments;
    const Drive from = transport_drive(k * span), to = transport_drive((k + 1) * span);
    for (int r = 0; r < steps; ++r) {
      const double s = static_cast<double>(r) / steps, stiffness = from.stiffness + s * (to.stiffness - from.stiffness);
      const double field = from.field + s * (to.field - from.field), centre = field / stiffness;
      const LinearStep step = linear_step(stepper, stiffness, dt);
      const double before = stiffness / 2 * (variance + mean * mean) - field * mean;
      mean = centre + step.gain * (mean - centre);
      variance = step.gain * step.gain * variance + step.noise;
      heat += before - (stiffness / 2 * (variance + mean * mean) - field * mean);
    }
  }
  return heat;
}

void transport(Bench& bench) {
  Machine& machine = bench.machine();
  const double dt = machine.step(kTime / kSegments / 250, kTime / kSegments / 25);
  const std::uint32_t shots = machine.count(60000);
  const std::vector<float> start = normal_states(machine, shots);
  Program program = machine.program(1);
  const auto load = [&](double t) {
    const Drive drive = transport_drive(t);
    machine.load(program, CellSection::j2, drive.stiffness / 2);
    machine.load(program, CellSection::bias, -drive.field);
  };
  machine.load(program, CellSection::j4, 0);
  load(0);
  program.commit();
  machine.start_at(program, start);
  program.meter_clear();
  for (int k = 1; k <= kSegments; ++k) {
    load(kTime * k / kSegments);
    program.ramp(machine.time(kTime / kSegments));
  }
  program.meter_snapshot().sample();
  const Result result = machine.run(program, shots);
  BlockedMeans means(3);
  const auto meters = machine.meters(result);
  for (std::uint32_t shot = 0; shot < shots; ++shot) {
    const double x = result.capture.state(shot, 0)[0];
    means.add(shot, {meters[shot].heat + std::log(kWidth), x, x * x});
  }
  const double least = (kShift * kShift + (1 - kWidth) * (1 - kWidth)) / kTime;
  const double exact = transport_heat() + std::log(kWidth);
  const double bias = dt > 0 ? stepped_transport_heat(machine.stepper(), dt) + std::log(kWidth) - exact : 0;
  bench.check("entropy production of a linear transport", exact, means.mean_estimate(0), bias);
  bench.check("mean at the end", kShift, means.mean_estimate(1)).floor = 0.02;
  // 16 straight pieces of the drive come this close to the bound.
  Check& bound = bench.check("entropy production above W2^2/(D tau)", least, means.mean_estimate(0));
  bound.bound = Bound::at_least;
}

/// V = h (x^2 - 1)^2, either well -> the right one: barrier off, tilt, barrier on, tilt off, a quarter of the time
/// each. Checks the work against the least there is for this time, and returns it.
measure::Estimate erase(Bench& bench, double height, double tilt, double tau, double samples) {
  Machine& machine = bench.machine();
  const auto well = reference::double_well(height);
  const std::uint32_t shots = machine.count(samples);
  const std::vector<float> start = law_states(machine, well.law(1), shots);
  Program program = machine.program(1);
  machine.quartic(program, well.j2, well.j4, 0);
  program.commit();
  machine.start_at(program, start);
  program.meter_clear();
  machine.load(program, CellSection::j2, 0);
  program.ramp(machine.time(tau / 4));
  machine.load(program, CellSection::bias, -tilt);
  program.ramp(machine.time(tau / 4));
  machine.load(program, CellSection::j2, well.j2);
  program.ramp(machine.time(tau / 4));
  machine.load(program, CellSection::bias, 0);
  program.ramp(machine.time(tau / 4)).meter_snapshot().sample();
  const Result result = machine.run(program, shots);
  const auto meters = machine.meters(result);
  BlockedMeans means(2);
  for (std::uint32_t shot = 0; shot < shots; ++shot) {
    means.add(shot, {meters[shot].work, result.capture.state(shot, 0)[0] > 0 ? 1.0 : 0.0});
  }
  const auto work = means.mean_estimate(0), right = means.mean_estimate(1);
  const double wrong = std::max(1 - right.value, 1e-9);
  const double uncertain = -wrong * std::log(wrong) - (1 - wrong) * std::log1p(-wrong);  // what was not erased
  const std::string name = "erasure of h = " + numerics::fixed(height).substr(0, height < 10 ? 1 : 2) + " in " +
                           numerics::fixed(tau).substr(0, tau < 10 ? 1 : 2);
  bench.check(name + ": work above ln 2 + W2^2/(D tau)", reference::erasure_work_bound(height, 1, tau) - uncertain, work)
      .bound = Bound::at_least;
  // A barrier of 2 kT holds no bit for long.
  if (tau > 4) bench.check(name + ": bits in the right well", height < 4 ? 0.75 : 0.9, right).bound = Bound::at_least;
  return work;
}

void erasure(Bench& bench) {
  Machine& machine = bench.machine();
  constexpr double kHeight = 4, kTilt = 5;
  Curve curve{"Work of erasing a bit, h = 4", "duration", "<W>/kT",
              {{"device", {}, {}, {}}, {"ln 2 + W2^2/(D tau)", {}, {}, {}}, {"ln 2", {}, {}, {}}}};
  machine.step(5e-4, 2.5e-3);
  for (const auto& [tau, samples] : {std::pair{2.0, 8192.0}, {5.0, 8192.0}, {20.0, 4096.0}}) {
    const auto work = erase(bench, kHeight, kTilt, tau, samples);
    curve.series[0].x.push_back(tau);
    curve.series[0].y.push_back(work.value);
    curve.series[0].error.push_back(work.standard_error);
  }
  for (int k = 2; k <= 40; ++k) {
    curve.series[1].x.push_back(0.5 * k);
    curve.series[1].y.push_back(reference::erasure_work_bound(kHeight, 1, 0.5 * k));
    curve.series[2].x.push_back(0.5 * k);
    curve.series[2].y.push_back(std::log(2.0));
  }
  bench.last().curve = curve;
}

void other_heights(Bench& bench) {
  bench.machine().step(1e-4, 1e-3);
  for (const double height : {2.0, 8.0, 16.0}) erase(bench, height, 1 + height / 2, 5, 4096);
}

}  // namespace

std::span<const Row> landauer_rows() {
  static const Row rows[] = {
      {"transport", "N(0, 1) to N(2, 1/4), mean and width linear in time: entropy production is W2^2/(D tau)",
       {.meters = true, .j2 = 2.5, .bias = 9.2, .state = 6}, false, transport},
      {"erasure", "a double well's bit set to 1: work stays above Landauer's bound for finite time",
       {.meters = true, .j2 = 8, .j4 = 4, .bias = 5, .keys = "stepper=heun"}, false, erasure},
      {"erasure-heights", "the same for wells of height 2, 8 and 16",
       {.meters = true, .j2 = 32, .j4 = 16, .bias = 9, .keys = "stepper=heun"}, false, other_heights},
  };
  return rows;
}

}  // namespace heatbath::validation
