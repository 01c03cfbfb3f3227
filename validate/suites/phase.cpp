// Phase oscillators: synchronisation (Sasa, arXiv:1501.00055), locking, washboards. At kT = 1 the diffusion D is 1:
// couplings and frequencies are in units of it.
#include <cmath>
#include <cstdio>
#include <numbers>
#include <vector>

#include "heatbath/measure/free_energy.hpp"
#include "heatbath/measure/irreversibility.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/regs.h"
#include "oracles/boltzmann_cell.hpp"
#include "oracles/kuramoto.hpp"
#include "validate/predicted_bias.hpp"
#include "validate/suites/rows.hpp"

namespace heatbath::validation {
namespace {

using measure::BlockedMeans;

constexpr double kPi = std::numbers::pi;
constexpr CellKind kPhase = CellKind::phase;

std::optional<reference::OneStepChain> phase_chain(Machine& machine, reference::Function force) {
  return one_step_chain(machine.stepper(), std::move(force), machine.dt(), reference::OneStepChain::Domain::circle, -kPi,
                        kPi, 96);
}

std::vector<float> uniform_phases(Machine& machine, std::size_t count) {
  numerics::RandomStream random(machine.next_seed());
  std::vector<float> phases(count);
  for (float& phase : phases) phase = static_cast<float>(kPi * (2 * random.uniform() - 1));
  return phases;
}

void phase_cells(Machine& machine, Program& program, double bias, double j2, double frequency) {
  machine.load(program, CellSection::bias, bias);
  machine.load(program, CellSection::j2, j2);
  machine.load(program, CellSection::frequency, frequency);
}

// <r^2> of N oscillators against the exact value for this N.
struct Point {
  double coupling, samples;
  double step = 0.012;  ///< of a stepper of second order: weak coupling bears a longer one
};
void kuramoto(Bench& bench, std::uint32_t size, const std::vector<Point>& points, double settle, double period) {
  Machine& machine = bench.machine();
  const std::uint32_t copies = std::max(1u, machine.cells(64) / size), cells = copies * size;
  Curve curve{"Order of " + std::to_string(size) + " oscillators", "K/D", "<r^2>",
              {{"device", {}, {}, {}}, {"exact for this number", {}, {}, {}}, {"infinitely many", {}, {}, {}}}};
  Check* last = nullptr;
  for (const auto& [k, samples, step] : points) {
    machine.step(0.002, step);
    const std::uint32_t records = 40, shots = machine.count(samples / records / copies, 64);
    Program program = machine.program(cells);
    phase_cells(machine, program, 0, 0, 0);
    std::vector<double> matrix(std::size_t{size} * size, -k / size);
    machine.copies(program, matrix, size);
    program.commit();
    // Half of the copies from order, half from disorder.
    std::vector<float> start = uniform_phases(machine, std::size_t{shots} * cells);
    for (std::uint32_t shot = 0; shot < shots; shot += 2) {
      for (std::uint32_t cell = 0; cell < cells; ++cell) start[std::size_t{shot} * cells + cell] *= 0.2f;
    }
    machine.start_at(program, start);
    program.evolve(machine.time(settle)).capture_start(machine.time(period));
    program.evolve(machine.time(period) * (records - 1));
    const Result result = machine.run(program, shots, cells);
    BlockedMeans means(1);
    for (std::uint32_t shot = 0; shot < shots; ++shot) {
      for (std::uint32_t record = 0; record < records; ++record) {
        const auto state = result.capture.state(shot, record);
        for (std::uint32_t copy = 0; copy < copies; ++copy) {
          double c = 0, s = 0;
          for (std::uint32_t i = 0; i < size; ++i) {
            c += std::cos(double{state[copy * size + i]});
            s += std::sin(double{state[copy * size + i]});
          }
          means.add(std::size_t{shot} * copies + copy, {(c * c + s * s) / size / size});
        }
      }
    }
    const double exact = reference::kuramoto_mean_square_order(static_cast<int>(size), k);
    // The bias of one oscillator in the mean field of the others, for the field it has.
    const double field = k * std::sqrt(exact);
    const auto chain = phase_chain(machine, [=](double th) { return -field * std::sin(th); });
    double bias = 0;
    if (chain) {
      const auto order = [&](const reference::OneStepChain& one) { return one.average([](double th) { return std::cos(th); }); };
      const double ideal = reference::BoltzmannLaw([=](double th) { return -field * std::cos(th); }, 1, -kPi, kPi)
                               .average([](double th) { return std::cos(th); });
      bias = 2 * std::sqrt(exact) * (order(*chain) - ideal);
    }
    const auto square = means.mean_estimate(0);
    last = &bench.check("<r^2> of " + std::to_string(size) + " oscillators, K/D = " + numerics::fixed(k).substr(0, 3), exact,
                        square, bias);
    last->relative = 0.003;
    curve.series[0].x.push_back(k);
    curve.series[0].y.push_back(square.value);
    curve.series[0].error.push_back(square.standard_error);
  }
  for (int step = 5; step <= 60; ++step) {
    const double k = 0.1 * step, r = reference::kuramoto_order(k);
    curve.series[1].x.push_back(k);
    curve.series[1].y.push_back(reference::kuramoto_mean_square_order(static_cast<int>(size), k));
    curve.series[2].x.push_back(k);
    curve.series[2].y.push_back(r * r);
  }
  last->curve = curve;
}

// Samples where the standard error is two thirds of what is allowed or less: disorder wants more of them.
void two_oscillators(Bench& bench) { kuramoto(bench, 2, {{0.5, 2.5e5, 0.02}, {1, 2.5e5, 0.02}, {2, 2e5}, {3, 1.2e5}, {4, 6e4}, {6, 4e4, 0.008}}, 8, 0.5); }
void sixteen_oscillators(Bench& bench) { kuramoto(bench, 16, {{1, 2.6e5, 0.04}, {3, 6e4, 0.02}, {6, 5e3}}, 10, 1.0); }
void every_size(Bench& bench) {
  for (const std::uint32_t size : {3u, 4u, 8u}) {
    kuramoto(bench, size, {{0.5, 3e5, 0.04}, {1, 3e5, 0.04}, {2, 2e5, 0.02}, {3, 1e5, 0.015}, {4, 4e4}, {6, 1e4}}, 10, 1.0);
  }
  kuramoto(bench, 16, {{0.5, 3e5, 0.04}, {2, 4e5, 0.03}, {4, 2e4}}, 12, 1.0);
}
// Beside the transition order comes and goes slowly: records further apart there.
void sixty_four(Bench& bench) {
  kuramoto(bench, 64, {{0.5, 1.6e5, 0.05}, {1, 2e5, 0.05}}, 10, 2.0);
  kuramoto(bench, 64, {{2, 2e5, 0.04}}, 40, 4.0);
  kuramoto(bench, 64, {{3, 4e4, 0.02}, {4, 1e4, 0.015}, {6, 5e3, 0.01}}, 20, 2.0);
}

// r = I1(K r/D)/I0(K r/D): one oscillator in the field that infinitely many make keeps up that field.
void mean_field(Bench& bench) {
  Machine& machine = bench.machine();
  Curve curve{"Order parameter of infinitely many oscillators", "K/D", "r", {{"device", {}, {}, {}}, {"exact", {}, {}, {}}}};
  Check* last = nullptr;
  for (const double k : {2.05, 2.1, 2.2, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0}) {
    machine.step(5e-4, 0.007);
    const double r = reference::kuramoto_order(k), field = k * r;
    const std::uint32_t cells = machine.cells(256), shots = (machine.count(k < 2.08 ? 65536 : k < 5 ? 32768 : 16384) + cells - 1) / cells, records = 8;
    Program program = machine.program(cells);
    phase_cells(machine, program, -field, 0, 0);
    program.commit();
    machine.start_at(program, std::vector<float>(std::size_t{shots} * cells));
    program.evolve(machine.time(4)).capture_start(machine.time(1)).evolve(machine.time(1) * (records - 1));
    const Result result = machine.run(program, shots, cells);
    BlockedMeans means(1);
    for (std::uint32_t shot = 0; shot < shots; ++shot) {
      for (std::uint32_t record = 0; record < records; ++record) {
        const auto state = result.capture.state(shot, record);
        for (std::uint32_t cell = 0; cell < cells; ++cell)
          means.add(std::size_t{shot} * cells + cell, {std::cos(double{state[cell]})});
      }
    }
    const auto chain = phase_chain(machine, [=](double th) { return -field * std::sin(th); });
    const double stepped = chain ? chain->average([](double th) { return std::cos(th); }) : r;
    const auto order = means.mean_estimate(0);
    last = &bench.check("r(K/D = " + numerics::fixed(k).substr(0, k < 2.08 || k >= 10 ? 4 : 3) + ") of infinitely many oscillators", r,
                        order, stepped - r);
    curve.series[0].x.push_back(k);
    curve.series[0].y.push_back(order.value);
    curve.series[0].error.push_back(order.standard_error);
  }
  for (int step = 0; step <= 85; ++step) {
    curve.series[1].x.push_back(1.5 + 0.1 * step);
    curve.series[1].y.push_back(reference::kuramoto_order(1.5 + 0.1 * step));
  }
  last->curve = curve;
}

/// Paths of uncoupled oscillators, turns counted: total phase at `times` after `settle`, by shot and cell.
struct Turning {
  std::vector<std::vector<double>> at;  ///< [time][oscillator]
  std::vector<hb_meters_t> meters;      ///< per shot, sums over its cells, over all of the times
  std::uint32_t cells = 0;
};
Turning turn(Machine& machine, double force, double amplitude, double settle, const std::vector<double>& times,
             double oscillators, bool metered) {
  const std::uint32_t cells = machine.cells(64), shots = (machine.count(oscillators) + cells - 1) / cells;
  Program program = machine.program(cells);
  phase_cells(machine, program, -amplitude, 0, force);
  program.commit();
  machine.start_at(program, uniform_phases(machine, std::size_t{shots} * cells));
  program.evolve(machine.time(settle)).sample();
  if (metered) program.meter_clear();
  double before = 0;
  for (const double t : times) {
    program.evolve(machine.time(t - before)).sample();
    before = t;
  }
  if (metered) program.meter_snapshot();
  const Result result = machine.run(program, shots, 2 * cells);
  Turning out;
  out.cells = cells;
  if (metered) out.meters = machine.meters(result);
  const auto angle = [&](std::uint32_t shot, std::size_t record, std::uint32_t cell) {
    const auto state = result.capture.state(shot, record);
    return double{state[cell]} + 2 * kPi * double{state[cells + cell]};
  };
  for (std::size_t k = 0; k < times.size(); ++k) {
    std::vector<double> moved;
    for (std::uint32_t shot = 0; shot < shots; ++shot) {
      for (std::uint32_t cell = 0; cell < cells; ++cell) moved.push_back(angle(shot, k + 1, cell) - angle(shot, 0, cell));
    }
    out.at.push_back(std::move(moved));
  }
  return out;
}

// dth = (w - K sin th) dt + sqrt(2D) dW: the mean frequency of an oscillator that a signal pulls at.
void adler(Bench& bench) {
  Machine& machine = bench.machine();
  Curve curve{"Noisy Adler equation, K = 1", "detuning w", "<dth/dt>",
              {{"device, D = 0.2", {}, {}, {}}, {"device, D = 0.5", {}, {}, {}}, {"exact, D = 0.2", {}, {}, {}},
               {"exact, D = 0.5", {}, {}, {}}}};
  Check* last = nullptr;
  int which = 0;
  for (const double d : {0.2, 0.5}) {
    for (const double w : {0.25, 0.5, 0.75, 1.0, 1.25, 1.5}) {
      machine.step(4e-4, 0.008);
      const double coupling = 1 / d, detuning = w / d, t = 12;
      const Turning turned = turn(machine, detuning, coupling, 3, {t}, 32768, false);
      BlockedMeans means(1);
      const double span = machine.rounded(t);
      for (std::size_t k = 0; k < turned.at[0].size(); ++k) means.add(k, {turned.at[0][k] / span * d});
      const auto chain = phase_chain(machine, [=](double th) { return detuning - coupling * std::sin(th); });
      const double exact = reference::adler_velocity(w, 1, d);
      const auto velocity = means.mean_estimate(0);
      last = &bench.check("Adler, K = 1, D = " + numerics::fixed(d).substr(0, 3) + ": frequency at w = " +
                              numerics::fixed(w).substr(0, 4),
                          exact, velocity, chain ? chain->velocity() * d - exact : 0);
      last->floor = 0.005;
      curve.series[which].x.push_back(w);
      curve.series[which].y.push_back(velocity.value);
      curve.series[which].error.push_back(velocity.standard_error);
    }
    for (int step = 0; step <= 64; ++step) {
      curve.series[2 + which].x.push_back(0.025 * step);
      curve.series[2 + which].y.push_back(reference::adler_velocity(0.025 * step, 1, d));
    }
    ++which;
  }
  last->curve = curve;
}

// Two oscillators that pull at each other: the same with twice the diffusion for their difference.
void detuned_pair(Bench& bench) {
  Machine& machine = bench.machine();
  constexpr double kDiffusion = 0.25, kDetuning = 1, kCoupling = 1, kTime = 12;
  machine.step(4e-4, 0.008);
  const std::uint32_t copies = std::max(1u, machine.cells(64) / 2), cells = 2 * copies;
  const std::uint32_t shots = (machine.count(32768) + copies - 1) / copies;
  Program program = machine.program(cells);
  phase_cells(machine, program, 0, 0, 0);
  std::vector<double> frequencies(cells);
  for (std::uint32_t i = 0; i < cells; ++i) frequencies[i] = (i % 2 == 0 ? 0.5 : -0.5) * kDetuning / kDiffusion;
  machine.load(program, CellSection::frequency, frequencies);
  const double pull = -kCoupling / 2 / kDiffusion;
  machine.copies(program, std::vector<double>{0, pull, pull, 0}, 2);
  program.commit();
  machine.start_at(program, uniform_phases(machine, std::size_t{shots} * cells));
  program.evolve(machine.time(3)).sample().evolve(machine.time(kTime)).sample();
  const Result result = machine.run(program, shots, 2 * cells);
  BlockedMeans means(1);
  const double span = machine.rounded(kTime);
  for (std::uint32_t shot = 0; shot < shots; ++shot) {
    const auto from = result.capture.state(shot, 0), to = result.capture.state(shot, 1);
    const auto moved = [&](std::uint32_t i) {
      return double{to[i]} - from[i] + 2 * kPi * (double{to[cells + i]} - from[cells + i]);
    };
    for (std::uint32_t copy = 0; copy < copies; ++copy) {
      means.add(std::size_t{shot} * copies + copy, {(moved(2 * copy) - moved(2 * copy + 1)) / span * kDiffusion});
    }
  }
  bench.check("two oscillators, detuned by 1, K = 1, D = 0.25: difference of their frequencies",
              reference::adler_velocity(kDetuning, kCoupling, 2 * kDiffusion), means.mean_estimate(0));
}

/// Phases of independent pairs in equilibrium, by rejection.
std::vector<float> injected_phases(Machine& machine, std::size_t pairs, double coupling, double injection) {
  numerics::RandomStream random(machine.next_seed());
  std::vector<float> phases;
  while (phases.size() < 2 * pairs) {
    const double a = kPi * (2 * random.uniform() - 1), b = kPi * (2 * random.uniform() - 1);
    const double above = coupling * (1 - std::cos(a - b)) + injection * (2 - std::cos(2 * a) - std::cos(2 * b));
    if (random.uniform() < std::exp(-above)) phases.insert(phases.end(), {static_cast<float>(a), static_cast<float>(b)});
  }
  return phases;
}

/// What a step adds to <cos> and <sgn> of one oscillator under injection while its partner stays at 0.
std::pair<double, double> injection_bias(Machine& machine, double coupling, double injection) {
  const auto chain = phase_chain(machine, [=](double th) {
    return -coupling * std::sin(th) - 2 * injection * std::sin(2 * th);
  });
  if (!chain) return {0, 0};
  const reference::BoltzmannLaw law(
      [=](double th) { return -coupling * std::cos(th) - injection * std::cos(2 * th); }, 1, -kPi, kPi);
  const auto cosine = [](double th) { return std::cos(th); };
  // The sign, smoothly: the points of the chain are few. Both oscillators err.
  const auto sign = [](double th) { return std::tanh(8 * std::cos(th)); };
  return {2 * (chain->average(cosine) - law.average(cosine)), 2 * (chain->average(sign) - law.average(sign))};
}

// A second-harmonic signal makes phases binary, and their correlation that of spins.
void injected(Bench& bench, std::initializer_list<double> injections) {
  Machine& machine = bench.machine();
  constexpr double kCoupling = 0.5;
  Curve curve{"Two oscillators, J = 1/2, under second-harmonic injection", "injection Ks", "correlation",
              {{"<cos>, device", {}, {}, {}}, {"<sgn sgn>, device", {}, {}, {}}, {"<cos>", {}, {}, {}},
               {"<sgn sgn>", {}, {}, {}}}};
  Check* last = nullptr;
  for (const double ks : injections) {
    machine.step(2e-4, ks < 3 ? 0.01 : 0.004);
    const std::uint32_t copies = std::max(1u, machine.cells(64) / 2), cells = 2 * copies, records = 12;
    const std::uint32_t shots = (machine.count(ks < 3 ? 16384 : 98304) + copies - 1) / copies;
    const double period = ks < 2 ? 1.5 : 4;  // a phase turns over within 1, 10, 300 at Ks = 1, 2, 4
    Program program = machine.program(cells);
    phase_cells(machine, program, 0, -ks, 0);
    const std::vector<double> matrix{0, -kCoupling, -kCoupling, 0};
    machine.copies(program, matrix, 2);
    program.commit();
    machine.start_at(program, injected_phases(machine, std::size_t{shots} * copies, kCoupling, ks));
    program.evolve(machine.time(8)).capture_start(machine.time(period));
    program.evolve(machine.time(period) * (records - 1));
    const Result result = machine.run(program, shots, cells);
    BlockedMeans means(2);
    const auto sign = [](float th) { return std::fabs(th) < kPi / 2 ? 1.0 : -1.0; };
    for (std::uint32_t shot = 0; shot < shots; ++shot) {
      for (std::uint32_t record = 0; record < records; ++record) {
        const auto th = result.capture.state(shot, record);
        for (std::uint32_t copy = 0; copy < copies; ++copy) {
          means.add(std::size_t{shot} * copies + copy,
                    {std::cos(double{th[2 * copy]} - th[2 * copy + 1]), sign(th[2 * copy]) * sign(th[2 * copy + 1])});
        }
      }
    }
    const auto exact = reference::injected_pair(kCoupling, ks, 1);
    const std::string at = ", Ks = " + numerics::fixed(ks).substr(0, 3);
    const auto cosine = means.mean_estimate(0), signs = means.mean_estimate(1);
    const auto [cosine_bias, sign_bias] = injection_bias(machine, kCoupling, ks);
    bench.check("injection: <cos(th1 - th2)>" + at, exact.cosine, cosine, cosine_bias);
    last = &bench.check("injection: <sgn sgn>" + at, exact.sign, signs, sign_bias);
    last->floor = 0.004;
    for (int k = 0; k < 2; ++k) {
      curve.series[k].x.push_back(ks);
      curve.series[k].y.push_back(k == 0 ? cosine.value : signs.value);
      curve.series[k].error.push_back(k == 0 ? cosine.standard_error : signs.standard_error);
    }
  }
  for (int step = 0; step <= 40; ++step) {
    const auto exact = reference::injected_pair(kCoupling, 0.1 * step, 1);
    for (int k = 0; k < 2; ++k) {
      curve.series[2 + k].x.push_back(0.1 * step);
      curve.series[2 + k].y.push_back(k == 0 ? exact.cosine : exact.sign);
    }
  }
  last->curve = curve;
}

void injection(Bench& bench) { injected(bench, {0.0, 0.5, 1.0, 2.0}); }
void strong_injection(Bench& bench) { injected(bench, {4.0}); }

// Uniform drift: the thermodynamic uncertainty relation holds as an equality, the fluctuation theorem at every time.
void uniform_drift(Bench& bench) {
  Machine& machine = bench.machine();
  machine.step(0.02, 0.02);
  constexpr double kForce = 1, kTime = 1;
  const bool metered = machine.capabilities().meters;
  const Turning turned = turn(machine, kForce, 0, 0.1, {kTime}, 65536, metered);
  const double t = machine.rounded(kTime);
  BlockedMeans means(2);
  std::vector<double> forward, reverse;
  for (std::size_t k = 0; k < turned.at[0].size(); ++k) {
    const double x = turned.at[0][k];
    means.add(k, {x, x * x});
    (k % 2 == 0 ? forward : reverse).push_back(kForce * x);
  }
  bench.check("uniform drift: velocity", kForce, means.estimate([=](auto m) { return m[0] / t; }));
  bench.check("uniform drift: diffusion", 1, means.estimate([=](auto m) { return (m[1] - m[0] * m[0]) / (2 * t); }));
  bench.check("uniform drift: uncertainty product", 2,
              means.estimate([=](auto m) { return (m[1] - m[0] * m[0]) * kForce / m[0]; }));
  bench.check("uniform drift: slope of ln P(x)/P(-x) over v x/D", 1, measure::crooks_crossing(forward, reverse, 1).slope);
  if (metered) {
    BlockedMeans heat(1);
    for (std::size_t k = 0; k < turned.meters.size(); ++k) heat.add(k, {turned.meters[k].heat_path / turned.cells / t});
    bench.check("uniform drift: heat per unit of time", kForce * kForce, heat.mean_estimate(0));
  }
}

/// Mean path heat over kT of one step from x, D = 1: F o dx under Heun, (|w~|^2 - |w|^2)/2 of forward and backward
/// noises under Euler–Maruyama. Noise on a grid of 1/8, which for smooth forces is exact to rounding.
double step_heat(Stepper stepper, const reference::Function& force, double dt, double x) {
  const double s = std::sqrt(2 * dt);
  double sum = 0, norm = 0;
  for (int k = -64; k <= 64; ++k) {
    const double n = k / 8.0, weight = std::exp(-n * n / 2), to = x + force(x) * dt + s * n;
    double heat;
    if (stepper == Stepper::euler_maruyama) {
      const double back = (x - to - force(to) * dt) / s;
      heat = (back * back - n * n) / 2;
    } else {
      const double end = x + (force(x) + force(to)) * dt / 2 + s * n;
      heat = (force(x) + force(end)) * (end - x) / 2;
    }
    sum += weight * heat;
    norm += weight;
  }
  return sum / norm;
}

struct Washboard {
  double force, amplitude, diffusion;
  double settle, first, second, oscillators;
};

void washboard(Bench& bench, const Washboard& board) {
  Machine& machine = bench.machine();
  machine.step(5e-4, 0.01);
  const double d = board.diffusion, force = board.force / d, amplitude = board.amplitude / d;
  const bool metered = machine.capabilities().meters;
  const Turning turned =
      turn(machine, force, amplitude, board.settle, {board.first, board.second}, board.oscillators, metered);
  const double t1 = machine.rounded(board.first), t2 = machine.rounded(board.first) + machine.rounded(board.second - board.first);
  BlockedMeans means(4);
  for (std::size_t k = 0; k < turned.at[0].size(); ++k) {
    const double x = turned.at[0][k], y = turned.at[1][k];
    means.add(k, {x, x * x, y, y * y});
  }
  const auto exact = reference::cosine_washboard(board.force, board.amplitude, d);
  const auto chain = phase_chain(machine, [=](double th) { return force - amplitude * std::sin(th); });
  const std::string name = "washboard f = " + numerics::general(board.force) + ", A = " +
                           numerics::general(board.amplitude) + ", D = " + numerics::general(d) + ": ";
  const auto velocity = [=](std::span<const double> m) { return m[2] / t2; };
  // Var(x)/2t approaches D_eff as 1/t: the difference of two times is rid of that.
  const auto spread = [=](std::span<const double> m) {
    return ((m[3] - m[2] * m[2]) - (m[1] - m[0] * m[0])) / (2 * (t2 - t1));
  };
  const double shift = chain ? chain->velocity() * d - exact.velocity : 0;
  bench.check(name + "velocity", exact.velocity, means.estimate([=](auto m) { return velocity(m) * d; }), shift).floor = 0.005;
  bench.check(name + "diffusion", exact.diffusion, means.estimate([=](auto m) { return spread(m) * d; }));
  bench.check(name + "uncertainty product", exact.uncertainty_product,
              means.estimate([=](auto m) { return 2 * spread(m) * force / velocity(m); }));
  bench.check(name + "uncertainty product is at least 2", 2,
              means.estimate([=](auto m) { return 2 * spread(m) * force / velocity(m); })).bound = Bound::at_least;
  if (metered) {
    BlockedMeans heat(1);
    for (std::size_t k = 0; k < turned.meters.size(); ++k) heat.add(k, {turned.meters[k].heat_path / turned.cells / t2 * d});
    const double dt = machine.dt();
    const reference::Function pull = [=](double th) { return force - amplitude * std::sin(th); };
    const double expected = board.force * exact.velocity / d;
    bench.check(name + "heat per unit of time over kT", expected, heat.mean_estimate(0),
                chain ? chain->average([&](double th) { return step_heat(machine.stepper(), pull, dt, th); }) / dt * d - expected
                      : 0);
  }
}

void washboards(Bench& bench) {
  washboard(bench, {0.5, 1, 1, 4, 4, 14, 53248});
  washboard(bench, {1, 1, 1, 4, 4, 14, 53248});
  washboard(bench, {2, 1, 1, 3, 3, 10, 53248});
}
void cold_washboard(Bench& bench) { washboard(bench, {0.75, 1, 0.2, 8, 8, 24, 81920}); }

}  // namespace

std::span<const Row> phase_rows() {
  constexpr std::string_view kKeys = "cell=phase&stepper=heun";
  static const Row rows[] = {
      {"two-oscillators", "<r^2> of a pair",
       {.kind = kPhase, .cells = 2, .coupling = 1.5, .keys = kKeys, .best_cells = 64, .best_lanes = 256}, false,
       two_oscillators},
      {"kuramoto-16", "<r^2> of 16 oscillators, exact for a finite number",
       {.kind = kPhase, .cells = 16, .coupling = 0.4, .keys = kKeys, .best_cells = 64, .best_lanes = 256}, false,
       sixteen_oscillators},
      {"kuramoto-sizes", "<r^2> of 3, 4, 8 and 16 oscillators at six couplings",
       {.kind = kPhase, .cells = 16, .coupling = 2, .keys = kKeys, .best_cells = 64, .best_lanes = 256}, true, every_size},
      {"kuramoto-64", "<r^2> of 64 oscillators",
       {.kind = kPhase, .cells = 64, .coupling = 0.1, .keys = kKeys, .best_cells = 64, .best_lanes = 256}, true, sixty_four},
      {"mean-field", "the order parameter r(K/D), by one oscillator in the field of infinitely many",
       {.kind = kPhase, .bias = 9.5, .keys = kKeys, .best_cells = 256, .best_lanes = 64}, false, mean_field},
      {"adler", "mean frequency under a pulling signal, with noise",
       {.kind = kPhase, .bias = 5, .keys = kKeys, .best_cells = 64, .best_lanes = 256}, false, adler},
      {"detuned-pair", "two oscillators of different frequency pull at each other",
       {.kind = kPhase, .cells = 2, .coupling = 2, .keys = kKeys, .best_cells = 64, .best_lanes = 256}, false, detuned_pair},
      {"injection", "a pair under second-harmonic injection",
       {.kind = kPhase, .cells = 2, .j2 = 2, .coupling = 0.5, .keys = kKeys, .best_cells = 64, .best_lanes = 256}, false,
       injection},
      {"strong-injection", "the same at Ks = 4, where phases seldom turn over",
       {.kind = kPhase, .cells = 2, .j2 = 4, .coupling = 0.5, .keys = kKeys, .best_cells = 64, .best_lanes = 256}, true,
       strong_injection},
      {"uniform-drift", "uncertainty relation as an equality, fluctuation theorem",
       {.kind = kPhase, .keys = kKeys, .best_cells = 64, .best_lanes = 256}, false, uniform_drift},
      {"washboard", "velocity, diffusion, heat and uncertainty product in a tilted periodic potential",
       {.kind = kPhase, .bias = 1, .keys = kKeys, .best_cells = 64, .best_lanes = 256}, false, washboards},
      {"cold-washboard", "the same where noise is weak: an uncertainty product of 16.5",
       {.kind = kPhase, .bias = 5, .keys = kKeys, .best_cells = 64, .best_lanes = 256}, true, cold_washboard},
  };
  return rows;
}

}  // namespace heatbath::validation
